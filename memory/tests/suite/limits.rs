//! What a memory may hold, at each bound and one past it.

use crate::common::{author, filled, memory, put, update};
use memex_memory::{Limits, Memory, Mode, Options};

const MIB: usize = 1 << 20;

#[test]
fn files_are_limited_in_both_modes() {
    for mode in [Mode::Compat, Mode::Extended] {
        let (_directory, memory) = filled(mode, &[("f.md", &"x".repeat(MIB))]);
        assert_eq!(update(&memory, "f.md", "x", "y"), Ok(()));
        let expect = "Error: Unexpected error - File f.md is too large to update: 1048577 bytes; the limit is 1048576";
        assert_eq!(update(&memory, "f.md", "x", "yy"), Err(expect.to_owned()));
    }
}

#[test]
fn directories_and_the_memory_are_limited_in_extended_mode() {
    let limits = Limits {
        directory_bytes_max: Some(100),
        memory_bytes_max: Some(150),
        entries_max: 8,
        ..Limits::of(Mode::Extended)
    };
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        limits,
        ..Options::default()
    };
    let memory = Memory::open(directory.path(), options).unwrap();
    let create = |path: &str, bytes: usize| {
        let created = memory.create_file(author(), path, &"x".repeat(bytes));
        created.map_err(|raised| raised.message)
    };
    let full = |path: &str, place: &str, actual: u64, limit: u64| {
        Err(format!(
            "Error creating file {path}: {place} would hold {actual} bytes; the limit is {limit}: delete something first"
        ))
    };
    assert_eq!(create("d/a", 60), Ok(true));
    assert_eq!(create("d/b", 41), full("d/b", "d", 101, 100));
    assert_eq!(create("d/b", 40), Ok(true));
    // A directory in it has its own room.
    assert_eq!(create("d/e/a", 1), Ok(true));
    assert!(memory.delete_file(author(), "d/e/a"));
    assert_eq!(
        update(&memory, "d/b", "x", "xx"),
        Err("Error: Unexpected error - d would hold 101 bytes; the limit is 100: delete something first".to_owned())
    );
    assert_eq!(create("c", 51), full("c", "the memory", 151, 150));
    assert_eq!(create("c", 50), Ok(true));
    // What does not grow is fine, and what is deleted makes room.
    assert_eq!(update(&memory, "d/b", "x", "y"), Ok(()));
    assert!(memory.delete_file(author(), "d/a"));
    assert_eq!(create("d/f", 60), Ok(true));
    // What others put there counts too.
    put(directory.path(), "by-hand", &[b'x'; 10]);
    assert_eq!(create("g", 1), full("g", "the memory", 161, 150));
    // d, d/e, d/b, d/f, c, by-hand are six entries.
    assert_eq!(create("e1", 0), Ok(true));
    assert!(memory.create_dir(author(), "e2"));
    assert!(!memory.create_dir(author(), "e3"));
    let expect = "Error creating file e3: the memory would hold 9 entries; the limit is 8: delete something first";
    assert_eq!(create("e3", 0), Err(expect.to_owned()));
    assert!(memory.check().is_ok());
}

#[test]
fn the_defaults_are_enforced() {
    let (directory, memory) = memory(Mode::Extended);
    let text = "x".repeat(MIB);
    for n in 0..10 {
        memory
            .create_file(author(), &format!("d/{n}"), &text)
            .unwrap();
    }
    let raised = memory.create_file(author(), "d/10", "x").unwrap_err();
    assert!(
        raised.message.contains("d would hold 10485761 bytes"),
        "{raised}"
    );
    for n in 1..10 {
        std::fs::create_dir(directory.path().join(format!("d{n}"))).unwrap();
        let file = std::fs::File::create(directory.path().join(format!("d{n}/x"))).unwrap();
        file.set_len(10 << 20).unwrap();
    }
    let raised = memory.create_file(author(), "e/x", "x").unwrap_err();
    assert!(
        raised
            .message
            .contains("the memory would hold 104857601 bytes"),
        "{raised}"
    );
    assert!(!memory.check_if_dir_exists("e"));
    let compat = Memory::open(directory.path(), Options::of(Mode::Compat)).unwrap();
    assert_eq!(compat.create_file(author(), "d/10", "x"), Ok(true));
}

#[test]
fn huge_files_are_never_read_whole() {
    let (directory, memory) = memory(Mode::Extended);
    // Sparse: reading it would fail for want of memory or time, not pass.
    let file = std::fs::File::create(directory.path().join("huge.md")).unwrap();
    file.set_len(1 << 40).unwrap();
    let bytes = 1_u64 << 40;
    let expect = format!("File huge.md is too large to read: {bytes} bytes; the limit is 1048576");
    assert_eq!(memory.read_file("huge.md"), format!("Error: {expect}"));
    assert_eq!(memory.go_to_link("[[huge]]"), format!("Error: {expect}"));
    let updated = update(&memory, "huge.md", "a", "b").unwrap_err();
    assert!(updated.contains("too large to update"), "{updated}");
    assert_eq!(memory.get_size("huge.md"), Ok(bytes));
    // The file and the memory are too large.
    assert_eq!(memory.check().unwrap().len(), 2);
    // It can be deleted and replaced, though not brought back.
    assert_eq!(memory.create_file(author(), "huge.md", "small"), Ok(true));
    let undone = memory.undo(author(), memex_memory::Undo::Newest(1), false);
    assert!(undone.unwrap_err().to_string().contains("does not keep"));
}
