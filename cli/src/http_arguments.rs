//! The options of MCP servers that listen.

use crate::console::complain;
use crate::failure::usage;
use anyhow::Result;
use clap::Args;
use memex_doors::mcp::PATH;
use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;

/// Where an MCP server listens, if it does not use standard streams.
#[derive(Debug, Args)]
pub(crate) struct HttpArguments {
    /// Listen here for streamable HTTP, instead of standard streams
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// A name under which clients may call the server, besides those of this machine
    #[arg(long, value_name = "NAME", requires = "http")]
    pub(crate) allow_host: Vec<String>,
    /// Listen at an address that other machines can reach
    #[arg(long, requires = "http")]
    public: bool,
}

impl HttpArguments {
    /// The address to listen at; none for standard streams.
    ///
    /// # Errors
    /// Other machines can reach the address, and nobody said that they may.
    pub(crate) fn address(&self) -> Result<Option<SocketAddr>> {
        match self.http {
            Some(address) if !address.ip().is_loopback() && !self.public => Err(usage(
                format!(
                    "{address} can be reached from other machines, and the server has no password"
                ),
                "listen at 127.0.0.1, or say --public",
            )),
            address => Ok(address),
        }
    }
}

/// What ends when the command is interrupted. To be called once.
///
/// # Errors
/// The system does not take a handler.
pub(crate) fn until_interrupted() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let interrupted = stop.clone();
    ctrlc::set_handler(move || interrupted.cancel())?;
    Ok(stop)
}

/// Says where a server listens.
pub(crate) fn announce(address: SocketAddr) {
    complain(&format!("serving http://{address}{PATH}"));
}
