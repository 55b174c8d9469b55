//! Putting, removing, opening again, tidying.

use crate::{files, open, value};
use memex_journal::{Change, Error, Journal, KEY_BYTES_MAX, Options, VALUE_BYTES_MAX};

#[test]
fn what_was_appended_is_there_for_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    journal
        .append(&[Change::put(b"a", b"1"), Change::put(b"b", b"2")])
        .unwrap();
    journal.append(&[Change::put(b"a", b"3")]).unwrap();
    journal.append(&[Change::remove(b"b")]).unwrap();
    assert_eq!(value(&journal, "a").as_deref(), Some("3"));
    assert!(journal.has(b"a") && !journal.has(b"b"));
    drop(journal);
    let journal = open(folder.path());
    assert_eq!(value(&journal, "a").as_deref(), Some("3"));
    assert_eq!(value(&journal, "b"), None);
    let keys = journal.keys(b"");
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].1.bytes, 32 + 1 + 1);
}

#[test]
fn a_directory_has_one_journal_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let second = Journal::open(folder.path(), Options::default());
    assert!(matches!(second, Err(Error::InUse { .. })));
    drop(journal);
    assert!(Journal::open(folder.path(), Options::default()).is_ok());
}

#[test]
fn keys_and_values_have_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (key, long_key) = (vec![b'k'; KEY_BYTES_MAX], vec![b'k'; KEY_BYTES_MAX + 1]);
    let (value, long_value) = (vec![7; VALUE_BYTES_MAX], vec![7; VALUE_BYTES_MAX + 1]);
    journal.append(&[Change::put(&key, &value)]).unwrap();
    for change in [
        Change::put(&long_key, b""),
        Change::put(b"k", &long_value),
        Change::remove(&long_key),
    ] {
        let refused = journal.append(&[Change::put(b"with", b"it"), change]);
        assert!(matches!(refused, Err(Error::TooLarge { .. })));
    }
    assert!(!journal.has(b"with"), "all of a call or nothing");
    drop(journal);
    assert_eq!(open(folder.path()).get(&key).unwrap(), Some(value));
}

#[test]
fn tidying_gives_room_back_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let text = "x".repeat(100);
    journal.append(&[Change::put(b"kept", b"first")]).unwrap();
    journal.append(&[Change::put(b"gone", b"1")]).unwrap();
    for round in 0..300 {
        let value = format!("{round}{text}");
        journal
            .append(&[Change::put(b"often", value.as_bytes())])
            .unwrap();
    }
    journal.append(&[Change::remove(b"gone")]).unwrap();
    let before = files(folder.path()).len();
    assert!(before > 8, "{before}");
    let mut given = 0;
    loop {
        let tidied = journal.tidy().unwrap();
        if tidied.bytes == 0 {
            break;
        }
        given += tidied.bytes;
    }
    assert!(given > 30_000, "{given}");
    assert!(files(folder.path()).len() <= 2);
    let check = |journal: &Journal| {
        assert_eq!(value(journal, "kept").as_deref(), Some("first"));
        assert_eq!(value(journal, "gone"), None);
        assert_eq!(value(journal, "often"), Some(format!("299{text}")));
    };
    check(&journal);
    drop(journal);
    check(&open(folder.path()));
}

/// A removal in a file that is tidied is needed while an older file has the value.
#[test]
fn what_was_removed_does_not_come_back_when_files_go_out_of_order() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let filling = "f".repeat(900);
    // The first file: mostly live, so that it stays.
    journal.append(&[Change::put(b"victim", b"alive")]).unwrap();
    for key in ["a", "b", "c", "d"] {
        journal
            .append(&[Change::put(key.as_bytes(), filling.as_bytes())])
            .unwrap();
    }
    journal
        .append(&[Change::put(b"e", &filling.as_bytes()[..240])])
        .unwrap();
    // The second: the removal, and what is soon of no use.
    journal.append(&[Change::remove(b"victim")]).unwrap();
    for _ in 0..9 {
        journal
            .append(&[Change::put(b"often", filling.as_bytes())])
            .unwrap();
    }
    let first = files(folder.path())[0].clone();
    while journal.tidy().unwrap().bytes > 0 {}
    assert_eq!(files(folder.path())[0], first, "the first file is there");
    assert!(!files(folder.path()).contains(&folder.path().join("00000002.journal")));
    drop(journal);
    assert_eq!(value(&open(folder.path()), "victim"), None);
}

#[test]
fn threads_append_read_and_settle_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let journal = &journal;
            scope.spawn(move || {
                for round in 0..50 {
                    let (key, text) = (format!("{thread}.{round}"), "v".repeat(round));
                    let change = Change::put(key.as_bytes(), text.as_bytes());
                    let place = journal.append(&[change]).unwrap();
                    if round % 10 == 0 {
                        journal.settle(place).unwrap();
                    }
                    assert_eq!(value(journal, &key), Some(text));
                }
            });
        }
        let journal = &journal;
        scope.spawn(move || {
            for _ in 0..20 {
                journal.tidy().unwrap();
            }
        });
    });
    drop(journal);
    assert_eq!(open(folder.path()).keys(b"").len(), 400);
}
