//! Disks that are full, and files that vanish.

use crate::{files, open, value};
use memex_journal::{Change, Error};
use std::process::Command;

/// A bound on the size of files stands for a full disk: the write comes to nothing in the
/// middle. In a process of its own, since the bound holds for all of it.
#[test]
fn a_write_that_finds_no_room_changes_nothing() {
    const INSIDE: &str = "MEMEX_JOURNAL_FULL";
    if std::env::var_os(INSIDE).is_none() {
        let program = std::env::current_exe().unwrap();
        let line = format!(
            "trap '' XFSZ; ulimit -f 8; exec {} --exact \
             disks::a_write_that_finds_no_room_changes_nothing",
            program.display()
        );
        // Its output is a pipe: the bound holds for a file, too, that stands behind ours.
        let ended = Command::new("bash")
            .args(["-c", &line])
            .env(INSIDE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{said}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = memex_journal::Options::default();
    let journal = memex_journal::Journal::open(folder.path(), options).unwrap();
    let text = "t".repeat(3_000);
    let mut written = 0;
    let error = loop {
        let key = format!("{written}");
        match journal.append(&[Change::put(key.as_bytes(), text.as_bytes())]) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "there is no bound");
    };
    assert!(matches!(error, Error::Full { .. }), "{error}");
    assert_eq!(written, 2);
    assert!(!journal.has(b"2"));
    // What is small still fits, and what is there can be read.
    journal.append(&[Change::put(b"small", b"s")]).unwrap();
    drop(journal);
    let journal = memex_journal::Journal::open(folder.path(), options).unwrap();
    assert_eq!(value(&journal, "small").as_deref(), Some("s"));
    assert_eq!(journal.keys(b"").len(), 3);
}

#[test]
fn a_journal_whose_files_vanish_acknowledges_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    journal.append(&[Change::put(b"a", b"1")]).unwrap();
    for file in files(folder.path()) {
        std::fs::remove_file(file).unwrap();
    }
    let lost = journal.append(&[Change::put(b"b", b"2")]).unwrap_err();
    assert!(matches!(lost, Error::Vanished { .. }), "{lost}");
    assert!(lost.to_string().contains("hint: "));
    // What was read from it before is there.
    assert_eq!(value(&journal, "a").as_deref(), Some("1"));
}
