//! Scopes, the places that they are opened in, and what they are given.
//!
//! ```text
//!  run ── equipment, setup ──► Place ──open──► Scope ◄── blocks
//!                                                │
//!  run ◄── Spawner ◄── a fork, itself a Place ◄──┘ code that asks for an agent
//! ```

use std::path::Path;
use std::sync::Arc;

use memex_channel::{Frame, HostCalls, Reply};
use memex_host_tools::ToolSpec;
use memex_runtime::Snapshot;

use crate::harness::Inputs;
use crate::{Cancellation, Error, Ran};

/// A persistent scope that runs blocks of code.
pub trait Scope: Send {
    /// Runs a block. What goes wrong in it is part of what comes back; so is
    /// the loss of the scope, after which there is a new one.
    ///
    /// # Errors
    /// When there is no scope to go on with.
    fn run(&mut self, code: &str, cancellation: &Cancellation) -> Result<Ran, Error>;

    /// What it holds, a line for each name, as models are told it; none if that cannot
    /// be had before code runs.
    ///
    /// # Errors
    /// When there is no session to go on with.
    fn describe(&mut self) -> Result<Option<Vec<String>>, Error> {
        Ok(None)
    }

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
    fn save(&mut self, _trajectory: &Path, _steps: u32) -> Result<(), Error> {
        Ok(())
    }

    /// Takes the saved scope of a trajectory, and says after how many steps it
    /// was saved; none if there is none.
    ///
    /// # Errors
    /// When there is one that cannot be used.
    fn load(&mut self, _trajectory: &Path) -> Result<Option<u32>, Error> {
        Ok(None)
    }
}

/// Where a scope can be opened: in a session of this process, in a worker, or in
/// a fork of either.
pub(crate) trait Place: Send {
    /// The scope. `setup` runs first in each of its sessions.
    ///
    /// # Errors
    /// When a fork does not become a session.
    fn open(self: Box<Self>, equipment: Equipment, setup: String) -> Result<Box<dyn Scope>, Error>;
}

/// The parts that every session of a run is given.
pub(crate) struct Equipment {
    /// Answers the calls of one session.
    pub(crate) calls: Box<dyn Fn() -> Box<dyn HostCalls> + Send>,
    /// Takes its forks, if it may have any.
    pub(crate) spawner: Option<Arc<dyn Spawner>>,
    /// The tools that its code may call, for sessions that are not ours.
    pub(crate) offered: Vec<ToolSpec>,
    /// The contents of inputs by name, for sessions that cannot ask for them.
    pub(crate) inputs: Inputs,
}

/// Spawns the agents that a session's code asks for.
pub(crate) trait Spawner: Send + Sync {
    /// Answers a request of guest code, for which the fork has been made.
    fn spawn(&self, frame: &Frame<'_>, fork: Box<dyn Place>) -> Reply;
}
