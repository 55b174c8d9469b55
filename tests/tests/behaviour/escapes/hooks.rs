//! Hooks that code leaves in the interpreter, where every later turn passes:
//! what keeps turns from running goes with the turn that left it, or is taken
//! off, and the objects of the scope stay.

use memex_policies::Policy;
use memex_runtime::{Outcome, Sandbox, Session, Status};
use memex_tests::{each, run, session_of, still_works, value_of};
use std::sync::OnceLock;

fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        memex_tests::sandbox(|policy: &mut Policy| {
            policy.set_limit("guest_time_ms", 300).unwrap();
            policy.set_limit("wall_time_ms", 5_000).unwrap();
            policy.set_limit("grace_ms", 100).unwrap();
        })
    })
}

/// What hooks do: never end, never end and heed no interrupt, or raise.
const DEEDS: &str = "import sys, gc, asyncio, threading, builtins
ran = []
def spin(*_, **__):
    ran.append(1)
    while True: pass
def cling(*_, **__):
    ran.append(1)
    while True:
        try:
            while True: pass
        except BaseException: pass
def fail(*_, **__):
    ran.append(1)
    raise RuntimeError('the hook')
kept = 1";

/// Turns until one runs, which must be few; and then all of them do.
fn recovers(session: &mut Session, attack: &str) -> Vec<Outcome> {
    const TURNS_MAX: usize = 3;
    let mut seen = Vec::new();
    loop {
        let outcome = run(session, "20 + 22");
        let is_well = outcome.value.as_deref() == Some("42") && outcome.status == Status::Ok;
        seen.push(outcome);
        if is_well {
            break;
        }
        assert!(seen.len() <= TURNS_MAX, "{attack}\n{seen:#?}");
    }
    for code in [
        "20 + 22",
        "import gc, json, colorsys\ngc.collect()\nprint('said')\n42",
    ] {
        let outcome = run(session, code);
        assert_eq!(
            outcome.value.as_deref(),
            Some("42"),
            "{attack}\n{outcome:#?}"
        );
    }
    assert_eq!(value_of(session, "kept"), "1", "{attack}");
    still_works(session);
    seen
}

/// The turn that leaves such a hook runs into it itself, or the next one does.
#[test]
fn what_keeps_the_next_turn_from_running_is_taken_back() {
    let mut attacks = Vec::new();
    for deed in ["spin", "cling", "fail"] {
        for event in [
            "PY_START",
            "PY_RETURN",
            "LINE",
            "CALL",
            "C_RETURN",
            "INSTRUCTION",
            "RAISE",
            "JUMP",
        ] {
            // What a call into C returns is heard of with the call.
            let set = if event == "C_RETURN" { "CALL" } else { event };
            attacks.push(format!(
                "m = sys.monitoring\nm.use_tool_id(4, 'x')\nm.register_callback(4, m.events.{event}, {deed})\nm.set_events(4, m.events.{set})"
            ));
        }
        attacks.extend([
            format!("sys.addaudithook({deed})"),
            format!("sys.addaudithook(lambda event, *_: {deed}() if event == 'compile' else None)"),
            format!("sys.addaudithook(lambda event, *_: {deed}() if event == 'exec' else None)"),
            format!("sys.settrace({deed})"),
            format!("sys.setprofile({deed})"),
            format!(
                "threading.settrace({deed}); threading.setprofile({deed}); sys.settrace({deed})"
            ),
        ]);
        if deed != "fail" {
            attacks.extend([
                format!("class Out:\n    write = flush = {deed}\nsys.stdout = sys.stderr = Out()"),
                format!("class Out:\n    closed = False\n    def flush(self): pass\n    def __getattr__(self, name): {deed}()\nsys.stdout = Out()"),
            ]);
        }
    }
    each(attacks, |attack| {
        let mut session = session_of(sandbox());
        run(&mut session, DEEDS);
        run(&mut session, attack);
        recovers(&mut session, attack);
    });
}

/// Hooks that wait for a later turn: by then they belong to the state before
/// it, and are taken off.
#[test]
fn hooks_that_wait_for_a_later_turn_are_taken_off() {
    let begin = "turns = []\ndef late(*_, **__):\n    if turns: DEED()\n";
    let mut attacks = Vec::new();
    for deed in ["spin", "cling"] {
        for hook in [
            "sys.addaudithook(late)",
            "sys.addaudithook(lambda event, *_: late() if event == 'compile' else None)",
            "gc.callbacks.append(late)",
            "class F:\n    @staticmethod\n    def find_spec(*_): late()\nsys.meta_path.insert(0, F)",
            "real = builtins.__import__\ndef imported(*a, **k):\n    late()\n    return real(*a, **k)\nbuiltins.__import__ = imported",
            "class Out:\n    def write(self, text): late()\n    flush = write\nsys.stdout = Out()\nsys.stdout.flush = lambda: None",
            "class Name(str):\n    __hash__ = str.__hash__\n    def __eq__(self, other):\n        late()\n        return False\nglobals().pop('_', None)\nglobals()[Name('_')] = 1",
        ] {
            attacks.push(format!("{}{hook}", begin.replace("DEED", deed)));
        }
    }
    each(attacks, |attack| {
        let mut session = session_of(sandbox());
        run(&mut session, DEEDS);
        let outcome = run(&mut session, attack);
        assert!(outcome.is_ok() || outcome.rolled_back, "{outcome:#?}");
        // The control: it does not run yet.
        let outcome = run(&mut session, "x = 5");
        assert!(outcome.is_ok(), "{outcome:#?}");
        run(&mut session, "turns.append(1)");
        let lure = "import gc\ngc.collect()\nprint('said')\ntry: import nothing_of_this_name\nexcept ImportError: pass\n5";
        let outcome = run(&mut session, lure);
        assert_ne!(outcome.status, Status::Ok, "{outcome:#?}");
        recovers(&mut session, attack);
        assert_eq!(value_of(&mut session, "x"), "5");
    });
}

/// Memory that is kept to the last byte is what the next turn lacks.
#[test]
fn memory_that_is_full_is_given_back_with_the_turn() {
    let sandbox = memex_tests::sandbox(|policy| {
        policy.set_limit("memory_bytes", 288 << 20).unwrap();
        policy.set_limit("guest_time_ms", 60_000).unwrap();
    });
    each(["bytes(2_000)", "object()", "[0] * 50"], |block| {
        let mut session = session_of(&sandbox);
        run(&mut session, "kept = 1");
        let code = format!(
            "blocks = []\ntry:\n    while True: blocks.append({block})\nexcept MemoryError: pass"
        );
        let outcome = run(&mut session, &code);
        if outcome.rolled_back {
            let hit = outcome.limit.as_ref().map(|hit| hit.name.as_str());
            assert_eq!((outcome.status, hit), (Status::Limit, Some("memory_bytes")));
        }
        let next = run(&mut session, "20 + 22");
        assert_eq!(next.value.as_deref(), Some("42"), "{outcome:#?}\n{next:#?}");
        assert_eq!(value_of(&mut session, "kept"), "1");
        still_works(&mut session);
    });
}

/// What is hung up and harms nobody stays, also after a turn that was
/// interrupted.
#[test]
fn hooks_that_let_turns_run_stay() {
    let mut session = session_of(sandbox());
    run(&mut session, DEEDS);
    run(
        &mut session,
        "heard = []\nsys.addaudithook(lambda event, *_: heard.append(event))\ngc.callbacks.append(lambda *_: heard.append('gc'))\nclass F:\n    @staticmethod\n    def find_spec(*_): heard.append('find')\nsys.meta_path.insert(0, F)\nsys.excepthook = fail",
    );
    let outcome = run(&mut session, "while True: pass");
    assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
    assert!(!outcome.rolled_back, "{outcome:#?}");
    let heard = value_of(
        &mut session,
        "heard.clear()\ngc.collect()\ntry: import nothing_of_this_name\nexcept ImportError: pass\nsorted({'gc', 'find', 'import'} & set(heard)), sys.excepthook is fail",
    );
    assert_eq!(heard, "(['find', 'gc', 'import'], True)");
}

/// The outcome says what became of the turn, and why.
#[test]
fn the_outcome_says_what_was_taken_back() {
    let mut session = session_of(sandbox());
    run(&mut session, DEEDS);
    let code = "made = 2\nprint('said')\nm = sys.monitoring\nm.use_tool_id(4, 'x')\nm.register_callback(4, m.events.LINE, spin)\nm.set_events(4, m.events.LINE)";
    let outcome = run(&mut session, code);
    assert!(outcome.rolled_back, "{outcome:#?}");
    assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
    assert_eq!(outcome.stdout.text, "said\n");
    let message = &outcome.error.as_ref().unwrap().message;
    assert!(
        message.contains("kept the next one from running") && message.contains("before the turn"),
        "{message}"
    );
    assert_eq!(
        value_of(&mut session, "'made' in globals(), kept"),
        "(False, 1)"
    );

    run(
        &mut session,
        "sys.addaudithook(lambda event, *_: spin() if event == 'compile' else None)",
    );
    let outcome = run(&mut session, "made = 2");
    assert!(outcome.rolled_back, "{outcome:#?}");
    let message = &outcome.error.as_ref().unwrap().message;
    assert!(message.contains("taken off"), "{message}");
    assert_eq!(
        value_of(&mut session, "'made' in globals(), kept"),
        "(False, 1)"
    );
}

/// A session in ruins answers each turn in time, and is itself again after a
/// rewind.
#[test]
fn a_session_beyond_recovery_says_so_and_can_be_rewound() {
    let mut session = session_of(sandbox());
    run(&mut session, "kept = 1");
    let good = session.snapshot().unwrap();
    run(
        &mut session,
        "import memex_guest.entry as e\ndef f(payload): return b'x'\nfor entry in (e.run, e.check, e.disarm): entry.__code__ = f.__code__",
    );
    let outcome = run(&mut session, "1 + 1");
    assert!(outcome.rolled_back, "{outcome:#?}");
    let error = outcome.error.unwrap();
    assert_eq!(error.class, "DispatcherError");
    assert!(
        error.message.contains("hint: rewind it"),
        "{}",
        error.message
    );
    session.rewind(&good).unwrap();
    assert_eq!(value_of(&mut session, "kept"), "1");
    still_works(&mut session);
}
