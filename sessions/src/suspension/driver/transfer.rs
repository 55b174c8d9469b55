//! Taking a turn that waits to another process: saving it, and going on with it.

use super::{State, Suspendable, equipped};
use crate::suspension::error::SuspensionError;
use crate::suspension::saved::{SavedTurn, Suspension};
use memex_host_tools::{Broker, BrokerBuilder};
use memex_runtime::{Generators, Sandbox, Session, SessionOptions, SessionState, Snapshot};

impl Suspendable {
    /// A session in a state that was taken between turns, with the tools of a broker.
    ///
    /// # Errors
    /// When the toolbox has no client tools, and as [`Sandbox::restore`].
    pub fn from_snapshot(
        sandbox: &Sandbox,
        snapshot: &Snapshot,
        generators: Generators,
        broker: Broker,
        options: SessionOptions,
    ) -> Result<Self, SuspensionError> {
        let (options, calls, seen) = equipped(broker, options)?;
        let (session, _lost) = sandbox.restore(snapshot, generators, options)?;
        Self::around(session, calls, seen)
    }

    /// Goes on with a session that was saved while it waited.
    ///
    /// `broker` must offer the client tools of the open calls.
    ///
    /// # Errors
    /// When what was saved is damaged, or does not fit the image, the policy or the tools.
    pub fn restore(
        sandbox: &Sandbox,
        saved: &Suspension,
        broker: BrokerBuilder,
        options: SessionOptions,
    ) -> Result<Self, SuspensionError> {
        saved.check()?;
        let broker = broker.restore(&saved.turn.calls);
        let broker = broker.map_err(|error| SuspensionError::Saved {
            reason: error.to_string(),
        })?;
        let (options, calls, seen) = equipped(broker, options)?;
        let (start, generators) = saved.start(sandbox)?;
        let (session, state) = match saved.state(sandbox)? {
            Some((state, turn)) => {
                let (session, _lost) = sandbox.resume(&state, &start, turn, options)?;
                let until = match session.state() {
                    SessionState::Waiting { until } => until,
                    _ => None,
                };
                (session, State::Parked { until })
            }
            None => (
                sandbox.restore(&start, generators, options)?.0,
                State::Stopped,
            ),
        };
        let mut restored = Self::around(session, calls, seen)?;
        restored.state = state;
        restored.before = saved.turn.calls.is_again().then_some(start);
        restored.code.clone_from(&saved.turn.code);
        Ok(restored)
    }

    /// Everything that another process needs to go on with the turn that waits. The
    /// session goes on waiting. A plain call that holds its frames is let go first: its
    /// turn is rolled back, to run again.
    ///
    /// # Errors
    /// When no turn waits, and as [`Session::suspend`].
    pub fn save(&mut self) -> Result<Suspension, SuspensionError> {
        self.expect_waiting()?;
        if self.state == State::Held {
            if !self.calls.stop() && !self.calls.is_stopped() {
                return Err(SuspensionError::State {
                    state: "held by a call whose turn cannot be run again",
                    remedy: "answer the call first",
                });
            }
            self.next()?;
        }
        let (state, start, turn) = match self.state {
            State::Parked { .. } => {
                let suspended = self.thread.with(Session::suspend)??;
                (Some(suspended.state), suspended.start, suspended.turn)
            }
            State::Stopped => {
                let encode = |session: &mut Session| {
                    let snapshot = session.snapshot()?;
                    session.sandbox().encode(&snapshot, Generators::Keep)
                };
                (None, self.thread.with(encode)??, Vec::new())
            }
            _ => return Err(self.unfit()),
        };
        let turn = SavedTurn::new(self.code.clone(), turn, self.calls.save());
        Ok(Suspension { state, start, turn })
    }
}
