//! The cost of saving, restoring and forking sessions.

mod forking;
mod saving;
mod sleeping;
pub(super) mod subjects;

use crate::entry::Entry;
use forking::{child_growth, fork, fork_large};
use saving::{
    durable, list_round_trip, restore_process, restore_warm, rewind, snapshot, snapshot_bytes,
};
use sleeping::{hibernated_bytes, wake};

const BASE: Entry = Entry::of("state");

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
