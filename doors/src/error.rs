//! Errors of a door as a whole; what one request fails with is told to its client.

use std::io;
use std::net::SocketAddr;

/// Why a door cannot be opened, or did not stay open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer does not speak the protocol.
    #[error("the client does not speak the protocol: {0}")]
    Protocol(String),
    /// The standard streams broke.
    #[error("the connection to the client broke: {0}")]
    Stream(#[from] io::Error),
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// A session cannot be assembled.
    #[error(transparent)]
    Sessions(#[from] memex_sessions::Error),
    /// A session failed on the host's side.
    #[error(transparent)]
    Runtime(#[from] memex_runtime::Error),
}
