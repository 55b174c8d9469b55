//! Sessions at rest without a slot: what is kept of one while nobody uses it.

use super::lifecycle::{LOST, Session, SessionState};
use super::options::SessionOptions;
use super::paused::PausedTurn;
use super::sandbox::Sandbox;
use super::suspended::Suspended;
use crate::error::Error;
use crate::snapshot::{Bounds, Encoded, Generators};
use memex_filesystem::LostFile;
use std::task::Waker;
use std::time::Instant;

/// A session that holds no slot: a few kilobytes in memory instead of half a
/// megabyte. It is the same session after [`Hibernated::wake`], generators,
/// tools and a turn that waits included; only its
/// [`Interrupter`](crate::Interrupter) is another.
pub struct Hibernated {
    sandbox: Sandbox,
    encoded: Encoded,
    paused: Option<Paused>,
    options: SessionOptions,
}

/// A turn that waits, and the state before it.
type Paused = Box<(PausedTurn, Encoded)>;

/// A hibernated session outside of the process: everything of it but its tools, sink and
/// forks.
#[derive(Debug, Clone)]
pub enum SavedHibernated {
    /// Between turns.
    AtRest(Encoded),
    /// In a turn that waits.
    Waiting(Suspended),
}

/// A session that could not hibernate. It is as it was.
#[derive(thiserror::Error)]
#[error("the session stays in its slot: {error}")]
pub struct StillAwake {
    /// Why.
    pub error: Error,
    /// The session.
    pub session: Box<Session>,
}

/// A hibernated session that could not be woken. It is as it was.
#[derive(thiserror::Error)]
#[error("the session stays hibernated: {error}")]
pub struct StillAsleep {
    /// Why.
    pub error: Error,
    /// The session.
    pub session: Box<Hibernated>,
}

impl Session {
    /// Gives the slot back and keeps the state only.
    ///
    /// A session whose turn waits goes on waiting: the calls it awaits run on,
    /// and [`Hibernated::has_answers`] tells when it is worth waking.
    ///
    /// # Errors
    /// When the session is lost, or its state is larger than a snapshot can
    /// be. The session is part of the error, as it was.
    pub fn hibernate(mut self) -> Result<Hibernated, StillAwake> {
        let taken = self.dormant();
        match (taken, self.live.take()) {
            (Ok((encoded, paused)), Some(live)) => {
                let sandbox = self.sandbox.clone();
                let host = live.retire(sandbox.image().pool());
                Ok(Hibernated {
                    sandbox,
                    encoded,
                    paused,
                    options: SessionOptions::of(host.into_equipment()),
                })
            }
            (taken, live) => {
                self.live = live;
                Err(StillAwake {
                    error: taken.err().unwrap_or(LOST),
                    session: Box::new(self),
                })
            }
        }
    }

    /// The state now; and of a turn that waits, what the host knows of it and the state
    /// before it.
    fn dormant(&mut self) -> Result<(Encoded, Option<Paused>), Error> {
        let sandbox = self.sandbox.clone();
        let encode = |snapshot: &_| {
            let mut encoded = sandbox.encode(snapshot, Generators::Keep)?;
            encoded.shrink();
            Ok::<_, Error>(encoded)
        };
        if !matches!(self.state, SessionState::Waiting { .. }) {
            return Ok((encode(&self.snapshot()?)?, None));
        }
        let (snapshot, paused) = self.pause()?;
        let start = self.as_snapshot(self.rest.clone())?;
        let paused = Box::new((paused, encode(&start)?));
        Ok((encode(&snapshot)?, Some(paused)))
    }
}

impl Hibernated {
    /// Puts the session into a slot again.
    ///
    /// Returns it with the files that were open and cannot be opened again.
    ///
    /// # Errors
    /// When the system has no memory left, or too many sessions live. The session is part
    /// of the error, as it was, and can be woken later.
    pub fn wake(mut self) -> Result<(Session, Vec<LostFile>), StillAsleep> {
        match self.woken() {
            Ok(woken) => Ok(woken),
            Err(error) => Err(StillAsleep {
                error,
                session: Box::new(self),
            }),
        }
    }

    /// Whatever fails, fails before anything of `self` is gone.
    fn woken(&mut self) -> Result<(Session, Vec<LostFile>), Error> {
        // A state that was taken under another policy may hold more than this one's.
        let decode = |encoded| self.sandbox.decode_encoded(encoded, &Bounds::OWN);
        let (snapshot, generators) = decode(&self.encoded)?;
        let start = match &self.paused {
            Some(paused) => Some(decode(&paused.1)?.0),
            None => None,
        };
        let sandbox = self.sandbox.clone();
        let restored = Session::from_snapshot(sandbox, &snapshot, generators, &mut self.options);
        let (mut session, lost) = restored?;
        session.calls_stayed_behind = false;
        if let (Some(paused), Some(start)) = (self.paused.take(), start) {
            session.unpause(paused.0, start.state)?;
        }
        Ok((session, lost))
    }

    /// What a store needs to keep the session while this process, or another one, keeps its
    /// options.
    ///
    /// # Errors
    /// When the turn that waits cannot be encoded.
    pub fn saved(&self) -> Result<SavedHibernated, Error> {
        let state = self.encoded.clone();
        Ok(match &self.paused {
            None => SavedHibernated::AtRest(state),
            Some(paused) => SavedHibernated::Waiting(Suspended {
                state,
                start: paused.1.clone(),
                turn: paused.0.encode()?,
            }),
        })
    }

    /// Forgets the state and keeps what is not part of it: tools, sink and forks.
    #[must_use]
    pub fn into_options(self) -> SessionOptions {
        self.options
    }

    /// The session of a state that was [saved](Hibernated::saved), without options. `until`
    /// is when a turn that waits wants to go on by itself.
    ///
    /// # Errors
    /// When the turn that waits is damaged, or larger than the policy allows. The states
    /// themselves are checked when the session wakes; how large they are is not held
    /// against the policy, since a session may have begun under another one. So they have
    /// to be what [`saved`](Self::saved) gave: who keeps them where others can write
    /// compares them with a digest, as the stores of `memex-snapshots` do.
    pub fn from_saved(
        sandbox: &Sandbox,
        saved: SavedHibernated,
        until: Option<Instant>,
    ) -> Result<Self, Error> {
        let (encoded, paused) = match saved {
            SavedHibernated::AtRest(state) => (state, None),
            SavedHibernated::Waiting(Suspended { state, start, turn }) => {
                let mut turn = PausedTurn::decode(&turn, &sandbox.policy().limits)?;
                turn.until = until;
                (state, Some(Box::new((turn, start))))
            }
        };
        Ok(Self {
            sandbox: sandbox.clone(),
            encoded,
            paused,
            options: SessionOptions::default(),
        })
    }

    /// Gives the session other options than it has.
    pub fn equip(&mut self, options: SessionOptions) {
        self.options = options;
    }

    /// The sandbox that the session was made by.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Whether a turn waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.paused.is_some()
    }

    /// When a waiting turn wants to go on by itself.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.paused.as_ref().and_then(|paused| paused.0.until())
    }

    /// Whether a waiting turn would find answers to calls that it awaits.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        let calls = self.options.calls.as_ref();
        calls.is_some_and(|calls| calls.has_answers())
    }

    /// Wakes `waker` when a call that the session awaits is answered.
    pub fn wake_with(&mut self, waker: Waker) {
        if let Some(calls) = &mut self.options.calls {
            calls.wake_with(waker);
        }
    }

    /// The state, as a store would keep it.
    #[must_use]
    pub fn encoded(&self) -> &Encoded {
        &self.encoded
    }

    /// Bytes that the state takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let paused = self.paused.as_ref();
        let turn = paused.map_or(0, |paused| paused.0.bytes() + paused.1.bytes());
        self.encoded.bytes() + turn
    }
}

impl From<StillAwake> for Error {
    fn from(failure: StillAwake) -> Self {
        failure.error
    }
}

impl From<StillAsleep> for Error {
    fn from(failure: StillAsleep) -> Self {
        failure.error
    }
}

impl std::fmt::Debug for StillAwake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StillAwake").field(&self.error).finish()
    }
}

impl std::fmt::Debug for StillAsleep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StillAsleep").field(&self.error).finish()
    }
}

/// Compile-time proof that hibernated sessions move between threads.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Hibernated>();
    is_send::<SavedHibernated>();
};
