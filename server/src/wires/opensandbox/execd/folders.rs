//! Calls about folders.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::{Query, RawQuery, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::super::body::Json;
use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::access::Access;
use super::files::{bounded, paths_in};
use super::glob::Pattern;
use super::shapes::Info;
use crate::error::ServiceError;
use crate::service::{FileEntry, FileKind};

/// How deep a search goes.
const DEPTH_MAX: u32 = 64;
const PATTERN_MAX_BYTES: usize = 1_024;
/// Steps of comparing a pattern with all names of a search: some tenths of a second.
const STEPS_MAX: usize = 100_000_000;

#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    path: String,
    #[serde(default)]
    depth: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    path: String,
    #[serde(default)]
    pattern: Option<String>,
}

/// Makes folders, and those on the way. Those that are there stay as they are.
pub(super) async fn make(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Json(asked): Json<BTreeMap<String, Value>>,
) -> Result<StatusCode, ApiError> {
    bounded(asked.len())?;
    for path in asked.keys() {
        state.service.make_folder(&who, &id, path).await?;
    }
    Ok(StatusCode::OK)
}

pub(super) async fn remove(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, ApiError> {
    for path in paths_in(query.as_deref())? {
        let entry = state.service.stat(&who, &id, &path).await?;
        if entry.kind != FileKind::Folder {
            let message = format!("path is not a directory: {path}\nhint: delete it as a file");
            return Err(ApiError::invalid(message));
        }
        state.service.remove_file(&who, &id, &path).await?;
    }
    Ok(StatusCode::OK)
}

pub(super) async fn list(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Query(asked): Query<Listing>,
) -> Result<Answer<Vec<Info>>, ApiError> {
    let depth = asked.depth.unwrap_or(1).clamp(1, DEPTH_MAX);
    let found = state.service.list_folder(&who, &id, &asked.path, depth);
    Ok(Answer(found.await?.into_iter().map(Info::from).collect()))
}

/// Finds files by a pattern of their names.
pub(super) async fn search(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Query(asked): Query<Search>,
) -> Result<Answer<Vec<Info>>, ApiError> {
    let pattern = asked.pattern.as_deref().unwrap_or("**");
    if pattern.len() > PATTERN_MAX_BYTES {
        return Err(ApiError::invalid("the pattern is longer than 1024 bytes"));
    }
    let pattern = Pattern::new(pattern);
    let choose = move |folder: &str, found| wanted(&pattern, folder, found);
    let found = state
        .service
        .search_folder(&who, &id, &asked.path, choose)
        .await?;
    Ok(Answer(found.into_iter().map(Info::from).collect()))
}

/// The files that a pattern matches, of those in a folder.
fn wanted(
    pattern: &Pattern,
    folder: &str,
    mut found: Vec<FileEntry>,
) -> Result<Vec<FileEntry>, ServiceError> {
    found.retain(|entry| entry.kind == FileKind::File);
    let steps = found
        .iter()
        .map(|entry| pattern.steps(below(folder, &entry.path)))
        .fold(0, usize::saturating_add);
    if steps > STEPS_MAX {
        return Err(ServiceError::invalid(
            "comparing this pattern with the names of all files takes too long",
            "use a shorter pattern, or search a smaller folder",
        ));
    }
    found.retain(|entry| pattern.matches(below(folder, &entry.path)));
    Ok(found)
}

fn below<'a>(folder: &str, path: &'a str) -> &'a str {
    let name = path.strip_prefix(folder).unwrap_or(path);
    name.trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: impl Iterator<Item = String>) -> Vec<FileEntry> {
        let entry = |name: String| FileEntry {
            path: format!("/home/user/{name}"),
            name,
            kind: FileKind::File,
            bytes: 0,
            modified_ns: 0,
            target: None,
        };
        names.map(entry).collect()
    }

    #[test]
    fn a_search_is_bounded_in_its_steps() {
        let long = |at: usize| format!("{at}{}", "a".repeat(2_000));
        let hostile = Pattern::new(&"*a".repeat(PATTERN_MAX_BYTES / 2));
        let began = std::time::Instant::now();
        let refused = wanted(&hostile, "/home/user", files((0..10_000).map(long)));
        assert!(refused.unwrap_err().message.contains("takes too long"));
        assert!(began.elapsed() < std::time::Duration::from_secs(10));
        // The same pattern against few names, and a common one against many.
        assert!(wanted(&hostile, "/home/user", files((0..10).map(long))).is_ok());
        let names = (0..10_000).map(|at| format!("data/{at}.txt"));
        let found = wanted(&Pattern::new("*7.txt"), "/home/user", files(names));
        assert_eq!(found.unwrap().len(), 1_000);
    }
}
