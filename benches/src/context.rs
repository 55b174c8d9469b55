//! The context of all figures: a loaded image and the programs beside it.

use crate::error::Error;
use crate::machine::Machine;
use memex_policies::Policy;
use memex_runtime::{
    Image, Metering, Outcome, Progress, Runtime, Sandbox, Session, SessionOptions,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// The context of figures.
pub struct Context {
    image: Image,
    runtime: Runtime,
    machine: Machine,
    first_turn: Option<FirstTurn>,
    server: Option<ServerCommand>,
    doors: BTreeMap<&'static str, ServerCommand>,
    python: PathBuf,
    progress: RefCell<Box<dyn Progress>>,
}

/// A command that runs `print(1)` as the first turn of a new process.
#[derive(Debug, Clone)]
pub struct FirstTurn {
    /// The program.
    pub program: PathBuf,
    /// All its arguments.
    pub arguments: Vec<OsString>,
}

/// A command that serves sandboxes, or a protocol; where its data and settings are is added.
#[derive(Debug, Clone)]
pub struct ServerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<OsString>,
}

impl Context {
    /// Figures of an image. Default: no command to start processes of, and the
    /// `python3` of the search path as native peer.
    ///
    /// `progress` is called when code has to be compiled for a comparison.
    ///
    /// # Errors
    /// When the runtime cannot start.
    pub fn new(image: Image, progress: Box<dyn Progress>) -> Result<Self, Error> {
        Ok(Self {
            image,
            runtime: Runtime::new()?,
            machine: Machine::survey(),
            first_turn: None,
            server: None,
            doors: BTreeMap::new(),
            python: "python3".into(),
            progress: RefCell::new(progress),
        })
    }

    /// Measures whole processes with this command.
    #[must_use]
    pub fn with_first_turn(mut self, command: FirstTurn) -> Self {
        self.first_turn = Some(command);
        self
    }

    /// Measures a server that this command starts.
    #[must_use]
    pub fn with_server(mut self, command: ServerCommand) -> Self {
        self.server = Some(command);
        self
    }

    /// Measures a protocol that this command speaks on its standard streams: `mcp` or `dspy`.
    #[must_use]
    pub fn with_door(mut self, name: &'static str, command: ServerCommand) -> Self {
        self.doors.insert(name, command);
        self
    }

    /// Compares with this interpreter instead of `python3`.
    #[must_use]
    pub fn with_python(mut self, python: impl Into<PathBuf>) -> Self {
        self.python = python.into();
        self
    }

    /// The machine, as it was when the context was made.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    pub(crate) fn python(&self) -> &PathBuf {
        &self.python
    }

    pub(crate) fn first_turn(&self) -> Result<&FirstTurn, Error> {
        self.first_turn.as_ref().ok_or_else(|| Error::Program {
            program: "memex run".into(),
            reason: "no command was given to start processes of".into(),
        })
    }

    pub(crate) fn server(&self) -> Result<&ServerCommand, Error> {
        self.server.as_ref().ok_or_else(|| Error::Program {
            program: "memex serve".into(),
            reason: "no command was given to start servers of".into(),
        })
    }

    pub(crate) fn door(&self, name: &str) -> Result<&ServerCommand, Error> {
        self.doors.get(name).ok_or_else(|| Error::Program {
            program: format!("memex {name}"),
            reason: "no command was given to start it".into(),
        })
    }

    /// A sandbox under the default policy with `change` made to it.
    pub(crate) fn sandbox(&self, change: impl FnOnce(&mut Policy)) -> Result<Sandbox, Error> {
        self.sandbox_with(Metering::Deadline, change)
    }

    /// The same on code of another metering.
    pub(crate) fn sandbox_with(
        &self,
        metering: Metering,
        change: impl FnOnce(&mut Policy),
    ) -> Result<Sandbox, Error> {
        let mut policy = Policy::default();
        change(&mut policy);
        let policy = Arc::new(policy);
        let progress = &mut **self.progress.borrow_mut();
        let sandbox =
            Sandbox::with_metering(&self.runtime, &self.image, policy, metering, progress)?;
        Ok(sandbox)
    }
}

/// A session of its own.
pub(crate) fn session(sandbox: &Sandbox) -> Result<Session, Error> {
    Ok(sandbox.session(SessionOptions::default())?)
}

/// Runs a turn that must end well.
pub(crate) fn run_ok(session: &mut Session, code: &str) -> Result<Outcome, Error> {
    let outcome = session.run(code)?;
    if outcome.is_ok() {
        Ok(outcome)
    } else {
        Err(unexpected(code, "its end", &outcome))
    }
}

/// The result of a turn, where it is not `wanted`.
pub(crate) fn unexpected(code: &str, wanted: &str, outcome: &Outcome) -> Error {
    let found = match &outcome.error {
        Some(error) => format!("{:?}, {}: {}", outcome.status, error.class, error.message),
        None => format!(
            "{:?}, value {:?}, stdout {:?}",
            outcome.status, outcome.value, outcome.stdout.text
        ),
    };
    let code = code.chars().take(80).collect();
    Error::Unexpected {
        code,
        wanted: wanted.to_owned(),
        found,
    }
}
