//! Granted directories and scratch: what they permit, and every way out of
//! them, each beside the same call where it is permitted.

use memex_policies::{Access, Policy};
use memex_runtime::{Sandbox, Session};
use memex_tests::{
    Text, check_turns, each, nothing, prints, raises, run, sandbox, session, session_of,
    still_works, value, value_of,
};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A directory of the host: `read` and `write` to be granted, `outside` not.
struct Host {
    root: TempDir,
}

impl Host {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["read/sub", "write/sub", "outside"] {
            std::fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        let host = Self { root };
        host.write("read/data.csv", "a,b\n1,2\n3,4\n");
        host.write("read/sub/deep.txt", "deep");
        host.write("write/kept.txt", "kept");
        host.write("outside/secret.txt", "SECRET");
        host
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn sandbox(&self, change: impl FnOnce(&mut Policy)) -> Sandbox {
        sandbox(|policy| {
            policy
                .grant_directory(self.path("read"), "/data", Access::ReadOnly)
                .unwrap();
            policy
                .grant_directory(self.path("write"), "/work", Access::ReadWrite)
                .unwrap();
            change(policy);
        })
    }

    fn session(&self) -> Session {
        session_of(&self.sandbox(|_| {}))
    }

    fn outside_is_untouched(&self) {
        let names: Vec<_> = std::fs::read_dir(self.path("outside"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["secret.txt"]);
        assert_eq!(self.read("outside/secret.txt"), "SECRET");
    }
}

#[test]
fn a_read_only_grant() {
    let host = Host::new();
    check_turns(
        &mut host.session(),
        &[
            (
                "import os\nsorted(os.listdir('/data'))",
                value("['data.csv', 'sub']"),
            ),
            (
                "open('/data/data.csv').read()",
                value("'a,b\\n1,2\\n3,4\\n'"),
            ),
            (
                "import pandas as pd\npd.read_csv('/data/data.csv').b.sum()",
                value("np.int64(6)"),
            ),
            (
                "import pathlib\n[str(p) for p in sorted(pathlib.Path('/data').rglob('*'))]",
                value("['/data/data.csv', '/data/sub', '/data/sub/deep.txt']"),
            ),
            (
                "os.path.getsize('/data/data.csv'), os.path.isdir('/data/sub'), os.path.exists('/data/none')",
                value("(12, True, False)"),
            ),
            (
                "os.chdir('/data/sub')\nopen('deep.txt').read(), open('../data.csv').read(3)",
                value("('deep', 'a,b')"),
            ),
            (
                "open('/data/none')",
                raises("FileNotFoundError", &["/data/none"]),
            ),
            (
                "open('/data/new', 'w')",
                raises("OSError", &["Read-only file system"]),
            ),
            (
                "open('/data/data.csv', 'r+')",
                raises("OSError", &["Read-only file system"]),
            ),
            (
                "open('/data/data.csv', 'a')",
                raises("OSError", &["Read-only file system"]),
            ),
            (
                "os.remove('/data/data.csv')",
                raises("OSError", &["Read-only file system"]),
            ),
            (
                "os.rename('/data/data.csv', '/data/other')",
                raises("OSError", &["Read-only file system"]),
            ),
            (
                "os.rename('/data/data.csv', '/work/other')",
                raises("OSError", &[]),
            ),
            (
                "os.mkdir('/data/dir')",
                raises("OSError", &["Read-only file system"]),
            ),
            (
                "os.rmdir('/data/sub')",
                raises("OSError", &["Read-only file system"]),
            ),
            (
                "os.symlink('data.csv', '/data/link')",
                raises("OSError", &["Read-only file system"]),
            ),
            (
                "os.utime('/data/data.csv', (1, 1))",
                raises("OSError", &["Read-only file system"]),
            ),
            ("os.truncate('/data/data.csv', 0)", raises("OSError", &[])),
            (
                "os.link('/data/data.csv', '/work/link')",
                raises("OSError", &[]),
            ),
        ],
    );
    assert_eq!(host.read("read/data.csv"), "a,b\n1,2\n3,4\n");
    host.outside_is_untouched();
}

#[test]
fn a_read_write_grant() {
    let host = Host::new();
    check_turns(
        &mut host.session(),
        &[
            (
                "import os\nopen('/work/new.txt', 'w').write('new')",
                value("3"),
            ),
            (
                "with open('/work/new.txt', 'a') as f: f.write('er')\nopen('/work/new.txt').read()",
                value("'newer'"),
            ),
            (
                "os.rename('/work/new.txt', '/work/sub/moved.txt')",
                nothing(),
            ),
            (
                "os.mkdir('/work/made')\nos.rmdir('/work/sub') if False else None",
                nothing(),
            ),
            (
                "os.symlink('kept.txt', '/work/link')\nopen('/work/link').read()",
                value("'kept'"),
            ),
            (
                "os.link('/work/kept.txt', '/work/hard')\nopen('/work/hard').read()",
                value("'kept'"),
            ),
            (
                "os.utime('/work/kept.txt', (1000, 1000))\nos.stat('/work/kept.txt').st_mtime",
                value("1000.0"),
            ),
            ("os.truncate('/work/kept.txt', 2)", nothing()),
            (
                "import shutil\nshutil.copy('/data/data.csv', '/work/copy.csv')",
                value("'/work/copy.csv'"),
            ),
            (
                "shutil.copytree('/data', '/work/tree')\nsorted(os.listdir('/work/tree'))",
                value("['data.csv', 'sub']"),
            ),
            (
                "shutil.rmtree('/work/tree')\nos.path.exists('/work/tree')",
                value("False"),
            ),
            (
                "import pandas as pd\npd.DataFrame({'a': [1]}).to_csv('/work/out.csv', index=False)",
                nothing(),
            ),
            (
                "import sqlite3\nc = sqlite3.connect('/work/d.db')\nc.execute('create table t (a)')\nc.execute('insert into t values (5)')\nc.commit()\nc.execute('select * from t').fetchall()",
                value("[(5,)]"),
            ),
        ],
    );
    assert_eq!(host.read("write/sub/moved.txt"), "newer");
    assert_eq!(host.read("write/out.csv"), "a\n1\n");
    assert_eq!(host.read("write/kept.txt"), "ke");
    assert!(host.path("write/made").is_dir());
    host.outside_is_untouched();
}

#[test]
fn scratch_is_private_and_held_in_memory() {
    let before = std::fs::read_dir("/tmp").unwrap().count();
    let mut session = session();
    check_turns(
        &mut session,
        &[
            (
                "import os, tempfile\nos.listdir('/')",
                nothing().with_value(Text::Has(&["tmp"])),
            ),
            (
                "open('/tmp/mine', 'w').write('x'), open('/home/user/mine', 'w').write('y'), open('rel', 'w').write('z')",
                value("(1, 1, 1)"),
            ),
            ("sorted(os.listdir('/home/user'))", value("['mine', 'rel']")),
            (
                "with tempfile.TemporaryDirectory() as d: open(d + '/f', 'w').close()\nos.path.exists(d)",
                value("False"),
            ),
            (
                "with tempfile.NamedTemporaryFile() as f: f.write(b'x')",
                nothing(),
            ),
            (
                "os.symlink('/home/user/mine', '/tmp/link')\nopen('/tmp/link').read()",
                value("'y'"),
            ),
            (
                "os.rename('/tmp/mine', '/home/user/moved')",
                raises("OSError", &["Cross-device link"]),
            ),
            (
                "import shutil\nshutil.move('/tmp/mine', '/home/user/moved')",
                value("'/home/user/moved'"),
            ),
            ("open('/other', 'w')", raises("OSError", &[])),
            ("open('/usr/local/lib/x', 'w')", raises("OSError", &[])),
            (
                "os.remove('/usr/local/lib/python315.zip')",
                raises("OSError", &[]),
            ),
        ],
    );
    check_turns(
        &mut memex_tests::session(),
        &[(
            "import os\nos.listdir('/tmp'), os.listdir('/home/user')",
            nothing().with_value(Text::Has(&["(["])),
        )],
    );
    assert_eq!(
        value_of(
            &mut memex_tests::session(),
            "import os\nos.path.exists('/tmp/link'), os.path.exists('/home/user/moved')"
        ),
        "(False, False)"
    );
    assert!(!Path::new("/tmp/link").exists() || before > 0);
    let without = sandbox(|policy| policy.set_scratch(false).unwrap());
    check_turns(
        &mut session_of(&without),
        &[
            (
                "open('/tmp/x', 'w')",
                raises("FileNotFoundError", &["/tmp/x"]),
            ),
            (
                "open('/home/user/x', 'w')",
                raises("FileNotFoundError", &["/home/user/x"]),
            ),
            ("1 + 1", value("2")),
        ],
    );
}

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

#[test]
fn special_files_are_refused() {
    let host = Host::new();
    let fifo = host.path("write/fifo");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let _socket = std::os::unix::net::UnixListener::bind(host.path("write/socket")).unwrap();
    let mut session = host.session();
    each(
        [
            "open('/work/fifo').read()",
            "open('/work/fifo', 'w')",
            "open('/work/socket').read()",
        ],
        |code| {
            let begun = std::time::Instant::now();
            let outcome = run(&mut session, code);
            assert_eq!(outcome.error.unwrap().class, "PermissionError");
            assert!(begun.elapsed().as_secs() < 5, "it hung");
        },
    );
    still_works(&mut session);
}

#[test]
fn quotas_cover_grants_and_scratch_together() {
    let host = Host::new();
    let sandbox = host.sandbox(|policy| {
        policy.set_limit("file_bytes", 1_000).unwrap();
        policy.set_limit("files", 6).unwrap();
    });
    let mut session = session_of(&sandbox);
    check_turns(
        &mut session,
        &[
            (
                "with open('/work/a', 'wb', 0) as f: f.write(b'x' * 600)",
                nothing(),
            ),
            (
                "with open('/tmp/b', 'wb', 0) as f: f.write(b'x' * 400)",
                nothing(),
            ),
            (
                "with open('/work/a', 'ab', 0) as f: f.write(b'x')",
                memex_tests::hits("file_bytes", "OSError"),
            ),
            (
                "import os\nos.remove('/work/a')\nwith open('/work/c', 'wb', 0) as f: f.write(b'x')",
                memex_tests::hits("file_bytes", "OSError"),
            ),
            (
                "os.remove('/tmp/b')\nwith open('/work/c', 'wb', 0) as f: f.write(b'x' * 400)",
                nothing(),
            ),
        ],
    );
    assert_eq!(std::fs::metadata(host.path("write/c")).unwrap().len(), 400);
    // Another session has its own.
    check_turns(
        &mut session_of(&sandbox),
        &[(
            "with open('/work/d', 'wb', 0) as f: f.write(b'x' * 1000)",
            nothing(),
        )],
    );
}

/// Files in scratch go back with the turn; what was written to the host stays.
#[test]
fn a_rollback_and_files() {
    let host = Host::new();
    let mut session = host.session();
    run(
        &mut session,
        "f = open('/tmp/log', 'w+')\n_ = f.write('one ')\nf.flush()",
    );
    let outcome = run(
        &mut session,
        "_ = f.write('two')\nf.flush()\n_ = open('/work/told.txt', 'w').write('told')\nimport os\nos._exit(1)",
    );
    assert!(outcome.rolled_back);
    check_turns(
        &mut session,
        &[
            (
                "_ = f.write('three')\n_ = f.seek(0)\nf.read()",
                value("'one three'"),
            ),
            (
                "open('/work/told.txt').read()",
                nothing().with_value(Text::Any),
            ),
        ],
    );
}
