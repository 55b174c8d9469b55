//! How to work in the space, with an example in the task's own terms.

use memex_host_tools::ToolEntry;
use serde_json::Value;

use super::shapes;
use crate::CodeForm;

/// What is in the scope of a run beside its inputs.
const MODULES: &str = "`pd`, `np`, `asyncio`, `json`, `re` and `datetime` are imported.";

const ADVICE: &str = "\
- Compose calls, loops and filters in one block; keep data in variables and never retype a value.
- Look at a small sample before you rely on a shape; filter or aggregate before printing.
- Look at a result in one block and use it in a later one.";

/// The rules of code: how a block comes, what is shown of it, and how to write it.
pub(super) fn code(form: CodeForm) -> String {
    let how = match form {
        CodeForm::Tool => "Act by calling `python` with a block of code.",
        CodeForm::Fenced => {
            "Act by writing one block of code between ```python and ``` in your reply; nothing after it is read."
        }
        CodeForm::Tagged => {
            "Act by writing one block of code between <python> and </python> in your reply; nothing after it is read."
        }
    };
    format!(
        "{how} Names live on from block to block. You are shown what a block prints, the value \
         of its last expression, errors, and the names it made; what is long is cut. \
         {MODULES} There is no network and no shell but for the functions below.\n{ADVICE}"
    )
}

/// What only some runs need to know of.
pub(super) fn further(tools: &[&ToolEntry], submits: bool, asks: bool, spawns: bool) -> String {
    let mut lines = Vec::new();
    if !tools.is_empty() {
        lines.push(
            "- `name(…)` waits for its result; `await asyncio.gather(*(name.aio(x) for x in xs))` \
             makes many calls at once. `help(name)` tells all of a function."
                .to_owned(),
        );
    }
    if asks {
        let spawning = match spawns {
            true => "; `map_agents` where each item needs steps of its own",
            false => "",
        };
        lines.push(format!(
            "- Use `llm` for judging or reading one text that code cannot parse{spawning}. Check \
             what comes back against the source."
        ));
    }
    if submits {
        lines.push(
            "- Call `submit` only after you have seen the value in an earlier block; pass the \
             variable that holds it."
                .to_owned(),
        );
    }
    lines.extend(example(tools, submits));
    lines.join("\n")
}

/// A first and a second block that use one of the run's own functions.
fn example(tools: &[&ToolEntry], submits: bool) -> Option<String> {
    let entry = tools
        .iter()
        .find(|entry| !required(entry).is_empty())
        .or_else(|| tools.first())?;
    let arguments = required(entry)
        .into_iter()
        .map(|name| format!("{name}=…"))
        .collect::<Vec<_>>()
        .join(", ");
    let name = entry.identifier();
    let next = match submits {
        true => "then, in a later block, `submit(…)` with what you made of `found`.",
        false => "then, in a later block, compute the answer from `found`.",
    };
    Some(format!(
        "Example: first `found = {name}({arguments}); print(type(found)); found`, {next}"
    ))
}

/// The names of the arguments without which a function cannot be called, as far
/// as they are written alike in Python.
fn required(entry: &ToolEntry) -> Vec<&str> {
    let parameters = entry.spec().parameters.as_object();
    let names = parameters.map(shapes::required).unwrap_or_default();
    let described = |name: &&str| {
        let properties = parameters.and_then(|map| map.get("properties"));
        let property = properties
            .and_then(Value::as_object)
            .and_then(|all| all.get(*name));
        property.is_some() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match names.iter().all(described) {
        true => names,
        false => Vec::new(),
    }
}
