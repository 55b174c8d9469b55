//! What models are told of the tools, in few tokens: that a session persists, what is there,
//! and what comes back.

use std::sync::Arc;

use memex_host_tools::Form;
use memex_sessions::Tools;
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::json;

use super::arguments::schema;
use crate::scopes::Scopes;

/// Functions whose signatures stand in the description; of more, the first ones do, and code
/// searches the others.
const SIGNATURES_MAX: usize = 20;
/// The longest list of signatures.
const SIGNATURES_BYTES_MAX: usize = 12 << 10;

const SESSION: &str = "Which session. Default: one that is kept for you";

/// The tools. `persists` says that sessions are found again after a restart.
pub(super) fn tools(scopes: &Scopes) -> Vec<Tool> {
    vec![
        Tool::new(
            "python",
            python(scopes),
            Arc::new(schema(
                json!({ "code": { "type": "string", "description": "The block" } }),
                &["code"],
                SESSION,
            )),
        )
        .with_annotations(
            ToolAnnotations::with_title("Run Python")
                .destructive(false)
                .open_world(scopes.tools().is_some()),
        ),
        Tool::new(
            "fork",
            "Copies a session, variables and files included, so that two ways can be tried from \
             one state.",
            Arc::new(schema(
                json!({ "new_session_id": { "type": "string", "description": "Name of the copy" } }),
                &["new_session_id"],
                SESSION,
            )),
        )
        .with_annotations(local("Fork a session").destructive(false)),
        Tool::new(
            "reset",
            "Empties a session: its variables and its files.",
            Arc::new(schema(json!({}), &[], SESSION)),
        )
        .with_annotations(local("Reset a session").destructive(true).idempotent(true)),
        Tool::new(
            "list_files",
            "Lists a folder of a session's files.",
            Arc::new(schema(
                json!({ "path": { "type": "string", "description": "Default: /home/user" } }),
                &[],
                SESSION,
            )),
        )
        .with_annotations(local("List files").read_only(true)),
        Tool::new(
            "read_file",
            "Reads up to 256 KiB of a file of a session; pictures come as pictures.",
            Arc::new(schema(
                json!({
                    "path": { "type": "string" },
                    "offset": { "type": "integer", "minimum": 0, "description": "First byte. Default: 0" },
                }),
                &["path"],
                SESSION,
            )),
        )
        .with_annotations(local("Read a file").read_only(true)),
        Tool::new(
            "write_file",
            "Writes a file of a session, which code then opens; folders on the way are made.",
            Arc::new(schema(
                json!({
                    "path": { "type": "string", "description": "Such as data.csv; relative to /home/user" },
                    "content": { "type": "string" },
                    "base64": { "type": "boolean", "description": "The content is base64" },
                }),
                &["path", "content"],
                SESSION,
            )),
        )
        .with_annotations(local("Write a file").destructive(true).idempotent(true)),
    ]
}

/// What a client may tell its model of the whole server.
pub(super) fn instructions(scopes: &Scopes) -> String {
    let mut text = String::from(
        "Computes with the tool `python`: a sandboxed session whose variables persist from call \
         to call. Prefer one block that computes an answer to many small calls, and print only \
         what you need to read.",
    );
    if scopes.tools().is_some() {
        text.push_str(
            " Other tools are functions in its scope: call them in loops there, and keep large \
             results in variables.",
        );
    }
    text
}

fn local(title: &str) -> ToolAnnotations {
    ToolAnnotations::with_title(title).open_world(false)
}

fn python(scopes: &Scopes) -> String {
    let mut text = String::from(
        "Runs a block of Python 3 in a sandbox. Variables, imports and files persist from call to \
         call",
    );
    if scopes.are_saved() {
        text.push_str(", and after a restart");
    }
    text.push_str(
        ". You are shown what it prints, the value of its last expression, figures, and errors. \
         Keep data in variables; print little. numpy, pandas, scipy and matplotlib are there, and \
         top-level `await` works; there is no shell and no pip",
    );
    let policy = scopes.resolved().policy();
    match policy.network.is_empty() {
        true => text.push_str(", and no network."),
        false => text.push_str("; `fetch(url)` reaches the network where it may."),
    }
    for grant in &policy.directories {
        let how = match grant.access {
            memex_policies::Access::ReadOnly => "to read",
            memex_policies::Access::ReadWrite => "to read and write",
        };
        text.push_str(&format!(
            " {} is a folder of the user's, {how}.",
            grant.guest
        ));
    }
    text.push_str(" Own files: /home/user, /tmp.");
    if let Some(tools) = scopes.tools() {
        text.push_str(&functions(tools));
    }
    text
}

/// The functions in the scope: signatures of the first ones, and how the others are found.
fn functions(tools: &Tools) -> String {
    let granted = tools.toolbox().iter();
    let granted: Vec<_> = granted
        .filter(|entry| tools.permits(&entry.spec().name))
        .collect();
    if granted.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n\nFunctions in the scope (do not import them):\n```python\n");
    let mut shown = 0;
    for entry in granted.iter().take(SIGNATURES_MAX) {
        let stub = entry.stub(Form::Compact);
        if text.len() + stub.len() > SIGNATURES_BYTES_MAX {
            break;
        }
        text.push_str(&stub);
        text.push('\n');
        shown += 1;
    }
    text.push_str("```");
    if granted.len() > shown {
        let more = granted.len() - shown;
        text.push_str(&format!(
            "\n{more} more: `tools.search(\"words\")` finds them, `tools.describe(\"name\")` \
             describes one."
        ));
    }
    text.push_str("\n`help(name)` tells more; `await name.aio(…)` runs several at once.");
    text
}
