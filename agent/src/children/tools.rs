//! The tools by which guest code spawns agents and waits for them.

use std::future::ready;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};
use serde_json::{Value, json};

use super::family::Family;
use super::outcome::Outcome;
use crate::harness::WAIT_TOOL;

/// Setup code of a scope whose code can spawn agents.
pub(crate) const SETUP: &str = "shared = __import__('sys').modules['memex_guest.agents'].shared\n";

/// Names of the modules that a scope begins with, as the guest's `begin_run` has them.
const MODULES: [&str; 6] = ["asyncio", "datetime", "json", "np", "pd", "re"];

/// Before the time of a call is over, it answers that the child still runs.
const MARGIN: Duration = Duration::from_millis(500);
/// Longest wait of one call; the guest asks again.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// What models read of `spawn_agent` and `map_agents`. In the guest their
/// functions ask for a fork; as calls they are refused.
pub(crate) fn spawn_tools() -> Vec<Arc<dyn Tool>> {
    let options = json!({
        "share": { "description": "Names of yours that it sees. Default: all of them.",
            "type": ["array", "null"], "items": { "type": "string" } },
        "tools": { "description": "Functions that it may call. Default: as you.",
            "type": ["array", "null"], "items": { "type": "string" } },
        "output": { "description": "What it must submit: a type, a dataclass or a JSON Schema. Default: words." },
        "model": { "type": ["string", "null"], "description": "Another model of this run." },
        "budget": { "type": ["object", "null"],
            "description": "At most `turns`, `tokens`, `cost_usd`, `wall_time_ms`." },
        "name": { "type": ["string", "null"], "description": "What it is called in the record." },
    });
    let with = |first: Value, required: &[&str]| {
        let mut properties = first.as_object().cloned().unwrap_or_default();
        properties.extend(options.as_object().cloned().unwrap_or_default());
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    };
    let spawn = with(
        json!({ "task": { "type": "string", "description": "What it is to do, with all it needs to know." } }),
        &["task"],
    );
    let map = with(
        json!({
            "items": { "description": "A list; each agent has its item as `item` in its scope." },
            "task": { "type": "string", "description": "What each is to do; `{item}` stands for the item's text." },
        }),
        &["items", "task"],
    );
    vec![
        Arc::new(InGuest(spec(
            "spawn_agent",
            "Starts an agent that works beside you in a copy of your session: it sees your objects \
             as they are now and cannot change them. Returns a handle at once: `await h`, \
             `h.result()`, `h.done()`, `h.cancel()`. What it submits, DataFrames and arrays too, \
             is the result; if it fails, asking for the result raises. `shared[\"key\"]` holds \
             values that all of you see and change.",
            spawn,
        ))),
        Arc::new(InGuest(spec(
            "map_agents",
            "Starts one agent for each item and returns their results in order, failures as \
             exceptions in their places.",
            map,
        ))),
    ]
}

fn spec(name: &str, description: &str, parameters: Value) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters,
        returns: None,
        timeout: None,
    }
}

/// A tool whose function does its work in the guest.
struct InGuest(ToolSpec);

impl Tool for InGuest {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: CallContext, _: Arguments) -> ToolFuture {
        let name = &self.0.name;
        let message = format!("{name}: call the function of this name, in code");
        ready(Err(ToolError::new("RuntimeError", message))).boxed()
    }
}

/// Waits for a child, looks at it, or stops it.
pub(crate) struct WaitTool {
    spec: ToolSpec,
    family: Weak<Family>,
}

impl WaitTool {
    pub(crate) fn new(family: &Arc<Family>) -> Self {
        let parameters = json!({
            "type": "object",
            "properties": {
                "agent": { "type": "string" },
                "wait_ms": { "type": "integer", "minimum": 0 },
                "cancel": { "type": "boolean" },
            },
            "required": ["agent", "wait_ms", "cancel"],
            "additionalProperties": false,
        });
        Self {
            spec: spec(WAIT_TOOL, "Waits for a spawned agent.", parameters),
            family: Arc::downgrade(family),
        }
    }
}

impl Tool for WaitTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        let field = |name: &str| arguments.json.get(name).cloned().unwrap_or_default();
        let id = field("agent").as_str().unwrap_or_default().to_owned();
        let wait = Duration::from_millis(field("wait_ms").as_u64().unwrap_or(0)).min(WAIT_MAX);
        let family = self.family.upgrade();
        let found = family.as_ref().and_then(|family| family.outcome(&id));
        let (Some(family), Some(mut outcome)) = (family, found) else {
            let message = format!(
                "there is no agent {id:?} of this session; an agent's handles stay with who spawned it"
            );
            return ready(Err(ToolError::new("LookupError", message))).boxed();
        };
        if field("cancel") == Value::Bool(true) {
            family.cancel(&id);
        }
        let left = context.deadline.saturating_duration_since(Instant::now());
        let wait = wait.min(left.saturating_sub(MARGIN));
        async move {
            let running = || Answer::json(json!({ "state": "running" }));
            let waited = tokio::time::timeout(wait, outcome.wait_for(Option::is_some)).await;
            Ok(match waited {
                Ok(Ok(ended)) => ended.clone().map_or_else(running, Outcome::answer),
                // Its thread ended without a word, which nothing lets it do.
                Ok(Err(_)) => Outcome::failed("a fault of the host".to_owned()).answer(),
                Err(_) => running(),
            })
        }
        .boxed()
    }
}

/// The code that the scope of a run begins with: the modules that its code needs, under
/// names that no tool has, and how values are shown.
pub(crate) fn begin_run<'a>(identifiers: impl Iterator<Item = &'a str>) -> String {
    let taken: Vec<&str> = identifiers.filter(|name| MODULES.contains(name)).collect();
    let taken = json!(taken);
    format!("__import__('sys').modules['memex_guest.agents'].begin_run({taken})\n")
}

/// The code that a child's scope begins with: which of its parent's names it
/// keeps.
pub(crate) fn begin_child(share: Option<&[String]>) -> String {
    // A JSON text as a Python literal: JSON's escapes are Python's.
    let literal = Value::String(json!(share).to_string());
    format!("__import__('sys').modules['memex_guest.agents'].begin_child({literal})")
}
