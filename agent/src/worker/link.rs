//! A worker process, and the lines to the sessions in it, as the agent has them.
//!
//! ```text
//!  line 0 ─┐                                   ┌─► mailbox 0
//!  line 1 ─┼─► stdin ─► worker ─► stdout ─► reader ─► mailbox 1
//!  fork  ──┘
//! ```

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::command::WorkerCommand;
use super::frames::{FORKS_FROM, Kind, read, write};
use super::mailbox::Mailbox;
use crate::Error;
use crate::cancellation::Stop;

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
pub(super) struct RemoteFork {
    link: Link,
    session: u32,
    is_taken: bool,
}

impl Link {
    /// Starts a worker. What stands in this process's environment, keys above
    /// all, is none of its business, and it needs nothing of it.
    pub(super) fn start(command: &WorkerCommand) -> Result<Self, Error> {
        let failed = |what: String| Error::Worker { what };
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .env_clear()
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
        lines.next = (lines.next + 1) % FORKS_FROM;
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

    /// Sends a request; if a stop was requested before, that follows it immediately.
    pub(super) fn request(&self, kind: Kind, payload: &[u8]) -> bool {
        self.mailbox.ask(
            || self.send(kind, payload),
            || self.send(Kind::Interrupt, b""),
        )
    }

    /// The request was answered.
    pub(super) fn answered(&self) {
        self.mailbox.answered();
    }

    /// The interrupter of the current turn.
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
        self.mailbox.stop(|| {
            let link = self.link.upgrade().map(|shared| Link { shared });
            link.is_some_and(|link| link.send(self.session, Kind::Interrupt, b""))
        });
    }
}
