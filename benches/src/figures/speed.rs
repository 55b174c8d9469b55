//! How fast code runs, against code without limits and against native code.

use crate::context::Context;
use crate::entry::{Better, Entry, Measured};
use crate::error::Error;
use crate::python_suite::{Guest, Native, PROGRAMS, listed, ratios};
use crate::statistics::{Summary, geometric_mean};
use memex_policies::Policy;
use memex_runtime::Metering;

const ROUNDS: usize = 12;

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "limits_cost_pct",
        unit: "%",
        group: "speed",
        about: "What all limits together add to the time of a pure-Python suite, against code without them",
        better: Better::Lower,
        target: Some(5.0),
        target_is_p99: false,
        measure: limits_cost,
    },
    Entry {
        name: "cpu_vs_native_ratio",
        unit: "1",
        group: "speed",
        about: "Time of the pure-Python suite over its time in the machine's own `python3`",
        better: Better::Lower,
        target: Some(2.3),
        target_is_p99: false,
        measure: cpu_vs_native,
    },
];

fn limits_cost(context: &Context) -> Result<Measured, Error> {
    let limited = context.sandbox(patient)?;
    let bare = context.sandbox_with(Metering::Bare, patient)?;
    let ratios = ratios(&mut Guest::new(&limited)?, &mut Guest::new(&bare)?, ROUNDS)?;
    let mean = mean(&ratios)?;
    let note = format!("{}: {}", method(), listed(&ratios));
    Ok(Measured::new(Summary::single((mean - 1.0) * 100.0), note))
}

fn cpu_vs_native(context: &Context) -> Result<Measured, Error> {
    let sandbox = context.sandbox(patient)?;
    let mut native = Native::start(context.python())?;
    let ratios = ratios(&mut Guest::new(&sandbox)?, &mut native, ROUNDS)?;
    let mean = mean(&ratios)?;
    let note = format!(
        "against {}; {}: {}",
        native.version,
        method(),
        listed(&ratios)
    );
    Ok(Measured::new(Summary::single(mean), note))
}

/// No deadline that a slow machine could meet.
fn patient(policy: &mut Policy) {
    policy.limits.guest_time_ms = 600_000;
    policy.limits.wall_time_ms = 600_000;
}

fn mean(ratios: &[(&'static str, f64)]) -> Result<f64, Error> {
    let values: Vec<f64> = ratios.iter().map(|(_, ratio)| *ratio).collect();
    geometric_mean(&values).ok_or_else(|| Error::NoReadings("the suite".into()))
}

fn method() -> String {
    format!(
        "geometric mean over {} programs of the shortest of {ROUNDS} interleaved rounds",
        PROGRAMS.len()
    )
}
