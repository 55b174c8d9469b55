//! A session and its state machine.
//!
//! ```text
//!             start                 the guest waits
//!   Ready ───────────► (running) ───────────────────► Waiting
//!     ▲                  │   ▲                           │
//!     │  turn over, or   │   └────────── resume ─────────┘
//!     └── rolled back ◄──┤
//!                        └─ fault of the host ──► Lost
//! ```
//! Running is not a state that anybody sees: a session is borrowed mutably
//! while it runs.

use super::in_progress::TurnInProgress;
use super::live::Live;
use super::options::SessionOptions;
use super::outcome::Outcome;
use super::sandbox::Sandbox;
use crate::error::Error;
use crate::host::Host;
use crate::image::RandomState;
use crate::interrupt::{Interrupter, Pulse};
use crate::runtime::Counted;
use crate::state::{HeapState, RestState, Streak};
use std::sync::Arc;
use std::time::Instant;

/// What a session can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// It runs the next turn.
    Ready,
    /// Its turn waits for time to pass or for something from outside. No
    /// frame of the guest is on any stack.
    Waiting {
        /// When the guest wants to go on by itself.
        until: Option<Instant>,
    },
    /// A fault of the host took the guest away. Only dropping it is left.
    Lost,
}

/// One live interpreter: a persistent Python scope that runs turns.
///
/// Dropping a session destroys it and everything in it. A session is `Send`:
/// it runs on whatever thread calls it, one turn at a time; sessions on several
/// threads run in parallel.
pub struct Session {
    pub(super) sandbox: Sandbox,
    pub(super) live: Option<Live>,
    pub(super) pulse: Arc<Pulse>,
    watch: usize,
    pub(super) state: SessionState,
    /// Turns begun so far.
    pub(super) turns: u64,
    /// The state at the end of the last turn, as far as it was taken.
    pub(super) rest: RestState,
    pub(super) turn: Option<TurnInProgress>,
    /// How the last turns ended.
    pub(super) streak: Streak,
    /// Whether the guest may await calls that another session made, and has
    /// not been told yet that nobody will answer them.
    pub(super) calls_stayed_behind: bool,
    /// The last field: the place is free when the slot is.
    _counted: Counted,
}

/// What [`Session::start`] and [`Session::resume`] come to.
#[derive(Debug)]
pub enum Step {
    /// The turn is over.
    Done(Box<Outcome>),
    /// The turn waits; see [`SessionState::Waiting`].
    Waiting {
        /// When the guest wants to go on by itself.
        until: Option<Instant>,
    },
}

impl Sandbox {
    /// Starts a session.
    ///
    /// # Errors
    /// When as many sessions live as the policy allows, or the system has no
    /// memory left.
    pub fn session(&self, options: SessionOptions) -> Result<Session, Error> {
        Session::new(self.clone(), options)
    }
}

impl Session {
    fn new(sandbox: Sandbox, mut options: SessionOptions) -> Result<Self, Error> {
        let (mut session, host) = Self::without_guest(sandbox, &mut options)?;
        session.live = Some(session.sandbox.instantiate(host)?);
        let heap = session.rest.heap.clone();
        session.install(&heap)?;
        session.reseed()?;
        session.state = SessionState::Ready;
        Ok(session)
    }

    /// A session that is counted and watched, and has no guest yet. Takes the options,
    /// unless too many sessions live.
    pub(super) fn without_guest(
        sandbox: Sandbox,
        options: &mut SessionOptions,
    ) -> Result<(Self, Host), Error> {
        let counted = sandbox.runtime().enter(sandbox.population())?;
        let pulse = Arc::new(Pulse::default());
        let watch = sandbox.runtime().watchdog().watch(&pulse);
        let equipment = std::mem::take(options).equipment(&sandbox);
        let host = sandbox.host(Arc::clone(&pulse), equipment);
        let files = host.files_ref().checkpoint();
        let heap = sandbox.origin().clone();
        let session = Self {
            sandbox,
            live: None,
            pulse,
            watch,
            state: SessionState::Lost,
            turns: 0,
            rest: RestState {
                heap,
                files,
                seeded: false,
                current: true,
            },
            turn: None,
            streak: Streak::default(),
            calls_stayed_behind: false,
            _counted: counted,
        };
        Ok((session, host))
    }

    /// The session's state.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.state
    }

    /// Turns begun so far.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// A handle that interrupts this session's turns from other threads.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        Interrupter {
            pulse: Arc::clone(&self.pulse),
            watchdog: Arc::clone(self.sandbox.runtime().watchdog()),
        }
    }

    /// The sandbox that the session was made by.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Size of the guest's linear memory, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.live
            .as_ref()
            .map_or(0, |live| live.memory_bytes().len() as u64)
    }

    /// Pages of memory that this session holds for itself, of
    /// [`PAGE_BYTES`](crate::PAGE_BYTES) bytes each. Asks the kernel.
    pub fn dirty_pages(&mut self) -> u64 {
        self.live.as_mut().map_or(0, |live| {
            let grown = live.active_pages();
            (live.dirty_pages().len() + grown) as u64
        })
    }

    /// Takes the guest away, slot included: nothing is known of its state.
    pub(super) fn lose(&mut self) {
        self.state = SessionState::Lost;
        self.turn = None;
        self.live = None;
    }

    /// Puts a state into the fresh guest of this session.
    pub(super) fn install(&mut self, heap: &HeapState) -> Result<(), Error> {
        let live = self.live.as_mut().ok_or(LOST)?;
        if !heap.pages.is_empty() || heap.memory_bytes > live.memory_bytes().len() as u64 {
            live.apply(heap)?;
        }
        Ok(())
    }

    /// Gives the guest's generators a state of their own: every copy of a heap
    /// would draw the same numbers otherwise.
    pub(super) fn reseed(&mut self) -> Result<(), Error> {
        let live = self.live.as_mut().ok_or(LOST)?;
        let states = self.sandbox.image().map().random.clone();
        if states.is_empty() {
            return Ok(());
        }
        let mut seed = [0; 32];
        let random = &mut live.store.data_mut().random;
        random.fill(&mut seed).map_err(Error::engine)?;
        let mut stream = blake3::Hasher::new_keyed(&seed).finalize_xof();
        let mut words = [0; RandomState::WORDS * 4];
        live.patching(|live| {
            states.iter().try_for_each(|state| {
                stream.fill(&mut words);
                live.write(state.words, &words)?;
                live.write(state.position, &RandomState::SPENT.to_le_bytes())
            })
        })
        .map_err(Live::into_error)
    }
}

/// What a session without a guest answers.
pub(super) const LOST: Error = Error::State {
    state: "lost",
    remedy: "its guest was lost to a fault of the host; start another session",
};

impl Drop for Session {
    fn drop(&mut self) {
        self.sandbox.runtime().watchdog().forget(self.watch);
        if let Some(live) = self.live.take() {
            live.retire(self.sandbox.image().pool());
        }
    }
}
