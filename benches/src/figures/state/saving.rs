//! Saving sessions, and getting their states back.

use super::subjects::{expect, small};
use crate::context::{Context, run_ok, session};
use crate::entry::Measured;
use crate::error::Error;
use crate::figures::process::once;
use crate::statistics::{Readings, timed};
use memex_runtime::{Encoded, Generators, Sandbox, Snapshot};
use memex_snapshots::{DirectoryStore, RecordDraft, Saved, SnapshotStore};

pub(super) fn snapshot_bytes(context: &Context) -> Result<Measured, Error> {
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

pub(super) fn snapshot(context: &Context) -> Result<Measured, Error> {
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

pub(super) fn durable(context: &Context) -> Result<Measured, Error> {
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

pub(super) fn restore_warm(context: &Context) -> Result<Measured, Error> {
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

pub(super) fn restore_process(context: &Context) -> Result<Measured, Error> {
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

pub(super) fn list_round_trip(context: &Context) -> Result<Measured, Error> {
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

pub(super) fn rewind(context: &Context) -> Result<Measured, Error> {
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
