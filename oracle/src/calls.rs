//! Random calls, and what a side answers to one.

use fastrand::Rng;
use wasmtime::Val;

use crate::sides::Side;

/// A call. Descriptors are slots, which each side has a number of its own for.
#[derive(Clone, Debug)]
pub enum Call {
    Open {
        dir: usize,
        follow: bool,
        path: String,
        oflags: i32,
        rights: i64,
        fdflags: i32,
    },
    Close(usize),
    Read(usize, i32),
    ReadAt(usize, i32, i64),
    Write(usize, Vec<u8>),
    WriteAt(usize, Vec<u8>, i64),
    Seek(usize, i64, i32),
    Tell(usize),
    Flags(usize),
    SetFlags(usize, i32),
    Stat(usize),
    SetSize(usize, i64),
    SetTimes(usize, i64, i64, i32),
    Advise(usize, i64, i64, i32),
    Allocate(usize, i64, i64),
    Sync(usize),
    DataSync(usize),
    List(usize),
    Renumber(usize, usize),
    MakeDirectory(usize, String),
    StatPath(usize, bool, String),
    SetPathTimes(usize, bool, String, i64, i64, i32),
    Link(usize, bool, String, usize, String),
    Symlink(String, usize, String),
    ReadLink(usize, String, i32),
    RemoveDirectory(usize, String),
    Rename(usize, String, usize, String),
    Unlink(usize, String),
    Clock(i32),
    Resolution(i32),
    Random(i32),
    Preopen(usize),
}

impl Call {
    /// The paths that it names.
    pub fn paths(&self) -> Vec<&str> {
        match self {
            Self::Open { path, .. }
            | Self::MakeDirectory(_, path)
            | Self::StatPath(_, _, path)
            | Self::SetPathTimes(_, _, path, ..)
            | Self::ReadLink(_, path, _)
            | Self::RemoveDirectory(_, path)
            | Self::Unlink(_, path)
            | Self::Symlink(_, _, path) => vec![path],
            Self::Link(_, _, old, _, new) | Self::Rename(_, old, _, new) => vec![old, new],
            _ => Vec::new(),
        }
    }
}

/// What a side answers: an error number and, if that is 0, results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub errno: i32,
    pub numbers: Vec<u64>,
    pub bytes: Vec<u8>,
    pub names: Vec<String>,
    /// A descriptor that was opened, which is each side's own.
    pub fd: Option<i32>,
}

/// Slots of descriptors; the first is the preopened root, the last never open.
pub const SLOTS: usize = 6;

const NAMES: [&str; 7] = ["a", "b", "f", "g", "l", "deep", "none"];
const OUT: i32 = 64;
const VECTORS: i32 = 128;
const FIRST_PATH: i32 = 4096;
const SECOND_PATH: i32 = 12_288;
const BUFFER: i32 = 65_536;
const BUFFER_BYTES: i32 = 131_072;

fn path(rng: &mut Rng) -> String {
    let mut names: Vec<&str> = (0..rng.usize(1..4))
        .map(|_| NAMES[rng.usize(0..NAMES.len())])
        .collect();
    match rng.u8(0..40) {
        0 => names.push(""),
        1 => names.insert(0, "."),
        2 => names.insert(rng.usize(0..names.len()), ".."),
        3 => names.push("."),
        4 => return ["", ".", "/", "..", "\u{e9}", "a\u{0}b", "//a"][rng.usize(0..7)].to_owned(),
        _ => {}
    }
    names.join("/")
}

fn target(rng: &mut Rng) -> String {
    match rng.u8(0..8) {
        0 => "..".to_owned(),
        1 => format!("../{}", path(rng)),
        2 => format!("/{}", path(rng)),
        _ => path(rng),
    }
}

fn slot(rng: &mut Rng) -> usize {
    rng.usize(0..=SLOTS)
}

/// Mostly the root: other slots are often files.
fn directory(rng: &mut Rng) -> usize {
    if rng.u8(0..4) == 0 { slot(rng) } else { 0 }
}

fn offset(rng: &mut Rng) -> i64 {
    match rng.u8(0..12) {
        0 => i64::MAX - rng.i64(0..3),
        1 => -rng.i64(1..4),
        _ => rng.i64(0..3000),
    }
}

fn data(rng: &mut Rng) -> Vec<u8> {
    let length = if rng.u8(0..8) == 0 {
        0
    } else {
        rng.usize(1..400)
    };
    std::iter::repeat_with(|| rng.u8(..)).take(length).collect()
}

/// A call that is likely to do something. Numbers that name no clock, flag or the
/// like are left out: they are `inval` of ours, and theirs traps.
pub fn random(rng: &mut Rng) -> Call {
    let rights = [0, 2, 64, 66, 66, 66, (1 << 30) - 1];
    let at = |rng: &mut Rng| rng.usize(1..=SLOTS);
    match rng.u8(0..58) {
        0..=11 => Call::Open {
            dir: directory(rng),
            follow: rng.bool(),
            path: path(rng),
            oflags: [0, 0, 1, 1, 1, 2, 4, 5, 8, 9, 10, 15][rng.usize(0..12)],
            rights: rights[rng.usize(0..rights.len())],
            fdflags: [0, 0, 0, 0, 1, 4][rng.usize(0..6)],
        },
        12 => Call::Close(at(rng)),
        13 | 14 => Call::Read(slot(rng), rng.i32(0..500)),
        15 => Call::ReadAt(slot(rng), rng.i32(0..500), offset(rng)),
        16..=18 => Call::Write(slot(rng), data(rng)),
        19 => Call::WriteAt(slot(rng), data(rng), offset(rng)),
        20 | 21 => Call::Seek(slot(rng), offset(rng), rng.i32(0..3)),
        22 => Call::Tell(slot(rng)),
        23 => Call::Flags(slot(rng)),
        24 => Call::SetFlags(slot(rng), [0, 1, 4][rng.usize(0..3)]),
        25 => Call::Stat(slot(rng)),
        26 => Call::SetSize(slot(rng), rng.i64(-1..5000)),
        27 => Call::SetTimes(
            slot(rng),
            rng.i64(0..i64::MAX / 2),
            rng.i64(0..i64::MAX / 2),
            rng.i32(0..16),
        ),
        28 => Call::Advise(slot(rng), offset(rng), offset(rng), rng.i32(0..6)),
        29 => Call::Sync(slot(rng)),
        30 => Call::DataSync(slot(rng)),
        31 | 32 => Call::List(slot(rng)),
        33 => Call::Renumber(at(rng), at(rng)),
        34..=37 => Call::MakeDirectory(directory(rng), path(rng)),
        38 | 39 => Call::StatPath(directory(rng), rng.bool(), path(rng)),
        40 => Call::SetPathTimes(
            directory(rng),
            rng.bool(),
            path(rng),
            rng.i64(0..1 << 60),
            rng.i64(0..1 << 60),
            rng.i32(0..16),
        ),
        41 | 42 => Call::Link(
            directory(rng),
            rng.u8(0..8) == 0,
            path(rng),
            directory(rng),
            path(rng),
        ),
        43..=45 => Call::Symlink(target(rng), directory(rng), path(rng)),
        46 => Call::ReadLink(directory(rng), path(rng), rng.i32(0..40)),
        47 => Call::RemoveDirectory(directory(rng), path(rng)),
        48..=51 => Call::Rename(directory(rng), path(rng), directory(rng), path(rng)),
        52 | 53 => Call::Unlink(directory(rng), path(rng)),
        54 => Call::Clock(rng.i32(0..4)),
        55 => Call::Resolution(rng.i32(0..4)),
        56 => Call::Random(rng.i32(0..300)),
        _ if rng.bool() => Call::Allocate(slot(rng), offset(rng), offset(rng)),
        _ => Call::Preopen(slot(rng)),
    }
}

/// Makes a call on a side, with its numbers of the slots.
pub fn perform(side: &mut dyn Side, call: &Call, fds: &[i32]) -> Result<Answer, String> {
    let fd = |slot: usize| Val::I32(fds.get(slot).copied().unwrap_or(99));
    let (int, long) = (Val::I32, Val::I64);
    let out = int(OUT);
    side.memory()[OUT as usize..OUT as usize + 64].fill(0xee);
    let mut put = |at: i32, bytes: &[u8]| {
        side.memory()[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
        (int(at), int(bytes.len() as i32))
    };
    let vector = |length: i32| -> [u8; 8] {
        let mut vector = [0; 8];
        vector[..4].copy_from_slice(&BUFFER.to_le_bytes());
        vector[4..].copy_from_slice(&length.to_le_bytes());
        vector
    };
    let vectors = (int(VECTORS), int(1));
    let (name, arguments): (&str, Vec<Val>) = match call {
        Call::Open {
            dir,
            follow,
            path,
            oflags,
            rights,
            fdflags,
        } => {
            let (path, length) = put(FIRST_PATH, path.as_bytes());
            (
                "path_open",
                vec![
                    fd(*dir),
                    int(i32::from(*follow)),
                    path,
                    length,
                    int(*oflags),
                    long(*rights),
                    long(*rights),
                    int(*fdflags),
                    out,
                ],
            )
        }
        Call::Close(slot) => ("fd_close", vec![fd(*slot)]),
        Call::Read(slot, length) => {
            put(VECTORS, &vector(*length));
            ("fd_read", vec![fd(*slot), vectors.0, vectors.1, out])
        }
        Call::ReadAt(slot, length, offset) => {
            put(VECTORS, &vector(*length));
            (
                "fd_pread",
                vec![fd(*slot), vectors.0, vectors.1, long(*offset), out],
            )
        }
        Call::Write(slot, data) => {
            put(BUFFER, data);
            put(VECTORS, &vector(data.len() as i32));
            ("fd_write", vec![fd(*slot), vectors.0, vectors.1, out])
        }
        Call::WriteAt(slot, data, offset) => {
            put(BUFFER, data);
            put(VECTORS, &vector(data.len() as i32));
            (
                "fd_pwrite",
                vec![fd(*slot), vectors.0, vectors.1, long(*offset), out],
            )
        }
        Call::Seek(slot, offset, whence) => {
            ("fd_seek", vec![fd(*slot), long(*offset), int(*whence), out])
        }
        Call::Tell(slot) => ("fd_tell", vec![fd(*slot), out]),
        Call::Flags(slot) => ("fd_fdstat_get", vec![fd(*slot), out]),
        Call::SetFlags(slot, flags) => ("fd_fdstat_set_flags", vec![fd(*slot), int(*flags)]),
        Call::Stat(slot) => ("fd_filestat_get", vec![fd(*slot), out]),
        Call::SetSize(slot, size) => ("fd_filestat_set_size", vec![fd(*slot), long(*size)]),
        Call::SetTimes(slot, accessed, modified, flags) => (
            "fd_filestat_set_times",
            vec![fd(*slot), long(*accessed), long(*modified), int(*flags)],
        ),
        Call::Advise(slot, offset, length, advice) => (
            "fd_advise",
            vec![fd(*slot), long(*offset), long(*length), int(*advice)],
        ),
        Call::Allocate(slot, offset, length) => {
            ("fd_allocate", vec![fd(*slot), long(*offset), long(*length)])
        }
        Call::Sync(slot) => ("fd_sync", vec![fd(*slot)]),
        Call::DataSync(slot) => ("fd_datasync", vec![fd(*slot)]),
        Call::List(slot) => (
            "fd_readdir",
            vec![fd(*slot), int(BUFFER), int(BUFFER_BYTES), long(0), out],
        ),
        Call::Renumber(from, to) => ("fd_renumber", vec![fd(*from), fd(*to)]),
        Call::MakeDirectory(dir, path) => {
            let (path, length) = put(FIRST_PATH, path.as_bytes());
            ("path_create_directory", vec![fd(*dir), path, length])
        }
        Call::StatPath(dir, follow, path) => {
            let (path, length) = put(FIRST_PATH, path.as_bytes());
            (
                "path_filestat_get",
                vec![fd(*dir), int(i32::from(*follow)), path, length, out],
            )
        }
        Call::SetPathTimes(dir, follow, path, accessed, modified, flags) => {
            let (path, length) = put(FIRST_PATH, path.as_bytes());
            (
                "path_filestat_set_times",
                vec![
                    fd(*dir),
                    int(i32::from(*follow)),
                    path,
                    length,
                    long(*accessed),
                    long(*modified),
                    int(*flags),
                ],
            )
        }
        Call::Link(old_dir, follow, old, new_dir, new) => {
            let (old, old_length) = put(FIRST_PATH, old.as_bytes());
            let (new, new_length) = put(SECOND_PATH, new.as_bytes());
            (
                "path_link",
                vec![
                    fd(*old_dir),
                    int(i32::from(*follow)),
                    old,
                    old_length,
                    fd(*new_dir),
                    new,
                    new_length,
                ],
            )
        }
        Call::Symlink(target, dir, path) => {
            let (target, target_length) = put(FIRST_PATH, target.as_bytes());
            let (path, length) = put(SECOND_PATH, path.as_bytes());
            (
                "path_symlink",
                vec![target, target_length, fd(*dir), path, length],
            )
        }
        Call::ReadLink(dir, path, room) => {
            let (path, length) = put(FIRST_PATH, path.as_bytes());
            (
                "path_readlink",
                vec![fd(*dir), path, length, int(BUFFER), int(*room), out],
            )
        }
        Call::RemoveDirectory(dir, path) => {
            let (path, length) = put(FIRST_PATH, path.as_bytes());
            ("path_remove_directory", vec![fd(*dir), path, length])
        }
        Call::Rename(old_dir, old, new_dir, new) => {
            let (old, old_length) = put(FIRST_PATH, old.as_bytes());
            let (new, new_length) = put(SECOND_PATH, new.as_bytes());
            (
                "path_rename",
                vec![fd(*old_dir), old, old_length, fd(*new_dir), new, new_length],
            )
        }
        Call::Unlink(dir, path) => {
            let (path, length) = put(FIRST_PATH, path.as_bytes());
            ("path_unlink_file", vec![fd(*dir), path, length])
        }
        Call::Clock(id) => ("clock_time_get", vec![int(*id), long(0), out]),
        Call::Resolution(id) => ("clock_res_get", vec![int(*id), out]),
        Call::Random(length) => ("random_get", vec![int(BUFFER), int(*length)]),
        Call::Preopen(slot) => ("fd_prestat_get", vec![fd(*slot), out]),
    };
    let errno = side.call(name, &arguments)?;
    let mut answer = Answer {
        errno,
        ..Answer::default()
    };
    if errno == 0 {
        decode(side, call, &mut answer);
    }
    Ok(answer)
}

/// Takes the results out of memory, without what is each side's own: inode and
/// device numbers, times that were not set, rights, random bytes.
fn decode(side: &mut dyn Side, call: &Call, answer: &mut Answer) {
    let memory = side.memory();
    let word = |at: usize| {
        u64::from(u32::from_le_bytes(
            memory[at..at + 4].try_into().expect("4 bytes"),
        ))
    };
    let long = |at: usize| u64::from_le_bytes(memory[at..at + 8].try_into().expect("8 bytes"));
    let buffer = |length: u64| memory[BUFFER as usize..BUFFER as usize + length as usize].to_vec();
    let out = OUT as usize;
    match call {
        Call::Open { .. } => answer.fd = Some(word(out) as i32),
        Call::Read(..) | Call::ReadAt(..) | Call::ReadLink(..) => {
            answer.numbers = vec![word(out)];
            answer.bytes = buffer(word(out));
        }
        Call::Write(..) | Call::WriteAt(..) => answer.numbers = vec![word(out)],
        Call::Seek(..) | Call::Tell(_) => answer.numbers = vec![long(out)],
        Call::Flags(_) => {
            let kind = u64::from(memory[out]);
            let flags = u64::from(u16::from_le_bytes([memory[out + 2], memory[out + 3]]));
            answer.numbers = vec![kind, flags];
        }
        Call::Stat(_) | Call::StatPath(..) => {
            let kind = u64::from(memory[out + 16]);
            // The size of a directory is the host's file system's business.
            let size = if kind == 3 { 0 } else { long(out + 32) };
            answer.numbers = vec![kind, long(out + 24), size];
        }
        Call::List(_) => {
            let bytes = buffer(word(out));
            let mut at = 0;
            while at + 24 <= bytes.len() {
                let length =
                    u32::from_le_bytes(bytes[at + 16..at + 20].try_into().expect("4 bytes"));
                let kind = bytes[at + 20];
                let name = &bytes[at + 24..at + 24 + length as usize];
                answer
                    .names
                    .push(format!("{kind} {}", String::from_utf8_lossy(name)));
                at += 24 + length as usize;
            }
            answer.names.sort();
        }
        Call::Clock(_) => {
            // Two clocks are never read at once: that it runs is what is compared.
            answer.numbers = vec![u64::from(long(out) > 0)];
        }
        Call::Random(length) => {
            // All zeros from that many random bytes would be none.
            let drawn = buffer(*length as u64);
            answer.numbers = vec![u64::from(
                *length < 16 || drawn.iter().any(|byte| *byte != 0),
            )];
        }
        Call::Preopen(_) => answer.numbers = vec![u64::from(memory[out]), word(out + 4)],
        _ => {}
    }
}
