//! What ARCHITECTURE.md says about crates, held against `cargo metadata` and
//! the sources: which crate may know which, and what may stand where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod circles;
mod documents;
mod sources;
mod uses;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use sources::{Source, code_of};
use std::collections::{BTreeMap, BTreeSet};

/// Every crate of the workspace, and the crates of the workspace that it may
/// use. A new crate is a new line.
const ARROWS: &[(&str, &[&str])] = &[
    ("memex-policies", &[]),
    ("memex-channel", &[]),
    ("memex-filesystem", &[]),
    ("memex-guest-python", &[]),
    ("memex-listener", &[]),
    ("memex-models", &["memex-settings", "memex-tls"]),
    ("memex-mock-server", &["memex-models"]),
    ("memex-snapshots", &["memex-tls"]),
    ("memex-suites", &[]),
    ("memex-settings", &[]),
    ("memex-tls", &[]),
    ("memex-trajectories", &[]),
    (
        "memex-runtime",
        &[
            "memex-channel",
            "memex-filesystem",
            "memex-guest-python",
            "memex-policies",
        ],
    ),
    ("memex-host-tools", &["memex-channel", "memex-policies"]),
    (
        "memex-sql",
        &["memex-channel", "memex-host-tools", "memex-policies"],
    ),
    (
        "memex-external",
        &[
            "memex-host-tools",
            "memex-policies",
            "memex-sql",
            "memex-tls",
        ],
    ),
    ("memex-memory", &["memex-host-tools", "memex-policies"]),
    ("memex-connectors", &["memex-memory"]),
    (
        "memex-sessions",
        &[
            "memex-channel",
            "memex-external",
            "memex-host-tools",
            "memex-memory",
            "memex-policies",
            "memex-runtime",
            "memex-settings",
            "memex-snapshots",
            "memex-sql",
        ],
    ),
    (
        "memex-mem-agent",
        &[
            "memex-agent",
            "memex-host-tools",
            "memex-listener",
            "memex-memory",
            "memex-models",
            "memex-policies",
            "memex-runtime",
            "memex-sessions",
            "memex-suites",
            "memex-trajectories",
        ],
    ),
    (
        "memex-agent",
        &[
            "memex-channel",
            "memex-external",
            "memex-host-tools",
            "memex-models",
            "memex-policies",
            "memex-runtime",
            "memex-sessions",
            "memex-settings",
            "memex-sql",
            "memex-suites",
            "memex-trajectories",
        ],
    ),
    (
        "memex",
        &[
            "memex-agent",
            "memex-channel",
            "memex-external",
            "memex-host-tools",
            "memex-memory",
            "memex-models",
            "memex-policies",
            "memex-runtime",
            "memex-sessions",
            "memex-snapshots",
            "memex-sql",
            "memex-trajectories",
        ],
    ),
    (
        "memex-benches",
        &[
            "memex-agent",
            "memex-host-tools",
            "memex-mem-agent",
            "memex-memory",
            "memex-models",
            "memex-policies",
            "memex-runtime",
            "memex-sessions",
            "memex-snapshots",
            "memex-sql",
            "memex-trajectories",
        ],
    ),
    (
        "memex-cli",
        &[
            "memex-agent",
            "memex-benches",
            "memex-connectors",
            "memex-external",
            "memex-host-tools",
            "memex-mem-agent",
            "memex-memory",
            "memex-models",
            "memex-policies",
            "memex-runtime",
            "memex-sessions",
            "memex-settings",
            "memex-snapshots",
            "memex-sql",
            "memex-suites",
            "memex-trajectories",
        ],
    ),
    (
        "memex-python",
        &[
            "memex-agent",
            "memex-external",
            "memex-guest-python",
            "memex-host-tools",
            "memex-mem-agent",
            "memex-memory",
            "memex-models",
            "memex-policies",
            "memex-runtime",
            "memex-sessions",
            "memex-snapshots",
            "memex-trajectories",
        ],
    ),
    (
        "memex-tests",
        &[
            "memex-agent",
            "memex-host-tools",
            "memex-mem-agent",
            "memex-memory",
            "memex-mock-server",
            "memex-models",
            "memex-policies",
            "memex-runtime",
            "memex-sessions",
            "memex-snapshots",
            "memex-tls",
            "memex-trajectories",
        ],
    ),
];

/// The files that contain `unsafe`.
const UNSAFE: &[&str] = &[
    "runtime/src/engine.rs",
    "runtime/src/image/code.rs",
    "runtime/src/interrupt/pulse.rs",
    "runtime/src/memory/slot.rs",
    "runtime/src/platform/linux.rs",
    "runtime/src/platform/mapping.rs",
    "runtime/src/stacks.rs",
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}

fn names(package: &Package, kinds: &[DependencyKind]) -> BTreeSet<String> {
    let dependencies = package.dependencies.iter();
    let wanted = dependencies.filter(|dependency| kinds.contains(&dependency.kind));
    wanted.map(|dependency| dependency.name.clone()).collect()
}

const SHIPPED: &[DependencyKind] = &[DependencyKind::Normal, DependencyKind::Build];

#[test]
fn arrows_point_down() {
    let metadata = metadata();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let members: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let listed: BTreeSet<&str> = allowed.keys().copied().collect();
    assert_eq!(members, listed, "the table names every crate, and no other");
    for package in &metadata.packages {
        let used = names(package, SHIPPED);
        for name in used.iter().filter(|name| members.contains(name.as_str())) {
            assert!(
                allowed[package.name.as_str()].contains(&name.as_str()),
                "{} must not depend on {name}",
                package.name
            );
        }
        // Tests of a crate may not reach up either.
        for name in names(package, &[DependencyKind::Development]) {
            assert!(
                !members.contains(name.as_str())
                    || allowed[package.name.as_str()].contains(&name.as_str())
                    // The examples of the facade share the image of the suites.
                    || (package.name.as_str() == "memex" && name == "memex-tests"),
                "the tests of {} must not depend on {name}",
                package.name
            );
        }
    }
}

#[test]
fn only_the_runtime_knows_the_engine() {
    let engine = |name: &String| name.starts_with("wasmtime") || name.starts_with("cranelift");
    let users: Vec<String> = metadata()
        .packages
        .iter()
        .filter(|package| names(package, SHIPPED).iter().any(engine))
        .map(|package| package.name.to_string())
        .collect();
    assert_eq!(users, ["memex-runtime"]);
    let mut found = 0;
    for Source { path, text } in sources::shipped() {
        let named = code_of(&text).any(|(_, line)| line.contains("wasmtime::"));
        found += u32::from(named);
        assert!(
            !named || path.starts_with("runtime/src/"),
            "{path} names the engine"
        );
    }
    assert!(found > 3, "the search finds what is there");
}

/// What is heavy, and the one crate that may bring it.
#[test]
fn heavy_dependencies_have_one_owner_each() {
    let metadata = metadata();
    let users = |wanted: &[&str]| -> BTreeSet<String> {
        let uses = |package: &&Package| {
            let used = names(package, SHIPPED);
            used.iter().any(|name| wanted.contains(&name.as_str()))
        };
        let users = metadata.packages.iter().filter(uses);
        users.map(|package| package.name.to_string()).collect()
    };
    let owners = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    for (wanted, owned_by) in [
        // Suites make databases and benches fill them; no guest reaches those.
        (
            &["rusqlite"][..],
            &["memex-benches", "memex-sql", "memex-suites"][..],
        ),
        (&["parquet", "arrow-array", "arrow-ipc"], &["memex-sql"]),
        (
            &["rustls-platform-verifier", "rustls-native-certs"],
            &["memex-tls"],
        ),
        (&["hyper-rustls", "tokio-rustls"], &["memex-external"]),
        (&["rmcp"], &["memex-external", "memex-mem-agent"]),
        (&["jsonschema"], &["memex-host-tools", "memex-suites"]),
        (
            &["zip", "html5gum", "quick-xml"],
            &["memex-connectors", "memex-guest-python"],
        ),
        (&["webpki-roots", "regex-lite", "aws-lc-rs"], &[]),
    ] {
        assert_eq!(users(wanted), owners(owned_by), "{wanted:?}");
    }
}

/// The crates that a build of one package compiles in.
fn crates_below(package: &str) -> BTreeSet<String> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", package])
        .args(["--edges", "normal", "--prefix", "none"])
        .current_dir(sources::root())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines().map(str::to_owned).collect()
}

/// Whoever embeds a part does not compile the whole. The figures count repeated
/// lines of `cargo tree` as well, and so bound the crates from above.
#[test]
fn parts_stay_small() {
    for (package, most) in [
        ("memex-memory", 60),
        ("memex-policies", 25),
        ("memex-host-tools", 120),
        ("memex-sql", 185),
    ] {
        let crates = crates_below(package);
        assert!(
            crates.len() <= most,
            "{package} brings {} crates, {most} are allowed: {crates:#?}",
            crates.len()
        );
    }
    let whole = crates_below("memex-cli");
    let named = |name: &str| {
        whole
            .iter()
            .any(|line| line.starts_with(&format!("{name} v")))
    };
    assert!(
        whole.len() > 300 && named("ring"),
        "the search finds what is there"
    );
    for doubled in ["aws-lc-rs", "webpki-roots", "regex-lite"] {
        assert!(!named(doubled), "{doubled} is there beside its like");
    }
    let zstd: BTreeSet<&str> = whole
        .iter()
        .filter(|line| line.starts_with("zstd v"))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(zstd.len(), 1, "{zstd:?}");
}

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
fn async_stays_at_the_edges() {
    for package in metadata().packages {
        let name = package.name.as_str();
        if [
            "memex-agent",
            "memex-benches",
            "memex-cli",
            "memex-external",
            "memex-host-tools",
            "memex-listener",
            "memex-mem-agent",
            "memex-mock-server",
            "memex-models",
            "memex-python",
            "memex-sessions",
            "memex-snapshots",
            "memex-sql",
            "memex-tests",
        ]
        .contains(&name)
        {
            continue;
        }
        let used = names(&package, SHIPPED);
        assert!(!used.contains("tokio"), "{name} depends on tokio");
        assert!(!used.contains("reqwest"), "{name} depends on reqwest");
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
