//! The spans of a run.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::attributes::Attributes;
use super::ids::{span_id, trace_id};
use super::span::{CLIENT, INTERNAL, Span, SpanOptions, SpanStatus};
use crate::{Status, Step, StepKind, Timestamp, ToolResult, Totals, Trajectory};

/// The tool that a block of code is run by.
const CODE_TOOL: &str = "python";

/// The spans of a run and of the children nested in it.
pub(super) fn spans_of(trajectory: &Trajectory, options: SpanOptions) -> Vec<Span> {
    let parent = trajectory.parent.as_ref();
    let root = parent.map_or(&trajectory.id, |parent| {
        parent.root.as_ref().unwrap_or(&parent.id)
    });
    let mut tree = Tree {
        trace_id: trace_id(root),
        options,
        spans: Vec::new(),
    };
    let above = parent
        .map(|parent| span_id(&parent.id, parent.step, None))
        .unwrap_or_default();
    tree.add_run(trajectory, above);
    tree.spans
}

struct Tree {
    trace_id: String,
    options: SpanOptions,
    spans: Vec<Span>,
}

impl Tree {
    fn add_run(&mut self, run: &Trajectory, parent_span_id: String) {
        let id = span_id(&run.id, None, None);
        let ended = run.ended.unwrap_or_else(|| last_moment(run));
        let mut attributes = Attributes::default();
        attributes
            .text("gen_ai.operation.name", "invoke_agent")
            .text("gen_ai.agent.name", &run.agent.name)
            .text("gen_ai.agent.version", &run.agent.version)
            .text("gen_ai.conversation.id", &run.id)
            .some_text("gen_ai.provider.name", run.agent.provider.as_deref())
            .text("gen_ai.request.model", &run.agent.model)
            .text("memex.action_space", run.agent.action_space.word())
            .text("memex.status", run.status.word())
            .some_text("memex.task.id", run.task_id.as_deref());
        set_totals(&mut attributes, &run.totals);
        if self.options.content {
            let input = json!([message("user", &run.task)]).to_string();
            attributes.text("gen_ai.input.messages", &input);
            let answer = run
                .submission
                .as_ref()
                .map(Value::to_string)
                .or_else(|| run.answer.clone());
            if let Some(answer) = answer {
                let output = json!([message("assistant", &answer)]).to_string();
                attributes.text("gen_ai.output.messages", &output);
            }
        }
        let failure = match &run.status {
            Status::Failed { .. } | Status::Exhausted { .. } => Some(run.status.word()),
            _ => None,
        };
        attributes.some_text("error.type", failure);
        let name = format!("invoke_agent {}", run.agent.name);
        let status = failure.map(|_| run.status.to_string());
        self.add(
            Place {
                id: id.clone(),
                parent: parent_span_id,
                name,
                kind: INTERNAL,
            },
            (run.started, ended),
            attributes,
            status.as_deref(),
        );
        for step in &run.steps {
            self.add_step(run, step, &id);
        }
        let mut steps = HashMap::new();
        for step in &run.steps {
            steps.entry(step.index).or_insert(step);
        }
        for child in &run.children {
            if let Some(nested) = &child.trajectory {
                let spawner = child.step.and_then(|index| steps.get(&index).copied());
                let above = spawner.filter(|step| has_span(step)).map_or_else(
                    || id.clone(),
                    |step| span_id(&run.id, Some(step.index), None),
                );
                self.add_run(nested, above);
            }
        }
    }

    fn add_step(&mut self, run: &Trajectory, step: &Step, run_span: &str) {
        match step.kind {
            StepKind::Model => self.add_reply(run, step, run_span),
            StepKind::Observation => self.add_block(run, step, run_span),
            StepKind::Tool => {
                for (number, result) in step.results.iter().enumerate() {
                    self.add_call(run, step, (number, result), run_span);
                }
            }
            StepKind::System | StepKind::User => {}
        }
    }

    fn add_reply(&mut self, run: &Trajectory, step: &Step, run_span: &str) {
        let model = run.model_of(step);
        let mut attributes = Attributes::default();
        attributes
            .text("gen_ai.operation.name", "chat")
            .some_text("gen_ai.provider.name", run.agent.provider.as_deref())
            .text("gen_ai.request.model", &run.agent.model)
            .text("gen_ai.response.model", model)
            .text("gen_ai.conversation.id", &run.id)
            .count("memex.step", u64::from(step.index));
        if let Some(reason) = &step.finish_reason {
            attributes.texts("gen_ai.response.finish_reasons", &[reason]);
        }
        if let Some(usage) = step.usage {
            attributes
                .count("gen_ai.usage.input_tokens", usage.input_tokens)
                .count("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens)
                .count("gen_ai.usage.output_tokens", usage.output_tokens)
                .some_number("memex.cost_usd", usage.cost_usd);
        }
        if self.options.content {
            let output = json!([message("assistant", &step.text)]).to_string();
            attributes.text("gen_ai.output.messages", &output);
        }
        let took_ms = step.timing.and_then(|timing| timing.model_ms).unwrap_or(0);
        let place = Place {
            id: span_id(&run.id, Some(step.index), None),
            parent: run_span.to_owned(),
            name: format!("chat {model}"),
            kind: CLIENT,
        };
        self.add(place, interval(run, step, took_ms), attributes, None);
    }

    fn add_block(&mut self, run: &Trajectory, step: &Step, run_span: &str) {
        let mut attributes = Attributes::default();
        attributes
            .text("gen_ai.operation.name", "execute_tool")
            .text("gen_ai.tool.name", CODE_TOOL)
            .text("gen_ai.tool.type", "function")
            .text("gen_ai.conversation.id", &run.id)
            .count("memex.step", u64::from(step.index));
        if let Some(guest) = step.guest {
            attributes.count("memex.guest_time_ms", guest.guest_time_ms.unwrap_or(0));
            attributes.count("memex.fuel", guest.fuel.unwrap_or(0));
        }
        let observation = step.observation.as_ref();
        let error = observation.and_then(|observation| observation.error.as_ref());
        let limit = observation.and_then(|observation| observation.limits.first());
        attributes
            .some_text("error.type", error.map(|error| error.kind.as_str()))
            .flag(
                "memex.state_lost",
                observation.is_some_and(|observation| observation.state_lost),
            )
            .some_text("memex.limit", limit.map(|limit| limit.name.as_str()));
        if self.options.content {
            let above = run
                .steps
                .iter()
                .take_while(|other| other.index < step.index)
                .last();
            attributes.some_text(
                "gen_ai.tool.call.arguments",
                above.and_then(|s| s.code.as_deref()),
            );
            attributes.text("gen_ai.tool.call.result", &step.text);
        }
        let took_ms = step.timing.and_then(|timing| timing.run_ms).unwrap_or(0);
        let place = Place {
            id: span_id(&run.id, Some(step.index), None),
            parent: run_span.to_owned(),
            name: format!("execute_tool {CODE_TOOL}"),
            kind: INTERNAL,
        };
        let failure = error.map(|error| error.message.as_str());
        self.add(place, interval(run, step, took_ms), attributes, failure);
    }

    fn add_call(
        &mut self,
        run: &Trajectory,
        step: &Step,
        call: (usize, &ToolResult),
        run_span: &str,
    ) {
        let (number, result) = call;
        let mut attributes = Attributes::default();
        attributes
            .text("gen_ai.operation.name", "execute_tool")
            .text("gen_ai.tool.name", &result.name)
            .text("gen_ai.tool.call.id", &result.call_id)
            .text("gen_ai.tool.type", "function")
            .text("gen_ai.conversation.id", &run.id)
            .count("memex.step", u64::from(step.index));
        if result.is_error {
            attributes.text("error.type", "_OTHER");
        }
        if self.options.content {
            attributes.text("gen_ai.tool.call.result", &result.content);
        }
        let place = Place {
            id: span_id(&run.id, Some(step.index), Some(number)),
            parent: run_span.to_owned(),
            name: format!("execute_tool {}", result.name),
            kind: INTERNAL,
        };
        let failure = result.is_error.then_some("the tool failed");
        let took_ms = result.duration_ms.unwrap_or(0);
        self.add(place, interval(run, step, took_ms), attributes, failure);
    }

    fn add(
        &mut self,
        place: Place,
        (start, end): (Timestamp, Timestamp),
        attributes: Attributes,
        failure: Option<&str>,
    ) {
        self.spans.push(Span {
            trace_id: self.trace_id.clone(),
            span_id: place.id,
            parent_span_id: place.parent,
            name: place.name,
            kind: place.kind,
            start_time_unix_nano: nanoseconds(start),
            end_time_unix_nano: nanoseconds(end.max(start)),
            attributes,
            status: failure.map(SpanStatus::failed),
        });
    }
}

struct Place {
    id: String,
    parent: String,
    name: String,
    kind: u32,
}

fn set_totals(attributes: &mut Attributes, totals: &Totals) {
    attributes
        .count("gen_ai.usage.input_tokens", totals.input_tokens)
        .count("gen_ai.usage.cache_read.input_tokens", totals.cached_tokens)
        .count("gen_ai.usage.output_tokens", totals.output_tokens)
        .some_number("memex.cost_usd", totals.cost_usd)
        .count("memex.turns", totals.turns)
        .count("memex.tool_calls", totals.tool_calls);
}

fn has_span(step: &Step) -> bool {
    matches!(step.kind, StepKind::Model | StepKind::Observation)
}

fn interval(run: &Trajectory, step: &Step, took_ms: u64) -> (Timestamp, Timestamp) {
    let start = step.at.unwrap_or(run.started);
    (start, start.after_ms(took_ms))
}

/// When a run without an end was last heard of.
fn last_moment(run: &Trajectory) -> Timestamp {
    let moments = run.steps.iter().filter_map(|step| {
        let timing = step.timing.unwrap_or_default();
        let took_ms = timing.model_ms.unwrap_or(0).max(timing.run_ms.unwrap_or(0));
        Some(step.at?.after_ms(took_ms))
    });
    moments.max().unwrap_or(run.started)
}

fn nanoseconds(time: Timestamp) -> String {
    (u128::from(time.unix_ms()) * 1_000_000).to_string()
}

fn message(role: &str, text: &str) -> Value {
    json!({ "parts": [{ "content": text, "type": "text" }], "role": role })
}
