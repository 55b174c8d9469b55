//! Which node runs a session, and what its last committed turn was.
//!
//! ```text
//!            claim ──► lease (node, epoch)
//!  node A ────┤
//!             └─ commit(expected n) ──► log of the session: … n, n+1     the turn happened
//!  node B ─────── commit(expected n) ──► refused: n+1 is the last        it did not
//! ```
//! Where a session stands is the last entry of its log, and an entry is added only by
//! who knows the one before it. So a node that was thought dead and was not may still
//! compute, but what it commits is refused once another node has committed: the log has
//! no branches, and a turn is in it once or not at all. A lease says who *should* run
//! the session and spares two nodes the work; it is the log that makes it safe.
//!
//! Leases are not renewed one by one: a lease counts while its node is alive, and a node
//! is alive as long as it renews itself ([`Placement::renew`]). A session that nobody
//! asks for costs nothing.
//!
//! | engine | for |
//! |---|---|
//! | [`InProcess`] | one process, and tests |
//! | [`JetStream`] | a cluster: NATS with JetStream |
//! | [`Postgres`] | teams that have PostgreSQL and no NATS |
//! | [`InBucket`] | no server besides the store of states; slow to notice a death |

mod bucket;
mod entry;
mod error;
mod in_process;
mod jetstream;
mod lease;
mod names;
mod node;
mod numbers;
mod placement;
mod postgres;

pub use bucket::InBucket;
pub use entry::{Committed, ENTRY_BYTES_MAX, Entry, State};
pub use error::Error;
pub use in_process::InProcess;
pub use jetstream::JetStream;
pub use lease::{Claim, Lease};
pub use names::{NAME_BYTES_MAX, Name};
pub use node::{Node, NodeState, Settings};
pub use numbers::{Epoch, Sequence};
pub use placement::Placement;
pub use postgres::Postgres;
