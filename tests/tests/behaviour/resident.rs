//! The host's memory, resident and in memory files, while hostile blocks run, and those whose work natives and the
//! host do in the guest's place: all of the modules `escapes`, `limits` and `natives`, again,
//! in a process that runs one test at a time and looks at its peak after every turn. Answers
//! of models and bodies of requests are watched in the suites `agent` and `server`.

use memex_runtime::{Frame, HostCalls, Reply, Session, SessionOptions, TurnHandle};
use memex_tests::{RESIDENT_OVERHEAD_BYTES, measured, none_is_over, run, watched};

/// Fewer turns than there are hostile blocks: that many were watched at least.
const TURNS_MIN: usize = 1_000;

#[test]
fn no_hostile_block_makes_the_host_hold_more_than_its_session_may() {
    let turns = watched(&["escapes::", "limits::", "natives::"]);
    assert!(turns.len() >= TURNS_MIN, "{} turns", turns.len());
    none_is_over(&turns);
}

/// Allocates in the host as many bytes as the head of a call says.
struct Hog;

impl HostCalls for Hog {
    fn call(&mut self, frame: &Frame<'_>, _turn: &dyn TurnHandle) -> Reply {
        let bytes: usize = std::str::from_utf8(frame.head).unwrap().parse().unwrap();
        let held = std::hint::black_box(vec![1_u8; bytes]);
        Reply::answer(held.len().to_string().into_bytes())
    }
}

const MEMORY_BYTES: u64 = 384 << 20;

#[test]
#[ignore = "runs in a process of its own: see what_the_host_allocates_is_seen"]
fn a_host_call_allocates() {
    let sandbox = memex_tests::sandbox(|policy| {
        policy.set_limit("memory_bytes", MEMORY_BYTES).unwrap();
    });
    let options = SessionOptions {
        calls: Some(Box::new(Hog)),
        ..SessionOptions::default()
    };
    let mut session = sandbox.session(options).unwrap();
    run(&mut session, "import _host, struct");
    let mut call = |bytes: u64| {
        let head = bytes.to_string();
        let code = format!(
            "_host.call(bytes([7]) + struct.pack('<I', {}) + b'{head}')[5:].decode()",
            head.len()
        );
        let run = |session: &mut Session| session.run(&code).unwrap();
        let (outcome, growth) = measured(&mut session, &code, None, run);
        let answer = format!("'{head}'");
        assert_eq!(
            outcome.value.as_deref(),
            Some(answer.as_str()),
            "{outcome:#?}"
        );
        growth.expect("this process is watched")
    };
    let small = call(1 << 20);
    assert!(small.grown <= small.allowed, "{small:?}");
    let large = call(MEMORY_BYTES + RESIDENT_OVERHEAD_BYTES + (1 << 20));
    assert!(large.grown > large.allowed, "{large:?}");
    // The peak of one turn is not held against the next.
    let small = call(1 << 20);
    assert!(small.grown <= small.allowed, "{small:?}");
}

#[test]
fn what_the_host_allocates_is_seen() {
    let turns = watched(&["resident::a_host_call_allocates", "--exact", "--ignored"]);
    let over = turns
        .iter()
        .filter(|(growth, _)| growth.grown > growth.allowed);
    assert_eq!((turns.len(), over.count()), (4, 1), "{turns:#?}");
}

/// What the guest of the next test writes over, beside what it has from its image.
const OVERWRITTEN_BYTES: u64 = 96 << 20;

#[test]
#[ignore = "runs in a process of its own: see what_a_guest_writes_over_is_seen"]
fn a_guest_writes_over_its_memory() {
    let sandbox = memex_tests::sandbox(|policy| {
        policy.set_limit("memory_bytes", MEMORY_BYTES).unwrap();
    });
    let mut session = memex_tests::session_of(&sandbox);
    let mut turn = |code: &str| {
        let (outcome, growth) = measured(&mut session, code, None, |session| {
            session.run(code).unwrap()
        });
        assert!(outcome.is_ok(), "{outcome:#?}");
        growth.expect("this process is watched")
    };
    let made = turn(&format!("held = bytearray(b'a') * {OVERWRITTEN_BYTES}"));
    assert!(made.grown >= OVERWRITTEN_BYTES, "{made:?}");
    // The file below keeps what it holds, for a rollback.
    let written = turn("for at in range(0, len(held), 4096): held[at] = 0");
    assert!(written.grown >= OVERWRITTEN_BYTES, "{written:?}");
    assert!(written.grown <= written.allowed, "{written:?}");
    // The control: a turn that writes nothing.
    let idle = turn("len(held)");
    assert!(idle.grown < OVERWRITTEN_BYTES / 2, "{idle:?}");
}

#[test]
fn what_a_guest_writes_over_is_seen() {
    let name = "resident::a_guest_writes_over_its_memory";
    let turns = watched(&[name, "--exact", "--ignored"]);
    let seen: Vec<u64> = turns.iter().map(|(growth, _)| growth.grown).collect();
    assert_eq!(turns.len(), 3, "{turns:#?}");
    assert!(
        seen[..2].iter().all(|grown| *grown >= OVERWRITTEN_BYTES),
        "{turns:#?}"
    );
    none_is_over(&turns);
}
