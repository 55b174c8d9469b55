//! The host's resident memory while hostile blocks run: all of the modules
//! `escapes` and `limits`, again, in a process that runs one test at a time and
//! looks at its peak after every turn.

use memex_runtime::{Frame, HostCalls, Reply, Session, SessionOptions, TurnHandle};
use memex_tests::{Growth, RESIDENT_OVERHEAD_BYTES, RESIDENT_REPORT, measured, run};
use std::fs;
use std::process::Command;

/// Runs tests of this binary in a process that is watched, to their end. Returns
/// the growth in each turn, with the beginning of its code. Whether they pass is
/// told where they run for their own sake.
fn watched(arguments: &[&str]) -> Vec<(Growth, String)> {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .args(["--test-threads", "1"])
        .env(RESIDENT_REPORT, &report)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.contains("test result:"),
        "{stdout}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report = fs::read_to_string(report).unwrap();
    let turns = report.lines().map(|line| {
        let mut fields = line.splitn(3, ' ');
        let mut number = || fields.next().unwrap().parse().unwrap();
        let growth = Growth {
            grown: number(),
            allowed: number(),
        };
        (growth, fields.next().unwrap_or_default().to_owned())
    });
    turns.collect()
}

/// Fewer turns than there are hostile blocks: that many were watched at least.
const TURNS_MIN: usize = 1_000;

#[test]
fn no_hostile_block_makes_the_host_hold_more_than_its_session_may() {
    let mut turns = watched(&["escapes::", "limits::"]);
    assert!(turns.len() >= TURNS_MIN, "{} turns", turns.len());
    turns.retain(|(growth, _)| growth.grown > growth.allowed);
    let told = turns.iter().map(|(growth, code)| {
        let (grown, allowed) = (growth.grown >> 20, growth.allowed >> 20);
        format!("{grown} MiB, {allowed} MiB allowed: {code}")
    });
    let told: Vec<String> = told.collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
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
