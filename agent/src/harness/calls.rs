//! The host's side of a run's session: tools by the broker, and the harness's
//! own calls beside them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

use memex_channel::{Frame, HostCalls, OP_AGENT, OP_CALL, OP_TOOLBOX, Reply, Ticket, TurnHandle};
use memex_host_tools::{Broker, LargeInteger, REQUEST_TREE_BYTES, TreeSize};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::board::Board;
use super::output::SUBMIT;
use super::submission::{Objects, SubmissionSlot};

/// Most bytes of an input in one reply.
const INPUT_PIECE_BYTES: usize = 4 << 20;

/// The contents that the scope takes its objects from, by name.
pub(crate) type Inputs = Arc<BTreeMap<String, Vec<u8>>>;

/// Tools whose functions do more in the guest than to call, and what they call
/// in place of the usual.
const MARKED: &[(&str, &str)] = &[
    (SUBMIT, "_call = _submit\n"),
    ("spawn_agent", "_call = _spawn\n"),
    ("map_agents", "_call = _map\n"),
    ("llm", "_call = _ask\n_await = _ask_aio\n"),
];

/// The tool by which the guest waits for a child: no tool for models.
pub(crate) const WAIT_TOOL: &str = "agent_wait";

pub(crate) struct HarnessCalls {
    pub(crate) broker: Broker,
    pub(crate) slot: SubmissionSlot,
    pub(crate) board: Option<Board>,
    pub(crate) inputs: Inputs,
    pub(crate) object_max_bytes: usize,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    /// `submit`, with the objects as the last part.
    Submit {
        arguments: Map<String, Value>,
        /// The part that holds long texts, as in a call.
        #[serde(default)]
        text: Option<u64>,
    },
    /// A piece of an input.
    Input {
        name: String,
        offset: u64,
    },
    Get {
        key: String,
    },
    Set {
        key: String,
        version: Option<u64>,
    },
    Delete {
        key: String,
    },
    Keys,
}

/// The depth of the object that the arguments of a request are.
const ARGUMENTS_AT: usize = 2;

impl HarnessCalls {
    fn own(&mut self, frame: &Frame<'_>, turn: &dyn TurnHandle) -> Reply {
        if let Err(reason) = TreeSize::check(frame.head, REQUEST_TREE_BYTES) {
            return Reply::error("ValueError", &format!("the call {reason}"));
        }
        let request: Request = match serde_json::from_slice(frame.head) {
            Ok(request) => request,
            Err(error) => {
                return Reply::error("ValueError", &format!("the call is malformed: {error}"));
            }
        };
        // What it is made of is written anew below, with the numbers that were read.
        if let Some(found) = LargeInteger::find(frame.head, ARGUMENTS_AT) {
            let name = found
                .name()
                .map_or(String::new(), |name| format!("{name}: "));
            let message = format!("{name}{}; hand it over as text: str(…)", found.reason());
            return Reply::error("ValueError", &message);
        }
        match request {
            Request::Submit { arguments, text } => self.submit(arguments, text, frame, turn),
            Request::Input { name, offset } => self.input(&name, offset),
            request => match &self.board {
                Some(board) => on_board(board, request, &frame.parts),
                None => Reply::error("PermissionError", "this run has no shared board"),
            },
        }
    }

    /// A call of the tool like any other; what was handed in is kept when the
    /// call is accepted.
    fn submit(
        &mut self,
        arguments: Map<String, Value>,
        text: Option<u64>,
        frame: &Frame<'_>,
        turn: &dyn TurnHandle,
    ) -> Reply {
        let Some((objects, parts)) = frame.parts.split_last() else {
            return Reply::error("ValueError", "the call is malformed: there are no objects");
        };
        let mut head = json!({ "tool": SUBMIT, "arguments": arguments });
        if let (Some(text), Some(head)) = (text, head.as_object_mut()) {
            head.insert("text".to_owned(), json!(text));
        }
        let head = head.to_string();
        let call = Frame {
            op: OP_CALL,
            head: head.as_bytes(),
            parts: parts.to_vec(),
        };
        let first = !self.slot.is_filled();
        let reply = self.broker.call(&call, turn);
        if reply.ok && first && !objects.is_empty() && objects.len() <= self.object_max_bytes {
            self.slot
                .attach(Objects::of_call(objects, frame.head, parts));
        }
        reply
    }

    fn input(&self, name: &str, offset: u64) -> Reply {
        let Some(content) = self.inputs.get(name) else {
            return Reply::error("KeyError", &format!("there is no input {name:?}"));
        };
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(content.len());
        let end = start.saturating_add(INPUT_PIECE_BYTES).min(content.len());
        let piece = content.get(start..end).unwrap_or_default();
        Reply {
            ok: true,
            head: json!({ "total": content.len() }).to_string().into_bytes(),
            parts: vec![piece.to_vec()],
        }
    }

    /// What the broker says of its tools, with the functions of some marked.
    fn question(&mut self, frame: &Frame<'_>, turn: &dyn TurnHandle) -> Reply {
        let mut reply = self.broker.call(frame, turn);
        let is_answer = reply.ok && reply.parts.is_empty();
        let answer: Option<Value> = serde_json::from_slice(&reply.head).ok();
        let Some(mut answer) = answer.filter(|_| is_answer) else {
            return reply;
        };
        let Some(tools) = answer.get_mut("tools").and_then(Value::as_array_mut) else {
            return reply;
        };
        tools.retain(|tool| tool.get("name").and_then(Value::as_str) != Some(WAIT_TOOL));
        for tool in tools.iter_mut().filter_map(Value::as_object_mut) {
            let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
            let mark = MARKED.iter().find(|(marked, _)| *marked == name);
            if let (Some((_, calls)), Some(Value::String(source))) = (mark, tool.get_mut("source"))
            {
                source.insert_str(0, calls);
            }
        }
        reply.head = answer.to_string().into_bytes();
        reply
    }
}

fn on_board(board: &Board, request: Request, parts: &[&[u8]]) -> Reply {
    match request {
        Request::Get { key } => board.get(&key),
        Request::Set { key, version } => {
            let value = parts.first().map(|part| part.to_vec());
            board.set(key, value.unwrap_or_default(), version)
        }
        Request::Delete { key } => board.delete(&key),
        _ => board.keys(),
    }
}

impl HostCalls for HarnessCalls {
    fn call(&mut self, frame: &Frame<'_>, turn: &dyn TurnHandle) -> Reply {
        match frame.op {
            OP_AGENT => self.own(frame, turn),
            OP_TOOLBOX => self.question(frame, turn),
            _ => self.broker.call(frame, turn),
        }
    }

    fn begin_turn(&mut self) {
        self.broker.begin_turn();
    }

    fn roll_back(&mut self) {
        self.broker.roll_back();
    }

    fn pending(&self) -> usize {
        self.broker.pending()
    }

    fn has_answers(&self) -> bool {
        self.broker.has_answers()
    }

    fn take_answers(&mut self) -> Vec<(Ticket, Reply)> {
        self.broker.take_answers()
    }

    fn wake_with(&mut self, waker: Waker) {
        self.broker.wake_with(waker);
    }
}
