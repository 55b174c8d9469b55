//! Giving a long call up.

use std::fmt;
use std::sync::Arc;

use crate::errno::Errno;

/// What a call that takes long asks whether it is to be given up. By default
/// no call is.
#[derive(Clone, Default)]
pub struct Interrupt(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Interrupt {
    /// Asks `is_pending`, seldom enough that it may take a lock.
    pub fn new(is_pending: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_pending)))
    }

    /// Fails with `Intr` if the call is to be given up.
    pub(crate) fn check(&self) -> Result<(), Errno> {
        match &self.0 {
            Some(is_pending) if is_pending() => Err(Errno::Intr),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Interrupt").finish_non_exhaustive()
    }
}
