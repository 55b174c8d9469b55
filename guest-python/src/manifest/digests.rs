//! What is computed once of a value, and shared by its copies.

use std::sync::{Arc, OnceLock};

use crate::digest::Sha256Digest;

/// What was computed from a manifest, with a copy of it: its fields are public, and it may
/// have changed since. Copies of a manifest share it.
///
/// A start of a process asks for them a dozen times. Comparing is a hundred times cheaper
/// than computing them.
pub(super) struct KnownDigests<M>(pub(super) Arc<OnceLock<Known<M>>>);

pub(super) struct Known<M> {
    pub(super) manifest: M,
    pub(super) digest: OnceLock<Sha256Digest>,
    pub(super) code_form: OnceLock<Arc<str>>,
}

impl<M> Clone for KnownDigests<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Default for KnownDigests<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// What is known of a manifest makes it no other one.
impl<M> PartialEq for KnownDigests<M> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<M> Eq for KnownDigests<M> {}
