//! Reaching for the host itself: its files, environment, descriptors, processes.

use memex_tests::{check_turns, each, raises, run, session, still_works, value, value_of};

#[test]
fn the_hosts_files_are_not_there() {
    // The control: these are there on the host.
    for path in [
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/self/maps",
        "/dev/null",
    ] {
        assert!(std::fs::metadata(path).is_ok(), "{path}");
    }
    let here = std::env::current_exe().unwrap();
    let mut session = session();
    for path in [
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/self/maps",
        "/proc/self/mem",
        "/dev/null",
        "/dev/urandom",
        "/sys",
        "/root",
        "/etc",
        here.to_str().unwrap(),
    ] {
        let outcome = run(&mut session, &format!("open({path:?}, 'rb').read(1)"));
        assert_eq!(outcome.error.unwrap().class, "FileNotFoundError", "{path}");
        let outcome = run(&mut session, &format!("import os\nos.listdir({path:?})"));
        assert_eq!(outcome.error.unwrap().class, "FileNotFoundError", "{path}");
    }
    let walked = value_of(
        &mut session,
        "import os\nsorted({d.split('/')[1] for d, _, _ in os.walk('/')})",
    );
    assert_eq!(walked, "['', 'home', 'tmp', 'usr']");
    let walked = value_of(
        &mut session,
        "import os\n[d for d, _, _ in os.walk('/home')]",
    );
    assert_eq!(walked, "['/home', '/home/user']");
}

#[test]
fn the_hosts_process_is_not_told() {
    let mut session = session();
    let pid = std::process::id().to_string();
    for code in [
        "import os\nos.getpid()",
        "import os\nos.getppid() if hasattr(os, 'getppid') else None\n0",
        "import sys\nsys.argv",
        "import sys\nsys.orig_argv",
        "import sys\nsys.executable",
        "import os\ndict(os.environ)",
        "import platform\nplatform.uname()",
        "import socket\nsocket.gethostname() if hasattr(socket, 'gethostname') else ''",
        "import sysconfig\nlen(sysconfig.get_config_vars()) > 0",
        "import sys\nsys.path",
    ] {
        let outcome = run(&mut session, code);
        let told = format!("{:?} {:?}", outcome.value, outcome.error);
        assert!(!told.contains(&pid), "{code}: {told}");
        for (name, value) in
            std::env::vars().filter(|(_, value)| value.len() > 5 && value != "/home/user")
        {
            assert!(!told.contains(&value), "{code} tells {name}: {told}");
        }
    }
}

#[test]
fn descriptors_are_the_sandboxes_own() {
    let mut session = session();
    check_turns(
        &mut session,
        &[
            ("import os\nos.read(0, 10)", value("b''")),
            ("os.write(0, b'x')", raises("OSError", &["[Errno"])),
            ("os.read(1, 1)", raises("OSError", &["[Errno"])),
            ("os.write(3, b'x')", raises("OSError", &["[Errno"])),
            ("os.lseek(1, 0, 0)", raises("OSError", &["[Errno"])),
            ("os.ftruncate(1, 0)", raises("OSError", &["[Errno"])),
            ("os.fstat(99)", raises("OSError", &["[Errno"])),
            ("os.close(99)", raises("OSError", &["[Errno"])),
            ("os.close(2**31 - 1)", raises("OSError", &["[Errno"])),
            ("os.close(-1)", raises("OSError", &["[Errno"])),
            (
                "f = os.open('/tmp/f', os.O_RDWR | os.O_CREAT)\nos.lseek(f, 2**62, 0)",
                value("4611686018427387904"),
            ),
            ("os.read(f, 10)", value("b''")),
            (
                "os.lseek(f, -1, 0)",
                raises("OSError", &["[Errno 28] Invalid argument"]),
            ),
            ("os.lseek(f, 2**63 - 1, 1)", raises("OSError", &["[Errno"])),
            (
                "os.pread(f, 10, 2**62) if hasattr(os, 'pread') else b''",
                value("b''"),
            ),
            (
                "os.close(f)\nos.close(f)",
                raises("OSError", &["Bad file descriptor"]),
            ),
        ],
    );
    still_works(&mut session);
}

#[test]
fn closing_everything_does_no_harm() {
    let mut session = session();
    run(&mut session, "kept = 1");
    let outcome = run(
        &mut session,
        "import os\nclosed = []\nfor fd in range(200):\n    try:\n        os.close(fd)\n        closed.append(fd)\n    except OSError: pass\nprint(0 in closed)",
    );
    assert!(outcome.error.is_none(), "{outcome:#?}");
    assert_eq!(value_of(&mut session, "kept"), "1");
    still_works(&mut session);
    // Files too: what is opened by path needs the root, which may be closed.
    let outcome = run(&mut session, "open('/tmp/f', 'w').write('x')");
    assert!(outcome.is_ok() || outcome.error.unwrap().class.ends_with("Error"));
    still_works(&mut session);
    still_works(&mut memex_tests::session());
}

#[test]
fn descriptors_run_out_in_order() {
    let mut session = session();
    let outcome = run(
        &mut session,
        "import os\nheld = []\ntry:\n    while True: held.append(os.open(f'/tmp/{len(held)}', os.O_RDWR | os.O_CREAT))\nexcept OSError as e: print(e.strerror)\nlen(held)",
    );
    assert_eq!(outcome.value.as_deref(), Some("64"), "{outcome:#?}");
    assert!(
        outcome.stdout.text.contains("files open")
            || outcome.stdout.text.contains("file descriptors"),
        "{outcome:#?}"
    );
    still_works(&mut session);
    check_turns(
        &mut session,
        &[(
            "for fd in held: os.close(fd)\nlen([os.open('/tmp/0', os.O_RDONLY) for _ in range(10)])",
            value("10"),
        )],
    );
}

#[test]
fn processes_sockets_and_native_code() {
    let mut session = session();
    each(
        [
            "import posix\nposix.fork()",
            "import posix\nposix.execv('/bin/sh', ['sh'])",
            "import posix\nposix.system('true')",
            "import _posixsubprocess",
            "import _socket\n_socket.socket()",
            "import _socket\n_socket.socket(fileno=3)",
            "import ctypes\nctypes.CDLL(None)",
            "import ctypes\nctypes.CDLL('libc.so.6')",
            "import _ctypes",
            "import resource",
            "import fcntl",
            "import pty",
            "import termios",
            "import _posixshmem",
            "import _curses",
            "import ssl\nssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='x')",
            "import imp",
            "import _testcapi",
            "import _testinternalcapi",
            "import _xxsubinterpreters",
            "import _interpreters",
            "import importlib.machinery as m\nm.ExtensionFileLoader('x', '/tmp/x.so').load_module('x')",
            "import os\nos.kill(1, 9)",
            "import os\nos.mknod('/tmp/n')",
            "import os\nos.mkfifo('/tmp/p')",
            "import os\nos.chroot('/')",
            "import os\nos.setuid(0)",
            "import os\nos.symlink('/', '/x')",
            "import os\nos.openpty()",
            "import os\nos.memfd_create('x')",
            "import os\nos.startfile('x')",
            "import os\nos.sched_setaffinity(0, [0])",
            "import os\nos.sendfile(1, 0, 0, 10)",
            "import os\nos.waitpid(-1, 0)",
        ],
        |code| {
            let outcome = run(&mut session, code);
            let error = outcome
                .error
                .unwrap_or_else(|| panic!("it worked: {:?}", outcome.value));
            let classes = [
                "OSError",
                "ModuleNotFoundError",
                "ImportError",
                "AttributeError",
                "PermissionError",
                "NotImplementedError",
                "FileNotFoundError",
                "ProcessLookupError",
            ];
            assert!(classes.contains(&error.class.as_str()), "{error:?}");
            assert!(!outcome.rolled_back);
        },
    );
    still_works(&mut session);
}
