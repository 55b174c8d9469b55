//! A folder of documents, as an object.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::input::{Content, INPUTS_MAX_BYTES, Input};
use super::runs;
use crate::Error;

/// Files of a folder.
const FILES_MAX: usize = 100_000;
/// Folders in one another.
const DEPTH_MAX: usize = 32;

pub(super) fn read(input: &Input, path: &Path) -> Result<Content, Error> {
    if let Some(views) = runs::read_folder(path) {
        return Ok(runs::content(views));
    }
    let mut files = Map::new();
    let mut total = 0;
    collect(input, path, path, 0, &mut files, &mut total)?;
    Ok(Content {
        kind: "json",
        told: format!("dict[str, str] of {} files, {total} bytes", files.len()),
        bytes: Value::Object(files).to_string().into_bytes(),
    })
}

fn collect(
    input: &Input,
    root: &Path,
    folder: &Path,
    depth: usize,
    files: &mut serde_json::Map<String, Value>,
    total: &mut u64,
) -> Result<(), Error> {
    if depth > DEPTH_MAX {
        return Err(input.wrong("its folders are nested too deeply"));
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect()
        })
        .map_err(|error| input.wrong(error))?;
    entries.sort();
    for path in entries {
        let found = std::fs::symlink_metadata(&path).map_err(|error| input.wrong(error))?;
        if found.is_dir() {
            collect(input, root, &path, depth + 1, files, total)?;
        } else if found.is_file() {
            if files.len() >= FILES_MAX || total.saturating_add(found.len()) > INPUTS_MAX_BYTES {
                return Err(input.wrong("the folder is too large; mount it instead"));
            }
            let bytes = std::fs::read(&path).map_err(|error| input.wrong(error))?;
            // Pictures and the like are no documents.
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            *total += found.len();
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.insert(name.display().to_string(), Value::String(text));
        }
    }
    Ok(())
}
