//! Sessions of other sandboxes and processes, and programs of the host, that move
//! names in a grant while a session does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use common::{Host, check, run, session_of_another_sandbox};
use memex_filesystem::{FileSystem, Interrupt};
use rustix::fs::{CWD, RenameFlags, renameat_with};

/// Attempts to move a directory away in each race.
const ATTEMPTS: u32 = 300;
/// The names that the directory with the link goes through.
const HIDING_PLACES: u32 = 7;
/// The folder of a racing process, and its role.
const RACER: &str = "MEMEX_TEST_RACER";

/// A directory `c/d` with a link that leads out as soon as `c/d` is moved up.
fn host_with_a_hidden_link() -> Host {
    let host = Host::new();
    let work = host.root.path().join("work");
    std::fs::create_dir_all(work.join("c/d/hidden0")).unwrap();
    for n in 0..200 {
        std::fs::write(work.join(format!("c/d/file{n}")), "").unwrap();
    }
    symlink("../../../f", work.join("c/d/hidden0/l")).unwrap();
    host
}

/// Says that the race is over, also when an assertion fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Renames the directory that holds the link, so that a look around misses it.
fn hide(files: &mut FileSystem, above: &str, mut goes_on: impl FnMut() -> bool) {
    let mut at = 0;
    while goes_on() {
        let next = (at + 1) % HIDING_PLACES;
        let command = format!("mv {above}/hidden{at} {above}/hidden{next}");
        assert_eq!(run(files, &command), "ok");
        at = next;
    }
}

/// Races the session against another one that hides the link.
fn race(host: &Host, mut other: FileSystem, above: &str) {
    let (over, hidden) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let (over, hidden) = (&over, &hidden);
        let hiding = scope.spawn(move || {
            hide(&mut other, above, || {
                hidden.fetch_add(1, Ordering::Relaxed);
                !over.load(Ordering::Relaxed)
            });
        });
        let _over = Over(over);
        let mut files = host.session();
        let mut attempts = 0;
        while attempts < ATTEMPTS || hidden.load(Ordering::Relaxed) < ATTEMPTS {
            assert!(!hiding.is_finished(), "the other has failed");
            assert_eq!(run(&mut files, "mv work/c/d work/d"), "Notcapable");
            attempts += 1;
        }
    });
    let work = host.root.path().join("work");
    assert!(work.join("c/d").is_dir() && !work.join("d").exists());
}

#[test]
fn a_session_of_another_sandbox_cannot_hide_a_link_from_a_move() {
    let host = host_with_a_hidden_link();
    let other = session_of_another_sandbox(&host.root.path().join("work"));
    race(&host, other, "work/c/d");
}

#[test]
fn a_sandbox_that_was_granted_a_part_of_the_grant_cannot_hide_a_link_from_a_move() {
    let host = host_with_a_hidden_link();
    let other = session_of_another_sandbox(&host.root.path().join("work/c"));
    race(&host, other, "work/d");
}

/// The other process of the test below, which runs this test alone.
#[test]
fn hide_as_another_process() {
    let Some(folder) = std::env::var_os(RACER) else {
        return;
    };
    let folder = Path::new(&folder);
    let mut files = session_of_another_sandbox(&folder.join("work"));
    let mut moves = 0;
    hide(&mut files, "work/c/d", || {
        if moves == 1 {
            File::create(folder.join("started")).unwrap();
        }
        moves += 1;
        moves % 100 != 0 || !folder.join("stop").exists()
    });
}

#[test]
fn a_session_of_another_process_cannot_hide_a_link_from_a_move() {
    let host = host_with_a_hidden_link();
    let folder = host.root.path();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hide_as_another_process"])
        .env(RACER, folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !folder.join("started").exists() {
        assert!(other.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut files = host.session();
    let answers: Vec<String> = (0..ATTEMPTS)
        .map(|_| run(&mut files, "mv work/c/d work/d"))
        .collect();
    assert!(other.try_wait().unwrap().is_none(), "it went on");
    File::create(folder.join("stop")).unwrap();
    assert!(other.wait().unwrap().success());
    assert!(answers.iter().all(|answer| answer == "Notcapable"));
    assert!(folder.join("work/c/d").is_dir() && !folder.join("work/d").exists());
}

/// The host swaps the directory that is moved for one with a link that leads out.
#[test]
fn what_a_host_puts_in_the_place_of_a_moved_directory_is_moved_back() {
    let host = Host::new();
    let work = host.root.path().join("work");
    for name in ["c/d", "c/e"] {
        std::fs::create_dir_all(work.join(name)).unwrap();
    }
    symlink("../../outside/secret", work.join("c/e/l")).unwrap();
    let over = AtomicBool::new(false);
    let (mut moved, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        let (one, other) = (work.join("c/d"), work.join("c/e"));
        let over = &over;
        let _over = Over(over);
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                // One of them is away now and then.
                let _ = renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE);
            }
        });
        let mut files = host.session();
        for _ in 0..20 * ATTEMPTS {
            match run(&mut files, "mv work/c/d work/d").as_str() {
                "ok" => {
                    moved += 1;
                    assert!(!work.join("d/l").is_symlink(), "the link has been moved");
                    std::fs::rename(work.join("d"), work.join("c/d")).unwrap();
                }
                "Notcapable" => {
                    refused += 1;
                    assert!(!work.join("d").exists());
                }
                other => panic!("{other}"),
            }
        }
    });
    assert!(moved > 0 && refused > 0, "{moved} moved, {refused} refused");
}

#[test]
fn a_move_that_waits_for_others_heeds_the_interrupt() {
    let host = Host::new();
    let work = host.root.path().join("work");
    let mut files = host.session();
    check(
        &mut files,
        &[("mkdir work/a", "ok"), ("write work/f inside", "ok")],
    );
    let calls = ["mv work/f work/a/f", "ln work/f work/g", "symlink f work/l"];
    // The grant itself, and a directory above it.
    for locked in [&*work, host.root.path()] {
        let other = File::open(locked).unwrap();
        other.lock().unwrap();
        for call in calls {
            let asked = Arc::new(AtomicU32::new(0));
            let counter = Arc::clone(&asked);
            files.set_interrupt(Interrupt::new(move || {
                counter.fetch_add(1, Ordering::Relaxed) == 3
            }));
            assert_eq!(run(&mut files, call), "Intr", "{call}");
            assert_eq!(asked.load(Ordering::Relaxed), 4, "{call}");
        }
        files.set_interrupt(Interrupt::default());
        assert_eq!(run(&mut files, "ls work"), "a f");
        other.unlock().unwrap();
    }
    // Locks below the grant and beside it are of no concern.
    let [_beside, _below] = [host.root.path().join("data"), work.join("a")].map(|folder| {
        let folder = File::open(folder).unwrap();
        folder.lock().unwrap();
        folder
    });
    for call in calls.iter().rev() {
        assert_eq!(run(&mut files, call), "ok", "{call}");
    }
}
