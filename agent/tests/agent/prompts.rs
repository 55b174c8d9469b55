//! What a model is told before it begins.

use std::future::ready;
use std::sync::Arc;

use memex_agent::{AgentConfig, definitions, system_prompt};
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolFuture, ToolSpec, Toolbox};
use memex_models::estimate_text;
use memex_policies::ToolGrants;
use memex_trajectories::ActionSpace;
use serde_json::{Value, json};

struct Fixed(ToolSpec);

impl Tool for Fixed {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: CallContext, _: Arguments) -> ToolFuture {
        Box::pin(ready(Ok(Answer::default())))
    }
}

fn tool(name: &str, description: &str, parameters: Value) -> Arc<dyn Tool> {
    Arc::new(Fixed(ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters,
        returns: None,
        timeout: None,
    }))
}

/// A tool as servers describe them.
fn usual(number: usize) -> Arc<dyn Tool> {
    tool(
        &format!("list_orders_{number}"),
        "Lists the orders of a customer, newest first. Returns at most `limit` of them; ask \
         again with `after` for more. Cancelled orders are left out unless asked for.",
        json!({
            "type": "object",
            "properties": {
                "customer": { "type": "string", "description": "The customer's id, as `find_customer` gives it." },
                "since": { "type": "string", "format": "date", "description": "The first day." },
                "status": { "type": "string", "enum": ["open", "paid", "sent"], "default": "open",
                    "description": "The state of the orders." },
                "limit": { "type": "integer", "default": 50, "minimum": 1, "maximum": 500,
                    "description": "Orders at most." },
                "with_cancelled": { "type": "boolean", "default": false, "description": "Cancelled ones too." },
                "after": { "type": "string", "description": "The cursor of the last answer." },
            },
            "required": ["customer"],
            "additionalProperties": false,
        }),
    )
}

fn submit() -> Arc<dyn Tool> {
    tool(
        "submit",
        "Hands in the answer.",
        json!({
            "type": "object",
            "properties": {
                "company": { "type": "string", "description": "Its name as in the report." },
                "sold": { "type": "array", "items": { "type": "object", "required": ["product", "units"],
                    "properties": { "product": { "type": "string" }, "units": { "type": "integer" } } } },
                "why": { "type": ["string", "null"] },
            },
            "required": ["company", "sold"],
        }),
    )
}

fn toolbox(count: usize, submits: bool) -> Toolbox {
    let tools = (0..count).map(usual);
    let submit = submits.then(submit);
    Toolbox::builder()
        .tools(tools.chain(submit))
        .build()
        .unwrap()
}

fn prompt(count: usize, submits: bool, inputs: &[&str]) -> String {
    let inputs: Vec<String> = inputs.iter().map(|line| (*line).to_owned()).collect();
    let (config, grants) = (
        AgentConfig::default(),
        ToolGrants {
            allow: vec!["*".into()],
            deny: vec![],
        },
    );
    system_prompt(&config, &toolbox(count, submits), &grants, submits, &inputs)
}

#[test]
fn golden_prompts() {
    let inputs = ["df: DataFrame[3 360 000 × 2] (region str, units int64)"];
    insta::assert_snapshot!("no_tools", prompt(0, false, &[]));
    insta::assert_snapshot!("no_tools_with_output_and_inputs", prompt(0, true, &inputs));
    insta::assert_snapshot!("ten_tools", prompt(10, false, &[]));
    insta::assert_snapshot!(
        "ten_tools_with_output_and_inputs",
        prompt(10, true, &inputs)
    );
    insta::assert_snapshot!("a_hundred_tools_with_output", prompt(100, true, &[]));
}

#[test]
fn submit_is_shown_whole_and_first_however_many_tools_there_are() {
    for count in [0, 10, 41, 100, 1_000] {
        let prompt = prompt(count, true, &[]);
        let submit =
            "def submit(*, company: str, sold: list[dict], why: str | None = None) -> None: ...";
        let at = prompt.find(submit).unwrap();
        assert!(
            prompt
                .find("def list_orders_0")
                .is_none_or(|tool| at < tool)
        );
        assert!(prompt.contains(r#"# sold: [{"product": str, "units": int}, …]"#));
    }
}

#[test]
fn prompts_cost_less_than_the_definitions_of_the_same_tools() {
    for (count, share) in [(10, 1.1), (100, 0.6)] {
        let grants = ToolGrants {
            allow: vec!["*".into()],
            deny: vec![],
        };
        let config = AgentConfig {
            action_space: ActionSpace::Tools,
            ..AgentConfig::default()
        };
        let json: u64 = definitions(&config, &toolbox(count, false), &grants)
            .iter()
            .map(|tool| {
                estimate_text(&tool.name)
                    + estimate_text(&tool.description)
                    + estimate_text(&tool.parameters.to_string())
            })
            .sum();
        let prompt = estimate_text(&prompt(count, false, &[]));
        println!("{count} tools: {prompt} tokens, {json} as JSON");
        assert!(
            prompt as f64 <= json as f64 * share,
            "{count}: {prompt} of {json}"
        );
    }
}

#[test]
fn a_request_has_only_names_that_providers_take() {
    let tools = ["get.user/by-id", "fine", &"x".repeat(100)]
        .map(|name| tool(name, "", json!({ "type": "object" })));
    let toolbox = Toolbox::builder().tools(tools).build().unwrap();
    let grants = ToolGrants {
        allow: vec!["*".into()],
        deny: vec![],
    };
    let config = AgentConfig {
        action_space: ActionSpace::Tools,
        ..AgentConfig::default()
    };
    let sent = definitions(&config, &toolbox, &grants);
    let names: Vec<&str> = sent.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names[..2], ["get_user_by-id", "fine"]);
    assert_eq!(names[2].len(), 64);
    assert!(
        sent.iter()
            .all(|tool| tool.parameters["properties"] == json!({}))
    );
}
