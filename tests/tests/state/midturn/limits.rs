//! Limits hold in children, and forking is bounded and refusable.

use super::{DEFINE_FORK, child, parent};
use memex_policies::Policy;
use memex_runtime::{Error, Forks, Frame, MidTurnFork, Reply, SessionOptions, Status, TurnHandle};
use memex_tests::{run, sandbox, session, standard_sandbox, still_works, value_of};
use std::sync::mpsc::{Sender, channel};

fn limited(changes: &[(&str, u64)]) -> memex_runtime::Sandbox {
    sandbox(|policy: &mut Policy| {
        for (name, value) in changes {
            policy.set_limit(name, *value).unwrap();
        }
    })
}

#[test]
fn nobody_to_give_a_fork_to_is_a_refusal() {
    let mut session = session();
    run(&mut session, DEFINE_FORK);
    let outcome = run(&mut session, "fork()");
    let error = outcome.error.expect("it is refused");
    assert_eq!(error.class, "PermissionError");
    assert!(
        error.message.contains("cannot be forked by its own code"),
        "{error:?}"
    );
    still_works(&mut session);
}

/// Frames of every malformed kind, and forks without end.
#[test]
fn hostile_requests_are_bounded() {
    let sandbox = limited(&[("host_calls", 50), ("host_call_bytes", 1024)]);
    let (mut session, forks) = parent(&sandbox);
    let said = value_of(
        &mut session,
        "import _host\nframes = [b'\\x04', b'\\x04\\1\\0\\0\\0', b'\\x04\\xff\\xff\\xff\\xff', b'\\x04' + bytes(2000), b'\\x04\\0\\0\\0\\0\\x09\\0\\0\\0']\n[_host.call(frame)[0] for frame in frames]",
    );
    assert_eq!(said, "[1, 1, 1, 1, 1]");
    assert!(forks.try_recv().is_err(), "no frame, no fork");
    let outcome = run(
        &mut session,
        "made = 0\nfor _ in range(1000): fork(); made += 1",
    );
    assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
    assert_eq!(outcome.limit.unwrap().name, "host_calls");
    assert_eq!(value_of(&mut session, "made"), "50");
    assert_eq!(forks.try_iter().count(), 50);
}

#[test]
fn children_count_as_sessions() {
    let (mut session, forks) = parent(standard_sandbox());
    run(&mut session, "fork()");
    let born = forks.recv().unwrap().snapshot().unwrap();
    let few = limited(&[("live_sessions", 1)]);
    let first = few.restore(&born, Default::default(), Default::default());
    let second = few.restore(&born, Default::default(), Default::default());
    assert!(first.is_ok(), "the parent has another policy");
    assert!(matches!(second, Err(Error::TooManySessions { .. })));
}

#[test]
fn interrupts_and_memory_limits_work_in_children() {
    let sandbox = limited(&[
        ("guest_time_ms", 300),
        ("grace_ms", 100),
        ("memory_bytes", 512 << 20),
    ]);
    let (mut session, forks) = parent(&sandbox);
    run(
        &mut session,
        "x = 1\ndef f(n): return f(n - 1) if n else fork()\ntry: 1/0\nexcept ZeroDivisionError: f(100)",
    );
    let mut child = child(&forks.recv().unwrap());
    let cases = [
        ("x = 2\nwhile True: pass", "guest_time_ms", false, "2"),
        (
            "x = 3\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass",
            "guest_time_ms",
            true,
            "2",
        ),
        ("x = 4\nb = bytearray(1 << 30)", "memory_bytes", false, "4"),
    ];
    for (code, limit, rolled_back, x) in cases {
        let outcome = run(&mut child, code);
        assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
        assert_eq!(outcome.limit.map(|hit| hit.name).as_deref(), Some(limit));
        assert_eq!(outcome.rolled_back, rolled_back, "{code}");
        assert_eq!(value_of(&mut child, "x"), x);
    }
    let outcome = run(&mut child, "x = 5\ndef r(): r()\nr()");
    assert_eq!(outcome.error.unwrap().class, "RecursionError");
    assert_eq!(value_of(&mut child, "x"), "5");
    assert_eq!(value_of(&mut session, "x"), "1");
}

/// An interrupt that waits for the parent is not the child's.
#[test]
fn an_interrupt_of_the_parent_stays_with_it() {
    struct Late(Sender<MidTurnFork>);
    impl Forks for Late {
        fn fork(&mut self, _: &Frame<'_>, fork: MidTurnFork, turn: &dyn TurnHandle) -> Reply {
            // The next request is made with the interrupt pending.
            turn.wait(None, &mut || false);
            self.0.send(fork).unwrap();
            Reply::answer(b"null".to_vec())
        }
    }
    let sandbox = limited(&[("wall_time_ms", 300), ("grace_ms", 5000)]);
    let (sender, forks) = channel();
    let mut session = sandbox
        .session(SessionOptions {
            forks: Some(Box::new(Late(sender))),
            ..Default::default()
        })
        .unwrap();
    run(&mut session, DEFINE_FORK);
    let outcome = run(
        &mut session,
        "seen = []\nwhile True:\n    try: seen.append(fork())\n    except TimeoutError: fork(); raise",
    );
    assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
    let made: Vec<_> = forks.try_iter().collect();
    assert!(made.len() >= 2, "{}", made.len());
    for fork in made {
        assert_eq!(value_of(&mut child(&fork), "sum(range(1000))"), "499500");
    }
    still_works(&mut session);
}

/// A copy that cannot come to rest is an error for whoever wanted it, and
/// nothing for the parent.
#[test]
fn a_copy_that_does_not_come_to_rest() {
    let sandbox = limited(&[("guest_time_ms", 500), ("grace_ms", 50)]);
    // What the copy runs to tidy up, put there by the parent.
    let cases = [
        ("sys.modules['os']._exit(3)", "its interpreter stopped"),
        ("sum(range(10 ** 12))", "its interpreter stopped"),
        ("raise KeyError('stuck')", "KeyError"),
    ];
    for (body, why) in cases {
        let (mut session, forks) = parent(&sandbox);
        let turn = format!(
            "inner = sys.modules['memex_guest.forks']\nclass Trap:\n    def clear(self): {body}\nkept, inner._reprs = inner._reprs, Trap()\nfork()\ninner._reprs = kept"
        );
        assert!(run(&mut session, &turn).is_ok(), "{body}");
        let fork = forks.recv().unwrap();
        for _ in 0..2 {
            match fork.session(SessionOptions::default()) {
                Err(Error::Fork(text)) => assert!(text.contains(why), "{body}: {text}"),
                Err(other) => panic!("{body}: {other}"),
                Ok(_) => panic!("{body}: it came to rest"),
            }
        }
        run(&mut session, "fork()");
        assert_eq!(value_of(&mut child(&forks.recv().unwrap()), "1 + 1"), "2");
        still_works(&mut session);
    }
}
