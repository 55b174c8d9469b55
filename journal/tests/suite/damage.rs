//! Files that end early, and files that a disk has changed.

use crate::{files, open, value};
use memex_journal::{Change, Error, Journal, Options};
use std::path::Path;

fn with_three(path: &Path) -> Vec<u8> {
    let journal = open(path);
    for (key, text) in [("one", "1"), ("two", "22"), ("three", "333")] {
        let change = Change::put(key.as_bytes(), text.as_bytes());
        journal.append(&[change]).unwrap();
    }
    drop(journal);
    std::fs::read(&files(path)[0]).unwrap()
}

#[test]
fn a_journal_that_was_cut_at_any_byte_has_what_was_whole_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let whole = with_three(folder.path());
    let ends = [16, 16 + 36, 16 + 36 + 37, 16 + 36 + 37 + 40];
    assert_eq!(whole.len(), ends[3]);
    for cut in 0..=whole.len() {
        std::fs::write(&files(folder.path())[0], &whole[..cut]).unwrap();
        let journal = open(folder.path());
        let there = ["one", "two", "three"].map(|key| value(&journal, key).is_some());
        let expected = [1, 2, 3].map(|record| cut >= ends[record]);
        assert_eq!(there, expected, "cut at {cut}");
        // It goes on behind what is whole, and the next process finds both.
        journal.append(&[Change::put(b"next", b"n")]).unwrap();
        drop(journal);
        let journal = open(folder.path());
        assert_eq!(value(&journal, "next").as_deref(), Some("n"));
        assert_eq!(
            ["one", "two", "three"].map(|key| journal.has(key.as_bytes())),
            expected
        );
    }
}

#[test]
fn an_end_that_never_reached_the_disk_takes_later_files_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let text = "t".repeat(1_500);
    for key in ["a", "b", "c", "d", "e"] {
        journal
            .append(&[Change::put(key.as_bytes(), text.as_bytes())])
            .unwrap();
    }
    drop(journal);
    let names = files(folder.path());
    assert_eq!(names.len(), 3);
    // Power went: of the second file, the first half was written.
    let second = std::fs::read(&names[1]).unwrap();
    std::fs::write(&names[1], &second[..second.len() / 2]).unwrap();
    let journal = open(folder.path());
    let there: Vec<_> = ["a", "b", "c", "d", "e"]
        .into_iter()
        .filter(|key| journal.has(key.as_bytes()))
        .collect();
    assert_eq!(there, ["a", "b"], "an earlier state, with no gap");
    assert_eq!(files(folder.path()).len(), 2);
    drop(journal);
    // The same of a file of which only the name was written.
    std::fs::write(&names[2], "").unwrap();
    std::fs::write(&names[1], "").unwrap();
    let journal = open(folder.path());
    assert!(journal.has(b"a") && journal.has(b"b"));
    journal.append(&[Change::put(b"f", b"")]).unwrap();
    drop(journal);
    assert!(open(folder.path()).has(b"f"));
}

#[test]
fn what_a_disk_has_changed_costs_the_records_it_hit_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let place = journal.append(&[Change::put(b"one", b"1")]).unwrap();
    journal.append(&[Change::put(b"two", b"2")]).unwrap();
    let end = journal.append(&[Change::put(b"three", b"3")]).unwrap();
    assert!(place < end);
    journal.settle(end).unwrap();
    // This record says that what is before it was on the disk.
    journal.append(&[Change::put(b"four", b"4")]).unwrap();
    drop(journal);
    let file = &files(folder.path())[0];
    let whole = std::fs::read(file).unwrap();
    let second = 16 + 36;
    // The value, the checksum, the length, the magic.
    for at in [second + 35, second + 4, second + 8, second] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        std::fs::write(file, &damaged).unwrap();
        let journal = open(folder.path());
        let there = ["one", "two", "three", "four"].map(|key| journal.has(key.as_bytes()));
        assert_eq!(there, [true, false, true, true], "byte {at}");
    }
    // While it is open, it is told when the value is read.
    std::fs::write(file, &whole).unwrap();
    let journal = open(folder.path());
    let mut damaged = whole;
    damaged[second + 35] ^= 0xff;
    std::fs::write(file, &damaged).unwrap();
    assert!(matches!(
        journal.get(b"two"),
        Err(Error::Damaged { at: 52, .. })
    ));
    assert_eq!(value(&journal, "one").as_deref(), Some("1"));
}

#[test]
fn files_of_others_are_refused_and_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00000001.journal");
    let later = b"MEMEXJNL\x02\0\0\0\0\0\0\0".to_vec();
    for (bytes, expected) in [
        (b"something else entirely".to_vec(), "begins otherwise"),
        (later, "version 2"),
    ] {
        std::fs::write(&path, &bytes).unwrap();
        let refused = Journal::open(folder.path(), Options::default()).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
        assert!(refused.to_string().contains("hint: "), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    assert!(Journal::open(folder.path(), Options::default()).is_err());
}
