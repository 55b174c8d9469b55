//! How fast numpy is, against the machine's own.

use crate::context::{Context, run_ok, session, unexpected};
use crate::entry::{Entry, Measured};
use crate::error::Error;
use crate::statistics::Readings;
use memex_policies::Policy;
use std::path::Path;
use std::process::Command;

/// Rounds in which both take turns.
const ROUNDS: usize = 7;

/// What is timed, in both: `work` is replaced. The shortest of some calls counts, since
/// other programs use the machine too.
const PROGRAM: &str = "
import time
import numpy as np
r = np.random.default_rng(1)
a, b = r.random((512, 512)), r.random((512, 512))
f, g = a.astype('f4'), b.astype('f4')
m, v = r.random((500, 500)), r.random(500)
x = r.standard_normal(10**6)
def once():
    began = time.perf_counter_ns()
    WORK
    return time.perf_counter_ns() - began
best = min(once() for _ in range(8))
";

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "matmul_512_ratio",
        about: "Time of a product of 512 × 512 `float64` over its time in the machine's own numpy on one thread",
        target: Some(2.0),
        measure: |context| ratio(context, "a @ b"),
        ..RATIO
    },
    Entry {
        name: "sgemm_512_ratio",
        about: "The same of `float32`",
        target: Some(2.5),
        measure: |context| ratio(context, "f @ g"),
        ..RATIO
    },
    Entry {
        name: "solve_500_ratio",
        about: "The same of 500 linear equations",
        target: Some(1.5),
        measure: |context| ratio(context, "np.linalg.solve(m, v)"),
        ..RATIO
    },
    Entry {
        name: "sort_million_ratio",
        about: "The same of `np.sort` of 10⁶ `float64`",
        target: Some(3.0),
        measure: |context| ratio(context, "np.sort(x)"),
        ..RATIO
    },
];

const RATIO: Entry = Entry {
    unit: "1",
    ..Entry::of("numbers")
};

fn ratio(context: &Context, work: &str) -> Result<Measured, Error> {
    let program = PROGRAM.replace("WORK", work);
    let sandbox = context.sandbox(patient)?;
    let mut guest = session(&sandbox)?;
    let mut ratios = Readings::default();
    let mut times = (Readings::default(), Readings::default());
    let mut version = String::new();
    // One round more, whose times are not read.
    for round in 0..=ROUNDS {
        let native = native(context.python(), &program)?;
        let code = format!("{program}\nbest");
        let outcome = run_ok(&mut guest, &code)?;
        let value = outcome
            .value
            .as_deref()
            .and_then(|value| value.parse().ok());
        let ours: f64 = value.ok_or_else(|| unexpected(&code, "a time", &outcome))?;
        if round > 0 {
            ratios.push(ours / native.0);
            times.0.push(ours / 1e6);
            times.1.push(native.0 / 1e6);
        }
        version = native.1;
    }
    let (ours, theirs) = (times.0.summary("the guest")?, times.1.summary("numpy")?);
    let note = format!(
        "`{work}`: {:.2} ms, numpy {version} {:.2} ms; the shortest of 8 calls in each of {ROUNDS} rounds",
        ours.p50, theirs.p50
    );
    Ok(Measured::new(ratios.summary("the ratio")?, note))
}

/// The time in nanoseconds, and numpy's version.
fn native(python: &Path, program: &str) -> Result<(f64, String), Error> {
    let fail = |reason: String| Error::Program {
        program: python.display().to_string(),
        reason,
    };
    let code = format!("{program}\nprint(best, np.__version__)");
    let mut command = Command::new(python);
    for name in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"] {
        command.env(name, "1");
    }
    let output = command
        .args(["-I", "-c", &code])
        .output()
        .map_err(|error| fail(error.to_string()))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().last().unwrap_or_default();
        return Err(fail(format!(
            "it cannot be compared with: {last:.200}\nhint: name a Python that has numpy"
        )));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let (time, version) = text.trim().split_once(' ').unwrap_or_default();
    let time = time
        .parse()
        .map_err(|_| fail(format!("it printed {text:?}")))?;
    Ok((time, version.to_owned()))
}

/// No deadline that a slow machine could meet.
fn patient(policy: &mut Policy) {
    policy.limits.guest_time_ms = 600_000;
    policy.limits.wall_time_ms = 600_000;
}
