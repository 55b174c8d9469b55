//! Which files there are, and which of them a link names.

use std::collections::{BTreeSet, HashMap};

/// The files of a memory by path and by name.
#[derive(Default)]
pub(crate) struct Names {
    paths: BTreeSet<String>,
    /// By the name in lower case.
    by_name: HashMap<String, Vec<String>>,
}

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(paths: I) -> Self {
        let mut names = Self::default();
        for path in paths {
            let lower = name(&path).to_lowercase();
            names.by_name.entry(lower).or_default().push(path.clone());
            names.paths.insert(path);
        }
        names
    }
}

impl Names {
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// The file that a link means: without alias and heading as a path, then
    /// below `entities/`, then by name wherever it lies. Of several, the one
    /// whose letters have the same case, then the one nearest to the root.
    pub(crate) fn resolve(&self, link: &str) -> Option<&str> {
        let target = target(link);
        if target.is_empty() {
            return None;
        }
        let path = with_ending(target);
        for candidate in [&path, &format!("entities/{path}")] {
            if let Some(path) = self.paths.get(candidate) {
                return Some(path);
            }
        }
        let wanted = name(&path);
        let candidates = self.by_name.get(&wanted.to_lowercase())?;
        let rank = |path: &&String| (name(path) != wanted, path.matches('/').count());
        let nearest = candidates.iter().min_by_key(|path| (rank(path), *path));
        nearest.map(String::as_str)
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a link names: without brackets, alias and heading.
pub(crate) fn target(link: &str) -> &str {
    let link = link.trim();
    let link = link.strip_prefix("[[").unwrap_or(link);
    let link = link.strip_suffix("]]").unwrap_or(link);
    let end = link.find(['|', '#']).unwrap_or(link.len());
    link.get(..end).unwrap_or(link).trim()
}

/// The path of the file of a name.
pub(crate) fn with_ending(path: &str) -> String {
    match path.ends_with(".md") {
        true => path.to_owned(),
        false => format!("{path}.md"),
    }
}
