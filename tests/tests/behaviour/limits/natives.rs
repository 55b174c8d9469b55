//! What natives are held to: `native_bytes`, and the session's own limits of memory,
//! time and calls.

use memex_policies::Policy;
use memex_runtime::{Outcome, Sandbox, Status};
use memex_tests::{run, session_of, still_works, value_of};
use std::time::{Duration, Instant};

/// What a machine under load may add to a deadline in these tests.
const SLACK: Duration = Duration::from_millis(1_500);

fn with(limits: &[(&str, u64)]) -> Sandbox {
    memex_tests::sandbox(|policy: &mut Policy| {
        for (name, value) in limits {
            policy.set_limit(name, *value).unwrap();
        }
    })
}

fn hit(outcome: &Outcome) -> (&str, u64, u64) {
    let hit = outcome.limit.as_ref().expect("a limit");
    (hit.name.as_str(), hit.limit, hit.actual)
}

const CODE: &str = "from compression import zstd\nimport hashlib";

#[test]
fn native_bytes() {
    let bound = 100_000;
    let mut session = session_of(&with(&[("native_bytes", bound)]));
    run(&mut session, CODE);
    // What is given.
    assert_eq!(
        value_of(
            &mut session,
            "c = zstd.compress(bytes(100_000))\nlen(c) < 100"
        ),
        "True"
    );
    let outcome = run(&mut session, "zstd.compress(bytes(100_001))");
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("native_bytes", bound, bound + 1)),
        "{outcome:#?}"
    );
    let error = outcome.error.unwrap();
    assert_eq!(error.class, "MemoryError");
    assert!(error.message.contains("hint: "), "{error:?}");
    // What is returned: a frame is read in windows that fit, an image is not.
    let image = "import io\nfrom PIL import Image\ndef wide(n):\n    f = io.BytesIO()\n    Image.new('L', (n, 100)).save(f, 'JPEG')\n    return Image.open(f).convert('L').size";
    run(&mut session, image);
    assert_eq!(value_of(&mut session, "wide(1000)"), "(1000, 100)");
    let outcome = run(&mut session, "wide(1001)");
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("native_bytes", bound, bound + 100)),
        "{outcome:#?}"
    );
    // A refusal that the code deals with ends nothing.
    let outcome = run(
        &mut session,
        "try: wide(1001)\nexcept MemoryError: print('went on')",
    );
    assert_eq!(outcome.status, Status::Ok, "{outcome:#?}");
    still_works(&mut session);
}

#[test]
fn what_a_native_holds_counts_as_memory_of_the_session() {
    // 128 * 8 * n bytes.
    let code = |n: u64| {
        format!(
            "import hashlib\nlen(hashlib.scrypt(b'p', salt=b's', n={n}, r=8, p=1, maxmem=2**31 - 1))"
        )
    };
    let mut session = session_of(&with(&[("memory_bytes", 384 << 20)]));
    assert_eq!(value_of(&mut session, &code(1 << 14)), "64");
    let outcome = run(&mut session, &code(1 << 18));
    let (name, limit, actual) = hit(&outcome);
    assert_eq!(
        (outcome.status, name, limit),
        (Status::Limit, "memory_bytes", 384 << 20)
    );
    assert!(actual > 384 << 20, "{actual}");
    assert_eq!(outcome.error.unwrap().class, "MemoryError");
    still_works(&mut session);
    // Where there is room, it has it; a busy machine may take its time.
    let roomy = with(&[("memory_bytes", 1 << 30), ("guest_time_ms", 50_000)]);
    assert_eq!(value_of(&mut session_of(&roomy), &code(1 << 18)), "64");
}

#[test]
fn a_native_computes_on_the_guest_s_clock_and_stops() {
    let hasty = with(&[("guest_time_ms", 300), ("grace_ms", 200)]);
    let mut session = session_of(&hasty);
    run(&mut session, "import hashlib\nkept = 1");
    for code in [
        "hashlib.pbkdf2_hmac('sha256', b'p', b's', 2**31 - 1)",
        "hashlib.scrypt(b'p', salt=b's', n=2, r=1, p=2**20, maxmem=2**31 - 1)",
        // What goes on after the exception is stopped.
        "while True:\n    try: hashlib.pbkdf2_hmac('sha256', b'p', b's', 2**31 - 1)\n    except BaseException: pass",
    ] {
        let begun = Instant::now();
        let outcome = run(&mut session, code);
        let took = begun.elapsed();
        assert!(
            took < Duration::from_millis(500) + SLACK,
            "{took:?} for {code}"
        );
        assert_eq!(
            (outcome.status, hit(&outcome).0),
            (Status::Limit, "guest_time_ms"),
            "{outcome:#?}"
        );
        assert!(
            outcome.guest_time >= Duration::from_millis(300),
            "{outcome:#?}"
        );
        assert_eq!(value_of(&mut session, "kept"), "1");
    }
    // The same with less to do is done.
    assert_eq!(
        value_of(
            &mut session,
            "len(hashlib.pbkdf2_hmac('sha256', b'p', b's', 1000))"
        ),
        "32"
    );
}

#[test]
fn a_native_is_a_host_call() {
    let mut session = session_of(&with(&[("host_calls", 5)]));
    run(
        &mut session,
        "import hashlib\ndef keys(n): return [hashlib.pbkdf2_hmac('sha1', b'p', b's', 1) for _ in range(n)]",
    );
    let outcome = run(&mut session, "len(keys(5))");
    assert_eq!((outcome.status, outcome.host_calls), (Status::Ok, 5));
    let outcome = run(&mut session, "len(keys(6))");
    assert_eq!(
        (outcome.status, hit(&outcome)),
        (Status::Limit, ("host_calls", 5, 6)),
        "{outcome:#?}"
    );
}
