//! Serves HTTP/1.1 with limits for untrusted clients, with TLS or without.
//!
//! ```text
//!  accept ─► a place ─► head ─► body ─► router ─► answer ─┐
//!              ▲         └──────┬─────┘            │      │
//!              │      may lose its place    keeps it    next request
//!              └── all taken: the oldest of those goes ◄──┘
//! ```
//! A client is limited in size and time: connections, heads, bodies, and pauses
//! in sending and reading ([`Limits`]). When all places are
//! taken, the connection that has sent nothing for longest gives its place to the
//! new one, of the address that holds most such places (of IPv6: the network of 64
//! bits). Bodies share their memory in the same way. So clients that hold
//! connections open, with half a request or none, cannot keep others out;
//! requests that have arrived completely are never closed for others.
//!
//! A handshake of TLS counts as part of the first head, in time and in its place.
//!
//! Not covered: complete requests that take long to answer. The router decides
//! who may make them, and how many.

mod body;
mod limits;
mod places;
mod serving;
mod stalling;

pub use limits::Limits;
pub use serving::{serve, serve_tls};
pub use tokio_rustls::TlsAcceptor;
