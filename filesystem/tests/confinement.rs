//! Links in a grant never lead a program of the host out of it, whatever a guest
//! makes, moves, multiplies and replaces.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::{Host, READ, check, open, run};
use memex_filesystem::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// What a program of the host reads through a path in the grant.
fn host_reads(host: &Host, path: &str) -> Option<String> {
    std::fs::read_to_string(host.root.path().join("work").join(path)).ok()
}

/// A secret under every name that a link which climbs one or two directories too
/// far would find.
fn host_with_secrets() -> Host {
    let host = Host::new();
    for name in ["secret", "f", "in/f", "d/f"] {
        let path = host.root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "secret").unwrap();
    }
    host
}

#[test]
fn a_guest_makes_only_links_that_lead_down() {
    let host = host_with_secrets();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("mkdir work/c", "ok"),
            ("mkdir work/c/d", "ok"),
            ("write work/c/f inside", "ok"),
            ("symlink f work/c/l", "ok"),
            ("symlink ./f work/c/dot", "ok"),
            ("symlink c/f work/m", "ok"),
            ("read work/c/l", "inside"),
            ("read work/m", "inside"),
        ],
    );
    for target in [
        "../f",
        "../../secret",
        "..",
        ".",
        "./",
        "./.",
        "d/..",
        "d/../f",
        "./../f",
        "/f",
        "//f",
        "/work/c/f",
        "/etc/passwd",
    ] {
        for path in ["work/c/x", "work/c/d/x", "work/x"] {
            let command = format!("symlink {target} {path}");
            assert_eq!(run(&mut files, &command), "Notcapable", "{command}");
        }
    }
    assert_eq!(run(&mut files, "ls work/c"), "d dot f l");
    // In scratch nobody of the host reads.
    assert_eq!(run(&mut files, "symlink ../../etc tmp/x"), "ok");
    assert_eq!(host_reads(&host, "m").as_deref(), Some("inside"));
}

#[test]
fn a_link_made_deep_and_moved_up_leads_where_it_led() {
    let host = host_with_secrets();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("mkdir work/c", "ok"),
            ("mkdir work/c/d", "ok"),
            ("write work/c/d/f inside", "ok"),
            ("symlink ../../secret work/c/d/l", "Notcapable"),
            ("symlink f work/c/d/l", "ok"),
            ("mv work/c/d work/d", "ok"),
            ("mv work/d/l work/d/m", "ok"),
            ("read work/d/m", "inside"),
            ("ln work/d/m work/n", "ok"),
            ("write work/f top", "ok"),
            ("read work/n", "top"),
        ],
    );
    assert_eq!(host_reads(&host, "d/m").as_deref(), Some("inside"));
    assert_eq!(host_reads(&host, "n").as_deref(), Some("top"));
}

#[test]
fn links_of_the_host_are_neither_moved_nor_multiplied() {
    let host = host_with_secrets();
    let work = host.root.path().join("work");
    std::fs::create_dir_all(work.join("c/d/e")).unwrap();
    std::fs::write(work.join("f"), "inside").unwrap();
    let links = [
        ("c/d/two", "../../f"),
        ("c/d/e/one", "../two"),
        ("c/wind", "d/../../f"),
        ("c/absolute", "/etc/hostname"),
        ("c/self", "."),
    ];
    for (link, target) in links {
        symlink(target, work.join(link)).unwrap();
    }
    symlink("f", work.join("down")).unwrap();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("read work/c/d/two", "inside"),
            ("read work/c/d/e/one", "inside"),
            ("mkdir work/to", "ok"),
        ],
    );
    for (link, target) in links {
        for command in [
            format!("mv work/{link} work/to/l"),
            format!("ln work/{link} work/to/l"),
            format!("mv work/{link} work/{link}2"),
        ] {
            assert_eq!(run(&mut files, &command), "Notcapable", "{command}");
        }
        assert_eq!(
            std::fs::read_link(work.join(link)).unwrap(),
            Path::new(target)
        );
    }
    check(
        &mut files,
        &[
            // The same calls on a link that leads down, and removing any link.
            ("ln work/down work/to/l", "ok"),
            ("mv work/down work/to/m", "ok"),
            ("rm work/c/absolute", "ok"),
            ("rm work/c/wind", "ok"),
            ("rm work/c/self", "ok"),
            // A directory keeps its depth in its parent, and not elsewhere.
            ("mv work/c/d work/c/renamed", "ok"),
            ("read work/c/renamed/two", "inside"),
            ("mv work/c/renamed work/to/d", "Notcapable"),
            ("mv work/c/renamed work/d", "Notcapable"),
            ("mv work/c work/to/c", "Notcapable"),
            // What leads out of the directory that holds it only.
            ("mv work/c/renamed/e work/to/e", "Notcapable"),
            ("rm work/c/renamed/two", "ok"),
            ("mv work/c/renamed work/to/d", "ok"),
            ("lstat work/to/d/e/one", "SymbolicLink"),
        ],
    );
    assert_eq!(host_reads(&host, "to/d/e/one"), None);
}

#[test]
fn a_guest_gives_no_other_name_to_a_link_that_leads_out() {
    let host = host_with_secrets();
    let work = host.root.path().join("work");
    std::fs::create_dir_all(work.join("c/d")).unwrap();
    std::fs::write(work.join("f"), "inside").unwrap();
    symlink("../secret", work.join("out")).unwrap();
    symlink("/etc", work.join("c/etc")).unwrap();
    symlink("../f", work.join("c/in")).unwrap();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("symlink out work/l", "Notcapable"),
            ("symlink c/etc/hostname work/l", "Notcapable"),
            ("symlink etc work/c/l", "Notcapable"),
            ("symlink c/in work/l", "ok"),
            ("read work/l", "inside"),
            ("symlink in work/c/l", "ok"),
            ("read work/c/l", "inside"),
        ],
    );
    assert_eq!(host_reads(&host, "l").as_deref(), Some("inside"));
    // Targets of every length that a system takes.
    std::fs::create_dir(work.join("bin")).unwrap();
    std::fs::write(work.join("bin/f"), "inside").unwrap();
    symlink("../../secret", work.join("bin/py")).unwrap();
    for dots in [1, 2_000, 2_042, 2_043, 2_044, 2_045] {
        let target = format!("{}py", "./".repeat(dots));
        check(
            &mut files,
            &[(&format!("symlink {target} work/bin/c"), "Notcapable")],
        );
        assert_eq!(host_reads(&host, "bin/c"), None, "{dots}");
        let target = format!("{}f", "./".repeat(dots));
        let call = format!("symlink {target} work/bin/f{dots}");
        check(&mut files, &[(&call, "ok")]);
        let read = host_reads(&host, &format!("bin/f{dots}"));
        assert_eq!(read.as_deref(), Some("inside"), "{dots}");
    }
}

#[test]
fn a_directory_whose_links_stay_in_it_is_moved_anywhere() {
    let host = host_with_secrets();
    let work = host.root.path().join("work");
    std::fs::create_dir_all(work.join("a/pkg/bin")).unwrap();
    std::fs::create_dir_all(work.join("b")).unwrap();
    std::fs::write(work.join("a/pkg/tool"), "tool").unwrap();
    symlink("../tool", work.join("a/pkg/bin/tool")).unwrap();
    symlink("bin/tool", work.join("a/pkg/run")).unwrap();
    let mut files = host.session();
    check(
        &mut files,
        &[
            ("mv work/a/pkg work/b/pkg", "ok"),
            ("read work/b/pkg/bin/tool", "tool"),
            ("mv work/b/pkg work/pkg", "ok"),
            ("read work/pkg/run", "tool"),
            // Over an empty directory, and not over a full one or into itself.
            ("mv work/pkg work/a", "ok"),
            ("read work/a/run", "tool"),
            ("mkdir work/b/full", "ok"),
            ("mv work/a work/b", "Notempty"),
            ("mv work/a work/a/bin/a", "Inval"),
            ("mv work/a/tool/ work/b/x", "Notdir"),
            ("mv work/none work/b/x", "Noent"),
        ],
    );
    assert_eq!(host_reads(&host, "a/bin/tool").as_deref(), Some("tool"));
}

/// One guest renames a directory with a link of the host back and forth, so that
/// it is missed while another looks for it; both belong to one namespace.
#[test]
fn a_directory_is_looked_through_while_no_other_guest_moves_names() {
    let host = host_with_secrets();
    let work = host.root.path().join("work");
    std::fs::create_dir_all(work.join("c/d/hidden0")).unwrap();
    for n in 0..200 {
        std::fs::write(work.join(format!("c/d/file{n}")), "").unwrap();
    }
    symlink("../../../f", work.join("c/d/hidden0/l")).unwrap();
    let tries = AtomicU32::new(0);
    std::thread::scope(|scope| {
        let mut other = host.session();
        let tries = &tries;
        scope.spawn(move || {
            let mut at = 0;
            while tries.load(Ordering::Relaxed) < 300 {
                let next = (at + 1) % 7;
                let command = format!("mv work/c/d/hidden{at} work/c/d/hidden{next}");
                assert_eq!(run(&mut other, &command), "ok");
                at = next;
            }
        });
        let mut files = host.session();
        while tries.fetch_add(1, Ordering::Relaxed) < 300 {
            assert_eq!(run(&mut files, "mv work/c/d work/d"), "Notcapable");
        }
    });
    assert!(work.join("c/d").is_dir() && !work.join("d").exists());
}

#[test]
fn looking_through_a_directory_heeds_the_interrupt() {
    let host = host_with_secrets();
    let work = host.root.path().join("work");
    std::fs::create_dir_all(work.join("many/below")).unwrap();
    for n in 0..2000 {
        std::fs::write(work.join(format!("many/{n}")), "").unwrap();
    }
    let mut files = host.session();
    let asked = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&asked);
    files.set_interrupt(Interrupt::new(move || {
        counter.fetch_add(1, Ordering::Relaxed) == 0
    }));
    check(
        &mut files,
        &[
            ("mkdir work/to", "ok"),
            ("mv work/many work/to/many", "Intr"),
            ("mv work/many work/to/many", "ok"),
        ],
    );
    assert!(asked.load(Ordering::Relaxed) >= 2);
}

#[test]
fn a_listing_from_far_behind_the_end_heeds_the_interrupt() {
    let host = host_with_secrets();
    for n in 0..3000 {
        std::fs::write(host.root.path().join(format!("data/{n}")), "").unwrap();
    }
    let mut files = host.session();
    for cookie in [u64::MAX, u64::MAX - 5, 1 << 40, 2999] {
        let dir = open(&mut files, "data", OFLAG_DIRECTORY, READ, 0).unwrap();
        files.set_interrupt(Interrupt::new(|| true));
        assert_eq!(
            files.fd_readdir(dir, cookie, 7),
            Err(Errno::Intr),
            "{cookie}"
        );
        files.set_interrupt(Interrupt::default());
        let listed = files.fd_readdir(dir, cookie, 7).unwrap();
        assert_eq!(listed.len(), if cookie == 2999 { 4 } else { 0 }, "{cookie}");
    }
    // A listing that was given up goes on and misses nothing.
    let dir = open(&mut files, "data", OFLAG_DIRECTORY, READ, 0).unwrap();
    files.set_interrupt(Interrupt::new(|| true));
    assert_eq!(files.fd_readdir(dir, 0, 4000), Err(Errno::Intr));
    files.set_interrupt(Interrupt::default());
    assert_eq!(files.fd_readdir(dir, 0, 4000).unwrap().len(), 3003);
}

#[test]
fn a_listing_that_starts_over_shows_what_is_there_now() {
    let host = Host::new();
    let mut files = host.session();
    check(
        &mut files,
        &[("write work/f 1", "ok"), ("write work/g 1", "ok")],
    );
    let dir = open(&mut files, "work", OFLAG_DIRECTORY, READ, 0).unwrap();
    let listed = |files: &mut FileSystem| -> Vec<String> {
        let mut names: Vec<String> = files
            .fd_readdir(dir, 0, 99)
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        names.sort();
        names
    };
    assert_eq!(listed(&mut files), [".", "..", "f", "g"]);
    check(&mut files, &[("rm work/f", "ok"), ("mkdir work/h", "ok")]);
    assert_eq!(listed(&mut files), [".", "..", "g", "h"]);
}

/// Names that guests and hosts use in the property below.
const NAMES: [&str; 4] = ["a", "b", "f", "x"];

fn path() -> impl Strategy<Value = String> {
    vec(prop::sample::select(&NAMES[..]), 1..4).prop_map(|names| names.join("/"))
}

/// Down, up, both, absolute: what a guest may try.
fn target() -> impl Strategy<Value = String> {
    vec(
        prop::sample::select(&["a", "b", "f", "x", "..", "."][..]),
        1..4,
    )
    .prop_map(|names| names.join("/"))
}

/// Links that lead from a directory so deep to something in the grant.
fn host_target(depth: usize) -> impl Strategy<Value = String> {
    (0..=depth, vec(prop::sample::select(&NAMES[..]), 1..3))
        .prop_map(|(ups, names)| format!("{}{}", "../".repeat(ups), names.join("/")))
}

fn host_link() -> impl Strategy<Value = (String, String)> {
    path().prop_flat_map(|path| {
        let depth = path.matches('/').count();
        (Just(path), host_target(depth))
    })
}

fn call() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => path().prop_map(|path| format!("mkdir work/{path}")),
        1 => path().prop_map(|path| format!("write work/{path} inside")),
        3 => (target(), path()).prop_map(|(target, path)| format!("symlink {target} work/{path}")),
        4 => (path(), path()).prop_map(|(from, to)| format!("mv work/{from} work/{to}")),
        2 => (path(), path()).prop_map(|(from, to)| format!("ln work/{from} work/{to}")),
        1 => path().prop_map(|path| format!("rm work/{path}")),
        1 => path().prop_map(|path| format!("rmdir work/{path}")),
    ]
}

/// Every link below a directory, without following any.
fn links(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                pending.push(entry.path());
            } else if kind.is_symlink() {
                found.push(entry.path());
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_sequence_of_calls_leaves_a_link_that_leads_out(
        host_links in vec(host_link(), 0..4),
        calls in vec(call(), 1..40),
    ) {
        let host = Host::new();
        let work = host.root.path().join("work").canonicalize().unwrap();
        // So that a link which leads out finds something.
        for name in NAMES {
            std::fs::create_dir_all(host.root.path().join(name).join("a/b")).unwrap();
        }
        for (path, target) in host_links {
            let link = work.join(path);
            let parent = link.parent().unwrap();
            std::fs::create_dir_all(parent).ok();
            // Behind another link it would stand less deep than its path says.
            if parent.canonicalize().is_ok_and(|real| real == parent) {
                symlink(target, link).ok();
            }
        }
        let mut files = host.session();
        for call in &calls {
            run(&mut files, call);
            for link in links(&work) {
                let leads_to = link.canonicalize();
                prop_assert!(
                    leads_to.as_ref().map_or(true, |to| to.starts_with(&work)),
                    "after {call}: {link:?} leads to {leads_to:?}"
                );
            }
        }
    }
}
