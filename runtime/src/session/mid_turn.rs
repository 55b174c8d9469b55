//! The sessions that are made of one as it stood in the middle of a turn.

use super::fork::{MidTurnFork, State};
use super::lifecycle::{LOST, Session};
use super::options::SessionOptions;
use super::reply::ERROR_ANSWER_BYTES_MAX;
use crate::error::Error;
use crate::snapshot::{Generators, Snapshot};

impl MidTurnFork {
    /// Starts a session, with fresh generators. Callable any number of times,
    /// from any thread; the sessions share what they do not change.
    ///
    /// # Errors
    /// [`Error::Fork`] when a copy of the guest does not come to rest within
    /// the policy's limits, and as [`Sandbox::session`](crate::Sandbox::session). The parent is not
    /// affected.
    pub fn session(&self, options: SessionOptions) -> Result<Session, Error> {
        let mut state = self.state.lock();
        let captured = match &*state {
            State::Ready(snapshot) => {
                let snapshot = snapshot.clone();
                drop(state);
                let restored = self.sandbox.restore(&snapshot, Generators::Fresh, options);
                return restored.map(|(session, _lost)| session);
            }
            State::Captured(captured) => captured.clone(),
        };
        let (mut session, snapshot) = self.rested(&captured)?;
        *state = State::Ready(snapshot);
        drop(state);
        session.equip(options)?;
        Ok(session)
    }

    /// The state of such a session before its first turn: to be restored with
    /// other options or another policy, or to be kept in a store.
    ///
    /// # Errors
    /// As [`MidTurnFork::session`].
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        let mut state = self.state.lock();
        let captured = match &*state {
            State::Ready(snapshot) => return Ok(snapshot.clone()),
            State::Captured(captured) => captured.clone(),
        };
        let (_session, snapshot) = self.rested(&captured)?;
        *state = State::Ready(snapshot.clone());
        Ok(snapshot)
    }

    /// Puts a copy of the guest into a slot and brings it to rest. It has no
    /// tools and no output meanwhile.
    fn rested(&self, captured: &Snapshot) -> Result<(Session, Snapshot), Error> {
        let options = SessionOptions::default();
        let restored = self.sandbox.restore(captured, Generators::Keep, options);
        let (mut session, _lost) = restored?;
        session.come_to_rest()?;
        session.calls_stayed_behind = captured.awaits_calls;
        let mut snapshot = session.snapshot()?;
        snapshot.awaits_calls = captured.awaits_calls;
        Ok((session, snapshot))
    }
}

impl Session {
    /// Makes a copy of a guest that was running one at rest.
    fn come_to_rest(&mut self) -> Result<(), Error> {
        let after_fork = self.sandbox.image().map().entries.after_fork;
        let traced = self.leave_frames()?;
        let answer = self.ask(after_fork, &[], ERROR_ANSWER_BYTES_MAX)?;
        let live = self.live.as_mut().ok_or(LOST)?;
        live.set_word(traced, 0)?;
        match answer.as_deref() {
            Some([]) => Ok(()),
            Some(failure) => {
                let text = String::from_utf8_lossy(failure);
                Err(Error::Fork(text.chars().take(500).collect()))
            }
            None => Err(Error::Fork("its interpreter stopped".into())),
        }
    }

    /// Takes the interpreter out of the parent's frames. Those stay on the
    /// stack, above everything that the copy will put there, because objects
    /// refer to them. Returns the word that keeps trace functions from being
    /// called for now.
    fn leave_frames(&mut self) -> Result<u32, Error> {
        let map = self.sandbox.image().map();
        let (running, interrupt) = (&map.running, map.interrupt);
        let image = self.sandbox.memory_image();
        let at_rest = |at: u32| image.word(at).unwrap_or(0);
        let live = self.live.as_mut().ok_or(LOST)?;
        for &at in &running.restored {
            live.set_word(at, at_rest(at))?;
        }
        // A limit that the parent's code has set stays.
        let limit = live.read_word(running.depth_limit).unwrap_or(0);
        live.set_word(running.depth_left, limit)?;
        let stack_pointer = live.stack_pointer();
        let used = map.stack_pointer.wrapping_sub(stack_pointer) as u32;
        for &at in &running.stack_bounds {
            live.set_word(at, at_rest(at).wrapping_sub(used))?;
        }
        // An interrupt of the parent is not the copy's.
        live.set_word(interrupt.flag, 0)?;
        live.set_word(interrupt.exception, 0)?;
        let events = live.read_word(interrupt.events).unwrap_or(0);
        live.set_word(interrupt.events, events & !interrupt.events_bit)?;
        live.set_word(running.tracing, 1)?;
        Ok(running.tracing)
    }

    /// Gives a session that was made without options its own.
    fn equip(&mut self, options: SessionOptions) -> Result<(), Error> {
        let live = self.live.as_mut().ok_or(LOST)?;
        let equipment = options.equipment(&self.sandbox);
        live.store.data_mut().equip(equipment);
        self.sandbox.allow_forks(live);
        self.reseed()?;
        self.rest.current = false;
        Ok(())
    }
}
