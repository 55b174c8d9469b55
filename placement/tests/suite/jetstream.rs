use crate::{conformance, entry, name, servers, settings};
use memex_placement::{Claim, Error, JetStream, NodeState, Placement};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_is_a_placement() {
    let directory = tempfile::tempdir().unwrap();
    let server = servers::nats(directory.path());
    let url = format!("nats://127.0.0.1:{}", server.port);
    let settings = settings();
    let mut connections: Vec<Arc<dyn Placement>> = Vec::new();
    for _ in 0..3 {
        let placement = JetStream::connect(&url, settings.clone()).await.unwrap();
        connections.push(Arc::new(placement));
    }
    conformance::all(&connections).await;
}

/// A broker that is killed: requests fail in words and in time; afterwards all that was
/// acknowledged is there, and a node with its old connection goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = servers::nats(directory.path());
    let url = format!("nats://127.0.0.1:{}", server.port);
    let placement = JetStream::connect(&url, settings()).await.unwrap();
    let (session, node) = (name("s"), name("a"));
    placement.renew(&node, NodeState::Ready).await.unwrap();
    let Claim::Ours(lease) = placement.claim(&session, &node, None).await.unwrap() else {
        panic!("nobody else is there");
    };
    let one = placement.commit(&session, 0, &entry("a", 1)).await.unwrap();
    server.kill();
    let began = Instant::now();
    let away = placement.commit(&session, one, &entry("a", 2)).await;
    let error = away.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(
        error.to_string().starts_with("NATS did not commit: "),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(10));
    server.restart();
    // It finds its way back by itself, in seconds. The second turn waited in the connection
    // and may still happen, before or after what is read now: then the next is refused.
    loop {
        assert!(began.elapsed() < Duration::from_secs(60), "it stays away");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let Ok(last) = placement.last(&session).await else {
            continue;
        };
        let last = last.expect("what was acknowledged is there");
        assert!(last.entry == entry("a", 1) || last.entry == entry("a", 2));
        let next = entry("a", last.entry.turn + 1);
        match placement.commit(&session, last.sequence, &next).await {
            Ok(_) => break,
            Err(Error::Conflict { .. }) => {}
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
    assert_eq!(placement.owner(&session).await.unwrap(), Some(lease));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_is_told() {
    let began = Instant::now();
    let refused = JetStream::connect("nats://127.0.0.1:1", settings()).await;
    let error = refused.unwrap_err();
    assert!(
        error.is_transient() && error.to_string().contains("NATS"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(10));
}
