//! What every placement must do, tried on each of them, with real servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bucket;
mod conformance;
mod jetstream;
mod postgres;
mod servers;

use memex_placement::{Entry, InProcess, Name, Placement, Settings, State};
use std::sync::Arc;
use std::time::Duration;

/// How long a node of the tests is alive.
const LIFETIME: Duration = Duration::from_millis(1_500);
/// How many entries are kept.
const KEPT: u32 = 5;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Settings of a cluster that no other test uses.
fn settings() -> Settings {
    let mut settings = Settings::new(name(&format!("test-{:016x}", fastrand::u64(..))));
    settings.node_lifetime = LIFETIME;
    settings.entries_kept = KEPT;
    settings
}

fn entry(node: &str, turn: u64) -> Entry {
    Entry {
        turn,
        request: format!("request-{node}-{turn}"),
        node: node.to_owned(),
        state: State::Done,
        head: format!("head-{turn}"),
        image: "image".to_owned(),
        answer: format!("answer-{turn}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_process() {
    let placement: Arc<dyn Placement> = Arc::new(InProcess::new(settings()));
    conformance::all(&[Arc::clone(&placement), placement]).await;
}
