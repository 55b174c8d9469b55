//! Listing sessions, and showing one.

use crate::console::print_line;
use crate::context::Context;
use crate::report::bytes;
use crate::saved::{head_of, load};
use crate::session_options::SessionArguments;
use anyhow::Result;
use memex_runtime::{Generators, SessionOptions};
use memex_snapshots::SnapshotStore;
use serde_json::{Value, json};

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
            let line = json!({
                "name": head.name, "turns": record.turn, "snapshot": record.id.to_string(),
                "image": record.image, "status": record.status, "first_line": record.first_line,
                "time_unix_ms": record.time_unix_ms,
            });
            print_line(&line.to_string());
            continue;
        }
        print_line(&format!(
            "{:width$}  {:>5}  {:>10}  {}",
            head.name,
            record.turn,
            bytes(record.head_bytes + record.chunk_bytes),
            record.first_line
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
    let head = head_of(store, name)?;
    let image = store.get(&head)?.0.image;
    let sandbox = arguments.sandbox_on(context, arguments.policy(context)?, Some(&image))?;
    let (snapshot, record) = load(store, &head, &sandbox)?;
    let files = snapshot.scratch_files();
    let options = SessionOptions::default();
    let (mut session, _) = sandbox.restore(&snapshot, Generators::Keep, options)?;
    let names = scope(&mut session)?;
    if arguments.is_json() {
        let line = json!({
            "name": name, "turn": record.turn, "snapshot": record.id.to_string(),
            "image": record.image, "status": record.status, "first_line": record.first_line,
            "pages": snapshot.pages(), "memory_bytes": session.memory_bytes(),
            "names": names, "files": files.iter().map(|(path, size)| json!({"path": path, "bytes": size})).collect::<Vec<_>>(),
        });
        print_line(&line.to_string());
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
        record.first_line, record.status
    ));
    print_line("scope");
    for entry in &names {
        print_line(&format!("  {}", described(entry)));
    }
    for (path, size) in files {
        print_line(&format!("file      {path} ({})", bytes(size)));
    }
    Ok(())
}

/// The names in a session's scope, as the guest describes them.
pub(super) fn scope(session: &mut memex_runtime::Session) -> Result<Vec<Value>> {
    let reply = session.inspect(r#"{"op":"names"}"#)?.unwrap_or_default();
    let reply: Value = serde_json::from_str(&reply).unwrap_or_default();
    Ok(reply
        .get("names")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default())
}

/// One name on one line: `name: type[shape] = preview`.
pub(super) fn described(entry: &Value) -> String {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let size = match (entry.get("shape"), entry.get("len")) {
        (Some(shape), _) if !shape.is_null() => shape.to_string(),
        (_, Some(len)) if !len.is_null() => format!("[{len}]"),
        _ => String::new(),
    };
    let preview = text("preview").replace('\n', " ");
    format!("{}: {}{size} = {preview}", text("name"), text("type"))
}
