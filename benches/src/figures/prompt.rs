//! The tokens of an agent's prompt with many tools, beside those of their JSON definitions.

use crate::context::Context;
use crate::entry::{Better, Entry, Measured};
use crate::error::Error;
use crate::statistics::Summary;
use memex_agent::{ActionSpace, AgentConfig, definitions, system_prompt};
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolFuture, ToolSpec, Toolbox};
use memex_models::estimate_text;
use memex_policies::ToolGrants;
use serde_json::{Value, json};
use std::future::ready;
use std::sync::Arc;

pub(super) const FIGURES: &[Entry] = &[
    Entry {
        name: "prompt_tokens_10_tools",
        unit: "tokens",
        group: "agent",
        about: "System prompt of code space with 10 usual tools, by the estimate of a token for four bytes",
        better: Better::Lower,
        target: None,
        target_is_p99: false,
        measure: |_: &Context| prompt(10),
    },
    Entry {
        name: "prompt_tokens_100_tools",
        unit: "tokens",
        group: "agent",
        about: "The same with 100 tools, most of them in short form",
        better: Better::Lower,
        target: None,
        target_is_p99: false,
        measure: |_: &Context| prompt(100),
    },
];

/// A tool that is only described.
struct Described(ToolSpec);

impl Tool for Described {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: CallContext, _: Arguments) -> ToolFuture {
        Box::pin(ready(Ok(Answer::default())))
    }
}

fn prompt(count: usize) -> Result<Measured, Error> {
    let fault = |error: memex_host_tools::Error| Error::System {
        what: "the toolbox of a prompt",
        reason: error.to_string(),
    };
    let toolbox = Toolbox::builder().tools((0..count).map(tool));
    let toolbox = toolbox.build().map_err(fault)?;
    let grants = ToolGrants {
        allow: vec!["*".to_owned()],
        deny: Vec::new(),
    };
    let text = system_prompt(&AgentConfig::default(), &toolbox, &grants, false, &[]);
    let calling = AgentConfig {
        action_space: ActionSpace::Tools,
        ..AgentConfig::default()
    };
    let json: u64 = definitions(&calling, &toolbox, &grants)
        .iter()
        .map(|tool| {
            estimate_text(&tool.name)
                + estimate_text(&tool.description)
                + estimate_text(&tool.parameters.to_string())
        })
        .sum();
    let tokens = estimate_text(&text);
    let note = format!("{json} as JSON definitions");
    Ok(Measured::new(Summary::single(tokens as f64), note))
}

/// One of several kinds of tools, as servers describe them.
fn tool(number: usize) -> Arc<dyn Tool> {
    let (name, description, parameters): (&str, &str, Value) = match number % 4 {
        0 => (
            "search_issues",
            "Searches issues and pull requests by words and qualifiers, best matches first.",
            json!({
                "query": { "type": "string", "description": "Words and qualifiers, such as `is:open label:bug`." },
                "sort": { "type": "string", "enum": ["created", "updated", "comments"], "description": "What the order goes by." },
                "page": { "type": "integer", "minimum": 1, "default": 1, "description": "The page of results." },
                "per_page": { "type": "integer", "minimum": 1, "maximum": 100, "default": 30, "description": "Results on a page." },
            }),
        ),
        1 => (
            "create_event",
            "Creates an event in a calendar and invites its attendees. Times without a zone are \
             in the calendar's.",
            json!({
                "calendar": { "type": "string", "description": "The id of the calendar." },
                "title": { "type": "string", "description": "What the event is called." },
                "start": { "type": "string", "format": "date-time", "description": "When it begins." },
                "end": { "type": "string", "format": "date-time", "description": "When it ends." },
                "attendees": { "type": "array", "items": { "type": "string" }, "description": "Addresses of those to invite." },
                "notify": { "type": "boolean", "default": true, "description": "Whether they get a message." },
            }),
        ),
        2 => (
            "read_file",
            "Reads a text file. Long files are read in pieces.",
            json!({
                "path": { "type": "string", "description": "The file, from the root of the project." },
                "offset": { "type": "integer", "minimum": 0, "default": 0, "description": "The first line." },
                "limit": { "type": "integer", "minimum": 1, "default": 2000, "description": "Lines at most." },
            }),
        ),
        _ => (
            "update_customer",
            "Changes fields of a customer. Fields that are not given stay as they are. Returns \
             the customer as it is afterwards.",
            json!({
                "customer": { "type": "string", "description": "The id of the customer." },
                "fields": {
                    "type": "object",
                    "description": "The new values.",
                    "properties": {
                        "name": { "type": "string", "description": "The full name." },
                        "email": { "type": "string", "description": "The address for invoices." },
                        "tier": { "type": "string", "enum": ["free", "team", "enterprise"], "description": "The plan." },
                    },
                    "additionalProperties": false,
                },
            }),
        ),
    };
    let required = parameters
        .as_object()
        .and_then(|all| all.keys().next().cloned());
    Arc::new(Described(ToolSpec {
        name: format!("{name}_{number}"),
        description: description.to_owned(),
        parameters: json!({
            "type": "object",
            "properties": parameters,
            "required": required.into_iter().collect::<Vec<_>>(),
            "additionalProperties": false,
        }),
        returns: None,
        timeout: None,
    }))
}
