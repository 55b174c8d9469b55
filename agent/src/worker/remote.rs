//! A scope in a worker process, as the agent sees it.

use std::path::Path;
use std::sync::Arc;
use std::task::Waker;

use memex_channel::{Frame, HostCalls, Reply, encode_answers};
use serde_json::json;

use super::begin::{Begin, Origin};
use super::frames::Kind;
use super::link::{Line, Link, RemoteFork};
use super::mailbox::Mail;
use super::pool::Leased;
use crate::observation::inventory;
use crate::scope::{Equipment, Place, Scope, Spawner, Waiting, kept_path, kept_steps};
use crate::{Cancellation, Error, Ran};

/// A scope that is a session in a worker.
struct Remote {
    leased: Leased,
    equip: Equipment,
    setup: String,
    live: Option<Live>,
}

/// A session in a worker.
struct Live {
    line: Line,
    calls: Box<dyn HostCalls>,
    spawner: Option<Arc<dyn Spawner>>,
    leased: Leased,
    /// The process is this scope's; that of a fork is its parent's.
    owns: Option<Link>,
}

/// A fork in the worker of its parent. Should that die, its scope continues in
/// another one.
struct ForkThere {
    fork: RemoteFork,
    leased: Leased,
}

impl Place for Leased {
    fn open(self: Box<Self>, equipment: Equipment, setup: String) -> Result<Box<dyn Scope>, Error> {
        Ok(Box::new(Remote::new(*self, equipment, setup)))
    }
}

impl Place for ForkThere {
    fn open(self: Box<Self>, equipment: Equipment, setup: String) -> Result<Box<dyn Scope>, Error> {
        let Self { fork, leased } = *self;
        Ok(Box::new(Remote::forked(leased, fork, equipment, setup)?))
    }
}

impl Remote {
    fn new(leased: Leased, equip: Equipment, setup: String) -> Self {
        Self {
            leased,
            equip,
            setup,
            live: None,
        }
    }

    fn forked(
        leased: Leased,
        fork: RemoteFork,
        equip: Equipment,
        setup: String,
    ) -> Result<Self, Error> {
        let mut scope = Self::new(leased, equip, setup);
        let mut live = scope.equipped(fork.open(), None);
        live.begin(&scope.begin(None, None))?;
        scope.live = Some(live);
        Ok(scope)
    }

    /// The worker with a session in it, started if there is none.
    fn live(&mut self, load: Option<&Path>) -> Result<&mut Live, Error> {
        if self.live.is_none() {
            let link = self.leased.take()?;
            let mut live = self.equipped(link.open(), Some(link));
            let origin = self.leased.origin().clone();
            live.begin(&self.begin(Some(origin), load))?;
            self.live = Some(live);
        }
        self.live.as_mut().ok_or_else(|| died("at once"))
    }

    fn begin(&self, origin: Option<Origin>, load: Option<&Path>) -> Begin {
        Begin {
            origin,
            setup: self.setup.clone(),
            path: load.map(Path::to_owned),
            forks: self.equip.spawner.is_some(),
        }
    }

    fn equipped(&self, line: Line, owns: Option<Link>) -> Live {
        Live {
            line,
            calls: (self.equip.calls)(),
            spawner: self.equip.spawner.clone(),
            leased: self.leased.clone(),
            owns,
        }
    }
}

fn died(when: &str) -> Error {
    Error::Worker {
        what: format!("ended {when}; its messages are on standard error"),
    }
}

impl Live {
    fn begin(&mut self, begin: &Begin) -> Result<(), Error> {
        let frame = serde_json::to_vec(begin).map_err(|error| Error::Worker {
            what: format!("cannot be told its session: {error}"),
        })?;
        let answer = self.ask(Kind::Begin, &frame);
        let answer = answer.ok_or_else(|| died("before it began"))?;
        answer.map(|_| ()).map_err(|what| Error::Worker { what })
    }

    /// Sends a request and serves the guest until it is done. None: the worker
    /// died. An error is what the worker could not do.
    fn ask(&mut self, kind: Kind, payload: &[u8]) -> Option<Result<Vec<u8>, String>> {
        if kind == Kind::Turn {
            self.calls.begin_turn();
        }
        if !self.line.request(kind, payload) {
            return None;
        }
        let answer = self.serve();
        self.line.answered();
        answer
    }

    fn serve(&mut self) -> Option<Result<Vec<u8>, String>> {
        let mailbox = Arc::clone(self.line.mailbox());
        self.calls.wake_with(Waker::from(Arc::clone(&mailbox)));
        loop {
            if self.calls.has_answers() {
                let answers = encode_answers(&self.calls.take_answers());
                self.line.send(Kind::Answers, &answers);
            }
            let (kind, payload) = match mailbox.next() {
                Mail::Frame(kind, payload) => (kind, payload),
                Mail::Answered => continue,
                Mail::Closed => return None,
                Mail::Late => {
                    tracing::warn!(target: "memex::agent", "a worker does not end its turn and is ended");
                    return None;
                }
            };
            match kind {
                Kind::Call => {
                    let reply = self.answer(&payload);
                    self.line.send(Kind::Reply, &reply.encode());
                }
                Kind::Fork => {
                    let reply = self.fork(&payload);
                    self.line.send(Kind::Reply, &reply.encode());
                }
                Kind::RollBack => self.calls.roll_back(),
                Kind::Done => return Some(Ok(payload)),
                Kind::Failed => return Some(Err(String::from_utf8_lossy(&payload).into_owned())),
                _ => return None,
            }
        }
    }

    fn answer(&mut self, payload: &[u8]) -> Reply {
        let waiting = Waiting::on(&self.line.mailbox().bell);
        match Frame::decode(payload) {
            Ok(frame) => self.calls.call(&frame, &waiting),
            Err(error) => Reply::error("ValueError", &error.to_string()),
        }
    }

    /// The fork is there already; if it is refused, it is given up.
    fn fork(&mut self, payload: &[u8]) -> Reply {
        let Some((session, frame)) = payload.split_first_chunk::<4>() else {
            return Reply::error("ValueError", "the request is malformed");
        };
        let fork = self.line.link().fork(u32::from_le_bytes(*session));
        let Some(spawner) = &self.spawner else {
            return Reply::error("PermissionError", "this agent cannot spawn others");
        };
        match Frame::decode(frame) {
            Ok(frame) => {
                let leased = self.leased.clone();
                spawner.spawn(&frame, Box::new(ForkThere { fork, leased }))
            }
            Err(error) => Reply::error("ValueError", &error.to_string()),
        }
    }
}

impl Scope for Remote {
    fn run(&mut self, code: &str, cancellation: &Cancellation) -> Result<Ran, Error> {
        let live = self.live(None)?;
        live.line.mailbox().begin();
        cancellation.watch(live.line.stop());
        let answer = match cancellation.is_cancelled() {
            true => Some(Ok(Vec::new())),
            false => live.ask(Kind::Turn, code.as_bytes()),
        };
        cancellation.unwatch();
        let mut ran = match answer {
            Some(Ok(answer)) if answer.is_empty() => Ran::default(),
            Some(Ok(answer)) => serde_json::from_slice(&answer).map_err(|error| Error::Worker {
                what: format!("its answer is not an outcome: {error}"),
            })?,
            Some(Err(what)) => return Err(Error::Worker { what }),
            None => {
                let live = self.live.take();
                let how = live.and_then(|live| live.owns.as_ref().map(Link::end));
                let how = how.map(|how| format!(" ({how})")).unwrap_or_default();
                Ran::lost(format!("the worker process of the session died{how}"))
            }
        };
        ran.interrupted = cancellation.is_cancelled();
        Ok(ran)
    }

    fn describe(&mut self) -> Result<Option<Vec<String>>, Error> {
        match self.live(None)?.ask(Kind::Describe, &[]) {
            Some(Ok(answer)) => Ok(std::str::from_utf8(&answer).ok().and_then(inventory)),
            Some(Err(what)) => Err(Error::Worker { what }),
            // The next turn finds another worker.
            None => {
                self.live = None;
                Ok(None)
            }
        }
    }

    fn save(&mut self, trajectory: &Path, steps: u32) -> Result<(), Error> {
        // After a crash there is nothing to save until the next turn.
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        let path = json!({ "path": kept_path(trajectory), "steps": steps }).to_string();
        match live.ask(Kind::Save, path.as_bytes()) {
            Some(Ok(_)) => Ok(()),
            Some(Err(what)) => Err(Error::Worker { what }),
            None => {
                self.live = None;
                Ok(())
            }
        }
    }

    fn load(&mut self, trajectory: &Path) -> Result<Option<u32>, Error> {
        let steps = kept_steps(trajectory)?;
        if steps.is_some() {
            self.live(Some(trajectory))?;
        }
        Ok(steps)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let Some(live) = self.live.take() else {
            return;
        };
        let Live { line, owns, .. } = live;
        // The session ends first.
        drop(line);
        if let Some(link) = owns {
            self.leased.give_back(link);
        }
    }
}
