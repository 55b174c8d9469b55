//! A guest that gives one-line commands, so that tests are tables.
#![allow(
    missing_docs,
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::fs::File;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use memex_filesystem::*;
use tempfile::TempDir;

pub const READ: u64 = RIGHT_FD_READ;
pub const WRITE: u64 = RIGHT_FD_WRITE;
pub const BOTH: u64 = READ | WRITE;
pub const PLENTY: Quota = Quota {
    open_files: 64,
    file_bytes: 1 << 24,
    files: 1000,
};

/// Host folders: `work` (granted read-write at /work), `data` (read-only at
/// /data), `outside` (not granted), and a file at /lib/one.zip.
pub struct Host {
    pub root: TempDir,
    pub namespace: Arc<Namespace>,
}

impl Host {
    pub fn new() -> Self {
        let root = TempDir::new().unwrap();
        for name in ["work", "data", "outside"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        for (name, text) in [
            ("data/given", "given"),
            ("outside/secret", "secret"),
            ("one.zip", "zipped"),
        ] {
            std::fs::write(root.path().join(name), text).unwrap();
        }
        let dir = |name| Dir::open_ambient_dir(root.path().join(name), ambient_authority());
        let namespace = Namespace::builder()
            .directory("/work", dir("work").unwrap(), Access::ReadWrite)
            .directory("/data", dir("data").unwrap(), Access::ReadOnly)
            .file(
                "/lib/one.zip",
                File::open(root.path().join("one.zip")).unwrap(),
            )
            .scratch(true)
            .build()
            .unwrap();
        Self {
            root,
            namespace: Arc::new(namespace),
        }
    }

    pub fn session(&self) -> FileSystem {
        self.session_with(PLENTY)
    }

    pub fn session_with(&self, quota: Quota) -> FileSystem {
        FileSystem::new(Arc::clone(&self.namespace), quota)
    }
}

/// Runs one command; the answer is its output, `ok`, or the name of the errno.
///
/// `write PATH TEXT` (create, cut), `append PATH TEXT`, `new PATH` (exclusive),
/// `read PATH`, `open PATH` (read, not following), `mkdir`, `rmdir`, `rm`,
/// `mv A B`, `ln A B`, `symlink TARGET PATH`, `readlink PATH`, `ls PATH`,
/// `stat PATH`, `lstat PATH` (kind and size), `cut PATH SIZE`, `touch PATH NS`.
pub fn run(files: &mut FileSystem, command: &str) -> String {
    match execute(files, command) {
        Ok(output) => output,
        Err(errno) => format!("{errno:?}"),
    }
}

/// A session of another sandbox, to which a folder of the host is granted at
/// /work.
pub fn session_of_another_sandbox(folder: &std::path::Path) -> FileSystem {
    let dir = Dir::open_ambient_dir(folder, ambient_authority()).unwrap();
    let namespace = Namespace::builder()
        .directory("/work", dir, Access::ReadWrite)
        .build()
        .unwrap();
    FileSystem::new(Arc::new(namespace), PLENTY)
}

pub fn check(files: &mut FileSystem, table: &[(&str, &str)]) {
    for (command, expected) in table {
        assert_eq!(run(files, command), *expected, "{command}");
    }
}

pub fn open(
    files: &mut FileSystem,
    path: &str,
    oflags: u16,
    rights: u64,
    fdflags: u16,
) -> Result<u32, Errno> {
    let follow = LOOKUP_SYMLINK_FOLLOW;
    files.path_open(3, follow, path.as_bytes(), oflags, rights, 0, fdflags)
}

fn execute(files: &mut FileSystem, command: &str) -> Result<String, Errno> {
    let (verb, rest) = command.split_once(' ').unwrap();
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    let (a, b) = (first.as_bytes(), second.as_bytes());
    let ok = || "ok".to_owned();
    match verb {
        "write" => put(files, first, OFLAG_CREAT | OFLAG_TRUNC, 0, b),
        "append" => put(files, first, OFLAG_CREAT, FDFLAG_APPEND, b),
        "new" => put(files, first, OFLAG_CREAT | OFLAG_EXCL, 0, b""),
        "read" => {
            let fd = open(files, first, 0, READ, 0)?;
            let text = drain(files, fd);
            files.fd_close(fd)?;
            text.map(|bytes| String::from_utf8(bytes).unwrap())
        }
        "open" => {
            let fd = files.path_open(3, 0, a, 0, READ, 0, 0)?;
            files.fd_close(fd)?;
            Ok(ok())
        }
        "mkdir" => files.path_create_directory(3, a).map(|()| ok()),
        "rmdir" => files.path_remove_directory(3, a).map(|()| ok()),
        "rm" => files.path_unlink_file(3, a).map(|()| ok()),
        "mv" => files.path_rename(3, a, 3, b).map(|()| ok()),
        "ln" => files.path_link(3, 0, a, 3, b).map(|()| ok()),
        "symlink" => files.path_symlink(a, 3, b).map(|()| ok()),
        "readlink" => files.path_readlink(3, a),
        "ls" => {
            let fd = files.path_open(3, 1, a, OFLAG_DIRECTORY, READ, 0, 0)?;
            let mut names: Vec<String> = files
                .fd_readdir(fd, 0, 1000)?
                .into_iter()
                .map(|entry| entry.name)
                .filter(|name| name != "." && name != "..")
                .collect();
            names.sort();
            files.fd_close(fd)?;
            Ok(names.join(" "))
        }
        "stat" | "lstat" => {
            let stat = files.path_filestat_get(3, u32::from(verb == "stat"), a)?;
            Ok(match stat.filetype {
                FileType::RegularFile => format!("file {}", stat.size),
                other => format!("{other:?}"),
            })
        }
        "cut" => {
            let fd = open(files, first, 0, WRITE, 0)?;
            let answer = files.fd_filestat_set_size(fd, second.parse().unwrap());
            files.fd_close(fd)?;
            answer.map(|()| ok())
        }
        "touch" => {
            let time = second.parse().unwrap();
            files.path_filestat_set_times(3, 1, a, time, time, FSTFLAG_ATIM | FSTFLAG_MTIM)?;
            Ok(ok())
        }
        _ => panic!("unknown command {verb}"),
    }
}

fn put(
    files: &mut FileSystem,
    path: &str,
    oflags: u16,
    fdflags: u16,
    text: &[u8],
) -> Result<String, Errno> {
    let fd = open(files, path, oflags, WRITE, fdflags)?;
    let written = files.fd_write(fd, text);
    files.fd_close(fd)?;
    assert_eq!(written?, text.len());
    Ok("ok".to_owned())
}

pub fn drain(files: &mut FileSystem, fd: u32) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::new();
    let mut buffer = [0; 7];
    loop {
        let count = files.fd_read(fd, &mut buffer)?;
        if count == 0 {
            return Ok(text);
        }
        text.extend_from_slice(&buffer[..count]);
    }
}
