//! Proving, through sessions, that a new image does what its map says.
//!
//! An address that calibration found is believed only after an interrupt that
//! uses it has ended a loop: a soft one by an exception with the scope intact,
//! a hard one by a trap with the scope rolled back.
//!
//! An image is proved before it gets its name in the cache, under the lock of its
//! inputs: no process can find one that is unproven, whatever ends this process.

use super::loaded::Image;
use super::progress::{NoProgress, Progress, Stage};
use crate::error::Error;
use crate::runtime::Runtime;
use crate::session::{Forks, MidTurnFork, Sandbox, Session, SessionOptions, Status};
use memex_channel::{Frame, Reply, TurnHandle};
use memex_policies::Policy;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

/// Proves an image that was built or pulled, and has not got its place yet.
pub(super) fn prove(image: &Image, progress: &mut dyn Progress) -> Result<(), Error> {
    progress.begin(Stage::SelfTest, None);
    run(image)?;
    progress.end();
    Ok(())
}

fn run(image: &Image) -> Result<(), Error> {
    let runtime = Runtime::new()?;
    let sandbox = |policy| {
        let policy = Arc::new(policy);
        Sandbox::new(&runtime, image, policy, &mut NoProgress)
    };
    // Only the interrupts are in a hurry: a busy machine draws figures slowly.
    // It also takes its time between an interrupt and the exception, and an
    // image is not to blame for that.
    let mut brief = Policy::default();
    brief.limits.guest_time_ms = 300;
    brief.limits.grace_ms = 500;
    let mut session = sandbox(brief)?.session(SessionOptions::default())?;
    value(&mut session, "kept = 41; kept + 1", "42")?;
    soft(&mut session)?;
    hard(&mut session)?;
    hooks(&mut session)?;
    let sandbox = sandbox(Policy::default())?;
    let mut session = sandbox.session(SessionOptions::default())?;
    value(&mut session, "kept = 41; kept + 1", "42")?;
    value(
        &mut session,
        "import random; len({random.random() for _ in range(9)})",
        "9",
    )?;
    generators(&sandbox)?;
    figure(&sandbox)?;
    proofs(image, &sandbox)?;
    mid_turn(&sandbox)?;
    let state = session.snapshot()?;
    let (mut restored, _) = sandbox.restore(&state, Default::default(), Default::default())?;
    value(&mut restored, "kept", "41")
}

fn value(session: &mut Session, code: &str, expected: &str) -> Result<(), Error> {
    let outcome = session.run(code)?;
    if outcome.value.as_deref() == Some(expected) {
        return Ok(());
    }
    Err(failed(&format!(
        "`{code}` gave {:?}, {:?}",
        outcome.value, outcome.error
    )))
}

fn soft(session: &mut Session) -> Result<(), Error> {
    let outcome = session.run("kept = 41\nwhile True: pass")?;
    let limit = outcome.limit.as_ref().map(|hit| hit.name.as_str());
    if outcome.status != Status::Limit || limit != Some("guest_time_ms") || outcome.rolled_back {
        return Err(failed(&format!(
            "a soft interrupt ended as {:?}",
            outcome.error
        )));
    }
    value(session, "kept", "41")
}

fn hard(session: &mut Session) -> Result<(), Error> {
    // In C, where no soft interrupt is looked at. Python code that catches them may
    // yet end by one that comes between two of its handlers.
    let outcome = session.run("kept = 0\nsum(iter(int, 1))")?;
    if outcome.status != Status::Limit || !outcome.rolled_back {
        return Err(failed(&format!(
            "a hard interrupt ended as {:?}",
            outcome.error
        )));
    }
    value(session, "kept", "41")
}

/// Hooks that let no turn begin are taken off, and the scope stays.
fn hooks(session: &mut Session) -> Result<(), Error> {
    let code = "import sys\nkept = 41\ndef wait(event, *_):\n    while event == 'compile': pass\nif hasattr(sys, 'addaudithook'): sys.addaudithook(wait)";
    session.run(code)?;
    let outcome = session.run("kept = 0")?;
    if outcome.rolled_back || outcome.is_ok() {
        let expected = if outcome.rolled_back { "41" } else { "0" };
        return value(session, "kept", expected);
    }
    Err(failed(&format!(
        "a turn that an audit hook kept from running ended as {:?}",
        outcome.error
    )))
}

/// A figure is drawn, where there is something to draw with: a file that was
/// open when the image was taken would show here.
fn figure(sandbox: &Sandbox) -> Result<(), Error> {
    let code = "import sys\nif 'matplotlib.pyplot' in sys.modules:\n    import matplotlib.pyplot as plt\n    plt.plot([1, 2])\n    plt.title('title')\n    plt.show()\nelse:\n    display(1)";
    let outcome = sandbox.session(SessionOptions::default())?.run(code)?;
    if outcome.is_ok() && outcome.displays.len() == 1 && outcome.stderr.total_bytes == 0 {
        return Ok(());
    }
    let (error, text) = (outcome.error, outcome.stderr.text);
    Err(failed(&format!(
        "a figure gave {} displays, {error:?}, {text:.500}",
        outcome.displays.len()
    )))
}

/// Each change that the manifest makes to the module shows in Python, and so
/// does what the guest adds where the default integer is wider than a pointer.
fn proofs(image: &Image, sandbox: &Sandbox) -> Result<(), Error> {
    let mut session = sandbox.session(SessionOptions::default())?;
    for proof in image.spec().manifest.proofs() {
        let outcome = session.run(proof)?;
        if outcome.value.as_deref() != Some("True") {
            let (value, error) = (outcome.value, outcome.error);
            return Err(failed(&format!(
                "a change of the guest's manifest did not take effect: `{proof}` gave {value:?}, {error:?}"
            )));
        }
    }
    value(&mut session, INTEGERS, "[]")
}

/// The names of default integers and of counts that are not 64 bits wide.
const INTEGERS: &str = "import importlib.util
def narrow():
    if importlib.util.find_spec('numpy') is None: return []
    import numpy as np
    if np.dtype(int).itemsize == np.dtype(np.intp).itemsize: return []
    found = {
        'int_': np.int_, 'uint': np.uint, '\"int\"': 'int', '\"uint\"': 'uint', '\"long\"': 'long',
        'randint': np.random.randint(9, size=1).dtype, 'permutation': np.random.permutation(2).dtype,
        'choice': np.random.choice(9, 1).dtype, 'poisson': np.random.poisson(5, 1).dtype, 'binomial': np.random.binomial(5, .5, 1).dtype,
        'unique': np.unique([1], return_counts=True)[1].dtype, 'histogram': np.histogram([1])[0].dtype, 'bincount': np.bincount([1]).dtype,
    }
    return [name for name, kind in found.items() if np.dtype(kind).itemsize != 8]
narrow()";

/// Two sessions draw different numbers from every generator that was found.
fn generators(sandbox: &Sandbox) -> Result<(), Error> {
    let draw = |code: &str| -> Result<Option<String>, Error> {
        Ok(sandbox.session(SessionOptions::default())?.run(code)?.value)
    };
    let draws = [
        "import random; random.getrandbits(64)",
        "import numpy; numpy.random.bytes(8)",
    ];
    for code in draws.iter().take(sandbox.image().map().random.len()) {
        let (one, other) = (draw(code)?, draw(code)?);
        if one.is_none() || one == other {
            return Err(failed(&format!("`{code}` gave {one:?} in two sessions")));
        }
    }
    Ok(())
}

/// Keeps the forks that it is given.
struct Kept(Sender<MidTurnFork>);

impl Forks for Kept {
    fn fork(&mut self, _: &Frame<'_>, fork: MidTurnFork, _: &dyn TurnHandle) -> Reply {
        // The receiver may be gone.
        let _ = self.0.send(fork);
        Reply::answer(b"null".to_vec())
    }
}

/// Names for what follows.
const NAMES: &str = "import _host, asyncio, contextvars, gc, sys, weakref
marker = contextvars.ContextVar('marker')
done = []
def fork(*_):
    _host.call(b'\\x04\\0\\0\\0\\0'); done.append(1)
    return 'shown'
class Shown: __repr__ = fork
held = [1, Shown()]
1";

/// Where to fork.
const PLACES: &[&str] = &[
    "try: 1/0\nexcept ZeroDivisionError: fork()",
    "def steps():\n    try: 1/0\n    finally: yield fork()\nnext(steps())",
    "gc.callbacks.append(fork); gc.collect(); gc.callbacks.clear()",
    "def work(): pass\nsys.settrace(lambda *_: fork() and None); work(); sys.settrace(None)",
    "contextvars.copy_context().run(lambda: (marker.set(1), fork()))",
    "async def work(): marker.set(1); fork()\nawait work()",
    "repr(held)",
    "def deep(n): deep(n - 1) if n else fork()\ndeep(800)",
];

/// What a child must find, as every session does: no frame, no exception, a
/// collector of garbage that works, the whole depth, a loop, no context, no
/// trace function, and `repr` of what was being shown.
const AT_REST: &str = "Shown.__repr__ = lambda self: 'x'
def frames(frame): return 1 + frames(frame.f_back) if frame else 0
class Cycle: pass
cycle = Cycle(); cycle.me = cycle; gone = weakref.ref(cycle); del cycle; gc.collect()
def depth(n):
    global reached
    reached = n; depth(n + 1)
try: depth(0)
except RecursionError as error: context = error.__context__
async def nap(): return await asyncio.sleep(0, 5)
[frames(sys._getframe()), sys.exception(), context, gone(), reached, await nap(), marker.get(None), sys.gettrace(), repr(held)]";

/// Forks of a session in the middle of things come to rest, and the session
/// goes on.
fn mid_turn(sandbox: &Sandbox) -> Result<(), Error> {
    let mut usual = sandbox.session(SessionOptions::default())?;
    value(&mut usual, NAMES, "1")?;
    let at_rest = usual.run(AT_REST)?.value.unwrap_or_default();
    if !at_rest.ends_with(", 5, None, None, '[1, x]']") {
        return Err(failed(&format!("a session at rest says {at_rest}")));
    }
    let (sender, forks) = channel();
    let mut session = sandbox.session(SessionOptions {
        forks: Some(Box::new(Kept(sender))),
        ..Default::default()
    })?;
    value(&mut session, NAMES, "1")?;
    for place in PLACES {
        let turn = format!("done.clear()\n{place}\nlen(done) > 0");
        value(&mut session, &turn, "True")?;
        let fork = forks
            .try_iter()
            .last()
            .ok_or_else(|| failed(&format!("`{place}` made no fork")))?;
        let mut child = fork.session(SessionOptions::default())?;
        value(&mut child, AT_REST, &at_rest)?;
    }
    Ok(())
}

fn failed(what: &str) -> Error {
    Error::Calibration(format!("the new image failed its self-test: {what}"))
}
