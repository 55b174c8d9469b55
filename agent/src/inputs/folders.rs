//! A folder of documents, as an object.

use std::path::{Path, PathBuf};

use memex_sql::is_folder_of_tables;
use serde_json::{Map, Value};

use super::input::{Content, INPUTS_MAX_BYTES, Input};
use super::{files, runs, tables};
use crate::Error;

/// Files of a folder.
const FILES_MAX: usize = 100_000;
/// Folders in one another.
const DEPTH_MAX: usize = 32;
/// Files that are named as left out.
const NAMED_MAX: usize = 10;
const TOO_LARGE: &str = "the folder is too large; mount it instead";

pub(super) fn read(input: &Input, path: &Path) -> Result<Content, Error> {
    if let Some(runs) = runs::read_folder(path) {
        return Ok(runs::content(runs));
    }
    if is_folder_of_tables(path) {
        return tables::read(input, path);
    }
    let mut found = Found::default();
    collect(input, path, path, 0, &mut found)?;
    let Found {
        files,
        total,
        left_out,
    } = found;
    if files.is_empty() && !left_out.is_empty() {
        let what = format!(
            "none of its files is text ({}); give the folder to the code with --mount",
            listed(&left_out)
        );
        return Err(input.wrong(what));
    }
    let mut told = format!("dict[str, str] of {} files, {total} bytes", files.len());
    if !left_out.is_empty() {
        told.push_str(&format!(
            "; left out, since they are no text: {}",
            listed(&left_out)
        ));
    }
    let bytes = Value::Object(files).to_string().into_bytes();
    Ok(Content::one("json", bytes, told))
}

/// What a folder holds.
#[derive(Default)]
struct Found {
    files: Map<String, Value>,
    total: u64,
    /// Files that are no text.
    left_out: Vec<String>,
}

fn listed(names: &[String]) -> String {
    let some: Vec<&str> = names.iter().take(NAMED_MAX).map(String::as_str).collect();
    match names.len() - some.len() {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

fn collect(
    input: &Input,
    root: &Path,
    folder: &Path,
    depth: usize,
    found: &mut Found,
) -> Result<(), Error> {
    if depth > DEPTH_MAX {
        return Err(input.wrong("its folders are nested too deeply"));
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .take(FILES_MAX + 1)
                .map(|entry| entry.map(|entry| entry.path()))
                .collect()
        })
        .map_err(|error| input.wrong(error))?;
    if entries.len() > FILES_MAX {
        return Err(input.wrong(TOO_LARGE));
    }
    entries.sort();
    for path in entries {
        let status = std::fs::symlink_metadata(&path).map_err(|error| input.wrong(error))?;
        if status.is_dir() {
            collect(input, root, &path, depth + 1, found)?;
        } else if status.is_file() {
            let entries = found.files.len() + found.left_out.len();
            let total = found.total.saturating_add(status.len());
            if entries >= FILES_MAX || total > INPUTS_MAX_BYTES {
                return Err(input.wrong(TOO_LARGE));
            }
            let bytes = files::whole(input, &path)?;
            // Pictures and the like are no documents.
            let name = path.strip_prefix(root).unwrap_or(&path);
            let name = name.display().to_string();
            match String::from_utf8(bytes) {
                Ok(text) => {
                    found.total = total;
                    found.files.insert(name, Value::String(text));
                }
                Err(_) => found.left_out.push(name),
            }
        }
    }
    Ok(())
}
