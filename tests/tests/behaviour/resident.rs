//! The host's resident memory while hostile blocks run, and those whose work natives and the
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
