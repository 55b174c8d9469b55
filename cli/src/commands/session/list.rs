//! Listing sessions, and showing one.

use crate::console::print_line;
use crate::context::Context;
use crate::refusals::refusal;
use crate::report::bytes;
use crate::session_options::SessionArguments;
use anyhow::Result;
use memex_escapes::line;
use memex_runtime::{AtMost, Generators, SessionOptions};
use memex_sessions::{ToolSources, head_of, load};
use memex_snapshots::SnapshotStore;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Most names that a session lists.
const NAMES_MAX: usize = 1_000;
/// Most dimensions of an array.
const DIMENSIONS_MAX: usize = 64;

pub(super) fn list(store: &dyn SnapshotStore, as_json: bool) -> Result<()> {
    let sessions = store.sessions()?;
    if sessions.is_empty() && !as_json {
        print_line("no saved sessions; `memex run --session NAME …` saves one");
        return Ok(());
    }
    let width = sessions.iter().map(|head| head.name.len()).max();
    let width = width.unwrap_or(0).max(4);
    if !as_json {
        print_line(&format!(
            "{:width$}  {:>5}  {:>10}  last turn",
            "name", "turns", "snapshot"
        ));
    }
    for head in sessions {
        let (record, _) = store.get(&head.snapshot)?;
        if as_json {
            let object = json!({
                "name": head.name, "turns": record.turn, "snapshot": record.id.to_string(),
                "image": record.image, "status": record.status, "first_line": record.first_line,
                "time_unix_ms": record.time_unix_ms,
            });
            print_line(&object.to_string());
            continue;
        }
        print_line(&format!(
            "{:width$}  {:>5}  {:>10}  {}",
            head.name,
            record.turn,
            bytes(record.head_bytes + record.chunk_bytes),
            line(&record.first_line)
        ));
    }
    Ok(())
}

pub(super) fn show(
    store: &dyn SnapshotStore,
    name: &str,
    arguments: &SessionArguments,
    context: &Context,
) -> Result<()> {
    let head = head_of(store, name).map_err(refusal)?;
    let image = store.get(&head)?.0.image;
    let resolved = arguments.resolve(context, ToolSources::default())?;
    let sandbox = arguments.sandbox_on(context, &resolved, &image)?;
    let (snapshot, record) = load(store, &head, &sandbox).map_err(refusal)?;
    let files = snapshot.scratch_files();
    let options = SessionOptions::default();
    let (mut session, _) = sandbox.restore(&snapshot, Generators::Keep, options)?;
    let names = scope(&mut session)?;
    if arguments.is_json() {
        let object = json!({
            "name": name, "turn": record.turn, "snapshot": record.id.to_string(),
            "image": record.image, "status": record.status, "first_line": record.first_line,
            "pages": snapshot.pages(), "memory_bytes": session.memory_bytes(),
            "names": names, "files": files.iter().map(|(path, size)| json!({"path": path, "bytes": size})).collect::<Vec<_>>(),
        });
        print_line(&object.to_string());
        return Ok(());
    }
    print_line(&format!("session   {name}, {} turns", record.turn));
    print_line(&format!("snapshot  {}", record.id));
    print_line(&format!(
        "size      {} ({} pages of memory differ from the image)",
        bytes(record.head_bytes + record.chunk_bytes),
        snapshot.pages()
    ));
    print_line(&format!(
        "last turn {} ({})",
        line(&record.first_line),
        line(&record.status)
    ));
    print_line("scope");
    for entry in &names {
        print_line(&line(&format!("  {}", described(entry))));
    }
    for (path, size) in files {
        print_line(&line(&format!("file      {path} ({})", bytes(size))));
    }
    Ok(())
}

/// A name in a session's scope, as the guest describes it.
#[derive(PartialEq, Deserialize, Serialize)]
pub(super) struct Described {
    pub(super) name: String,
    #[serde(rename = "type", default)]
    class: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shape: Option<AtMost<i64, DIMENSIONS_MAX>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    len: Option<u64>,
    #[serde(default)]
    preview: String,
}

#[derive(Default, Deserialize)]
struct Names {
    names: AtMost<Described, NAMES_MAX>,
}

/// The names in a session's scope; none of what is no list of them.
pub(super) fn scope(session: &mut memex_runtime::Session) -> Result<Vec<Described>> {
    let reply = session.inspect(r#"{"op":"names"}"#)?.unwrap_or_default();
    let reply: Names = serde_json::from_str(&reply).unwrap_or_default();
    Ok(reply.names.0)
}

/// One name on one line: `name: type[shape] = preview`.
pub(super) fn described(entry: &Described) -> String {
    let size = match (&entry.shape, entry.len) {
        (Some(AtMost(shape)), _) => {
            let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
            format!("[{}]", sizes.join(","))
        }
        (None, Some(len)) => format!("[{len}]"),
        (None, None) => String::new(),
    };
    let preview = entry.preview.replace('\n', " ");
    format!("{}: {}{size} = {preview}", entry.name, entry.class)
}
