//! Definitions of tools, as requests and trajectories hold them.

use memex_external::{DefinitionStyle, tool_definition};
use memex_host_tools::{ToolEntry, Toolbox};
use memex_models::ToolDefinition;
use memex_policies::ToolGrants;
use memex_trajectories::ActionSpace;
use serde_json::{Map, Value, json};

use super::CallNames;
use crate::harness::WAIT_TOOL;
use crate::reading::CODE_TOOL;
use crate::{AgentConfig, CodeForm};

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
        (ActionSpace::Tools, _) => {
            let names = CallNames::of(toolbox.iter());
            offered(toolbox)
                .filter(|entry| grants.permits(&entry.spec().name))
                .map(|entry| ToolDefinition {
                    name: names.sent(&entry.spec().name).to_owned(),
                    description: entry.spec().description.clone(),
                    parameters: stated(&entry.spec().parameters),
                })
                .collect()
        }
    }
}

/// The parameters as providers take them: with properties, if there are none,
/// and without the name that a generator gave the whole.
fn stated(parameters: &Value) -> Value {
    let mut stated = parameters.clone();
    if let Value::Object(map) = &mut stated {
        map.remove("title");
        map.remove("$schema");
        if map.get("type").and_then(Value::as_str) == Some("object") {
            map.entry("properties").or_insert_with(|| json!({}));
        }
    }
    stated
}

/// The tools of a run that are described to models.
pub(super) fn offered(toolbox: &Toolbox) -> impl Iterator<Item = &ToolEntry> {
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
