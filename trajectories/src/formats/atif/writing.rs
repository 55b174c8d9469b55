//! From a trajectory to ATIF.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::document::{
    ATIF_VERSION, AtifAgent, AtifContent, AtifFinalMetrics, AtifMetrics, AtifObservation,
    AtifResult, AtifSource, AtifStep, AtifSubagent, AtifToolCall, AtifTrajectory, CODE_FUNCTION,
    OWN,
};
use crate::depth::{check_children, fold_trajectory};
use crate::{
    Agent, Child, Error, Metadata, Step, StepKind, ToolCall, ToolResult, Trajectory, Usage,
};

/// A trajectory as an indented document.
///
/// # Errors
///
/// [`Error::TooDeep`] or [`Error::DuplicateChild`].
pub fn to_document(trajectory: &Trajectory) -> Result<String, Error> {
    let document = to_atif(trajectory)?;
    serde_json::to_string_pretty(&document).map_err(|error| unwritable(trajectory, &error))
}

/// A trajectory as a document on one line, without its end.
///
/// # Errors
///
/// [`Error::TooDeep`] or [`Error::DuplicateChild`].
pub fn to_line(trajectory: &Trajectory) -> Result<String, Error> {
    let document = to_atif(trajectory)?;
    serde_json::to_string(&document).map_err(|error| unwritable(trajectory, &error))
}

/// JSON values that nest too deep to be read back become text from there on.
fn to_atif(trajectory: &Trajectory) -> Result<AtifTrajectory, Error> {
    check_children(trajectory)?;
    let mut folded = trajectory.clone();
    fold_trajectory(&mut folded);
    let session = folded
        .parent
        .as_ref()
        .and_then(|parent| parent.root.as_ref());
    let session = session.unwrap_or(&folded.id).clone();
    write_trajectory(&folded, &session)
}

fn unwritable(trajectory: &Trajectory, error: &serde_json::Error) -> Error {
    Error::malformed(&trajectory.id, None, "", error.to_string())
}

fn write_trajectory(trajectory: &Trajectory, session: &str) -> Result<AtifTrajectory, Error> {
    let mut embedded = Vec::new();
    let mut ids = BTreeSet::new();
    for child in &trajectory.children {
        if let Some(nested) = &child.trajectory {
            if !ids.insert(&child.id) {
                return Err(Error::DuplicateChild {
                    id: trajectory.id.clone(),
                    child: child.id.clone(),
                });
            }
            let mut document = write_trajectory(nested, session)?;
            document.trajectory_id = Some(child.id.clone());
            embedded.push(document);
        }
    }
    Ok(AtifTrajectory {
        schema_version: ATIF_VERSION.to_owned(),
        session_id: Some(session.to_owned()),
        trajectory_id: Some(trajectory.id.clone()),
        agent: write_agent(&trajectory.agent),
        steps: write_steps(trajectory, session),
        notes: None,
        final_metrics: Some(write_totals(trajectory)),
        continued_trajectory_ref: None,
        extra: Some(root_extra(trajectory)),
        subagent_trajectories: Some(embedded).filter(|embedded| !embedded.is_empty()),
    })
}

fn write_agent(agent: &Agent) -> AtifAgent {
    let named = |text: &str| match text {
        "" => "unknown".to_owned(),
        text => text.to_owned(),
    };
    AtifAgent {
        name: named(&agent.name),
        version: named(&agent.version),
        model_name: Some(agent.model.clone()).filter(|model| !model.is_empty()),
        tool_definitions: Some(agent.tools.clone()).filter(|tools| !tools.is_empty()),
        extra: None,
    }
}

fn write_totals(trajectory: &Trajectory) -> AtifFinalMetrics {
    AtifFinalMetrics {
        total_prompt_tokens: Some(trajectory.totals.input_tokens),
        total_completion_tokens: Some(trajectory.totals.output_tokens),
        total_cached_tokens: Some(trajectory.totals.cached_tokens),
        total_cost_usd: trajectory.totals.cost_usd,
        total_steps: u64::try_from(trajectory.steps.len()).ok(),
        extra: None,
    }
}

/// What the root has no fields for: the trajectory without what stands
/// elsewhere in the document.
fn root_extra(trajectory: &Trajectory) -> Map<String, Value> {
    let bare = |child: &Child| Child {
        trajectory: None,
        ..child.clone()
    };
    let mut rest = Trajectory {
        steps: Vec::new(),
        children: trajectory.children.iter().map(bare).collect(),
        ..trajectory.clone()
    };
    rest.agent.tools = Vec::new();
    let mut extra = take_metadata(&mut rest.metadata);
    extra.insert(OWN.to_owned(), json!({ "trajectory": value_of(&rest) }));
    extra
}

/// Metadata becomes `extra`, unless that would hide what is ours.
fn take_metadata(metadata: &mut Metadata) -> Map<String, Value> {
    if metadata.contains_key(OWN) {
        return Map::new();
    }
    std::mem::take(metadata)
}

fn write_steps(trajectory: &Trajectory, session: &str) -> Vec<AtifStep> {
    let mut steps: Vec<AtifStep> = Vec::new();
    let mut refers = Vec::new();
    for step in &trajectory.steps {
        match step.kind {
            StepKind::System => steps.push(write_message(AtifSource::System, step)),
            StepKind::User => steps.push(write_message(AtifSource::User, step)),
            StepKind::Model => steps.push(write_message(AtifSource::Agent, step)),
            StepKind::Observation | StepKind::Tool => {
                if !steps
                    .last()
                    .is_some_and(|last| last.source == AtifSource::Agent || is_bare(last))
                {
                    steps.push(bare(AtifSource::System, ""));
                }
                if let Some(last) = steps.last_mut() {
                    let results = write_results(step, last);
                    observe(last, results);
                }
            }
        }
        refers.push((step.index, steps.len()));
    }
    if steps.is_empty() {
        steps.push(bare(AtifSource::User, &trajectory.task));
    }
    for child in &trajectory.children {
        let place = refers.iter().find(|(index, _)| Some(*index) == child.step);
        let step = place.and_then(|(_, length)| steps.get_mut(length.checked_sub(1)?));
        if let Some(step) = step.filter(|step| step.source != AtifSource::User) {
            observe(step, vec![write_reference(child, session)]);
        }
    }
    for (number, step) in steps.iter_mut().enumerate() {
        step.step_id = u64::try_from(number).unwrap_or(u64::MAX).saturating_add(1);
    }
    steps
}

/// A step that stands for no message.
fn bare(source: AtifSource, message: &str) -> AtifStep {
    AtifStep {
        source,
        message: AtifContent::Text(message.to_owned()),
        extra: own(json!({ "bare": true })),
        ..AtifStep::default()
    }
}

fn is_bare(step: &AtifStep) -> bool {
    let own = step.extra.as_ref().and_then(|extra| extra.get(OWN));
    own.is_some_and(|own| own.get("bare").is_some())
}

fn observe(step: &mut AtifStep, results: Vec<AtifResult>) {
    let observation = step
        .observation
        .get_or_insert_with(AtifObservation::default);
    observation.results.extend(results);
}

fn write_message(source: AtifSource, step: &Step) -> AtifStep {
    let mut rest = step.clone();
    let mut written = AtifStep {
        source,
        timestamp: rest.at.take().map(|at| at.to_string()),
        message: AtifContent::Text(std::mem::take(&mut rest.text)),
        ..AtifStep::default()
    };
    if source == AtifSource::Agent {
        written.llm_call_count = Some(1);
        written.model_name = rest.model.take();
        written.reasoning_content = rest.reasoning.take();
        written.metrics = rest.usage.take().map(write_usage);
        written.tool_calls = write_calls(&mut rest);
        let effort = rest.metadata.get("reasoning_effort");
        if effort.is_some_and(|effort| effort.is_string() || effort.is_number()) {
            written.reasoning_effort = rest.metadata.remove("reasoning_effort");
        }
    }
    let mut extra = take_metadata(&mut rest.metadata);
    extra.insert(OWN.to_owned(), json!({ "step": value_of(&rest) }));
    written.extra = Some(extra);
    written
}

fn write_usage(usage: Usage) -> AtifMetrics {
    AtifMetrics {
        prompt_tokens: Some(usage.input_tokens),
        completion_tokens: Some(usage.output_tokens),
        cached_tokens: Some(usage.cached_tokens),
        cost_usd: usage.cost_usd,
        ..AtifMetrics::default()
    }
}

fn write_calls(rest: &mut Step) -> Option<Vec<AtifToolCall>> {
    if rest.tool_calls.is_empty() {
        let code = rest.code.take()?;
        return Some(vec![AtifToolCall {
            tool_call_id: format!("code-{}", rest.index),
            function_name: CODE_FUNCTION.to_owned(),
            arguments: Map::from_iter([("code".to_owned(), Value::String(code))]),
            extra: own(json!({ "is_code": true })),
        }]);
    }
    let calls = std::mem::take(&mut rest.tool_calls);
    Some(calls.into_iter().map(write_call).collect())
}

fn write_call(call: ToolCall) -> AtifToolCall {
    let (arguments, extra) = match call.arguments {
        Value::Object(arguments) => (arguments, None),
        other => (Map::new(), own(json!({ "arguments": other }))),
    };
    AtifToolCall {
        tool_call_id: call.id,
        function_name: call.name,
        arguments,
        extra,
    }
}

/// A step of results: the first carries what the step itself has.
fn write_results(step: &Step, to: &AtifStep) -> Vec<AtifResult> {
    let calls = to.tool_calls.iter().flatten();
    let calls: Vec<&str> = calls.map(|call| call.tool_call_id.as_str()).collect();
    let mut rest = step.clone();
    if step.kind == StepKind::Observation || step.results.is_empty() {
        let text = std::mem::take(&mut rest.text);
        return vec![AtifResult {
            source_call_id: match calls.as_slice() {
                [call] => Some((*call).to_owned()),
                _ => None,
            },
            content: Some(AtifContent::Text(text)),
            extra: own(json!({ "step": value_of(&rest) })),
            ..AtifResult::default()
        }];
    }
    let results = std::mem::take(&mut rest.results);
    let results = results.into_iter().enumerate().map(|(number, mut result)| {
        let content = std::mem::take(&mut result.content);
        let mut extra = Map::new();
        if number == 0 {
            extra.insert("step".to_owned(), value_of(&rest));
        }
        extra.insert("result".to_owned(), value_of::<ToolResult>(&result));
        AtifResult {
            source_call_id: Some(result.call_id).filter(|id| calls.contains(&id.as_str())),
            content: Some(AtifContent::Text(content)),
            extra: own(Value::Object(extra)),
            ..AtifResult::default()
        }
    });
    results.collect()
}

fn write_reference(child: &Child, session: &str) -> AtifResult {
    let subagent = AtifSubagent {
        trajectory_id: Some(child.id.clone()),
        session_id: Some(session.to_owned()),
        trajectory_path: child.path.clone(),
        extra: None,
    };
    AtifResult {
        subagent_trajectory_ref: Some(vec![subagent]),
        extra: own(json!({ "child": child.id })),
        ..AtifResult::default()
    }
}

fn own(value: Value) -> Option<Map<String, Value>> {
    Some(Map::from_iter([(OWN.to_owned(), value)]))
}

/// Types of this crate are always JSON.
fn value_of<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
