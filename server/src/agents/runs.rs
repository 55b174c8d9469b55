//! The runs that this process knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::run::Run;
use crate::names::Id;

/// The runs of all tenants, in the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    next: u64,
    runs: BTreeMap<u64, Arc<Run>>,
}

impl Runs {
    /// Adds a run. Of the tenant's runs that have ended, the oldest are forgotten beyond
    /// `most` of them all.
    pub(crate) fn insert(&self, run: &Arc<Run>, most: usize) -> Vec<Arc<Run>> {
        let mut known = self.0.lock();
        let number = known.next;
        known.next += 1;
        known.runs.insert(number, Arc::clone(run));
        let own = known
            .runs
            .iter()
            .filter(|(_, other)| other.tenant == run.tenant);
        let ended: Vec<u64> = own
            .clone()
            .filter(|(_, other)| !other.is_running())
            .map(|(number, _)| *number)
            .collect();
        let over = own.count().saturating_sub(most);
        let gone = ended.into_iter().take(over);
        gone.filter_map(|number| known.runs.remove(&number))
            .collect()
    }

    pub(crate) fn find(&self, tenant: &str, id: &Id) -> Option<Arc<Run>> {
        let known = self.0.lock();
        let mut runs = known.runs.values();
        runs.find(|run| run.tenant == tenant && run.id == *id)
            .cloned()
    }

    /// Forgets a run.
    pub(crate) fn remove(&self, tenant: &str, id: &Id) {
        let mut known = self.0.lock();
        known
            .runs
            .retain(|_, run| run.tenant != tenant || run.id != *id);
    }

    /// The newest runs of a tenant.
    pub(crate) fn newest(&self, tenant: &str, most: usize) -> Vec<Arc<Run>> {
        let known = self.0.lock();
        let own = known.runs.values().rev().filter(|run| run.tenant == tenant);
        own.take(most).cloned().collect()
    }

    /// Those that run, of all tenants.
    pub(crate) fn running(&self) -> Vec<Arc<Run>> {
        let known = self.0.lock();
        let running = known.runs.values().filter(|run| run.is_running());
        running.cloned().collect()
    }
}
