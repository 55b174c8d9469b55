//! Reports of a run's progress.

use memex_models::Delta;
use memex_trajectories::Step;

/// Receives reports of a run while the run waits. It must not wait for
/// futures itself.
pub trait Watcher: Send {
    /// The model is asked, for its `number`th reply; the first is 1.
    fn asked(&mut self, _number: u64) {}

    /// A piece of a reply.
    fn delta(&mut self, _delta: &Delta) {}

    /// A block of code begins.
    fn runs(&mut self, _code: &str) {}

    /// A step that is over.
    fn step(&mut self, _step: &Step) {}
}

/// Ignores all reports.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWatcher;

impl Watcher for NoWatcher {}
