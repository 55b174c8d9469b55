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

/// With time for answers of any size, on a machine that is busy.
fn patient() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        memex_tests::sandbox(|policy: &mut Policy| {
            policy.set_limit("guest_time_ms", 60_000).unwrap();
            policy.set_limit("value_bytes", 10_000).unwrap();
        })
    })
}

/// A session whose entry points answer what `body` returns.
fn forged(body: &str) -> Session {
    forged_in(sandbox(), body)
}

fn forged_in(sandbox: &Sandbox, body: &str) -> Session {
    let mut session = session_of(sandbox);
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

/// What the host says of an answer that it does not take.
fn refusal(body: &str) -> String {
    let outcome = within(Duration::from_secs(60), forged_in(patient(), body));
    let error = outcome.error.unwrap_or_default();
    assert_eq!(error.class, "DispatcherError", "{}", error.message);
    error.message
}

/// The longest answer that is read: an error with every byte of it escaped.
const ANSWER_BYTES_MAX: usize = 1024 + 6 * (129 << 10);

#[test]
fn answers_are_bounded_before_they_are_copied() {
    // At the bound the host looks into it, and finds a value that it cuts.
    let outcome = within(
        Duration::from_secs(60),
        forged_in(
            patient(),
            &format!("return b'v'.ljust({ANSWER_BYTES_MAX}, b'x')"),
        ),
    );
    let value = outcome.value.expect("a value");
    assert!(value.ends_with(" bytes]"), "{:?}", value.get(..40));
    assert!(value.len() <= 10_256, "{} bytes", value.len());

    for (body, bytes) in [
        (
            format!("return b'v'.ljust({}, b'x')", ANSWER_BYTES_MAX + 1),
            ANSWER_BYTES_MAX + 1,
        ),
        (
            "return b'j{\"status\":\"exit\",\"exit_code\":[' + b'[],' * 40_000_000 + b'[]]}'"
                .into(),
            120_000_000 + 35,
        ),
        (
            "return b'j{\"status\":\"exit\",\"x\":[' + b'{\"\":0},' * 4_000_000 + b'0]}'".into(),
            28_000_000 + 26,
        ),
    ] {
        let message = refusal(&body);
        let expected = format!("its answer has {bytes} bytes, of {ANSWER_BYTES_MAX} allowed");
        assert!(message.contains(&expected), "{body}: {message}");
    }
}

/// Within the bound nothing becomes a tree of values.
#[test]
fn exit_codes_are_numbers_or_texts() {
    for (code, expected) in [("7", Some(7)), ("\"words\"", Some(1))] {
        let body = format!("return b'j{{\"status\":\"exit\",\"exit_code\":{code}}}'");
        let outcome = within(Duration::from_secs(60), forged_in(patient(), &body));
        assert_eq!(outcome.exit_code, expected, "{outcome:#?}");
    }
    for code in [
        "[' + b'[],' * 200_000 + b'[]]",
        "{' + b'\"\":[],' * 90_000 + b'\"\":0}",
    ] {
        let body = format!("return b'j{{\"status\":\"exit\",\"exit_code\":{code}}}'");
        let message = refusal(&body);
        assert!(message.contains("a number or a text"), "{message}");
    }
}

/// A question is answered within its bound, or not at all.
#[test]
fn answers_to_questions_are_bounded() {
    const INSPECTION_BYTES_MAX: usize = 8 << 20;
    for (bytes, is_answered) in [
        (INSPECTION_BYTES_MAX, true),
        (INSPECTION_BYTES_MAX + 1, false),
    ] {
        let mut session = forged_in(patient(), &format!("return b' ' * {bytes}"));
        let answer = session.inspect(r#"{"op":"names"}"#).unwrap();
        assert_eq!(answer.is_some(), is_answered, "{bytes}");
        drop(answer);
    }
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
            "return b'v' + b'x' * 700_000",
            "return b'v' + b'\\xff' * 10**7",
            "return b'v' + b'\\xff' * 700_000",
            "return b'j{\"status\":\"exception\",\"error\":{\"type\":\"' + b'T' * 10**7 + b'\",\"message\":\"m\",\"traceback\":\"t\"}}'",
            "return b'j{\"status\":\"exception\",\"error\":{\"type\":\"' + b'T' * 700_000 + b'\",\"message\":\"m\",\"traceback\":\"t\"}}'",
            "return b'j{\"status\":\"exception\",\"error\":{\"type\":\"T\",\"message\":\"' + b'm' * 10**7 + b'\",\"traceback\":\"' + b't' * 10**7 + b'\"}}'",
            "return b'j{\"status\":\"exception\",\"error\":{\"type\":\"T\",\"message\":\"' + b'm' * 300_000 + b'\",\"traceback\":\"' + b't' * 300_000 + b'\"}}'",
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

/// Resident memory of this process at its highest, in bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let words = line.unwrap().split_whitespace();
    words.into_iter().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// In a process of its own: the host takes next to nothing for answers that
/// claim or hold a lot.
#[test]
fn hostile_answers_take_no_memory_of_the_host() {
    const OVERHEAD_BYTES: u64 = 64 << 20;
    const NAME: &str = "escapes::dispatcher::hostile_answers_alone";
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{text}");
    let told: Vec<u64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("taken "))
        .map(|taken| taken.parse().unwrap())
        .collect();
    assert_eq!(told.len(), 2, "the attacks did not run: {text}");
    for taken in told {
        assert!(taken < OVERHEAD_BYTES, "{taken} bytes");
    }
}

#[test]
#[ignore = "run by hostile_answers_take_no_memory_of_the_host, alone in its process"]
fn hostile_answers_alone() {
    for count in [4_000_000, 17_000_000] {
        let body = format!(
            "return b'j{{\"status\":\"exit\",\"exit_code\":[' + b'{{\"\":0}},' * {count} + b'0]}}'"
        );
        let mut session = forged_in(patient(), &body);
        let before = peak_bytes();
        let outcome = run(&mut session, "1");
        assert_eq!(outcome.error.unwrap().class, "DispatcherError");
        // What the guest took to make it is the session's own affair: the
        // answer, and copies of it on the way.
        let guest = 3 * 8 * count;
        println!("\ntaken {}", (peak_bytes() - before).saturating_sub(guest));
    }
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

/// An exception is what the guest says, whatever its class and its words are.
#[test]
fn no_exception_claims_a_limit_that_the_host_has_not_met() {
    let words = "maximum recursion depth exceeded in comparison";
    for (class, message) in [
        ("RecursionError", words),
        ("RecursionError", "Stack overflow (used 8000 kB)"),
        ("TimeoutError", "the turn was interrupted"),
        ("MemoryError", ""),
        ("numpy._core._exceptions._ArrayMemoryError", ""),
        ("OSError", "[Errno 28] No space left on device"),
        ("PermissionError", "host_calls"),
        ("OutOfFuel", "the turn used up its fuel"),
    ] {
        let code = format!(
            "return b'j{{\"status\":\"exception\",\"error\":{{\"type\":\"{class}\",\"message\":\"{message}\",\"traceback\":\"\"}}}}'"
        );
        let outcome = run(&mut forged(&code), "1");
        // The control: the words are the guest's.
        let error = outcome.error.as_ref().unwrap();
        assert_eq!((&*error.class, &*error.message), (class, message));
        assert_eq!(
            (outcome.status, outcome.limit, outcome.rolled_back),
            (Status::Exception, None, false),
            "{class}"
        );
    }
    let small = memex_tests::sandbox(|policy: &mut Policy| {
        policy.set_limit("wasm_stack_bytes", 1 << 20).unwrap();
    });
    let mut session = session_of(&small);
    let outcome = run(&mut session, &format!("raise RecursionError({words:?})"));
    assert_eq!((outcome.status, outcome.limit), (Status::Exception, None));
    // The control: one that the host has met is told, with the same exception.
    let code = "import sys\nsys.setrecursionlimit(10**9)\nf = lambda n: max((n,), key=lambda m: f(m + 1))\nf(0)";
    let outcome = run(&mut session, code);
    assert_eq!(outcome.error.unwrap().class, "RecursionError");
    assert_eq!(outcome.limit.unwrap().name, "wasm_stack_bytes");
}
