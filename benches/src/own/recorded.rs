//! The turns of an agent, from the record of its run.

use super::measured::of_summary;
use crate::error::Error;
use crate::figure::Figure;
use crate::statistics::{Readings, Summary};
use memex_trajectories::{Step, StepKind, Timestamp, Trajectory};

/// A turn of an agent: a reply of the model, and what came of it. `None` is what the record
/// does not say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordedTurn {
    /// Its number in the run, from 1.
    pub number: usize,
    /// What the model did: `code`, the names of the tools that it called, or `reply`.
    pub action: String,
    /// What ended its code or a call of it badly.
    pub failure: Option<String>,
    /// From this turn's beginning to the next one's; else the model's and the code's time.
    pub wall_ms: Option<f64>,
    /// From the request to the end of the reply.
    pub model_ms: Option<f64>,
    /// Running code or tools.
    pub run_ms: Option<f64>,
    /// Time in the guest, without host calls.
    pub guest_ms: Option<f64>,
    /// Tokens into the model.
    pub input_tokens: Option<f64>,
    /// Of these, from the provider's cache.
    pub cached_tokens: Option<f64>,
    /// Tokens out of the model.
    pub output_tokens: Option<f64>,
    /// Money, in US dollars.
    pub cost_usd: Option<f64>,
    /// Instructions of the guest.
    pub fuel: Option<f64>,
    /// Calls of tools: those of the model. Calls that code made are in no format.
    pub host_calls: Option<f64>,
    /// The guest's memory after the turn.
    pub memory_bytes: Option<f64>,
}

/// The name of a quantity, its unit, and its value in a turn.
pub(crate) type Quantity = (&'static str, &'static str, fn(&RecordedTurn) -> Option<f64>);

impl RecordedTurn {
    /// The quantities of a turn: name, unit, value.
    pub const QUANTITIES: [Quantity; 11] = [
        ("wall_ms", "ms", |turn| turn.wall_ms),
        ("model_ms", "ms", |turn| turn.model_ms),
        ("run_ms", "ms", |turn| turn.run_ms),
        ("guest_ms", "ms", |turn| turn.guest_ms),
        ("input_tokens", "tok", |turn| turn.input_tokens),
        ("cached_tokens", "tok", |turn| turn.cached_tokens),
        ("output_tokens", "tok", |turn| turn.output_tokens),
        ("cost_usd", "USD", |turn| turn.cost_usd),
        ("fuel", "fuel", |turn| turn.fuel),
        ("host_calls", "calls", |turn| turn.host_calls),
        ("memory_bytes", "B", |turn| turn.memory_bytes),
    ];
}

/// The turns of a run. What came before the first reply of the model is in none.
#[must_use]
pub fn turns_of(run: &Trajectory) -> Vec<RecordedTurn> {
    let mut turns: Vec<(RecordedTurn, Option<Timestamp>)> = Vec::new();
    for step in &run.steps {
        if step.kind == StepKind::Model {
            let turn = begun(turns.len() + 1, step);
            turns.push((turn, step.at));
        } else if let Some((turn, _)) = turns.last_mut() {
            add(turn, step);
        }
    }
    let begins: Vec<Option<Timestamp>> = turns.iter().map(|(_, at)| *at).collect();
    let turns = turns.into_iter().enumerate();
    turns
        .map(|(index, (mut turn, at))| {
            let end = begins.get(index + 1).copied().unwrap_or(run.ended);
            let parts = [turn.model_ms, turn.run_ms];
            turn.wall_ms = match (at, end) {
                (Some(at), Some(end)) => Some(at.until_ms(end) as f64),
                _ => parts.into_iter().flatten().reduce(|a, b| a + b),
            };
            turn
        })
        .collect()
}

fn begun(number: usize, step: &Step) -> RecordedTurn {
    let names: Vec<&str> = step
        .tool_calls
        .iter()
        .map(|call| call.name.as_str())
        .collect();
    let action = match (&step.code, names.as_slice()) {
        (Some(_), _) => "code".to_owned(),
        (None, []) => "reply".to_owned(),
        (None, names) => names.join(", "),
    };
    let calls = (!names.is_empty()).then_some(names.len() as f64);
    RecordedTurn {
        number,
        action,
        model_ms: step
            .timing
            .and_then(|timing| timing.model_ms)
            .map(as_number),
        input_tokens: step.usage.map(|usage| usage.input_tokens as f64),
        cached_tokens: step.usage.map(|usage| usage.cached_tokens as f64),
        output_tokens: step.usage.map(|usage| usage.output_tokens as f64),
        cost_usd: step.usage.and_then(|usage| usage.cost_usd),
        host_calls: calls,
        ..RecordedTurn::default()
    }
}

fn add(turn: &mut RecordedTurn, step: &Step) {
    let durations = step.results.iter().filter_map(|result| result.duration_ms);
    let run_ms = step.timing.and_then(|timing| timing.run_ms);
    sum(
        &mut turn.run_ms,
        run_ms.or(durations.reduce(u64::saturating_add)),
    );
    if let Some(guest) = step.guest {
        sum(&mut turn.guest_ms, guest.guest_time_ms);
        sum(&mut turn.fuel, guest.fuel);
        turn.memory_bytes = guest.memory_bytes.map(as_number).or(turn.memory_bytes);
    }
    if let Some(seen) = &step.observation {
        let limit = seen
            .limits
            .first()
            .map(|hit| format!("limit {} reached", hit.name));
        let error = seen.error.as_ref().map(|error| error.kind.clone());
        turn.failure = turn.failure.take().or(limit).or(error);
    }
    if let Some(failed) = step.results.iter().find(|result| result.is_error) {
        let failure = format!("{} failed", failed.name);
        turn.failure = turn.failure.take().or(Some(failure));
    }
}

fn sum(total: &mut Option<f64>, more: Option<u64>) {
    if let Some(more) = more {
        *total = Some(total.unwrap_or(0.0) + more as f64);
    }
}

fn as_number(value: u64) -> f64 {
    value as f64
}

/// The figures of a run: of every quantity that is recorded, its distribution over the
/// turns as `NAME:QUANTITY`, then each turn's value as `NAME:turn-N:QUANTITY`.
///
/// # Errors
/// Never: a quantity without values has no figure.
pub fn recorded_figures(name: &str, turns: &[RecordedTurn]) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    for (quantity, unit, value) in RecordedTurn::QUANTITIES {
        let mut readings = Readings::default();
        turns
            .iter()
            .filter_map(value)
            .for_each(|value| readings.push(value));
        if readings.is_empty() {
            continue;
        }
        let note = format!(
            "recorded; {} of {} turns say it",
            readings.len(),
            turns.len()
        );
        let summary = readings.summary(quantity)?;
        figures.push(Figure {
            readings: readings.unless_all_equal(),
            ..of_summary(format!("{name}:{quantity}"), unit, summary, note)
        });
    }
    for turn in turns {
        for (quantity, unit, value) in RecordedTurn::QUANTITIES {
            if let Some(value) = value(turn).filter(|value| value.is_finite()) {
                let name = format!("{name}:turn-{}:{quantity}", turn.number);
                let note = format!("recorded; {}", turn.action);
                figures.push(of_summary(name, unit, Summary::single(value), note));
            }
        }
    }
    Ok(figures)
}
