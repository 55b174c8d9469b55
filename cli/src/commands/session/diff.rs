//! The differences between two turns of a session.

use super::list::{Described, described, scope};
use crate::console::print_line;
use crate::context::Context;
use crate::refusals::refusal;
use crate::session_options::SessionArguments;
use anyhow::Result;
use memex_escapes::line;
use memex_runtime::{Generators, Sandbox, SessionOptions};
use memex_sessions::{ToolSources, at_turn, load};
use memex_snapshots::SnapshotStore;
use serde_json::json;
use std::collections::BTreeMap;

/// Scope and files of one turn.
struct Side {
    names: BTreeMap<String, Described>,
    files: BTreeMap<String, u64>,
}

pub(super) fn diff(
    store: &dyn SnapshotStore,
    name: &str,
    (a, b): (u64, u64),
    arguments: &SessionArguments,
    context: &Context,
) -> Result<()> {
    // Both turns are looked up before an image is loaded for them.
    let record = |turn| at_turn(store, name, turn).map_err(refusal);
    let (a, b) = (record(a)?, record(b)?);
    let resolved = arguments.resolve(context, ToolSources::default())?;
    let sandbox = arguments.sandbox_on(context, &resolved, &b.image)?;
    let a = side(store, &sandbox, &a.id)?;
    let b = side(store, &sandbox, &b.id)?;
    let mut changes = Vec::new();
    compare(&a.names, &b.names, |sign, entry| {
        changes.push((sign, "name", described(entry)));
    });
    for (path, size) in &b.files {
        match a.files.get(path) {
            None => changes.push(('+', "file", format!("{path} ({size} bytes)"))),
            Some(old) if old != size => {
                changes.push(('~', "file", format!("{path} ({old} to {size} bytes)")));
            }
            Some(_) => {}
        }
    }
    for path in a.files.keys().filter(|path| !b.files.contains_key(*path)) {
        changes.push(('-', "file", path.clone()));
    }
    if arguments.is_json() {
        for (sign, kind, text) in &changes {
            print_line(&json!({"change": sign, "kind": kind, "text": text}).to_string());
        }
        return Ok(());
    }
    if changes.is_empty() {
        print_line("the scope looks the same, and so do the files");
    }
    for (sign, kind, text) in &changes {
        let line = line(&format!("{sign} {kind} {text}"));
        let paint = context.out.paint;
        print_line(&match sign {
            '+' => paint.good(&line),
            '-' => paint.bad(&line),
            _ => paint.warn(&line),
        });
    }
    Ok(())
}

fn side(
    store: &dyn SnapshotStore,
    sandbox: &Sandbox,
    id: &memex_snapshots::SnapshotId,
) -> Result<Side> {
    let (snapshot, _) = load(store, id, sandbox).map_err(refusal)?;
    let options = SessionOptions::default();
    let (mut session, _) = sandbox.restore(&snapshot, Generators::Keep, options)?;
    let names = scope(&mut session)?
        .into_iter()
        .map(|entry| (entry.name.clone(), entry))
        .collect();
    let files = snapshot.scratch_files().into_iter().collect();
    Ok(Side { names, files })
}

fn compare<V: PartialEq>(
    a: &BTreeMap<String, V>,
    b: &BTreeMap<String, V>,
    mut tell: impl FnMut(char, &V),
) {
    for (key, value) in b {
        match a.get(key) {
            None => tell('+', value),
            Some(old) if old != value => tell('~', value),
            Some(_) => {}
        }
    }
    for (key, value) in a {
        if !b.contains_key(key) {
            tell('-', value);
        }
    }
}
