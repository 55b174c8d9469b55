//! What a session gets besides its policy.

use super::fork::{Forks, captures, forks_of};
use super::sandbox::Sandbox;
use crate::host::{Equipment, OutputSink};
use memex_channel::HostCalls;

/// What a session gets besides its policy. By default: no tools, output only
/// in the outcome, and no forks from inside.
#[derive(Default)]
pub struct SessionOptions {
    /// Answers the guest's calls. Default: [`NoHostCalls`](memex_channel::NoHostCalls).
    pub calls: Option<Box<dyn HostCalls>>,
    /// Receives output as it comes. Default: nobody.
    pub sink: Option<Box<dyn OutputSink>>,
    /// Takes the forks that code asks for in the middle of its turn. Default:
    /// nobody, and asking raises `PermissionError`.
    pub forks: Option<Box<dyn Forks>>,
}

impl SessionOptions {
    /// The same for the host's side of a session of `sandbox`.
    pub(super) fn equipment(self, sandbox: &Sandbox) -> Equipment {
        Equipment {
            calls: self.calls,
            sink: self.sink,
            captures: self.forks.map(|forks| captures(forks, sandbox)),
        }
    }

    /// What equipment was made of.
    pub(super) fn of(equipment: Equipment) -> Self {
        Self {
            calls: equipment.calls,
            sink: equipment.sink,
            forks: equipment.captures.and_then(forks_of),
        }
    }
}
