use crate::{conformance, entry, name, servers, settings};
use memex_placement::{Placement, Postgres};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_a_placement() {
    let directory = tempfile::tempdir().unwrap();
    let server = servers::postgres(directory.path());
    let url = format!("postgresql://postgres@127.0.0.1:{}/postgres", server.port);
    let settings = settings();
    let connections = tokio::join!(
        connected(&url, settings.clone()),
        connected(&url, settings.clone()),
        connected(&url, settings),
    );
    conformance::all(&[connections.0, connections.1, connections.2]).await;
}

/// A server may take connections a moment after it listens.
async fn connected(url: &str, settings: memex_placement::Settings) -> Arc<dyn Placement> {
    let began = Instant::now();
    loop {
        match Postgres::connect(url, settings.clone()).await {
            Ok(placement) => return Arc::new(placement),
            Err(_) if began.elapsed() < Duration::from_secs(30) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = servers::postgres(directory.path());
    let url = format!(
        "postgresql://postgres@127.0.0.1:{}/postgres?sslmode=disable",
        server.port
    );
    let placement = connected(&url, settings()).await;
    let session = name("s");
    let one = placement.commit(&session, 0, &entry("a", 1)).await.unwrap();
    server.kill();
    let error = placement
        .commit(&session, one, &entry("a", 2))
        .await
        .unwrap_err();
    assert!(error.is_transient(), "{error}");
    // Its children notice that it is gone, and free what they hold.
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.restart();
    let began = Instant::now();
    let last = loop {
        match placement.last(&session).await {
            Ok(last) => break last.unwrap(),
            Err(_) if began.elapsed() < Duration::from_secs(60) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!((last.sequence, last.entry), (one, entry("a", 1)));
    placement
        .commit(&session, one, &entry("a", 2))
        .await
        .unwrap();
}
