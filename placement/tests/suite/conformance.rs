//! The same demands of every engine. What is given are connections to one cluster, as
//! different nodes have them.

use crate::{KEPT, LIFETIME, entry, name};
use memex_placement::{Claim, Error, Lease, Name, NodeState, Placement};
use std::collections::BTreeSet;
use std::sync::Arc;

type Shared = Arc<dyn Placement>;

pub(crate) async fn all(connections: &[Shared]) {
    nodes_come_and_go(connections).await;
    of_a_race_one_wins(connections).await;
    a_live_owner_keeps_its_session(connections).await;
    a_dead_owner_is_followed(connections).await;
    epochs_rise(connections).await;
    an_entry_stands_behind_the_expected_one(connections).await;
    of_commits_at_once_one_happens(connections).await;
    a_stale_owner_is_refused(connections).await;
    old_entries_go_and_stay_refused(connections).await;
    many_writers_make_one_log(connections).await;
}

fn ours(claim: Claim) -> Lease {
    match claim {
        Claim::Ours(lease) => lease,
        Claim::Theirs(lease) => panic!("{lease:?} is another's"),
    }
}

fn is_conflict<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Conflict { .. }))
}

async fn names(placement: &Shared) -> Vec<String> {
    let nodes = placement.nodes().await.unwrap();
    nodes.iter().map(|node| node.name.to_string()).collect()
}

async fn nodes_come_and_go(connections: &[Shared]) {
    let [first, second, ..] = connections else {
        panic!("two connections");
    };
    assert_eq!(names(first).await, [""; 0]);
    first.renew(&name("a"), NodeState::Ready).await.unwrap();
    second.renew(&name("b"), NodeState::Draining).await.unwrap();
    for placement in connections {
        let nodes = placement.nodes().await.unwrap();
        let seen: Vec<_> = nodes.iter().map(|n| (n.name.as_str(), n.state)).collect();
        assert_eq!(seen, [("a", NodeState::Ready), ("b", NodeState::Draining)]);
    }
    second.leave(&name("b")).await.unwrap();
    second.leave(&name("b")).await.unwrap();
    assert_eq!(names(first).await, ["a"]);
    // Renewed, a stays; silent, it goes.
    for _ in 0..4 {
        tokio::time::sleep(LIFETIME / 2).await;
        first.renew(&name("a"), NodeState::Ready).await.unwrap();
        assert_eq!(names(second).await, ["a"]);
    }
    tokio::time::sleep(LIFETIME * 2).await;
    assert_eq!(names(second).await, [""; 0]);
}

async fn of_a_race_one_wins(connections: &[Shared]) {
    let session = name("race");
    for round in 0..3 {
        let mut claims = Vec::new();
        for number in 0..8 {
            let placement = Arc::clone(&connections[number % connections.len()]);
            let (session, node) = (session.clone(), name(&format!("racer-{number}")));
            placement.renew(&node, NodeState::Ready).await.unwrap();
            claims.push(tokio::spawn(async move {
                placement.claim(&session, &node, None).await.unwrap()
            }));
        }
        let mut won = Vec::new();
        let mut told = BTreeSet::new();
        for claim in claims {
            match claim.await.unwrap() {
                Claim::Ours(lease) => won.push(lease),
                Claim::Theirs(lease) => drop(told.insert(lease.node.to_string())),
            }
        }
        assert_eq!(won.len(), 1, "round {round}: {won:?}");
        assert_eq!(told, BTreeSet::from([won[0].node.to_string()]));
        assert_eq!(
            connections[0].owner(&session).await.unwrap().as_ref(),
            Some(&won[0])
        );
        connections[0].release(&won[0]).await.unwrap();
        assert_eq!(connections[1].owner(&session).await.unwrap(), None);
    }
}

async fn alive(placement: &Shared, node: &str) -> Name {
    let node = name(node);
    placement.renew(&node, NodeState::Ready).await.unwrap();
    node
}

async fn a_live_owner_keeps_its_session(connections: &[Shared]) {
    let [first, second, ..] = connections else {
        panic!("two connections");
    };
    let session = name("kept");
    let (a, b) = (alive(first, "a").await, alive(second, "b").await);
    let lease = ours(first.claim(&session, &a, None).await.unwrap());
    let theirs = Claim::Theirs(lease.clone());
    assert_eq!(second.claim(&session, &b, None).await.unwrap(), theirs);
    // Nobody answers at another epoch's owner: that is no news of this one.
    let stale = Some(lease.epoch + 1);
    assert_eq!(second.claim(&session, &b, stale).await.unwrap(), theirs);
    // Nobody answers at this one's.
    let over = second.claim(&session, &b, Some(lease.epoch)).await.unwrap();
    let taken = ours(over);
    assert!(taken.epoch > lease.epoch && taken.node == b);
    // The first lets go of what it no longer has.
    first.release(&lease).await.unwrap();
    assert_eq!(first.owner(&session).await.unwrap(), Some(taken));
}

async fn a_dead_owner_is_followed(connections: &[Shared]) {
    let [first, second, ..] = connections else {
        panic!("two connections");
    };
    let session = name("followed");
    let (a, b) = (alive(first, "mortal").await, alive(second, "b").await);
    let lease = ours(first.claim(&session, &a, None).await.unwrap());
    // Long enough for those who judge by what they see.
    assert_eq!(
        second.claim(&session, &b, None).await.unwrap(),
        Claim::Theirs(lease.clone())
    );
    tokio::time::sleep(LIFETIME * 2).await;
    alive(second, "b").await;
    let followed = ours(second.claim(&session, &b, None).await.unwrap());
    assert!(followed.epoch > lease.epoch);
}

async fn epochs_rise(connections: &[Shared]) {
    let session = name("epochs");
    let node = alive(&connections[0], "a").await;
    let mut last = 0;
    for round in 0..6 {
        let placement = &connections[round % connections.len()];
        let lease = ours(placement.claim(&session, &node, None).await.unwrap());
        assert!(lease.epoch > last, "{} after {last}", lease.epoch);
        last = lease.epoch;
        if round % 2 == 0 {
            placement.release(&lease).await.unwrap();
        }
    }
}

async fn an_entry_stands_behind_the_expected_one(connections: &[Shared]) {
    let [first, second, ..] = connections else {
        panic!("two connections");
    };
    let session = name("log");
    assert_eq!(first.last(&session).await.unwrap(), None);
    assert!(is_conflict(first.commit(&session, 7, &entry("a", 1)).await));
    let one = first.commit(&session, 0, &entry("a", 1)).await.unwrap();
    assert!(one > 0);
    // The same again, for an answer that was lost: refused, and the log says why.
    assert!(is_conflict(first.commit(&session, 0, &entry("b", 1)).await));
    let last = second.last(&session).await.unwrap().unwrap();
    assert_eq!((last.sequence, &last.entry), (one, &entry("a", 1)));
    let two = second.commit(&session, one, &entry("b", 2)).await.unwrap();
    assert!(two > one);
    for expected in [0, one, two + 1] {
        let refused = first.commit(&session, expected, &entry("a", 3)).await;
        assert!(is_conflict(refused), "{expected}");
    }
    let last = first.last(&session).await.unwrap().unwrap();
    assert_eq!((last.sequence, last.entry), (two, entry("b", 2)));
    // Another session's log is another's.
    assert_eq!(second.last(&name("log-2")).await.unwrap(), None);
    let mut large = entry("a", 3);
    large.head = "h".repeat(17_000);
    assert!(matches!(
        first.commit(&session, two, &large).await,
        Err(Error::TooLarge { .. })
    ));
}

async fn of_commits_at_once_one_happens(connections: &[Shared]) {
    let session = name("commits");
    let mut expected = 0;
    for turn in 1..4 {
        let commits: Vec<_> = (0..8)
            .map(|number| {
                let placement = Arc::clone(&connections[number % connections.len()]);
                let session = session.clone();
                let entry = entry(&format!("node-{number}"), turn);
                tokio::spawn(async move {
                    let done = placement.commit(&session, expected, &entry).await;
                    (entry.node, done)
                })
            })
            .collect();
        let mut won = Vec::new();
        for commit in commits {
            match commit.await.unwrap() {
                (node, Ok(sequence)) => won.push((node, sequence)),
                (_, Err(Error::Conflict { .. })) => {}
                (node, Err(error)) => panic!("{node}: {error}"),
            }
        }
        assert_eq!(won.len(), 1, "{won:?}");
        let last = connections[1].last(&session).await.unwrap().unwrap();
        assert_eq!((last.entry.node, last.sequence), won.remove(0));
        expected = last.sequence;
    }
}

async fn a_stale_owner_is_refused(connections: &[Shared]) {
    let [first, second, ..] = connections else {
        panic!("two connections");
    };
    let session = name("stale");
    let (a, b) = (alive(first, "stopped").await, alive(second, "b").await);
    ours(first.claim(&session, &a, None).await.unwrap());
    let one = first.commit(&session, 0, &entry("a", 1)).await.unwrap();
    // It is stopped in its second turn, and another runs that turn.
    let seen = first.owner(&session).await.unwrap().unwrap();
    ours(second.claim(&session, &b, Some(seen.epoch)).await.unwrap());
    let loaded = second.last(&session).await.unwrap().unwrap().sequence;
    assert_eq!(loaded, one);
    let two = second
        .commit(&session, loaded, &entry("b", 2))
        .await
        .unwrap();
    // It goes on as if nothing had happened.
    assert!(is_conflict(
        first.commit(&session, one, &entry("a", 2)).await
    ));
    assert_eq!(second.last(&session).await.unwrap().unwrap().sequence, two);
}

async fn old_entries_go_and_stay_refused(connections: &[Shared]) {
    let session = name("old");
    let mut sequences = vec![0];
    for turn in 1..=u64::from(KEPT) * 3 {
        let expected = sequences.last().copied().unwrap();
        let placement = &connections[turn as usize % connections.len()];
        let done = placement
            .commit(&session, expected, &entry("a", turn))
            .await;
        sequences.push(done.unwrap());
    }
    for old in &sequences[..sequences.len() - 1] {
        let late = connections[0]
            .commit(&session, *old, &entry("late", 99))
            .await;
        assert!(is_conflict(late), "behind {old}");
    }
    let last = connections[1].last(&session).await.unwrap().unwrap();
    assert_eq!(last.entry.turn, u64::from(KEPT) * 3);
}

/// Every writer adds what it read plus one; what is in the log at the end is what was
/// said to be there.
async fn many_writers_make_one_log(connections: &[Shared]) {
    const WRITERS: usize = 4;
    const EACH: u64 = 5;
    let session = name("writers");
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let placement = Arc::clone(&connections[number % connections.len()]);
            let session = session.clone();
            tokio::spawn(async move {
                let node = format!("writer-{number}");
                let mut turns = Vec::new();
                while turns.len() < EACH as usize {
                    let last = placement.last(&session).await.unwrap();
                    let (sequence, turn) =
                        last.map_or((0, 0), |last| (last.sequence, last.entry.turn));
                    match placement
                        .commit(&session, sequence, &entry(&node, turn + 1))
                        .await
                    {
                        Ok(_) => turns.push(turn + 1),
                        Err(Error::Conflict { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                turns
            })
        })
        .collect();
    let mut turns = Vec::new();
    for writer in writers {
        turns.extend(writer.await.unwrap());
    }
    turns.sort_unstable();
    let all: Vec<u64> = (1..=WRITERS as u64 * EACH).collect();
    assert_eq!(turns, all);
}
