//! A run: one task, from its plan to its end.

use std::path::PathBuf;
use std::sync::Arc;

use memex_host_tools::Toolbox;
use memex_models::Message;
use memex_policies::ToolGrants;
use memex_trajectories::{Status, Step, StepKind, spans};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::beginning::KeptScope;
use super::hands::Hands;
use super::plan::{Plan, Prepared};
use super::result::RunResult;
use super::spoken::Spoken;
use super::state::{Loop, Spent};
use super::watcher::Watcher;
use crate::Error;
use crate::conversation::Conversation;
use crate::prompt::{self, CallNames};
use crate::recorder::Recorder;

/// A run that is under way, on the thread that asked for it.
pub(crate) struct Driver {
    pub(super) core: Loop<Spoken>,
    reactor: Handle,
    watcher: Box<dyn Watcher>,
    trajectory: Option<PathBuf>,
    /// Where the scope goes in the end.
    keep: Option<KeptScope>,
    /// Whether the scope stays beside the trajectory.
    leaves_scope: bool,
    told: Told,
    task: String,
}

/// What the system prompt tells of, beside the configuration.
struct Told {
    toolbox: Toolbox,
    grants: ToolGrants,
    /// The inputs, as they were read.
    described: Vec<String>,
    /// What was guessed or changed in reading them.
    notes: Vec<String>,
    is_child: bool,
}

impl Driver {
    pub(crate) fn new(
        plan: Plan,
        recorder: Arc<Mutex<Recorder>>,
        trajectory: Option<PathBuf>,
        watcher: Box<dyn Watcher>,
    ) -> Result<Self, Error> {
        let head = plan.head.clone();
        let agent = &head.agent;
        let mut config = agent.inner.config.clone();
        config.name.clone_from(&plan.name);
        let sees = memex_models::sees(head.model.name());
        config.observations.pictures.get_or_insert(sees);
        let (task, submits) = (plan.task.clone(), plan.output.is_some());
        let is_child = plan.parent.is_some();
        let Prepared {
            hands,
            toolbox,
            grants,
            slot,
            results,
            family,
            described,
            notes,
        } = plan.prepare(&recorder)?;
        let tools = prompt::definitions(&config, &toolbox, &grants);
        let names = CallNames::of(toolbox.iter());
        let kept_beside = trajectory.clone().filter(|_| config.save_scope);
        let core = Loop {
            dialect: Spoken {
                in_words: None,
                conversation: Conversation::new(&config, tools, &head.id),
                config,
                submits,
                names,
            },
            prices: Arc::clone(&agent.inner.prices),
            hands,
            recorder,
            model: head.model,
            ledger: head.ledger,
            cancellation: head.cancellation,
            slot,
            results,
            family: Some(family),
            kept_beside,
            spent: Spent::default(),
            scope_names: Vec::new(),
            nudges: 0,
        };
        Ok(Self {
            core,
            reactor: agent.inner.reactor.handle().clone(),
            watcher,
            trajectory,
            keep: None,
            leaves_scope: false,
            told: Told {
                toolbox,
                grants,
                described,
                notes,
                is_child,
            },
            task,
        })
    }

    pub(super) fn keep_in(&mut self, keep: Option<KeptScope>) {
        self.keep = keep;
    }

    pub(super) fn leave_scope(&mut self, leaves: bool) {
        self.leaves_scope = leaves;
    }

    /// Sends the model its system prompt and the task.
    pub(crate) fn begin(&mut self) -> Result<(), Error> {
        self.instruct()?;
        self.ask()
    }

    /// Sends the model its system prompt.
    pub(super) fn instruct(&mut self) -> Result<(), Error> {
        let text = self.system()?;
        let conversation = &mut self.core.dialect.conversation;
        conversation.push(Message::system(text.as_str()));
        self.said(StepKind::System, text)
    }

    fn system(&mut self) -> Result<String, Error> {
        // What is in the scope says more than what was read of it.
        let held = match &mut self.core.hands {
            Hands::Code(scope) => scope.describe()?,
            Hands::Lent(_) | Hands::Tools(_) => None,
        };
        let Told {
            toolbox,
            grants,
            described,
            notes,
            is_child,
        } = &self.told;
        let mut described = held.unwrap_or_else(|| described.clone());
        described.extend(notes.iter().cloned());
        let Spoken {
            config, submits, ..
        } = &self.core.dialect;
        let mut text = prompt::system_prompt(config, toolbox, grants, *submits, &described);
        if *is_child {
            text.push_str("\n\n");
            text.push_str(prompt::CHILD);
        }
        Ok(text)
    }

    /// Sends the model the task.
    pub(super) fn ask(&mut self) -> Result<(), Error> {
        let text = std::mem::take(&mut self.task);
        self.core.dialect.conversation.say(&text);
        self.said(StepKind::User, text)
    }

    fn said(&mut self, kind: StepKind, text: String) -> Result<(), Error> {
        let step = Step {
            kind,
            text,
            ..Step::default()
        };
        self.core.record(step, &mut *self.watcher)?;
        Ok(())
    }

    /// Goes on to the end, and writes it.
    pub(crate) fn drive(mut self) -> Result<RunResult, Error> {
        let header = self.core.recorder.lock().trajectory().header();
        let span = spans::invoke_agent(&header.id, &header.agent);
        let _entered = span.enter();
        let ended = self.reactor.block_on(self.core.proceed(&mut *self.watcher));
        if let Some(family) = &self.core.family {
            family.disband();
        }
        if let (Some(keep), Hands::Code(scope)) = (&self.keep, &mut self.core.hands) {
            // A scope that cannot be saved is none to go on in.
            keep.put(scope.snapshot().unwrap_or_default());
        }
        let (status, answer, failure) = match ended {
            Ok((status, answer)) => (status, answer, None),
            Err(Error::Cancelled) => (Status::Cancelled, None, None),
            // The record ends with what is known, whatever happened.
            Err(error) => {
                let reason = error.to_string();
                // What a model does wrong is part of the result.
                let is_result = matches!(error, Error::Model(_) | Error::LongReply { .. });
                let failure = (!is_result).then_some(error);
                (Status::Failed { reason }, None, failure)
            }
        };
        let submission = self.core.slot.get();
        let value = submission
            .as_ref()
            .map(|submission| submission.value.clone());
        let mut recorder = self.core.recorder.lock();
        let ended = recorder.end(status.clone(), answer.clone(), value.clone());
        if let Some(error) = failure {
            return Err(error);
        }
        ended?;
        let is_over = status.is_success() && !self.leaves_scope;
        if let Some(path) = self.trajectory.as_deref().filter(|_| is_over) {
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
}
