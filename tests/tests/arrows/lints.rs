//! Where `unsafe` may stand, and the lints that all crates have.

use crate::packages::metadata;
use crate::sources::{self, Source, code_of};
use std::collections::BTreeSet;

/// The files that contain `unsafe`.
const UNSAFE: &[&str] = &[
    "runtime/src/engine.rs",
    "runtime/src/image/code.rs",
    "runtime/src/interrupt/running.rs",
    "runtime/src/memory/slot.rs",
    "runtime/src/platform/linux.rs",
    "runtime/src/platform/mapping.rs",
    "runtime/src/stacks.rs",
];

#[test]
fn unsafe_stands_in_named_files_with_its_reasons() {
    let mut without = Vec::new();
    let mut files = BTreeSet::new();
    for Source { path, text } in sources::all() {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in code_of(&text) {
            let is_unsafe = line
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .any(|word| word == "unsafe");
            if !is_unsafe {
                continue;
            }
            files.insert(path.clone());
            // An unsafe function says what it asks for under `# Safety`.
            if line.contains("unsafe fn") {
                let above = lines[number.saturating_sub(22)..number].join("\n");
                assert!(above.contains("# Safety"), "{path}:{}", number + 1);
                continue;
            }
            // The comment stands above it, or above the statement that it is in.
            let above = lines[number.saturating_sub(22)..number].join("\n");
            for word in ["SAFETY", "JUSTIFICATION"] {
                if !above.contains(word) {
                    without.push(format!("{path}:{} without {word}", number + 1));
                }
            }
        }
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    assert_eq!(files, UNSAFE);
    assert!(without.is_empty(), "{}", without.join("\n"));
}

#[test]
fn libraries_deny_missing_docs_and_forbid_what_the_workspace_forbids() {
    for package in metadata().packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has lints of its own",
            package.name
        );
    }
    let root = std::fs::read_to_string(sources::root().join("Cargo.toml")).unwrap();
    for line in ["missing_docs = \"deny\"", "unsafe_code = \"deny\""] {
        assert!(root.contains(line), "{line}");
    }
}
