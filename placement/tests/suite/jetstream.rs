use crate::{conformance, entry, name, servers, settings};
use memex_placement::{Claim, JetStream, NodeState, Placement};
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
    // It finds its way back by itself, in seconds.
    let last = loop {
        match placement.last(&session).await {
            Ok(last) => break last.unwrap(),
            Err(_) if began.elapsed() < Duration::from_secs(60) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => panic!("{error}"),
        }
    };
    // The second turn may have waited in the connection, and happened.
    assert!(last.entry == entry("a", 1) || last.entry == entry("a", 2));
    assert_eq!(placement.owner(&session).await.unwrap(), Some(lease));
    let turn = last.entry.turn + 1;
    placement
        .commit(&session, last.sequence, &entry("a", turn))
        .await
        .unwrap();
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
