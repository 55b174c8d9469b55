//! Where code runs: a session, wherever it is.

mod in_process;
mod kept;
mod waiting;

pub use in_process::InProcess;
pub(crate) use kept::{forget, keep, kept_path, kept_steps, restore};
pub(crate) use waiting::{Bell, Waiting};

use memex_channel::HostCalls;
use memex_host_tools::Toolbox;
use memex_runtime::{SessionOptions, Snapshot};

use crate::children::{Spawner, forks};
use crate::{Cancellation, Error, Ran};

/// A persistent scope that runs blocks of code.
pub trait Scope: Send {
    /// Runs a block. What goes wrong in it is part of what comes back; so is
    /// the loss of the scope, after which there is a new one.
    ///
    /// # Errors
    /// When there is no scope to go on with.
    fn run(&mut self, code: &str, cancellation: &Cancellation) -> Result<Ran, Error>;

    /// Its state now, for another scope to begin in; none if it cannot be had, or
    /// no code has run.
    ///
    /// # Errors
    /// When there is no session to go on with.
    fn snapshot(&mut self) -> Result<Option<Snapshot>, Error> {
        Ok(None)
    }

    /// Saves the scope beside a trajectory that has so many steps, if it can be
    /// saved.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn save(&mut self, _trajectory: &std::path::Path, _steps: u32) -> Result<(), Error> {
        Ok(())
    }

    /// Takes the saved scope of a trajectory, and says after how many steps it
    /// was saved; none if there is none.
    ///
    /// # Errors
    /// When there is one that cannot be used.
    fn load(&mut self, _trajectory: &std::path::Path) -> Result<Option<u32>, Error> {
        Ok(None)
    }
}

/// The parts that every session of a run is given.
pub(crate) struct Equipment {
    /// Answers the calls of one session.
    pub(crate) calls: Box<dyn Fn() -> Box<dyn HostCalls> + Send>,
    /// Takes its forks, if it may have any.
    pub(crate) spawner: Option<Spawner>,
}

impl Equipment {
    /// The same, for a session of this process.
    pub(crate) fn options(&self) -> SessionOptions {
        SessionOptions {
            calls: Some((self.calls)()),
            sink: None,
            forks: self.spawner.clone().map(forks),
        }
    }
}

/// The description of a run's tools for models.
pub(crate) fn offered(toolbox: &Toolbox) -> impl Iterator<Item = &memex_host_tools::ToolEntry> {
    toolbox
        .iter()
        .filter(|entry| entry.spec().name != crate::harness::WAIT_TOOL)
}
