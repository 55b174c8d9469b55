//! Hooks that recognise the host's check and spare it, or act in nothing else:
//! the host counts turns that end badly, and nothing outside happens in a check.

use memex_policies::{Access, Policy};
use memex_runtime::{Generators, Outcome, Sandbox, Session, SessionOptions, Status};
use memex_tests::{each, run, session_of, still_works, value_of};
use std::fs;
use std::sync::OnceLock;

fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        memex_tests::sandbox(|policy: &mut Policy| {
            policy.set_limit("guest_time_ms", 250).unwrap();
            policy.set_limit("wall_time_ms", 5_000).unwrap();
            policy.set_limit("grace_ms", 100).unwrap();
        })
    })
}

/// Deeds that wait until `turns` holds something, and spare the host's check,
/// by the frames that stand.
const DEEDS: &str = "import sys, os, gc, asyncio, threading, builtins, warnings
ran = []
turns = []
kept = 1
def is_check():
    frame = sys._getframe()
    while frame is not None:
        scope = frame.f_globals
        if frame.f_code.co_filename == '<turn 0>' or scope.get('__name__') == 'memex_guest.recovery':
            return True
        if scope.get('__name__') == 'memex_guest.entry' and frame.f_code.co_name in ('check', 'disarm'):
            return True
        frame = frame.f_back
    return False
def spin(*_, **__):
    if turns and not is_check():
        ran.append(1)
        while True: pass
def cling(*_, **__):
    if turns and not is_check():
        ran.append(1)
        while True:
            try:
                while True: pass
            except BaseException: pass
";

/// Ways to leave a deed, and turns that run into it, whose value is 5.
const HOOKS: &[(&str, &str)] = &[
    ("sys.addaudithook(DEED)", "5"),
    (
        "sys.addaudithook(lambda event, *_: DEED() if event == 'compile' else None)",
        "5",
    ),
    (
        "sys.addaudithook(lambda event, *_: DEED() if event == 'exec' else None)",
        "5",
    ),
    (
        "m = sys.monitoring\ndef watch(event, *_):\n    if event == 'exec' and turns and not is_check() and m.get_tool(4) is None:\n        m.use_tool_id(4, 'x')\n        m.register_callback(4, m.events.LINE, DEED)\n        m.set_events(4, m.events.LINE)\nsys.addaudithook(watch)",
        "x = 4\nx + 1",
    ),
    (
        "sys.addaudithook(lambda event, *_: sys.settrace(DEED) if event == 'exec' and turns and not is_check() else None)",
        "def f(): return 5\nf()",
    ),
    (
        "sys.addaudithook(lambda event, *_: sys.setprofile(DEED) if event == 'exec' and turns and not is_check() else None)",
        "def f(): return 5\nf()",
    ),
    ("gc.callbacks.append(DEED)", "import gc\ngc.collect()\n5"),
    (
        "class F:\n    @staticmethod\n    def find_spec(*_): DEED()\nsys.meta_path.insert(0, F)",
        "try: import nothing_of_this_name\nexcept ImportError: pass\n5",
    ),
    (
        "real = builtins.__import__\ndef imported(*a, **k):\n    DEED()\n    return real(*a, **k)\nbuiltins.__import__ = imported",
        "import json\n5",
    ),
    (
        "made = builtins.__build_class__\ndef build(*a, **k):\n    DEED()\n    return made(*a, **k)\nbuiltins.__build_class__ = build",
        "class A: pass\n5",
    ),
    (
        "class Out:\n    def write(self, text): DEED()\n    def flush(self): pass\nsys.stdout = Out()",
        "print('said')\n5",
    ),
    (
        "class Name(str):\n    __hash__ = str.__hash__\n    def __eq__(self, other):\n        DEED()\n        return str.__eq__(self, other)\nglobals().pop('_', None)\nglobals()[Name('_')] = 1",
        "5",
    ),
    (
        "sys.excepthook = DEED",
        "try: 1/0\nexcept ZeroDivisionError as error: sys.excepthook(type(error), error, None)\n5",
    ),
    ("sys.displayhook = DEED", "sys.displayhook(5)\n5"),
    (
        "sys.unraisablehook = DEED",
        "class D:\n    def __del__(self): 1/0\nD()\n5",
    ),
    (
        "threading.excepthook = DEED",
        "t = threading.Thread(target=lambda: 1/0)\nt.start()\nt.join()\n5",
    ),
    (
        "warnings.showwarning = DEED",
        "warnings.warn_explicit('x', UserWarning, 'f', len(turns) + len(ran))\n5",
    ),
    (
        "await asyncio.sleep(0)\nasyncio.get_running_loop().set_exception_handler(DEED)",
        "asyncio.get_running_loop().call_soon(lambda: 1/0)\nawait asyncio.sleep(0.001)\n5",
    ),
    (
        "await asyncio.sleep(0)\ndef factory(loop, coroutine, **more):\n    DEED()\n    return asyncio.Task(coroutine, loop=loop, **more)\nasyncio.get_running_loop().set_task_factory(factory)",
        "await asyncio.create_task(asyncio.sleep(0, 5))",
    ),
    (
        "class Policy(type(asyncio.get_event_loop_policy())):\n    def new_event_loop(self):\n        DEED()\n        return super().new_event_loop()\nasyncio.set_event_loop_policy(Policy())",
        "asyncio.run(asyncio.sleep(0, 5))",
    ),
    (
        "await asyncio.sleep(0)\nloop = asyncio.get_running_loop()\nreal = loop.call_soon\ndef soon(*a, **k):\n    DEED()\n    return real(*a, **k)\nloop.call_soon = soon",
        "await asyncio.sleep(0, 5)",
    ),
];

fn is_well(outcome: &Outcome) -> bool {
    outcome.is_ok() && outcome.limit.is_none() && outcome.value.as_deref() == Some("5")
}

/// Turns until one runs; all of what they came to.
fn recovers(session: &mut Session, attack: &str, lure: &str, turns_max: usize) -> Vec<Outcome> {
    let mut seen = Vec::new();
    loop {
        let outcome = run(session, lure);
        let is_last = is_well(&outcome);
        seen.push(outcome);
        if is_last {
            return seen;
        }
        assert!(seen.len() <= turns_max, "{attack}\n{seen:#?}");
    }
}

/// What all the turns told, stderr included.
fn told(seen: &[Outcome]) -> String {
    let one = |outcome: &Outcome| {
        let error = outcome.error.as_ref().map(|error| error.message.as_str());
        format!("{} {}", error.unwrap_or_default(), outcome.stderr.text)
    };
    seen.iter().map(one).collect()
}

#[test]
fn hooks_that_spare_the_check_are_taken_off_after_two_turns_that_were_stopped() {
    let cases = ["spin", "cling"]
        .into_iter()
        .flat_map(|deed| HOOKS.iter().map(move |hook| (deed, hook)));
    each(cases, |(deed, (hook, lure))| {
        let attack = hook.replace("DEED", deed);
        let mut session = session_of(sandbox());
        assert!(run(&mut session, DEEDS).is_ok());
        let outcome = run(&mut session, &attack);
        assert!(outcome.is_ok(), "{attack}\n{outcome:#?}");
        // The control: it does not run yet, and what the lure does is well.
        let outcome = run(&mut session, lure);
        assert!(is_well(&outcome), "{attack}\n{outcome:#?}");
        run(&mut session, "turns.append(1)");
        let seen = recovers(&mut session, &attack, lure, 3);
        assert!(seen.len() > 1, "the attack did not run: {attack}");
        assert!(told(&seen).contains("taken off"), "{attack}\n{seen:#?}");
        assert_eq!(value_of(&mut session, "kept, turns"), "(1, [1])");
        still_works(&mut session);
    });
}

/// A hook that raises in every turn, and forges the lines that would show that
/// the turn's own code never began.
#[test]
fn hooks_that_forge_the_traceback_are_taken_off() {
    let attack = |raised: &str, spared: &str| {
        format!(
            "inside = []\ndef forge(event, args):\n    if event == 'compile' and turns and not inside and not {spared}:\n        inside.append(1)\n        try: code = compile(\"{raised}\", args[1] or '<turn 9>', 'exec')\n        finally: inside.clear()\n        exec(code)\nsys.addaudithook(forge)"
        )
    };
    for (raised, spared, turns_max) in [
        ("raise ValueError('forged')", "False", 2),
        ("raise ValueError('forged')", "is_check()", 9),
        ("raise SystemExit(0)", "False", 2),
        ("raise SystemExit(0)", "is_check()", 9),
    ] {
        let attack = attack(raised, spared);
        let mut session = session_of(sandbox());
        run(&mut session, DEEDS);
        let outcome = run(&mut session, &attack);
        assert!(outcome.is_ok(), "{outcome:#?}");
        run(&mut session, "turns.append(1)");
        let seen = recovers(&mut session, &attack, "5", turns_max);
        assert!(seen.len() > 1, "the attack did not run: {attack}");
        if raised.contains("ValueError") {
            let traceback = &seen[0].error.as_ref().unwrap().traceback;
            let frame = format!("\"<turn {}>\"", seen[0].turn);
            assert!(traceback.contains(&frame), "nothing is forged: {traceback}");
        }
        assert!(told(&seen).contains("taken off"), "{attack}\n{seen:#?}");
        assert_eq!(value_of(&mut session, "kept"), "1");
        still_works(&mut session);
    }
}

/// A hook that acts in turns of even numbers.
const EVERY_SECOND: &str = "def every_second(event, args):
    name = str(args[1]) if event == 'compile' else ''
    if turns and name.startswith('<turn ') and int(name[6:-1]) % 2 == 0 and not is_check():
        DEED
sys.addaudithook(every_second)";

#[test]
fn hooks_that_spare_every_second_turn_are_taken_off() {
    for (deed, stopped_max) in [("spin()", 3), ("cling()", 3), ("ran.append(1); 1/0", 22)] {
        let mut session = session_of(sandbox());
        run(&mut session, DEEDS);
        let attack = EVERY_SECOND.replace("DEED", deed);
        assert!(run(&mut session, &attack).is_ok(), "{attack}");
        run(&mut session, "turns.append(1)");
        let mut seen: Vec<Outcome> = Vec::new();
        while !told(&seen).contains("taken off") {
            // Another text each time: what comes again is not compiled, and meets no hook.
            let outcome = run(&mut session, &format!("5  # {}", seen.len()));
            // The control: those that are spared end well.
            assert_eq!(is_well(&outcome), outcome.turn % 2 == 1, "{outcome:#?}");
            seen.push(outcome);
            let stopped = seen.iter().filter(|outcome| !is_well(outcome)).count();
            assert!(stopped <= stopped_max, "{deed}: {stopped} turns");
        }
        assert!(seen.len() > 2, "the attack did not run: {attack}");
        for turn in 0..4 {
            let block = format!("5  # at last {turn}");
            assert!(is_well(&run(&mut session, &block)));
        }
        assert_eq!(value_of(&mut session, "kept"), "1");
        still_works(&mut session);
    }
}

/// Ways in which another session goes on with each turn.
#[test]
fn a_session_that_moves_between_turns_is_counted_all_the_same() {
    let by_store = |mut session: Session| {
        let snapshot = session.snapshot().unwrap();
        let encoded = sandbox().encode(&snapshot, Generators::Keep).unwrap();
        let (read, generators) = sandbox().decode_whole(&encoded).unwrap();
        let restored = sandbox().restore(&read, generators, SessionOptions::default());
        restored.unwrap().0
    };
    let by_fork = |mut session: Session| {
        let mut forks = session.fork(1, |_| SessionOptions::default()).unwrap();
        forks.remove(0)
    };
    let by_sleep = |session: Session| session.hibernate().unwrap().wake().unwrap().0;
    let by_rewind = |mut session: Session| {
        let snapshot = session.snapshot().unwrap();
        let mut other = session_of(sandbox());
        other.rewind(&snapshot).unwrap();
        other
    };
    let ways: [(&str, &dyn Fn(Session) -> Session); 4] = [
        ("store", &by_store),
        ("fork", &by_fork),
        ("sleep", &by_sleep),
        ("rewind", &by_rewind),
    ];
    for (way, go_on) in ways {
        let mut session = session_of(sandbox());
        run(&mut session, DEEDS);
        let attack = "sys.addaudithook(lambda event, *_: spin() if event == 'compile' else None)";
        let outcome = run(&mut session, attack);
        assert!(outcome.is_ok(), "{way}\n{outcome:#?}");
        session = go_on(session);
        assert!(run(&mut session, "turns.append(1)").is_ok(), "{way}");
        let mut seen = Vec::new();
        while !told(&seen).contains("taken off") {
            assert!(seen.len() < 2, "{way}\n{seen:#?}");
            session = go_on(session);
            let outcome = run(&mut session, "5");
            assert!(!is_well(&outcome), "the attack did not run: {way}");
            seen.push(outcome);
        }
        assert_eq!(seen.len(), 2, "{way}");
        session = go_on(session);
        assert!(is_well(&run(&mut session, "5")), "{way}");
        assert_eq!(value_of(&mut session, "kept, turns"), "(1, [1])");
    }
}

/// Honest code that is slow twice keeps all it has made, and loses hooks.
#[test]
fn a_turn_that_runs_into_its_time_twice_loses_nothing_but_hooks() {
    let mut session = session_of(sandbox());
    run(
        &mut session,
        "import sys, gc, asyncio\nkept = {'a': [1]}\nasync def tick():\n    await asyncio.sleep(0.01)\n    return 7\ntask = asyncio.create_task(tick())\nheard = []\nsys.addaudithook(lambda event, *_: heard.append(event))\ngc.callbacks.append(lambda *_: heard.append('gc'))\nopen('/tmp/f', 'w').write('x')\nawait asyncio.sleep(0)",
    );
    for round in 1..=2 {
        let outcome = run(
            &mut session,
            &format!("made{round} = {round}\nwhile True: pass"),
        );
        assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
        assert!(!outcome.rolled_back, "{outcome:#?}");
        let error = outcome.error.unwrap();
        assert_eq!(error.class, "TimeoutError");
        let lines = error.message.matches("are taken off").count();
        assert_eq!(lines, round - 1, "{}", error.message);
        if round == 1 {
            assert_eq!(
                value_of(
                    &mut session,
                    "heard.clear(); gc.collect(); compile('1', 'f', 'eval')\n'gc' in heard and 'compile' in heard"
                ),
                "True"
            );
            // A turn that is well takes a part of it back.
            let outcome = run(&mut session, "while True: pass");
            assert!(!outcome.error.unwrap().message.contains("are taken off"));
        }
    }
    let state = value_of(
        &mut session,
        "heard.clear(); gc.collect(); compile('1', 'f', 'eval')\nkept, made1, made2, heard, open('/tmp/f').read(), await task",
    );
    assert_eq!(state, "({'a': [1]}, 1, 2, [], 'x', 7)");
    // There is nothing left to tell of.
    for _ in 0..3 {
        let outcome = run(&mut session, "while True: pass");
        assert!(!outcome.rolled_back, "{outcome:#?}");
        let message = outcome.error.unwrap().message;
        assert!(!message.contains("taken off"), "{message}");
    }
    still_works(&mut session);
}

/// Code that fails honestly, some times in a row, keeps its hooks.
#[test]
fn turns_that_fail_some_times_keep_their_hooks() {
    let mut session = session_of(sandbox());
    run(
        &mut session,
        "import sys\nheard = []\nsys.addaudithook(lambda event, *_: heard.append(event))",
    );
    for _ in 0..7 {
        let outcome = run(&mut session, "1/0");
        assert_eq!(outcome.error.unwrap().message, "division by zero");
    }
    assert_eq!(value_of(&mut session, "'exec' in heard"), "True");
}

/// What a hook does in the check: each as it goes in a turn, which is the
/// control.
const DEED_OUTSIDE: &str = "import sys, os, errno, _host
from memex_guest import channel
def attempt(name, deed):
    try: deed(); done[name] = 'done'
    except OSError as error: done[name] = errno.errorcode.get(error.errno, str(error))
    except Exception as error: done[name] = type(error).__name__
def act():
    attempt('write', lambda: os.write(held, b'x'))
    attempt('size', lambda: os.ftruncate(held, 5))
    attempt('times', lambda: os.utime('/work/old', (1, 1)))
    attempt('make', lambda: os.close(os.open('/work/new', os.O_WRONLY | os.O_CREAT)))
    attempt('open', lambda: os.close(os.open('/work/old', os.O_WRONLY)))
    attempt('cut', lambda: os.close(os.open('/work/old', os.O_RDONLY | os.O_TRUNC)))
    attempt('mkdir', lambda: os.mkdir('/work/dir'))
    attempt('rename', lambda: os.rename('/work/spare', '/work/moved'))
    attempt('link', lambda: os.symlink('old', '/work/link'))
    attempt('hard link', lambda: os.link('/work/old', '/work/hard'))
    attempt('unlink', lambda: os.unlink('/work/old'))
    attempt('rmdir', lambda: os.rmdir('/work/empty'))
    attempt('call', lambda: channel.call(1, {'text': 'x'}, ()))
    attempt('read', lambda: os.close(os.open('/work/old', os.O_RDONLY)))
    attempt('scratch', lambda: os.close(os.open('/tmp/s', os.O_WRONLY | os.O_CREAT)))
held = os.open('/work/held', os.O_RDWR)
done = {}
";

#[test]
fn nothing_outside_happens_in_the_check() {
    let seen = |path: &std::path::Path| {
        let mut found: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let metadata = entry.metadata().unwrap();
                let modified = metadata.modified().unwrap();
                (entry.file_name(), metadata.len(), modified)
            })
            .collect();
        found.sort();
        found
    };
    for in_check in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("empty")).unwrap();
        for name in ["old", "held", "spare"] {
            fs::write(directory.path().join(name), "1234567").unwrap();
        }
        let sandbox = memex_tests::sandbox(|policy: &mut Policy| {
            policy.set_limit("guest_time_ms", 400).unwrap();
            policy
                .grant_directory(directory.path(), "/work", Access::ReadWrite)
                .unwrap();
        });
        let mut session = session_of(&sandbox);
        run(&mut session, DEEDS);
        let outcome = run(&mut session, DEED_OUTSIDE);
        assert!(outcome.is_ok(), "{outcome:#?}");
        let before = seen(directory.path());
        if in_check {
            let hook = "inside = []\ndef hook(event, *_):\n    if event == 'compile' and not inside and is_check():\n        inside.append(1)\n        try: act(); print('said')\n        finally: inside.clear()\nsys.addaudithook(hook)";
            assert!(run(&mut session, hook).is_ok());
            let outcome = run(&mut session, "while True: pass");
            assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
            assert!(!outcome.stdout.text.contains("said"), "{outcome:#?}");
            let done = value_of(
                &mut session,
                "refused = {name for name, what in done.items() if what == 'EROFS'}\nsorted(refused), {name: what for name, what in done.items() if name not in refused}",
            );
            assert_eq!(
                done,
                "(['cut', 'hard link', 'link', 'make', 'mkdir', 'open', 'rename', 'rmdir', 'size', 'times', 'unlink', 'write'], {'call': 'no turn runs', 'read': 'done', 'scratch': 'done'})"
            );
            assert_eq!(seen(directory.path()), before);
            // After it the grant is as it was.
            assert_eq!(value_of(&mut session, "os.write(held, b'x')"), "1");
        } else {
            let done = value_of(
                &mut session,
                "act()\n{what for name, what in done.items() if name not in ('call', 'read')}",
            );
            assert_eq!(done, "{'done'}");
            assert_ne!(seen(directory.path()), before);
        }
    }
}
