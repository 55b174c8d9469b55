//! Carrying out blocks of code.

use std::time::Instant;

use memex_trajectories::{Display, GuestCost, Step, StepKind, Timing};
use tokio::task::JoinHandle;

use super::dialect::Dialect;
use super::hands::Hands;
use super::state::Loop;
use super::watcher::Watcher;
use crate::Error;
use crate::observation::{change, observation};
use crate::recorder::millis;

impl<D: Dialect> Loop<D> {
    /// Runs a block, and gives what the model is to be shown of it: text, and pictures.
    pub(super) async fn run_block(
        &mut self,
        code: &str,
        note: Option<&str>,
        watcher: &mut dyn Watcher,
    ) -> Result<(String, Vec<Display>), Error> {
        watcher.runs(code);
        let clock = self.interrupt_in_time();
        let began = Instant::now();
        let ran = self.hands.run(code, &self.cancellation).await;
        if let Some(clock) = clock {
            clock.abort();
        }
        let Some(mut ran) = ran? else {
            return Ok(Default::default());
        };
        let run_ms = millis(began.elapsed());
        let mut text = match ran.shown.take() {
            Some(text) => text,
            None => self.dialect.shown(code, &ran),
        };
        if let Some(note) = note {
            text.push('\n');
            text.push_str(note);
        }
        for note in self.results.take_notes() {
            text.push('\n');
            text.push_str(&note);
        }
        if let Some(last) = self.last_turn_note() {
            text.push_str("\n\n");
            text.push_str(&last);
        }
        self.scope_names = ran.names.iter().map(change).collect();
        let family = self.family.as_ref();
        let children = family.map(|family| family.spawned_since_last());
        let mut observation = observation(&ran);
        observation.displays.extend(self.results.take_pictures());
        let pictures = observation.displays.clone();
        let step = self.write(Step {
            kind: StepKind::Observation,
            text: text.clone(),
            observation: Some(observation),
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
            children: children.unwrap_or_default(),
            ..Step::default()
        })?;
        if let (Some(path), Hands::Code(scope)) = (&self.kept_beside, &mut self.hands) {
            scope.save(path, step.index.saturating_add(1))?;
        }
        // When a block is reported, its effects are already saved.
        watcher.step(&step);
        Ok((text, pictures))
    }

    /// Interrupts the block when the run's time is up.
    fn interrupt_in_time(&self) -> Option<JoinHandle<()>> {
        let deadline = self.ledger.deadline()?;
        let cancellation = self.cancellation.clone();
        Some(tokio::spawn(async move {
            tokio::time::sleep_until(deadline.into()).await;
            cancellation.interrupt();
        }))
    }
}
