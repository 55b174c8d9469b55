//! Stored bytes that are not what was stored.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use memex_snapshots::{DirectoryStore, Error, Record, Retention, Saved, SnapshotStore};
use tempfile::TempDir;

use crate::common::{draft, is_whole, objects};

struct Stored {
    root: TempDir,
    store: DirectoryStore,
    records: Vec<Record>,
    snapshots: Vec<PathBuf>,
    chunks: Vec<PathBuf>,
}

/// Two snapshots, each with a chunk that compresses and one that does not.
fn stored() -> Stored {
    let root = TempDir::new().unwrap();
    let store = DirectoryStore::open(root.path()).unwrap();
    let mut records = Vec::new();
    for name in ["one", "two"] {
        let saved = Saved::from_head(name.as_bytes().to_vec())
            .with_chunk(name.repeat(1000).into_bytes())
            .with_chunk(name.as_bytes().to_vec());
        records.push(store.put(&saved, &draft(1, None)).unwrap());
    }
    store.set_session("one", None, records[0].id).unwrap();
    store.set_session("two", None, records[1].id).unwrap();
    let path_of = |suffix: &str, name: &str| {
        let (first, rest) = name.split_at(2);
        root.path().join(format!("objects/{first}/{rest}.{suffix}"))
    };
    let snapshots = records
        .iter()
        .map(|r| path_of("snapshot", &r.id.to_string()))
        .collect();
    let ids = records.iter().flat_map(|record| &record.chunk_ids);
    let chunks = ids.map(|id| path_of("chunk", &id.to_string())).collect();
    Stored {
        root,
        store,
        records,
        snapshots,
        chunks,
    }
}

type Harm = fn(&Path, &Path);

const HARMS: [(&str, Harm, &str, &str, &str); 10] = [
    (
        "emptied",
        |path, _| fs::write(path, b"").unwrap(),
        "it ends too early",
        "it ends too early",
        "it ends too early",
    ),
    (
        "cut in the header",
        |path, _| cut(path, 12),
        "it ends too early",
        "it ends too early",
        "it ends too early",
    ),
    (
        "cut at the end",
        |path, _| cut(path, length(path) - 1),
        "its checksum does not match",
        "it cannot be unpacked",
        "its checksum does not match",
    ),
    (
        "made longer",
        |path, _| edit(path, |bytes| bytes.push(0)),
        "its checksum does not match",
        "it cannot be unpacked",
        "its checksum does not match",
    ),
    (
        "magic flipped",
        |path, _| edit(path, |bytes| bytes[0] ^= 1),
        "it is not an object of a store",
        "it is not an object of a store",
        "it is not an object of a store",
    ),
    (
        "length flipped",
        |path, _| edit(path, |bytes| bytes[12] ^= 1),
        "its checksum does not match",
        "its length does not match",
        "its checksum does not match",
    ),
    (
        "swapped",
        |path, other| swap(path, other),
        "its content is not what its name says",
        "its content is not what its name says",
        "its content is not what its name says",
    ),
    (
        "foreign",
        |path, _| fs::write(path, b"#!/bin/sh\necho this is no object\n").unwrap(),
        "it is not an object of a store",
        "it is not an object of a store",
        "it is not an object of a store",
    ),
    (
        "a link",
        |path, other| link(path, other),
        "it is not a regular file",
        "it is not a regular file",
        "it is not a regular file",
    ),
    (
        "a directory",
        |path, _| directory(path),
        "it is not a regular file",
        "it is not a regular file",
        "it is not a regular file",
    ),
];

#[test]
fn every_damage_is_named_with_its_file() {
    for (harm_name, harm, snapshot, chunk, session) in HARMS {
        let s = stored();
        let sessions = [
            s.root.path().join("sessions/one"),
            s.root.path().join("sessions/two"),
        ];
        harm(&s.snapshots[0], &s.snapshots[1]);
        harm(&s.chunks[0], &s.chunks[2]);
        // The session and the snapshot are damaged alike, so ask for one each.
        let read = s.store.get(&s.records[0].id).unwrap_err();
        check(harm_name, &read, &s.snapshots[0], snapshot);
        let read = s.store.trail(&s.records[0].id).unwrap_err();
        check(harm_name, &read, &s.snapshots[0], snapshot);
        let read = s.store.chunk(&s.records[0].chunk_ids[0]).unwrap_err();
        check(harm_name, &read, &s.chunks[0], chunk);
        harm(&sessions[0], &sessions[1]);
        check(
            harm_name,
            &s.store.session("one").unwrap_err(),
            &sessions[0],
            session,
        );
        check(
            harm_name,
            &s.store.sessions().unwrap_err(),
            &sessions[0],
            session,
        );
        let moved = s
            .store
            .set_session("one", Some(s.records[0].id), s.records[1].id);
        assert!(moved.is_err(), "{harm_name}");
    }
}

#[test]
fn other_versions_and_kinds_are_told_apart() {
    let s = stored();
    edit(&s.snapshots[0], |bytes| bytes[8] = 2);
    edit(&s.chunks[0], |bytes| bytes[9] = 1);
    for (error, path, found) in [
        (
            s.store.get(&s.records[0].id).unwrap_err(),
            &s.snapshots[0],
            2,
        ),
        (
            s.store.chunk(&s.records[0].chunk_ids[0]).unwrap_err(),
            &s.chunks[0],
            257,
        ),
    ] {
        let message = format!(
            "{} has format version {found}, this build reads 1; use the build that wrote it",
            path.display()
        );
        assert_eq!(error.to_string(), message);
    }
    // A later build's snapshot may need anything: nothing is collected.
    let report = s
        .store
        .gc(&crate::common::keep(None, None), crate::common::later());
    assert!(matches!(report, Err(Error::Version { found: 2, .. })));

    fs::copy(&s.chunks[2], &s.snapshots[1]).unwrap();
    let error = s.store.get(&s.records[1].id).unwrap_err();
    check(
        "chunk as snapshot",
        &error,
        &s.snapshots[1],
        "it is another kind of object",
    );
}

#[test]
fn bombs_do_not_go_off() {
    let s = stored();
    let bomb = zstd_of_zeros(64 << 20);
    for (length, what) in [
        (64_u32 << 20, "it claims to be over the size limit"),
        (1 << 20, "it cannot be unpacked"),
        (0, "it cannot be unpacked"),
    ] {
        edit(&s.chunks[0], |bytes| {
            bytes.truncate(11);
            bytes.push(1);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&bomb);
        });
        let error = s.store.chunk(&s.records[0].chunk_ids[0]).unwrap_err();
        check("bomb", &error, &s.chunks[0], what);
    }
    let file = fs::File::options().write(true).open(&s.chunks[1]).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = s.store.chunk(&s.records[0].chunk_ids[1]).unwrap_err();
    check(
        "huge",
        &error,
        &s.chunks[1],
        "it is longer than such an object can be",
    );
}

#[test]
fn what_others_may_write_is_refused() {
    let s = stored();
    let set =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let refused = |path: &Path| {
        format!(
            "{} may be written by others, so its content cannot be trusted; correct it with chown and chmod go-w",
            path.display()
        )
    };
    let mode = fs::metadata(s.root.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let mode = fs::metadata(&s.snapshots[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for mode in [0o620, 0o602] {
        set(&s.snapshots[0], mode);
        let error = s.store.get(&s.records[0].id).unwrap_err();
        assert_eq!(error.to_string(), refused(&s.snapshots[0]));
    }
    set(s.root.path(), 0o770);
    let error = DirectoryStore::open(s.root.path()).unwrap_err();
    assert_eq!(error.to_string(), refused(s.root.path()));
    set(s.root.path(), 0o755);
    DirectoryStore::open(s.root.path()).unwrap();
}

/// Tries a store of which a part was opened to others or lies elsewhere, and the same store put right.
fn with_a_part_of_others(root: &Path, part: &str, try_it: impl Fn() -> Result<(), Error>) {
    let path = root.join(part);
    let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    for mode in [0o720, 0o702] {
        set(mode);
        assert_eq!(
            try_it().unwrap_err().to_string(),
            format!(
                "{} may be written by others, so its content cannot be trusted; correct it with chown and chmod go-w",
                path.display()
            )
        );
    }
    set(0o755);
    try_it().unwrap();

    // Nor may it lie elsewhere, where others may write.
    let aside = root.with_extension("aside");
    fs::rename(&path, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &path).unwrap();
    let error = try_it().unwrap_err().to_string();
    assert!(
        error.contains("a part of it is a link or no directory"),
        "{part}: {error}"
    );
    fs::remove_file(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    try_it().unwrap();
}

#[test]
fn a_store_of_which_others_may_write_a_part_is_refused() {
    let s = stored();
    let root = s.root.path();
    for part in ["locks", "objects", "sessions", "tmp"] {
        with_a_part_of_others(root, part, || DirectoryStore::open(root).map(drop));
    }
}

/// The directories of objects are looked at when they are used first.
#[test]
fn nothing_is_done_in_a_directory_of_objects_that_others_may_write() {
    let s = stored();
    let root = s.root.path();
    let part = |path: &Path| {
        let parent = path.parent().unwrap();
        parent.strip_prefix(root).unwrap().display().to_string()
    };
    let store = || DirectoryStore::open(root);
    let (record, snapshot) = (&s.records[0], part(&s.snapshots[0]));
    with_a_part_of_others(root, &snapshot, || store()?.get(&record.id).map(drop));
    with_a_part_of_others(root, &snapshot, || {
        let saved = Saved::from_head(b"one".to_vec())
            .with_chunk("one".repeat(1000).into_bytes())
            .with_chunk(b"one".to_vec());
        store()?.put(&saved, &draft(1, None)).map(drop)
    });
    with_a_part_of_others(root, &part(&s.chunks[0]), || {
        store()?.chunk(&record.chunk_ids[0]).map(drop)
    });
    for part in [snapshot.as_str(), "objects/00", "objects/ff"] {
        with_a_part_of_others(root, part, || {
            store()?
                .gc(&Retention::default(), SystemTime::now())
                .map(drop)
        });
    }
    assert_eq!(store().unwrap().get(&record.id).unwrap().1, b"one");
}

#[test]
fn saving_again_repairs_a_snapshot() {
    let s = stored();
    cut(&s.snapshots[0], 40);
    let saved = Saved::from_head(b"one".to_vec())
        .with_chunk("one".repeat(1000).into_bytes())
        .with_chunk(b"one".to_vec());
    let record = s.store.put(&saved, &draft(1, None)).unwrap();
    assert_eq!(s.store.get(&record.id).unwrap().1, b"one");
}

#[test]
fn strange_files_are_left_alone() {
    let s = stored();
    let strange = [
        "objects/00/README",
        "objects/00/abc.chunk",
        "objects/note",
        "sessions/.swp",
    ];
    for name in strange {
        fs::write(s.root.path().join(name), b"mine").unwrap();
    }
    s.store
        .gc(&crate::common::keep(Some(1), None), crate::common::later())
        .unwrap();
    assert_eq!(s.store.sessions().unwrap().len(), 2);
    for name in strange {
        assert_eq!(fs::read(s.root.path().join(name)).unwrap(), b"mine");
    }
}

#[test]
fn no_flipped_bit_goes_unseen() {
    let s = stored();
    let pointer = s.root.path().join("sessions/one");
    let whole = "one".repeat(1000).into_bytes();
    for path in [&s.snapshots[0], &s.chunks[0], &pointer] {
        let good = fs::read(path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(path, bad).unwrap();
            let result = match path {
                path if *path == s.snapshots[0] => s.store.get(&s.records[0].id).map(drop),
                path if *path == pointer => s.store.session("one").map(drop),
                _ => match s.store.chunk(&s.records[0].chunk_ids[0]) {
                    // Some bits of a compressed frame mean nothing.
                    Ok(bytes) if bytes == whole => continue,
                    other => other.map(drop),
                },
            };
            let error = result.expect_err("a flipped bit was not seen");
            assert!(
                matches!(error, Error::Damaged { .. } | Error::Version { .. }),
                "{error}"
            );
            assert!(
                error.to_string().starts_with(path.to_str().unwrap()),
                "{error}"
            );
        }
        fs::write(path, good).unwrap();
    }
    assert_eq!(objects(s.root.path(), "snapshot").len(), 2);
    assert!(
        s.records
            .iter()
            .all(|record| is_whole(&s.store, &record.id))
    );
}

fn check(harm: &str, error: &Error, path: &Path, what: &str) {
    let message = format!(
        "{} is damaged: {what}; restore it from a copy, or remove it and rewind to a snapshot that does not need it",
        path.display()
    );
    assert_eq!(error.to_string(), message, "{harm}");
}

fn edit(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path, length: usize) {
    edit(path, |bytes| bytes.truncate(length));
}

fn length(path: &Path) -> usize {
    usize::try_from(fs::metadata(path).unwrap().len()).unwrap()
}

fn swap(a: &Path, b: &Path) {
    let aside = a.with_extension("aside");
    fs::rename(a, &aside).unwrap();
    fs::rename(b, a).unwrap();
    fs::rename(aside, b).unwrap();
}

fn link(path: &Path, to: &Path) {
    fs::remove_file(path).unwrap();
    symlink(to, path).unwrap();
}

fn directory(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

fn zstd_of_zeros(length: usize) -> Vec<u8> {
    zstd::bulk::compress(&vec![0; length], 1).unwrap()
}
