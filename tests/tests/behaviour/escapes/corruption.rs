//! The interpreter corrupted on purpose: the session may be spent, the host
//! and every other session go on.

use super::memory::seize;
use memex_policies::Policy;
use memex_runtime::{NoProgress, Runtime, Sandbox, Session, Status};
use memex_tests::{each, image, run, session_of, still_works, try_inspect, try_run, value_of};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn sandbox() -> Sandbox {
    let mut policy = Policy::default();
    policy.set_limit("guest_time_ms", 500).unwrap();
    policy.set_limit("wall_time_ms", 3_000).unwrap();
    policy.set_limit("grace_ms", 100).unwrap();
    Sandbox::new(
        &Runtime::new().unwrap(),
        image(),
        Arc::new(policy),
        &mut NoProgress,
    )
    .unwrap()
}

/// Some more turns in a session that may be in ruins, then a clean one.
fn aftermath(sandbox: &Sandbox, mut session: Session) {
    let begun = Instant::now();
    for code in [
        "1 + 1",
        "print('x')",
        "import gc\ngc.collect()",
        "[i for i in range(1000)]",
    ] {
        if try_run(&mut session, code).is_err() {
            break;
        }
    }
    let _ = session.snapshot();
    let _ = try_inspect(&mut session, r#"{"op":"names"}"#);
    drop(session);
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "the ruins hold up the host: {:?}",
        begun.elapsed()
    );
    let mut next = session_of(sandbox);
    assert_eq!(
        value_of(
            &mut next,
            "import pandas as pd\nint(pd.Series(range(100)).sum())"
        ),
        "4950"
    );
    still_works(&mut next);
}

const CODE: &str = "import opcode, types\nops = opcode.opmap\ndef crash(code, **more):\n    def f(): return None\n    f.__code__ = f.__code__.replace(co_code=bytes(code), **more)\n    return f()\nprint('attack')\n";

#[test]
fn code_that_no_compiler_makes() {
    let sandbox = sandbox();
    each(
        [
            "crash([ops['RETURN_VALUE'], 0])",
            "crash([ops['POP_TOP'], 0] * 1000)",
            "crash([ops['LOAD_CONST'], 255, ops['RETURN_VALUE'], 0])",
            "crash([ops['LOAD_FAST'], 255, ops['RETURN_VALUE'], 0])",
            "crash([ops['STORE_FAST'], 200, ops['RETURN_VALUE'], 0])",
            "crash([ops['JUMP_BACKWARD'], 255])",
            "crash([ops['JUMP_FORWARD'], 255, ops['RETURN_VALUE'], 0])",
            "crash([ops['LOAD_NAME'], 255, ops['RETURN_VALUE'], 0])",
            "crash([ops['LOAD_GLOBAL'], 255, ops['RETURN_VALUE'], 0])",
            "crash([ops['CALL'], 255, ops['RETURN_VALUE'], 0])",
            "crash([ops['BUILD_LIST'], 255, ops['RETURN_VALUE'], 0])",
            "crash([ops['UNPACK_SEQUENCE'], 255, ops['RETURN_VALUE'], 0])",
            "crash([ops['SWAP'], 255, ops['COPY'], 255, ops['RETURN_VALUE'], 0])",
            "crash([ops['RERAISE'], 0])",
            "crash([ops['YIELD_VALUE'], 0, ops['RETURN_VALUE'], 0])",
            "crash([ops['SEND'], 0, ops['END_SEND'], 0])",
            "crash([ops['EXTENDED_ARG'], 255] * 4 + [ops['LOAD_CONST'], 255])",
            "crash([ops['PUSH_NULL'], 0, ops['CALL'], 0, ops['RETURN_VALUE'], 0])",
            "crash([ops['RESUME'], 0, ops['LOAD_CONST'], 1] * 5000)",
            "for op in range(256):\n    try: crash([op, 1, ops['RETURN_VALUE'], 0])\n    except Exception: pass",
            "for op in range(255, 0, -1):\n    try: crash([op, 7] * 3 + [ops['RETURN_VALUE'], 0], co_stacksize=100)\n    except Exception: pass",
            "import random\nr = random.Random(1)\nfor _ in range(2000):\n    try: crash(r.randbytes(20), co_stacksize=50)\n    except BaseException: pass",
            "crash([ops['LOAD_CONST'], 0, ops['RETURN_VALUE'], 0], co_stacksize=2**30)",
            "crash([ops['LOAD_CONST'], 0, ops['RETURN_VALUE'], 0], co_exceptiontable=b'\\xff' * 100)\ndef f(): 1/0\nf.__code__ = f.__code__.replace(co_exceptiontable=b'\\x80\\xff\\xff\\xff' * 10)\nf()",
            "def f(): 1/0\nf.__code__ = f.__code__.replace(co_linetable=b'\\xff' * 50)\nf()",
            "def f(): 1/0\nf.__code__ = f.__code__.replace(co_nlocals=0) if False else f.__code__\nf()",
            "import marshal\nfor i in range(300):\n    b = bytearray(marshal.dumps(crash.__code__))\n    b[i % len(b)] ^= 255\n    try: exec(marshal.loads(bytes(b)))\n    except BaseException: pass",
            "import pickle\nfor i in range(3000):\n    import random\n    try: pickle.loads(random.randbytes(30) + b'.')\n    except BaseException: pass",
            "import array\na = array.array('b', b'x' * 100)\nm = memoryview(a)\ndel a\nm.release()",
            "import types\ntypes.CodeType(0, 0, 0, 0, 0, 0, b'\\x00\\x01', (), (), (), 'f', 'n', 'q', 1, b'', b'')",
        ],
        |attack| {
            let mut session = session_of(&sandbox);
            run(&mut session, "kept = 1");
            let outcome = run(&mut session, &format!("{CODE}{attack}\nprint('passed')"));
            assert!(
                outcome.stdout.text.starts_with("attack"),
                "the attack did not run: {outcome:#?}"
            );
            assert_ne!(outcome.status, Status::Fault, "{outcome:#?}");
            if outcome.rolled_back {
                assert_eq!(value_of(&mut session, "kept"), "1");
                still_works(&mut session);
            }
            aftermath(&sandbox, session);
        },
    );
}

#[test]
fn memory_that_is_overwritten() {
    let sandbox = sandbox();
    each(
        [
            "m[16] = 1",
            "m[16:20] = bytes(4)",
            "m[:2**24] = bytes(2**24)",
            "m[2**24:2**24 + 2**20] = b'\\xff' * 2**20",
            "m[:] = bytes(len(m))",
            "m[:] = b'\\xff' * len(m)",
            "for i in range(0, len(m), 4096): m[i] ^= 255",
            "for i in range(2**24, 2**26, 64): m[i] ^= 1",
            "import random\nfor _ in range(10**5): m[random.randrange(len(m))] = random.randrange(256)",
            "import memex_guest.entry as e\nm[id(e.run):id(e.run) + 64] = b'\\xff' * 64",
            "import memex_guest.entry as e\nm[id(e.run) + 4:id(e.run) + 8] = struct.pack('<I', id(int))",
            "m[id(bytes):id(bytes) + 200] = b'\\xff' * 200",
            "m[id(bytes) + 8:id(bytes) + 12] = b'\\xff\\xff\\xff\\x7f'",
            "m[id(None):id(None) + 8] = bytes(8)",
            "m[id(TimeoutError):id(TimeoutError) + 100] = b'\\xfe' * 100",
            "m[id(KeyboardInterrupt) + 4:id(KeyboardInterrupt) + 8] = bytes(4)",
            "import memex_guest.outcome as o\nm[id(o.FALLBACK) + 8:id(o.FALLBACK) + 12] = struct.pack('<i', 2**31 - 1)",
            "import memex_guest.outcome as o\nm[id(o.FALLBACK) + 8:id(o.FALLBACK) + 12] = struct.pack('<i', -1)",
            "import sys\nm[id(sys.modules):id(sys.modules) + 32] = bytes(32)",
        ],
        |attack| {
            let mut session = session_of(&sandbox);
            seize(&mut session);
            let outcome = try_run(&mut session, &format!("print('attack')\n{attack}"));
            let outcome = outcome.unwrap_or_else(|error| panic!("{error}"));
            assert!(outcome.stdout.text.starts_with("attack"), "{outcome:#?}");
            if outcome.rolled_back {
                still_works(&mut session);
            }
            aftermath(&sandbox, session);
        },
    );
}

/// Objects whose sizes and types lie are what the dispatcher answers with.
#[test]
fn answers_that_lie() {
    let sandbox = sandbox();
    each(
        [
            (
                "size of 2 GiB",
                "m[id(a) + 8:id(a) + 12] = struct.pack('<i', 2**31 - 1)",
            ),
            (
                "negative size",
                "m[id(a) + 8:id(a) + 12] = struct.pack('<i', -1)",
            ),
            (
                "past the end of memory",
                "m[id(a) + 8:id(a) + 12] = struct.pack('<i', len(m) - id(a) - 15)",
            ),
            ("no type", "m[id(a) + 4:id(a) + 8] = bytes(4)"),
            (
                "a type outside of memory",
                "m[id(a) + 4:id(a) + 8] = b'\\xf0\\xff\\xff\\xff'",
            ),
            (
                "another type",
                "m[id(a) + 4:id(a) + 8] = struct.pack('<I', id(int))",
            ),
            ("no references", "m[id(a):id(a) + 4] = bytes(4)"),
        ],
        |(_, lie)| {
            let mut session = session_of(&sandbox);
            seize(&mut session);
            run(
                &mut session,
                "import memex_guest.entry as e\na = b'v' + b'forged' * 10\nkeep = [a] * 10",
            );
            run(
                &mut session,
                &format!(
                    "{lie}\ndef forged(p): return A\ne.run.__globals__['A'] = a\ne.run.__code__ = forged.__code__"
                ),
            );
            let outcome = try_run(&mut session, "1").unwrap_or_else(|error| panic!("{error}"));
            assert_ne!(outcome.status, Status::Fault);
            // A lie that the host took would bring megabytes of guest memory.
            assert!(
                outcome
                    .value
                    .as_ref()
                    .is_none_or(|value| value.len() <= 200_000),
                "{} bytes",
                outcome.value.unwrap().len()
            );
            aftermath(&sandbox, session);
        },
    );
}
