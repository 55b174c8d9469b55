//! An oracle: random sequences of WASI calls on files, clocks and random
//! numbers, made of memex and of `wasmtime-wasi` on equal directories.
//!
//! ```text
//! cargo run --release -- [SEQUENCES [SEED]]           every answer is compared
//! cargo run --release -- racing [SEQUENCES [SEED]]    while a program of the host renames and replaces
//! ```
//! In the first form an answer that differs, and is not in `known.rs` with its
//! reason, is a finding, and so is any difference of the directories at the end.
//! In the second form answers depend on who is faster; a finding is whatever
//! reaches something beside the directory.

mod calls;
mod known;
mod module;
mod racing;
mod sides;
mod tree;

use std::collections::BTreeMap;
use std::process::ExitCode;

use fastrand::Rng;
use memex_runtime::fuzzing::ImportCaller;
use tempfile::TempDir;
use wasmtime::{Engine, Module};

use calls::{Answer, Call, SLOTS};
use racing::{Racer, SECRET};
use sides::{Ours, Side, Theirs};

const CALLS_PER_SEQUENCE: usize = 60;
/// Findings that are shown in full.
const SHOWN: usize = 12;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let racing = arguments.first().is_some_and(|first| first == "racing");
    if racing {
        arguments.remove(0);
    }
    let number = |at: usize, otherwise: u64| match arguments.get(at) {
        Some(text) => text.parse().expect("a number"),
        None => otherwise,
    };
    let (sequences, seed) = (number(0, 1000), number(1, 1));
    let wasm = module::module();
    let engine = Engine::default();
    let compiled = Module::new(&engine, &wasm).expect("the module is well formed");
    let caller = ImportCaller::new(&wasm).expect("the module is well formed");
    let mut report = Report::default();
    for sequence in 0..sequences {
        let rng = Rng::with_seed(seed.wrapping_mul(1 << 32).wrapping_add(sequence));
        if racing {
            race(&mut report, rng, &engine, &compiled, &caller);
        } else {
            compare(&mut report, sequence, rng, &engine, &compiled, &caller);
        }
    }
    report.print(sequences, racing)
}

/// What was seen.
#[derive(Default)]
struct Report {
    calls: u64,
    succeeded: u64,
    /// Differences that are meant, by reason.
    meant: BTreeMap<&'static str, u64>,
    /// Differences that are not, by kind, with the first example of each.
    findings: BTreeMap<String, (u64, String)>,
}

impl Report {
    fn find(&mut self, kind: String, example: impl FnOnce() -> String) {
        self.findings
            .entry(kind)
            .or_insert_with(|| (0, example()))
            .0 += 1;
    }

    fn print(&self, sequences: u64, racing: bool) -> ExitCode {
        println!(
            "{sequences} sequences{}, {} calls, {} of them with success",
            if racing { " beside a racing host" } else { "" },
            self.calls,
            self.succeeded
        );
        for (reason, count) in &self.meant {
            println!("{count:>9}  meant: {reason}");
        }
        let mut findings: Vec<_> = self.findings.iter().collect();
        findings.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        for (kind, (count, _)) in &findings {
            println!("{count:>9}  FINDING: {kind}");
        }
        for (kind, (_, example)) in findings.iter().take(SHOWN) {
            println!("\n{kind}\n{example}");
        }
        match findings.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }
}

/// The descriptors of both sides, by slot: the root first, and none at the end.
struct Slots {
    ours: Vec<i32>,
    theirs: Vec<i32>,
}

const CLOSED: i32 = 77;

impl Slots {
    fn new() -> Self {
        let mut fds = vec![CLOSED; SLOTS];
        fds[0] = 3;
        Self {
            ours: fds.clone(),
            theirs: fds,
        }
    }

    /// Puts what both have opened into a slot, in place of an earlier one.
    fn put(&mut self, slot: usize, ours: i32, theirs: i32) -> (i32, i32) {
        let before = (self.ours[slot], self.theirs[slot]);
        self.ours[slot] = ours;
        self.theirs[slot] = theirs;
        before
    }

    fn forget(&mut self, slot: usize) {
        if slot < SLOTS {
            self.put(slot, CLOSED, CLOSED);
        }
    }
}

fn compare(
    report: &mut Report,
    sequence: u64,
    mut rng: Rng,
    engine: &Engine,
    module: &Module,
    caller: &ImportCaller,
) {
    let (our_root, their_root) = (directory(), directory());
    let mut ours = Ours::new(our_root.path(), caller);
    let mut theirs = Theirs::new(their_root.path(), engine, module);
    let mut slots = Slots::new();
    let mut done: Vec<String> = Vec::new();
    for _ in 0..CALLS_PER_SEQUENCE {
        let call = calls::random(&mut rng);
        let (our, their) = (
            calls::perform(&mut ours, &call, &slots.ours),
            calls::perform(&mut theirs, &call, &slots.theirs),
        );
        report.calls += 1;
        done.push(format!("{call:?}"));
        let (our, their) = match (our, their) {
            (Ok(our), Ok(their)) => (our, their),
            (our, their) => {
                let kind = format!("{} trapped", name_of(&call));
                report.find(kind, || {
                    format!("sequence {sequence}: {done:#?}\n{our:?}\n{their:?}")
                });
                return;
            }
        };
        report.succeeded += u64::from(our.errno == 0);
        if !is_equal(&our, &their) {
            match known::reason(&call, &our, &their) {
                Some(reason) => *report.meant.entry(reason).or_default() += 1,
                None => {
                    let kind = format!(
                        "{}: {}, theirs {}",
                        name_of(&call),
                        known::name(our.errno),
                        known::name(their.errno)
                    );
                    let example = || {
                        format!(
                            "sequence {sequence}: {}\nours {our:?}\ntheirs {their:?}",
                            done.join("\n  ")
                        )
                    };
                    report.find(kind, example);
                }
            }
            // From here on the two would differ for that reason alone.
            if our.errno == 0 || their.errno == 0 {
                return;
            }
        }
        follow(
            &call,
            &our,
            &their,
            &mut slots,
            &mut rng,
            (&mut ours, &mut theirs),
        );
    }
    let (our_tree, their_tree) = (tree::tree(our_root.path()), tree::tree(their_root.path()));
    if our_tree != their_tree {
        report.find("the directories differ".to_owned(), || {
            format!(
                "sequence {sequence}: {}\nours {our_tree:#?}\ntheirs {their_tree:#?}",
                done.join("\n  ")
            )
        });
    }
}

fn race(
    report: &mut Report,
    mut rng: Rng,
    engine: &Engine,
    module: &Module,
    caller: &ImportCaller,
) {
    let top = directory();
    for is_ours in [true, false] {
        let at = top.path().join(if is_ours { "ours" } else { "theirs" });
        let root = at.join("root");
        std::fs::create_dir_all(&root).expect("a directory can be made");
        let racer = Racer::start(&root, &at.join("outside"), rng.u64(..));
        let mut side: Box<dyn Side> = match is_ours {
            true => Box::new(Ours::new(&root, caller)),
            false => Box::new(Theirs::new(&root, engine, module)),
        };
        let mut slots = Slots::new();
        for _ in 0..CALLS_PER_SEQUENCE {
            let call = calls::random(&mut rng);
            let answer = calls::perform(side.as_mut(), &call, &slots.ours);
            report.calls += 1;
            let Ok(answer) = answer else {
                report.find(
                    format!("{} trapped, ours {is_ours}", name_of(&call)),
                    || format!("{call:?}"),
                );
                break;
            };
            report.succeeded += u64::from(answer.errno == 0);
            if answer
                .bytes
                .windows(SECRET.len())
                .any(|window| window == SECRET)
            {
                report.find(format!("the secret was read, ours {is_ours}"), || {
                    format!("{call:?}")
                });
            }
            if let Some(fd) = answer.fd {
                let slot = rng.usize(1..SLOTS);
                let before = slots.put(slot, fd, fd);
                let _ = calls::perform(side.as_mut(), &Call::Close(0), &[before.0]);
            }
        }
        let changed = racer.stop();
        if !changed.is_empty() {
            report.find(format!("changed outside, ours {is_ours}"), || {
                changed.join(", ")
            });
        }
    }
}

/// Keeps the slots as the call left the descriptors.
fn follow(
    call: &Call,
    our: &Answer,
    their: &Answer,
    slots: &mut Slots,
    rng: &mut Rng,
    (ours, theirs): (&mut Ours, &mut Theirs),
) {
    if our.errno != 0 {
        return;
    }
    match call {
        Call::Open { .. } => {
            if let (Some(our), Some(their)) = (our.fd, their.fd) {
                let before = slots.put(rng.usize(1..SLOTS), our, their);
                let _ = calls::perform(ours, &Call::Close(0), &[before.0]);
                let _ = calls::perform(theirs, &Call::Close(0), &[before.1]);
            }
        }
        Call::Close(slot) => slots.forget(*slot),
        Call::Renumber(from, to) if from != to => slots.forget(*from),
        // A descriptor of a directory stands for its path here, and for the
        // directory there: after one has moved, none is kept.
        Call::Rename(..) | Call::RemoveDirectory(..) => {
            for slot in 1..SLOTS {
                let open = Call::Flags(slot);
                let kind = calls::perform(theirs, &open, &slots.theirs);
                if kind.is_ok_and(|answer| answer.numbers.first() == Some(&3)) {
                    let _ = calls::perform(ours, &Call::Close(slot), &slots.ours);
                    let _ = calls::perform(theirs, &Call::Close(slot), &slots.theirs);
                    slots.forget(slot);
                }
            }
        }
        _ => {}
    }
}

fn is_equal(ours: &Answer, theirs: &Answer) -> bool {
    let without = |answer: &Answer| Answer {
        fd: None,
        ..answer.clone()
    };
    without(ours) == without(theirs)
}

fn name_of(call: &Call) -> String {
    let text = format!("{call:?}");
    let end = text.find([' ', '(']).unwrap_or(text.len());
    text[..end].to_owned()
}

fn directory() -> TempDir {
    TempDir::new().expect("a directory can be made")
}
