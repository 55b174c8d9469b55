//! Which files there are, and which of them a link names.

use std::collections::{BTreeSet, HashMap};

use unicode_normalization::UnicodeNormalization as _;

use crate::target::{targets, with_ending};

/// The files of a memory by path, by name and by alias.
#[derive(Debug, Default)]
pub(crate) struct Names {
    paths: BTreeSet<String>,
    /// By the folded name.
    by_name: HashMap<String, Vec<String>>,
    /// By the folded alias.
    by_alias: HashMap<String, Vec<String>>,
}

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(paths: I) -> Self {
        let mut names = Self::default();
        for path in paths {
            let key = folded(stem(&path));
            names.by_name.entry(key).or_default().push(path.clone());
            names.paths.insert(path);
        }
        names
    }
}

impl Names {
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// Notes further names of a file.
    pub(crate) fn alias(&mut self, path: &str, aliases: &[String]) {
        for alias in aliases {
            let paths = self.by_alias.entry(folded(alias)).or_default();
            paths.push(path.to_owned());
        }
    }

    /// The file that a link means: as a path, then below `entities/`, then by name wherever it
    /// lies, then by alias. Of several, the one whose folders are those of the link, then the
    /// one whose letters are, then the one nearest to the root.
    pub(crate) fn resolve(&self, link: &str) -> Option<&str> {
        let targets = targets(link);
        self.literally(&targets)
            .or_else(|| self.by_name(&targets))
            .or_else(|| self.by_alias(&targets))
    }

    /// As [`Self::resolve`], for a link in a file of this folder.
    pub(crate) fn resolve_from(&self, folder: &str, link: &str) -> Option<&str> {
        // A path that leads up is one from the folder alone.
        let address = match link.starts_with("[[") {
            true => None,
            false => crate::markdown::inline_link(link),
        };
        let beside = address.map(|inline| match inline.address.starts_with('/') {
            true => inline.address.to_owned(),
            false => format!("{folder}/{}", inline.address),
        });
        let beside = beside.and_then(|path| self.literally(&targets(&path)));
        beside.or_else(|| self.resolve(link))
    }

    fn literally(&self, targets: &[String]) -> Option<&str> {
        let found = targets.iter().find_map(|target| {
            let mut candidates = candidates(target).into_iter();
            candidates.find_map(|path| self.paths.get(&path))
        });
        found.map(String::as_str)
    }

    /// The file of that name, wherever it lies.
    pub(crate) fn by_name(&self, targets: &[String]) -> Option<&str> {
        targets.iter().find_map(|target| {
            let paths = self.by_name.get(&folded(stem(target)))?;
            nearest(paths, target)
        })
    }

    fn by_alias(&self, targets: &[String]) -> Option<&str> {
        targets.iter().find_map(|target| {
            let paths = self.by_alias.get(&folded(target))?;
            nearest(paths, target)
        })
    }

    /// The paths of all files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }
}

/// The paths that a name may stand for literally.
pub(crate) fn candidates(target: &str) -> [String; 4] {
    let path = with_ending(target);
    [
        path.clone(),
        target.to_owned(),
        format!("entities/{path}"),
        format!("entities/{target}"),
    ]
}

/// The best of several files.
fn nearest<'p>(paths: &'p [String], target: &str) -> Option<&'p str> {
    let wanted = without_ending(target);
    let name = stem(target);
    let composed: String = name.nfc().collect();
    let suffix = format!("/{}", folded(wanted));
    let rank = |path: &str| {
        let whole = format!("/{}", folded(without_ending(path)));
        let own = stem(path);
        (
            !whole.ends_with(&suffix),
            own != name,
            !own.nfc().eq(composed.chars()),
            path.matches('/').count(),
        )
    };
    let best = paths.iter().min_by_key(|path| (rank(path), path.as_str()));
    best.map(String::as_str)
}

/// The name in a path, without the ending of a note.
fn stem(path: &str) -> &str {
    without_ending(path.rsplit('/').next().unwrap_or(path))
}

/// A path without the ending of a note, in whatever case.
fn without_ending(path: &str) -> &str {
    let at = path.len().saturating_sub(3);
    match path.get(at..) {
        Some(end) if end.eq_ignore_ascii_case(".md") => path.get(..at).unwrap_or(path),
        _ => path,
    }
}

/// A name as it is compared: composed or not, in capitals or not, in words or in snake_case,
/// it is the same.
pub(crate) fn folded(name: &str) -> String {
    let plain = |c: char| match c {
        ' ' | '-' => '_',
        c => c,
    };
    match name.is_ascii() {
        true => name
            .chars()
            .map(|c| plain(c.to_ascii_lowercase()))
            .collect(),
        false => {
            let lower = name.nfd().flat_map(char::to_lowercase);
            lower.map(plain).nfc().collect()
        }
    }
}
