//! The harness's own functions: told first, and never cut.

use memex_host_tools::{Form, ToolEntry, Toolbox};
use serde_json::Value;

use super::shapes;
use crate::harness::SUBMIT;

/// Names of the harness's own functions, in the order in which they are told.
const OWN: [&str; 5] = [SUBMIT, "ask_user", "llm", "map_agents", "spawn_agent"];

const LLM: &str = "\
def llm(prompt: str, *, output: type = str, model: str = ...) -> Any: ...  # One question to a model, which sees the prompt alone. `await llm.aio(…)` beside others.
";
const MAP: &str = "\
def map_agents(items: list, task: str, *, output: type = str, share: list[str] = ALL_MY_NAMES, tools: list[str] = AS_MINE, budget: dict = {}) -> list: ...
    # One agent per item, all at the same time; `{item}` in task is its text, `item` in its scope the object. Results in order, exceptions in place of failures.
";
const SPAWN: &str = "\
def spawn_agent(task: str, *, output: type = str, share=…, tools=…, budget=…) -> Handle: ...
    # One agent, at once: `h.result()` or `await h`. It sees copies of your objects; `shared[\"key\"]` is common to all. `output` may be any type: dict, list[Row], DataFrame.
";

/// Whether a tool is one of the harness's own.
pub(super) fn is_own(entry: &ToolEntry) -> bool {
    OWN.contains(&entry.spec().name.as_str())
}

/// The stubs of those that are there and granted.
pub(super) fn stubs(toolbox: &Toolbox, granted: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for name in OWN {
        let Some(entry) = toolbox.get(name).filter(|_| granted(name)) else {
            continue;
        };
        text.push_str(&match name {
            SUBMIT => submit(&entry.spec().parameters),
            "llm" => LLM.to_owned(),
            "map_agents" => MAP.to_owned(),
            "spawn_agent" => SPAWN.to_owned(),
            _ => entry.stub(Form::Described),
        });
    }
    text
}

/// `submit` with the arguments that it takes, spelled out.
fn submit(parameters: &Value) -> String {
    let properties = parameters.get("properties").and_then(Value::as_object);
    let Some(properties) = properties else {
        return "def submit(**fields) -> None: ...  # Ends the task.\n".to_owned();
    };
    let required = parameters
        .as_object()
        .map(shapes::required)
        .unwrap_or_default();
    let is_value = properties.len() == 1 && properties.contains_key("value");
    let mut arguments = Vec::new();
    let mut notes = Vec::new();
    for (name, property) in properties {
        let kind = shapes::kind(property, parameters);
        let default = match required.contains(&name.as_str()) {
            true => "",
            false => " = None",
        };
        arguments.push(format!("{name}: {kind}{default}"));
        let told = property.get("description").and_then(Value::as_str);
        let written = shapes::written(property, parameters);
        let note = match (told, written) {
            (Some(told), Some(written)) => format!("{} {written}", one_line(told)),
            (Some(told), None) => one_line(told),
            (None, Some(written)) => written,
            (None, None) => continue,
        };
        notes.push(match is_value {
            true => note,
            false => format!("{name}: {note}"),
        });
    }
    let star = if is_value { "" } else { "*, " };
    let mut text = format!(
        "def submit({star}{}) -> None: ...  # Hands in the answer and ends the task at once.\n",
        arguments.join(", ")
    );
    for note in notes {
        text.push_str(&format!("    # {note}\n"));
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
