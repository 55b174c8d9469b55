//! The files of a repository.

use std::collections::{BTreeMap, BTreeSet};

use memex_memory::shown;

use super::issues::Issue;
use crate::{ImportReport, text};

/// Folders that hold what others wrote, or what was built.
pub(super) const PASSED_OVER: &[&str] = &[
    ".git",
    "node_modules",
    "target",
    "vendor",
    "dist",
    "build",
    ".venv",
];

/// A repository, read.
#[derive(Default)]
pub(super) struct Repository {
    pub(super) name: String,
    pub(super) facts: Vec<(String, String)>,
    pub(super) files: u64,
    /// Bytes by language.
    pub(super) languages: BTreeMap<&'static str, u64>,
    pub(super) root: BTreeSet<String>,
    /// Documents by path.
    pub(super) documents: BTreeMap<String, String>,
    pub(super) issues: Vec<Issue>,
    /// The first line of the license, by its file.
    pub(super) license: BTreeMap<String, String>,
}

pub(super) fn is_document(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let is_text = [".md", ".markdown"]
        .iter()
        .any(|ending| name.ends_with(ending))
        || ["readme", "readme.txt", "readme.rst"].contains(&name);
    let passed_over = lower.split('/').any(|part| PASSED_OVER.contains(&part));
    is_text && !passed_over
}

pub(super) fn is_license(path: &str) -> bool {
    ["LICENSE", "LICENCE", "COPYING"].iter().any(|name| {
        path.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    }) && !path.contains('/')
}

impl Repository {
    pub(super) fn count(&mut self, path: &str, bytes: u64) {
        self.files += 1;
        let entry = match path.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => path.to_owned(),
        };
        self.root.insert(shown(&entry));
        if let Some(language) = language(path) {
            let total = self.languages.entry(language).or_default();
            *total = total.saturating_add(bytes);
        }
    }

    pub(super) fn document(&mut self, path: &str, bytes: &[u8], report: &mut ImportReport) {
        match text::decode(bytes) {
            Ok(text) if is_license(path) => {
                let first = text.lines().map(str::trim).find(|line| !line.is_empty());
                self.license
                    .extend(first.map(|first| (path.to_owned(), first.to_owned())));
            }
            Ok(text) => {
                self.documents.insert(path.to_owned(), text);
            }
            Err(why) => report.skip(path, why),
        }
    }

    pub(super) fn shares(&self) -> String {
        let total: u64 = self.languages.values().sum();
        let mut by_size: Vec<(&str, u64)> = self
            .languages
            .iter()
            .map(|(name, bytes)| (*name, *bytes))
            .collect();
        by_size.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        let shares = by_size.iter().take(6).filter_map(|(name, bytes)| {
            let share = bytes.saturating_mul(100) / total.max(1);
            (share > 0).then(|| format!("{name} {share} %"))
        });
        shares.collect::<Vec<_>>().join(", ")
    }
}

fn language(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "rs" => "Rust",
        "py" => "Python",
        "js" | "mjs" | "cjs" | "jsx" => "JavaScript",
        "ts" | "tsx" => "TypeScript",
        "go" => "Go",
        "java" => "Java",
        "kt" => "Kotlin",
        "c" | "h" => "C",
        "cc" | "cpp" | "cxx" | "hpp" => "C++",
        "cs" => "C#",
        "rb" => "Ruby",
        "php" => "PHP",
        "swift" => "Swift",
        "sh" | "bash" => "Shell",
        "html" => "HTML",
        "css" | "scss" => "CSS",
        "sql" => "SQL",
        "jl" => "Julia",
        "r" => "R",
        "hs" => "Haskell",
        "ex" | "exs" => "Elixir",
        "zig" => "Zig",
        "lua" => "Lua",
        _ => return None,
    })
}
