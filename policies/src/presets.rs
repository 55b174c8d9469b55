//! The presets: a ladder on which each step permits one thing more.

use crate::error::Error;
use crate::limits::{LimitField, Limits};
use crate::suggestions::{hint, quoted};

/// The starting point of a policy, and the bound of what it may grant.
///
/// The presets are ordered: each permits all that the one before it permits.
/// A preset grants no directory, tool or host by itself; it says which a
/// policy may grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Preset {
    /// Computation in the guest only: no scratch, natives, environment or tools,
    /// and tight limits that may be lowered but not raised.
    DenyAll,
    /// Private scratch, natives, environment variables and tools. The default.
    #[default]
    Compute,
    /// Also directories, read-only.
    ReadFiles,
    /// Also directories that may be written.
    Workspace,
    /// Also hosts on the network.
    Web,
}

impl Preset {
    /// Every preset, from the narrowest to the widest.
    pub const ALL: [Self; 5] = [
        Self::DenyAll,
        Self::Compute,
        Self::ReadFiles,
        Self::Workspace,
        Self::Web,
    ];

    /// The name used in policy files.
    pub fn name(self) -> &'static str {
        match self {
            Self::DenyAll => "deny-all",
            Self::Compute => "compute",
            Self::ReadFiles => "read-files",
            Self::Workspace => "workspace",
            Self::Web => "web",
        }
    }

    /// One sentence: what a policy of this preset may grant.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::DenyAll => {
                "Computation only: no scratch, no natives, no environment, no tools, and tight limits that cannot be raised."
            }
            Self::Compute => {
                "Computation with private scratch; environment variables and tools may be granted."
            }
            Self::ReadFiles => "Like compute; directories may be granted read-only.",
            Self::Workspace => "Like read-files; directories may be granted read-write.",
            Self::Web => "Like workspace; hosts on the network may be granted.",
        }
    }

    /// The preset called `name`.
    ///
    /// # Errors
    /// [`Error::UnknownChoice`], with the nearest name.
    pub fn from_name(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == name)
            .ok_or_else(|| Error::UnknownChoice {
                key: "extends".to_owned(),
                value: quoted(name),
                hint: hint(name, &Self::ALL.map(Self::name)),
            })
    }

    /// The limits that a policy of this preset starts with.
    pub fn limits(self) -> Limits {
        if self > Self::DenyAll {
            return Limits::default();
        }
        Limits {
            guest_time_ms: 2_000,
            wall_time_ms: 10_000,
            memory_bytes: 512 << 20,
            stdout_bytes: 64 << 10,
            stderr_bytes: 16 << 10,
            value_bytes: 16 << 10,
            display_bytes: 1 << 20,
            displays: 8,
            code_bytes: 64 << 10,
            host_calls: 1_000,
            host_call_bytes: 1 << 20,
            native_bytes: 0,
            open_files: 16,
            file_bytes: 0,
            files: 0,
            turns: 1_000,
            agents: 0,
            agent_depth: 0,
            tool_time_ms: 1_000,
            http_requests: 0,
            ..Limits::default()
        }
    }

    /// The greatest value that a policy of this preset may give to `field`.
    pub fn ceiling(self, field: &LimitField) -> u64 {
        match self {
            Self::DenyAll => field.read(&self.limits()).unwrap_or(field.maximum),
            _ => field.maximum,
        }
    }

    /// Checks that this preset permits `capability`, described by `what`.
    pub(crate) fn permit(
        self,
        capability: Capability,
        what: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        let needed = capability.preset();
        if self >= needed {
            return Ok(());
        }
        Err(Error::NotPermitted {
            what: what(),
            preset: self.name(),
            remedy: needed.name(),
        })
    }
}

/// Something that only some presets permit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Capability {
    Scratch,
    Natives,
    Environment,
    Tools,
    HigherLimits,
    ReadDirectory,
    WriteDirectory,
    Network,
}

impl Capability {
    /// The narrowest preset that permits it.
    fn preset(self) -> Preset {
        match self {
            Self::Scratch
            | Self::Natives
            | Self::Environment
            | Self::Tools
            | Self::HigherLimits => Preset::Compute,
            Self::ReadDirectory => Preset::ReadFiles,
            Self::WriteDirectory => Preset::Workspace,
            Self::Network => Preset::Web,
        }
    }
}
