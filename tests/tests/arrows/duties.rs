//! What only one part of the program does: read settings and the environment, write to
//! the command's streams; and what policies do not do.

use crate::packages::{SHIPPED, metadata, names};
use crate::sources::{self, Source, code_of};
use std::collections::BTreeSet;

/// Settings that serde reads are read in one way, with their places.
#[test]
fn one_crate_reads_settings() {
    let mut found = 0;
    for Source { path, text } in sources::shipped() {
        let Some(place) = code_of(&text).find(|(_, line)| line.contains("toml::from_str")) else {
            continue;
        };
        found += u32::from(path == "settings/src/lib.rs");
        // The guest's manifest is our own; tool files keep the order of keys.
        let is_allowed = [
            "guest-python/src/manifest/reading.rs",
            "host-tools/external/src/document.rs",
            "settings/src/lib.rs",
        ]
        .contains(&path.as_str());
        assert!(is_allowed, "{path}: {place:?}");
    }
    assert_eq!(found, 1, "the search finds what is there");
}

#[test]
fn policies_are_plain_data() {
    let metadata = metadata();
    let policies = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "memex-policies")
        .unwrap();
    let used = names(policies, SHIPPED);
    let used: Vec<&str> = used.iter().map(String::as_str).collect();
    assert_eq!(used, ["strsim", "thiserror", "toml"]);
    for Source { path, text } in sources::shipped() {
        if !path.starts_with("policies/") {
            continue;
        }
        for word in [
            "std::fs",
            "TcpStream",
            "UdpSocket",
            "ToSocketAddrs",
            "std::env",
            "std::process",
            "std::thread",
            "std::time",
            "std::io",
            "tokio",
            "reqwest",
            "async fn",
            "static mut",
            "println!",
        ] {
            let place = code_of(&text).find(|(_, line)| line.contains(word));
            assert!(place.is_none(), "{path} uses {word}: {place:?}");
        }
    }
}

#[test]
fn only_the_command_reads_the_environment() {
    let mut found = 0;
    for Source { path, text } in sources::shipped() {
        let reads = code_of(&text).find(|(_, line)| line.contains("env::var"));
        found += u32::from(reads.is_some());
        let is_command = path.starts_with("cli/src/") || path.starts_with("tests/src/");
        assert!(reads.is_none() || is_command, "{path}: {reads:?}");
    }
    assert!(found > 0, "the search finds what is there");
}

/// What stands between the command and a terminal is one file.
#[test]
fn only_the_console_writes_to_the_commands_streams() {
    let words = [
        "println!",
        "eprintln!",
        "print!",
        "eprint!",
        "stdout()",
        "stderr()",
    ];
    // Not as the end of a longer name.
    let names = |line: &str, word: &str| {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        line.match_indices(word)
            .any(|(at, _)| !line[..at].ends_with(is_name))
    };
    // Who asks whether a stream is a terminal, and a stream that is for a program.
    let allowed = [
        "cli/src/asking.rs",
        "cli/src/commands/agent/worker.rs",
        "cli/src/console.rs",
        "cli/src/context.rs",
    ];
    let mut found = BTreeSet::new();
    for Source { path, text } in sources::shipped() {
        if !path.starts_with("cli/src/") {
            continue;
        }
        let writes = |(_, line): &(usize, String)| words.iter().any(|word| names(line, word));
        if let Some(place) = code_of(&text).find(writes) {
            assert!(allowed.contains(&path.as_str()), "{path}: {place:?}");
            found.insert(path);
        }
    }
    assert_eq!(found.len(), allowed.len(), "the search finds what is there");
}
