//! Stores with a journal: what is where, and what belongs together.

use crate::common::{chain, draft, is_whole, journaled, keep, later, state};
use memex_snapshots::{DirectoryStore, Error, Saved, SnapshotStore};
use tempfile::TempDir;

#[test]
fn a_store_is_whole_for_the_next_process() {
    let root = TempDir::new().unwrap();
    let store = journaled(root.path());
    let records = chain(&store, "s", 3);
    // Larger than the journal takes, and not to be made small.
    let large = Saved::from_head(b"large".to_vec()).with_chunk(noise(200_000));
    let large = store.put(&large, &draft(4, Some(records[2].id))).unwrap();
    store.set_session("s", None, large.id).unwrap();
    drop(store);
    let store = journaled(root.path());
    assert_eq!(store.session("s").unwrap().unwrap().snapshot, large.id);
    assert_eq!(store.trail(&large.id).unwrap().len(), 4);
    assert!(is_whole(&store, &large.id) && is_whole(&store, &records[0].id));
    // Both are collected alike.
    store.remove_session("s").unwrap();
    let report = store.gc(&keep(Some(1), None), later()).unwrap();
    assert_eq!((report.removed, report.kept), (4, 0));
    assert_eq!(report.chunks_removed, 5);
    assert!(!is_whole(&store, &large.id));
}

#[test]
fn a_state_and_its_name_are_put_at_once_or_not_at_all() {
    let root = TempDir::new().unwrap();
    let store = journaled(root.path());
    let mut noted = Vec::new();
    let put = |turn, expected, says: bool, noted: &mut Vec<u64>| {
        store.put_named(
            &state("s", turn),
            &draft(turn, expected),
            "s",
            expected,
            &mut |record| {
                noted.push(record.turn);
                says
            },
        )
    };
    let first = put(1, None, true, &mut noted).unwrap().unwrap();
    assert_eq!(put(2, Some(first.id), false, &mut noted).unwrap(), None);
    assert_eq!(store.session("s").unwrap().unwrap().snapshot, first.id);
    let conflict = put(3, None, true, &mut noted);
    assert!(matches!(conflict, Err(Error::Conflict { .. })));
    let second = put(2, Some(first.id), true, &mut noted).unwrap().unwrap();
    assert_eq!(store.session("s").unwrap().unwrap().snapshot, second.id);
    // The same state again: nothing to move.
    let again = put(2, Some(second.id), true, &mut noted).unwrap().unwrap();
    assert_eq!(again.id, second.id);
    assert_eq!(noted, [1, 2, 3, 2, 2]);
}

#[test]
fn a_directory_goes_with_its_journal_alone() {
    let root = TempDir::new().unwrap();
    drop(journaled(root.path()));
    let alone = DirectoryStore::open(root.path().join("store"));
    assert!(matches!(alone, Err(Error::NotAStore { .. })), "{alone:?}");
    let other = TempDir::new().unwrap();
    drop(journaled(other.path()));
    let theirs = root.path().join("store");
    std::fs::remove_dir_all(other.path().join("store")).unwrap();
    std::fs::rename(&theirs, other.path().join("store")).unwrap();
    let journal = memex_journal::Journal::open(
        &other.path().join("journal"),
        memex_journal::Options::default(),
    );
    let journal = std::sync::Arc::new(journal.unwrap());
    let mixed = memex_snapshots::JournaledStore::open(journal, &other.path().join("store"));
    let error = mixed.unwrap_err();
    assert!(
        error.to_string().contains("another data directory"),
        "{error}"
    );
}

#[test]
fn what_a_directory_held_is_read_named_and_collected() {
    let root = TempDir::new().unwrap();
    let earlier = DirectoryStore::open(root.path().join("store")).unwrap();
    let records = chain(&earlier, "s", 3);
    earlier.set_session("s", None, records[2].id).unwrap();
    earlier.set_session("t", None, records[0].id).unwrap();
    drop(earlier);
    let store = journaled(root.path());
    assert_eq!(store.sessions().unwrap().len(), 2);
    let next = store
        .put(&state("s", 4), &draft(4, Some(records[2].id)))
        .unwrap();
    store
        .set_session("s", Some(records[2].id), next.id)
        .unwrap();
    store.remove_session("t").unwrap();
    drop(store);
    let store = journaled(root.path());
    assert_eq!(
        store.sessions().unwrap().len(),
        1,
        "what was removed stays so"
    );
    assert_eq!(store.trail(&next.id).unwrap().len(), 4);
    let report = store.gc(&keep(Some(2), None), later()).unwrap();
    assert_eq!((report.removed, report.kept), (2, 2));
    assert!(is_whole(&store, &next.id) && is_whole(&store, &records[2].id));
    assert!(!is_whole(&store, &records[1].id));
}

/// Bytes that do not shrink.
fn noise(length: usize) -> Vec<u8> {
    let mut seed = 1_u64;
    let next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
