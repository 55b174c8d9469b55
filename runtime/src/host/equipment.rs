//! What the host's side of a session gets from those who made it.

use super::forking::Captures;
use super::output::OutputSink;
use memex_channel::HostCalls;

/// Tools, a sink and a taker of forks. By default: no tools, output only in the
/// outcome, and no forks from inside.
#[derive(Default)]
pub(crate) struct Equipment {
    pub(crate) calls: Option<Box<dyn HostCalls>>,
    pub(crate) sink: Option<Box<dyn OutputSink>>,
    pub(crate) captures: Option<Box<dyn Captures>>,
}
