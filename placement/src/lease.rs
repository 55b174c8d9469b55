//! Who runs a session.

use crate::{Epoch, Name};

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
