//! What runs the turns of a session: the session itself, or, where it has client
//! tools, what answers their calls.

use memex_host_tools::{ClientAnswer, ClientCall};
use memex_runtime::{Interrupter, Session};
use memex_sessions::{SavedSession, Suspendable, SuspendedStep, Suspension, SuspensionError};
use pyo3::prelude::*;

use crate::errors::{assembling, runtime, suspension};
use crate::outcome::Outcome;

/// A session that is open.
pub(crate) struct Turns {
    kind: Kind,
    saved: Option<SavedSession>,
    /// The block of the turn at hand, which its record names.
    code: String,
}

enum Kind {
    Plain(Box<Session>),
    Suspendable(Box<Suspendable>),
}

/// What a turn has come to.
pub(crate) enum Step {
    Done(Box<Outcome>),
    Waiting(Vec<ClientCall>),
}

/// Why it has come to nothing.
pub(crate) enum Fault {
    Runtime(Box<memex_runtime::Error>),
    Suspension(Box<SuspensionError>),
    Sessions(Box<memex_sessions::Error>),
}

impl From<memex_runtime::Error> for Fault {
    fn from(error: memex_runtime::Error) -> Self {
        Self::Runtime(Box::new(error))
    }
}

impl From<SuspensionError> for Fault {
    fn from(error: SuspensionError) -> Self {
        Self::Suspension(Box::new(error))
    }
}

impl From<memex_sessions::Error> for Fault {
    fn from(error: memex_sessions::Error) -> Self {
        Self::Sessions(Box::new(error))
    }
}

impl Turns {
    pub(crate) fn plain(session: Session) -> Self {
        Self {
            kind: Kind::Plain(Box::new(session)),
            saved: None,
            code: String::new(),
        }
    }

    pub(crate) fn suspendable(session: Suspendable) -> Self {
        Self {
            kind: Kind::Suspendable(Box::new(session)),
            saved: None,
            code: String::new(),
        }
    }

    /// Has every turn from now on saved there.
    pub(crate) fn save_as(&mut self, saved: SavedSession) {
        self.saved = Some(saved);
    }

    pub(crate) fn interrupter(&self) -> Interrupter {
        match &self.kind {
            Kind::Plain(session) => session.interrupter(),
            Kind::Suspendable(session) => session.interrupter(),
        }
    }

    pub(crate) fn saved(&self) -> Option<&SavedSession> {
        self.saved.as_ref()
    }

    /// Begins a turn.
    pub(crate) fn start(&mut self, code: &str) -> Result<Step, Fault> {
        code.clone_into(&mut self.code);
        match &mut self.kind {
            Kind::Plain(session) => {
                let outcome = session.run(code)?;
                self.finished(outcome)
            }
            Kind::Suspendable(session) => {
                let step = session.start(code)?;
                self.stepped(step)
            }
        }
    }

    /// Goes on with a turn that waits.
    pub(crate) fn answer(&mut self, answers: Vec<(String, ClientAnswer)>) -> Result<Step, Fault> {
        match &mut self.kind {
            Kind::Plain(_) => Err(SuspensionError::NoClientTools.into()),
            Kind::Suspendable(session) => {
                let step = match answers.is_empty() {
                    true => session.go_on()?,
                    false => session.answer(answers)?,
                };
                self.stepped(step)
            }
        }
    }

    /// Gives up the turn that waits; none where it is rolled back instead of ended.
    pub(crate) fn cancel(&mut self) -> Result<Option<Step>, Fault> {
        match &mut self.kind {
            Kind::Plain(_) => Err(SuspensionError::NoClientTools.into()),
            Kind::Suspendable(session) => match session.cancel("KeyboardInterrupt") {
                Ok(step) => self.stepped(step).map(Some),
                Err(SuspensionError::State {
                    state: "stopped", ..
                }) => Ok(None),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// What another process needs to go on with the turn that waits.
    pub(crate) fn save(&mut self) -> Result<Suspension, Fault> {
        match &mut self.kind {
            Kind::Plain(_) => Err(SuspensionError::NoClientTools.into()),
            Kind::Suspendable(session) => Ok(session.save()?),
        }
    }

    /// The calls that wait for an answer.
    pub(crate) fn open_calls(&self) -> Vec<ClientCall> {
        match &self.kind {
            Kind::Plain(_) => Vec::new(),
            Kind::Suspendable(session) => session.open_calls(),
        }
    }

    /// Does something with the session between turns.
    pub(crate) fn with<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Session) -> R + Send + 'static,
    ) -> Result<R, Fault> {
        match &mut self.kind {
            Kind::Plain(session) => Ok(work(session)),
            Kind::Suspendable(session) => Ok(session.with(work)?),
        }
    }

    fn stepped(&mut self, step: SuspendedStep) -> Result<Step, Fault> {
        match step {
            SuspendedStep::Done(outcome) => self.finished(*outcome),
            SuspendedStep::Waiting { calls, .. } => Ok(Step::Waiting(calls)),
        }
    }

    fn finished(&mut self, outcome: memex_runtime::Outcome) -> Result<Step, Fault> {
        let (mut saved, code) = (self.saved.take(), std::mem::take(&mut self.code));
        let finish = move |session: &mut Session| {
            let status = outcome.status;
            let made = Outcome::of(outcome, session);
            let save = saved
                .as_mut()
                .map(|saved| saved.save(session, &code, status));
            (made, save.transpose(), saved)
        };
        let (made, save, saved) = self.with(finish)?;
        self.saved = saved;
        save?;
        Ok(Step::Done(Box::new(made)))
    }
}

impl Fault {
    /// The exception for it.
    pub(crate) fn raised(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Runtime(error) => runtime(py, error),
            Self::Suspension(error) => suspension(py, error),
            Self::Sessions(error) => assembling(py, error),
        }
    }
}

/// Compile-time proof that turns run on whatever thread calls.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Turns>();
};
