//! Trajectories, as objects.

use std::path::{Path, PathBuf};

use memex_trajectories::views::trajectory_view;
use memex_trajectories::{formats, load};
use serde_json::{Value, json};

use super::input::Content;

pub(super) fn content(views: Vec<Value>) -> Content {
    let told = format!("list[Trajectory] of {}", views.len());
    let bytes = json!(views).to_string().into_bytes();
    Content::one("trajectories", bytes, told)
}

/// The trajectories in a file, if it is of them.
pub(super) fn read(path: &Path) -> Option<Vec<Value>> {
    if let Ok(loaded) = load(path) {
        return Some(vec![trajectory_view(&loaded.trajectory)]);
    }
    let all: Result<Vec<_>, _> = formats::open(path).ok()?.collect();
    all.ok().map(|all| {
        all.iter()
            .map(|one| trajectory_view(&one.trajectory))
            .collect()
    })
}

/// The trajectories in a folder, by name, if it has nothing else. What a scope
/// was saved in does not count.
pub(super) fn read_folder(folder: &Path) -> Option<Vec<Value>> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .ok()?;
    paths.retain(|path| path.extension().is_none_or(|ending| ending != "scope"));
    paths.sort();
    let is_lines = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "jsonl");
    if paths.is_empty() || !paths.iter().all(is_lines) {
        return None;
    }
    let mut views = Vec::new();
    for path in paths {
        views.extend(read(&path)?);
    }
    Some(views)
}
