//! Taking up a run that was cut off, from its trajectory.

use std::path::Path;
use std::sync::Arc;

use memex_models::{Message, Part, Role, ToolCall};
use memex_trajectories::{Display, Step, StepKind, Trajectory};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::beginning::KeptScope;
use super::driver::Driver;
use super::hands::Hands;
use super::plan::{BEGAN_IN_SCOPE, Plan};
use super::request::Replay;
use super::result::RunResult;
use super::spawning::spawner;
use super::watcher::Watcher;
use crate::children::Head;
use crate::inputs::{Loaded, RecordedInput, serve_again};
use crate::observation::visible;
use crate::reading::CODE_TOOL;
use crate::recorder::{Recorder, fenced};
use crate::{Agent, Cancellation, Conversation, Error, Ledger, ObservationOptions, OutputSchema};

impl Agent {
    /// Goes on with a run whose trajectory was saved: it was cancelled, it
    /// failed, a budget was used up, or its process died. Budgets count what it
    /// used before.
    ///
    /// The scope comes back from the file beside the trajectory; code blocks
    /// that it does not know, all of them if there is none, run again, tools
    /// included. Files that it began with are read again, and have to be what they
    /// were.
    ///
    /// # Errors
    /// [`Error::Resume`] if there is nothing to go on with, and as
    /// [`Agent::run`].
    pub fn resume(
        &self,
        path: &Path,
        cancellation: Cancellation,
        watcher: Box<dyn Watcher>,
    ) -> Result<RunResult, Error> {
        self.resume_keeping(path, cancellation, watcher, None)
    }

    /// As [`Agent::resume`]; the scope goes where [`RunRequest::keep`](crate::RunRequest::keep) says.
    ///
    /// # Errors
    /// As [`Agent::resume`].
    pub fn resume_keeping(
        &self,
        path: &Path,
        cancellation: Cancellation,
        watcher: Box<dyn Watcher>,
        keep: Option<KeptScope>,
    ) -> Result<RunResult, Error> {
        let inner = &self.inner;
        let refuse = |what: &str| Error::Resume {
            path: path.to_owned(),
            what: what.to_owned(),
        };
        let loaded = memex_trajectories::load(path)?.trajectory;
        if loaded.status.is_success() {
            return Err(refuse("it has its answer already"));
        }
        if loaded.agent.action_space != inner.config.action_space {
            let space = loaded.agent.action_space.word();
            return Err(refuse(&format!(
                "it acts in the space `{space}`; set action_space to that"
            )));
        }
        let output = loaded.metadata.get("output").cloned();
        let ledger = Ledger::new(inner.config.budgets);
        let recorded = match inner.config.runs_code() {
            true => Loaded::read_again(&inputs(&loaded)?)?,
            false => serve_again(&inputs(&loaded)?)?,
        };
        let plan = Plan {
            head: Head::first(self, loaded.id.clone(), ledger, cancellation),
            name: loaded.agent.name.clone(),
            task: loaded.task.clone(),
            task_id: loaded.task_id.clone(),
            output: output.map(OutputSchema::new).transpose()?,
            loaded: recorded,
            described: Vec::new(),
            goes_on_from: None,
            begins_in_scope: false,
            parent: None,
            place: inner.place(None)?,
            setup: None,
            spawner,
        };
        let recorder = Arc::new(Mutex::new(Recorder::resume(path)?));
        let mut driver = Driver::new(plan, recorder, Some(path.to_owned()), watcher)?;
        driver.keep_in(keep);
        driver.take_up(&loaded, path)?;
        driver.drive()
    }
}

impl Driver {
    /// Sends the model its system prompt and the task, and between the two what
    /// was said in an earlier run.
    pub(super) fn begin_after(
        &mut self,
        before: Option<&Trajectory>,
        replay: Replay,
    ) -> Result<(), Error> {
        if let (Some(before), Replay::Yes) = (before, replay) {
            // The instructions tell of the scope as it is then.
            self.run_again(before)?;
        }
        self.instruct()?;
        if let Some(before) = before {
            self.go_on_from(before)?;
        }
        self.ask()
    }

    /// Runs the code of an earlier run. An answer in it is none to this run's task.
    fn run_again(&mut self, before: &Trajectory) -> Result<(), Error> {
        for step in whole_steps(&before.steps) {
            if let (Some(code), Hands::Code(scope)) = (&step.code, &mut self.core.hands) {
                scope.run(code, &self.core.cancellation)?;
            }
        }
        self.core.slot.clear();
        drop(self.core.results.take_notes());
        drop(self.core.results.take_pictures());
        Ok(())
    }

    /// Tells what was said in an earlier run again, and records it.
    fn go_on_from(&mut self, before: &Trajectory) -> Result<(), Error> {
        let mut call_id = None;
        for step in whole_steps(&before.steps) {
            // The instructions are those of this run, which come first.
            if step.kind == StepKind::System {
                continue;
            }
            let spoken = &mut self.core.dialect;
            let options = &spoken.config.observations;
            retell(&mut spoken.conversation, step, &mut call_id, options);
            self.core.write(step.clone())?;
        }
        let mut recorder = self.core.recorder.lock();
        for child in &before.children {
            recorder.child(child.clone())?;
        }
        Ok(())
    }

    fn take_up(&mut self, loaded: &Trajectory, path: &Path) -> Result<(), Error> {
        if loaded.steps.is_empty() {
            return self.begin();
        }
        let totals = memex_trajectories::Totals::of(&loaded.steps);
        let tokens = totals.input_tokens.saturating_add(totals.output_tokens);
        self.core
            .ledger
            .carry(totals.turns, tokens, totals.cost_usd);
        let whole = whole_steps(&loaded.steps);
        // A process that died between saving a step and saving the scope left a
        // scope that does not know the step's code.
        let saved = match &mut self.core.hands {
            Hands::Code(scope) => scope.load(path)?,
            Hands::Lent(_) | Hands::Tools(_) => None,
        };
        if saved.is_none() && loaded.metadata.contains_key(BEGAN_IN_SCOPE) {
            return Err(Error::Resume {
                path: path.to_owned(),
                what: "it began with objects of its process, and its saved scope is gone"
                    .to_owned(),
            });
        }
        let known = saved.unwrap_or(0);
        let mut call_id = None;
        for (step, index) in whole.iter().zip(0_u32..) {
            let spoken = &mut self.core.dialect;
            let options = &spoken.config.observations;
            retell(&mut spoken.conversation, step, &mut call_id, options);
            if let (Some(code), Hands::Code(scope)) = (&step.code, &mut self.core.hands)
                && index >= known
            {
                scope.run(code, &self.core.cancellation)?;
            }
        }
        Ok(())
    }
}

/// Puts a step into the conversation as it was said.
pub(super) fn retell(
    conversation: &mut Conversation,
    step: &Step,
    call_id: &mut Option<String>,
    options: &ObservationOptions,
) {
    let displays = step.observation.iter().flat_map(|seen| &seen.displays);
    let show = |conversation: &mut Conversation, of: Option<&str>| {
        let is_of = |display: &&Display| of.is_none() || display.title.as_deref() == of;
        let displays: Vec<Display> = displays.clone().filter(is_of).cloned().collect();
        let (images, _) = visible(&displays, options);
        conversation.show(images, options.pictures_kept);
    };
    match step.kind {
        StepKind::System => conversation.push(Message::system(step.text.as_str())),
        StepKind::User => conversation.say(&step.text),
        StepKind::Model => {
            let id = step.metadata.get("call_id").and_then(Value::as_str);
            *call_id = id.map(str::to_owned);
            conversation.push(reply(step, id));
        }
        StepKind::Observation => {
            let id = call_id.take();
            conversation.observe(id.as_deref(), &step.text);
            show(conversation, None);
        }
        StepKind::Tool => {
            for result in &step.results {
                let (id, text) = (&result.call_id, &result.content);
                conversation.result(id, text, result.is_error);
                show(conversation, Some(id));
            }
        }
    }
}

/// The steps without a reply at the end that nothing came of.
pub(super) fn whole_steps(steps: &[Step]) -> &[Step] {
    let is_open = |step: &Step| {
        step.kind == StepKind::Model && (step.code.is_some() || !step.tool_calls.is_empty())
    };
    match steps.split_last() {
        Some((last, before)) if is_open(last) => before,
        _ => steps,
    }
}

fn reply(step: &Step, code_call: Option<&str>) -> Message {
    let mut parts = Vec::new();
    let code = step.code.as_deref().filter(|_| code_call.is_some());
    let text = match code {
        Some(code) => step.text.strip_suffix(fenced(code).as_str()),
        None => None,
    };
    let text = text.unwrap_or(&step.text);
    if !text.is_empty() {
        parts.push(Part::text(text));
    }
    if let (Some(id), Some(code)) = (code_call, &step.code) {
        parts.push(Part::ToolCall(ToolCall {
            id: id.to_owned(),
            name: CODE_TOOL.to_owned(),
            arguments: json!({ "code": code }).to_string(),
            opaque: None,
        }));
    }
    for call in &step.tool_calls {
        parts.push(Part::ToolCall(ToolCall {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments: match &call.arguments {
                Value::String(text) => text.clone(),
                arguments => arguments.to_string(),
            },
            opaque: None,
        }));
    }
    Message {
        role: Role::Assistant,
        parts,
    }
}

pub(super) fn inputs(trajectory: &Trajectory) -> Result<Vec<RecordedInput>, Error> {
    let Some(listed) = trajectory.metadata.get("inputs").and_then(Value::as_array) else {
        return Ok(Vec::new());
    };
    listed.iter().map(RecordedInput::read).collect()
}
