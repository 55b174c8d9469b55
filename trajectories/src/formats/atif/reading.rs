//! From ATIF to a trajectory.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::document::{
    AtifContent, AtifMetrics, AtifPart, AtifResult, AtifSource, AtifStep, AtifToolCall,
    AtifTrajectory, OWN,
};
use super::validation::validate;
use crate::formats::chat::{id_of, infer_end, next_index, read_json};
use crate::{
    Agent, Child, Display, Encoding, Error, Metadata, Observation, Step, StepKind, Timestamp,
    ToolCall, ToolResult, Trajectory, Usage,
};

/// Reads a document. Of one that this crate wrote it makes the trajectory that
/// went in. Of others, a step of the agent becomes a model's step and steps
/// of what came back; a run without times began in 1970.
///
/// # Errors
///
/// [`Error::Malformed`], which names `place`, the line where one is known, and
/// the field.
pub fn parse(text: &[u8], place: &str, line: Option<usize>) -> Result<Trajectory, Error> {
    let document: AtifTrajectory = read_json(text, place, line)?;
    validate(&document, place)?;
    let mut trajectory = read_trajectory(document, place, "")?;
    if trajectory.id.is_empty() {
        trajectory.id = id_of("atif", text, line);
    }
    Ok(trajectory)
}

fn read_trajectory(document: AtifTrajectory, place: &str, at: &str) -> Result<Trajectory, Error> {
    let mut extra = document.extra.clone().unwrap_or_default();
    let field = format!("{at}extra.{OWN}.trajectory");
    let own: Option<Trajectory> = take_own(&mut extra, "trajectory", place, &field)?;
    let mut steps = Reader {
        place,
        at: at.to_owned(),
        steps: Vec::new(),
    };
    for (number, step) in document.steps.iter().enumerate() {
        steps.at = format!("{at}steps[{number}].");
        steps.read_step(step)?;
    }
    let mut trajectory = match own {
        Some(mut own) => {
            own.agent.tools = document.agent.tool_definitions.clone().unwrap_or_default();
            own.steps = steps.steps;
            own.metadata.extend(extra);
            own
        }
        None => foreign(&document, steps.steps, extra),
    };
    let embedded = document
        .subagent_trajectories
        .into_iter()
        .flatten()
        .enumerate();
    for (number, document) in embedded {
        let id = document.trajectory_id.clone().unwrap_or_default();
        let at = format!("{at}subagent_trajectories[{number}].");
        let nested = read_trajectory(document, place, &at)?;
        attach(&mut trajectory.children, id, nested);
    }
    Ok(trajectory)
}

fn attach(children: &mut Vec<Child>, id: String, nested: Trajectory) {
    let known = children
        .iter()
        .position(|child| child.id == id && child.trajectory.is_none());
    match known.and_then(|known| children.get_mut(known)) {
        Some(child) => {
            if child.task.is_empty() {
                child.task.clone_from(&nested.task);
            }
            child.trajectory = Some(Box::new(nested));
        }
        None => children.push(Child {
            id,
            task: nested.task.clone(),
            status: nested.status.clone(),
            trajectory: Some(Box::new(nested)),
            ..Child::default()
        }),
    }
}

/// The trajectory of a document that another program wrote.
fn foreign(document: &AtifTrajectory, steps: Vec<Step>, metadata: Metadata) -> Trajectory {
    let times = || steps.iter().filter_map(|step| step.at);
    let started = times().min().unwrap_or_default();
    let ended = times().max().filter(|ended| *ended > started);
    let first = steps.iter().find(|step| step.kind == StepKind::User);
    let id = document
        .trajectory_id
        .as_ref()
        .or(document.session_id.as_ref());
    let mut trajectory = Trajectory {
        id: id.cloned().unwrap_or_default(),
        task: first.map(|step| step.text.clone()).unwrap_or_default(),
        agent: Agent {
            name: document.agent.name.clone(),
            version: document.agent.version.clone(),
            model: document.agent.model_name.clone().unwrap_or_default(),
            tools: document.agent.tool_definitions.clone().unwrap_or_default(),
            ..Agent::default()
        },
        started,
        ended,
        children: references(document),
        steps,
        metadata,
        ..Trajectory::default()
    };
    infer_end(&mut trajectory);
    trajectory.totals.wall_ms = ended.map_or(0, |ended| started.until_ms(ended));
    if let Some(metrics) = &document.final_metrics {
        let totals = &mut trajectory.totals;
        totals.input_tokens = metrics.total_prompt_tokens.unwrap_or(totals.input_tokens);
        totals.output_tokens = metrics
            .total_completion_tokens
            .unwrap_or(totals.output_tokens);
        totals.cached_tokens = metrics.total_cached_tokens.unwrap_or(totals.cached_tokens);
        totals.cost_usd = metrics.total_cost_usd.or(totals.cost_usd);
    }
    for (name, value) in [
        ("notes", document.notes.clone()),
        (
            "continued_trajectory_ref",
            document.continued_trajectory_ref.clone(),
        ),
        ("session_id", document.session_id.clone()),
    ] {
        if let Some(value) = value {
            trajectory
                .metadata
                .insert(name.to_owned(), Value::String(value));
        }
    }
    trajectory
}

fn references(document: &AtifTrajectory) -> Vec<Child> {
    let results = document.steps.iter().flat_map(|step| &step.observation);
    let results = results.flat_map(|observation| &observation.results);
    let references = results.flat_map(|result| result.subagent_trajectory_ref.iter().flatten());
    let mut children: Vec<Child> = Vec::new();
    for reference in references {
        let ids = [
            &reference.trajectory_id,
            &reference.session_id,
            &reference.trajectory_path,
        ];
        let id = ids
            .into_iter()
            .flatten()
            .next()
            .cloned()
            .unwrap_or_default();
        if children.iter().all(|child| child.id != id) {
            children.push(Child {
                id,
                path: reference.trajectory_path.clone(),
                ..Child::default()
            });
        }
    }
    children
}

struct Reader<'a> {
    place: &'a str,
    /// The path of the step that is read.
    at: String,
    steps: Vec<Step>,
}

impl Reader<'_> {
    fn read_step(&mut self, step: &AtifStep) -> Result<(), Error> {
        let mut extra = step.extra.clone().unwrap_or_default();
        let is_bare = extra.get(OWN).is_some_and(|own| own.get("bare").is_some());
        if !is_bare {
            let field = format!("{}extra.{OWN}.step", self.at);
            let own: Option<Step> = take_own(&mut extra, "step", self.place, &field)?;
            let message = read_message(step, own, extra, next_index(&self.steps));
            self.steps.push(message);
        }
        let results = step
            .observation
            .iter()
            .flat_map(|observation| &observation.results);
        for (number, result) in results.enumerate() {
            let field = format!("{}observation.results[{number}].extra.{OWN}", self.at);
            self.read_result(result, step, &field)?;
        }
        Ok(())
    }

    fn read_result(
        &mut self,
        result: &AtifResult,
        step: &AtifStep,
        field: &str,
    ) -> Result<(), Error> {
        let mut extra = result.extra.clone().unwrap_or_default();
        let own = extra.get(OWN).cloned().unwrap_or_default();
        if own.get("child").is_some() {
            return Ok(());
        }
        let mut copy = extra.clone();
        let own_step: Option<Step> = take_own(&mut copy, "step", self.place, field)?;
        let own_result: Option<ToolResult> = take_own(&mut extra, "result", self.place, field)?;
        let is_own = own_step.is_some() || own_result.is_some();
        let (text, displays) = read_content(result.content.as_ref());
        if let Some(mut own_step) = own_step {
            if own_result.is_none() {
                own_step.text = text.clone();
            }
            self.steps.push(own_step);
        }
        match own_result {
            Some(own) => self.push_result(
                ToolResult {
                    content: text,
                    ..own
                },
                Vec::new(),
            ),
            None if is_own => {}
            None => self.read_foreign(result, step, text, displays),
        }
        Ok(())
    }

    fn read_foreign(
        &mut self,
        result: &AtifResult,
        step: &AtifStep,
        text: String,
        displays: Vec<Display>,
    ) {
        let Some(source) = result.source_call_id.clone() else {
            self.steps.push(Step {
                index: next_index(&self.steps),
                kind: StepKind::Observation,
                text,
                observation: Some(Observation {
                    displays,
                    ..Observation::default()
                }),
                ..Step::default()
            });
            return;
        };
        let mut calls = step.tool_calls.iter().flatten();
        let call = calls.find(|call| call.tool_call_id == source);
        let result = ToolResult {
            name: call
                .map(|call| call.function_name.clone())
                .unwrap_or_default(),
            call_id: source,
            content: text,
            ..ToolResult::default()
        };
        if self
            .steps
            .last()
            .is_none_or(|last| last.kind != StepKind::Tool)
        {
            self.steps.push(Step {
                index: next_index(&self.steps),
                kind: StepKind::Tool,
                ..Step::default()
            });
        }
        self.push_result(result, displays);
    }

    fn push_result(&mut self, result: ToolResult, displays: Vec<Display>) {
        if let Some(last) = self.steps.last_mut() {
            last.results.push(result);
            if !displays.is_empty() {
                last.observation
                    .get_or_insert_with(Observation::default)
                    .displays
                    .extend(displays);
            }
        }
    }
}

fn read_message(step: &AtifStep, own: Option<Step>, extra: Metadata, index: u32) -> Step {
    let (text, displays) = read_content(Some(&step.message));
    let is_own = own.is_some();
    let mut read = own.unwrap_or_else(|| Step {
        index,
        kind: match step.source {
            AtifSource::System => StepKind::System,
            AtifSource::User => StepKind::User,
            AtifSource::Agent => StepKind::Model,
        },
        observation: (!displays.is_empty()).then(|| Observation {
            displays,
            ..Observation::default()
        }),
        ..Step::default()
    });
    read.text = text;
    read.at = step.timestamp.as_deref().and_then(Timestamp::parse);
    read.metadata.extend(extra);
    if step.source == AtifSource::Agent {
        read.model.clone_from(&step.model_name);
        read.reasoning.clone_from(&step.reasoning_content);
        read.usage = step.metrics.as_ref().map(read_usage);
        if let Some(effort) = &step.reasoning_effort {
            read.metadata
                .insert("reasoning_effort".to_owned(), effort.clone());
        }
        for call in step.tool_calls.iter().flatten() {
            match code_of(call) {
                Some(code) => read.code = Some(code.to_owned()),
                None => read.tool_calls.push(read_call(call)),
            }
        }
        if let Some(rest) = step.metrics.as_ref().and_then(other_metrics) {
            read.metadata.insert("metrics".to_owned(), rest);
        }
    }
    if !is_own && step.is_copied_context == Some(true) {
        read.metadata
            .insert("is_copied_context".to_owned(), Value::Bool(true));
    }
    read
}

fn read_usage(metrics: &AtifMetrics) -> Usage {
    Usage {
        input_tokens: metrics.prompt_tokens.unwrap_or(0),
        cached_tokens: metrics.cached_tokens.unwrap_or(0),
        output_tokens: metrics.completion_tokens.unwrap_or(0),
        cost_usd: metrics.cost_usd,
    }
}

/// What training reads from metrics, and no one here.
fn other_metrics(metrics: &AtifMetrics) -> Option<Value> {
    let AtifMetrics {
        prompt_token_ids,
        completion_token_ids,
        logprobs,
        extra,
        ..
    } = metrics;
    let mut rest = Map::new();
    for (name, value) in [
        (
            "prompt_token_ids",
            prompt_token_ids.as_ref().map(|ids| json!(ids)),
        ),
        (
            "completion_token_ids",
            completion_token_ids.as_ref().map(|ids| json!(ids)),
        ),
        (
            "logprobs",
            logprobs.as_ref().map(|logprobs| json!(logprobs)),
        ),
        ("extra", extra.clone().map(Value::Object)),
    ] {
        if let Some(value) = value {
            rest.insert(name.to_owned(), value);
        }
    }
    (!rest.is_empty()).then_some(Value::Object(rest))
}

fn code_of(call: &AtifToolCall) -> Option<&str> {
    call.extra.as_ref()?.get(OWN)?.get("is_code")?;
    call.arguments.get("code")?.as_str()
}

fn read_call(call: &AtifToolCall) -> ToolCall {
    let raw = call
        .extra
        .as_ref()
        .and_then(|extra| extra.get(OWN)?.get("arguments"));
    ToolCall {
        id: call.tool_call_id.clone(),
        name: call.function_name.clone(),
        arguments: raw
            .cloned()
            .unwrap_or_else(|| Value::Object(call.arguments.clone())),
    }
}

fn read_content(content: Option<&AtifContent>) -> (String, Vec<Display>) {
    match content {
        None => (String::new(), Vec::new()),
        Some(AtifContent::Text(text)) => (text.clone(), Vec::new()),
        Some(AtifContent::Parts(parts)) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| part.text.as_deref())
                .collect();
            (
                texts.join("\n"),
                parts.iter().filter_map(display_of).collect(),
            )
        }
    }
}

fn display_of(part: &AtifPart) -> Option<Display> {
    part.source.as_ref().map(|image| Display {
        media_type: image.media_type.clone(),
        encoding: Encoding::Path,
        data: image.path.clone(),
        title: None,
    })
}

/// Takes what is ours out of `extra`.
fn take_own<T: for<'de> Deserialize<'de>>(
    extra: &mut Map<String, Value>,
    key: &str,
    place: &str,
    field: &str,
) -> Result<Option<T>, Error> {
    let Some(Value::Object(own)) = extra.get_mut(OWN) else {
        return Ok(None);
    };
    let Some(value) = own.remove(key) else {
        return Ok(None);
    };
    extra.remove(OWN);
    serde_path_to_error::deserialize(value)
        .map(Some)
        .map_err(|error| {
            let at = format!("{field}.{}", error.path());
            Error::malformed(place, None, at, error.into_inner().to_string())
        })
}
