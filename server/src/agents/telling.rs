//! From a run's reports to its log and to the tenant's account.

use std::sync::Arc;

use memex_agent::Watcher;
use memex_trajectories::Step;
use serde_json::json;

use super::counts::Place;
use super::run::Run;

/// Tells a run's log what happens in it, and counts what it uses.
pub(crate) struct Telling {
    run: Arc<Run>,
    place: Arc<Place>,
}

impl Telling {
    pub(crate) fn new(run: &Arc<Run>, place: &Arc<Place>) -> Self {
        Self {
            run: Arc::clone(run),
            place: Arc::clone(place),
        }
    }
}

impl Watcher for Telling {
    fn asked(&mut self, number: u64) {
        self.run.log.push("asked", &json!({ "reply": number }));
    }

    fn runs(&mut self, code: &str) {
        self.run.log.push("runs", &json!({ "code": code }));
    }

    fn step(&mut self, step: &Step) {
        self.run.log.push("step", &json!(step));
        let tokens = step.usage.as_ref().map_or(0, |usage| {
            usage.input_tokens.saturating_add(usage.output_tokens)
        });
        let guest_ms = step.guest.as_ref().and_then(|guest| guest.guest_time_ms);
        let cpu_us = guest_ms.unwrap_or_default().saturating_mul(1_000);
        if let Err(error) = self.place.spend(tokens, cpu_us) {
            self.run.cancel(Some(&error.message));
        }
    }
}
