//! Serves a script over HTTP: `cargo run --example serve -- SCRIPT`, then
//! give the address it prints to any client of the three protocols.

use std::path::Path;

use memex_mock_server::{MockServer, MockServerOptions};
use memex_models::Script;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: serve SCRIPT")?;
    let script = Script::read(Path::new(&path))?;
    let server = MockServer::start(script, MockServerOptions::default()).await?;
    println!("{}", server.base_url());
    std::future::pending().await
}
