//! No path, link or name leads out of a grant.

use super::Host;
use memex_tests::{Text, check_turns, nothing, prints, raises, run, value, value_of};
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

/// Every path that leads out, and every call that takes a path.
#[test]
fn paths_do_not_lead_out() {
    let host = Host::new();
    let outside = host.path("outside");
    let outside = outside.to_str().unwrap();
    for grant in ["read", "write"] {
        symlink("../outside", host.path(&format!("{grant}/up"))).unwrap();
        symlink(outside, host.path(&format!("{grant}/absolute"))).unwrap();
        symlink("../outside/secret.txt", host.path(&format!("{grant}/file"))).unwrap();
        symlink("/proc/self/root", host.path(&format!("{grant}/root"))).unwrap();
        symlink("/proc/self/cwd", host.path(&format!("{grant}/cwd"))).unwrap();
        symlink("sub/../../outside", host.path(&format!("{grant}/winding"))).unwrap();
        symlink("loop", host.path(&format!("{grant}/loop"))).unwrap();
        symlink("sub", host.path(&format!("{grant}/good"))).unwrap();
    }
    host.write("write/sub/deep.txt", "deep");
    let mut session = host.session();
    run(&mut session, &format!("import os\nOUT = {outside:?}"));
    let targets = [
        "/data/../outside/secret.txt",
        "/work/../outside/secret.txt",
        "/work/../../outside/secret.txt",
        "/work/up/secret.txt",
        "/work/absolute/secret.txt",
        "/work/file",
        "/work/winding/secret.txt",
        "/data/up/secret.txt",
        "/data/file",
        "/data/absolute/secret.txt",
        "/work/sub/../up/secret.txt",
        "/work//up//secret.txt",
        "/work/./up/./secret.txt",
        "/work/loop",
        "/work/loop/x",
        "/proc/self/environ",
        "/etc/passwd",
        "/etc/hostname",
        "/root/.bashrc",
        "/dev/null",
        "/dev/mem",
        "/sys/kernel",
        "/work/root/etc/passwd",
        "/work/cwd/Cargo.toml",
        "//etc/passwd",
        "/../../../../etc/passwd",
        "/data/../../../../../../etc/passwd",
        "/tmp/../etc/passwd",
        "/proc/1/root/etc/passwd",
        "../../../../etc/passwd",
        "/work/\\u002e\\u002e/outside/secret.txt",
        "/WORK/kept.txt",
    ];
    let calls = [
        "open(T).read()",
        "open(T, 'w')",
        "open(T, 'a')",
        "open(T, 'x')",
        "os.open(T, os.O_RDONLY)",
        "os.open(T, os.O_RDWR | os.O_CREAT)",
        "os.remove(T)",
        "os.truncate(T, 0)",
        "os.rename(T, '/work/stolen')",
        "os.link(T, '/work/stolen')",
        "os.rename('/work/kept.txt', T + '/x')",
        "os.link('/work/kept.txt', T + '/x')",
        "os.mkdir(T + '/x')",
        "os.utime(T, (1, 1))",
        "os.listdir(T)",
        "os.scandir(T)",
        "os.chdir(T)",
    ];
    run(
        &mut session,
        &format!("targets = {targets:?} + [OUT + '/secret.txt']\ncalls = {calls:?}"),
    );
    // A link that the host put into a grant may be moved and removed there;
    // what it points to may not be reached.
    // The control: the same calls on what is granted, where they make sense.
    assert_eq!(
        value_of(
            &mut session,
            "T = '/work/good/deep.txt'\nopen(T).read(), open('/data/good/deep.txt').read(), os.open(T, os.O_RDONLY) > 0, os.listdir('/work/good')"
        ),
        "('deep', 'deep', True, ['deep.txt'])"
    );
    let attack = "ways, tried = [], 0\nfor T in targets:\n    for call in calls:\n        tried += 1\n        if os.path.islink(T) and call.startswith(('os.remove', 'os.rename(T', 'os.link(T')): continue\n        try:\n            eval(call)\n            ways.append((T, call))\n        except OSError: pass\ntried";
    assert_eq!(
        value_of(&mut session, attack),
        ((targets.len() + 1) * calls.len()).to_string()
    );
    assert_eq!(value_of(&mut session, "ways"), "[]");
    // The classes, exactly: what is named leads out, or is not there.
    check_turns(
        &mut session,
        &[
            (
                "open('/work/up/secret.txt')",
                raises("PermissionError", &["[Errno 76] Capabilities insufficient"]),
            ),
            (
                "open('/work/file')",
                raises("PermissionError", &["[Errno 76] Capabilities insufficient"]),
            ),
            (
                "open('/work/../outside/secret.txt')",
                raises("FileNotFoundError", &["outside"]),
            ),
            (
                "open('/etc/passwd')",
                raises("FileNotFoundError", &["/etc/passwd"]),
            ),
            ("open('/work/loop')", raises("OSError", &[])),
        ],
    );
    assert_eq!(host.read("write/kept.txt"), "kept");
    assert!(!host.path("write/stolen").exists());
    host.outside_is_untouched();
}

#[test]
fn links_that_lead_out_are_not_made() {
    let host = Host::new();
    let outside = host.path("outside/secret.txt");
    let mut session = host.session();
    run(&mut session, "import os");
    check_turns(
        &mut session,
        &[
            (
                "os.symlink('kept.txt', '/work/inside')\nopen('/work/inside').read()",
                value("'kept'"),
            ),
            (
                "os.symlink('../outside/secret.txt', '/work/l')",
                raises("PermissionError", &["Capabilities insufficient"]),
            ),
            (
                "os.symlink('/etc/passwd', '/work/l')",
                raises("PermissionError", &["Capabilities insufficient"]),
            ),
            (
                "os.symlink('sub/../../outside', '/work/l')",
                raises("PermissionError", &["Capabilities insufficient"]),
            ),
            (
                "os.makedirs('/work/c/d')\nos.symlink('../../outside', '/work/c/d/l')",
                raises("PermissionError", &["Capabilities insufficient"]),
            ),
            (
                "os.symlink('here', '/work/c/d/l')\nos.rename('/work/c/d', '/work/d')\nos.readlink('/work/d/l')",
                value("'here'"),
            ),
            // In scratch a link may say anything; it leads nowhere.
            (
                "os.symlink('/etc/passwd', '/tmp/l')\nopen('/tmp/l')",
                raises("FileNotFoundError", &["/tmp/l"]),
            ),
            (
                "os.symlink('/work/kept.txt', '/tmp/k')\nopen('/tmp/k').read()",
                value("'kept'"),
            ),
            (
                "os.link('/data/data.csv', '/work/l')",
                raises("OSError", &[]),
            ),
            (
                "os.link('/work/kept.txt', '/tmp/hard')",
                raises("OSError", &[]),
            ),
        ],
    );
    let outcome = run(
        &mut session,
        &format!("os.symlink({:?}, '/work/l')", outside.to_str().unwrap()),
    );
    assert_eq!(outcome.error.unwrap().class, "PermissionError");
    assert!(std::fs::symlink_metadata(host.path("write/l")).is_err());
    host.outside_is_untouched();
}

/// A hard link that the host made inside a grant is the host's decision.
#[test]
fn hard_links_of_the_host_are_what_it_granted() {
    let host = Host::new();
    host.write("write/shared.txt", "shared");
    std::fs::hard_link(host.path("write/shared.txt"), host.path("read/shared.txt")).unwrap();
    check_turns(
        &mut host.session(),
        &[
            ("open('/data/shared.txt').read()", value("'shared'")),
            (
                "open('/data/shared.txt', 'w')",
                raises("OSError", &["Read-only file system"]),
            ),
        ],
    );
}

/// The host swaps a directory for a link while the guest walks through it.
#[test]
fn renames_under_way_do_not_lead_out() {
    let host = Host::new();
    host.write("write/sub/name.txt", "INSIDE");
    host.write("outside/secret.txt", "SECRET");
    std::fs::create_dir(host.path("write/spare")).unwrap();
    std::fs::hard_link(
        host.path("outside/secret.txt"),
        host.path("outside/name.txt"),
    )
    .unwrap();
    symlink("../outside", host.path("write/trap")).unwrap();
    let mut session = host.session();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (sub, away, trap) = (
                host.path("write/sub"),
                host.path("write/away"),
                host.path("write/trap"),
            );
            while !stop.load(Ordering::Relaxed) {
                let _ = std::fs::rename(&sub, &away);
                let _ = std::fs::rename(&trap, &sub);
                let _ = std::fs::rename(&sub, &trap);
                let _ = std::fs::rename(&away, &sub);
            }
        });
        let outcome = session.run("import os, collections\nseen = collections.Counter()\nfor i in range(20000):\n    try: seen[open('/work/sub/name.txt').read()] += 1\n    except OSError as e: seen[type(e).__name__] += 1\n    try: open('/work/sub/made.txt', 'w').close()\n    except OSError: pass\nsorted(seen)");
        stop.store(true, Ordering::Relaxed);
        let seen = outcome.unwrap().value.unwrap();
        assert!(seen.contains("INSIDE"), "the control: {seen}");
        assert!(seen.contains("Error"), "the race never happened: {seen}");
        assert!(!seen.contains("SECRET"), "{seen}");
    });
    assert!(!host.path("outside/made.txt").exists());
}

/// The directory was opened when the sandbox was made; its name is nothing.
#[test]
fn a_grant_is_a_handle_and_no_path() {
    let host = Host::new();
    let mut session = host.session();
    std::fs::rename(host.path("read"), host.path("moved")).unwrap();
    std::fs::create_dir(host.path("read")).unwrap();
    host.write("read/data.csv", "impostor");
    check_turns(
        &mut session,
        &[("open('/data/data.csv').read(3)", value("'a,b'"))],
    );
    std::fs::remove_dir_all(host.path("moved")).unwrap();
    check_turns(
        &mut session,
        &[
            (
                "open('/data/data.csv')",
                raises("FileNotFoundError", &["/data/data.csv"]),
            ),
            (
                "import os\nos.listdir('/data')",
                nothing().with_value(Text::Any),
            ),
            ("print('lives')", prints("lives\n")),
        ],
    );
}
