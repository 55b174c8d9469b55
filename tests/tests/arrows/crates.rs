//! Which crate of the workspace may use which.

use crate::packages::{SHIPPED, metadata, names};
use cargo_metadata::DependencyKind;
use std::collections::{BTreeMap, BTreeSet};

/// Every crate of the workspace, and the crates of the workspace that it may
/// use. A new crate is a new line.
pub(crate) const ARROWS: &[(&str, &[&str])] = &[
    ("memex-policies", &[]),
    ("memex-escapes", &[]),
    ("memex-channel", &[]),
    ("memex-filesystem", &[]),
    ("memex-guest-python", &[]),
    ("memex-journal", &[]),
    ("memex-listener", &[]),
    (
        "memex-models",
        // What an answer takes as values is told as for calls of guests.
        &["memex-channel", "memex-settings", "memex-tls"],
    ),
    ("memex-mock-server", &["memex-models"]),
    ("memex-snapshots", &["memex-journal", "memex-tls"]),
    ("memex-placement", &["memex-snapshots", "memex-tls"]),
    ("memex-columns", &[]),
    ("memex-natives", &["memex-columns"]),
    ("memex-suites", &[]),
    ("memex-json", &[]),
    ("memex-scrubbing", &["memex-escapes"]),
    ("memex-settings", &[]),
    ("memex-supervision", &[]),
    // Files as rows; what takes the rows is the caller's.
    ("memex-tables", &["memex-columns", "memex-json"]),
    ("memex-tls", &[]),
    ("memex-trajectories", &["memex-channel"]),
    (
        "memex-runtime",
        &[
            "memex-channel",
            "memex-filesystem",
            "memex-guest-python",
            // Natives complete the guest: no session lacks them but by its policy.
            "memex-natives",
            "memex-policies",
        ],
    ),
    (
        "memex-host-tools",
        // What hides in a text is escaped in code that is made of it.
        &["memex-channel", "memex-escapes", "memex-policies"],
    ),
    (
        "memex-sql",
        &[
            "memex-channel",
            "memex-host-tools",
            "memex-policies",
            "memex-tables",
        ],
    ),
    (
        "memex-external",
        &[
            "memex-host-tools",
            "memex-json",
            "memex-policies",
            "memex-scrubbing",
            "memex-sql",
            "memex-supervision",
            "memex-tls",
        ],
    ),
    ("memex-memory", &["memex-host-tools", "memex-policies"]),
    (
        "memex-connectors",
        &["memex-channel", "memex-json", "memex-memory"],
    ),
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
        "memex-server",
        &[
            // Agents and memories of tenants.
            "memex-agent",
            // The gate that webhooks go through.
            "memex-external",
            "memex-host-tools",
            "memex-journal",
            "memex-listener",
            "memex-mem-agent",
            "memex-memory",
            "memex-models",
            "memex-policies",
            "memex-runtime",
            "memex-sessions",
            "memex-settings",
            "memex-snapshots",
            // The certificate of the server.
            "memex-tls",
            "memex-trajectories",
        ],
    ),
    (
        // Protocols of programs that people already run, on sessions.
        "memex-doors",
        &[
            "memex-external",
            "memex-host-tools",
            "memex-listener",
            "memex-policies",
            "memex-runtime",
            "memex-sessions",
            "memex-snapshots",
        ],
    ),
    (
        "memex-mem-agent",
        &[
            "memex-agent",
            "memex-host-tools",
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
            // Sessions on a server.
            "memex-tls",
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
            "memex-doors",
            "memex-escapes",
            "memex-external",
            "memex-host-tools",
            "memex-mem-agent",
            "memex-memory",
            "memex-models",
            "memex-policies",
            "memex-runtime",
            "memex-server",
            "memex-sessions",
            "memex-settings",
            "memex-snapshots",
            "memex-sql",
            "memex-suites",
            "memex-tls",
            "memex-trajectories",
        ],
    ),
    (
        "memex-python",
        &[
            "memex-agent",
            "memex-cli",
            "memex-escapes",
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
            "memex-journal",
            "memex-mem-agent",
            "memex-memory",
            "memex-mock-server",
            "memex-models",
            "memex-policies",
            "memex-runtime",
            "memex-server",
            "memex-sessions",
            "memex-snapshots",
            "memex-tls",
            "memex-trajectories",
        ],
    ),
];

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
