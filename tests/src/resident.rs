//! The host's memory while code runs or hostile bytes are read, in a process that does nothing
//! else: see `behaviour/resident.rs`.
//!
//! What is resident is not all: of a memory file that is mapped copy-on-write, pages that were
//! written to are there twice, and the file's own are resident nowhere. So the blocks of
//! memory files are looked at as well, every few milliseconds and at the end.

use memex_runtime::{Error, Outcome, Session};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

/// What a turn may add to the process besides the memory of its session: the
/// image's pages and its code as they are first used, the copy of what the
/// session has changed that a rollback needs, and what the host holds of output,
/// values, displays and calls. SPECIFICATION.md states it as L17.
pub const RESIDENT_OVERHEAD_BYTES: u64 = 128 << 20;

/// Names the file that takes a line for each turn. Without it nothing is watched.
const RESIDENT_REPORT: &str = "MEMEX_TEST_RESIDENT_REPORT";

/// Between two looks at what is held.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How far the process grew in a turn, and how far it may have grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Bytes of the peak above what was held before: what is resident, and memory files.
    pub grown: u64,
    /// The memory of all sessions that ran meanwhile, and the overhead.
    pub allowed: u64,
}

/// Runs tests of this binary in a process that is watched, one at a time and to their end.
/// Returns the growth in each turn, or other work, with the beginning of what it did. Whether
/// they pass is told where they run for their own sake.
///
/// # Panics
/// When they do not run.
pub fn watched(arguments: &[&str]) -> Vec<(Growth, String)> {
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

/// Fails if the process grew too far in one of these.
///
/// # Panics
/// When it did, with each.
pub fn none_is_over(turns: &[(Growth, String)]) {
    let over = turns
        .iter()
        .filter(|(growth, _)| growth.grown > growth.allowed);
    let told: Vec<String> = over
        .map(|(growth, what)| {
            let (grown, allowed) = (growth.grown >> 20, growth.allowed >> 20);
            format!("{grown} MiB, {allowed} MiB allowed: {what}")
        })
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// Does something without a session, and notes how far the process grew meanwhile, if this is
/// a process that is watched. It may grow by `allowed` bytes.
pub fn measured_work<R>(what: &str, allowed: u64, work: impl FnOnce() -> R) -> R {
    let _turn = Turn::begin(0);
    let done = work();
    grown(what, Some(allowed), 0);
    done
}

/// Turns under way. While there are several, each is held against the memory of
/// all of them.
struct Watch {
    report: File,
    running: u64,
    resident: u64,
    held: u64,
    /// The most that was held since.
    peak: u64,
    allowed: u64,
}

fn watch() -> Option<MutexGuard<'static, Watch>> {
    static WATCH: OnceLock<Option<Mutex<Watch>>> = OnceLock::new();
    let watch = WATCH.get_or_init(|| {
        let path = PathBuf::from(std::env::var_os(RESIDENT_REPORT)?);
        let report = OpenOptions::new().append(true).create(true).open(path);
        std::thread::spawn(keep_looking);
        Some(Mutex::new(Watch {
            report: report.unwrap(),
            running: 0,
            resident: 0,
            held: 0,
            peak: 0,
            allowed: RESIDENT_OVERHEAD_BYTES,
        }))
    });
    // A turn that was over its bound has panicked, after it was noted.
    Some(
        watch
            .as_ref()?
            .lock()
            .unwrap_or_else(|lock| lock.into_inner()),
    )
}

/// Looks at what is held while turns are under way.
fn keep_looking() {
    loop {
        std::thread::sleep(LOOK_EVERY);
        if let Some(mut watch) = watch()
            && watch.running > 0
        {
            watch.peak = watch.peak.max(held());
        }
    }
}

/// Does something with a session, and says how far the process grew meanwhile, if
/// this is a process that is watched. `what` names it in the report; `bound` takes
/// the place of the session's memory and the overhead.
///
/// # Panics
/// When the system does not report the resident memory.
pub fn measured<R>(
    session: &mut Session,
    what: &str,
    bound: Option<u64>,
    work: impl FnOnce(&mut Session) -> R,
) -> (R, Option<Growth>) {
    let _turn = Turn::begin(session.sandbox().policy().limits.memory_bytes);
    let done = work(session);
    (done, grown(what, bound, 0))
}

/// A turn under way, if it is watched.
struct Turn;

impl Turn {
    fn begin(memory_bytes: u64) -> Option<Self> {
        let mut watch = watch()?;
        if watch.running == 0 {
            // 5: the peak starts anew at what is resident.
            fs::write("/proc/self/clear_refs", "5").unwrap();
            watch.resident = status("VmRSS:");
            watch.held = held();
            watch.peak = watch.held;
            watch.allowed = RESIDENT_OVERHEAD_BYTES;
        }
        watch.running += 1;
        watch.allowed += memory_bytes;
        Some(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(mut watch) = watch() {
            watch.running -= 1;
        }
    }
}

/// `spared` is what a session's memory did not take of its limit.
fn grown(what: &str, bound: Option<u64>, spared: u64) -> Option<Growth> {
    let mut watch = watch()?;
    watch.peak = watch.peak.max(held());
    let resident = status("VmHWM:").saturating_sub(watch.resident);
    let growth = Growth {
        grown: resident.max(watch.peak.saturating_sub(watch.held)),
        allowed: bound.unwrap_or_else(|| watch.allowed.saturating_sub(spared)),
    };
    let line = what.escape_debug().take(200).collect::<String>();
    writeln!(watch.report, "{} {} {line}", growth.grown, growth.allowed).unwrap();
    Some(growth)
}

/// What the process holds: memory of its own, files that are mapped, and memory files whether
/// they are mapped or not.
fn held() -> u64 {
    let files = memory_files().max(status("RssShmem:"));
    status("RssAnon:") + status("RssFile:") + files
}

/// What the memory files of this process take.
fn memory_files() -> u64 {
    let mut files = BTreeMap::new();
    for descriptor in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let path = descriptor.path();
        // Others may be closed meanwhile.
        let Ok(name) = fs::read_link(&path) else {
            continue;
        };
        if name.to_string_lossy().starts_with("/memfd:")
            && let Ok(file) = fs::metadata(&path)
        {
            files.insert(file.ino(), file.blocks() * 512);
        }
    }
    files.values().sum()
}

/// A line of `/proc/self/status`, in bytes.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kibibytes.unwrap().parse::<u64>().unwrap() << 10
}

/// Fails the test if the process grew too far.
fn hold(what: &str, growth: Option<Growth>) {
    if let Some(Growth { grown, allowed }) = growth {
        assert!(
            grown <= allowed,
            "the host grew by {} MiB, {} MiB allowed, in:\n{what}",
            grown >> 20,
            allowed >> 20
        );
    }
}

/// As [`Session::run`], watched.
///
/// # Errors
/// As [`Session::run`].
///
/// # Panics
/// When the process grew too far.
pub fn try_run(session: &mut Session, code: &str) -> Result<Outcome, Error> {
    let limit = session.sandbox().policy().limits.memory_bytes;
    let _turn = Turn::begin(limit);
    let outcome = session.run(code);
    // A memory that was not given back is as large as it was at most in the turn.
    let taken = match &outcome {
        Ok(outcome) if !outcome.rolled_back => outcome.memory_bytes.min(limit),
        _ => limit,
    };
    let spared = limit.saturating_sub(taken);
    hold(code, grown(code, None, spared));
    outcome
}

/// Runs a turn in which the process may grow by so many bytes, and no more.
///
/// # Panics
/// On a fault of the host, and when the process grew too far.
pub fn run_within(session: &mut Session, code: &str, bytes: u64) -> Outcome {
    let (outcome, growth) = measured(session, code, Some(bytes), |session| session.run(code));
    hold(code, growth);
    outcome.unwrap_or_else(|error| panic!("{error}\nin the turn:\n{code}"))
}

/// As [`Session::inspect`], watched.
///
/// # Errors
/// As [`Session::inspect`].
///
/// # Panics
/// When the process grew too far.
pub fn try_inspect(session: &mut Session, request: &str) -> Result<Option<String>, Error> {
    let (answer, growth) = measured(session, request, None, |session| session.inspect(request));
    hold(request, growth);
    answer
}
