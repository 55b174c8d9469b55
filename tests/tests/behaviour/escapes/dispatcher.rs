//! The dispatcher replaced from inside: what the session says is then the
//! forger's, and the host holds all its bounds.

use memex_policies::Policy;
use memex_runtime::{Sandbox, Session, Status};
use memex_tests::{each, run, session_of, still_works, try_inspect, try_run, value_of};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        memex_tests::sandbox(|policy: &mut Policy| {
            policy.set_limit("guest_time_ms", 300).unwrap();
            policy.set_limit("wall_time_ms", 1_000).unwrap();
            policy.set_limit("grace_ms", 100).unwrap();
            policy.set_limit("value_bytes", 10_000).unwrap();
        })
    })
}

/// A session whose entry points answer what `body` returns.
fn forged(body: &str) -> Session {
    let mut session = session_of(sandbox());
    let outcome = run(
        &mut session,
        &format!(
            "import memex_guest.entry as e\ndef forged(payload):\n    {body}\nfor f in (e.run, e.resume, e.cancel, e.inspect): f.__code__ = forged.__code__"
        ),
    );
    assert!(outcome.is_ok(), "{outcome:#?}");
    session
}

#[test]
fn a_forged_answer_is_only_an_answer() {
    let mut session = forged("return b'vforged'");
    let outcome = run(&mut session, "1 + 1");
    assert_eq!(
        (outcome.value.as_deref(), outcome.status),
        (Some("forged"), Status::Ok),
        "the attack did not run"
    );
    drop(session);
    assert_eq!(value_of(&mut session_of(sandbox()), "1 + 1"), "2");
}

/// Runs one turn elsewhere, so that a host that hangs fails the test.
fn within(limit: Duration, mut session: Session) -> memex_runtime::Outcome {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let outcome = try_run(&mut session, "1 + 1");
        let _ = sender.send(outcome.map(|outcome| (outcome, session)));
    });
    let (outcome, mut session) = receiver
        .recv_timeout(limit)
        .expect("the host hangs in Session::run")
        .unwrap_or_else(|error| panic!("{error}"));
    // Whatever the forger makes of the next turns, the host gets through them.
    let begun = Instant::now();
    for _ in 0..2 {
        let _ = try_inspect(&mut session, r#"{"op":"names"}"#);
    }
    assert!(begun.elapsed() < limit, "{:?}", begun.elapsed());
    outcome
}

#[test]
fn answers_of_every_malformed_kind() {
    for body in [
        "return b''",
        "return b'x'",
        "return b'j'",
        "return b'j{}'",
        "return b'j[]'",
        "return b'j' + b'[' * 10**6",
        "return b'j{\"status\":5}'",
        "return b'j{\"status\":\"exit\",\"exit_code\":1e999}'",
        "return b'j{\"status\":\"exit\",\"exit_code\":99999999999999999999999}'",
        "return b'j{\"status\":\"exit\",\"exit_code\":\"x\"}'",
        "return b'j{\"status\":\"fault\"}'",
        "return b'j{\"status\":\"exception\",\"error\":{\"type\":\"E\",\"message\":\"\",\"traceback\":\"\",\"line\":-1}}'",
        "return b'j{\"status\":\"exception\",\"error\":{\"type\":\"TimeoutError\",\"message\":\"\",\"traceback\":\"\"}}'",
        "return b'v\\xff\\xfe'",
        "return b'w'",
        "return b'w{\"timeout_s\":\"x\"}'",
        "return b'w{\"timeout_s\":1e308}'",
        "return b'w{\"timeout_s\":NaN}'",
        "return 5",
        "return None",
        "return bytearray(b'v')",
        "return 'vtext'",
        "raise ValueError",
        "raise SystemExit",
        "raise KeyboardInterrupt",
        "yield b'v'",
        "while True: pass",
        "sum(range(10**12))",
        "return forged(payload)",
        "import os; os._exit(3)",
        "import os; os.abort()",
    ] {
        let outcome = within(Duration::from_secs(10), forged(body));
        assert_ne!(outcome.status, Status::Fault, "{body}: {outcome:#?}");
    }
}

/// Frames that wait and wait: the turn ends by its limits all the same.
#[test]
fn waiting_for_ever_ends() {
    each(
        [
            "return b'w{\"timeout_s\":0}'",
            "return b'w{\"timeout_s\":-5}'",
            "return b'w{\"timeout_s\":0.001}'",
            "return b'w{\"timeout_s\":null}'",
            "return b'w{\"timeout_s\":100000}'",
        ],
        |body| {
            let outcome = within(Duration::from_secs(10), forged(body));
            assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
        },
    );
}

#[test]
fn values_and_errors_are_bounded_by_the_host() {
    each(
        [
            "return b'v' + b'x' * 10**8",
            "return b'v' + b'\\xff' * 10**7",
            "return b'j{\"status\":\"exception\",\"error\":{\"type\":\"' + b'T' * 10**7 + b'\",\"message\":\"m\",\"traceback\":\"t\"}}'",
            "return b'j{\"status\":\"exception\",\"error\":{\"type\":\"T\",\"message\":\"' + b'm' * 10**7 + b'\",\"traceback\":\"' + b't' * 10**7 + b'\"}}'",
        ],
        |body| {
            let outcome = within(Duration::from_secs(10), forged(body));
            let error = outcome.error.unwrap_or_default();
            let size = outcome.value.unwrap_or_default().len()
                + error.class.len()
                + error.message.len()
                + error.traceback.len();
            // 10,000 for a value; an error has some tens of kilobytes.
            assert!(size < 150_000, "{size} bytes");
        },
    );
}

#[test]
fn patched_builtins_and_modules_reach_no_further() {
    each(
        [
            "import builtins\nbuiltins.len = builtins.compile = builtins.eval = builtins.exec = lambda *a: 1/0",
            "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.type = None",
            "import json\njson.JSONEncoder.encode = json.JSONDecoder.decode = lambda *a: 1/0\njson.dumps = json.loads = None",
            "import json.encoder as j\nj.c_make_encoder = j.encode_basestring_ascii = None",
            "import sys, io\nsys.stdout = sys.stderr = io.StringIO()",
            "import gc\ngc.collect = gc.freeze = None\ngc.unfreeze()\ngc.disable()",
            "import ast\nast.parse = ast.Expr = ast.Assign = ast.Module = None",
            "import struct, _struct\n_struct.pack = struct.pack = None",
            "import asyncio\nasyncio.run = asyncio.Task = asyncio.sleep = None",
            "import traceback, linecache\ntraceback.__dict__.clear()\nlinecache.__dict__.clear()",
            "import sys\nsys.excepthook = sys.displayhook = sys.unraisablehook = lambda *a: 1/0",
            "import os\nos.environ = os.write = os.fdopen = None",
            "import collections\ncollections.deque = collections.OrderedDict = None",
            "import _thread, threading\n_thread.get_ident = threading.get_ident = lambda: 1/0",
            "BaseException.__str__ = None",
        ],
        |attack| {
            let mut session = session_of(sandbox());
            run(&mut session, attack);
            let outcome = run(&mut session, "1/0");
            assert_eq!(
                outcome.error.as_ref().unwrap().class,
                "ZeroDivisionError",
                "{outcome:#?}"
            );
            let outcome = run(&mut session, "x = 20\nx + 22");
            assert_eq!(outcome.value.as_deref(), Some("42"), "{outcome:#?}");
            assert_eq!(value_of(&mut session_of(sandbox()), "len([1])"), "1");
            still_works(&mut session_of(sandbox()));
        },
    );
}

/// Code may raise all it likes about limits; only the host says which was hit.
#[test]
fn a_limit_cannot_be_claimed() {
    let mut session = forged(
        "return b'j{\"status\":\"limit\",\"limit\":{\"name\":\"fuel\",\"limit\":1,\"actual\":2},\"error\":{\"type\":\"TimeoutError\",\"message\":\"\",\"traceback\":\"\"}}'",
    );
    let outcome = run(&mut session, "1");
    assert_eq!(
        (outcome.status, outcome.limit, outcome.rolled_back),
        (Status::Exception, None, false)
    );
}
