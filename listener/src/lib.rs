//! Serves HTTP/1.1 with the limits of a server that anyone can reach.
//!
//! ```text
//!  accept ─► a place ─► head ─► body ─► router ─► answer ─┐
//!              ▲         └──────┬─────┘            │      │
//!              │      may lose its place    keeps it    next request
//!              └── all taken: the oldest of those goes ◄──┘
//! ```
//! A client is bounded in what it holds and in how long: connections, heads,
//! bodies, and pauses in sending and taking ([`Limits`]). When all places are
//! taken, the connection that has sent nothing for longest gives its place to the
//! new one, of the address that holds most such places (of IPv6: the network of 64
//! bits). Bodies share their memory in the same way. So clients that hold
//! connections open, with half a request or none, keep nobody out; requests that
//! have come in whole are never given up for others.
//!
//! What this does not protect from: whole requests that take long to answer. Who
//! may make them, and how many, is for the router to say.

mod body;
mod limits;
mod places;
mod serving;
mod stalling;

pub use limits::Limits;
pub use serving::serve;
