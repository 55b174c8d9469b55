//! The sandboxes that a signed URL without a sandbox may mean.
//!
//! A client that was given a fixed address for all sandboxes signs URLs that name
//! none: over plain HTTP there is no host name to tell them apart. The signature does,
//! since each token is of one sandbox and one key; so it is tried with those that were
//! given out last, and with no more of them.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::names::Id;

/// Tokens that are remembered. Each costs a forger's request two digests.
const TOKENS_MAX: usize = 256;

/// Sandboxes and the keys that got a token of them, most recent first.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<(Id, String)>>);

impl Recent {
    /// A client got this sandbox's token, by a key of this name.
    pub(super) fn used(&self, id: Id, key: &str) {
        let mut tokens = self.0.lock();
        tokens.retain(|(known, its)| *known != id || its != key);
        tokens.push_front((id, key.to_owned()));
        tokens.truncate(TOKENS_MAX);
    }

    /// The sandbox has ended.
    pub(super) fn forget(&self, id: Id) {
        self.0.lock().retain(|(known, _)| *known != id);
    }

    /// Those to try, most recent first.
    pub(super) fn tokens(&self) -> Vec<(Id, Option<String>)> {
        let tokens = self.0.lock();
        let tokens = tokens.iter().map(|(id, key)| (*id, Some(key.clone())));
        tokens.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept() {
        let recent = Recent::default();
        let ids: Vec<_> = (0..TOKENS_MAX + 1).map(|_| Id::random().unwrap()).collect();
        for id in &ids {
            recent.used(*id, "k");
        }
        recent.used(ids[5], "k");
        let of = |n: usize| (ids[n], Some("k".to_owned()));
        let kept = recent.tokens();
        assert_eq!((kept.len(), &kept[0]), (TOKENS_MAX, &of(5)));
        assert!(!kept.contains(&of(0)));
        recent.forget(ids[5]);
        assert!(!recent.tokens().contains(&of(5)));
    }
}
