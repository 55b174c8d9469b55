//! What an agent does, as a trajectory.

use std::path::Path;
use std::time::Duration;

use memex_models::{Reply, StopReason};
use memex_trajectories::{
    Agent as Who, End, GuestCost, GuestError, Header, LimitReached, Metadata, Observation, Status,
    Step, StepKind, Timestamp, Timing, Totals, Trajectory, TrajectoryWriter, Usage,
};

use super::tags::Blocks;
use crate::Error;
use crate::sandbox::{Assigned, BlockOutcome};

/// The name of the agent in its trajectories, and to the model's server.
pub(crate) const AGENT: &str = "mem-agent";

/// A trajectory that is being made, in memory and, if asked for, in a file.
#[derive(Debug)]
pub(super) struct Recording {
    trajectory: Trajectory,
    writer: Option<TrajectoryWriter>,
    path: Option<std::path::PathBuf>,
    began: std::time::Instant,
}

impl Recording {
    pub(super) fn new(id: &str, model: &str) -> Self {
        let agent = Who {
            name: AGENT.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: model.to_owned(),
            ..Who::default()
        };
        Self {
            trajectory: Trajectory {
                id: id.to_owned(),
                agent,
                started: Timestamp::now(),
                ..Trajectory::default()
            },
            writer: None,
            path: None,
            began: std::time::Instant::now(),
        }
    }

    pub(super) fn set_path(&mut self, path: &Path) {
        self.path = Some(path.to_owned());
    }

    pub(super) fn metadata(&mut self) -> &mut Metadata {
        &mut self.trajectory.metadata
    }

    /// A question: the first one is the task.
    pub(super) fn question(&mut self, task: &str, system: &str, text: &str) -> Result<(), Error> {
        if self.trajectory.steps.is_empty() {
            self.trajectory.task = task.to_owned();
            if let Some(path) = &self.path {
                let header: Header = self.trajectory.header();
                self.writer = Some(TrajectoryWriter::create(path, &header)?);
            }
            self.step(Step {
                kind: StepKind::System,
                text: system.to_owned(),
                ..Step::default()
            })?;
        }
        self.step(Step {
            kind: StepKind::User,
            text: text.to_owned(),
            ..Step::default()
        })
    }

    pub(super) fn reply(
        &mut self,
        reply: &Reply,
        blocks: &Blocks,
        cost_usd: Option<f64>,
        took: Duration,
    ) -> Result<(), Error> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.step(Step {
            kind: StepKind::Model,
            text: reply.message.text(),
            reasoning: some(&reply.message.reasoning()),
            code: some(&blocks.python),
            finish_reason: Some(stop_word(&reply.stop).to_owned()),
            usage: Some(Usage {
                input_tokens: reply.usage.input,
                cached_tokens: reply.usage.cached_input,
                output_tokens: reply.usage.output,
                cost_usd,
            }),
            timing: Some(Timing {
                model_ms: Some(millis(took)),
                ..Timing::default()
            }),
            ..Step::default()
        })
    }

    pub(super) fn result(
        &mut self,
        text: &str,
        block: Option<&BlockOutcome>,
        took: Duration,
    ) -> Result<(), Error> {
        self.step(Step {
            kind: StepKind::Observation,
            text: text.to_owned(),
            observation: block.map(observation),
            guest: block.map(|block| GuestCost {
                fuel: block.outcome.fuel,
                guest_time_ms: Some(millis(block.outcome.guest_time)),
                memory_bytes: Some(block.outcome.memory_bytes),
            }),
            timing: block.map(|_| Timing {
                run_ms: Some(millis(took)),
                ..Timing::default()
            }),
            ..Step::default()
        })
    }

    fn step(&mut self, step: Step) -> Result<(), Error> {
        let index = u32::try_from(self.trajectory.steps.len()).unwrap_or(u32::MAX);
        let step = Step {
            index,
            at: Some(Timestamp::now()),
            ..step
        };
        if let Some(writer) = &mut self.writer {
            writer.step(&step)?;
        }
        self.trajectory.steps.push(step);
        Ok(())
    }

    /// The trajectory as it is now.
    pub(super) fn trajectory(&self, status: &Status, answer: Option<&str>) -> Trajectory {
        let mut totals = Totals::of(&self.trajectory.steps);
        totals.wall_ms = millis(self.began.elapsed());
        Trajectory {
            ended: Some(Timestamp::now()),
            status: status.clone(),
            answer: answer.map(str::to_owned),
            totals,
            ..self.trajectory.clone()
        }
    }

    /// Ends the file.
    pub(super) fn finish(
        mut self,
        status: &Status,
        answer: Option<&str>,
    ) -> Result<Trajectory, Error> {
        let trajectory = self.trajectory(status, answer);
        if let Some(writer) = self.writer.take() {
            let end: End = trajectory.end();
            writer.end(&end)?;
        }
        Ok(trajectory)
    }
}

fn observation(block: &BlockOutcome) -> Observation {
    let outcome = &block.outcome;
    Observation {
        stdout: outcome.stdout.text.clone(),
        value: outcome.value.clone(),
        error: outcome.error.as_ref().map(|error| GuestError {
            kind: error.class.clone(),
            message: error.message.clone(),
            traceback: error.traceback.clone(),
        }),
        limits: outcome
            .limit
            .iter()
            .map(|hit| LimitReached {
                name: hit.name.clone(),
                limit: hit.limit,
                actual: Some(hit.actual),
            })
            .collect(),
        names: match &block.assigned {
            Some(Assigned::Names(names)) => names.clone(),
            _ => Vec::new(),
        },
        displays: Vec::new(),
        state_lost: false,
    }
}

fn stop_word(stop: &StopReason) -> &str {
    match stop {
        StopReason::EndTurn => "end_turn",
        StopReason::ToolCalls => "tool_calls",
        StopReason::MaxTokens => "max_tokens",
        StopReason::StopSequence => "stop_sequence",
        StopReason::Refusal => "refusal",
        StopReason::ContentFilter => "content_filter",
        StopReason::Pause => "pause",
        StopReason::Other(word) => word,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
