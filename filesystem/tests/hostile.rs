//! Any calls in any order, any bytes as a state: an answer, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Arc;

use common::{Host, PLENTY};
use memex_filesystem::*;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Call {
    kind: u8,
    fd: u32,
    other: u32,
    path: Vec<u8>,
    second: Vec<u8>,
    number: u64,
    flags: u16,
    data: Vec<u8>,
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    let names = [
        "tmp", "home", "user", "work", "data", "lib", "one.zip", "a", "b", "..", ".", "",
    ];
    prop_oneof![
        9 => vec(proptest::sample::select(names.to_vec()), 1..4)
            .prop_map(|parts| parts.join("/").into_bytes()),
        4 => proptest::sample::select(vec!["tmp/a", "tmp/b", "tmp/a/b", "home/user/a", "work/a"])
            .prop_map(|path| path.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..300),
    ]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..200_000_u64, any::<u64>(), Just(i64::MAX as u64)]
}

fn call() -> impl Strategy<Value = Call> {
    let fd = || prop_oneof![8 => 3..9_u32, 1 => any::<u32>()];
    let flags = || prop_oneof![8 => 0..16_u16, 1 => any::<u16>()];
    (
        (any::<u8>(), fd(), fd()),
        (path(), path()),
        (number(), flags(), vec(any::<u8>(), 0..40)),
    )
        .prop_map(
            |((kind, fd, other), (path, second), (number, flags, data))| Call {
                kind,
                fd,
                other,
                path,
                second,
                number,
                flags,
                data,
            },
        )
}

fn perform(files: &mut FileSystem, call: &Call) {
    let Call {
        fd,
        other,
        path,
        second,
        number,
        flags,
        data,
        ..
    } = call;
    let (fd, other, number, flags) = (*fd, *other, *number, *flags);
    let lookup = u32::from(flags & 1);
    let from = if fd % 2 == 0 { 3 } else { fd };
    let mut buffer = [0; 50];
    match call.kind % 40 {
        0..=7 => drop(files.path_open(from, lookup, path, flags & 15, number | 66, number, 0)),
        8 => drop(files.path_open(from, flags.into(), path, flags, number, number, flags)),
        9 => drop(files.fd_close(fd)),
        10 => drop(files.fd_read(fd, &mut buffer)),
        11 => drop(files.fd_pread(fd, &mut buffer, number)),
        12 | 13 => drop(files.fd_write(fd, data)),
        14 | 15 => drop(files.fd_pwrite(fd, data, number)),
        16 => drop(files.fd_seek(fd, number as i64, flags as u8)),
        17 => drop(files.fd_tell(fd)),
        18 => drop(files.fd_fdstat_get(fd)),
        19 => drop(files.fd_fdstat_set_flags(fd, flags)),
        20 => drop(files.fd_filestat_get(fd)),
        21 => drop(files.fd_filestat_set_size(fd, number)),
        22 => drop(files.fd_filestat_set_times(fd, number, number, flags)),
        23 => drop(files.fd_allocate(fd, number, number)),
        24 => drop(files.fd_advise(fd, number, number, flags as u8)),
        25 => drop(files.fd_sync(fd).and(files.fd_datasync(fd))),
        26 => drop(files.fd_readdir(fd, number % 9, usize::from(flags))),
        27 => drop(files.fd_readdir(fd, number, usize::MAX)),
        28 => drop(files.fd_renumber(fd, other)),
        29 | 30 => drop(files.path_create_directory(from, path)),
        31 => drop(files.path_filestat_get(from, lookup, path)),
        32 => drop(files.path_filestat_set_times(from, lookup, path, number, number, flags)),
        33 => drop(files.path_link(from, lookup, path, 3, second)),
        34 => drop(files.path_symlink(path, from, second)),
        35 => drop(files.path_readlink(from, path)),
        36 => drop(files.path_remove_directory(from, path)),
        37 | 38 => drop(files.path_rename(from, path, 3, second)),
        _ => drop(files.path_unlink_file(from, path)),
    }
}

fn check_bounds(files: &FileSystem, quota: Quota) -> FileState {
    let state = files.checkpoint();
    assert!(state.scratch_bytes() <= quota.file_bytes);
    let bytes = state.encode();
    assert!(bytes.len() as u64 <= FileState::encoded_bytes_max(&quota));
    let decoded = FileState::decode_within(&bytes, &quota).expect("a state that was encoded");
    assert_eq!(decoded, state);
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_calls_are_answered_within_the_quota(calls in vec(call(), 1..80)) {
        let host = Host::new();
        let quota = Quota { open_files: 4, file_bytes: 300_000, files: 12 };
        let mut files = host.session_with(quota);
        for (index, call) in calls.iter().enumerate() {
            perform(&mut files, call);
            if index % 16 == 15 {
                let state = check_bounds(&files, quota);
                files = FileSystem::restore(Arc::clone(&host.namespace), quota, &state).0;
            }
        }
        check_bounds(&files, quota);
        let outside = host.root.path().join("outside");
        prop_assert_eq!(std::fs::read_dir(outside).unwrap().count(), 1);
        prop_assert_eq!(std::fs::read(host.root.path().join("data/given")).unwrap(), b"given");
    }

    #[test]
    fn any_bytes_are_answered(bytes in vec(any::<u8>(), 0..400), parts in 0..8_u8) {
        let _ = FileState::decode(&bytes);
        let _ = FileState::decode(&[&[1, parts], bytes.as_slice()].concat());
    }

    /// What decodes after damage is still whole: it works, and encodes again.
    #[test]
    fn altered_states_are_refused_or_whole(
        calls in vec(call(), 1..60),
        edits in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
        after in vec(call(), 0..20),
    ) {
        let host = Host::new();
        let mut files = host.session();
        calls.iter().for_each(|call| perform(&mut files, call));
        let mut bytes = files.checkpoint().encode();
        // Content is long and hardly matters: aim at the head and the tail.
        for (index, value, kind) in edits {
            let length = bytes.len();
            let near = index.index(length.min(600));
            let place = if value % 2 == 0 { near } else { length - 1 - near };
            match kind {
                0 => bytes[place] = value,
                1 => bytes[place] ^= 1 << (value % 8),
                _ => bytes.truncate(place.max(1)),
            }
        }
        if let Ok(state) = FileState::decode(&bytes) {
            prop_assert_eq!(&FileState::decode(&state.encode()).unwrap(), &state);
            let (mut files, _) = FileSystem::restore(Arc::clone(&host.namespace), PLENTY, &state);
            after.iter().for_each(|call| perform(&mut files, call));
            let state = files.checkpoint();
            prop_assert_eq!(&FileState::decode(&state.encode()).unwrap(), &state);
            let _ = scratch_files(&state);
        }
    }
}
