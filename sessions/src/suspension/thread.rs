//! The thread that runs a session's turns while its owner waits for the first of: the
//! turn's end, its wait, a plain call that holds it.

use super::error::SuspensionError;
use memex_runtime::{Error, Session, Step};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// Room for the guest's own stack limit, so that no turn has to map a stack for itself.
const STACK_BYTES: usize = 64 << 20;

/// What becomes of a turn.
pub(super) enum Event {
    /// A call of it holds the thread.
    Held,
    /// It is over, or waits.
    Step(Result<Step, Error>),
}

type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// A session on a thread of its own.
pub(super) struct SessionThread {
    jobs: Option<Sender<Job>>,
    pub(super) events: Receiver<Event>,
    sender: Sender<Event>,
    thread: Option<JoinHandle<Option<Session>>>,
}

impl SessionThread {
    /// Moves a session to a new thread.
    pub(super) fn new(mut session: Session) -> Result<Self, SuspensionError> {
        let (jobs, inbox) = channel::<Job>();
        let (sender, events) = channel();
        let thread = std::thread::Builder::new()
            .name("memex-session".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                for job in inbox {
                    job(&mut session);
                }
                Some(session)
            })
            .map_err(|error| SuspensionError::Thread {
                reason: error.to_string(),
            })?;
        Ok(Self {
            jobs: Some(jobs),
            events,
            sender,
            thread: Some(thread),
        })
    }

    /// Tells the owner of a plain call that holds the thread.
    pub(super) fn on_held(&self) -> impl Fn() + Send + Sync + 'static {
        let sender = self.sender.clone();
        move || {
            // Nobody listens to a session that is being dropped.
            let _gone = sender.send(Event::Held);
        }
    }

    /// Has the thread do a part of a turn; what it comes to is an [`Event`].
    pub(super) fn step(
        &self,
        work: impl FnOnce(&mut Session) -> Result<Step, Error> + Send + 'static,
    ) -> Result<(), SuspensionError> {
        let sender = self.sender.clone();
        self.post(Box::new(move |session| {
            let _gone = sender.send(Event::Step(work(session)));
        }))
    }

    /// Does something with the session while no turn of it runs.
    pub(super) fn with<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> R + Send + 'static,
    ) -> Result<R, SuspensionError> {
        let (sender, result) = channel();
        self.post(Box::new(move |session| {
            let _gone = sender.send(work(session));
        }))?;
        result.recv().map_err(|_| gone())
    }

    /// The next event.
    pub(super) fn next(&self) -> Result<Event, SuspensionError> {
        // The thread holds no sender of its own between jobs, but this struct does: a
        // thread that is gone is noticed by its handle.
        loop {
            let patience = std::time::Duration::from_secs(1);
            match self.events.recv_timeout(patience) {
                Ok(event) => return Ok(event),
                Err(_) if self.thread.as_ref().is_none_or(JoinHandle::is_finished) => {
                    return Err(gone());
                }
                Err(_) => {}
            }
        }
    }

    /// Takes the session back.
    pub(super) fn end(mut self) -> Result<Session, SuspensionError> {
        self.jobs = None;
        let thread = self.thread.take().ok_or_else(gone)?;
        thread.join().ok().flatten().ok_or_else(gone)
    }

    fn post(&self, job: Job) -> Result<(), SuspensionError> {
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(job).map_err(|_| gone())
    }
}

fn gone() -> SuspensionError {
    SuspensionError::Thread {
        reason: "it ended in a panic".to_owned(),
    }
}
