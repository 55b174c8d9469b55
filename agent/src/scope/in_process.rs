//! A session in this process.

use std::path::Path;
use std::sync::Arc;

use memex_channel::{Frame, Reply, TurnHandle};
use memex_runtime::{
    Forks, Generators, MidTurnFork, Sandbox, Session, SessionOptions, SessionState, Snapshot,
    Status,
};
use memex_sessions::{Display, Outcome};

use super::kept::{keep, kept_path, kept_steps, restore};
use super::place::{Equipment, Place, Scope, Spawner};
use crate::observation::{ScopeNames, inventory};
use crate::{Cancellation, Error, Ran};

const NAMES: &str = r#"{"op":"names"}"#;
const DESCRIBE: &str = r#"{"op":"describe"}"#;
/// Stack of the threads that runs and sessions go on. A guest's own stack and
/// what the host needs below it fit, so that none is mapped for each call.
pub(crate) const STACK_BYTES: usize = 24 << 20;

/// Makes the options of a session, each time one begins.
type Options = Box<dyn FnMut() -> SessionOptions + Send>;

/// A scope that is a session of this process.
pub struct InProcess {
    sandbox: Sandbox,
    /// What new sessions begin with.
    initial: Option<Snapshot>,
    session: Option<Session>,
    options: Options,
    /// Run in every new session, and no turn of the run.
    setup: String,
    names: Option<ScopeNames>,
}

impl InProcess {
    /// A scope whose sessions are of this sandbox. `setup` runs first in each.
    pub fn new(
        sandbox: Sandbox,
        options: impl FnMut() -> SessionOptions + Send + 'static,
        setup: String,
    ) -> Self {
        Self {
            sandbox,
            initial: None,
            session: None,
            options: Box::new(options),
            setup,
            names: None,
        }
    }

    /// A scope whose sessions begin in a state that is there already.
    fn from_snapshot(
        sandbox: Sandbox,
        initial: Snapshot,
        options: impl FnMut() -> SessionOptions + Send + 'static,
        setup: String,
    ) -> Self {
        Self {
            initial: Some(initial),
            ..Self::new(sandbox, options, setup)
        }
    }

    /// A scope that continues a session.
    pub(crate) fn of(
        session: Session,
        options: impl FnMut() -> SessionOptions + Send + 'static,
        setup: String,
    ) -> Result<Self, Error> {
        let mut scope = Self::new(session.sandbox().clone(), options, setup);
        scope.begin(session)?;
        Ok(scope)
    }

    /// Begins the session now.
    pub(crate) fn start(&mut self) -> Result<(), Error> {
        self.session().map(|_| ())
    }

    /// The session, begun if there is none.
    fn session(&mut self) -> Result<&mut Session, Error> {
        if self.session.is_none() {
            let options = (self.options)();
            let session = match &self.initial {
                Some(initial) => self.sandbox.restore(initial, Generators::Fresh, options)?.0,
                None => self.sandbox.session(options)?,
            };
            self.begin(session)?;
        }
        self.session.as_mut().ok_or(Error::Worker {
            what: "has no session".to_owned(),
        })
    }

    /// What the guest says that its scope holds.
    pub(crate) fn inventory(&mut self) -> Result<Option<String>, Error> {
        Ok(self.session()?.inspect(DESCRIBE)?)
    }

    fn is_lost(&self) -> bool {
        let session = self.session.as_ref();
        session.is_none_or(|session| session.state() != SessionState::Ready)
    }

    fn begin(&mut self, mut session: Session) -> Result<(), Error> {
        if !self.setup.is_empty() {
            let outcome = session.run(&self.setup)?;
            if let Some(error) = outcome.error.filter(|_| outcome.status != Status::Ok) {
                return Err(Error::setting(
                    "inputs",
                    format!(
                        "cannot be put into the scope: {}: {}",
                        error.class, error.message
                    ),
                ));
            }
        }
        self.names = Some(names_of(&mut session)?);
        self.session = Some(session);
        Ok(())
    }
}

impl Scope for InProcess {
    fn run(&mut self, code: &str, cancellation: &Cancellation) -> Result<Ran, Error> {
        let session = self.session()?;
        let interrupter = Arc::new(session.interrupter());
        let outcome = cancellation.during(interrupter, || {
            session.run(code).map(|ended| ran_of(&ended, session))
        });
        // A run that was cancelled before the turn began stops here.
        let Some(outcome) = outcome else {
            return Ok(Ran {
                interrupted: true,
                ..Ran::default()
            });
        };
        let mut ran = match outcome {
            Ok(ran) => ran,
            Err(error) if self.is_lost() => Ran::lost(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        ran.interrupted = cancellation.is_cancelled();
        if self.is_lost() {
            self.session = None;
            ran.outcome.status = Status::Fault;
            self.session()?;
            return Ok(ran);
        }
        let session = self.session()?;
        let names = names_of(session)?;
        if let Some(before) = &self.names {
            ran.names = names.since(before);
        }
        self.names = Some(names);
        Ok(ran)
    }

    fn describe(&mut self) -> Result<Option<Vec<String>>, Error> {
        let answer = self.inventory()?;
        Ok(answer.as_deref().and_then(inventory))
    }

    fn snapshot(&mut self) -> Result<Option<Snapshot>, Error> {
        match &mut self.session {
            Some(session) => Ok(Some(session.snapshot()?)),
            None => Ok(self.initial.clone()),
        }
    }

    fn save(&mut self, trajectory: &Path, steps: u32) -> Result<(), Error> {
        keep(self.session()?, &kept_path(trajectory), steps)
    }

    fn load(&mut self, trajectory: &Path) -> Result<Option<u32>, Error> {
        let steps = kept_steps(trajectory)?;
        let path = kept_path(trajectory);
        let Some(snapshot) = restore(&self.sandbox, &path)? else {
            return Ok(None);
        };
        let options = (self.options)();
        let (mut session, _lost) = self.sandbox.restore(&snapshot, Generators::Keep, options)?;
        self.names = Some(names_of(&mut session)?);
        self.session = Some(session);
        Ok(steps)
    }
}

impl Place for Sandbox {
    fn open(self: Box<Self>, equipment: Equipment, setup: String) -> Result<Box<dyn Scope>, Error> {
        let options = move || session_options(&equipment);
        Ok(Box::new(InProcess::new(*self, options, setup)))
    }
}

/// A new session in a state that is there already.
pub(crate) struct Kept {
    pub(crate) sandbox: Sandbox,
    pub(crate) scope: Snapshot,
}

impl Place for Kept {
    fn open(self: Box<Self>, equipment: Equipment, setup: String) -> Result<Box<dyn Scope>, Error> {
        let options = move || session_options(&equipment);
        let Self { sandbox, scope } = *self;
        Ok(Box::new(InProcess::from_snapshot(
            sandbox, scope, options, setup,
        )))
    }
}

impl Place for MidTurnFork {
    fn open(self: Box<Self>, equipment: Equipment, setup: String) -> Result<Box<dyn Scope>, Error> {
        let session = self.session(session_options(&equipment))?;
        let options = move || session_options(&equipment);
        Ok(Box::new(InProcess::of(session, options, setup)?))
    }
}

fn session_options(equipment: &Equipment) -> SessionOptions {
    let spawner = equipment.spawner.clone();
    SessionOptions {
        calls: Some((equipment.calls)()),
        sink: None,
        forks: spawner.map(|spawner| Box::new(Spawning(spawner)) as _),
    }
}

/// Hands the forks of a session to what spawns agents.
struct Spawning(Arc<dyn Spawner>);

impl Forks for Spawning {
    fn fork(&mut self, frame: &Frame<'_>, fork: MidTurnFork, _: &dyn TurnHandle) -> Reply {
        self.0.spawn(frame, Box::new(fork))
    }
}

fn names_of(session: &mut Session) -> Result<ScopeNames, Error> {
    let answer = session.inspect(NAMES)?;
    Ok(ScopeNames::parse(answer.as_deref().unwrap_or_default()))
}

/// What the last turn of a session is to a run.
fn ran_of(ended: &memex_runtime::Outcome, session: &mut Session) -> Ran {
    let mut outcome = Outcome::of(ended, session);
    if !ended.displays.is_empty() {
        outcome = outcome.with_displays(ended.displays.iter().map(Display::from).collect());
    }
    Ran {
        outcome,
        ..Ran::default()
    }
}
