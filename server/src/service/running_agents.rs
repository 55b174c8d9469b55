//! What of agents and memories the service holds.

use memex_mem_agent::Workplace;
use parking_lot::{Mutex, RwLock};

use crate::agents::{Catalogue, Counts, Runs};

/// The agents that clients may run, those that do, and what they use.
#[derive(Debug, Default)]
pub(super) struct RunningAgents {
    pub(super) catalogue: RwLock<Catalogue>,
    pub(super) runs: Runs,
    pub(super) counts: Counts,
}

/// What memories have in common.
#[derive(Default)]
pub(super) struct Memories {
    /// The sandbox of their agents' code, made when it is first needed; it is that of one
    /// memory, and lent to the others.
    pub(super) workplace: Mutex<Option<Workplace>>,
    /// Held while one is counted and made.
    pub(super) making: Mutex<()>,
}
