//! Runs that begin where something else ended: in a scope that is there already,
//! and in the conversation of an earlier run.

use std::sync::Arc;

use memex_runtime::Snapshot;
use memex_trajectories::Trajectory;
use parking_lot::Mutex;

/// Where a run begins, in place of an empty scope and an empty conversation.
///
/// The scope is that of a snapshot of the agent's own sandbox. It needs the backend
/// `in_process`; a scope that is lost begins there anew.
#[derive(Clone, Default)]
pub struct Beginning {
    /// The state in which the scope begins. Default: an empty one.
    pub scope: Option<Snapshot>,
    /// The objects in it, as models are told of them: `name: what it is`.
    pub described: Vec<String>,
    /// The run that this one goes on from. Its steps are the first of this run's
    /// record, but for the instructions to the model, which are this run's own.
    pub after: Option<Trajectory>,
}

impl std::fmt::Debug for Beginning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beginning")
            .field("scope", &self.scope.is_some())
            .field("described", &self.described)
            .field("after", &self.after.as_ref().map(|run| &run.id))
            .finish()
    }
}

/// Where a run leaves its scope when it is over, for another to begin in.
#[derive(Clone, Default)]
pub struct KeptScope(Arc<Mutex<Option<Snapshot>>>);

impl std::fmt::Debug for KeptScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeptScope").finish_non_exhaustive()
    }
}

impl KeptScope {
    /// The scope; none if the run had none, or its code never ran.
    #[must_use]
    pub fn take(&self) -> Option<Snapshot> {
        self.0.lock().take()
    }

    pub(super) fn put(&self, scope: Option<Snapshot>) {
        *self.0.lock() = scope;
    }
}
