//! The system prompt.

use memex_external::{DefinitionStyle, tool_definition};
use memex_host_tools::{Form, ToolEntry, Toolbox};
use memex_models::ToolDefinition;
use memex_policies::ToolGrants;
use memex_trajectories::ActionSpace;
use serde_json::{Map, Value, json};

use crate::harness::WAIT_TOOL;
use crate::reading::CODE_TOOL;
use crate::{AgentConfig, CodeForm};

/// Tools whose stubs a prompt spells out; of more, it says how to find them.
const STUBS_MAX: usize = 40;

/// The system's message. Both spaces begin alike; code space goes on with how
/// code comes and what it can call.
#[must_use]
pub fn system_prompt(
    config: &AgentConfig,
    toolbox: &Toolbox,
    grants: &ToolGrants,
    submits: bool,
    inputs: &[String],
) -> String {
    let mut parts = vec![
        "You solve a task step by step. Look before you conclude, check what you find, and rely \
         only on what you have seen."
            .to_owned(),
    ];
    parts.push(match submits {
        true => "When you are done, hand in the answer with `submit`.".to_owned(),
        false => "When you are done, reply with the answer alone, in words.".to_owned(),
    });
    if config.action_space == ActionSpace::Code {
        parts.push(code_rules(config.code_form));
        parts.push(stubs(toolbox, grants));
        if !inputs.is_empty() {
            parts.push(format!("In the scope already:\n{}", inputs.join("\n")));
        }
    }
    if !config.instructions.trim().is_empty() {
        parts.push(config.instructions.trim().to_owned());
    }
    parts.join("\n\n")
}

fn code_rules(form: CodeForm) -> String {
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
         of its last expression, errors, and the names it made. Long output is cut: keep data in \
         variables and print only what you need to read. Top-level `await` works. numpy and pandas \
         are there; there is no network and no shell but for the functions below."
    )
}

fn stubs(toolbox: &Toolbox, grants: &ToolGrants) -> String {
    let granted: Vec<_> = offered(toolbox)
        .filter(|entry| grants.permits(&entry.spec().name))
        .collect();
    if granted.is_empty() {
        return String::from("There are no functions beside Python's own.");
    }
    let mut text =
        String::from("Functions that are there already (do not import them):\n```python\n");
    for entry in granted.iter().take(STUBS_MAX) {
        text.push_str(&entry.stub(Form::Compact));
        text.push('\n');
    }
    text.push_str("```");
    if granted.len() > STUBS_MAX {
        let more = granted.len() - STUBS_MAX;
        text.push_str(&format!(
            "\n{more} more: `tools.search(\"words\")` finds them, `tools.describe(\"name\")` describes one."
        ));
    }
    text.push_str("\n`help(name)` tells more of one; `await name.aio(...)` runs several at once.");
    text
}

/// The tools of a request.
#[must_use]
pub fn definitions(
    config: &AgentConfig,
    toolbox: &Toolbox,
    grants: &ToolGrants,
) -> Vec<ToolDefinition> {
    match (config.action_space, config.code_form) {
        (ActionSpace::Code, CodeForm::Tool) => vec![ToolDefinition {
            name: CODE_TOOL.to_owned(),
            description: "Runs a block of Python in your persistent session.".to_owned(),
            parameters: json!({
                "type": "object",
                "properties": { "code": { "type": "string", "description": "The block." } },
                "required": ["code"],
                "additionalProperties": false,
            }),
        }],
        (ActionSpace::Code, _) => Vec::new(),
        (ActionSpace::Tools, _) => offered(toolbox)
            .filter(|entry| grants.permits(&entry.spec().name))
            .map(|entry| ToolDefinition {
                name: entry.spec().name.clone(),
                description: entry.spec().description.clone(),
                parameters: entry.spec().parameters.clone(),
            })
            .collect(),
    }
}

/// The tools of a run that are described to models.
fn offered(toolbox: &Toolbox) -> impl Iterator<Item = &ToolEntry> {
    toolbox
        .iter()
        .filter(|entry| entry.spec().name != WAIT_TOOL)
}

/// The tools of a trajectory, in the form that chat models take.
pub(crate) fn recorded(toolbox: &Toolbox, grants: &ToolGrants) -> Vec<Map<String, Value>> {
    offered(toolbox)
        .filter(|entry| grants.permits(&entry.spec().name))
        .map(|entry| tool_definition(entry.spec(), DefinitionStyle::ChatCompletions))
        .filter_map(|definition| match definition {
            Value::Object(map) => Some(map),
            _ => None,
        })
        .collect()
}
