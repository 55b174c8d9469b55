//! What documents point to is there, and what they name is defined there.

use super::crates::ARROWS;
use super::sources::root;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn links_lead_to_files_and_tests_are_where_documents_say() {
    let mut links = 0;
    let mut named = 0;
    let mut wrong = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for (words, target) in links_of(&text) {
            links += 1;
            let path = document.parent().unwrap().join(&target);
            if !path.exists() {
                wrong.push(format!("{}: {target} is not there", document.display()));
                continue;
            }
            // [`module::name_of_a_test`](…/tests.rs)
            let Some(name) = words.strip_prefix('`').and_then(|w| w.strip_suffix('`')) else {
                continue;
            };
            let name = name.rsplit("::").next().unwrap_or(name);
            let is_test = name.contains('_') && name.chars().all(is_part_of_a_name);
            if !is_test || path.extension().is_none_or(|e| e != "rs" && e != "py") {
                continue;
            }
            named += 1;
            let code = std::fs::read_to_string(&path).unwrap();
            // Python's have a prefix.
            if ![" ", "def test_"]
                .iter()
                .any(|before| code.contains(&format!("{before}{name}")))
            {
                wrong.push(format!("{}: {target} has no {name}", document.display()));
            }
        }
    }
    assert!(links > 500 && named > 300, "{links} links, {named} names");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn is_part_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The Markdown files of the workspace's root and of `docs`.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [root(), root().join("docs")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// The words and the file of each link to a file of the repository.
fn links_of(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        if is_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let Some((target, _)) = line[at + 2..].split_once(')') else {
                continue;
            };
            let target = target.split('#').next().unwrap_or_default();
            let words = line[..at].rsplit('[').next().unwrap_or_default();
            let is_file =
                !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:");
            if is_file && Path::new(target).is_relative() {
                found.push((words.to_owned(), target.to_owned()));
            }
        }
    }
    found
}

/// The name by which documents call a crate.
fn short(package: &str) -> &str {
    package.strip_prefix("memex-").unwrap_or(package)
}

/// The words in backquotes that name crates.
fn crates_in(text: &str) -> BTreeSet<&str> {
    let known: BTreeSet<&str> = ARROWS.iter().map(|(package, _)| short(package)).collect();
    let words = text.split('`').skip(1).step_by(2);
    words.filter(|word| known.contains(word)).collect()
}

/// Every crate has a row in the map, which lists what it may use.
#[test]
fn the_code_map_says_what_the_manifests_say() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (package, used) in ARROWS {
        let name = short(package);
        let row = text.lines().find_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, first, .., last, _] = cells[..] else {
                return None;
            };
            let of = first.trim_matches('`').rsplit('/').next();
            (cells.len() == 6 && of == Some(name)).then_some(last)
        });
        let row = row.unwrap_or_else(|| panic!("the code map has no row for {name}"));
        let used: BTreeSet<&str> = used.iter().map(|package| short(package)).collect();
        assert_eq!(crates_in(row), used, "{name}: {row}");
    }
}

#[test]
fn the_birds_eye_shows_every_crate() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let picture = text.split("```").nth(1).unwrap();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let shown: BTreeSet<&str> = picture.split(|c: char| !is_part(c)).collect();
    for (package, _) in ARROWS {
        let name = short(package);
        assert!(shown.contains(name), "the bird's eye lacks {name}");
    }
}
