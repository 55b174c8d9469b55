//! How long after its deadline a hostile turn is over.

use crate::context::{Context, run_ok, session, unexpected};
use crate::entry::{Entry, Measured};
use crate::error::Error;
use crate::statistics::{Readings, timed};
use memex_runtime::{Outcome, Sandbox, Session, Status};
use std::time::Duration;

const BASE: Entry = Entry {
    unit: "ms",
    target_is_p99: true,
    ..Entry::of("overshoot")
};

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "overshoot_soft_ms",
        about: "From the deadline to the outcome, of turns that end with `TimeoutError` and keep their scope",
        target: Some(10.0),
        measure: |context| overshoot(context, SOFT, Ending::Soft),
        ..BASE
    },
    Entry {
        name: "overshoot_hard_ms",
        about: "From the end of the grace time to the outcome, of turns that are rolled back",
        target: Some(50.0),
        measure: |context| overshoot(context, HARD, Ending::Hard),
        ..BASE
    },
];

/// Time that a turn may take before the soft interrupt.
const DEADLINE: Duration = Duration::from_millis(30);
/// The same for turns that have to prepare something large first.
const LATE_DEADLINE: Duration = Duration::from_millis(400);
/// Time from the soft interrupt to the hard one.
const GRACE: Duration = Duration::from_millis(20);
/// Code that swallows every exception has a moment where it does not, so a
/// turn can end otherwise than it usually does: it is tried again this often.
const ATTEMPTS_PER_READING: usize = 4;

#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Soft,
    Hard,
}

/// Code that does not end by itself, or not soon.
struct Case {
    name: &'static str,
    code: &'static str,
    /// Whether it needs the late deadline.
    is_late: bool,
    count: usize,
}

const fn case(name: &'static str, code: &'static str) -> Case {
    Case {
        name,
        code,
        is_late: false,
        count: 20,
    }
}

const fn late(name: &'static str, code: &'static str) -> Case {
    Case {
        name,
        code,
        is_late: true,
        count: 10,
    }
}

/// The interpreter looks at its flags often: in Python code, and in C code that
/// asks for signals.
const SOFT: &[Case] = &[
    case("while", "while True: pass"),
    case("for", "for i in range(10**12): x = i"),
    case(
        "calls",
        "def f(n):\n    return 0 if n == 0 else f(n - 1)\nwhile True: f(100)",
    ),
    case("generator", "sum(1 for i in range(10**12) if i < 0)"),
    case("print", "while True: print('x' * 100)"),
    case("sleep", "import time\nwhile True: time.sleep(0.001)"),
    case("long sleep", "import time\ntime.sleep(3600)"),
    case("await", "import asyncio\nawait asyncio.sleep(3600)"),
    case(
        "tasks",
        "import asyncio\nasync def f():\n    while True: await asyncio.sleep(0)\nawait asyncio.gather(f(), f())",
    ),
    case(
        "sort by key",
        "while True: sorted(range(10**4), key=lambda x: -x)",
    ),
    case(
        "pandas",
        "import pandas as pd\nframe = pd.DataFrame({'k': [1, 2] * 50, 'v': range(100)})\nwhile True: frame.groupby('k').v.sum()",
    ),
    case(
        "numpy",
        "import numpy as np\na = np.arange(1000.0)\nwhile True: a = np.sqrt(a * a)",
    ),
    case("power", "7 ** (7 ** 9)"),
    case("digits", "int('9' * 4000) ** 20000"),
    case("regex", "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')"),
];

/// Code that sees no exception, because it swallows it or is not in Python.
const HARD: &[Case] = &[
    case(
        "except",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    ),
    case("sum", "sum(range(10**12))"),
    case(
        "memset",
        "while True:\n    try:\n        while True: b = bytes(64 * 2**20)\n    except BaseException: pass",
    ),
    case(
        "repeat",
        "b = bytearray(2**20)\nwhile True:\n    try:\n        while True: c = b * 200\n    except BaseException: pass",
    ),
    case(
        "find",
        "('a' * 10**6).count('a' * 5 * 10**5 + 'b') or ('ab' * 10**7).find('b' * 5 + 'a' * 10**6)\nwhile True:\n    try:\n        while True: ('a' * 10**7).find('a' * 10**6 + 'b')\n    except BaseException: pass",
    ),
    case("all", "import itertools\nall(itertools.repeat(True))"),
    case(
        "dot",
        "import numpy as np\na = np.ones((1500, 1500))\na @ a @ a @ a @ a",
    ),
    late(
        "sort",
        "import numpy as np\na = np.arange(20_000_000, dtype='f8')[::-1]\na = np.sort(a)\nwhile True:\n    try:\n        while True: np.sort(a)\n    except BaseException: pass",
    ),
    late(
        "list sort",
        "a = [(i * 7919) % 1000003 for i in range(10**6)]\nwhile True:\n    try:\n        while True: sorted(a)\n    except BaseException: pass",
    ),
    late(
        "cumsum",
        "import numpy as np\na = np.ones(10**7)\nwhile True:\n    try:\n        while True: np.cumsum(a)\n    except BaseException: pass",
    ),
    late(
        "json",
        "import json\na = json.dumps(list(range(10**6)))\nwhile True:\n    try:\n        while True: json.loads(a)\n    except BaseException: pass",
    ),
];

fn overshoot(context: &Context, cases: &[Case], ending: Ending) -> Result<Measured, Error> {
    let soon = limited(context, DEADLINE)?;
    let later = limited(context, LATE_DEADLINE)?;
    let mut all = Readings::default();
    let mut worst = Vec::new();
    let mut otherwise = 0;
    for case in cases {
        let (sandbox, deadline) = if case.is_late {
            (&later, LATE_DEADLINE)
        } else {
            (&soon, DEADLINE)
        };
        let deadline = if ending == Ending::Hard {
            deadline + GRACE
        } else {
            deadline
        };
        let mut of_case = Readings::default();
        let mut session = session(sandbox)?;
        for attempt in 0.. {
            if of_case.len() == case.count || attempt == ATTEMPTS_PER_READING * case.count {
                break;
            }
            let (outcome, took) = timed(|| session.run(case.code));
            if ending_of(case, &outcome?, &mut session)? == ending {
                of_case.push(took.saturating_sub(deadline).as_secs_f64() * 1e3);
            } else {
                otherwise += 1;
            }
        }
        let max = of_case.max().ok_or_else(|| {
            Error::NoReadings(format!("the case `{}` never ends that way", case.name))
        })?;
        worst.push((case.name, max));
        all.extend(&of_case);
    }
    worst.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let worst: Vec<_> = worst
        .iter()
        .take(5)
        .map(|(name, max)| format!("{name} {max:.1}"))
        .collect();
    let note = format!(
        "{} hostile cases, grace {} ms, {otherwise} turns that ended the other way left out; slowest: {}",
        cases.len(),
        GRACE.as_millis(),
        worst.join(", ")
    );
    Ok(Measured::new(all.summary("hostile turns")?, note))
}

fn limited(context: &Context, deadline: Duration) -> Result<Sandbox, Error> {
    context.sandbox(|policy| {
        policy.limits.guest_time_ms = millis(deadline);
        policy.limits.wall_time_ms = millis(deadline);
        policy.limits.grace_ms = millis(GRACE);
    })
}

/// How the deadline ended the turn; the session must go on.
fn ending_of(case: &Case, outcome: &Outcome, session: &mut Session) -> Result<Ending, Error> {
    let by_deadline = outcome.status == Status::Limit
        && outcome
            .limit
            .as_ref()
            .is_some_and(|hit| hit.name.ends_with("_time_ms"));
    if !by_deadline {
        return Err(unexpected(case.name, "an end by its deadline", outcome));
    }
    run_ok(session, "pass")?;
    Ok(if outcome.rolled_back {
        Ending::Hard
    } else {
        Ending::Soft
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
