//! Ways out of a grant, each beside the same call that stays inside and works.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Host, READ, WRITE, check, open, run};
use memex_filesystem::*;

fn host_with_links() -> Host {
    let host = Host::new();
    let at = |name: &str| host.root.path().join(name);
    std::fs::create_dir(at("work/inside")).unwrap();
    std::fs::write(at("work/inside/f"), "inside").unwrap();
    symlink("inside", at("work/good")).unwrap();
    symlink("../outside", at("work/up")).unwrap();
    symlink(at("outside"), at("work/absolute")).unwrap();
    symlink("../outside/secret", at("work/file")).unwrap();
    symlink("../outside/new", at("work/dangling")).unwrap();
    symlink("inside/../../outside", at("work/winding")).unwrap();
    symlink("up", at("work/chain")).unwrap();
    symlink("/proc/self/root", at("work/proc")).unwrap();
    host
}

fn untouched(host: &Host) {
    let outside = host.root.path().join("outside");
    let names: Vec<_> = std::fs::read_dir(&outside)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["secret"]);
    assert_eq!(std::fs::read(outside.join("secret")).unwrap(), b"secret");
}

#[test]
fn links_of_the_host_do_not_lead_out() {
    let host = host_with_links();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("read work/good/f", "inside"),
            ("ls work/good", "f"),
            ("write work/good/g made", "ok"),
            ("mkdir work/good/d", "ok"),
            ("mv work/good/g work/good/h", "ok"),
            ("ln work/good/h work/good/k", "ok"),
            ("touch work/good/h 1", "ok"),
            ("rm work/good/h", "ok"),
            ("rmdir work/good/d", "ok"),
            ("readlink work/good", "inside"),
            ("readlink work/absolute", "Notcapable"),
            ("read work/file", "Notcapable"),
            ("write work/file x", "Notcapable"),
            ("append work/file x", "Notcapable"),
            ("write work/dangling x", "Notcapable"),
            ("touch work/file 1", "Notcapable"),
            ("stat work/file", "Notcapable"),
            ("lstat work/file", "SymbolicLink"),
            ("open work/file", "Loop"),
        ],
    );
    for link in ["up", "absolute", "winding", "chain", "proc"] {
        for command in [
            "read work/@/secret",
            "write work/@/secret x",
            "write work/@/new x",
            "new work/@/new",
            "ls work/@",
            "ls work/@/",
            "stat work/@",
            "stat work/@/secret",
            "mkdir work/@/new",
            "rm work/@/secret",
            "rmdir work/@/secret",
            "mv work/@/secret work/stolen",
            "mv work/inside/f work/@/f",
            "ln work/@/secret work/stolen",
            "ln work/inside/f work/@/f",
            "symlink f work/@/l",
            "readlink work/@/secret",
            "touch work/@/secret 1",
        ] {
            let command = command.replace('@', link);
            assert_eq!(run(&mut files, &command), "Notcapable", "{command}");
        }
    }
    untouched(&host);
}

#[test]
fn dots_do_not_lead_out() {
    let host = host_with_links();
    let mut files = host.session();
    let root = host.root.path().to_str().unwrap();
    check(
        &mut files,
        &[
            ("read work/inside/../inside/f", "inside"),
            ("read work/../outside/secret", "Noent"),
            ("read work/inside/../../outside/secret", "Noent"),
            ("read ../../../../etc/passwd", "Noent"),
            ("read /etc/passwd", "Noent"),
            ("write work/../outside/new x", "Noent"),
            ("rm work/../outside/secret", "Noent"),
            ("mv work/../outside/secret work/stolen", "Noent"),
            ("read work\\..\\outside\\secret", "Noent"),
        ],
    );
    assert_eq!(
        run(&mut files, &format!("read {root}/outside/secret")),
        "Noent"
    );
    let fd = open(&mut files, "work", OFLAG_DIRECTORY, READ, 0).unwrap();
    assert_eq!(files.path_filestat_get(fd, 0, b"inside/f").unwrap().size, 6);
    assert_eq!(
        files.path_filestat_get(fd, 0, b"../outside/secret"),
        Err(Errno::Noent)
    );
    untouched(&host);
}

#[test]
fn links_that_would_lead_out_are_not_made_on_the_host() {
    let host = host_with_links();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("symlink inside work/l", "ok"),
            ("read work/l/f", "inside"),
            ("symlink ../good work/inside/l", "Notcapable"),
            ("symlink ../outside work/m", "Notcapable"),
            ("symlink ../../outside work/inside/m", "Notcapable"),
            ("symlink a/../../../x work/inside/m", "Notcapable"),
            ("symlink /etc/passwd work/m", "Notcapable"),
        ],
    );
    untouched(&host);
}

#[test]
fn names_differ_by_case_and_normal_form() {
    let host = host_with_links();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("read work/inside/f", "inside"),
            ("read WORK/inside/f", "Noent"),
            ("read Work/inside/f", "Noent"),
            ("ls TMP", "Noent"),
            ("write tmp/cafe\u{301} 1", "ok"),
            ("read tmp/caf\u{e9}", "Noent"),
            ("read tmp/CAFE\u{301}", "Noent"),
        ],
    );
    // On a host that folds case these must not slip past the mount beneath.
    assert_ne!(run(&mut files, "write DATA/given x"), "ok");
}

#[test]
fn hard_links_do_not_join_mounts() {
    let host = host_with_links();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("write tmp/f 1", "ok"),
            ("ln work/inside/f work/second", "ok"),
            ("ln tmp/f tmp/second", "ok"),
            ("ln data/given work/given", "Xdev"),
            ("ln tmp/f home/user/f", "Xdev"),
            ("ln tmp/f work/f", "Xdev"),
            ("ln lib/one.zip work/zip", "Xdev"),
            ("mv work/inside/f tmp/moved", "Xdev"),
            ("mv tmp/f work/moved", "Xdev"),
        ],
    );
}

#[test]
fn only_regular_files_and_directories_open_and_nothing_waits() {
    let host = host_with_links();
    let work = host.root.path().join("work");
    make_fifo(&work.join("fifo"));
    let _socket = std::os::unix::net::UnixListener::bind(work.join("socket")).unwrap();
    let mut files = host.session();
    let started = Instant::now();
    for name in ["fifo", "socket"] {
        let path = format!("work/{name}");
        for (oflags, rights) in [
            (0, READ),
            (0, WRITE),
            (OFLAG_CREAT, READ | WRITE),
            (OFLAG_TRUNC, WRITE),
        ] {
            assert_eq!(
                open(&mut files, &path, oflags, rights, 0),
                Err(Errno::Acces),
                "{name}"
            );
        }
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    check(
        &mut files,
        &[
            ("lstat work/fifo", "Unknown"),
            ("lstat work/socket", "SocketStream"),
            ("read work/inside/f", "inside"),
            ("rm work/fifo", "ok"),
        ],
    );
    let devices = cap_std::fs::Dir::open_ambient_dir("/dev", cap_std::ambient_authority()).unwrap();
    let namespace = Namespace::builder()
        .directory("/dev", devices, Access::ReadWrite)
        .build()
        .unwrap();
    let mut files = FileSystem::new(namespace.into(), common::PLENTY);
    check(&mut files, &[("lstat dev/null", "CharacterDevice")]);
    for (name, rights) in [("null", WRITE), ("zero", READ), ("tty", READ)] {
        assert_eq!(
            open(&mut files, &format!("dev/{name}"), 0, rights, 0),
            Err(Errno::Acces)
        );
    }
}

#[test]
fn a_grant_is_the_directory_that_was_opened() {
    let host = host_with_links();
    let root = host.root.path();
    std::fs::rename(root.join("work"), root.join("moved")).unwrap();
    symlink("outside", root.join("work")).unwrap();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("read work/inside/f", "inside"),
            ("read work/secret", "Noent"),
        ],
    );
    untouched(&host);
}

/// Another process swaps a directory for a link that leads out, as fast as it
/// can, while the guest reads, writes and renames through it.
#[test]
fn a_race_does_not_lead_out() {
    let host = host_with_links();
    let work = host.root.path().join("work");
    std::fs::create_dir(work.join("swap")).unwrap();
    std::fs::write(work.join("swap/secret"), "decoy").unwrap();
    symlink("../outside", work.join("bait")).unwrap();
    let done = AtomicBool::new(false);
    let (mut inside, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let flags = rustix::fs::RenameFlags::EXCHANGE;
            let dir = std::fs::File::open(&work).unwrap();
            while !done.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(&dir, "swap", &dir, "bait", flags).unwrap();
            }
        });
        let mut files = host.session_with(Quota {
            files: u64::MAX,
            file_bytes: u64::MAX,
            ..common::PLENTY
        });
        let started = Instant::now();
        let mut tries = 0_u32;
        while (inside < 50 || refused < 50 || tries < 500)
            && started.elapsed() < Duration::from_secs(20)
        {
            tries += 1;
            let read = run(&mut files, "read work/swap/secret");
            match read.as_str() {
                "decoy" => inside += 1,
                "Notcapable" => refused += 1,
                "Noent" | "Notdir" | "Loop" => {}
                other => panic!("{other:?} came through"),
            }
            for command in [
                "write work/swap/new x",
                "mkdir work/swap/dir",
                "touch work/swap/secret 1",
                "mv work/inside/f work/swap/f",
                "mv work/swap/f work/inside/f",
                "ln work/swap/secret work/stolen",
            ] {
                run(&mut files, command);
            }
            if let Ok(stolen) = std::fs::read(work.join("stolen")) {
                assert_eq!(stolen, b"decoy");
                std::fs::remove_file(work.join("stolen")).unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(
        inside >= 50 && refused >= 50,
        "inside {inside}, refused {refused}"
    );
    untouched(&host);
    let touched = std::fs::metadata(host.root.path().join("outside/secret")).unwrap();
    assert!(touched.modified().unwrap() > std::time::UNIX_EPOCH + Duration::from_secs(1));
}

/// Two sessions rename the same names back and forth in one grant.
#[test]
fn sessions_that_rename_at_once_lose_nothing() {
    let host = host_with_links();
    std::thread::scope(|scope| {
        for (from, to) in [("inside", "other"), ("other", "inside")] {
            let mut files = host.session();
            scope.spawn(move || {
                let command = format!("mv work/{from} work/{to}");
                for _ in 0..2000 {
                    let answer = run(&mut files, &command);
                    assert!(matches!(answer.as_str(), "ok" | "Noent"), "{answer}");
                }
            });
        }
    });
    let mut files = host.session();
    let found = ["read work/inside/f", "read work/other/f"].map(|command| run(&mut files, command));
    assert_eq!(
        found.iter().filter(|text| *text == "inside").count(),
        1,
        "{found:?}"
    );
}

fn make_fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo")
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}
