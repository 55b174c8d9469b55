//! Memory: growth past the limit is refused, and Python raises `MemoryError`.

use memex_policies::Policy;
use memex_runtime::{NoProgress, Sandbox, Status};
use memex_tests::{
    check_turns, each, image, run, runtime, session_of, still_works, value, value_of,
};
use std::sync::{Arc, OnceLock};

const LIMIT: u64 = 384 << 20;

fn cramped() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        memex_tests::sandbox(|policy| policy.set_limit("memory_bytes", LIMIT).unwrap())
    })
}

#[test]
fn bombs_end_in_memory_error() {
    each(
        [
            "x = 'a' * 10**9",
            "x = bytearray(10**9)",
            "x = [0] * 10**8",
            "x = list(range(10**8))",
            "x = (1,) * 10**8",
            "x = {i: i for i in range(10**8)}",
            "x = set(range(10**8))",
            "x = []\nwhile True: x.append(bytearray(10**6))",
            "x = [0]\nwhile True: x += x",
            "x = 'ab'\nwhile True: x += x",
            "x = b''.join(b'a' * 10**6 for _ in range(10**4))",
            "import numpy as np\nx = np.zeros(10**9, dtype='u1')",
            "import numpy as np\nx = np.ones((20000, 20000))",
            "import numpy as np\nx = [np.ones(10**6) for _ in range(1000)]",
            "import pandas as pd\nx = pd.DataFrame({i: range(10**6) for i in range(200)})",
            "import itertools\nx = list(itertools.repeat(None))",
            "x = 1 << 10**10",
            "x = '%0999999999d' % 1",
            "x = f'{1:>999999999}'",
            "import json\nx = json.loads('[' + '0,' * 10**8 + '0]')",
            "import io\nx = io.BytesIO()\nwhile True: x.write(bytes(10**6))",
            "import collections\nx = collections.deque(range(10**8))",
            "import array\nx = array.array('b', bytes(10**9))",
            "import zlib\nx = zlib.decompress(zlib.compress(bytes(10**8)) , bufsize=10**9)",
            "import random\nx = random.randbytes(10**9)",
            "x = compile('x = ' + '[' * 99 + '1' + ']' * 99 + ' + 1' * 10**7, 'f', 'eval')",
        ],
        |code| {
            let mut session = session_of(cramped());
            run(&mut session, "kept = 1");
            let outcome = run(&mut session, &format!("print('said')\n{code}"));
            assert_eq!(outcome.stdout.text, "said\n", "{code}: {outcome:#?}");
            let error = outcome
                .error
                .as_ref()
                .unwrap_or_else(|| panic!("{code}: {outcome:#?}"));
            let is_refusal = error.class.ends_with("MemoryError");
            let is_other = matches!(
                error.class.as_str(),
                "OverflowError" | "ValueError" | "TimeoutError" | "SyntaxError" | "SystemError"
            );
            assert!(is_refusal || is_other, "{code}: {outcome:#?}");
            if is_refusal {
                assert_eq!(outcome.status, Status::Limit, "{code}: {outcome:#?}");
                let hit = outcome.limit.as_ref().unwrap();
                assert_eq!(
                    (hit.name.as_str(), hit.limit),
                    ("memory_bytes", LIMIT),
                    "{code}"
                );
                assert!(hit.actual > LIMIT, "{code}: {hit:?}");
                // Where it left so little that no turn could run, it is taken back.
                let is_back = error.message.contains("kept the next one from running");
                assert_eq!(outcome.rolled_back, is_back, "{code}: {outcome:#?}");
            }
            assert!(
                outcome.memory_bytes <= LIMIT,
                "{code}: {}",
                outcome.memory_bytes
            );
            assert_eq!(value_of(&mut session, "kept"), "1", "{code}");
            still_works(&mut session);
            let outcome = run(&mut session, "x = None");
            assert!(outcome.is_ok(), "{code}: {outcome:#?}");
        },
    );
}

#[test]
fn memory_error_is_no_limit_when_the_code_made_it() {
    check_turns(
        &mut session_of(cramped()),
        &[
            (
                "raise MemoryError('mine')",
                memex_tests::raises("MemoryError", &["mine"]),
            ),
            (
                "try:\n    bytearray(10**9)\nexcept MemoryError:\n    print('caught')",
                memex_tests::prints("caught\n"),
            ),
            ("x = bytearray(10**7)\nlen(x)", value("10000000")),
        ],
    );
}

/// The last page that fits is given, and the one after it refused.
#[test]
fn at_the_bound_and_one_past() {
    let mut session = session_of(cramped());
    let fill = "kept = []\ntry:\n    while True: kept.append(bytearray(2**20))\nexcept MemoryError: pass\nlen(kept) > 50";
    assert_eq!(value_of(&mut session, fill), "True");
    let full = session.memory_bytes();
    assert!(
        full <= LIMIT && full > LIMIT - (4 << 20),
        "{full} of {LIMIT}"
    );
    let outcome = run(&mut session, "kept.append(bytearray(2**24))");
    assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
    still_works(&mut session);
    let outcome = run(&mut session, "del kept\nx = bytearray(2**24)\nlen(x)");
    assert_eq!(outcome.value.as_deref(), Some("16777216"), "{outcome:#?}");
}

/// Less than the image itself has is told before there is a session.
#[test]
fn less_than_the_image() {
    let size = session_of(cramped()).memory_bytes();
    let with = |bytes: u64| {
        let mut policy = Policy::default();
        policy.set_limit("memory_bytes", bytes).unwrap();
        Sandbox::new(runtime(), image(), Arc::new(policy), &mut NoProgress)
    };
    let error = with(size - 1).map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("memory_bytes") && error.contains("hint:"),
        "{error}"
    );
    // Exactly as much: nothing more is given, and small turns run.
    let mut session = session_of(&with(size).unwrap());
    still_works(&mut session);
    let outcome = run(&mut session, "x = bytearray(10**8)");
    assert_eq!(outcome.status, Status::Limit, "{outcome:#?}");
    assert_eq!(session.memory_bytes(), size);
    still_works(&mut session);
}

/// What 32-bit sizes cannot express never reaches the host.
#[test]
fn sizes_that_no_memory_could_have() {
    each(
        [
            "[0] * 10**9",
            "bytearray(2**31 - 1) * 2",
            "(1,) * 10**9",
            "' ' * 2**31",
            "1 << 10**11",
        ],
        |code| {
            let mut session = session_of(cramped());
            let outcome = run(&mut session, code);
            let class = outcome.error.unwrap().class;
            assert!(
                matches!(class.as_str(), "MemoryError" | "OverflowError"),
                "{class}"
            );
            still_works(&mut session);
        },
    );
}

/// What a session had in memory is not held against the next one.
#[test]
fn sessions_start_small_again() {
    let fresh = session_of(cramped()).memory_bytes();
    for _ in 0..5 {
        let mut session = session_of(cramped());
        assert_eq!(session.memory_bytes(), fresh);
        run(&mut session, "x = bytearray(10**8)");
        assert!(session.memory_bytes() > fresh);
    }
}
