//! From errors of the libraries to the exceptions of `memex`.

use memex_sessions::{Error, SuspensionError};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// The classes of `memex._errors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Memex,
    Policy,
    Image,
    Session,
    SessionBusy,
    SessionLost,
    Closed,
    ForkedProcess,
    Store,
    Tool,
    Value,
    Answer,
    Diverged,
    Snapshot,
    Agent,
    Model,
    Trajectory,
    Memory,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Memex => "MemexError",
            Self::Policy => "PolicyError",
            Self::Image => "ImageError",
            Self::Session => "SessionError",
            Self::SessionBusy => "SessionBusy",
            Self::SessionLost => "SessionLost",
            Self::Closed => "Closed",
            Self::ForkedProcess => "ForkedProcess",
            Self::Store => "StoreError",
            Self::Tool => "ToolError",
            Self::Value => "ValueNotData",
            Self::Answer => "AnswerError",
            Self::Diverged => "Diverged",
            Self::Snapshot => "SnapshotError",
            Self::Agent => "AgentError",
            Self::Model => "ModelError",
            Self::Trajectory => "TrajectoryError",
            Self::Memory => "MemoryAccessError",
        }
    }
}

/// An exception of `memex`.
pub(crate) fn raise(py: Python<'_>, class: Class, message: impl Into<String>) -> PyErr {
    let message = message.into();
    let made = py
        .import("memex._errors")
        .and_then(|module| module.getattr(class.name()))
        .and_then(|class| class.call1((PyString::new(py, &message),)));
    match made {
        Ok(error) => PyErr::from_value(error),
        // The package is being taken apart, as at the interpreter's exit.
        Err(_) => PyRuntimeError::new_err(message),
    }
}

/// What could not be assembled.
pub(crate) fn assembling(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error {
        Error::Spec { .. }
        | Error::SpecVersion { .. }
        | Error::Refused { .. }
        | Error::PolicyFile { .. }
        | Error::Policy { .. }
        | Error::PresetNarrows { .. }
        | Error::Directory { .. }
        | Error::NobodyToAsk => Class::Policy,
        Error::Module { .. }
        | Error::Packages { .. }
        | Error::NameAndMore
        | Error::SavedImage { .. }
        | Error::SecretFile { .. }
        | Error::BootTime { .. }
        | Error::NoCacheDirectory => Class::Image,
        Error::ToolFile(_)
        | Error::Credential(_)
        | Error::Databases(_)
        | Error::Memory(_)
        | Error::Egress(_)
        | Error::Tools(_)
        | Error::Audit(_)
        | Error::SharedScratch { .. }
        | Error::ScratchDirectory { .. } => Class::Tool,
        Error::NoStoreDirectory
        | Error::NoScratchDirectory
        | Error::NoSession { .. }
        | Error::SessionExists { .. }
        | Error::NoTurn { .. }
        | Error::Continue { .. }
        | Error::Save { .. }
        | Error::StorePlace(_)
        | Error::Store(_) => Class::Store,
        Error::Input { .. } => Class::Value,
        Error::Runtime(error) => return runtime(py, error),
        _ => Class::Memex,
    };
    raise(py, class, in_python(&error.to_string()))
}

/// What the runtime could not do.
pub(crate) fn runtime(py: Python<'_>, error: &memex_runtime::Error) -> PyErr {
    use memex_runtime::Error as Fault;
    let class = match error {
        Fault::State { state: "lost", .. } | Fault::Panicked { .. } => Class::SessionLost,
        Fault::State { .. } => Class::Session,
        Fault::Snapshot(_) | Fault::ForeignSnapshot { .. } => Class::Snapshot,
        Fault::Grant { .. } => Class::Policy,
        Fault::Damaged { .. }
        | Fault::NoEntry { .. }
        | Fault::OtherVersion { .. }
        | Fault::NotPrivate { .. }
        | Fault::Guest(_)
        | Fault::NoPackages { .. }
        | Fault::NoImage { .. }
        | Fault::ManyImages { .. }
        | Fault::OtherImage { .. }
        | Fault::ReadableSecret { .. }
        | Fault::Secret { .. }
        | Fault::ImageTooLarge { .. }
        | Fault::File { .. } => Class::Image,
        _ => Class::Memex,
    };
    raise(py, class, in_python(&error.to_string()))
}

/// What a session with client tools could not do.
pub(crate) fn suspension(py: Python<'_>, error: &SuspensionError) -> PyErr {
    let class = match error {
        SuspensionError::Answer(_) => Class::Answer,
        SuspensionError::State { state: "lost", .. } | SuspensionError::Thread { .. } => {
            Class::SessionLost
        }
        SuspensionError::State { .. } | SuspensionError::NoClientTools => Class::Session,
        SuspensionError::Diverged => Class::Diverged,
        SuspensionError::Saved { .. } => Class::Snapshot,
        SuspensionError::Runtime(error) => return runtime(py, error),
    };
    raise(py, class, error.to_string())
}

/// What a run could not do.
pub(crate) fn agent(py: Python<'_>, error: &memex_agent::Error) -> PyErr {
    use memex_agent::Error as Fault;
    let class = match error {
        Fault::Runtime(error) => return runtime(py, error),
        Fault::Session(error) => return assembling(py, error),
        Fault::Lost => Class::SessionLost,
        Fault::Input { .. } => Class::Value,
        Fault::Tools(_) => Class::Tool,
        Fault::Model(_) | Fault::LongReply { .. } => Class::Model,
        Fault::Trajectory(_) | Fault::Resume { .. } => Class::Trajectory,
        _ => Class::Agent,
    };
    raise(py, class, error.to_string())
}

/// What an agent on a memory could not do.
pub(crate) fn memory_agent(py: Python<'_>, error: &memex_mem_agent::Error) -> PyErr {
    use memex_mem_agent::Error as Fault;
    let class = match error {
        Fault::Agent(error) => return agent(py, error),
        Fault::Memory(_) => Class::Memory,
        Fault::Policy(_) => Class::Policy,
        _ => Class::Agent,
    };
    raise(py, class, error.to_string())
}

/// Hints of the libraries name options of the command.
fn in_python(message: &str) -> String {
    message
        .replace(
            "`memex image build --force`",
            "`python -m memex image build --force`",
        )
        .replace(
            "choose another directory with --cache",
            "set MEMEX_CACHE to another directory",
        )
        .replace(
            "or give the wheel as a file",
            "or bring the guest along: `pip install 'memex-runtime[guest]'`",
        )
}
