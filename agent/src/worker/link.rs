//! A worker process, and the lines to the sessions in it, as the agent has them.
//!
//! ```text
//!  line 0 ─┐                                   ┌─► mailbox 0
//!  line 1 ─┼─► stdin ─► worker ─► stdout ─► reader ─► mailbox 1
//!  fork  ──┘
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Weak};
use std::task::Wake;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::frames::{Kind, read, write};
use super::pool::WorkerCommand;
use crate::Error;
use crate::cancellation::Stop;
use crate::scope::Bell;

/// From an interrupt to the end of waiting for the worker to obey it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Frames that wait for a session's thread. The worker sends one at a time but
/// for rollbacks; one that floods is given up.
const FRAMES_MAX: usize = 1_024;

/// A worker process. Cheap to clone; it ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub(super) struct Link {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    child: Mutex<Child>,
    stdin: Mutex<ChildStdin>,
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    open: BTreeMap<u32, Arc<Mailbox>>,
    next: u32,
    is_closed: bool,
}

/// A line to one session. Dropping it ends the session.
#[derive(Debug)]
pub(super) struct Line {
    link: Link,
    session: u32,
    mailbox: Arc<Mailbox>,
}

/// A fork in a worker for which no line was opened yet. Dropping it gives the
/// fork up.
pub(crate) struct RemoteFork {
    link: Link,
    session: u32,
    is_taken: bool,
}

/// What a session's thread waits for.
pub(super) enum Mail {
    Frame(Kind, Vec<u8>),
    /// An awaited call may have its answer.
    Answered,
    /// The worker is gone.
    Closed,
    /// The worker was told to end the turn long ago, and did not.
    Late,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    kept: Mutex<Kept>,
    changed: Condvar,
    /// Of the plain call under way.
    pub(super) bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct Kept {
    frames: VecDeque<(Kind, Vec<u8>)>,
    is_answered: bool,
    is_closed: bool,
    /// A request is under way.
    is_asked: bool,
    stopped: Option<Instant>,
}

impl Link {
    /// Starts a worker.
    pub(super) fn start(command: &WorkerCommand) -> Result<Self, Error> {
        let failed = |what: String| Error::Worker { what };
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                let program = command.program.display();
                failed(format!("{program} cannot be started: {error}"))
            })?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("its streams are not there".to_owned()));
        };
        let shared = Arc::new(Shared {
            child: Mutex::new(child),
            stdin: Mutex::new(stdin),
            lines: Mutex::default(),
        });
        let heard = Arc::downgrade(&shared);
        std::thread::Builder::new()
            .name("memex-worker-output".into())
            .spawn(move || listen(BufReader::new(stdout), &heard))
            .map_err(Error::Reactor)?;
        Ok(Self { shared })
    }

    /// A line to a session that is still to begin.
    pub(super) fn open(&self) -> Line {
        let mut lines = self.shared.lines.lock();
        let session = lines.next;
        lines.next = (lines.next + 1) % super::frames::FORKS_FROM;
        drop(lines);
        self.line(session)
    }

    /// A fork of a session that the worker names.
    pub(super) fn fork(&self, session: u32) -> RemoteFork {
        RemoteFork {
            link: self.clone(),
            session,
            is_taken: false,
        }
    }

    /// Whether it can serve another run.
    pub(super) fn is_alive(&self) -> bool {
        !self.shared.lines.lock().is_closed
    }

    /// Ends it, and says how it ended if that was by itself.
    pub(super) fn end(&self) -> String {
        let mut child = self.shared.child.lock();
        match child.try_wait() {
            Ok(Some(status)) => status.to_string(),
            _ => {
                let _killed = child.kill();
                "it was stopped".to_owned()
            }
        }
    }

    fn line(&self, session: u32) -> Line {
        let mailbox = Arc::<Mailbox>::default();
        let mut lines = self.shared.lines.lock();
        match lines.is_closed {
            true => mailbox.close(),
            false => _ = lines.open.insert(session, Arc::clone(&mailbox)),
        }
        drop(lines);
        Line {
            link: self.clone(),
            session,
            mailbox,
        }
    }

    fn send(&self, session: u32, kind: Kind, payload: &[u8]) -> bool {
        write(&mut *self.shared.stdin.lock(), session, kind, payload).is_ok()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        // One that has ended cannot be killed, and is still to be waited for.
        let _killed = child.kill();
        let _waited = child.wait();
    }
}

/// Puts what the worker says into mailboxes, until it says no more.
fn listen(mut stdout: impl Read, link: &Weak<Shared>) {
    while let Ok(Some(frame)) = read(&mut stdout) {
        let Some(shared) = link.upgrade() else {
            return;
        };
        let mailbox = shared.lines.lock().open.get(&frame.session).cloned();
        // A session that was closed may still have had something to say.
        let Some(mailbox) = mailbox else {
            continue;
        };
        match frame.kind {
            Kind::GiveUp => mailbox.bell.give_up(),
            kind => mailbox.put(kind, frame.payload),
        }
    }
    if let Some(shared) = link.upgrade() {
        let mut lines = shared.lines.lock();
        lines.is_closed = true;
        for mailbox in std::mem::take(&mut lines.open).into_values() {
            mailbox.close();
        }
    }
}

impl Line {
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    pub(super) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// Sends a frame; `false` if the worker is gone.
    pub(super) fn send(&self, kind: Kind, payload: &[u8]) -> bool {
        self.link.send(self.session, kind, payload)
    }

    /// Sends a request; what was told to stop before is told so right after.
    pub(super) fn request(&self, kind: Kind, payload: &[u8]) -> bool {
        let mut kept = self.mailbox.kept.lock();
        kept.is_asked = true;
        let sent = self.send(kind, payload);
        if kept.stopped.is_some() {
            self.send(Kind::Interrupt, b"");
        }
        sent
    }

    /// The request was answered.
    pub(super) fn answered(&self) {
        self.mailbox.kept.lock().is_asked = false;
    }

    /// What interrupts the turn under way.
    pub(super) fn stop(&self) -> Arc<dyn Stop> {
        Arc::new(Interrupting {
            link: Arc::downgrade(&self.link.shared),
            session: self.session,
            mailbox: Arc::clone(&self.mailbox),
        })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.link.shared.lines.lock().open.remove(&self.session);
        self.link.send(self.session, Kind::Close, b"");
    }
}

impl RemoteFork {
    /// The line to the session that the fork becomes.
    pub(super) fn open(mut self) -> Line {
        self.is_taken = true;
        self.link.line(self.session)
    }
}

impl Drop for RemoteFork {
    fn drop(&mut self) {
        if !self.is_taken {
            self.link.send(self.session, Kind::Close, b"");
        }
    }
}

struct Interrupting {
    link: Weak<Shared>,
    session: u32,
    mailbox: Arc<Mailbox>,
}

impl Stop for Interrupting {
    fn stop(&self, _hard: bool) {
        let mut kept = self.mailbox.kept.lock();
        kept.stopped.get_or_insert_with(Instant::now);
        // The worker counts: the second interrupt of a turn is hard there.
        if let Some(shared) = self.link.upgrade().filter(|_| kept.is_asked) {
            Link { shared }.send(self.session, Kind::Interrupt, b"");
        }
        drop(kept);
        self.mailbox.changed.notify_all();
        self.mailbox.bell.give_up();
    }
}

impl Mailbox {
    /// A turn is to begin, and nobody has stopped it.
    pub(super) fn begin(&self) {
        self.kept.lock().stopped = None;
        self.bell.begin();
    }

    /// Waits for the next thing.
    pub(super) fn next(&self) -> Mail {
        let mut kept = self.kept.lock();
        loop {
            if let Some((kind, payload)) = kept.frames.pop_front() {
                return Mail::Frame(kind, payload);
            }
            if std::mem::take(&mut kept.is_answered) {
                return Mail::Answered;
            }
            if kept.is_closed {
                return Mail::Closed;
            }
            match kept.stopped.map(|at| at + PATIENCE) {
                None => self.changed.wait(&mut kept),
                Some(until) if Instant::now() >= until => return Mail::Late,
                Some(until) => _ = self.changed.wait_until(&mut kept, until),
            }
        }
    }

    fn put(&self, kind: Kind, payload: Vec<u8>) {
        let mut kept = self.kept.lock();
        if kind == Kind::Call && kept.stopped.is_none() {
            // The call before was answered; this one is not given up yet.
            self.bell.begin();
        }
        match kept.frames.len() < FRAMES_MAX {
            true => kept.frames.push_back((kind, payload)),
            false => kept.is_closed = true,
        }
        self.changed.notify_all();
    }

    fn close(&self) {
        self.kept.lock().is_closed = true;
        self.changed.notify_all();
        self.bell.give_up();
    }
}

impl Wake for Mailbox {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.kept.lock().is_answered = true;
        self.changed.notify_all();
    }
}
