//! A session in this process.

use std::path::Path;
use std::sync::Arc;

use memex_models::Image;
use memex_runtime::{
    Display as GuestDisplay, DisplayData, Generators, Outcome, Sandbox, Session, SessionOptions,
    SessionState, Status,
};
use memex_trajectories::{Display, Encoding, GuestError, LimitReached};

use super::{Scope, keep, kept_path, kept_steps, restore};
use crate::observation::ScopeNames;
use crate::{Cancellation, Error, Ran};

const NAMES: &str = r#"{"op":"names"}"#;

/// Makes the options of a session, each time one begins.
type Options = Box<dyn FnMut() -> SessionOptions + Send>;

/// A scope that is a session of this process.
pub struct InProcess {
    sandbox: Sandbox,
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
            session: None,
            options: Box::new(options),
            setup,
            names: None,
        }
    }

    /// A scope that goes on with a session.
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
            let session = self.sandbox.session((self.options)())?;
            self.begin(session)?;
        }
        self.session.as_mut().ok_or(Error::Worker {
            what: "has no session".to_owned(),
        })
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
        let before = self.session()?;
        let outcome = cancellation.during(Arc::new(before.interrupter()), || before.run(code));
        // One that was cancelled before the turn began is told here.
        let Some(outcome) = outcome else {
            return Ok(Ran {
                interrupted: true,
                ..Ran::default()
            });
        };
        let mut ran = match outcome {
            Ok(outcome) => Ran::from(outcome),
            Err(error) if self.is_lost() => Ran {
                state_lost: true,
                stderr: error.to_string(),
                ..Ran::default()
            },
            Err(error) => return Err(error.into()),
        };
        ran.interrupted = cancellation.is_cancelled();
        if self.is_lost() {
            self.session = None;
            ran.state_lost = true;
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

fn names_of(session: &mut Session) -> Result<ScopeNames, Error> {
    let answer = session.inspect(NAMES)?;
    Ok(ScopeNames::parse(answer.as_deref().unwrap_or_default()))
}

impl From<Outcome> for Ran {
    fn from(outcome: Outcome) -> Self {
        let error = outcome.error.map(|error| GuestError {
            kind: error.class,
            message: error.message,
            traceback: error.traceback,
        });
        Self {
            stdout_bytes: outcome.stdout.total_bytes,
            stdout: outcome.stdout.text,
            stderr: outcome.stderr.text,
            value: outcome.value,
            error,
            limit: outcome.limit.map(|hit| LimitReached {
                name: hit.name,
                limit: hit.limit,
                actual: Some(hit.actual),
            }),
            rolled_back: outcome.rolled_back,
            state_lost: outcome.status == Status::Fault,
            interrupted: false,
            displays: outcome.displays.iter().filter_map(display).collect(),
            names: Vec::new(),
            fuel: outcome.fuel,
            guest_us: u64::try_from(outcome.guest_time.as_micros()).unwrap_or(u64::MAX),
            memory_bytes: outcome.memory_bytes,
            host_calls: outcome.host_calls,
            shown: None,
        }
    }
}

/// The picture of a display; what else there is says no more than the text.
fn display(display: &GuestDisplay) -> Option<Display> {
    display.data.iter().find_map(|(mime, data)| match data {
        DisplayData::Bytes(bytes) if mime.starts_with("image/") => Some(Display {
            media_type: mime.clone(),
            encoding: Encoding::Base64,
            data: base64(bytes),
            title: None,
        }),
        _ => None,
    })
}

fn base64(bytes: &[u8]) -> String {
    match Image::from_bytes("image/png", bytes) {
        Image::Data { base64, .. } => base64,
        Image::Url { url } => url,
    }
}
