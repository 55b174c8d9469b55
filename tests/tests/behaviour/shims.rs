//! What the sandbox has not got: emulated where that works, refused in words where not.

use memex_tests::{Expect, Text, check_all, nothing, prints, raises, value};

const fn refused(message: &'static [&'static str]) -> (&'static str, &'static [&'static str]) {
    ("OSError", message)
}

fn denied((class, message): (&'static str, &'static [&'static str])) -> Expect {
    raises(class, message)
}

#[test]
fn threads_run_inside_start() {
    check_all(&[
        (
            "import threading\nout = []\nts = [threading.Thread(target=out.append, args=(i,)) for i in range(4)]\n[t.start() for t in ts]\n[t.join() for t in ts]\nout",
            value("[0, 1, 2, 3]"),
        ),
        (
            "import threading\nt = threading.Thread(target=lambda: 1/0)\nt.start()\nt.join()\nt.is_alive()",
            value("False").with_stderr(Text::Has(&["Exception in thread", "ZeroDivisionError"])),
        ),
        (
            "import threading\nl = threading.Lock()\nwith l:\n    print(l.locked())\nl.locked()",
            prints("True\n").with_value(Text::Is("False")),
        ),
        (
            "import threading\nl = threading.Lock()\nl.acquire()\nl.acquire()",
            raises("RuntimeError", &["deadlock"]),
        ),
        (
            "import threading\nl = threading.Lock()\nl.acquire()\nl.acquire(timeout=0.02), l.acquire(blocking=False)",
            value("(False, False)"),
        ),
        (
            "import threading\nr = threading.RLock()\nwith r:\n    with r:\n        x = 5\nx",
            value("5"),
        ),
        (
            "import threading, time\nd = threading.local()\nd.x = 1\nt = threading.Timer(0.01, print, ['tick'])\nt.start()\nt.join()",
            prints("tick\n"),
        ),
        (
            "import queue\nq = queue.Queue()\nq.put(1)\nq.get(), q.empty()",
            value("(1, True)"),
        ),
        (
            "import queue\nqueue.Queue().get(timeout=0.02)",
            raises("_queue.Empty", &[]),
        ),
        (
            "import threading\nthreading.current_thread() is threading.main_thread(), threading.active_count()",
            value("(True, 1)"),
        ),
    ]);
}

#[test]
fn executors_run_at_once() {
    check_all(&[
        (
            "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as p:\n    r = list(p.map(lambda x: x * x, range(5)))\nr",
            value("[0, 1, 4, 9, 16]"),
        ),
        (
            "from concurrent.futures import ProcessPoolExecutor\nwith ProcessPoolExecutor() as p:\n    f = p.submit(pow, 2, 10)\nf.result()",
            value("1024"),
        ),
        (
            "from concurrent.futures import ThreadPoolExecutor, as_completed\nwith ThreadPoolExecutor() as p:\n    fs = [p.submit(abs, -i) for i in range(3)]\nsorted(f.result() for f in as_completed(fs))",
            value("[0, 1, 2]"),
        ),
        (
            "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor().submit(lambda: 1/0).result()",
            raises("ZeroDivisionError", &[]),
        ),
        (
            "from multiprocessing import Pool\nwith Pool(4) as p:\n    r = p.map(abs, [-1, -2])\nr",
            value("[1, 2]"),
        ),
        (
            "import multiprocessing as m\nq = m.Queue()\np = m.Process(target=q.put, args=(3,))\np.start()\np.join()\nq.get(), p.exitcode",
            value("(3, 0)"),
        ),
        (
            "from joblib import Parallel, delayed\nParallel(n_jobs=1)(delayed(abs)(-i) for i in range(3))",
            value("[0, 1, 2]"),
        ),
        (
            "import multiprocessing\nmultiprocessing.cpu_count() >= 1",
            value("True"),
        ),
    ]);
}

#[test]
fn processes_and_networks_are_refused_in_words() {
    let process = refused(&["the sandbox cannot start processes"]);
    let network = refused(&["the sandbox has no network"]);
    check_all(&[
        ("import subprocess\nsubprocess.run(['ls'])", denied(process)),
        (
            "import subprocess\nsubprocess.check_output('ls', shell=True)",
            denied(process),
        ),
        ("import subprocess\nsubprocess.Popen('ls')", denied(process)),
        ("import os\nos.system('ls')", denied(process)),
        ("import os\nos.popen('ls').read()", denied(process)),
        ("import os\nos.fork()", denied(process)),
        ("import os\nos.execv('/bin/ls', ['ls'])", denied(process)),
        ("import socket\nsocket.socket()", denied(network)),
        (
            "import socket\nsocket.create_connection(('example.org', 80))",
            denied(network),
        ),
        (
            "import socket\nsocket.getaddrinfo('example.org', 80)",
            denied(network),
        ),
        (
            "import urllib.request\nurllib.request.urlopen('http://example.org')",
            raises("urllib.error.URLError", &["the sandbox has no network"]),
        ),
        (
            "input('name? ')",
            raises("EOFError", &["input() cannot be answered"]),
        ),
        (
            "import ctypes\nctypes.string_at(0)",
            raises("OSError", &["ctypes is unavailable"]),
        ),
        ("import sys\nsys.stdin.read()", value("''")),
        (
            "import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)",
            nothing().with_value(Text::Any),
        ),
        (
            "breakpoint()",
            raises("RuntimeError", &["breakpoint() cannot stop here"]),
        ),
        (
            "help(len)",
            prints("").with_stdout(Text::Has(&["len(obj, /)"])),
        ),
    ]);
}

#[test]
fn the_machine_is_not_described() {
    check_all(&[
        ("import sys\nsys.platform", value("'wasi'")),
        ("import os\nos.getcwd()", nothing().with_value(Text::Any)),
        ("import platform\nplatform.node()", value("'(none)'")),
        ("import platform\nplatform.libc_ver()", value("('', '')")),
        (
            "import platform\n'wasi' in platform.platform().lower()",
            value("True"),
        ),
        ("import os, sys\nsys.argv", nothing().with_value(Text::Any)),
        (
            "import getpass\ngetpass.getuser()",
            raises("OSError", &["No username"]),
        ),
        ("import tempfile\ntempfile.gettempdir()", value("'/tmp'")),
        (
            "import pathlib\npathlib.Path.home()",
            value("PosixPath('/home/user')"),
        ),
        (
            "import os\nos.path.expanduser('~/x')",
            value("'/home/user/x'"),
        ),
        (
            "import sys\nsys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty()",
            value("(False, False, False)"),
        ),
        (
            "import traceback\ntry: 1/0\nexcept ZeroDivisionError: traceback.print_exc()",
            nothing().with_stderr(Text::Has(&[
                "Traceback (most recent call last):\n  File \"<turn 1>\", line 2",
                "\nZeroDivisionError: division by zero\n",
            ])),
        ),
    ]);
}
