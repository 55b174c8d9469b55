//! The cost of saving, restoring and forking sessions.

use super::process::once;
use crate::context::{Context, run_ok, session, unexpected};
use crate::error::Error;
use crate::statistics::{Readings, timed};
use crate::suite::{Better, Entry, Measured};
use memex_runtime::{Encoded, Generators, Hibernated, Sandbox, Session, Snapshot};
use memex_snapshots::{DirectoryStore, RecordDraft, Saved, SnapshotStore};
use std::fs;

pub(super) const BASE: Entry = Entry {
    name: "",
    unit: "us",
    group: "state",
    about: "",
    better: Better::Lower,
    target: None,
    target_is_p99: false,
    measure: |_| Err(Error::NoReadings(String::new())),
};

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "snapshot_bytes",
        unit: "bytes",
        about: "Size of a snapshot after `x = 1`, encoded for a store",
        target: Some(4096.0),
        measure: snapshot_bytes,
        ..BASE
    },
    Entry {
        name: "snapshot_us",
        about: "Snapshot to memory after the turn `x = 1`",
        target: Some(100.0),
        measure: snapshot,
        ..BASE
    },
    Entry {
        name: "snapshot_durable_us",
        about: "Snapshot after `x = 1`, encoded and synced into a directory store",
        target: Some(2000.0),
        measure: durable,
        ..BASE
    },
    Entry {
        name: "restore_warm_us",
        about: "Restoring it into a warm slot, ready to run",
        target: Some(20.0),
        measure: restore_warm,
        ..BASE
    },
    Entry {
        name: "restore_process_ms",
        unit: "ms",
        about: "A whole process that continues a saved session, prints and saves it",
        target: Some(60.0),
        measure: restore_process,
        ..BASE
    },
    Entry {
        name: "fork1_us",
        about: "Forking a small session once, ready to run",
        target: Some(100.0),
        measure: |context| fork(context, 1, 300),
        ..BASE
    },
    Entry {
        name: "fork10_us",
        about: "Forking a small session ten times",
        target: Some(400.0),
        measure: |context| fork(context, 10, 200),
        ..BASE
    },
    Entry {
        name: "fork100_us",
        about: "Forking a small session a hundred times",
        target: Some(3000.0),
        measure: |context| fork(context, 100, 40),
        ..BASE
    },
    Entry {
        name: "list100k_roundtrip_ms",
        unit: "ms",
        about: "Snapshot and restore of a session with a list of 100,000 ints",
        target: Some(10.0),
        measure: list_round_trip,
        ..BASE
    },
    Entry {
        name: "fork_100mb_ms",
        unit: "ms",
        about: "Forking a session with a DataFrame of 100 MB once",
        target: Some(5.0),
        measure: fork_large,
        ..BASE
    },
    Entry {
        name: "child_growth_kib",
        unit: "KiB",
        about: "Memory that each of ten untouched forks of it adds",
        target: Some(2048.0),
        measure: child_growth,
        ..BASE
    },
    Entry {
        name: "hibernated_bytes",
        unit: "bytes",
        about: "What a hibernated session keeps after `import pandas` and `x = 1`",
        target: Some(20480.0),
        measure: hibernated_bytes,
        ..BASE
    },
    Entry {
        name: "wake_ms",
        unit: "ms",
        about: "Waking it, ready to run",
        target: Some(5.0),
        measure: wake,
        ..BASE
    },
    Entry {
        name: "rewind_ms",
        unit: "ms",
        about: "Rewinding a session of 50 turns to any of them",
        target: Some(10.0),
        measure: rewind,
        ..BASE
    },
];

fn small(context: &Context) -> Result<(Sandbox, Session), Error> {
    let sandbox = context.sandbox(|_| {})?;
    let mut session = session(&sandbox)?;
    run_ok(&mut session, "x = 1")?;
    Ok((sandbox, session))
}

fn snapshot_bytes(context: &Context) -> Result<Measured, Error> {
    let mut readings = Readings::default();
    for _ in 0..200 {
        let (sandbox, mut session) = small(context)?;
        let encoded = sandbox.encode(&session.snapshot()?, Generators::Fresh)?;
        readings.push(size(&encoded));
    }
    Ok(Measured::new(
        readings.summary("snapshots")?,
        "head and chunks",
    ))
}

fn size(encoded: &Encoded) -> f64 {
    let chunks: usize = encoded.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    (encoded.head.len() + chunks) as f64
}

fn snapshot(context: &Context) -> Result<Measured, Error> {
    let sandbox = context.sandbox(|_| {})?;
    let readings = Readings::take_us(20, 300, || {
        let mut session = session(&sandbox)?;
        run_ok(&mut session, "x = 1")?;
        let (snapshot, took) = timed(|| session.snapshot());
        snapshot?;
        Ok(took)
    })?;
    let note = "a session of one turn each time: its first snapshot copies every changed page";
    Ok(Measured::new(readings.summary("snapshots")?, note))
}

fn durable(context: &Context) -> Result<Measured, Error> {
    let folder = folder()?;
    let store = DirectoryStore::open(folder.path()).map_err(store_error)?;
    let sandbox = context.sandbox(|_| {})?;
    let mut live = session(&sandbox)?;
    let mut parent = None;
    let readings = Readings::take_us(10, 200, || {
        run_ok(&mut live, "x = 1")?;
        let (saved, took) = timed(|| -> Result<_, Error> {
            let snapshot = live.snapshot()?;
            let saved = saved(&sandbox, &snapshot)?;
            let draft = RecordDraft {
                parent,
                ..RecordDraft::new(context.image().name(), snapshot.turn())
            };
            store.put(&saved, &draft).map_err(store_error)
        });
        parent = Some(saved?.id);
        Ok(took)
    })?;
    Ok(Measured::new(
        readings.summary("snapshots")?,
        "file and directory synced; temporary directory of the system",
    ))
}

fn saved(sandbox: &Sandbox, snapshot: &Snapshot) -> Result<Saved, Error> {
    let encoded = sandbox.encode(snapshot, Generators::Fresh)?;
    Ok(memex_sessions::for_store(encoded)?)
}

fn restore_warm(context: &Context) -> Result<Measured, Error> {
    let (sandbox, mut live) = small(context)?;
    let snapshot = live.snapshot()?;
    drop(live);
    let readings = Readings::take_us(50, 500, || {
        let (restored, took) =
            timed(|| sandbox.restore(&snapshot, Generators::Fresh, Default::default()));
        drop(restored?);
        Ok(took)
    })?;
    Ok(Measured::new(
        readings.summary("restores")?,
        "instantiation and fresh generators included",
    ))
}

fn restore_process(context: &Context) -> Result<Measured, Error> {
    const COUNT: usize = 60;
    let folder = folder()?;
    let mut command = context.first_turn()?.clone();
    for argument in ["--session", "bench", "--store"] {
        command.arguments.push(argument.into());
    }
    command.arguments.push(folder.path().into());
    once(&command)?;
    let mut readings = Readings::default();
    for _ in 0..COUNT {
        let (result, took) = timed(|| once(&command));
        result?;
        readings.push(took.as_secs_f64() * 1e3);
    }
    Ok(Measured::new(
        readings.summary("processes")?,
        "the durable save after the turn is included",
    ))
}

fn fork(context: &Context, forks: usize, count: usize) -> Result<Measured, Error> {
    let (_, mut parent) = small(context)?;
    let readings = Readings::take_us(5, count, || {
        let (children, took) = timed(|| parent.fork(forks, |_| Default::default()));
        drop(children?);
        Ok(took)
    })?;
    Ok(Measured::new(
        readings.summary("forks")?,
        "into warm slots, from the second round on",
    ))
}

fn list_round_trip(context: &Context) -> Result<Measured, Error> {
    let sandbox = context.sandbox(|_| {})?;
    let mut readings = Readings::default();
    for _ in 0..200 {
        let mut live = session(&sandbox)?;
        run_ok(&mut live, "numbers = list(range(100_000))")?;
        let (restored, took) = timed(|| -> Result<_, Error> {
            let snapshot = live.snapshot()?;
            Ok(sandbox
                .restore(&snapshot, Generators::Fresh, Default::default())?
                .0)
        });
        expect(&mut restored?, "sum(numbers)", "4999950000")?;
        readings.push(took.as_secs_f64() * 1e3);
    }
    Ok(Measured::new(readings.summary("round trips")?, "in memory"))
}

pub(super) const LARGE: &str =
    "import numpy as np, pandas as pd\ndf = pd.DataFrame({'a': np.arange(12_500_000.0)})";

fn fork_large(context: &Context) -> Result<Measured, Error> {
    let sandbox = context.sandbox(|_| {})?;
    let mut parent = session(&sandbox)?;
    run_ok(&mut parent, LARGE)?;
    let readings = Readings::take_us(0, 200, || {
        run_ok(&mut parent, "x = 1")?;
        let (children, took) = timed(|| parent.fork(1, |_| Default::default()));
        drop(children?);
        Ok(took / 1000)
    })?;
    let note = "after a small turn each time; the first fork freezes the heap";
    Ok(Measured::new(readings.summary("forks")?, note))
}

fn child_growth(context: &Context) -> Result<Measured, Error> {
    let sandbox = context.sandbox(|_| {})?;
    let mut parent = session(&sandbox)?;
    run_ok(&mut parent, LARGE)?;
    drop(parent.fork(1, |_| Default::default())?);
    let mut readings = Readings::default();
    for _ in 0..20 {
        let before = own_memory_kib()?;
        let mut children = parent.fork(10, |_| Default::default())?;
        let grown = (own_memory_kib()? - before) / 10.0;
        expect(
            &mut children.remove(0),
            "float(df.a.sum())",
            "78124993750000.0",
        )?;
        readings.push(grown.max(0.0));
    }
    let note = "growth of the process's memory in use, a tenth of ten forks; one of them then sums the frame";
    Ok(Measured::new(readings.summary("forks")?, note))
}

/// Memory that is the process's own: anonymous pages and pages of unnamed
/// files in memory, each counted once however often it is mapped.
pub(super) fn own_memory_kib() -> Result<f64, Error> {
    let fail = |reason: String| Error::System {
        what: "memory of the process",
        reason,
    };
    let text =
        fs::read_to_string("/proc/self/smaps_rollup").map_err(|error| fail(error.to_string()))?;
    let value = |name: &str| -> f64 {
        text.lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .trim()
                    .strip_suffix("kB")?
                    .trim()
                    .parse()
                    .ok()
            })
            .unwrap_or(0.0)
    };
    Ok(value("Anonymous:") + value("Pss_Shmem:"))
}

fn hibernated(context: &Context) -> Result<Hibernated, Error> {
    let sandbox = context.sandbox(|_| {})?;
    let mut live = session(&sandbox)?;
    run_ok(&mut live, "import pandas")?;
    run_ok(&mut live, "x = 1")?;
    Ok(live.hibernate().map_err(memex_runtime::Error::from)?)
}

fn hibernated_bytes(context: &Context) -> Result<Measured, Error> {
    let mut readings = Readings::default();
    for _ in 0..200 {
        readings.push(hibernated(context)?.bytes() as f64);
    }
    Ok(Measured::new(
        readings.summary("sessions")?,
        "generators included",
    ))
}

fn wake(context: &Context) -> Result<Measured, Error> {
    let mut readings = Readings::default();
    for _ in 0..200 {
        let asleep = hibernated(context)?;
        let (awake, took) = timed(|| asleep.wake());
        let (mut awake, _) = awake.map_err(memex_runtime::Error::from)?;
        expect(&mut awake, "x", "1")?;
        readings.push(took.as_secs_f64() * 1e3);
    }
    Ok(Measured::new(readings.summary("sessions")?, "from memory"))
}

fn rewind(context: &Context) -> Result<Measured, Error> {
    let (_, mut live) = small(context)?;
    let mut snapshots = Vec::new();
    for turn in 0..50 {
        run_ok(&mut live, &format!("x = {turn}"))?;
        snapshots.push(live.snapshot()?);
    }
    let mut readings = Readings::default();
    for round in 0..5 {
        for step in 0..snapshots.len() {
            let turn = (step * 7 + round) % snapshots.len();
            let Some(snapshot) = snapshots.get(turn) else {
                continue;
            };
            let (lost, took) = timed(|| live.rewind(snapshot));
            lost?;
            expect(&mut live, "x", &turn.to_string())?;
            readings.push(took.as_secs_f64() * 1e3);
        }
    }
    Ok(Measured::new(readings.summary("rewinds")?, "from memory"))
}

fn expect(session: &mut Session, code: &str, value: &str) -> Result<(), Error> {
    let outcome = run_ok(session, code)?;
    if outcome.value.as_deref() == Some(value) {
        return Ok(());
    }
    Err(unexpected(code, value, &outcome))
}

fn store_error(error: memex_snapshots::Error) -> Error {
    Error::System {
        what: "the store",
        reason: error.to_string(),
    }
}

/// A directory that is removed with everything in it.
fn folder() -> Result<tempfile::TempDir, Error> {
    tempfile::tempdir().map_err(|error| Error::System {
        what: "a temporary directory",
        reason: error.to_string(),
    })
}
