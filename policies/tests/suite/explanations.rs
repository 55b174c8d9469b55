//! Explanations say all that a policy permits, bounds and forbids.

use memex_policies::{Access, Limits, Policy};

#[test]
fn the_default_policy_is_explained() {
    assert_eq!(
        Policy::default().explain(),
        "\
Policy `compute`, which extends `compute`: Computation with private scratch; environment variables and tools may be granted.

Code
  A turn may have 1 MiB of source code, and a session 10,000 turns.
  A turn keeps 1 MiB of standard output and 256 KiB of standard error; the rest is cut.
  The preview of its last value has at most 64 KiB.
  It may display figures and the like: at most 64, 16 MiB together.
  Calls may be nested 1,000 deep.
  No environment variable is added.
  Code cannot start processes or threads, or load native code.
  Natives: `jpeg`, `kdf`, `matrices`, `parquet`, `sorting`, `webp`, `zstd`; one may be given 64 MiB, and return as much.

Time
  A turn may compute for 10 s, waits for the host left out, and last 1 min in all, whichever ends first.
  Then it is interrupted; 250 ms later it is stopped and rolled back to its start.
  No fuel is counted.

Memory
  The guest has 1 GiB of memory and 16 MiB of native stack.
  A process holds at most 1,000 live sessions of this policy.

Files
  No directory of the host can be read or written.
  /tmp and /home/user are private to the session and held in memory.
  A session may write 256 MiB and create 4,096 files and directories; 64 may be open at once.

Network
  No host can be reached.
  Code cannot open sockets; requests are made by tools.
  A session may make 1,000 requests, 8 at a time, each following 10 redirects at most.
  One may take 1 min, send 8 MiB and receive 32 MiB.

Tools
  No tool can be called.
  Code cannot ask the user.
  Nothing is shared with other sessions.
  A tool call may take 30 s.
  A turn may make 10,000 calls to the host, each of 16 MiB at most.
  A session may start 32 sub-agents, to a depth of 3.

Clock
  Code reads the system clock.
  Random bytes come from the system.
"
    );
}

#[test]
fn every_grant_is_told() {
    let text = r#"
        version = 1
        name = "survey"
        extends = "web"
        limits = { fuel = 1000 }
        scratch = { enabled = false }
        natives = { deny = ["webp", "kdf"] }
        environment = { TZ = "UTC", LANG = "C" }
        clock = { mode = "fixed", unix_ns = 5, step_ns = 2 }
        randomness = { mode = "seeded", seed = 9 }
        tools = { allow = ["sql.*"], deny = ["sql.drop"] }
        directories = [
            { host = "in", guest = "/in" },
            { host = "out", guest = "/out", access = "read-write" },
        ]
        network = [{ host = "api.example.org", path_prefix = "/v1", private_addresses = true }]
    "#;
    let explanation = Policy::parse(text).unwrap().explain();
    for sentence in [
        "Policy `survey`, which extends `web`: Like workspace; hosts on the network may be granted.",
        "Environment variables: `LANG`, `TZ`.",
        "A turn may use 1,000 units of fuel, counted the same way each time.",
        "Natives: `jpeg`, `matrices`, `parquet`, `sorting`, `zstd`; one may be given 64 MiB, and return as much.",
        "The host's `in` can be read, not written, at `/in`.",
        "The host's `out` can be read and written, at `/out`.",
        "Nothing else of the host can be read or written.",
        "There is no scratch: /tmp and /home/user do not exist.",
        "Tools can reach `api.example.org` on port 443 under `/v1` with GET, HEAD, private addresses included.",
        "No other host can be reached.",
        "Tools that can be called: `sql.*` except `sql.drop`.",
        "Code reads a fixed clock: 5 ns after 1970-01-01 UTC, 2 ns more at each reading; it cannot learn the true time.",
        "Random bytes follow from the seed 9: the same in each run, and no secret.",
    ] {
        let told = explanation.lines().any(|line| line.trim() == sentence);
        assert!(told, "lacks {sentence:?}:\n{explanation}");
    }
}

#[test]
fn no_limit_is_left_out() {
    for field in Limits::fields() {
        let mut policy = Policy::default();
        let before = policy.explain();
        policy.set_limit(field.name, field.minimum).unwrap();
        let after = policy.explain();
        assert_ne!(before, after, "{} is not explained", field.name);
        assert!(after.contains(&field.unit.format(field.minimum)));
    }
}

#[test]
fn hostile_names_are_shown_harmless() {
    let mut policy = Policy::parse("version = 1\nextends = 'workspace'").unwrap();
    policy
        .grant_directory("a\u{1b}[2J\nNo other", "/x", Access::ReadOnly)
        .unwrap();
    let explanation = policy.explain();
    assert!(!explanation.contains('\u{1b}'));
    assert!(explanation.contains("`a\\u{1b}[2J\\nNo other`"));
}
