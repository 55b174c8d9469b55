//! Conversations of chat completions as JSON lines:
//! `{"messages": [{"role", "content", …}], "tools": […]}`.
//!
//! What code gave goes to the model as it did in the run: as a message of the role `tool`, if
//! the block came by a call, else of the user. What tools returned goes as messages of the role
//! `tool`.

use memex_channel::TreeSize;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    ActionSpace, Agent, Error, Status, Step, StepKind, ToolCall, ToolResult, Totals, Trajectory,
};

/// A message of a conversation. Fields that are not listed are not read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks: `system`, `developer`, `user`, `assistant`, `tool` or
    /// `function`.
    pub role: String,
    /// Its text.
    #[serde(default)]
    pub content: Option<Content>,
    /// What an assistant thought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// What an assistant calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<Call>>,
    /// The call that a tool's message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The tool that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// In words.
    Text(String),
    /// In parts, of which those with a `text` are read.
    Parts(Vec<Map<String, Value>>),
}

/// A call in a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Its id.
    pub id: String,
    /// `function`.
    #[serde(rename = "type", default = "function")]
    pub kind: String,
    /// What is called.
    pub function: Function,
}

/// What a call calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// The tool.
    pub name: String,
    /// The arguments, as JSON text.
    pub arguments: String,
}

/// What a written conversation contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChatOptions {
    /// Whether the model's reasoning goes along, as `reasoning_content`; not
    /// by default.
    pub reasoning: bool,
}

/// The tool by which blocks of code come.
const BLOCK_TOOL: &str = "python";

#[derive(Serialize, Deserialize)]
struct Conversation {
    messages: Vec<Message>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Map<String, Value>>,
}

fn function() -> String {
    "function".to_owned()
}

/// The messages of a trajectory.
pub fn messages(trajectory: &Trajectory, options: ChatOptions) -> Vec<Message> {
    let mut messages = Vec::new();
    // The call by which the last block came.
    let mut block = None;
    for step in &trajectory.steps {
        match step.kind {
            StepKind::System => messages.push(Message::of("system", &step.text)),
            StepKind::Observation if block.is_some() => messages.push(Message {
                tool_call_id: block.take(),
                ..Message::of("tool", &step.text)
            }),
            StepKind::User | StepKind::Observation => {
                messages.push(Message::of("user", &step.text));
            }
            StepKind::Model => {
                block = block_call(step).map(str::to_owned);
                messages.push(reply(step, options));
            }
            StepKind::Tool => messages.extend(step.results.iter().map(|result| Message {
                tool_call_id: Some(result.call_id.clone()),
                ..Message::of("tool", &result.content)
            })),
        }
    }
    messages
}

/// The tools that the model was sent: in code space, the one by which blocks come, if they
/// came so.
pub fn sent_tools(trajectory: &Trajectory) -> Vec<Map<String, Value>> {
    if trajectory.agent.action_space == ActionSpace::Tools {
        return trajectory.agent.tools.clone();
    }
    if !trajectory
        .steps
        .iter()
        .any(|step| block_call(step).is_some())
    {
        return Vec::new();
    }
    let function = serde_json::json!({
        "name": BLOCK_TOOL,
        "description": "Runs a block of Python in your persistent session.",
        "parameters": {
            "type": "object",
            "properties": { "code": { "type": "string", "description": "The block." } },
            "required": ["code"],
            "additionalProperties": false,
        },
    });
    let definition = [
        ("type".to_owned(), "function".into()),
        ("function".to_owned(), function),
    ];
    vec![Map::from_iter(definition)]
}

/// The id of the call by which a block came, if it came by one.
fn block_call(step: &Step) -> Option<&str> {
    step.code.as_ref()?;
    step.metadata.get("call_id")?.as_str()
}

/// A trajectory as a line, without its end.
///
/// # Errors
///
/// None in practice; [`Error::Malformed`] if it cannot be written as JSON.
pub fn to_line(trajectory: &Trajectory, options: ChatOptions) -> Result<String, Error> {
    let conversation = Conversation {
        messages: messages(trajectory, options),
        tools: sent_tools(trajectory),
    };
    serde_json::to_string(&conversation)
        .map_err(|error| Error::malformed(&trajectory.id, None, "", error.to_string()))
}

/// Reads a conversation: an object with `messages`, or a list of messages.
///
/// # Errors
///
/// [`Error::Malformed`], which names `place`, `line` and the field.
pub fn parse(text: &[u8], place: &str, line: Option<usize>) -> Result<Trajectory, Error> {
    let is_list = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let conversation = if is_list {
        Conversation {
            messages: read_json(text, place, line)?,
            tools: Vec::new(),
        }
    } else {
        read_json(text, place, line)?
    };
    let mut trajectory = from_messages(&conversation.messages, "messages", place, line)?;
    trajectory.id = id_of("chat", text, line);
    trajectory.agent.tools = conversation.tools;
    Ok(trajectory)
}

/// What a document may take as values: twice the longest one. `{"":0}` takes a hundred times
/// its text.
const VALUES_MAX_BYTES: usize = 512 << 20;

/// Reads JSON so that an error names the field.
pub(crate) fn read_json<T: for<'de> Deserialize<'de>>(
    text: &[u8],
    place: &str,
    line: Option<usize>,
) -> Result<T, Error> {
    let _taken = TreeSize::check(text, VALUES_MAX_BYTES)
        .map_err(|what| Error::malformed(place, line, "", format!("it {what}")))?;
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = match error.path().to_string() {
            path if path == "." => String::new(),
            path => path,
        };
        let inner = error.into_inner();
        let line = line.or(Some(inner.line()).filter(|line| *line > 0));
        Error::malformed(place, line, field, inner.to_string())
    })?;
    json.end().map_err(|error| {
        Error::malformed(place, line.or(Some(error.line())), "", error.to_string())
    })?;
    Ok(read)
}

/// An id for a run that has none: of what is read, and where it stands.
pub(crate) fn id_of(prefix: &str, text: &[u8], line: Option<usize>) -> String {
    let digest = blake3::hash(text).to_hex();
    let digest = digest.get(..12).unwrap_or_default();
    format!("{prefix}-{}-{digest}", line.unwrap_or(1))
}

pub(crate) fn from_messages(
    messages: &[Message],
    field: &str,
    place: &str,
    line: Option<usize>,
) -> Result<Trajectory, Error> {
    let mut trajectory = Trajectory {
        agent: Agent {
            name: "unknown".to_owned(),
            version: "unknown".to_owned(),
            ..Agent::default()
        },
        ..Trajectory::default()
    };
    // Arguments are texts, of which values are made here.
    let mut taken = 0_usize;
    for (number, message) in messages.iter().enumerate() {
        for call in message.tool_calls.iter().flatten() {
            let arguments = call.function.arguments.as_bytes();
            taken = taken.saturating_add(TreeSize::of(arguments));
        }
        if taken > VALUES_MAX_BYTES {
            let what = format!("arguments take more than {VALUES_MAX_BYTES} bytes as values");
            let field = format!("{field}[{number}].tool_calls");
            return Err(Error::malformed(place, line, field, what));
        }
        push(&mut trajectory.steps, message).map_err(|(at, what)| {
            Error::malformed(place, line, format!("{field}[{number}].{at}"), what)
        })?;
    }
    let first = trajectory
        .steps
        .iter()
        .find(|step| step.kind == StepKind::User);
    trajectory.task = first.map(|step| step.text.clone()).unwrap_or_default();
    infer_end(&mut trajectory);
    Ok(trajectory)
}

/// What the steps say of the action space, the totals and the end.
pub(crate) fn infer_end(trajectory: &mut Trajectory) {
    let calls = trajectory
        .steps
        .iter()
        .any(|step| !step.tool_calls.is_empty());
    if calls {
        trajectory.agent.action_space = ActionSpace::Tools;
    }
    trajectory.totals = Totals::of(&trajectory.steps);
    let last = trajectory.steps.last();
    if let Some(last) = last.filter(|s| s.kind == StepKind::Model && s.tool_calls.is_empty()) {
        trajectory.status = Status::Answered;
        trajectory.answer = Some(last.text.clone());
    }
}

impl Message {
    fn of(role: &str, text: &str) -> Self {
        Self {
            role: role.to_owned(),
            content: Some(Content::Text(text.to_owned())),
            ..Self::default()
        }
    }

    fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
                texts.collect::<Vec<_>>().join("\n")
            }
        }
    }
}

fn reply(step: &Step, options: ChatOptions) -> Message {
    let calls = step.tool_calls.iter().map(|call| Call {
        id: call.id.clone(),
        kind: function(),
        function: Function {
            name: call.name.clone(),
            arguments: match &call.arguments {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
        },
    });
    let mut calls: Vec<Call> = calls.collect();
    let mut text = step.text.as_str();
    if let (Some(id), Some(code)) = (block_call(step), &step.code) {
        // The text of the step ends with the block, as people read it.
        let shown = format!("\n```python\n{code}\n```");
        text = text.strip_suffix(shown.as_str()).unwrap_or(text);
        let arguments = serde_json::json!({ "code": code }).to_string();
        let function = Function {
            name: BLOCK_TOOL.to_owned(),
            arguments,
        };
        calls.push(Call {
            id: id.to_owned(),
            kind: self::function(),
            function,
        });
    }
    Message {
        reasoning_content: step.reasoning.clone().filter(|_| options.reasoning),
        tool_calls: Some(calls).filter(|calls| !calls.is_empty()),
        ..Message::of("assistant", text)
    }
}

/// Adds a message to the steps; an error is a field of it and what is wrong.
fn push(steps: &mut Vec<Step>, message: &Message) -> Result<(), (&'static str, String)> {
    let kind = match message.role.as_str() {
        "system" | "developer" => StepKind::System,
        "user" => StepKind::User,
        "assistant" => StepKind::Model,
        "tool" | "function" => return push_result(steps, message),
        other => {
            let what = format!("{other:?} is no role; there are system, user, assistant, tool");
            return Err(("role", what));
        }
    };
    if kind != StepKind::Model && message.tool_calls.is_some() {
        return Err(("tool_calls", "only an assistant calls tools".to_owned()));
    }
    let calls = message.tool_calls.iter().flatten().map(|call| ToolCall {
        id: call.id.clone(),
        name: call.function.name.clone(),
        arguments: arguments_of(&call.function.arguments),
    });
    steps.push(Step {
        index: next_index(steps),
        kind,
        text: message.text(),
        reasoning: message.reasoning_content.clone(),
        tool_calls: calls.collect(),
        ..Step::default()
    });
    Ok(())
}

fn push_result(steps: &mut Vec<Step>, message: &Message) -> Result<(), (&'static str, String)> {
    let by_name = message.name.clone().filter(|_| message.role == "function");
    let Some(call_id) = message.tool_call_id.clone().or(by_name) else {
        return Err((
            "tool_call_id",
            "a tool's message names the call that it answers".to_owned(),
        ));
    };
    let mut calls = steps.iter().rev().flat_map(|step| &step.tool_calls);
    let known = calls.find(|call| call.id == call_id);
    let result = ToolResult {
        name: known
            .map(|call| call.name.clone())
            .or_else(|| message.name.clone())
            .unwrap_or_default(),
        call_id,
        content: message.text(),
        ..ToolResult::default()
    };
    match steps.last_mut() {
        Some(last) if last.kind == StepKind::Tool => last.results.push(result),
        _ => steps.push(Step {
            index: next_index(steps),
            kind: StepKind::Tool,
            results: vec![result],
            ..Step::default()
        }),
    }
    Ok(())
}

/// JSON where it is an object, else the text as it came.
fn arguments_of(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(object @ Value::Object(_)) => object,
        _ => Value::String(text.to_owned()),
    }
}

pub(crate) fn next_index(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}
