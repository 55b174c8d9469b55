//! Environment variables, clocks and randomness.

use memex_policies::{Clock, Policy, Randomness};
use memex_runtime::{Generators, SessionOptions};
use memex_tests::{
    check_turns, nothing, raises, run, sandbox, session, session_of, standard_sandbox, value,
    value_of,
};
use std::collections::HashSet;
use std::time::{Duration, Instant};

#[test]
fn variables_are_the_policys_and_nobody_elses() {
    // Set for every process that a test runner starts.
    assert!(std::env::var_os("PATH").is_some());
    let sandbox = sandbox(|policy| {
        policy
            .set_variable("API_MODE".into(), "test é=\n".into())
            .unwrap();
        policy.set_variable("EMPTY".into(), String::new()).unwrap();
    });
    check_turns(
        &mut session_of(&sandbox),
        &[
            (
                "import os\nos.environ['API_MODE'], os.getenv('EMPTY'), os.getenv('PATH'), os.getenv('HOSTNAME')",
                value("('test é=\\n', '', None, None)"),
            ),
            (
                "os.environ['MADE'] = 'here'\nos.environ.get('MADE')",
                value("'here'"),
            ),
            ("os.environ['MISSING']", raises("KeyError", &["MISSING"])),
        ],
    );
    check_turns(
        &mut session_of(&sandbox),
        &[(
            "import os\nos.getenv('MADE'), os.getenv('API_MODE')",
            value("(None, 'test é=\\n')"),
        )],
    );
    let mut plain = session();
    let shown = value_of(
        &mut plain,
        "import os
sorted(os.environ.items())",
    );
    for (name, value) in std::env::vars().filter(|(name, _)| name != "HOME") {
        let pair = format!("('{name}', '{value}')");
        assert!(!shown.contains(&pair), "{name} of the host is in {shown}");
    }
}

fn fixed(unix_ns: u64, step_ns: u64) -> impl FnOnce(&mut Policy) {
    move |policy| policy.clock = Clock::Fixed { unix_ns, step_ns }
}

#[test]
fn a_fixed_clock_knows_nothing_of_the_hosts() {
    let sandbox = sandbox(fixed(1_000_000_000_000_000_000, 0));
    check_turns(
        &mut session_of(&sandbox),
        &[
            ("import time, datetime\ntime.time()", value("1000000000.0")),
            (
                "datetime.datetime.now(datetime.UTC).isoformat()",
                value("'2001-09-09T01:46:40+00:00'"),
            ),
            (
                "a = time.perf_counter()\nb = sum(range(10**6))\ntime.perf_counter() - a, time.process_time() - time.process_time()",
                value("(0.0, 0.0)"),
            ),
            (
                "open('/tmp/f', 'w').close()\nimport os\nos.stat('/tmp/f').st_mtime",
                value("1000000000.0"),
            ),
            (
                "import pandas as pd\npd.Timestamp.now('UTC').year",
                value("2001"),
            ),
            ("import uuid\nuuid.uuid1().time > 0", value("True")),
        ],
    );
    // Waiting moves it, in no time.
    let mut session = session_of(&sandbox);
    let begun = Instant::now();
    assert_eq!(
        value_of(
            &mut session,
            "import time\nt = time.time()\ntime.sleep(3600)\ntime.time() - t"
        ),
        "3600.0"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

/// However a turn waits: the clock moves by what was waited for, and the host
/// waits for nothing.
#[test]
fn a_fixed_clock_jumps_over_every_wait() {
    let sandbox = sandbox(fixed(0, 0));
    for wait in [
        "time.sleep(50_000)",
        "await asyncio.sleep(50_000)",
        "asyncio.run(asyncio.sleep(50_000))",
        "await asyncio.gather(asyncio.sleep(20_000), asyncio.sleep(50_000))",
        "for _ in range(5): await asyncio.sleep(10_000)",
        "threading.Event().wait(50_000)",
        "try: await asyncio.wait_for(asyncio.Event().wait(), 50_000)\nexcept TimeoutError: pass",
    ] {
        let mut session = session_of(&sandbox);
        let begun = Instant::now();
        let code = format!(
            "import time, asyncio, threading\nbefore = time.monotonic()\n{wait}\nround(time.monotonic() - before)"
        );
        assert_eq!(value_of(&mut session, &code), "50000", "{wait}");
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{wait}: {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn a_fixed_clock_steps_at_each_reading() {
    let sandbox = sandbox(fixed(0, 1_000_000_000));
    let mut session = session_of(&sandbox);
    let shown = value_of(&mut session, "import time\n[time.time() for _ in range(3)]");
    let times: Vec<f64> = shown
        .trim_matches(['[', ']'])
        .split(", ")
        .map(|t| t.parse().unwrap())
        .collect();
    assert!(
        times[1] == times[0] + 1.0 && times[2] == times[1] + 1.0,
        "{shown}"
    );
}

#[test]
fn the_systems_clock_is_now() {
    let mut session = session();
    let host = || {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64()
    };
    let before = host();
    let shown: f64 = value_of(&mut session, "import time\ntime.time()")
        .parse()
        .unwrap();
    assert!((before - 0.01..=host() + 0.01).contains(&shown), "{shown}");
    assert_eq!(
        value_of(
            &mut session,
            "a = [time.monotonic() for _ in range(1000)]\na == sorted(a)"
        ),
        "True"
    );
}

const DRAWS: &str = "import random, numpy as np, secrets, uuid, os, tempfile, json\njson.dumps([str(d) for d in (random.random(), random.randbytes(4), np.random.rand(), np.random.default_rng().random(), secrets.token_hex(8), str(uuid.uuid4()), os.urandom(8), random.SystemRandom().random(), next(tempfile._get_candidate_names()))])";

/// The single draws in the order of [`DRAWS`].
fn draws(session: &mut memex_runtime::Session) -> Vec<String> {
    run(session, DRAWS);
    serde_json::from_str(&run(session, "print(_)").stdout.text).unwrap()
}

#[test]
fn seeded_sessions_are_equal() {
    let seeded = |seed| {
        sandbox(|policy: &mut Policy| {
            policy.randomness = Randomness::Seeded { seed };
            policy.clock = Clock::Fixed {
                unix_ns: 1,
                step_ns: 1_000,
            };
        })
    };
    let first = seeded(7);
    let (mut a, mut b) = (session_of(&first), session_of(&seeded(7)));
    let turns = [
        "x = {}",
        DRAWS,
        "import time\ntime.time()",
        "hash('text') == hash('text')",
        "list({'a', 'b', 'c', 'd', 'e'})",
        "random.shuffle(l := list(range(20)))\nl",
        "id(object())",
        DRAWS,
    ];
    for code in turns {
        let (left, right) = (run(&mut a, code), run(&mut b, code));
        assert_eq!(
            (left.value, left.stdout),
            (right.value, right.stdout),
            "{code}"
        );
    }
    let mut other = session_of(&seeded(8));
    assert_ne!(
        value_of(&mut other, DRAWS),
        value_of(&mut session_of(&first), DRAWS)
    );
}

#[test]
fn fresh_sessions_draw_fresh_numbers() {
    let mut seen: Vec<HashSet<String>> = Vec::new();
    for _ in 0..20 {
        let drawn = draws(&mut session());
        assert_eq!(drawn.len(), 9, "{drawn:?}");
        seen.resize_with(drawn.len(), HashSet::new);
        for (place, value) in drawn.into_iter().enumerate() {
            assert!(
                seen[place].insert(value.clone()),
                "draw {place} came twice: {value}"
            );
        }
    }
}

#[test]
fn copies_draw_fresh_numbers_unless_they_replay() {
    let mut session = session();
    run(
        &mut session,
        "import random, numpy as np\nnp.random.seed(1)\nrandom.seed(1)",
    );
    let snapshot = session.snapshot().unwrap();
    let draw = |generators| {
        let (mut copy, lost) = standard_sandbox()
            .restore(&snapshot, generators, SessionOptions::default())
            .unwrap();
        assert!(lost.is_empty());
        value_of(&mut copy, "random.random(), np.random.rand()")
    };
    assert_eq!(draw(Generators::Keep), draw(Generators::Keep));
    let (a, b) = (draw(Generators::Fresh), draw(Generators::Fresh));
    assert_ne!(a, b);
    let mut forks = session.fork(3, |_| SessionOptions::default()).unwrap();
    let drawn: HashSet<String> = forks
        .iter_mut()
        .map(|fork| value_of(fork, "random.random(), np.random.rand()"))
        .collect();
    assert_eq!(drawn.len(), 3, "{drawn:?}");
    check_turns(&mut session, &[("random.seed(5)", nothing())]);
}

/// A rolled-back turn must not bring its numbers again: what it drew may have
/// been told already.
#[test]
fn seeds_that_the_code_set_stay_set() {
    let mut session = session();
    run(&mut session, "import random\nrandom.seed(42)");
    let expected = value_of(
        &mut memex_tests::session(),
        "import random\nrandom.seed(42)\nrandom.random()",
    );
    assert_eq!(value_of(&mut session, "random.random()"), expected);
}
