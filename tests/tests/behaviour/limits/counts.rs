//! Counts and sizes: each limit at its bound and one past it.

use memex_policies::Policy;
use memex_runtime::{
    Frame, HostCalls, NoProgress, Outcome, Reply, Runtime, Sandbox, SessionOptions, Status,
    TurnHandle,
};
use memex_tests::{
    Text, check_turns, hits, image, nothing, prints, raises, run, session_of, still_works, value,
    value_of,
};
use std::sync::Arc;

fn with(name: &str, bound: u64) -> Sandbox {
    memex_tests::sandbox(|policy: &mut Policy| policy.set_limit(name, bound).unwrap())
}

fn hit(outcome: &Outcome) -> (&str, u64, u64) {
    let hit = outcome
        .limit
        .as_ref()
        .unwrap_or_else(|| panic!("{outcome:#?}"));
    (&hit.name, hit.limit, hit.actual)
}

#[test]
fn output_is_cut_and_its_size_told() {
    for (name, file) in [
        ("stdout_bytes", "sys.stdout"),
        ("stderr_bytes", "sys.stderr"),
    ] {
        let mut session = session_of(&with(name, 1_000));
        let write = |count: u64| format!("import sys\n_ = {file}.write('x' * {count})");
        let captured = |outcome: &Outcome| match name {
            "stdout_bytes" => outcome.stdout.clone(),
            _ => outcome.stderr.clone(),
        };
        let outcome = run(&mut session, &write(1_000));
        let kept = captured(&outcome);
        assert_eq!(
            (kept.text.len(), kept.total_bytes, kept.truncated),
            (1_000, 1_000, false)
        );
        assert_eq!(outcome.limit, None);
        let outcome = run(&mut session, &write(1_001));
        let kept = captured(&outcome);
        assert_eq!((kept.total_bytes, kept.truncated), (1_001, true));
        assert!(kept.text.contains("1 of 1001 bytes cut"), "{}", kept.text);
        assert_eq!(
            (outcome.status, hit(&outcome)),
            (Status::Ok, (name, 1_000, 1_001))
        );
        still_works(&mut session);
    }
}

#[test]
fn floods_of_output_are_not_fatal() {
    let mut session = session_of(&with("stdout_bytes", 10_000));
    for (code, bytes) in [
        ("for i in range(10**5): print('line')", 500_000),
        ("print('x' * 10**8)", 100_000_001),
        (
            "import sys\n_ = sys.stdout.buffer.write(b'\\xff' * 10**7)",
            10_000_000,
        ),
        ("for i in range(10**4): print('é🦀', end='')", 60_000),
    ] {
        let outcome = run(&mut session, &format!("{code}\nprint('end', end='')"));
        assert_eq!(outcome.status, Status::Ok, "{code}: {outcome:#?}");
        assert_eq!(outcome.stdout.total_bytes, bytes + 3, "{code}");
        assert!(
            outcome.stdout.truncated && outcome.stdout.text.ends_with("end"),
            "{code}"
        );
        // Bytes that are no UTF-8 are shown as three.
        assert!(
            outcome.stdout.text.len() < 31_000,
            "{code}: {}",
            outcome.stdout.text.len()
        );
        still_works(&mut session);
    }
    let mut session = session_of(&with("stdout_bytes", 0));
    let outcome = run(&mut session, "print('x')\n5");
    assert_eq!(
        (outcome.value.as_deref(), outcome.stdout.total_bytes),
        (Some("5"), 2)
    );
}

#[test]
fn value_bytes() {
    let mut session = session_of(&with("value_bytes", 1_000));
    for code in [
        "'x' * 10**7",
        "list(range(10**6))",
        "{i: i for i in range(10**5)}",
        "'é' * 10**6",
        "b'x' * 10**7",
        "[['x' * 10**5] * 100] * 100",
        "10 ** 10**6",
        "import pandas as pd\npd.DataFrame({f'c{i}': range(1000) for i in range(100)})",
        "class A:\n    def __repr__(self): return 'r' * 10**7\nA()",
    ] {
        let value = value_of(&mut session, code);
        // The note of what was left out comes on top.
        assert!(value.len() <= 1_400, "{code}: {} bytes", value.len());
    }
    assert_eq!(value_of(&mut session, "'x' * 900").len(), 902);
    // Guest code can raise the guest's own bound; the host holds it all the same.
    run(
        &mut session,
        "import memex_guest.preview as p\np.limit_bytes = 10**9",
    );
    let outcome = run(&mut session, "'x' * 10**6");
    assert!(
        outcome
            .value
            .as_ref()
            .is_none_or(|value| value.len() <= 1_400),
        "{} bytes",
        outcome.value.unwrap().len()
    );
}

#[test]
fn displays() {
    let mut session = session_of(&with("displays", 3));
    let show = |count: u32| format!("for i in range({count}): display(i)");
    let outcome = run(&mut session, &show(3));
    assert_eq!(
        (outcome.status, outcome.displays.len(), &outcome.limit),
        (Status::Ok, 3, &None)
    );
    let outcome = run(&mut session, &show(4));
    assert_eq!(outcome.displays.len(), 3);
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("displays", 3, 4)),
        "{outcome:#?}"
    );
    still_works(&mut session);
}

#[test]
fn display_bytes() {
    let mut session = session_of(&with("display_bytes", 10_000));
    let show = |size: u32| {
        format!(
            "class H:\n    def _repr_html_(self): return 'h' * {size}\n    def __repr__(self): return ''\ndisplay(H())"
        )
    };
    // Each form counts 128 bytes besides its content and the name of its type.
    let fits = 10_000 - 2 * 128 - "text/html".len() as u32 - "text/plain".len() as u32;
    let outcome = run(&mut session, &show(fits));
    assert_eq!(
        (outcome.status, outcome.displays.len()),
        (Status::Ok, 1),
        "{outcome:#?}"
    );
    let outcome = run(&mut session, &show(fits + 1));
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("display_bytes", 10_000, 10_001)),
        "{outcome:#?}"
    );
    assert_eq!(outcome.displays.len(), 0);
    still_works(&mut session);
    // What a figure is too large for is said, not lost.
    let outcome = run(
        &mut session,
        "import matplotlib.pyplot as plt, numpy as np\nplt.imshow(np.random.rand(100, 100));",
    );
    assert_eq!(hit(&outcome).0, "display_bytes");
    assert!(outcome.displays.is_empty());
    still_works(&mut session);
}

/// Forms of no content hold memory all the same, and are counted.
#[test]
fn empty_forms_of_displays_are_counted() {
    let mut session = session_of(&with("display_bytes", 1_000_000));
    let code = |forms: usize, displays: usize| {
        format!(
            "import _host, struct, json, builtins\nhead = json.dumps({{'data': {{str(i): '' for i in range({forms})}}}}, separators=(',', ':')).encode()\nfor i in range({displays}):\n    reply = _host.call(b'\\x01' + struct.pack('<I', len(head)) + head)\n    if reply[0]: raise RuntimeError(json.loads(reply[5:])['message'])"
        )
    };
    // 128 bytes each, besides their names.
    let outcome = run(&mut session, &code(700, 10));
    assert_eq!(outcome.status, Status::Ok, "{outcome:#?}");
    assert_eq!(outcome.displays.len(), 10);
    let held: usize = outcome
        .displays
        .iter()
        .map(memex_runtime::Display::len)
        .sum();
    assert!((890_000..1_000_000).contains(&held), "{held}");
    for (forms, displays, shown) in [(700, 12, 10), (80_000, 1, 0), (80_000, 60, 0)] {
        let outcome = run(&mut session, &code(forms, displays));
        assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
        assert_eq!(hit(&outcome).0, "display_bytes");
        assert_eq!(outcome.displays.len(), shown);
    }
    still_works(&mut session);
}

/// Answers with as many bytes as the head asks for.
struct Echo;

impl HostCalls for Echo {
    fn call(&mut self, frame: &Frame<'_>, _turn: &dyn TurnHandle) -> Reply {
        let size = std::str::from_utf8(frame.head).unwrap().parse().unwrap();
        Reply {
            ok: true,
            head: Vec::new(),
            parts: vec![vec![b'e'; size]],
        }
    }
}

const ASK: &str = "import _host, struct, json, builtins\ndef ask(size, extra=b''):\n    head = str(size).encode()\n    reply = _host.call(bytes([9]) + struct.pack('<I', len(head)) + head + (struct.pack('<I', len(extra)) + extra if extra else b''))\n    if reply[0]:\n        told = json.loads(reply[5:])\n        raise getattr(builtins, told['type'])(told['message'])\n    return len(reply)";

fn echoing(sandbox: &Sandbox) -> memex_runtime::Session {
    let options = SessionOptions {
        calls: Some(Box::new(Echo)),
        ..Default::default()
    };
    let mut session = sandbox.session(options).unwrap();
    assert!(run(&mut session, ASK).is_ok());
    session
}

#[test]
fn host_calls() {
    let mut session = echoing(&with("host_calls", 5));
    let ask = |count: u32| format!("for i in range({count}): ask(1)");
    let outcome = run(&mut session, &ask(5));
    assert_eq!(
        (outcome.status, outcome.host_calls),
        (Status::Ok, 5),
        "{outcome:#?}"
    );
    let outcome = run(&mut session, &ask(6));
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("host_calls", 5, 6)),
        "{outcome:#?}"
    );
    // Each turn has its own.
    assert_eq!(run(&mut session, &ask(5)).status, Status::Ok);
    still_works(&mut session);
    // A refusal that the code deals with ends nothing, and another exception
    // of the same turn is not the limit's.
    let outcome = run(
        &mut session,
        "for i in range(9):\n    try: ask(1)\n    except PermissionError: pass\n'went on'",
    );
    assert_eq!(outcome.value.as_deref(), Some("'went on'"), "{outcome:#?}");
    let outcome = run(
        &mut session,
        "for i in range(9):\n    try: ask(1)\n    except PermissionError: pass\nraise KeyError('mine')",
    );
    assert_eq!(outcome.status, Status::Exception, "{outcome:#?}");
}

#[test]
fn host_call_bytes() {
    let bound = 2_000;
    let mut session = echoing(&with("host_call_bytes", bound));
    // Nine bytes frame an answer of one part; five and the head frame a call.
    assert_eq!(value_of(&mut session, "ask(2000 - 9)"), "2000");
    let outcome = run(&mut session, "ask(2000 - 8)");
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("host_call_bytes", bound, bound + 1)),
        "{outcome:#?}"
    );
    assert_eq!(value_of(&mut session, "ask(1, b'x' * (2000 - 10))"), "10");
    let outcome = run(&mut session, "ask(1, b'x' * (2000 - 9))");
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("host_call_bytes", bound, bound + 1)),
        "{outcome:#?}"
    );
    still_works(&mut session);
}

#[test]
fn code_bytes() {
    let mut session = session_of(&with("code_bytes", 100));
    let code = |bytes: usize| format!("x = 1 #{}", "-".repeat(bytes - 7));
    let outcome = run(&mut session, &code(100));
    assert_eq!(outcome.status, Status::Ok);
    let outcome = run(&mut session, &code(101));
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Refused, ("code_bytes", 100, 101))
    );
    assert!(outcome.error.unwrap().message.contains("code_bytes"));
    assert_eq!(session.turns(), 1, "a refused turn is none");
    still_works(&mut session);
    let outcome = run(&mut session, &"x".repeat(100 << 20));
    assert_eq!(
        (outcome.status, hit(&outcome).2),
        (Status::Refused, 100 << 20)
    );
    still_works(&mut session);
}

#[test]
fn turns() {
    let mut session = session_of(&with("turns", 3));
    for turn in 1..=3 {
        let outcome = run(&mut session, "pass");
        assert_eq!((outcome.status, outcome.turn), (Status::Ok, turn));
    }
    for _ in 0..2 {
        let outcome = run(&mut session, "pass");
        assert_eq!(
            (outcome.status, hit(&outcome)),
            (Status::Refused, ("turns", 3, 4))
        );
    }
}

#[test]
fn open_files() {
    let mut session = session_of(&with("open_files", 10));
    let open = |count: u32| {
        format!("held = [open(f'/tmp/{{i}}', 'w') for i in range({count})]\nheld = None")
    };
    assert_eq!(run(&mut session, &open(10)).status, Status::Ok);
    let outcome = run(&mut session, &open(11));
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("open_files", 10, 11)),
        "{outcome:#?}"
    );
    assert!(outcome.error.unwrap().message.contains("[Errno"));
    check_turns(
        &mut session,
        &[
            (
                "held = None\nlen([open(f'/tmp/{i}') for i in range(10)])",
                value("10").with_stderr(Text::Any),
            ),
            (
                "import os\ntry:\n    while True: held = os.dup(os.open('/tmp/1', os.O_RDONLY)) if hasattr(os, 'dup') else os.open('/tmp/1', os.O_RDONLY)\nexcept OSError as e: print(type(e).__name__)",
                prints("OSError\n").with_stderr(Text::Any),
            ),
        ],
    );
    still_works(&mut session);
}

#[test]
fn file_bytes() {
    let mut session = session_of(&with("file_bytes", 1_000));
    let outcome = run(
        &mut session,
        "with open('/tmp/f', 'wb', 0) as f: f.write(b'x' * 1000)",
    );
    assert_eq!(outcome.status, Status::Ok, "{outcome:#?}");
    let outcome = run(
        &mut session,
        "with open('/tmp/f', 'ab', 0) as f: f.write(b'x')",
    );
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("file_bytes", 1_000, 1_001)),
        "{outcome:#?}"
    );
    check_turns(
        &mut session,
        &[
            ("import os\nos.remove('/tmp/f')", nothing()),
            (
                "with open('/tmp/f', 'wb', 0) as f: f.write(b'x' * 1000)",
                nothing(),
            ),
            (
                "os.truncate('/tmp/f', 10)\nos.truncate('/tmp/f', 10**12)",
                hits("file_bytes", "OSError"),
            ),
            (
                "f = open('/tmp/f', 'r+b', 0)\n_ = f.seek(2**62)\nf.write(b'x')",
                hits("file_bytes", "OSError"),
            ),
            ("os.path.getsize('/tmp/f')", value("10")),
            (
                "import pandas as pd\npd.DataFrame({'a': range(10000)}).to_csv('/tmp/big.csv')",
                hits("file_bytes", "OSError"),
            ),
        ],
    );
    still_works(&mut session);
}

#[test]
fn files() {
    let mut session = session_of(&with("files", 5));
    let make = |count: u32| format!("for i in range({count}): open(f'/tmp/{{i}}', 'w').close()");
    assert_eq!(run(&mut session, &make(5)).status, Status::Ok);
    let outcome = run(&mut session, &make(6));
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("files", 5, 6)),
        "{outcome:#?}"
    );
    check_turns(
        &mut session,
        &[
            ("import os\nos.mkdir('/tmp/d')", hits("files", "OSError")),
            ("os.symlink('/tmp/1', '/tmp/l')", hits("files", "OSError")),
            ("os.remove('/tmp/1')\nos.mkdir('/tmp/d')", nothing()),
            (
                "os.makedirs('/tmp/d/' + '/'.join('e' * 100))",
                hits("files", "OSError"),
            ),
        ],
    );
    still_works(&mut session);
}

#[test]
fn live_sessions() {
    let mut policy = Policy::default();
    policy.set_limit("live_sessions", 3).unwrap();
    let runtime = Runtime::new().unwrap();
    let sandbox = Sandbox::new(&runtime, image(), Arc::new(policy), &mut NoProgress).unwrap();
    let mut held: Vec<_> = (0..3).map(|_| session_of(&sandbox)).collect();
    assert_eq!(runtime.live_sessions(), 3);
    let error = sandbox
        .session(SessionOptions::default())
        .map(|_| ())
        .unwrap_err();
    assert!(
        matches!(
            error,
            memex_runtime::Error::TooManySessions { live: 3, limit: 3 }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("hint:"), "{error}");
    assert!(
        held[0].fork(1, |_| SessionOptions::default()).is_err(),
        "a fork is a session"
    );
    drop(held.pop());
    assert_eq!(runtime.live_sessions(), 2);
    held.push(session_of(&sandbox));
    for session in &mut held {
        still_works(session);
    }
    // Another sandbox of an equal policy is no way around it; another policy has a limit
    // of its own.
    let made = |policy: Policy| {
        Sandbox::new(&runtime, image(), Arc::new(policy), &mut NoProgress).unwrap()
    };
    let twin = made(Policy::clone(sandbox.policy()));
    assert_eq!(
        (twin.live_sessions(), twin.limits_key()),
        (3, sandbox.limits_key())
    );
    assert!(twin.session(SessionOptions::default()).is_err());
    let other = made(Policy::default());
    assert_ne!(other.limits_key(), sandbox.limits_key());
    let guest = session_of(&other);
    assert_eq!((other.live_sessions(), runtime.live_sessions()), (1, 4));
    drop(guest);
    drop(held);
    assert_eq!((twin.live_sessions(), runtime.live_sessions()), (0, 0));
}

#[test]
fn a_full_disk_in_tmp_is_an_ordinary_error() {
    let mut session = session_of(&with("file_bytes", 100_000));
    check_turns(
        &mut session,
        &[
            (
                "kept = 1\ntry:\n    with open('/tmp/f', 'wb') as f:\n        while True: f.write(bytes(10_000))\nexcept OSError as e:\n    print(e.errno, e.strerror)",
                prints("").with_stdout(Text::Has(&["No space left on device"])),
            ),
            ("kept", value("1")),
            (
                "raise OSError(5, 'mine')",
                raises("OSError", &["[Errno 5] mine"]),
            ),
        ],
    );
}
