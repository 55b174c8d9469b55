//! Definitions as model APIs write them.

use memex_external::{
    DEFINITIONS_MAX, DefinitionStyle, anthropic_tool_specs, openai_tool_specs, tool_definition,
};
use memex_host_tools::ToolSpec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Folder, value};

fn schema() -> Value {
    json!({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]})
}

#[test]
fn all_styles_give_the_same_spec() {
    let expected = [ToolSpec {
        name: "search".to_owned(),
        description: "Searches.".to_owned(),
        parameters: schema(),
        returns: None,
        timeout: None,
    }];
    let chat = json!([{"type": "function", "function": {"name": "search", "description": "Searches.", "parameters": schema(), "strict": true}}]);
    let flat = json!([{"type": "function", "name": "search", "description": "Searches.", "parameters": schema()}]);
    let messages = json!({"tools": [{"name": "search", "description": "Searches.", "input_schema": schema(), "cache_control": {"type": "ephemeral"}}]});
    assert_eq!(openai_tool_specs(&chat).unwrap(), expected);
    assert_eq!(openai_tool_specs(&flat).unwrap(), expected);
    assert_eq!(anthropic_tool_specs(&messages).unwrap(), expected);
    let bare = json!([{"type": "function", "function": {"name": "now"}}]);
    assert_eq!(
        openai_tool_specs(&bare).unwrap()[0].parameters,
        json!({"type": "object", "properties": {}, "additionalProperties": false})
    );
}

#[test]
fn wrong_definitions_are_named() {
    for (tools, message) in [
        (json!({}), "tools: a list of tool definitions is expected"),
        (json!([1]), "definition 1: a definition must be an object"),
        (
            json!([{"name": "a"}]),
            "tool `a`: `type` must be \"function\"",
        ),
        (
            json!([{"type": "function", "function": 1}]),
            "definition 1: `function` must be an object",
        ),
        (
            json!([{"type": "function", "name": ""}]),
            "definition 1: the name is empty",
        ),
        (
            json!([{"type": "function", "name": "a"}, {"type": "function", "name": "a"}]),
            "tool `a`: this name is defined twice",
        ),
        (
            json!([{"type": "function", "name": "a", "parameters": {"type": "string"}}]),
            "tool `a`: wrong schema in `parameters`: at `/type`: the arguments of a tool are an object",
        ),
        (
            json!([{"type": "function", "name": "a", "parameters": 3}]),
            "tool `a`: wrong schema in `parameters`: at its root: the arguments of a tool are an object",
        ),
    ] {
        assert_eq!(openai_tool_specs(&tools).unwrap_err().to_string(), message);
    }
    let error = anthropic_tool_specs(&json!([{"type": "bash_20250124", "name": "bash"}]));
    assert_eq!(
        error.unwrap_err().to_string(),
        "tool `bash`: a tool of type `bash_20250124` is run by the provider of the model, not by this host"
    );
    let many: Vec<_> = (0..=DEFINITIONS_MAX)
        .map(|n| json!({"type": "function", "name": format!("t{n}")}))
        .collect();
    assert!(openai_tool_specs(&Value::from(many[1..].to_vec())).is_ok());
    assert!(openai_tool_specs(&Value::from(many)).is_err());
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(name in "[a-zA-Z0-9_-]{1,64}", description in any::<String>(), property in "[a-z]{1,8}") {
        let spec = ToolSpec {
            name,
            description,
            parameters: json!({"type": "object", "properties": {property: {"type": ["integer", "null"]}}}),
            returns: None,
            timeout: None,
        };
        for (style, read) in [
            (DefinitionStyle::ChatCompletions, openai_tool_specs as fn(&Value) -> _),
            (DefinitionStyle::Responses, openai_tool_specs),
            (DefinitionStyle::Messages, anthropic_tool_specs),
        ] {
            let written = Value::Array(vec![tool_definition(&spec, style)]);
            prop_assert_eq!(read(&written).unwrap(), vec![spec.clone()]);
        }
    }
}

#[tokio::test]
async fn one_command_answers_for_all_definitions() {
    let folder = Folder::new();
    folder.write(
        "defs.json",
        &json!([{"name": "a", "input_schema": schema()}]).to_string(),
    );
    folder.write("echo.py", "import sys\nsys.stdout.write(sys.stdin.read())");
    let tools = folder
        .open(
            "[[anthropic]]\ntools='defs.json'\nargv=['PYTHON','echo.py']\n\
             [[openai]]\ntools=[{type='function',name='b'}]\nargv=['PYTHON','echo.py']",
        )
        .await
        .unwrap();
    assert_eq!(
        value(&tools, "a", json!({"q": "x"})).await,
        json!({"name": "a", "arguments": {"q": "x"}})
    );
    assert_eq!(
        value(&tools, "b", json!({})).await,
        json!({"name": "b", "arguments": {}})
    );
}
