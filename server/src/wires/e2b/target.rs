//! The sandbox that a request at one of its ports is for.

use crate::names::Id;

/// Put into a request by the router, once its address is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target(pub(super) Id);
