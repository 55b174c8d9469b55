//! What every engine does.

use crate::{Claim, Committed, Entry, Epoch, Error, Lease, Name, Node, NodeState, Sequence};
use async_trait::async_trait;

/// Who runs which session, agreed between nodes.
///
/// Every method may fail with [`Error::Unavailable`]; what was asked for may then have
/// been done all the same. For a commit, [`Placement::last`] tells: the entry names the
/// request that it answers.
#[async_trait]
pub trait Placement: Send + Sync {
    /// Says that a node is alive, for as long as [`Settings::node_lifetime`](crate::Settings::node_lifetime).
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
