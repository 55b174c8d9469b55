//! What comes from outside: who may bring it, and how much there is of it.

use crate::packages::{SHIPPED, metadata, names};
use crate::sources::{self, Source, code_of};
use cargo_metadata::Package;
use std::collections::BTreeSet;

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
        // Whoever hands a file to these decoders holds it against `columns` first.
        (
            &["parquet", "arrow-array", "arrow-ipc"],
            &["memex-columns", "memex-natives", "memex-tables"],
        ),
        (
            &["rustls-platform-verifier", "rustls-native-certs"],
            &["memex-tls"],
        ),
        (
            &["hyper-rustls", "tokio-rustls"],
            &["memex-external", "memex-listener"],
        ),
        // The client is `external`'s, the transports of servers are those of `doors`.
        (
            &["rmcp"],
            &["memex-doors", "memex-external", "memex-mem-agent"],
        ),
        (&["jsonschema"], &["memex-host-tools", "memex-suites"]),
        // Workbooks are archives of XML; an archive may hold one table.
        (
            &["zip", "quick-xml"],
            &["memex-connectors", "memex-guest-python", "memex-tables"],
        ),
        (&["html5gum"], &["memex-connectors"]),
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
        ("memex-sql", 195),
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

#[test]
fn async_stays_at_the_edges() {
    for package in metadata().packages {
        let name = package.name.as_str();
        if [
            "memex-agent",
            "memex-benches",
            "memex-cli",
            "memex-doors",
            "memex-external",
            "memex-host-tools",
            "memex-listener",
            "memex-mem-agent",
            "memex-mock-server",
            "memex-models",
            "memex-placement",
            "memex-python",
            "memex-server",
            "memex-sessions",
            "memex-snapshots",
            "memex-sql",
            "memex-supervision",
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
