//! What the sandbox has not got: emulated where that works, refused in words where not.

use memex_runtime::Status;
use memex_tests::{
    Expect, Text, check_all, nothing, prints, raises, run, sandbox, session_of, value,
};

const fn refused(message: &'static [&'static str]) -> (&'static str, &'static [&'static str]) {
    ("OSError", message)
}

fn denied((class, message): (&'static str, &'static [&'static str])) -> Expect {
    raises(class, message)
}

#[test]
fn threads_run_until_they_wait() {
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
fn threads_wait_for_each_other() {
    check_all(&[
        (
            "import queue, threading\nq, out = queue.Queue(1), []\ndef eat():\n    while (n := q.get()) is not None:\n        out.append(n)\nt = threading.Thread(target=eat)\nt.start()\nfor n in (1, 2, 3, None):\n    q.put(n)\nt.join()\nout",
            value("[1, 2, 3]"),
        ),
        (
            "import threading, time\nstop, beats = threading.Event(), []\ndef beat():\n    while not stop.is_set():\n        beats.append(1)\n        time.sleep(0.01)\nt = threading.Thread(target=beat)\nt.start()\ntime.sleep(0.05)\nstop.set()\nt.join()\nlen(beats) > 1, t.is_alive()",
            value("(True, False)"),
        ),
        (
            "import threading\nb, out = threading.Barrier(3), []\ndef meet():\n    for n in (0, 1):\n        out.append(n)\n        b.wait()\nts = [threading.Thread(target=meet) for _ in range(3)]\n[t.start() for t in ts]\n[t.join() for t in ts]\nout",
            value("[0, 0, 0, 1, 1, 1]"),
        ),
        (
            "import threading\ne = threading.Event()\nt = threading.Thread(target=e.wait, name='sleeper')\nt.start()\nt.join()",
            raises(
                "RuntimeError",
                &[
                    "deadlock",
                    "MainThread waits in Thread.join",
                    "sleeper waits in",
                ],
            ),
        ),
    ]);
}

/// Libraries have threads of their own, which wake up every few seconds for ever.
#[test]
fn progress_bars_and_timers_end_with_their_turn() {
    let blocks = [
        "from tqdm import tqdm\nfor i in tqdm(range(3)):\n    pass",
        "from tqdm.auto import tqdm\n[n + 1 for n in tqdm([1, 2])]",
        "from tqdm import trange\nbar = trange(2)\nnext(iter(bar))",
        "import threading\nt = threading.Timer(100, print)\nt.start()\nt.cancel()",
        "import threading, time\ndef beat():\n    while True:\n        time.sleep(30)\nthreading.Thread(target=beat, daemon=True).start()",
    ];
    let sandbox = sandbox(|policy| {
        policy.set_limit("wall_time_ms", 4_000).unwrap();
    });
    let mut session = session_of(&sandbox);
    for block in blocks {
        let outcome = run(&mut session, block);
        assert_eq!(outcome.status, Status::Ok, "{block}: {outcome:?}");
        assert!(
            !format!("{:?}", outcome.stderr).contains("Exception"),
            "{block}: {outcome:?}"
        );
    }
    // They are what would hold a turn up: a thread that is no daemon and sleeps for longer.
    let outcome = run(
        &mut session,
        "import threading, time\nthreading.Thread(target=time.sleep, args=(4.5,)).start()",
    );
    assert_eq!(outcome.status, Status::Limit, "{outcome:?}");
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
        ("import getpass\ngetpass.getuser()", value("'user'")),
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
