//! Carrying out blocks of code.

use std::time::Instant;

use memex_trajectories::{GuestCost, Step, StepKind, Timing};
use tokio::task::JoinHandle;

use super::Driver;
use super::driver::millis;
use super::plan::Hands;
use crate::Error;
use crate::observation::{observation, shown};

impl Driver {
    /// Runs a block and tells the model what came of it.
    pub(super) fn run_block(
        &mut self,
        code: &str,
        call_id: Option<&str>,
        note: Option<&str>,
    ) -> Result<(), Error> {
        let clock = self.interrupt_in_time();
        let Hands::Code(scope) = &mut self.hands else {
            return Ok(());
        };
        let began = Instant::now();
        let ran = scope.run(code, &self.cancellation);
        if let Some(clock) = clock {
            clock.abort();
        }
        let ran = ran?;
        let run_ms = millis(began.elapsed());
        let mut text = shown(code, &ran, &self.config.observations);
        if let Some(note) = note {
            text.push('\n');
            text.push_str(note);
        }
        if let Some(last) = self.last_turn_note() {
            text.push_str("\n\n");
            text.push_str(&last);
        }
        self.conversation.observe(call_id, &text);
        self.scope_names = ran.names.iter().map(crate::observation::change).collect();
        let children = self.family.spawned_since_last();
        let step = self.write(Step {
            kind: StepKind::Observation,
            text,
            observation: Some(observation(&ran)),
            usage: self.ledger.take_questions(),
            timing: Some(Timing {
                run_ms: Some(run_ms),
                ..Timing::default()
            }),
            guest: Some(GuestCost {
                fuel: ran.outcome.fuel,
                guest_time_ms: Some(ran.outcome.guest_us / 1_000),
                memory_bytes: Some(ran.outcome.memory_bytes),
            }),
            children,
            ..Step::default()
        })?;
        if self.config.save_scope
            && let (Some(path), Hands::Code(scope)) = (&self.trajectory, &mut self.hands)
        {
            scope.save(path, step.index.saturating_add(1))?;
        }
        // Who is told of a block may take what it did for saved.
        self.watcher.step(&step);
        Ok(())
    }

    /// Interrupts the block when the run's time is up.
    fn interrupt_in_time(&self) -> Option<JoinHandle<()>> {
        let deadline = self.ledger.deadline()?;
        let cancellation = self.cancellation.clone();
        Some(self.reactor.spawn(async move {
            tokio::time::sleep_until(deadline.into()).await;
            cancellation.interrupt();
        }))
    }
}
