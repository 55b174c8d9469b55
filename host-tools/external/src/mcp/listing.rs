//! The tools of a server, as the host offers them.

use std::collections::BTreeSet;

use rmcp::model::{PaginatedRequestParams, Tool as RemoteTool, ToolAnnotations};
use rmcp::service::{Peer, RoleClient};
use serde_json::{Map, Value};

use super::super::definitions::check_name;
use super::super::document::shown;
use super::content::Reading;
use super::declaration::ServerPlan;
use memex_host_tools::{
    ToolSpec, TreeSize, check_parameters, check_schema, mended, mended_parameters,
};
use memex_scrubbing::Scrubber;

/// The most pages of a server's list of tools.
pub const SERVER_PAGES_MAX: usize = 200;
/// The most tools of a server.
pub const SERVER_TOOLS_MAX: usize = 5_000;
/// Most bytes of all that a server says of its tools.
const LISTING_BYTES_MAX: usize = 16 << 20;
/// Most bytes that this takes as values.
const LISTING_TREE_MAX: usize = 128 << 20;
/// The longest description of a server's tool.
const DESCRIPTION_MAX_BYTES: usize = 64 << 10;
/// Why a second tool of a name is left out.
const TWICE: &str = "it is listed twice";
/// The mark of a library that wraps values in `{"result": …}`.
const WRAP_MARK: &str = "x-fastmcp-wrap-result";

/// A tool of a server.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed {
    /// The server's own name for it.
    pub(super) remote: String,
    pub(super) spec: ToolSpec,
    pub(super) reading: Reading,
}

/// What a server offers, and what of it is left out.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) tools: Vec<Listed>,
    /// Names as the server has them, with reasons.
    pub(super) skipped: Vec<(String, String)>,
}

impl Listing {
    /// Takes out secrets that the server tells about.
    pub(super) fn scrub(&mut self, scrubber: &Scrubber) {
        let tells = |name: &str| {
            let mut clean = name.to_owned();
            scrubber.text(&mut clean);
            clean != name
        };
        for listed in std::mem::take(&mut self.tools) {
            match tells(&listed.remote) {
                true => {
                    let reason = "its name contains a secret".to_owned();
                    self.skipped.push((listed.remote, reason));
                }
                false => self.tools.push(listed),
            }
        }
        for listed in &mut self.tools {
            let description = &mut listed.spec.description;
            scrubber.text(description);
            description.truncate(description.floor_char_boundary(DESCRIPTION_MAX_BYTES));
            scrubber.json(&mut listed.spec.parameters);
            if let Some(returns) = &mut listed.spec.returns {
                scrubber.json(returns);
            }
        }
        for (tool, reason) in &mut self.skipped {
            scrubber.text(tool);
            scrubber.text(reason);
        }
    }
}

/// Asks the server for all its tools.
pub(super) async fn list(peer: &Peer<RoleClient>, plan: &ServerPlan) -> Result<Listing, String> {
    let mut remote = Vec::new();
    let (mut bytes, mut taken) = (0_usize, 0_usize);
    let mut cursor: Option<String> = None;
    let mut asked = BTreeSet::new();
    for _ in 0..SERVER_PAGES_MAX {
        let page = PaginatedRequestParams::default().with_cursor(cursor);
        let page = peer
            .list_tools(Some(page))
            .await
            .map_err(|error| format!("its tools cannot be listed: {error}"))?;
        for tool in page.tools {
            let text = text_of_tool(&tool)?;
            bytes = bytes.saturating_add(text.len());
            if bytes > LISTING_BYTES_MAX {
                return Err(format!(
                    "its list of tools has more than {LISTING_BYTES_MAX} bytes"
                ));
            }
            taken = taken.saturating_add(TreeSize::of(&text));
            if taken > LISTING_TREE_MAX {
                return Err(format!(
                    "its list of tools takes more than {LISTING_TREE_MAX} bytes as values"
                ));
            }
            remote.push(tool);
        }
        if remote.len() > SERVER_TOOLS_MAX {
            return Err(format!("it has more than {SERVER_TOOLS_MAX} tools"));
        }
        cursor = page.next_cursor.filter(|cursor| !cursor.is_empty());
        match &cursor {
            None => return Ok(choose(remote, plan)),
            Some(next) if !asked.insert(next.clone()) => {
                let mut listing = choose(remote, plan);
                // The page that came again has nothing new.
                listing.skipped.retain(|(_, reason)| reason != TWICE);
                let what =
                    "the server gives the same page again and again; what came before is used";
                listing
                    .skipped
                    .push(("its list of tools".to_owned(), what.to_owned()));
                return Ok(listing);
            }
            Some(_) => {}
        }
    }
    Err(format!(
        "its list of tools has more than {SERVER_PAGES_MAX} pages"
    ))
}

/// A tool as it was sent.
fn text_of_tool(tool: &RemoteTool) -> Result<Vec<u8>, String> {
    serde_json::to_vec(tool).map_err(|error| format!("its tools cannot be listed: {error}"))
}

pub(super) fn choose(remote: Vec<RemoteTool>, plan: &ServerPlan) -> Listing {
    let mut listing = Listing::default();
    let mut names = BTreeSet::new();
    let offered: Vec<String> = remote.iter().map(|tool| tool.name.to_string()).collect();
    for tool in remote {
        let name = tool.name.to_string();
        if !allowed(&name, plan) {
            continue;
        }
        match listed(tool, &plan.prefix, plan.timeout) {
            Ok(_) if !names.insert(name.clone()) => {
                listing.skipped.push((shown(&name), TWICE.to_owned()))
            }
            Ok(tool) => listing.tools.push(tool),
            Err(reason) => listing.skipped.push((shown(&name), reason)),
        }
    }
    let patterns = plan.allow.iter().flatten().chain(&plan.deny);
    for pattern in patterns {
        if !offered.iter().any(|name| matches(pattern, name)) {
            listing.skipped.push((
                shown(pattern),
                "`allow` or `deny` names it, but the server has no such tool".to_owned(),
            ));
        }
    }
    listing
}

fn allowed(name: &str, plan: &ServerPlan) -> bool {
    let among = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
    plan.allow.as_deref().is_none_or(among) && !among(&plan.deny)
}

/// A pattern is a name, or the beginning of names followed by `*`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

fn listed(tool: RemoteTool, prefix: &str, timeout: std::time::Duration) -> Result<Listed, String> {
    let name = format!("{prefix}{}", tool.name);
    check_name(&name)?;
    let parameters = mended_parameters(&Value::Object(Map::clone(&tool.input_schema)));
    check_parameters(&parameters)
        .map_err(|reason| format!("wrong schema of its input: {reason}"))?;
    let (returns, reading) = match &tool.output_schema {
        None => (None, Reading::Plain),
        Some(output) => {
            let output = mended(&Value::Object(Map::clone(output)));
            check_schema(&output)
                .map_err(|reason| format!("wrong schema of its output: {reason}"))?;
            match unwrapped(&output) {
                Some(inner) => (Some(inner), Reading::Wrapped),
                None => (Some(output), Reading::Json),
            }
        }
    };
    Ok(Listed {
        spec: ToolSpec {
            name,
            description: description(&tool),
            parameters,
            returns,
            timeout: Some(timeout),
        },
        remote: tool.name.into_owned(),
        reading,
    })
}

/// The schema of a value that the server wraps.
fn unwrapped(output: &Value) -> Option<Value> {
    output.get(WRAP_MARK)?.as_bool().filter(|mark| *mark)?;
    let mut inner = output.pointer("/properties/result")?.clone();
    for key in ["$defs", "definitions"] {
        if let (Some(definitions), Some(map)) = (output.get(key), inner.as_object_mut()) {
            map.entry(key).or_insert_with(|| definitions.clone());
        }
    }
    // A reference to anything but definitions would point at nothing now.
    check_schema(&inner).is_ok().then_some(inner)
}

/// Description, title and hints in one text: a tool has no other place for them.
fn description(tool: &RemoteTool) -> String {
    let annotations = tool.annotations.as_ref();
    let title = tool
        .title
        .as_deref()
        .or_else(|| annotations.and_then(|annotations| annotations.title.as_deref()));
    let mut text = tool
        .description
        .as_deref()
        .unwrap_or_default()
        .trim()
        .to_owned();
    match title {
        Some(title) if text.is_empty() => text = title.to_owned(),
        Some(title) if !text.starts_with(title) && title != tool.name => {
            text = format!("{title}\n\n{text}");
        }
        _ => {}
    }
    if let Some(hints) = annotations.and_then(hints) {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&hints);
    }
    text
}

fn hints(annotations: &ToolAnnotations) -> Option<String> {
    let stated = [
        (annotations.read_only_hint, "read-only", "not read-only"),
        (
            annotations.destructive_hint,
            "destructive",
            "not destructive",
        ),
        (annotations.idempotent_hint, "idempotent", "not idempotent"),
        (annotations.open_world_hint, "open world", "closed world"),
    ];
    let words: Vec<_> = stated
        .into_iter()
        .filter_map(|(hint, yes, no)| hint.map(|hint| if hint { yes } else { no }))
        .collect();
    (!words.is_empty()).then(|| format!("Hints: {}.", words.join(", ")))
}
