//! What several tests need.

use memex_mock_server::{MockServer, MockServerOptions};
use memex_models::{Model, ModelConfig, ModelError, NoSink, Reply, RetryPolicy, Timeouts};
use std::sync::Arc;

/// What the tests of the models themselves need too.
#[path = "../../../models/tests/models/fixtures.rs"]
#[allow(dead_code)]
mod of_models;

pub(crate) use of_models::{ask, call, script, weather};

pub(crate) async fn complete(model: &Arc<dyn Model>, text: &str) -> Result<Reply, ModelError> {
    model.complete(&ask(text), &mut NoSink).await
}

/// Waits of a tenth of a second at most, and deadlines that a busy machine
/// keeps.
pub(crate) fn config(line: &str, server: &MockServer) -> ModelConfig {
    let mut config = ModelConfig::parse(&format!("{line}@{}", server.base_url())).unwrap();
    config.options.retry = RetryPolicy {
        attempts_max: 3,
        base_ms: 2,
        wait_max_ms: 10,
        ..RetryPolicy::default()
    };
    config.options.timeouts = Timeouts {
        connect_ms: 20_000,
        first_byte_ms: 20_000,
        idle_ms: 20_000,
        total_ms: 60_000,
    };
    config
}

pub(crate) async fn serve(script_text: &str) -> MockServer {
    serve_with(script_text, MockServerOptions::default()).await
}

pub(crate) async fn serve_with(script_text: &str, options: MockServerOptions) -> MockServer {
    MockServer::start(script(script_text), options)
        .await
        .unwrap()
}

pub(crate) const LINES: [&str; 3] = ["openai:m", "openai-responses:m", "anthropic:m"];
