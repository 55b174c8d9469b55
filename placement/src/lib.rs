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
mod names;
mod node;
mod postgres;

use async_trait::async_trait;

pub use bucket::InBucket;
pub use entry::{ENTRY_BYTES_MAX, Entry, State};
pub use error::Error;
pub use in_process::InProcess;
pub use jetstream::JetStream;
pub use names::{NAME_BYTES_MAX, Name};
pub use node::{Node, NodeState, Settings};
pub use postgres::Postgres;

/// Where an entry stands in the log of its session. Rises from entry to entry; 0 is
/// before the first.
pub type Sequence = u64;

/// Which of a session's leases one is. Rises from lease to lease.
pub type Epoch = u64;

/// The right to run a session until another node takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The session.
    pub session: Name,
    /// Who runs it.
    pub node: Name,
    /// Which lease this is.
    pub epoch: Epoch,
}

/// What came of asking for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The claimant runs it from now on.
    Ours(Lease),
    /// Another node runs it.
    Theirs(Lease),
}

/// The last turn of a session, as its log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Where it stands.
    pub sequence: Sequence,
    /// What it says.
    pub entry: Entry,
}

/// Who runs which session, agreed between nodes.
///
/// Every method may fail with [`Error::Unavailable`]; what was asked for may then have
/// been done all the same. For a commit, [`Placement::last`] tells: the entry names the
/// request that it answers.
#[async_trait]
pub trait Placement: Send + Sync {
    /// Says that a node is alive, for as long as [`Settings::node_lifetime`].
    async fn renew(&self, node: &Name, state: NodeState) -> Result<(), Error>;

    /// Says that a node has ended: its sessions are free at once.
    async fn leave(&self, node: &Name) -> Result<(), Error>;

    /// The nodes that are alive.
    async fn nodes(&self) -> Result<Vec<Node>, Error>;

    /// Who runs a session, whether alive or not.
    async fn owner(&self, session: &Name) -> Result<Option<Lease>, Error>;

    /// Takes a session for a node, if no node that is alive has it.
    ///
    /// With `over`, the lease of that epoch is taken as ended whatever its node's renewals
    /// say: for somebody who asked the owner and heard that nobody is there.
    async fn claim(&self, session: &Name, node: &Name, over: Option<Epoch>)
    -> Result<Claim, Error>;

    /// Gives a session back. A lease that is no longer the last is let go silently.
    async fn release(&self, lease: &Lease) -> Result<(), Error>;

    /// Adds an entry to a session's log, if the last one is at `expected`, and says where
    /// it stands. This is the moment at which a turn has happened.
    ///
    /// Fails with [`Error::Conflict`] if another entry stands there: somebody else ran the
    /// session, and whatever was computed is void.
    async fn commit(
        &self,
        session: &Name,
        expected: Sequence,
        entry: &Entry,
    ) -> Result<Sequence, Error>;

    /// The last entry of a session's log.
    async fn last(&self, session: &Name) -> Result<Option<Committed>, Error>;
}
