//! A mock model server as a process, for clients in other languages.
//!
//! `mock_model SCRIPT` prints its base URL, answers from the script, and ends with its
//! standard input. Then it prints what it was sent, as a JSON list.

use std::io::Write as _;
use std::path::Path;

use memex_mock_server::{MockServer, MockServerOptions};
use memex_models::Script;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let script = std::env::args().nth(1).ok_or("usage: mock_model SCRIPT")?;
    let script = Script::read(Path::new(&script))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let server = MockServer::start(script, MockServerOptions::default()).await?;
        let mut out = std::io::stdout();
        writeln!(out, "{}", server.base_url())?;
        out.flush()?;
        let ended = tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin()));
        ended.await??;
        let received = server.received();
        let received = received.iter().map(|request| {
            json!({ "protocol": request.protocol.name(), "path": request.path, "body": request.body })
        });
        writeln!(out, "{}", json!(received.collect::<Vec<_>>()))?;
        Ok(())
    })
}
