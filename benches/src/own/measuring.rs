//! Runs a turn many times, each time in a fresh fork of one state.
//!
//! ```text
//!   state ─┬─ restore ─ run (warm-up) ─► state of the next turn, snapshot bytes
//!          ├─ restore ─ run ─► readings
//!          ├─ restore ─ run ─► readings          … until the budget is spent
//!          └─ restore on code with fuel ─ run ─► fuel, a few times
//! ```
//! Fuel is counted on other code, which is slower: its runs give no times.

use super::measured::TurnMeasured;
use crate::error::Error;
use crate::statistics::timed;
use memex_policies::{Limits, Policy};
use memex_runtime::{
    Generators, Outcome, Progress, Runtime, Sandbox, Session, SessionOptions, Snapshot,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Warm-up runs of a quick turn; a slow one has one.
const WARM_UP_MAX: usize = 10;
/// The share of the budget that further warm-up runs may take.
const WARM_UP_SHARE: u32 = 10;
/// Runs that the budget does not cut off.
const RUNS_MIN: usize = 3;
/// Runs of a turn that is quick.
const RUNS_MAX: usize = 1_000;
/// Runs with fuel: enough to see that they agree.
const FUEL_RUNS: usize = 5;

/// How often a turn is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnPlan {
    /// Runs that are read; `None` for as many as the budget allows, from 3 to 1,000.
    pub repeat: Option<usize>,
    /// The time for one turn's runs, where their number is not given.
    pub budget: Duration,
}

impl Default for TurnPlan {
    /// Two seconds a turn.
    fn default() -> Self {
        Self {
            repeat: None,
            budget: Duration::from_secs(2),
        }
    }
}

/// Follows the runs, and may end them.
pub trait TurnWatch {
    /// A run begins in this session.
    fn begins(&mut self, session: &Session);
    /// Whether no further run is wanted; the run under way is then left out.
    fn is_stopped(&self) -> bool;
}

/// A chain of turns, each of which begins where the one before it ended.
pub struct TurnBench<'a> {
    sandbox: Sandbox,
    with_fuel: Option<Sandbox>,
    options: Box<dyn Fn() -> SessionOptions + 'a>,
    state: Snapshot,
}

/// One run: its outcome, its time as its caller sees it, and the state after it.
struct Run {
    outcome: Outcome,
    wall: Duration,
    after: Option<Snapshot>,
}

impl<'a> TurnBench<'a> {
    /// Turns that begin in the state of a session; `options` makes those of each run.
    ///
    /// # Errors
    /// When the session's state cannot be taken.
    pub fn new(
        session: &mut Session,
        options: impl Fn() -> SessionOptions + 'a,
    ) -> Result<Self, Error> {
        Ok(Self {
            sandbox: session.sandbox().clone(),
            with_fuel: None,
            options: Box::new(options),
            state: session.snapshot()?,
        })
    }

    /// Counts fuel too, on code that is compiled once for it.
    ///
    /// # Errors
    /// When that code cannot be made.
    pub fn with_fuel(mut self, progress: &mut dyn Progress) -> Result<Self, Error> {
        let mut policy = Policy::clone(self.sandbox.policy());
        // Without a limit no fuel is counted: the highest one, unless the policy has its own.
        if policy.limits.fuel.is_none() {
            let field = Limits::field("fuel").map_err(|error| Error::System {
                what: "the limit fuel",
                reason: error.to_string(),
            })?;
            policy.limits.fuel = Some(field.maximum);
        }
        let (runtime, image) = (Runtime::new()?, self.sandbox.image());
        let sandbox = Sandbox::new(&runtime, image, Arc::new(policy), progress)?;
        self.with_fuel = Some(sandbox);
        Ok(self)
    }

    /// Changes the state that the next turn begins in.
    ///
    /// # Errors
    /// Those of the change, and when the state cannot be used or taken.
    pub fn prepare<E: From<Error>>(
        &mut self,
        change: impl FnOnce(&mut Session) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut session = self.fork(&self.sandbox)?;
        change(&mut session)?;
        self.state = session.snapshot().map_err(Error::from)?;
        Ok(())
    }

    /// Measures a turn, and moves on to the state after its first run. A turn whose first
    /// run does not end well is not repeated; later runs that do not are counted and not
    /// read. `None` if the watch ended the first run.
    ///
    /// # Errors
    /// A fault of the host. Exceptions, limits and refusals are measurements.
    pub fn measure(
        &mut self,
        code: &str,
        plan: TurnPlan,
        watch: &mut dyn TurnWatch,
    ) -> Result<Option<TurnMeasured>, Error> {
        let began = Instant::now();
        let first = self.run(&self.sandbox, code, true, watch)?;
        if watch.is_stopped() {
            return Ok(None);
        }
        let mut measured = TurnMeasured::new(&first.outcome);
        if let Some(after) = &first.after {
            let encoded = self.sandbox.encode(after, Generators::Keep)?;
            measured.snapshot_bytes.push(encoded.bytes() as f64);
        }
        if first.outcome.is_ok() {
            self.repeat(code, plan, began, &mut measured, watch)?;
        }
        if measured.runs == 0 {
            // The only run that there is.
            self.take(&first, &mut measured);
        }
        if let Some(sandbox) = &self.with_fuel {
            let runs = if first.outcome.is_ok() { FUEL_RUNS } else { 1 };
            for _ in 0..runs {
                let run = self.run(sandbox, code, false, watch)?;
                if watch.is_stopped() {
                    break;
                }
                if let (Some(fuel), true) =
                    (run.outcome.fuel, run.outcome.status == first.outcome.status)
                {
                    measured.fuel.push(fuel as f64);
                }
            }
        } else if measured.fuel.is_empty()
            && let Some(fuel) = first.outcome.fuel
        {
            measured.fuel.push(fuel as f64);
        }
        if let Some(after) = first.after {
            self.state = after;
        }
        Ok(Some(measured))
    }

    fn repeat(
        &self,
        code: &str,
        plan: TurnPlan,
        began: Instant,
        measured: &mut TurnMeasured,
        watch: &mut dyn TurnWatch,
    ) -> Result<(), Error> {
        for _ in 1..WARM_UP_MAX {
            if watch.is_stopped() || began.elapsed() > plan.budget / WARM_UP_SHARE {
                break;
            }
            self.run(&self.sandbox, code, false, watch)?;
        }
        let began = Instant::now();
        let is_enough = |runs: usize| match plan.repeat {
            Some(wanted) => runs >= wanted,
            None => runs >= RUNS_MAX || (runs >= RUNS_MIN && began.elapsed() >= plan.budget),
        };
        let mut tries = 0;
        while !is_enough(tries) {
            let run = self.run(&self.sandbox, code, true, watch)?;
            if watch.is_stopped() {
                measured.is_cut_short = true;
                break;
            }
            tries += 1;
            if run.outcome.is_ok() {
                self.take(&run, measured);
            } else {
                measured.fail(&run.outcome);
            }
        }
        Ok(())
    }

    fn take(&self, run: &Run, measured: &mut TurnMeasured) {
        measured.take(&run.outcome, run.wall);
        if let Some(after) = &run.after {
            let changed = after.pages_changed_since(&self.state);
            measured.changed_pages.push(changed as f64);
        }
    }

    fn run(
        &self,
        sandbox: &Sandbox,
        code: &str,
        saved: bool,
        watch: &mut dyn TurnWatch,
    ) -> Result<Run, Error> {
        let mut session = self.fork(sandbox)?;
        watch.begins(&session);
        let (outcome, wall) = timed(|| session.run(code));
        let outcome = outcome?;
        let after = match saved {
            true => Some(session.snapshot()?),
            false => None,
        };
        Ok(Run {
            outcome,
            wall,
            after,
        })
    }

    /// A session in the state that the next turn begins in, its generators included.
    fn fork(&self, sandbox: &Sandbox) -> Result<Session, Error> {
        let (session, _) = sandbox.restore(&self.state, Generators::Keep, (self.options)())?;
        Ok(session)
    }
}

impl std::fmt::Debug for TurnBench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnBench")
            .field("with_fuel", &self.with_fuel.is_some())
            .finish_non_exhaustive()
    }
}
