//! Sessions beside each other: independent, parallel, and gone when dropped.

use memex_policies::Policy;
use memex_runtime::{
    Frame, HostCalls, NoProgress, Reply, Runtime, Sandbox, SessionOptions, SessionState, Status,
    TurnHandle,
};
use memex_tests::{
    check_turns, image, nothing, raises, run, sandbox, session, session_of, standard_sandbox,
    still_works, value, value_of,
};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

#[test]
fn small_turns_change_few_pages() {
    // Half of this was measured. An image with holes in its heap, or whose objects
    // are counted, has three times as many.
    const PAGES_MAX: u64 = 120;
    let mut session = session();
    for _ in 0..300 {
        assert_eq!(run(&mut session, "x = 1").status, Status::Ok);
    }
    let pages = session.snapshot().expect("a session at rest").pages();
    assert!(pages < PAGES_MAX, "{pages} pages differ after 300 turns");
    // The count is of something.
    run(
        &mut session,
        "y = [bytes([n % 251]) * 4000 for n in range(200)]",
    );
    let more = session.snapshot().expect("a session at rest").pages();
    assert!(more >= pages + 190, "{more} pages with 200 more");
}

#[test]
fn objects_of_the_image_are_immortal() {
    check_turns(
        &mut session(),
        &[
            (
                "import sys, pandas\n[sys._is_immortal(it) for it in (sys, pandas, pandas.DataFrame, pandas.DataFrame.head, object())]",
                value("[True, True, True, True, False]"),
            ),
            // The collector may look at them, and what is made of them goes as ever.
            (
                "import gc, weakref\ngc.unfreeze()\nframe = pandas.DataFrame({'a': [1]})\ngone = weakref.ref(frame)\ndel frame\nlen(gc.get_objects()) > 0, gc.collect() >= 0, gone()",
                value("(True, True, None)"),
            ),
            ("int(pandas.DataFrame({'a': [1, 2]}).a.sum())", value("3")),
        ],
    );
}

#[test]
fn sessions_do_not_see_each_other() {
    let (mut a, mut b) = (session(), session());
    check_turns(
        &mut a,
        &[
            (
                "x = 'a'\nimport json, sys, os, builtins\njson.mark = 1\nbuiltins.mark = 2\nsys.path.append('/a')\nos.environ['MARK'] = '3'\nopen('/tmp/mark', 'w').write('4')",
                value("1"),
            ),
            ("int.__class__, x", value("(<class 'type'>, 'a')")),
        ],
    );
    check_turns(
        &mut b,
        &[
            ("x", raises("NameError", &["'x'"])),
            ("mark", raises("NameError", &["'mark'"])),
            (
                "import json, sys, os\nhasattr(json, 'mark'), '/a' in sys.path, os.getenv('MARK'), os.path.exists('/tmp/mark')",
                value("(False, False, None, False)"),
            ),
            ("x = 'b'", nothing()),
        ],
    );
    check_turns(
        &mut a,
        &[(
            "x, json.mark, mark, open('/tmp/mark').read()",
            value("('a', 1, 2, '4')"),
        )],
    );
}

#[test]
fn threads_run_sessions_in_parallel() {
    const THREADS: u64 = 8;
    thread::scope(|scope| {
        for number in 0..THREADS {
            scope.spawn(move || {
                for round in 0..10 {
                    let mut session = session();
                    run(&mut session, &format!("x = {number} * 1000 + {round}"));
                    run(
                        &mut session,
                        "y = [x] * 1000\nimport pandas as pd\ns = pd.Series(y)",
                    );
                    assert_eq!(
                        value_of(&mut session, "int(s.sum())"),
                        ((number * 1000 + round) * 1000).to_string()
                    );
                    let outcome = run(&mut session, "1/0");
                    assert_eq!(outcome.error.unwrap().class, "ZeroDivisionError");
                    if round == 5 {
                        let outcome = run(&mut session, "import os\nos._exit(1)");
                        assert!(outcome.rolled_back);
                    }
                    still_works(&mut session);
                }
            });
        }
    });
}

#[test]
fn a_session_moves_between_threads() {
    let mut session = session();
    for turn in 0..5 {
        session = thread::spawn(move || {
            run(&mut session, &format!("x{turn} = {turn}"));
            session
        })
        .join()
        .unwrap();
    }
    assert_eq!(value_of(&mut session, "x0 + x1 + x2 + x3 + x4"), "10");
    // On a thread with little stack of its own too.
    let small = thread::Builder::new().stack_size(128 << 10).spawn(move || {
        let outcome = run(&mut session, "def f(): f()\nf()");
        assert_eq!(outcome.error.unwrap().class, "RecursionError");
        still_works(&mut session);
    });
    small.unwrap().join().unwrap();
}

/// A call that comes back when the other session has made one as well.
struct Meeting(Arc<Barrier>);

impl HostCalls for Meeting {
    fn call(&mut self, _frame: &Frame<'_>, _turn: &dyn TurnHandle) -> Reply {
        self.0.wait();
        Reply::answer(b"null".to_vec())
    }
}

/// Sessions that had to take turns would never meet.
#[test]
fn turns_of_two_sessions_run_at_the_same_time() {
    let barrier = Arc::new(Barrier::new(2));
    let (sender, met) = channel();
    for _ in 0..2 {
        let (barrier, sender) = (Arc::clone(&barrier), sender.clone());
        thread::spawn(move || {
            let options = SessionOptions {
                calls: Some(Box::new(Meeting(barrier))),
                ..Default::default()
            };
            let mut session = standard_sandbox().session(options).unwrap();
            let code =
                "import _host\nfor _ in range(100): _host.call(b'\\x02\\x00\\x00\\x00\\x00')";
            sender.send(run(&mut session, code)).unwrap();
        });
    }
    for _ in 0..2 {
        let outcome = met
            .recv_timeout(Duration::from_secs(20))
            .expect("they take turns");
        assert_eq!(
            (outcome.status, outcome.host_calls),
            (Status::Ok, 100),
            "{outcome:#?}"
        );
    }
}

fn private_runtime() -> (Runtime, Sandbox) {
    let runtime = Runtime::new().unwrap();
    let sandbox = Sandbox::new(
        &runtime,
        image(),
        Arc::new(Policy::default()),
        &mut NoProgress,
    )
    .unwrap();
    (runtime, sandbox)
}

#[test]
fn dropping_frees() {
    let (runtime, sandbox) = private_runtime();
    assert_eq!(runtime.live_sessions(), 0);
    for _ in 0..3 {
        let sessions: Vec<_> = (0..20).map(|_| session_of(&sandbox)).collect();
        assert_eq!(runtime.live_sessions(), 20);
        drop(sessions);
        assert_eq!(runtime.live_sessions(), 0);
    }
    let session = session_of(&sandbox);
    let panicked = thread::spawn(move || {
        let _session = session;
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    assert_eq!(runtime.live_sessions(), 0, "unwinding frees as well");
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

/// Memory of the host is given back: a thousand sessions that each use 30 MB
/// would not fit otherwise.
#[test]
fn memory_is_given_back() {
    let (_runtime, sandbox) = private_runtime();
    let churn = |rounds: u32| {
        for _ in 0..rounds {
            let mut session = session_of(&sandbox);
            assert!(
                run(
                    &mut session,
                    "x = bytearray(30 * 2**20)\nx[::4096] = b'x' * len(x[::4096])"
                )
                .is_ok()
            );
        }
    };
    churn(5);
    let before = resident_kib();
    churn(60);
    let after = resident_kib();
    // Other tests run beside this one, so the bound is generous.
    assert!(
        after < before + 600 * 1024,
        "{before} KiB before, {after} KiB after 60 sessions"
    );
}

#[test]
fn a_session_knows_itself() {
    let mut session = session();
    assert_eq!((session.state(), session.turns()), (SessionState::Ready, 0));
    let outcome = run(&mut session, "x = 1");
    assert_eq!((outcome.turn, session.turns()), (1, 1));
    assert_eq!(outcome.memory_bytes, session.memory_bytes());
    assert!(session.dirty_pages() > 0);
    assert!(outcome.wall_time >= outcome.guest_time);
    assert_eq!(outcome.host_calls, 0);
    assert!(Arc::ptr_eq(
        session.sandbox().policy(),
        standard_sandbox().policy()
    ));
}

/// Each page costs a comparison at every turn.
#[test]
fn a_session_gives_back_the_pages_that_others_used_in_its_slot() {
    const GROUPS: &str = "import pandas as pd
pd.DataFrame({'k': [1, 2, 1], 'v': [1.5, 2.0, 3.5]}).groupby('k').v.sum().tolist()";
    let used = || {
        let mut earlier = session();
        assert_eq!(value_of(&mut earlier, GROUPS), "[5.0, 2.0]");
        drop(earlier);
        // Another test may have taken the slot.
        let mut later = session();
        let pages = later.dirty_pages();
        (pages > 200).then_some((later, pages))
    };
    let (mut session, before) = (0..50).find_map(|_| used()).expect("a slot that was used");
    assert_eq!(value_of(&mut session, "x = 0\nx"), "0");
    for _ in 0..12 {
        assert_eq!(run(&mut session, "x += 1").status, Status::Ok);
    }
    let after = session.dirty_pages();
    assert!(after < before / 2, "{after} pages of {before} are private");
    assert_eq!(value_of(&mut session, "x"), "12");
    // What was given back is there.
    assert_eq!(value_of(&mut session, GROUPS), "[5.0, 2.0]");
    let pages = session.snapshot().expect("a session at rest").pages();
    assert_eq!(value_of(&mut session, "x"), "12");
    assert!(pages > after, "{pages} pages differ");
}

#[test]
fn questions_about_the_scope() {
    let mut session = session();
    run(&mut session, "alpha = 1\nalphabet = 'a'\nimport json");
    for (request, pieces) in [
        (
            r#"{"op":"complete","text":"alph","cursor":4}"#,
            &["alpha", "alphabet"][..],
        ),
        (
            r#"{"op":"complete","text":"json.du","cursor":7}"#,
            &["dump", "dumps"],
        ),
        (r#"{"op":"names"}"#, &["alpha", "alphabet"]),
        (r#"{"op":"incomplete","text":"def f():"}"#, &["incomplete"]),
        (r#"{"op":"incomplete","text":"x = 1"}"#, &["complete"]),
        (r#"{"op":"incomplete","text":"x = )"}"#, &["invalid"]),
        (r#"{"op":"other"}"#, &["error"]),
        ("nonsense", &["error"]),
    ] {
        let answer = session.inspect(request).unwrap().unwrap();
        for piece in pieces {
            assert!(answer.contains(piece), "{request}: {answer}");
        }
    }
    assert_eq!(session.turns(), 1, "questions are no turns");
    still_works(&mut session);
}

#[test]
fn variables_are_taken_out_and_put_in() {
    let mut session = session();
    run(&mut session, "alpha = {'a': (1, b'x')}\nnot_data = print");
    let packed = session.get("alpha").unwrap().unwrap();
    session.set("beta", &packed).unwrap().unwrap();
    assert_eq!(
        run(&mut session, "beta == alpha, beta is alpha").value,
        Some("(True, False)".to_owned())
    );
    for (name, class) in [("nowhere", "NameError"), ("not_data", "TypeError")] {
        let refusal = session.get(name).unwrap().unwrap_err();
        assert_eq!(refusal.class, class, "{}", refusal.message);
        assert!(refusal.message.contains(name), "{}", refusal.message);
    }
    let half = packed.get(..packed.len() - 1).unwrap();
    let refusal = session.set("beta", half).unwrap().unwrap_err();
    assert_eq!(refusal.class, "ValueError");
    assert_eq!(
        run(&mut session, "beta == alpha").value,
        Some("True".to_owned())
    );
    assert_eq!(session.turns(), 3, "this is no turn");
    still_works(&mut session);
}

/// At the bound, one past it, and with a dispatcher that lies about it.
#[test]
fn variables_cross_within_host_call_bytes() {
    let narrow = sandbox(|policy| policy.limits.host_call_bytes = 64 << 10);
    let mut session = session_of(&narrow);
    run(&mut session, "x = b'x' * 60_000");
    let packed = session.get("x").unwrap().unwrap();
    assert!(packed.len() > 60_000);
    session.set("y", &packed).unwrap().unwrap();
    let mut large = packed;
    large.resize((64 << 10) + 1, 0);
    let refusal = session.set("y", &large).unwrap().unwrap_err();
    assert!(refusal.message.contains("host_call_bytes"));
    run(&mut session, "x = b'x' * 70_000");
    let refusal = session.get("x").unwrap().unwrap_err();
    assert!(refusal.message.contains("host_call_bytes"));
    run(
        &mut session,
        "from memex_guest import exchange\nexchange.answer = lambda payload: b'\\0nonsense'",
    );
    let refusal = session.get("y").unwrap().unwrap_err();
    assert_eq!(refusal.class, "RuntimeError");
    run(
        &mut session,
        "exchange.answer = lambda payload: b'' if payload[0] == 1 else b'x'",
    );
    assert_eq!(session.get("y").unwrap().unwrap_err().class, "RuntimeError");
    let refusal = session.set("y", b"").unwrap().unwrap_err();
    assert_eq!(refusal.class, "RuntimeError");
    run(&mut session, "exchange.answer = lambda payload: 7");
    assert!(session.get("y").unwrap().is_err());
    still_works(&mut session);
}

/// A lost grant is told when the sandbox is made, with a remedy.
#[test]
fn a_directory_that_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    let mut policy = Policy::from_preset(memex_policies::Preset::Workspace);
    policy
        .grant_directory(&path, "/data", memex_policies::Access::ReadOnly)
        .unwrap();
    drop(directory);
    let made = Sandbox::new(
        memex_tests::runtime(),
        image(),
        Arc::new(policy),
        &mut NoProgress,
    );
    let error = made.map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains(path.to_str().unwrap())
            && error.contains("hint:")
            && error.contains("/data"),
        "{error}"
    );
}
