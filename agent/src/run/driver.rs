//! The loop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use memex_host_tools::Toolbox;
use memex_models::{Message, Model};
use memex_policies::ToolGrants;
use memex_trajectories::{ActionSpace, Status, Step, StepKind, spans};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::plan::{Hands, Plan, Prepared};
use super::{Recorder, RunResult, Watcher};
use crate::children::Family;
use crate::conversation::Conversation;
use crate::harness::SubmissionSlot;
use crate::reading::{Action, read};
use crate::{Agent, AgentConfig, Cancellation, CodeForm, Error, Ledger, prompt};

/// A run that is under way.
pub(crate) struct Driver {
    pub(super) agent: Agent,
    pub(super) config: AgentConfig,
    pub(super) model: Arc<dyn Model>,
    pub(super) reactor: Handle,
    pub(super) hands: Hands,
    pub(super) toolbox: Toolbox,
    pub(super) grants: ToolGrants,
    pub(super) described: Vec<String>,
    pub(super) conversation: Conversation,
    pub(super) recorder: Arc<Mutex<Recorder>>,
    pub(super) trajectory: Option<PathBuf>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) cancellation: Cancellation,
    pub(super) slot: SubmissionSlot,
    pub(super) family: Arc<Family>,
    pub(super) submits: bool,
    pub(super) scope_names: Vec<String>,
    pub(super) watcher: Box<dyn Watcher>,
    task: String,
    nudges: u32,
}

/// How the loop goes on.
enum Next {
    Turn,
    End(Status, Option<String>),
}

impl Driver {
    pub(crate) fn new(
        plan: Plan,
        recorder: Arc<Mutex<Recorder>>,
        trajectory: Option<PathBuf>,
        watcher: Box<dyn Watcher>,
    ) -> Result<Self, Error> {
        let agent = plan.agent.clone();
        let mut config = agent.inner.config.clone();
        config.name.clone_from(&plan.name);
        let (model, ledger) = (Arc::clone(&plan.model), Arc::clone(&plan.ledger));
        let (cancellation, submits) = (plan.cancellation.clone(), plan.output.is_some());
        let (id, task) = (plan.id.clone(), plan.task.clone());
        let Prepared {
            hands,
            toolbox,
            grants,
            slot,
            family,
            described,
        } = plan.prepare(&recorder)?;
        let tools = prompt::definitions(&config, &toolbox, &grants);
        let conversation = Conversation::new(&config, tools, &id);
        Ok(Self {
            reactor: agent.inner.reactor.handle().clone(),
            agent,
            config,
            model,
            hands,
            toolbox,
            grants,
            described,
            conversation,
            recorder,
            trajectory,
            ledger,
            cancellation,
            slot,
            family,
            submits,
            scope_names: Vec::new(),
            watcher,
            task,
            nudges: 0,
        })
    }

    /// Tells the model who it is and what it is asked.
    pub(crate) fn begin(&mut self) -> Result<(), Error> {
        let system = prompt::system_prompt(
            &self.config,
            &self.toolbox,
            &self.grants,
            self.submits,
            &self.described,
        );
        self.conversation.push(Message::system(system.as_str()));
        self.record(Step {
            kind: StepKind::System,
            text: system,
            ..Step::default()
        })?;
        let task = self.task.clone();
        self.conversation.push(Message::user(task.as_str()));
        self.record(Step {
            kind: StepKind::User,
            text: task,
            ..Step::default()
        })
    }

    /// Goes on to the end, and writes it.
    pub(crate) fn drive(mut self) -> Result<RunResult, Error> {
        let header = self.recorder.lock().trajectory().header();
        let span = spans::invoke_agent(&header.id, &header.agent);
        let _entered = span.enter();
        let ended = loop {
            match self.turn() {
                Ok(Next::Turn) => {}
                Ok(Next::End(status, answer)) => break Ok((status, answer)),
                Err(error) => break Err(error),
            }
        };
        self.family.disband();
        let (status, answer, failure) = match ended {
            Ok((status, answer)) => (status, answer, None),
            // The record ends with what is known, whatever happened.
            Err(error) => {
                let reason = error.to_string();
                (Status::Failed { reason }, None, Some(error))
            }
        };
        let submission = self.slot.get();
        let value = submission
            .as_ref()
            .map(|submission| submission.value.clone());
        let mut recorder = self.recorder.lock();
        let ended = recorder.end(status.clone(), answer.clone(), value.clone());
        if let Some(error) = failure {
            return Err(error);
        }
        ended?;
        if let Some(path) = self.trajectory.as_deref().filter(|_| status.is_success()) {
            crate::scope::forget(path);
        }
        let trajectory = recorder.trajectory().clone();
        Ok(RunResult {
            status,
            answer,
            submission: value,
            totals: trajectory.totals_with_children(),
            trajectory,
            objects: submission.and_then(|submission| submission.objects),
        })
    }

    fn turn(&mut self) -> Result<Next, Error> {
        if self.slot.is_filled() {
            return Ok(Next::End(Status::Submitted, None));
        }
        if self.cancellation.is_cancelled() {
            return Ok(Next::End(Status::Cancelled, None));
        }
        if let Some(budget) = self.ledger.exhausted() {
            return Ok(Next::End(Status::Exhausted { budget }, None));
        }
        if self.conversation.is_full() {
            self.conversation.compact(&self.scope_names);
        }
        let reply = match self.ask() {
            Ok(reply) => reply,
            Err(status) => return Ok(Next::End(status, None)),
        };
        let form = self.config.code_form;
        let action = read(&reply, self.config.action_space, form, self.submits);
        self.conversation.push(reply.message.clone());
        self.act(action)
    }

    fn act(&mut self, action: Action) -> Result<Next, Error> {
        if !matches!(action, Action::Nudge(_)) {
            self.nudges = 0;
        }
        match action {
            Action::Code {
                code,
                call_id,
                note,
                others,
            } => {
                self.run_block(&code, call_id.as_deref(), note.as_deref())?;
                for (id, _, answer) in others {
                    self.conversation.result(&id, &answer, true);
                }
                Ok(Next::Turn)
            }
            Action::Calls(calls) => {
                self.make_calls(calls)?;
                Ok(Next::Turn)
            }
            Action::Answer(answer) => Ok(Next::End(Status::Answered, Some(answer))),
            Action::Refusal(reason) => Ok(Next::End(Status::Failed { reason }, None)),
            Action::Continue => Ok(Next::Turn),
            Action::Nudge(text) => self.nudge(text),
        }
    }

    fn nudge(&mut self, text: String) -> Result<Next, Error> {
        self.nudges += 1;
        if self.nudges > self.config.nudges_max {
            let reason = format!(
                "{} replies in a row had nothing to act on; the last hint was: {text}",
                self.nudges
            );
            return Ok(Next::End(Status::Failed { reason }, None));
        }
        self.conversation.say(&text);
        self.record(Step {
            kind: StepKind::User,
            text,
            ..Step::default()
        })?;
        Ok(Next::Turn)
    }

    /// Writes a step into the record, then tells of it.
    pub(super) fn record(&mut self, step: Step) -> Result<(), Error> {
        let step = self.write(step)?;
        self.watcher.step(&step);
        Ok(())
    }

    /// Writes a step into the record.
    pub(super) fn write(&self, step: Step) -> Result<Step, Error> {
        self.recorder.lock().step(step).cloned()
    }

    /// What the model is told before its last turn.
    pub(super) fn last_turn_note(&self) -> Option<String> {
        if self.ledger.turns_left() != 1 || self.slot.is_filled() {
            return None;
        }
        Some(match (self.submits, self.config.action_space) {
            (true, ActionSpace::Code) if self.config.code_form == CodeForm::Tool => {
                "This is your last turn: call `python` with `submit(...)` now.".to_owned()
            }
            (true, _) => "This is your last turn: submit your answer now.".to_owned(),
            (false, _) => "This is your last turn: give your answer now.".to_owned(),
        })
    }
}

/// Code that came by a call, as it stands at the end of a step's text.
pub(super) fn fenced(code: &str) -> String {
    format!("\n```python\n{code}\n```")
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
