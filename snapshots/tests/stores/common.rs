//! Stores to test, and states to put in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use memex_journal::{Journal, Options};
use memex_snapshots::{
    DirectoryStore, Durability, JournaledStore, MemoryStore, ObjectStore, Record, RecordDraft,
    Retention, Saved, SnapshotId, SnapshotStore,
};
use tempfile::TempDir;

/// Runs `test` against every kind of store.
pub fn with_each_store(test: impl Fn(&str, Arc<dyn SnapshotStore>)) {
    test("memory", Arc::new(MemoryStore::new()));
    let root = TempDir::new().unwrap();
    test(
        "directory",
        Arc::new(DirectoryStore::open(root.path()).unwrap()),
    );
    let root = TempDir::new().unwrap();
    let store = DirectoryStore::open_with(root.path(), Durability::Flush);
    test("flushed directory", Arc::new(store.unwrap()));
    for (kind, durability) in [
        ("journal", Durability::Flush),
        ("settled journal", Durability::Fsync),
    ] {
        let root = TempDir::new().unwrap();
        let store = journaled(root.path()).with_durability(durability);
        test(kind, Arc::new(store));
    }
    test(
        "memory service",
        Arc::new(ObjectStore::open("memory://").unwrap()),
    );
    let root = TempDir::new().unwrap();
    let url = format!("file://{}", root.path().display());
    test("local service", Arc::new(ObjectStore::open(&url).unwrap()));
    if let Some(store) = bucket() {
        test("bucket", Arc::new(store));
    }
}

/// A store with a journal, in two directories of `root`.
pub fn journaled(root: &Path) -> JournaledStore {
    let journal = Journal::open(&root.join("journal"), Options::default()).unwrap();
    JournaledStore::open(Arc::new(journal), &root.join("store")).unwrap()
}

/// A prefix of its own in the bucket that `MEMEX_TEST_S3` names
/// (`s3://BUCKET/PREFIX`), with the `AWS_…` variables of the environment: for
/// running the suite against a real service.
fn bucket() -> Option<ObjectStore> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var("MEMEX_TEST_S3").ok()?;
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let url = format!("{url}/{}-{number}", std::process::id());
    Some(ObjectStore::open_with(&url, std::env::vars()).unwrap())
}

/// A draft for `turn` after `parent`.
pub fn draft(turn: u64, parent: Option<SnapshotId>) -> RecordDraft {
    RecordDraft {
        parent,
        first_line: format!("x = {turn}"),
        ..RecordDraft::new("image", turn)
    }
}

/// A chain of snapshots with turns 1 to `turns`; each has a head and a chunk
/// of its own and one that all share.
pub fn chain(store: &dyn SnapshotStore, name: &str, turns: u64) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for turn in 1..=turns {
        let saved = state(name, turn);
        let parent = records.last().map(|record| record.id);
        records.push(store.put(&saved, &draft(turn, parent)).unwrap());
    }
    records
}

/// What `chain` saves at `turn`.
pub fn state(name: &str, turn: u64) -> Saved {
    Saved::from_head(format!("{name} after turn {turn}").into_bytes())
        .with_chunk(vec![7; 10_000])
        .with_chunk(format!("{name} {turn} ").repeat(500).into_bytes())
}

/// Whether a snapshot can be read with everything it needs.
pub fn is_whole(store: &dyn SnapshotStore, id: &SnapshotId) -> bool {
    store
        .get(id)
        .and_then(|(record, _)| store.chunks(&record.chunk_ids))
        .is_ok()
}

/// A time at which everything is older than the default grace.
pub fn later() -> SystemTime {
    SystemTime::now() + Duration::from_hours(2)
}

pub fn keep(last: Option<u64>, every: Option<u64>) -> Retention {
    Retention {
        last,
        every,
        ..Retention::default()
    }
}

/// Every file under `root/objects` with this ending, and the id in its name.
pub fn objects(root: &Path, suffix: &str) -> Vec<(PathBuf, SnapshotId)> {
    let mut found = Vec::new();
    for directory in std::fs::read_dir(root.join("objects")).unwrap() {
        let directory = directory.unwrap();
        for file in std::fs::read_dir(directory.path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if let Some(rest) = name.strip_suffix(&format!(".{suffix}")) {
                let first = directory.file_name().into_string().unwrap();
                found.push((path, format!("{first}{rest}").parse().unwrap()));
            }
        }
    }
    found.sort();
    found
}
