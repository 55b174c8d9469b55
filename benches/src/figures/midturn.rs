//! The cost of forking a session in the middle of its turn.

use super::state::subjects::LARGE;
use crate::context::{Context, run_ok, unexpected};
use crate::entry::{Entry, Measured};
use crate::error::Error;
use crate::process_memory::own_memory_kib;
use crate::statistics::Readings;
use memex_runtime::{Forks, Frame, MidTurnFork, Reply, Session, SessionOptions, TurnHandle};
use std::sync::mpsc::{Receiver, Sender, channel};

const BASE: Entry = Entry::of("state");

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "midturn_fork_us",
        about: "Forking a small session in the middle of its turn: copying it, and one child ready to run",
        target: Some(1000.0),
        measure: |context| {
            let note = "as the code that forks sees it; into warm slots";
            measure(context, "x = 1", 1, 300, note)
        },
        ..BASE
    },
    Entry {
        name: "midturn_fork100_us",
        about: "The same with a hundred children of one fork",
        target: Some(10_000.0),
        measure: |context| measure(context, "x = 1", 100, 40, "into warm slots"),
        ..BASE
    },
    Entry {
        name: "midturn_100mb_us",
        about: "Forking a session with a DataFrame of 100 MB in the middle of its turn, one child",
        target: Some(5000.0),
        measure: |context| {
            let note = "the first fork, which freezes the heap, is not counted";
            measure(context, LARGE, 1, 200, note)
        },
        ..BASE
    },
    Entry {
        name: "midturn_growth_kib",
        unit: "KiB",
        about: "Memory that each of ten children of such a fork adds",
        target: Some(2048.0),
        measure: growth,
        ..BASE
    },
];

const FORK: &str = "import _host, time
def fork():
    begun = time.perf_counter_ns()
    _host.call(b'\\x04\\0\\0\\0\\0')
    return time.perf_counter_ns() - begun";

/// Makes children while the parent waits, and hands them on.
struct Children {
    count: usize,
    made: Sender<Vec<Session>>,
}

impl Forks for Children {
    fn fork(&mut self, _: &Frame<'_>, fork: MidTurnFork, _: &dyn TurnHandle) -> Reply {
        let children = (0..self.count).map(|_| fork.session(SessionOptions::default()));
        match children.collect() {
            Ok(children) => {
                // The receiver is gone when the figure has failed.
                let _ = self.made.send(children);
                Reply::answer(b"null".to_vec())
            }
            Err(error) => Reply::error("RuntimeError", &error.to_string()),
        }
    }
}

fn parent(
    context: &Context,
    count: usize,
    code: &str,
) -> Result<(Session, Receiver<Vec<Session>>), Error> {
    let (made, children) = channel();
    let sandbox = context.sandbox(|_| {})?;
    let mut session = sandbox.session(SessionOptions {
        forks: Some(Box::new(Children { count, made })),
        ..SessionOptions::default()
    })?;
    run_ok(&mut session, FORK)?;
    run_ok(&mut session, code)?;
    Ok((session, children))
}

/// One fork; the time it took in nanoseconds, and the children.
fn fork(
    session: &mut Session,
    children: &Receiver<Vec<Session>>,
) -> Result<(f64, Vec<Session>), Error> {
    let code = "fork()";
    let outcome = run_ok(session, code)?;
    let took = outcome.value.as_deref().and_then(|text| text.parse().ok());
    match (took, children.try_recv()) {
        (Some(took), Ok(children)) => Ok((took, children)),
        _ => Err(unexpected(code, "the time it took", &outcome)),
    }
}

fn measure(
    context: &Context,
    code: &str,
    children: usize,
    count: usize,
    note: &str,
) -> Result<Measured, Error> {
    let (mut session, made) = parent(context, children, code)?;
    for _ in 0..3 {
        fork(&mut session, &made)?;
    }
    let mut readings = Readings::default();
    for _ in 0..count {
        let (took_ns, _) = fork(&mut session, &made)?;
        readings.push(took_ns / 1e3);
    }
    Ok(Measured::new(readings.summary("forks")?, note))
}

fn growth(context: &Context) -> Result<Measured, Error> {
    const CHILDREN: usize = 10;
    const SUM: &str = "78124993750000.0";
    let (mut session, made) = parent(context, CHILDREN, LARGE)?;
    fork(&mut session, &made)?;
    let mut readings = Readings::default();
    for _ in 0..20 {
        let before = own_memory_kib()?;
        let (_, mut children) = fork(&mut session, &made)?;
        let grown = (own_memory_kib()? - before) / CHILDREN as f64;
        readings.push(grown.max(0.0));
        let code = "float(df.a.sum())";
        for child in children.iter_mut().take(1) {
            let outcome = run_ok(child, code)?;
            if outcome.value.as_deref() != Some(SUM) {
                return Err(unexpected(code, SUM, &outcome));
            }
        }
    }
    let note = "growth of the process's memory in use, a tenth of ten children; one of them then sums the frame";
    Ok(Measured::new(readings.summary("forks")?, note))
}
