//! States: taken, put back, shared, moved to other namespaces.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Arc;

use common::{BOTH, Host, PLENTY, READ, WRITE, check, drain, open, run};
use memex_filesystem::*;

fn restore(host: &Host, state: &FileState) -> FileSystem {
    let (files, lost) = FileSystem::restore(Arc::clone(&host.namespace), PLENTY, state);
    assert_eq!(lost, []);
    files
}

/// Through bytes and back, which must make no difference.
fn recode(state: &FileState) -> FileState {
    let decoded = FileState::decode(&state.encode()).unwrap();
    assert_eq!(&decoded, state);
    decoded
}

#[test]
fn neither_side_sees_what_the_other_does() {
    let host = Host::new();
    let mut parent = host.session();
    check(
        &mut parent,
        &[
            ("mkdir tmp/d", "ok"),
            ("write tmp/d/f before", "ok"),
            ("write home/user/g before", "ok"),
            ("symlink d/f tmp/l", "ok"),
        ],
    );
    let state = parent.checkpoint();
    let mut child = restore(&host, &state);
    let changes = [
        ("append tmp/d/f +after", "ok"),
        ("write home/user/g x", "ok"),
        ("rm tmp/l", "ok"),
        ("write tmp/new 1", "ok"),
        ("mv tmp/d tmp/e", "ok"),
    ];
    let before = [
        ("read tmp/d/f", "before"),
        ("read home/user/g", "before"),
        ("read tmp/l", "before"),
        ("ls tmp", "d l"),
    ];
    let after = [
        ("read tmp/e/f", "before+after"),
        ("read home/user/g", "x"),
        ("ls tmp", "e new"),
    ];
    check(&mut parent, &changes);
    check(&mut child, &before);
    check(&mut parent, &after);
    let mut sibling = restore(&host, &recode(&state));
    check(&mut sibling, &before);
    check(&mut child, &changes);
    check(&mut child, &after);
    check(&mut sibling, &before);
    assert_eq!(
        scratch_files(&state),
        [("/home/user/g".to_owned(), 6), ("/tmp/d/f".to_owned(), 6)]
    );
    assert_eq!(scratch_files(&parent.checkpoint()).len(), 3);
    assert_eq!(
        (state.scratch_bytes(), parent.checkpoint().scratch_bytes()),
        (15, 14)
    );
}

#[test]
fn an_empty_state_is_a_few_bytes() {
    let host = Host::new();
    let mut files = host.session();
    assert_eq!(files.checkpoint(), FileState::default());
    assert!(files.checkpoint().encode().len() <= 4);
    check(
        &mut files,
        &[
            ("read tmp/none", "Noent"),
            ("ls tmp", ""),
            ("read data/given", "given"),
        ],
    );
    assert_eq!(recode(&files.checkpoint()), FileState::default());
    restore(&host, &FileState::default());
}

#[test]
fn open_files_come_back_by_path_and_position() {
    let host = Host::new();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("write tmp/f 0123456789", "ok"),
            ("write work/f 0123456789", "ok"),
        ],
    );
    let numbers: Vec<u32> = [
        ("tmp/f", BOTH, 0),
        ("work/f", BOTH, FDFLAG_APPEND),
        ("data/given", READ, 0),
        ("lib/one.zip", READ, 0),
        ("work", READ, 0),
        ("tmp", READ, 0),
        ("home", READ, 0),
        ("work/f", WRITE, 0),
    ]
    .into_iter()
    .map(|(path, rights, flags)| open(&mut files, path, 0, rights, flags).unwrap())
    .collect();
    assert_eq!(numbers, [4, 5, 6, 7, 8, 9, 10, 11]);
    files.fd_close(6).unwrap();
    for fd in [4, 5, 7] {
        files.fd_seek(fd, 2, WHENCE_SET).unwrap();
    }
    let before: Vec<_> = [4, 5, 7, 8, 9, 10, 11]
        .map(|fd| files.fd_fdstat_get(fd))
        .into();
    let mut files = restore(&host, &recode(&files.checkpoint()));
    let after: Vec<_> = [4, 5, 7, 8, 9, 10, 11]
        .map(|fd| files.fd_fdstat_get(fd))
        .into();
    assert_eq!(before, after);
    assert_eq!(drain(&mut files, 4).unwrap(), b"23456789");
    assert_eq!(drain(&mut files, 7).unwrap(), b"pped");
    assert_eq!(files.fd_write(5, b"+"), Ok(1));
    assert_eq!(files.fd_tell(5), Ok(11));
    assert_eq!(files.fd_write(7, b"x"), Err(Errno::Badf));
    assert_eq!(files.fd_write(11, b"X"), Ok(1));
    assert_eq!(run(&mut files, "read work/f"), "X123456789+");
    assert_eq!(files.fd_readdir(9, 2, 9).unwrap()[0].name, "f");
    assert_eq!(files.path_filestat_get(8, 0, b"f").unwrap().size, 11);
    assert_eq!(open(&mut files, "tmp/f", 0, READ, 0), Ok(6));
}

#[test]
fn removed_but_open_scratch_files_survive() {
    let host = Host::new();
    let mut files = host.session();
    let fd = open(&mut files, "tmp/f", OFLAG_CREAT, BOTH, 0).unwrap();
    files.fd_write(fd, b"kept").unwrap();
    check(&mut files, &[("rm tmp/f", "ok"), ("mkdir tmp/d", "ok")]);
    let dir = open(&mut files, "tmp/d", OFLAG_DIRECTORY, READ, 0).unwrap();
    assert_eq!(run(&mut files, "rmdir tmp/d"), "ok");
    let state = recode(&files.checkpoint());
    assert_eq!(
        (scratch_files(&state), state.scratch_bytes()),
        (Vec::new(), 4)
    );
    let mut files = restore(&host, &state);
    let mut text = [0; 4];
    assert_eq!(files.fd_pread(fd, &mut text, 0), Ok(4));
    assert_eq!(&text, b"kept");
    assert_eq!(files.fd_readdir(dir, 2, 9), Ok(Vec::new()));
    files.fd_close(fd).unwrap();
    files.fd_close(dir).unwrap();
    assert_eq!(files.checkpoint().scratch_bytes(), 0);
    recode(&files.checkpoint());
}

#[test]
fn what_cannot_be_opened_again_is_stale_and_listed() {
    let host = Host::new();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("write work/gone 1", "ok"),
            ("write work/turned 1", "ok"),
            ("write work/stays 1", "ok"),
            ("write tmp/f 1", "ok"),
        ],
    );
    for path in ["work/gone", "work/turned", "work/stays", "tmp/f"] {
        open(&mut files, path, 0, BOTH, 0).unwrap();
    }
    open(&mut files, "lib/one.zip", 0, READ, 0).unwrap();
    let removed = open(&mut files, "tmp/removed", OFLAG_CREAT, BOTH, 0).unwrap();
    files.fd_write(removed, b"bytes").unwrap();
    check(
        &mut files,
        &[
            ("rm work/gone", "ok"),
            ("rm work/turned", "ok"),
            ("mkdir work/turned", "ok"),
            ("rm tmp/removed", "ok"),
        ],
    );
    let state = files.checkpoint();
    let listed = |lost: &[LostFile]| -> Vec<(u32, String, Errno)> {
        lost.iter()
            .map(|lost| (lost.fd, lost.path.clone(), lost.reason))
            .collect()
    };
    let gone = |reason| (4, "/work/gone".to_owned(), reason);
    let turned = |reason| (5, "/work/turned".to_owned(), reason);

    let (mut restored, lost) = FileSystem::restore(Arc::clone(&host.namespace), PLENTY, &state);
    assert_eq!(listed(&lost), [gone(Errno::Noent), turned(Errno::Isdir)]);
    for (call, answer) in [
        ("read", restored.fd_read(4, &mut [0]).err()),
        ("write", restored.fd_write(4, b"x").err()),
        ("seek", restored.fd_seek(4, 0, 0).err()),
        ("stat", restored.fd_filestat_get(4).err()),
        ("fdstat", restored.fd_fdstat_get(4).err()),
        ("sync", restored.fd_sync(4).err()),
        ("readdir", restored.fd_readdir(4, 0, 1).err()),
        ("size", restored.fd_filestat_set_size(4, 0).err()),
        ("times", restored.fd_filestat_set_times(4, 0, 0, 1).err()),
        ("below", restored.path_filestat_get(4, 0, b"x").err()),
    ] {
        assert_eq!(answer, Some(Errno::Stale), "{call}");
    }
    assert_eq!(restored.fd_write(6, b"2"), Ok(1));
    assert_eq!(run(&mut restored, "stat work/gone"), "Noent");
    let again = recode(&restored.checkpoint());
    assert_eq!(restored.fd_close(4), Ok(()));
    let (_, lost) = FileSystem::restore(Arc::clone(&host.namespace), PLENTY, &again);
    assert_eq!(listed(&lost), [gone(Errno::Stale), turned(Errno::Stale)]);

    // A namespace that grants less: nothing opened before goes around it.
    let data = cap_std::fs::Dir::open_ambient_dir(
        host.root.path().join("work"),
        cap_std::ambient_authority(),
    );
    let narrow = Namespace::builder()
        .directory("/work", data.unwrap(), Access::ReadOnly)
        .build()
        .unwrap();
    let (mut narrowed, lost) = FileSystem::restore(Arc::new(narrow), PLENTY, &state);
    let reasons: Vec<Errno> = lost.iter().map(|lost| lost.reason).collect();
    assert_eq!(
        reasons,
        [
            Errno::Rofs,
            Errno::Rofs,
            Errno::Rofs,
            Errno::Noent,
            Errno::Noent,
            Errno::Noent
        ]
    );
    assert_eq!(narrowed.fd_write(6, b"3"), Err(Errno::Stale));
    let kept = recode(&narrowed.checkpoint());
    assert_eq!(scratch_files(&kept), [("/tmp/f".to_owned(), 1)]);
    assert_eq!(kept.scratch_bytes(), 1);

    // A smaller quota: as many host files as it allows.
    let quota = Quota {
        open_files: 1,
        ..PLENTY
    };
    std::fs::write(host.root.path().join("work/gone"), "back").unwrap();
    let (_, lost) = FileSystem::restore(Arc::clone(&host.namespace), quota, &state);
    let reasons: Vec<Errno> = lost.iter().map(|lost| lost.reason).collect();
    assert_eq!(reasons, [Errno::Mfile; 3]);
}

#[test]
fn what_was_spent_on_grants_stays_spent() {
    let host = Host::new();
    let quota = Quota {
        file_bytes: 10,
        files: 2,
        ..PLENTY
    };
    let mut files = host.session_with(quota);
    check(
        &mut files,
        &[("write work/f 012345", "ok"), ("mkdir work/d", "ok")],
    );
    let state = recode(&files.checkpoint());
    let (mut files, _) = FileSystem::restore(Arc::clone(&host.namespace), quota, &state);
    check(
        &mut files,
        &[
            ("append work/f 67890", "Nospc"),
            ("append work/f 6789", "ok"),
            ("mkdir work/e", "Nospc"),
        ],
    );
}

#[test]
fn states_of_other_versions_are_refused_by_name() {
    let message = FileState::decode(&[200, 0]).unwrap_err().to_string();
    assert!(message.contains("version 200"), "{message}");
    for (bytes, what) in [
        (&[][..], "ends too early"),
        (&[1], "ends too early"),
        (&[1, 8], "unknown parts"),
        (&[1, 0, 0], "after the end"),
        (&[1, 4, 0x80, 0, 0], "padded"),
        (&[1, 2, 1, 0], "out of order"),
        (
            &[1, 2, 1, 1, 0, 9, 0, 0, 0, 0, 4, b'/', b't', b'm', b'p'],
            "of no node",
        ),
        (&[1, 2, 1, 1, 1, 0, 0, 0, 0, 2, b'/', b'/'], "not normal"),
        (&[1, 1, 3, 0], "root is missing"),
    ] {
        let message = FileState::decode(bytes).unwrap_err().to_string();
        assert!(message.contains(what), "{bytes:?}: {message}");
    }
}

/// A tree as bytes: each node is its body, numbered from 1.
fn tree(bodies: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![1, 1, 99, bodies.len() as u8];
    for body in bodies {
        bytes.push(1);
        bytes.extend([0; 24]);
        bytes.extend_from_slice(body);
    }
    bytes
}

/// A state is held against a quota before it is built: pieces of a file that is
/// mostly holes take thirty times their bytes.
#[test]
fn states_past_a_quota_are_refused() {
    let names: &[u8] = &[1, 9, 2, 1, 3, 1, b'a', 1, 4, 1, b'b'];
    let none: &[u8] = &[1, 9, 0];
    let file: &[u8] = &[0, 100, 0];
    let link: &[u8] = &[2, 2, b't', b'o'];
    let bytes = tree(&[names, none, file, link]);
    let open: &[u8] = &[1, 2, 1, 1, 1, 0, 0, 0, 0, 4, b'/', b't', b'm', b'p'];
    let enough = Quota {
        open_files: 1,
        file_bytes: 102,
        files: 2,
    };
    assert!(FileState::decode_within(&bytes, &enough).is_ok());
    assert!(FileState::decode_within(open, &enough).is_ok());
    for (bytes, quota, name, actual) in [
        (
            &bytes[..],
            Quota {
                file_bytes: 101,
                ..enough
            },
            "file_bytes",
            102,
        ),
        (&bytes[..], Quota { files: 1, ..enough }, "files", 2),
        (
            open,
            Quota {
                open_files: 0,
                ..enough
            },
            "open_files",
            1,
        ),
    ] {
        let error = FileState::decode_within(bytes, &quota).unwrap_err();
        assert!(
            matches!(error, Error::StateTooLarge { name: told, actual: held, .. } if told == name && held == actual),
            "{error}"
        );
        assert!(
            error.to_string().ends_with(&format!("hint: raise {name}")),
            "{error}"
        );
    }
    // More nodes than have names, are roots or are open.
    let many = tree(&[none; 40]);
    let error = FileState::decode_within(&many, &enough).unwrap_err();
    assert!(
        matches!(
            error,
            Error::StateTooLarge {
                name: "files",
                actual: 40,
                ..
            }
        ),
        "{error}"
    );
    // A file of 1 TiB with a byte in each of its pieces.
    let mut sparse = vec![0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0x80, 0x80, 0x40];
    sparse.extend([1, 1, b'x'].repeat(1 << 20));
    let error = FileState::decode_within(&tree(&[names, none, &sparse]), &enough).unwrap_err();
    assert!(
        matches!(
            error,
            Error::StateTooLarge {
                name: "file_bytes",
                actual: 0x100_0000_0000,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn trees_that_are_not_whole_are_refused() {
    let none: &[u8] = &[1, 9, 0];
    let names_3: &[u8] = &[1, 9, 1, 1, 3, 1, b'a'];
    let file: &[u8] = &[0, 2, 1, 1, 2, b'o', b'k'];
    let whole = FileState::decode(&tree(&[names_3, none, file])).unwrap();
    assert_eq!(scratch_files(&whole), [("/tmp/a".to_owned(), 2)]);
    let linked = FileState::decode(&tree(&[names_3, names_3, file])).unwrap();
    let host = Host::new();
    let stat = restore(&host, &linked).path_filestat_get(3, 0, b"tmp/a");
    assert_eq!(stat.unwrap().nlink, 2);
    for (bodies, what) in [
        (&[names_3, names_3, none][..], "two names"),
        (&[&[1, 9, 1, 1, 2, 1, b'a'], none], "two names"),
        (&[names_3, none], "leads to no node"),
        (&[none, none, file], "neither name nor descriptor"),
        (&[none, none, names_3], "cannot be reached"),
        (
            &[none, none, &[1, 9, 1, 1, 4, 1, b'a'], names_3],
            "cannot be reached",
        ),
        (&[file, none], "root is missing"),
        (
            &[&[1, 9, 2, 1, 3, 1, b'a', 1, 3, 1, b'a'], none, file],
            "name twice",
        ),
        (
            &[&[1, 0, 1, 1, 3, 1, b'a'], none, file],
            "not below the next",
        ),
        (
            &[&[1, 9, 1, 1, 3, 1, b'/'], none, file],
            "name is not usable",
        ),
        (
            &[&[1, 9, 1, 1, 3, 2, b'.', b'.'], none, file],
            "name is not usable",
        ),
        (
            &[names_3, none, &[0, 1, 1, 1, 2, b'o', b'k']],
            "out of its place",
        ),
        (&[names_3, none, &[0, 2, 1, 2, 1, b'o']], "out of its place"),
        (&[names_3, none, &[0, 2, 1, 1, 0]], "out of its place"),
        (&[names_3, none, &[2, 0]], "target is not usable"),
        (&[names_3, none, &[2, 1, 0]], "target is not usable"),
        (&[names_3, none, &[3]], "unknown kind of node"),
    ] {
        let message = FileState::decode(&tree(bodies)).unwrap_err().to_string();
        assert!(message.contains(what), "{what}: {message}");
    }
    let chain = |depth: u8| {
        let mut bodies = vec![vec![1, 9, 1, 1, 3, 1, b'a'], vec![1, 9, 0]];
        for level in 1..depth {
            // Numbers from 128 on take two bytes.
            let id = u64::from(level) + 3;
            let mut body = vec![1, 9, 1, 1];
            if id < 128 {
                body.push(id as u8);
            } else {
                body.extend([id as u8 | 0x80, 1]);
            }
            body.extend([1, b'a']);
            bodies.push(body);
        }
        bodies.push(vec![1, 9, 0]);
        let mut bytes = vec![1, 1, 0xff, 0x07, bodies.len() as u8 | 0x80, 1];
        for body in bodies {
            bytes.push(1);
            bytes.extend([0; 24]);
            bytes.extend(body);
        }
        bytes
    };
    assert!(FileState::decode(&chain(128)).is_ok());
    let message = FileState::decode(&chain(129)).unwrap_err().to_string();
    assert!(message.contains("too deep"), "{message}");
}
