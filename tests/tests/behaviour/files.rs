//! Granted directories and scratch: what they permit, and every way out of
//! them, each beside the same call where it is permitted.

mod leading_out;

use memex_policies::{Access, Policy};
use memex_runtime::{Sandbox, Session};
use memex_tests::{
    Text, check_turns, each, nothing, raises, run, sandbox, session, session_of, still_works,
    value, value_of,
};
use std::path::Path;
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
