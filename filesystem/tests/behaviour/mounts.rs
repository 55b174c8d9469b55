//! Mounts: what is seen of them, and from where.

use super::check_both;
use crate::common::{Host, check, run};
use memex_filesystem::*;

#[test]
fn links_of_scratch_reach_every_mount() {
    let host = Host::new();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("symlink /data/given tmp/absolute", "ok"),
            ("symlink ../home/user tmp/relative", "ok"),
            ("symlink / tmp/root", "ok"),
            ("read tmp/absolute", "given"),
            ("write tmp/absolute x", "Rofs"),
            ("write tmp/relative/f home", "ok"),
            ("read home/user/f", "home"),
            ("read tmp/root/home/user/f", "home"),
            ("mv tmp/relative/f tmp/f", "Xdev"),
        ],
    );
    for depth in 0..41 {
        let link = format!("symlink l{depth} tmp/l{}", depth + 1);
        assert_eq!(run(&mut files, &link), "ok");
    }
    check(
        &mut files,
        &[
            ("write tmp/l0 end", "ok"),
            ("read tmp/l40", "end"),
            ("read tmp/l41", "Loop"),
        ],
    );
}

#[test]
fn read_only_mounts_refuse_every_change() {
    let host = Host::new();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("read data/given", "given"),
            ("read lib/one.zip", "zipped"),
            ("ls .", "data home lib tmp work"),
            ("ls lib", "one.zip"),
            ("ls home", "user"),
            ("write data/given x", "Rofs"),
            ("append data/given x", "Rofs"),
            ("write data/new x", "Rofs"),
            ("new data/new", "Rofs"),
            ("cut data/given 0", "Rofs"),
            ("mkdir data/d", "Rofs"),
            ("rm data/given", "Rofs"),
            ("rmdir data/given", "Rofs"),
            ("mv data/given data/other", "Rofs"),
            ("mv data/given tmp/given", "Rofs"),
            ("ln data/given data/other", "Rofs"),
            ("symlink given data/other", "Rofs"),
            ("touch data/given 1", "Rofs"),
            ("write lib/one.zip x", "Rofs"),
            ("rm lib/one.zip", "Rofs"),
            ("read lib/one.zip/x", "Notdir"),
            ("write lib/two.zip x", "Rofs"),
            ("read lib/two.zip", "Noent"),
            ("mkdir new", "Rofs"),
            ("mkdir lib", "Exist"),
            ("rmdir lib", "Rofs"),
            ("rmdir tmp", "Busy"),
            ("rmdir work", "Busy"),
            ("mv tmp home/user/tmp", "Busy"),
            ("mkdir home/user", "Exist"),
            ("read data/given", "given"),
        ],
    );
    assert_eq!(
        std::fs::read(host.root.path().join("data/given")).unwrap(),
        b"given"
    );
}

#[test]
fn the_preopen_is_the_root_and_stays() {
    let host = Host::new();
    let mut files = host.session();
    assert_eq!(files.fd_prestat_get(3), Ok(1));
    assert_eq!(files.fd_prestat_dir_name(3), Ok("/"));
    assert_eq!(files.fd_prestat_get(4), Err(Errno::Badf));
    let stat = files.fd_fdstat_get(3).unwrap();
    assert_eq!(
        (stat.filetype, stat.rights_inheriting),
        (FileType::Directory, RIGHTS_ALL)
    );
    assert_eq!(files.fd_close(3), Err(Errno::Notsup));
    let names: Vec<String> = files
        .fd_readdir(3, 0, 100)
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    assert_eq!(names[..2], [".", ".."]);
    assert_eq!(names.len(), 7);
    for fd in [0, 1, 2, 4, u32::MAX] {
        assert_eq!(files.fd_read(fd, &mut [0]), Err(Errno::Badf), "{fd}");
        assert_eq!(files.fd_readdir(fd, 0, 1), Err(Errno::Badf), "{fd}");
        assert_eq!(files.fd_close(fd), Err(Errno::Badf), "{fd}");
        assert_eq!(files.path_unlink_file(fd, b"x"), Err(Errno::Badf), "{fd}");
    }
    for call in [
        FileSystem::fd_tell(&mut files, 3).err(),
        files.fd_read(3, &mut [0]).err(),
    ] {
        assert_eq!(call, Some(Errno::Isdir));
    }
    assert_eq!(files.fd_write(3, b"x"), Err(Errno::Badf));
}

#[test]
fn malformed_mounts_are_refused() {
    let host = Host::new();
    let open = |name: &str| {
        let path = host.root.path().join(name);
        cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority()).unwrap()
    };
    let file = || std::fs::File::open(host.root.path().join("one.zip")).unwrap();
    let directory = || std::fs::File::open(host.root.path().join("data")).unwrap();
    let read_write = Access::ReadWrite;
    for (builder, expected) in [
        (
            Namespace::builder().directory("data", open("data"), read_write),
            "not absolute",
        ),
        (
            Namespace::builder().directory("/a/../b", open("data"), read_write),
            "components",
        ),
        (
            Namespace::builder().directory("/a/", open("data"), read_write),
            "components",
        ),
        (Namespace::builder().file("/", file()), "cannot be the root"),
        (
            Namespace::builder().file("/f", directory()),
            "not a regular file",
        ),
        (
            Namespace::builder().file("/f", file()).file("/f", file()),
            "mounted twice",
        ),
        (
            Namespace::builder()
                .directory("/w", open("work"), read_write)
                .directory("/w/in", open("data"), Access::ReadOnly),
            "/w/in lies in /w",
        ),
        (
            Namespace::builder().file("/tmp", file()).scratch(true),
            "mounted twice",
        ),
    ] {
        let message = builder.build().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn mounts_inside_scratch_and_read_only_mounts_show() {
    let host = Host::new();
    let open = |name: &str| {
        let path = host.root.path().join(name);
        cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority()).unwrap()
    };
    let namespace = Namespace::builder()
        .directory("/", open("data"), Access::ReadOnly)
        .directory("/home/user/project", open("work"), Access::ReadWrite)
        .scratch(true)
        .build()
        .unwrap();
    let mut files = FileSystem::new(namespace.into(), crate::common::PLENTY);
    check(
        &mut files,
        &[
            ("ls /", "given home tmp"),
            ("read given", "given"),
            ("write x 1", "Rofs"),
            ("ls home/user", "project"),
            ("mkdir home/user/project", "Exist"),
            ("rmdir home/user/project", "Busy"),
            ("write home/user/project/f 1", "ok"),
            ("symlink project home/user/l", "ok"),
            ("read home/user/l/f", "1"),
            ("mv home/user/project/f home/user/f", "Xdev"),
            ("ln home/user/project/f home/user/f", "Xdev"),
        ],
    );
}

/// The same files on two machines, made in another order and at other times.
#[test]
fn a_constant_mount_looks_the_same_on_every_host() {
    let looked = |names: [&str; 4]| {
        let root = tempfile::TempDir::new().unwrap();
        std::fs::create_dir(root.path().join("sub")).unwrap();
        for name in names {
            std::fs::write(root.path().join(name), format!("text of {name}")).unwrap();
        }
        let dir = cap_std::fs::Dir::open_ambient_dir(root.path(), cap_std::ambient_authority());
        let file = std::fs::File::open(root.path().join(names[0])).unwrap();
        let namespace = Namespace::builder()
            .directory("/library", dir.unwrap(), Access::ReadOnly)
            .file("/lib/of", file)
            .constant()
            .build()
            .unwrap();
        let mut files = FileSystem::new(std::sync::Arc::new(namespace), crate::common::PLENTY);
        let mut seen = Vec::new();
        for path in ["library", "library/b", "library/sub", "library/sub/d"] {
            seen.push(files.path_filestat_get(3, 1, path.as_bytes()).unwrap());
            let fd = files
                .path_open(3, 0, path.as_bytes(), 0, crate::common::READ, 0, 0)
                .unwrap();
            assert_eq!(files.fd_filestat_get(fd).unwrap(), seen[seen.len() - 1]);
            if path == "library" {
                let entries = files.fd_readdir(fd, 0, 100).unwrap();
                for entry in entries.iter().skip(2) {
                    let path = format!("library/{}", entry.name);
                    let stat = files.path_filestat_get(3, 1, path.as_bytes()).unwrap();
                    assert_eq!(stat.ino, entry.ino, "{path}");
                }
                assert!(entries.iter().skip(2).map(|e| &e.name).is_sorted());
                assert_eq!(entries.len(), 6);
            }
        }
        let of = files.path_filestat_get(3, 1, b"lib/of").unwrap();
        assert_eq!((of.mtim, of.nlink), (seen[1].mtim, 1));
        (seen, root)
    };
    let (one, _root) = looked(["a", "b", "c", "sub/d"]);
    let (other, _other) = looked(["c", "sub/d", "b", "a"]);
    assert_eq!(one, other);
    assert_eq!(one[1].size, "text of b".len() as u64, "a size is content");
    let numbers: std::collections::BTreeSet<u64> = one.iter().map(|stat| stat.ino).collect();
    assert_eq!(numbers.len(), one.len());
}

#[test]
fn the_home_has_another_name_that_no_listing_shows() {
    let host = Host::new();
    let mut files = host.session();
    for (command, expected) in [
        ("write mnt/data/f text", "ok"),
        ("read home/user/f", "text"),
        ("stat mnt", "Directory"),
        ("stat mnt/data", "Directory"),
        ("ls mnt/data", "f"),
        ("ls mnt", ""),
        ("ls .", "data home lib tmp work"),
        ("mkdir mnt/data/d", "ok"),
        ("mv mnt/data/f home/user/d/g", "ok"),
        ("read mnt/data/d/g", "text"),
        ("mkdir mnt/data", "Exist"),
        ("mkdir mnt/other", "Rofs"),
        ("rmdir mnt/data", "Busy"),
        ("read mnt/data/../secret", "Noent"),
        ("symlink d home/user/l", "ok"),
        ("read mnt/data/l/g", "text"),
    ] {
        assert_eq!(run(&mut files, command), expected, "{command}");
    }
}

#[test]
fn dots_are_resolved_as_text_and_never_above_the_root() {
    check_both(&[
        ("write @/f 1", "ok"),
        ("read @/./f", "1"),
        ("read @//f", "1"),
        ("read @/none/../f", "1"),
        ("read ../../../@/f", "1"),
        ("read /@/f", "1"),
        ("stat ..", "Directory"),
        ("stat .", "Directory"),
        ("stat /", "Directory"),
        ("stat @/.", "Directory"),
    ]);
}
