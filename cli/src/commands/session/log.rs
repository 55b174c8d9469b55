//! Drawing a trail.

use crate::console::print_line;
use crate::context::Context;
use crate::refusals::refusal;
use crate::report::bytes;
use anyhow::Result;
use memex_escapes::line;
use memex_sessions::head_of;
use memex_snapshots::SnapshotStore;
use serde_json::json;

pub(super) fn log(
    store: &dyn SnapshotStore,
    name: &str,
    as_json: bool,
    context: &Context,
) -> Result<()> {
    let mut trail = store.trail(&head_of(store, name).map_err(refusal)?)?;
    trail.reverse();
    if as_json {
        for record in &trail {
            let object = json!({
                "turn": record.turn, "status": record.status, "first_line": record.first_line,
                "snapshot": record.id.to_string(),
                "parent": record.parent.map(|parent| parent.to_string()),
                "bytes": record.head_bytes + record.chunk_bytes, "label": record.label,
                "time_unix_ms": record.time_unix_ms,
            });
            print_line(&object.to_string());
        }
        return Ok(());
    }
    if let Some(parent) = trail.first().and_then(|record| record.parent) {
        print_line(&format!(
            "┊ earlier turns are collected (snapshot {})",
            parent.short()
        ));
    }
    let last = trail.len().saturating_sub(1);
    for (index, record) in trail.iter().enumerate() {
        let mark = if index == last { "◉" } else { "○" };
        let paint = context.out.paint;
        let status = match record.status.as_str() {
            "ok" => paint.good("ok"),
            other => paint.warn(other),
        };
        print_line(&format!(
            "{mark} {:>4}  {status}  {:>9}  {}  {}",
            record.turn,
            bytes(record.head_bytes + record.chunk_bytes),
            paint.faint(&record.id.short()),
            line(&record.first_line)
        ));
        if index < last {
            print_line("│");
        }
    }
    Ok(())
}
