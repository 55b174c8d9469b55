//! The sandboxes that a signed URL without a sandbox may mean.
//!
//! A client that was given a fixed address for all sandboxes signs URLs that name
//! none: over plain HTTP there is no host name to tell them apart. The signature does,
//! since each sandbox has its own token; so it is tried with those that were used
//! last, and with no more of them.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::names::Id;

/// Sandboxes that are remembered. Each costs a forger's request two digests.
const SANDBOXES_MAX: usize = 256;

/// Sandboxes by the time of their last use, most recent first.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<Id>>);

impl Recent {
    /// A client got this sandbox's token.
    pub(super) fn used(&self, id: Id) {
        let mut ids = self.0.lock();
        ids.retain(|known| *known != id);
        ids.push_front(id);
        ids.truncate(SANDBOXES_MAX);
    }

    /// The sandbox has ended.
    pub(super) fn forget(&self, id: Id) {
        self.0.lock().retain(|known| *known != id);
    }

    /// Those to try, most recent first.
    pub(super) fn ids(&self) -> Vec<Id> {
        self.0.lock().iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept() {
        let recent = Recent::default();
        let ids: Vec<_> = (0..SANDBOXES_MAX + 1)
            .map(|_| Id::random().unwrap())
            .collect();
        for id in &ids {
            recent.used(*id);
        }
        recent.used(ids[5]);
        let kept = recent.ids();
        assert_eq!((kept.len(), kept[0]), (SANDBOXES_MAX, ids[5]));
        assert!(!kept.contains(&ids[0]));
        recent.forget(ids[5]);
        assert!(!recent.ids().contains(&ids[5]));
    }
}
