//! Trajectories, as objects.

use std::path::{Path, PathBuf};

use memex_trajectories::views::trajectory_view;
use memex_trajectories::{Loaded, formats, load};

use super::input::{Content, INPUTS_MAX_BYTES};

/// The JSON of trajectories. Of their values, one run's are held at a time.
#[derive(Default)]
pub(super) struct Runs {
    json: Vec<u8>,
    count: usize,
}

impl Runs {
    /// Adds one; none where all together are too long.
    fn add(&mut self, loaded: &Loaded) -> Option<()> {
        if self.count > 0 {
            self.json.push(b',');
        }
        let view = trajectory_view(&loaded.trajectory).to_string();
        self.json.extend_from_slice(view.as_bytes());
        self.count += 1;
        (self.json.len() as u64 <= INPUTS_MAX_BYTES).then_some(())
    }

    /// Adds those of a file, if it is of trajectories.
    fn add_file(&mut self, path: &Path) -> Option<()> {
        if let Ok(loaded) = load(path) {
            return self.add(&loaded);
        }
        for loaded in formats::open(path).ok()? {
            self.add(&loaded.ok()?)?;
        }
        Some(())
    }
}

pub(super) fn content(runs: Runs) -> Content {
    let told = format!("list[Trajectory] of {}", runs.count);
    let bytes = [b"[".as_slice(), &runs.json, b"]"].concat();
    Content::one("trajectories", bytes, told)
}

/// The trajectories in a file, if it is of them.
pub(super) fn read(path: &Path) -> Option<Runs> {
    let mut runs = Runs::default();
    runs.add_file(path)?;
    Some(runs)
}

/// The trajectories in a folder, by name, if it has nothing else. What a scope
/// was saved in does not count.
pub(super) fn read_folder(folder: &Path) -> Option<Runs> {
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
    let mut runs = Runs::default();
    for path in paths {
        runs.add_file(&path)?;
    }
    Some(runs)
}
