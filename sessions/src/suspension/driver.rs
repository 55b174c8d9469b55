//! Starting turns, and answering their calls.

mod transfer;

use super::error::SuspensionError;
use super::sink::{RepeatableSink, Seen};
use super::thread::{Event, SessionThread};
use memex_host_tools::{Broker, ClientAnswer, ClientCall, ClientCalls};
use memex_runtime::{Interrupter, Outcome, Sandbox, Session, SessionOptions, Snapshot, Step};
use std::time::{Duration, Instant};

/// A session whose client tools are answered by whoever holds it.
///
/// Dropping it destroys the session; a turn that waits goes with it.
pub struct Suspendable {
    thread: SessionThread,
    calls: ClientCalls,
    interrupter: Interrupter,
    _end: EndOnDrop,
    seen: Option<Seen>,
    state: State,
    /// The block of the turn at hand.
    code: String,
    /// The state before the turn, while it runs again.
    before: Option<Snapshot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Parked { until: Option<Instant> },
    Held,
    Stopped,
    Lost,
}

/// What a turn has come to.
#[derive(Debug)]
pub enum SuspendedStep {
    /// It is over.
    Done(Box<Outcome>),
    /// It waits for the client.
    Waiting {
        /// The open calls, in the order they were made.
        calls: Vec<ClientCall>,
        /// When it wants to go on by itself, as in `asyncio.wait_for`:
        /// [`Suspendable::go_on`] is to be called then.
        until: Option<Instant>,
    },
}

impl Suspendable {
    /// A session of the sandbox with the tools of a broker.
    ///
    /// # Errors
    /// When the toolbox has no client tools, and as [`Sandbox::session`].
    pub fn new(
        sandbox: &Sandbox,
        broker: Broker,
        options: SessionOptions,
    ) -> Result<Self, SuspensionError> {
        let fresh = |options| Ok::<_, SuspensionError>((sandbox.session(options)?, ()));
        Ok(Self::of(broker, options, fresh)?.0)
    }

    /// The session that `make` makes with these options, such as one that goes on from a
    /// snapshot or a saved one, and what it returns beside it.
    ///
    /// # Errors
    /// When the toolbox has no client tools, and what `make` fails with.
    pub fn of<T, E: From<SuspensionError>>(
        broker: Broker,
        options: SessionOptions,
        make: impl FnOnce(SessionOptions) -> Result<(Session, T), E>,
    ) -> Result<(Self, T), E> {
        let (options, calls, seen) = equipped(broker, options)?;
        let (session, more) = make(options)?;
        Ok((Self::around(session, calls, seen)?, more))
    }

    fn around(
        session: Session,
        calls: ClientCalls,
        seen: Option<Seen>,
    ) -> Result<Self, SuspensionError> {
        let interrupter = session.interrupter();
        let thread = SessionThread::new(session)?;
        let abort = interrupter.clone();
        let end = move || {
            // One that has ended by itself needs no end.
            let _ran = abort.hard();
        };
        calls.drive(end, thread.on_held());
        Ok(Self {
            thread,
            calls,
            _end: EndOnDrop(interrupter.clone()),
            interrupter,
            seen,
            state: State::Ready,
            code: String::new(),
            before: None,
        })
    }

    /// Runs a block until it is over, or waits for the client.
    ///
    /// # Errors
    /// When a turn waits already, and as [`Session::start`].
    pub fn start(&mut self, code: &str) -> Result<SuspendedStep, SuspensionError> {
        self.expect(State::Ready)?;
        self.calls.end_turn();
        code.clone_into(&mut self.code);
        if let Some(seen) = &self.seen {
            seen.begin();
        }
        self.begin()
    }

    /// Answers calls of the turn that waits, and goes on with it if that is of use.
    ///
    /// # Errors
    /// When an answer fits no open call: no answer is taken then, and the session waits
    /// as before. [`SuspensionError::Diverged`] when the turn was stopped and does
    /// something else now.
    pub fn answer(
        &mut self,
        answers: impl IntoIterator<Item = (String, ClientAnswer)>,
    ) -> Result<SuspendedStep, SuspensionError> {
        self.expect_waiting()?;
        let answers: Vec<_> = answers.into_iter().collect();
        for (at, (id, answer)) in answers.iter().enumerate() {
            self.calls.check(id, answer)?;
            let mut before = answers.iter().take(at);
            if before.any(|(other, _)| other == id) {
                let id = id.clone();
                return Err(memex_host_tools::AnswerError::Closed { id }.into());
            }
        }
        for (id, answer) in answers {
            self.calls.answer(&id, answer)?;
        }
        self.go_on()
    }

    /// Goes on with a turn that waits, if anything it waits for has come.
    ///
    /// # Errors
    /// As [`Suspendable::answer`].
    pub fn go_on(&mut self) -> Result<SuspendedStep, SuspensionError> {
        self.expect_waiting()?;
        if self.state == State::Held {
            if self.calls.open().iter().any(|call| call.is_held) {
                return self.look();
            }
            return self.next();
        }
        match self.state {
            State::Stopped if self.calls.has_answers() => {
                self.before = Some(self.thread.with(Session::snapshot)??);
                self.calls.run_again();
                if let Some(seen) = &self.seen {
                    seen.again();
                }
                self.begin()
            }
            State::Parked { until } => {
                let is_due = until.is_some_and(|until| until <= Instant::now());
                if !is_due && !self.thread.with(|session| session.has_answers())? {
                    return Ok(self.waiting(until));
                }
                self.thread.step(Session::resume)?;
                self.next()
            }
            _ => Ok(self.waiting(None)),
        }
    }

    /// Ends the turn that waits: `class` is raised where it waits, or, where that is not
    /// possible, the session is in its state before the turn.
    ///
    /// # Errors
    /// When no turn waits, and as [`Session::cancel`].
    pub fn cancel(&mut self, class: &'static str) -> Result<SuspendedStep, SuspensionError> {
        self.expect_waiting()?;
        match self.state {
            State::Parked { .. } => {
                self.thread.step(move |session| session.cancel(class))?;
                self.next()
            }
            State::Held => {
                let _ran = self.interrupter.soft();
                self.next()
            }
            _ => {
                self.state = State::Ready;
                Err(SuspensionError::State {
                    state: "stopped",
                    remedy: "its turn is given up, and it is in its state before the turn",
                })
            }
        }
    }

    /// How long a plain call in a place that cannot await holds its turn before the turn is
    /// rolled back. Default: [`HOLD`](memex_host_tools::HOLD), a minute.
    pub fn set_hold(&self, hold: Duration) {
        self.calls.set_hold(hold);
    }

    /// The calls that wait for the client.
    #[must_use]
    pub fn open_calls(&self) -> Vec<ClientCall> {
        self.calls.open()
    }

    /// A handle that interrupts the turn from other threads.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        self.interrupter.clone()
    }

    /// Whether a turn waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !matches!(self.state, State::Ready | State::Lost)
    }

    /// Does something with the session while no turn of it waits: takes a snapshot, asks
    /// for a variable.
    ///
    /// # Errors
    /// When a turn waits, or the session is lost.
    pub fn with<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Session) -> R + Send + 'static,
    ) -> Result<R, SuspensionError> {
        self.expect(State::Ready)?;
        self.thread.with(work)
    }

    /// The session itself, with no turn that waits.
    ///
    /// # Errors
    /// When a turn waits, or the session is lost.
    pub fn into_session(self) -> Result<Session, SuspensionError> {
        self.expect(State::Ready)?;
        self.thread.end()
    }

    fn begin(&mut self) -> Result<SuspendedStep, SuspensionError> {
        let code = self.code.clone();
        self.thread.step(move |session| session.start(&code))?;
        self.next()
    }

    /// What there is to be seen of a held turn, without waiting.
    fn look(&mut self) -> Result<SuspendedStep, SuspensionError> {
        match self.thread.events.try_recv() {
            Ok(event) => match self.take(event)? {
                Some(step) => Ok(step),
                None => self.next(),
            },
            Err(_) => Ok(self.waiting(None)),
        }
    }

    /// Follows the turn until it is over or waits for the client.
    fn next(&mut self) -> Result<SuspendedStep, SuspensionError> {
        loop {
            let event = self.thread.next().inspect_err(|_| {
                self.state = State::Lost;
            })?;
            if let Some(step) = self.take(event)? {
                return Ok(step);
            }
        }
    }

    /// What an event comes to; `None` if the turn goes on by itself.
    fn take(&mut self, event: Event) -> Result<Option<SuspendedStep>, SuspensionError> {
        let step = match event {
            Event::Held => {
                self.state = State::Held;
                let is_held = self.calls.open().iter().any(|call| call.is_held);
                // Else the call was answered before its event was looked at.
                let waits = self.calls.is_stopped() || is_held;
                return Ok(waits.then(|| self.waiting(None)));
            }
            Event::Step(step) => step.inspect_err(|_| self.state = State::Lost)?,
        };
        if self.calls.is_stopped() {
            self.state = State::Stopped;
            return match self.calls.has_answers() {
                true => self.go_on().map(Some),
                false => Ok(Some(self.waiting(None))),
            };
        }
        if let Some(before) = self.before.clone()
            && (self.calls.has_diverged()
                || (matches!(step, Step::Done(_)) && self.calls.has_left_over()))
        {
            return self.diverged(&step, before).map(Some);
        }
        match step {
            Step::Done(outcome) => {
                self.state = State::Ready;
                self.before = None;
                self.calls.end_turn();
                Ok(Some(SuspendedStep::Done(outcome)))
            }
            Step::Waiting { until } => {
                let has_answers = self.thread.with(|session| session.has_answers())?;
                if self.calls.has_open() && !has_answers {
                    self.state = State::Parked { until };
                    return Ok(Some(self.waiting(until)));
                }
                // Answers are there, or only the host or the clock can answer.
                self.thread.step(Session::wait_and_resume)?;
                Ok(None)
            }
        }
    }

    fn diverged(
        &mut self,
        step: &Step,
        before: Snapshot,
    ) -> Result<SuspendedStep, SuspensionError> {
        self.before = None;
        self.state = State::Ready;
        let waits = matches!(step, Step::Waiting { .. });
        let undone = self.thread.with(move |session| {
            if waits {
                // What it does about it is undone as well.
                session.cancel("RuntimeError")?;
            }
            session.rewind(&before)
        })?;
        undone.inspect_err(|_| self.state = State::Lost)?;
        self.calls.undo_turn();
        Err(SuspensionError::Diverged)
    }

    fn waiting(&self, until: Option<Instant>) -> SuspendedStep {
        SuspendedStep::Waiting {
            calls: self.calls.open(),
            until,
        }
    }

    fn expect(&self, state: State) -> Result<(), SuspensionError> {
        match self.state == state {
            true => Ok(()),
            false => Err(self.unfit()),
        }
    }

    fn expect_waiting(&self) -> Result<(), SuspensionError> {
        match self.is_waiting() {
            true => Ok(()),
            false => Err(self.unfit()),
        }
    }

    fn unfit(&self) -> SuspensionError {
        let (state, remedy) = match self.state {
            State::Ready => ("ready", "start a turn first"),
            State::Lost => ("lost", "start another session"),
            _ => ("waiting", "answer its calls, or cancel its turn"),
        };
        SuspensionError::State { state, remedy }
    }
}

/// Ends a turn that still holds the session's thread when its owner is gone.
struct EndOnDrop(Interrupter);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let _ran = self.0.hard();
    }
}

/// Options with the broker, the handle of its calls, and a sink that shows output once.
fn equipped(
    broker: Broker,
    mut options: SessionOptions,
) -> Result<(SessionOptions, ClientCalls, Option<Seen>), SuspensionError> {
    let calls = broker.client_calls();
    let calls = calls.ok_or(SuspensionError::NoClientTools)?;
    let mut seen = None;
    if let Some(sink) = options.sink.take() {
        let sink = RepeatableSink::new(sink);
        seen = Some(sink.seen());
        options.sink = Some(Box::new(sink));
    }
    options.calls = Some(Box::new(broker));
    Ok((options, calls, seen))
}

impl std::fmt::Debug for Suspendable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suspendable")
            .field("state", &self.state)
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}
