//! A session of a worker, on a thread of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use memex_runtime::{MidTurnFork, SessionOptions};
use parking_lot::Mutex;
use serde::Deserialize;

use super::answers::Answers;
use super::begin::Begin;
use super::frames::Kind;
use super::origins::Origins;
use super::output::Output;
use super::to_agent::ToAgent;
use crate::Cancellation;
use crate::scope::{InProcess, STACK_BYTES, Scope};

/// A session under way, as the thread that reads frames has it. Dropping it
/// lets its thread end.
pub(super) struct Hosted {
    work: Sender<Work>,
    pub(super) answers: Arc<Answers>,
    /// Of the last turn that was asked for.
    current: Mutex<Cancellation>,
}

enum Work {
    Turn(Vec<u8>, Cancellation),
    Save(Vec<u8>),
    Describe,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Save {
    path: PathBuf,
    steps: u32,
}

impl Hosted {
    /// Begins a session, of a fork if there is one. What becomes of it is told
    /// by frames.
    pub(super) fn begin(
        session: u32,
        origins: &Origins,
        fork: Option<MidTurnFork>,
        begin: Vec<u8>,
        output: &Arc<Output>,
    ) -> std::io::Result<Self> {
        let answers = Arc::<Answers>::default();
        let (work, requests) = channel();
        let to_agent = ToAgent {
            session,
            output: Arc::clone(output),
            answers: Arc::clone(&answers),
        };
        let (origins, output) = (origins.clone(), Arc::clone(output));
        std::thread::Builder::new()
            .name("memex-session".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let tell = |done: Result<Vec<u8>, String>| match done {
                    Ok(payload) => output.send(session, Kind::Done, &payload),
                    Err(what) => output.send(session, Kind::Failed, what.as_bytes()),
                };
                match scope_of(&origins, fork, &begin, to_agent) {
                    Ok(scope) => {
                        tell(Ok(Vec::new()));
                        serve(scope, &requests, tell);
                    }
                    Err(what) => _ = tell(Err(what)),
                }
            })?;
        Ok(Self {
            work,
            answers,
            current: Mutex::default(),
        })
    }

    /// Takes a frame of the agent.
    pub(super) fn take(&self, kind: Kind, payload: Vec<u8>) {
        let work = match kind {
            Kind::Reply => return self.answers.answer(&payload),
            Kind::Answers => return self.answers.deliver(&payload),
            Kind::Interrupt => return self.current.lock().cancel(),
            Kind::Turn => {
                // An interrupt that comes after this frame is this turn's.
                let cancellation = Cancellation::new();
                *self.current.lock() = cancellation.clone();
                Work::Turn(payload, cancellation)
            }
            Kind::Save => Work::Save(payload),
            Kind::Describe => Work::Describe,
            _ => return,
        };
        // A session that could not begin has said so.
        let _taken = self.work.send(work);
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.answers.close();
        self.current.lock().cancel();
    }
}

fn scope_of(
    origins: &Origins,
    fork: Option<MidTurnFork>,
    begin: &[u8],
    to_agent: ToAgent,
) -> Result<InProcess, String> {
    let begin: Begin = serde_json::from_slice(begin).map_err(|error| error.to_string())?;
    let options = move || SessionOptions {
        calls: Some(Box::new(to_agent.clone())),
        sink: None,
        forks: begin.forks.then(|| Box::new(to_agent.clone()) as _),
    };
    let made = match fork {
        Some(fork) => fork
            .session(options())
            .map_err(crate::Error::from)
            .and_then(|session| InProcess::of(session, options, begin.setup)),
        None => {
            let origin = begin.origin.ok_or("its first frame has no spec")?;
            let sandbox = origins.sandbox(&origin)?;
            let mut scope = InProcess::new(sandbox, options, begin.setup);
            let begun = match begin.path {
                Some(path) => scope.load(&path).map(|_| ()),
                None => scope.start(),
            };
            begun.map(|()| scope)
        }
    };
    made.map_err(|error| error.to_string())
}

fn serve(
    mut scope: InProcess,
    requests: &Receiver<Work>,
    tell: impl Fn(Result<Vec<u8>, String>) -> bool,
) {
    while let Ok(work) = requests.recv() {
        let done = match work {
            Work::Turn(code, cancellation) => turn(&mut scope, &code, &cancellation),
            Work::Save(payload) => save(&mut scope, &payload).map(|()| Vec::new()),
            Work::Describe => describe(&mut scope),
        };
        if !tell(done) {
            return;
        }
    }
}

fn turn(
    scope: &mut InProcess,
    code: &[u8],
    cancellation: &Cancellation,
) -> Result<Vec<u8>, String> {
    let code = std::str::from_utf8(code).map_err(|error| error.to_string())?;
    let ran = scope
        .run(code, cancellation)
        .map_err(|error| error.to_string())?;
    serde_json::to_vec(&ran).map_err(|error| error.to_string())
}

/// What the scope holds, as the guest says it; nothing if it says nothing. The agent reads it.
fn describe(scope: &mut InProcess) -> Result<Vec<u8>, String> {
    let answer = scope.inventory().map_err(|error| error.to_string())?;
    Ok(answer.unwrap_or_default().into_bytes())
}

fn save(scope: &mut InProcess, payload: &[u8]) -> Result<(), String> {
    let save: Save = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    scope
        .save(&save.path, save.steps)
        .map_err(|error| error.to_string())
}
