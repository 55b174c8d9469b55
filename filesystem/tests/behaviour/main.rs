//! What each call does, in scratch and in a writable grant alike.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod mounts;

use common::{BOTH, Host, READ, WRITE, check, open, run};
use memex_filesystem::*;

/// Runs a table at both kinds of mount; `@` stands for the mount.
fn check_both(table: &[(&str, &str)]) {
    for mount in ["tmp", "work"] {
        let host = Host::new();
        let mut files = host.session();
        for (command, expected) in table {
            let command = command.replace('@', mount);
            assert_eq!(run(&mut files, &command), *expected, "{command}");
        }
    }
}

#[test]
fn files_are_made_read_cut_and_removed() {
    check_both(&[
        ("read @/f", "Noent"),
        ("write @/f hello", "ok"),
        ("read @/f", "hello"),
        ("append @/f +more", "ok"),
        ("read @/f", "hello+more"),
        ("new @/f", "Exist"),
        ("new @/g", "ok"),
        ("stat @/f", "file 10"),
        ("cut @/f 3", "ok"),
        ("read @/f", "hel"),
        ("cut @/f 5", "ok"),
        ("read @/f", "hel\0\0"),
        ("write @/f x", "ok"),
        ("read @/f", "x"),
        ("read @/f/", "Notdir"),
        ("stat @/f/", "Notdir"),
        ("read @/f/below", "Notdir"),
        ("write @/none/f x", "Noent"),
        ("write @/new/ x", "Isdir"),
        ("ls @", "f g"),
        ("rm @/f/", "Notdir"),
        ("rm @/f", "ok"),
        ("rm @/f", "Noent"),
        ("ls @", "g"),
    ]);
}

#[test]
fn directories_are_made_listed_and_removed() {
    check_both(&[
        ("mkdir @/d", "ok"),
        ("mkdir @/d", "Exist"),
        ("mkdir @/d/e/", "ok"),
        ("mkdir @/none/e", "Noent"),
        ("stat @/d", "Directory"),
        ("stat @/d/", "Directory"),
        ("write @/d x", "Isdir"),
        ("write @/d/f x", "ok"),
        ("ls @/d", "e f"),
        ("ls @/d/f", "Notdir"),
        ("rmdir @/d", "Notempty"),
        ("rmdir @/d/f", "Notdir"),
        ("rm @/d/e", "Isdir"),
        ("rmdir @/d/e", "ok"),
        ("rm @/d/f", "ok"),
        ("rmdir @/d", "ok"),
        ("rmdir @/d", "Noent"),
    ]);
}

#[test]
fn names_move_and_replace() {
    check_both(&[
        ("write @/a 1", "ok"),
        ("write @/b 2", "ok"),
        ("mv @/a @/b", "ok"),
        ("read @/b", "1"),
        ("read @/a", "Noent"),
        ("mv @/none @/c", "Noent"),
        ("mkdir @/d", "ok"),
        ("mkdir @/e", "ok"),
        ("write @/e/f 3", "ok"),
        ("mv @/b @/d", "Isdir"),
        ("mv @/d @/b", "Notdir"),
        ("mv @/d @/e", "Notempty"),
        ("mv @/e @/e/inside", "Inval"),
        ("mv @/e @/d", "ok"),
        ("read @/d/f", "3"),
        ("mv @/b @/b", "ok"),
        ("mv @/b @/c/", "Notdir"),
        ("mv @/d @/c/", "ok"),
        ("ls @", "b c"),
    ]);
}

#[test]
fn hard_links_share_content() {
    check_both(&[
        ("write @/a 1", "ok"),
        ("mkdir @/d", "ok"),
        ("ln @/a @/d/b", "ok"),
        ("ln @/a @/d/b", "Exist"),
        ("ln @/none @/c", "Noent"),
        ("ln @/d @/c", "Perm"),
        ("write @/d/b two", "ok"),
        ("read @/a", "two"),
        ("mv @/a @/d/b", "ok"),
        ("rm @/a", "ok"),
        ("read @/d/b", "two"),
    ]);
}

#[test]
fn symbolic_links_are_followed_and_read() {
    check_both(&[
        ("mkdir @/d", "ok"),
        ("write @/d/f 1", "ok"),
        ("symlink d/f @/l", "ok"),
        ("symlink d/f @/l", "Exist"),
        ("symlink d @/ld", "ok"),
        ("symlink f @/d/beside", "ok"),
        ("symlink none @/dangling", "ok"),
        ("readlink @/l", "d/f"),
        ("readlink @/d/f", "Inval"),
        ("read @/l", "1"),
        ("read @/ld/f", "1"),
        ("read @/d/beside", "1"),
        ("ls @/ld", "beside f"),
        ("open @/l", "Loop"),
        ("lstat @/l", "SymbolicLink"),
        ("stat @/l", "file 1"),
        ("stat @/dangling", "Noent"),
        ("new @/dangling", "Exist"),
        ("write @/dangling 2", "ok"),
        ("read @/none", "2"),
        ("symlink loop @/loop", "ok"),
        ("read @/loop", "Loop"),
        ("rmdir @/ld", "Notdir"),
        ("rmdir @/ld/", "Notdir"),
        ("mv @/l @/m", "ok"),
        ("readlink @/m", "d/f"),
        ("rm @/ld", "ok"),
        ("read @/d/f", "1"),
        ("symlink  @/empty", "Noent"),
    ]);
}

#[test]
fn positions_reads_and_writes() {
    for path in ["tmp/f", "work/f"] {
        let host = Host::new();
        let mut files = host.session();
        let fd = open(&mut files, path, OFLAG_CREAT, BOTH, 0).unwrap();
        assert_eq!(fd, 4);
        assert_eq!(files.fd_write(fd, b"0123456789"), Ok(10));
        assert_eq!(files.fd_tell(fd), Ok(10));
        for (offset, whence, expected) in [
            (4, WHENCE_SET, Ok(4)),
            (2, WHENCE_CUR, Ok(6)),
            (-3, WHENCE_END, Ok(7)),
            (-1, WHENCE_SET, Err(Errno::Inval)),
            (i64::MIN, WHENCE_CUR, Err(Errno::Inval)),
            (i64::MAX, WHENCE_END, Err(Errno::Inval)),
            (0, 3, Err(Errno::Inval)),
            (0, WHENCE_CUR, Ok(7)),
        ] {
            assert_eq!(
                files.fd_seek(fd, offset, whence),
                expected,
                "{path} {offset} {whence}"
            );
        }
        let mut buffer = [0; 4];
        assert_eq!(files.fd_read(fd, &mut buffer), Ok(3));
        assert_eq!(&buffer[..3], b"789");
        assert_eq!(files.fd_read(fd, &mut buffer), Ok(0));
        assert_eq!(files.fd_pread(fd, &mut buffer, 1), Ok(4));
        assert_eq!(&buffer, b"1234");
        assert_eq!(files.fd_pread(fd, &mut buffer, u64::MAX), Ok(0));
        assert_eq!(files.fd_pwrite(fd, b"ab", 12), Ok(2));
        assert_eq!(files.fd_tell(fd), Ok(10));
        assert_eq!(common::drain(&mut files, fd).unwrap(), b"\0\0ab");
        assert_eq!(files.fd_pwrite(fd, b"x", u64::MAX), Err(Errno::Fbig));
        assert_eq!(files.fd_filestat_set_size(fd, u64::MAX), Err(Errno::Fbig));
        assert_eq!(files.fd_allocate(fd, 10, 10), Ok(()));
        assert_eq!(files.fd_allocate(fd, 0, 1), Ok(()));
        assert_eq!(files.fd_allocate(fd, 0, 0), Err(Errno::Inval));
        assert_eq!(files.fd_filestat_get(fd).unwrap().size, 20);
        assert_eq!(files.fd_fdstat_set_flags(fd, FDFLAG_APPEND), Ok(()));
        files.fd_seek(fd, 0, WHENCE_SET).unwrap();
        assert_eq!(files.fd_write(fd, b"end"), Ok(3));
        assert_eq!(files.fd_tell(fd), Ok(23));
        assert_eq!(files.fd_fdstat_set_flags(fd, 0), Ok(()));
        assert_eq!(files.fd_pwrite(fd, b"X", 0), Ok(1));
        assert_eq!(files.fd_filestat_get(fd).unwrap().size, 23);
        assert_eq!(files.fd_fdstat_set_flags(fd, 1 << 9), Err(Errno::Inval));
        assert_eq!((files.fd_sync(fd), files.fd_datasync(fd)), (Ok(()), Ok(())));
        assert_eq!(files.fd_advise(fd, 0, 0, 5), Ok(()));
        assert_eq!(files.fd_advise(fd, 0, 0, 6), Err(Errno::Inval));

        let reader = open(&mut files, path, 0, READ, 0).unwrap();
        assert_eq!(files.fd_write(reader, b"x"), Err(Errno::Badf));
        assert_eq!(files.fd_filestat_set_size(reader, 0), Err(Errno::Badf));
        assert_eq!(files.fd_allocate(reader, 0, 99), Err(Errno::Badf));
        let writer = open(&mut files, path, 0, WRITE, 0).unwrap();
        assert_eq!(files.fd_read(writer, &mut buffer), Err(Errno::Badf));
        assert_eq!(files.fd_fdstat_get(writer).unwrap().rights_base, WRITE);
        assert_eq!(
            files.fd_fdstat_get(writer).unwrap().filetype,
            FileType::RegularFile
        );
    }
}

#[test]
fn descriptors_take_the_lowest_number_and_move() {
    let host = Host::new();
    let mut files = host.session();
    let mut make = |path: &str| open(&mut files, path, OFLAG_CREAT, BOTH, 0).unwrap();
    assert_eq!([make("tmp/4"), make("tmp/5"), make("tmp/6")], [4, 5, 6]);
    files.fd_close(5).unwrap();
    assert_eq!(files.fd_close(5), Err(Errno::Badf));
    files.fd_close(4).unwrap();
    assert_eq!(open(&mut files, "tmp/4", 0, READ, 0), Ok(4));
    assert_eq!(open(&mut files, "tmp/5", 0, READ, 0), Ok(5));
    assert_eq!(open(&mut files, "tmp/4", 0, READ, 0), Ok(7));
    files.fd_write(6, b"six").unwrap();
    assert_eq!(files.fd_renumber(6, 4), Ok(()));
    assert_eq!(files.fd_tell(6), Err(Errno::Badf));
    assert_eq!(files.fd_tell(4), Ok(3));
    assert_eq!(files.fd_renumber(4, 99), Err(Errno::Badf));
    assert_eq!(files.fd_renumber(4, 3), Err(Errno::Notsup));
    assert_eq!(open(&mut files, "tmp/4", 0, READ, 0), Ok(6));
}

#[test]
fn paths_are_relative_to_their_directory() {
    let host = Host::new();
    let mut files = host.session();
    for mount in ["tmp", "work"] {
        run(&mut files, &format!("mkdir {mount}/d"));
        run(&mut files, &format!("write {mount}/d/f 1"));
        let path = format!("{mount}/d");
        let fd = open(&mut files, &path, OFLAG_DIRECTORY, READ, 0).unwrap();
        assert_eq!(files.path_filestat_get(fd, 0, b"f").unwrap().size, 1);
        assert_eq!(files.path_filestat_get(fd, 0, b"../d/f").unwrap().size, 1);
        assert_eq!(
            files
                .path_filestat_get(fd, 0, b"../../data/given")
                .unwrap()
                .size,
            5
        );
        assert_eq!(files.path_filestat_get(fd, 0, b"g"), Err(Errno::Noent));
        let file = files.path_open(fd, 0, b"f", 0, READ, 0, 0).unwrap();
        assert_eq!(files.path_filestat_get(file, 0, b"f"), Err(Errno::Notdir));
        assert_eq!(files.fd_readdir(file, 0, 1), Err(Errno::Notdir));
    }
}

#[test]
fn listings_continue_while_names_come_and_go() {
    for mount in ["tmp", "work"] {
        let host = Host::new();
        let mut files = host.session();
        for number in 0..50 {
            run(&mut files, &format!("write {mount}/f{number} x"));
        }
        let fd = open(&mut files, mount, OFLAG_DIRECTORY, READ, 0).unwrap();
        let mut seen = Vec::new();
        let mut cookie = 0;
        loop {
            let batch = files.fd_readdir(fd, cookie, 7).unwrap();
            // A guest whose buffer was too small asks for the last one again.
            let again = files
                .fd_readdir(fd, batch.first().map_or(cookie, |e| e.next), 7)
                .unwrap();
            assert_eq!(batch.get(1), again.first().filter(|_| batch.len() > 1));
            let Some(last) = batch.last() else { break };
            cookie = last.next;
            for entry in &batch {
                if entry.name.starts_with('f') {
                    run(&mut files, &format!("rm {mount}/{}", entry.name));
                }
                assert_ne!(entry.ino, 0);
            }
            seen.extend(batch.into_iter().map(|entry| entry.name));
        }
        assert_eq!(seen.len(), 52, "{mount}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 52, "{mount}");
        assert_eq!(run(&mut files, &format!("ls {mount}")), "");
        assert_eq!(files.fd_readdir(fd, u64::MAX, 7), Ok(Vec::new()));
        assert_eq!(files.fd_readdir(fd, 0, 0), Ok(Vec::new()));
    }
}

#[test]
fn times_are_those_that_were_set() {
    for mount in ["tmp", "work"] {
        let host = Host::new();
        let mut files = host.session();
        files.set_now_ns(5_000_000_000);
        let path = format!("{mount}/f");
        let fd = open(&mut files, &path, OFLAG_CREAT, BOTH, 0).unwrap();
        let both = FSTFLAG_ATIM | FSTFLAG_MTIM;
        assert_eq!(
            files.fd_filestat_set_times(fd, 7, 8_000_000_009, both),
            Ok(())
        );
        let stat = files.fd_filestat_get(fd).unwrap();
        assert_eq!((stat.atim, stat.mtim), (7, 8_000_000_009), "{mount}");
        let now = FSTFLAG_MTIM_NOW;
        assert_eq!(
            files.path_filestat_set_times(3, 0, path.as_bytes(), 1, 1, now),
            Ok(())
        );
        let stat = files.path_filestat_get(3, 0, path.as_bytes()).unwrap();
        assert_eq!((stat.atim, stat.mtim), (7, 5_000_000_000), "{mount}");
        for flags in [FSTFLAG_ATIM | FSTFLAG_ATIM_NOW, 16] {
            assert_eq!(
                files.fd_filestat_set_times(fd, 1, 1, flags),
                Err(Errno::Inval)
            );
        }
        run(&mut files, &format!("symlink f {mount}/l"));
        assert_eq!(run(&mut files, &format!("touch {mount}/l 9")), "ok");
        assert_eq!(files.fd_filestat_get(fd).unwrap().mtim, 9);
        assert_eq!(run(&mut files, &format!("touch {mount} 10")), "ok");
        let dir = open(&mut files, mount, OFLAG_DIRECTORY, READ, 0).unwrap();
        assert_eq!(files.fd_filestat_get(dir).unwrap().mtim, 10);
        assert_eq!(files.fd_filestat_set_times(dir, 11, 11, both), Ok(()));
        assert_eq!(files.fd_sync(dir), Ok(()));
        assert_eq!(
            files
                .path_filestat_get(3, 0, mount.as_bytes())
                .unwrap()
                .mtim,
            11
        );
    }
}

#[test]
fn serial_numbers_are_stable_and_shared_by_links() {
    for mount in ["tmp", "work"] {
        let host = Host::new();
        let mut files = host.session();
        run(&mut files, &format!("write {mount}/a 1"));
        run(&mut files, &format!("write {mount}/b 1"));
        run(&mut files, &format!("ln {mount}/a {mount}/c"));
        let stat = |files: &mut FileSystem, name: &str| {
            let path = format!("{mount}/{name}");
            files.path_filestat_get(3, 0, path.as_bytes()).unwrap()
        };
        let (a, b, c) = (
            stat(&mut files, "a"),
            stat(&mut files, "b"),
            stat(&mut files, "c"),
        );
        assert_eq!((a.dev, a.ino, a.nlink), (c.dev, c.ino, 2));
        assert_ne!(a.ino, b.ino);
        run(&mut files, &format!("mv {mount}/a {mount}/d"));
        assert_eq!(stat(&mut files, "d").ino, a.ino);
        let fd = open(&mut files, mount, OFLAG_DIRECTORY, READ, 0).unwrap();
        let listed = files.fd_readdir(fd, 0, 99).unwrap();
        let entry = listed.iter().find(|entry| entry.name == "d").unwrap();
        assert_eq!((entry.ino, entry.filetype), (a.ino, FileType::RegularFile));
    }
}

#[test]
fn malformed_paths_and_flags_are_named() {
    let host = Host::new();
    let mut files = host.session();
    let long = vec![b'x'; 256];
    let component = vec![b'x'; 255];
    let whole = b"/tmp/".repeat(820);
    for (path, expected) in [
        (&b"tmp/\xff"[..], Errno::Ilseq),
        (b"tmp/a\0b", Errno::Inval),
        (b"", Errno::Noent),
        (&[b"tmp/".as_slice(), &long].concat(), Errno::Nametoolong),
        (&[b"tmp/".as_slice(), &component].concat(), Errno::Noent),
        (&whole, Errno::Nametoolong),
        (&b"/work".repeat(819)[..], Errno::Noent),
    ] {
        assert_eq!(
            files.path_filestat_get(3, 0, path),
            Err(expected),
            "{}",
            path.len()
        );
        assert_eq!(
            files.path_unlink_file(3, path),
            Err(expected),
            "{}",
            path.len()
        );
    }
    for (lookup, oflags, fdflags) in [(2, 0, 0), (0, 16, 0), (0, 0, 32), (0, 3, 0)] {
        let answer = files.path_open(3, lookup, b"tmp/f", oflags, BOTH, 0, fdflags);
        assert_eq!(answer, Err(Errno::Inval));
    }
    for target in [&b"a\0"[..], b"\xff"] {
        assert!(files.path_symlink(target, 3, b"tmp/l").is_err());
    }
    assert_eq!(run(&mut files, "ls tmp"), "");
}

#[test]
fn scratch_goes_128_directories_deep_and_no_deeper() {
    let host = Host::new();
    let mut files = host.session();
    let path = |depth| format!("tmp{}", "/d".repeat(depth));
    for depth in 1..=SCRATCH_DEPTH_MAX {
        assert_eq!(run(&mut files, &format!("mkdir {}", path(depth))), "ok");
    }
    let deeper = path(SCRATCH_DEPTH_MAX + 1);
    assert_eq!(run(&mut files, &format!("mkdir {deeper}")), "Nametoolong");
    check(
        &mut files,
        &[
            ("mkdir tmp/a", "ok"),
            ("mv tmp/d tmp/a/d", "Nametoolong"),
            ("mv tmp/d tmp/e", "ok"),
        ],
    );
}

#[test]
fn a_duplicate_has_the_rights_of_its_descriptor_and_an_offset_of_its_own() {
    for mount in ["tmp", "work"] {
        let host = Host::new();
        let mut files = host.session();
        run(&mut files, &format!("write {mount}/f 0123456789"));
        let fd = open(&mut files, &format!("{mount}/f"), 0, READ, 0).unwrap();
        let mut four = [0; 4];
        assert_eq!(files.fd_read(fd, &mut four), Ok(4));
        let copy = files.fd_duplicate(fd).unwrap();
        assert_ne!(copy, fd);
        assert_eq!((files.fd_read(copy, &mut four), &four), (Ok(4), b"4567"));
        assert_eq!((files.fd_read(fd, &mut four), &four), (Ok(4), b"4567"));
        assert_eq!(files.fd_write(copy, b"x"), Err(Errno::Badf));
        // The file lives as long as any of them.
        run(&mut files, &format!("rm {mount}/f"));
        assert_eq!(files.fd_close(fd), Ok(()));
        assert_eq!(files.fd_pread(copy, &mut four, 0), Ok(4));
        assert_eq!(&four, b"0123");

        run(&mut files, &format!("write {mount}/g other"));
        let other = open(&mut files, &format!("{mount}/g"), 0, BOTH, 0).unwrap();
        assert_eq!(files.fd_duplicate_to(copy, other), Ok(()));
        assert_eq!(files.fd_pread(other, &mut four, 0), Ok(4));
        assert_eq!(&four, b"0123");
        assert_eq!(files.fd_write(other, b"x"), Err(Errno::Badf));
        assert_eq!(files.fd_duplicate_to(copy, copy), Ok(()));
        for (from, to) in [(99, copy), (copy, 99)] {
            assert_eq!(files.fd_duplicate_to(from, to), Err(Errno::Badf));
        }
        for fd in [3, open(&mut files, mount, 0, READ, 0).unwrap()] {
            assert_eq!(files.fd_duplicate(fd), Err(Errno::Notsup));
        }
        assert_eq!(files.fd_duplicate(99), Err(Errno::Badf));
        assert_eq!(files.fd_duplicate_to(copy, 3), Err(Errno::Notsup));
    }
}

#[test]
fn room_is_what_the_quota_leaves() {
    let host = Host::new();
    let mut files = host.session();
    let total_bytes = common::PLENTY.file_bytes;
    for (command, used_bytes) in [
        ("write tmp/f 12345", 5),
        ("write work/f 123", 8),
        ("rm tmp/f", 3),
    ] {
        run(&mut files, command);
        let usage = Usage {
            total_bytes,
            used_bytes,
        };
        assert_eq!(files.usage(), usage, "{command}");
    }
}
