//! Files are read whole or refused with a message that teaches.

use std::path::Path;

use memex_policies::{
    Access, Clock, Error, HostGrant, POLICY_MAX_BYTES, Policy, Preset, Randomness,
};

const FULL: &str = r#"
version = 1
name = "survey"
extends = "web"

[limits]
guest_time_ms = "2s"
memory-bytes = "256MiB"
fuel = 5_000_000
files = 0x10

[[directories]]
host = "../data sets"
guest = "/data"

[[directories]]
host = "out"
guest = "/work/out"
access = "read-write"

[scratch]
enabled = false

[environment]
LANG = "C.UTF-8"

[clock]
mode = "fixed"
unix_ns = 1_700_000_000_000_000_000
step_ns = 1000

[randomness]
mode = "seeded"
seed = 18446744073709551615

[tools]
allow = ["sql.*", "fetch"]
deny = ["sql.drop"]

[[network]]
host = "API.Example.org"
ports = [443, 8443]
methods = ["GET", "POST"]
path_prefix = "/v1"

[[network]]
host = "*.internal.example"
private-addresses = true
"#;

#[test]
fn every_setting_arrives() {
    let policy = Policy::parse(FULL).unwrap();
    assert_eq!(policy.name, "survey");
    assert_eq!(policy.preset, Preset::Web);
    assert_eq!(policy.limits.guest_time_ms, 2_000);
    assert_eq!(policy.limits.memory_bytes, 256 << 20);
    assert_eq!(policy.limits.fuel, Some(5_000_000));
    assert_eq!(policy.limits.files, 16);
    assert_eq!(policy.limits.turns, 10_000);
    assert_eq!(policy.directories.len(), 2);
    assert_eq!(policy.directories[0].host, Path::new("../data sets"));
    assert_eq!(policy.directories[0].access, Access::ReadOnly);
    assert_eq!(policy.directories[1].guest, "/work/out");
    assert_eq!(policy.directories[1].access, Access::ReadWrite);
    assert!(!policy.scratch.enabled);
    assert_eq!(policy.environment["LANG"], "C.UTF-8");
    let fixed = Clock::Fixed {
        unix_ns: 1_700_000_000_000_000_000,
        step_ns: 1000,
    };
    assert_eq!(policy.clock, fixed);
    assert_eq!(policy.randomness, Randomness::Seeded { seed: u64::MAX });
    assert_eq!(policy.tools.allow, ["sql.*", "fetch"]);
    assert_eq!(policy.tools.deny, ["sql.drop"]);
    assert_eq!(policy.network[0].host, "api.example.org");
    assert_eq!(policy.network[0].ports, [443, 8443]);
    assert_eq!(policy.network[0].methods, ["GET", "POST"]);
    assert_eq!(policy.network[0].path_prefix, "/v1");
    let internal = HostGrant {
        private_addresses: true,
        ..HostGrant::new("*.internal.example")
    };
    assert_eq!(policy.network[1], internal);
    policy.validate().unwrap();
    assert_eq!(Policy::parse(&policy.to_toml()).unwrap(), policy);
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(Policy::parse("version = 1").unwrap(), Policy::default());
    assert_eq!(Policy::default().preset, Preset::Compute);
    assert_eq!(Policy::default().name, "compute");
}

#[test]
fn refusals_teach() {
    let cases: &[(&str, &str)] = &[
        (
            "",
            "line 1, column 1: the policy lacks `version`\n  hint: write `version = 1` as the first line",
        ),
        (
            "version = 2\nnovelty = true",
            "line 1, column 11: policy version 2 is not known\n  hint: this build reads `version = 1`",
        ),
        (
            "vesion = 1",
            "line 1, column 1: unknown key `vesion` in the policy\n  hint: did you mean `version`?",
        ),
        (
            "version = 1\n[limits]\nguest-time = 5",
            "line 3, column 1: unknown key `guest-time` in `limits`\n  hint: did you mean `guest_time_ms`?",
        ),
        (
            "version = 1\n[limits]\n  memory_byte = 5",
            "line 3, column 3: unknown key `memory_byte` in `limits`\n  hint: did you mean `memory_bytes`?",
        ),
        (
            "version = 1\n[scratch]\nenabled = true\nquota = 5",
            "line 4, column 1: unknown key `quota` in `scratch`\n  hint: expected one of `enabled`",
        ),
        (
            "version = 1\nlimits.files = 1\nlimits.open-files = 2\nlimits.open_files = 3",
            "line 4, column 8: `open_files` is set twice; `-` and `_` in keys mean the same",
        ),
        (
            "version = 1\nextends = \"workspaces\"",
            "line 2, column 11: `extends` cannot be `workspaces`\n  hint: did you mean `workspace`?",
        ),
        (
            "version = 1\nextends = \"read_files\"",
            "line 2, column 11: `extends` cannot be `read_files`\n  hint: did you mean `read-files`?",
        ),
        (
            "version = 1\nextends = \"everything\"",
            "line 2, column 11: `extends` cannot be `everything`\n  hint: expected one of `deny-all`, `compute`, `read-files`, `workspace`, `web`",
        ),
        (
            "version = 1\nlimits.memory_bytes = \"8GiB\"",
            "line 2, column 23: limit `memory_bytes` cannot be 8 GiB: the maximum is 4 GiB",
        ),
        (
            "version = 1\nlimits.turns = 0",
            "line 2, column 16: limit `turns` cannot be 0: the minimum is 1",
        ),
        (
            "version = 1\nlimits.guest_time_ms = \"2 fortnights\"",
            "line 2, column 24: `2 fortnights` is not a time\n  hint: write milliseconds as a whole number, or a text such as \"250ms\", \"2s\", \"5min\", \"1h\"",
        ),
        (
            "version = 1\nlimits.turns = \"5\"",
            "line 2, column 16: `limits.turns` must be a whole number from 0 to 18446744073709551615, not the string `5`",
        ),
        (
            "version = 1\nlimits.turns = -5",
            "line 2, column 16: `limits.turns` must be a whole number from 0 to 18446744073709551615, not the number `-5`",
        ),
        (
            "version = 1\nlimits.turns = 1.5",
            "line 2, column 16: `limits.turns` must be a whole number from 0 to 18446744073709551615, not the number `1.5`",
        ),
        (
            "version = 1\nextends = 'web'\n[directories]\nhost = 'x'",
            "line 3, column 1: `directories` must be an array of tables, each under a header in `[[ ]]`, not a table",
        ),
        (
            "version = 1\nextends = 'web'\n[[directories]]\nhost = 'x'",
            "line 3, column 1: `directories[0]` lacks `guest`\n  hint: write the path in the guest, as `guest = \"/data\"`",
        ),
        (
            "version = 1\nextends = 'web'\n[[directories]]\nhost = 'x'\nguest = '/x'\naccess = 'read-wirte'",
            "line 6, column 10: `directories[0].access` cannot be `read-wirte`\n  hint: did you mean `read-write`?",
        ),
        (
            "version = 1\n[clock]\nmode = 'system'\nstep_ns = 5",
            "line 4, column 11: key `clock.step_ns` is refused: it means nothing unless `mode = \"fixed\"`",
        ),
        (
            "version = 1\n[clock]\nmode = 'fixed'",
            "line 2, column 1: `clock` lacks `unix_ns`\n  hint: write the first reading, as `unix_ns = 0`",
        ),
        (
            "version = 1\nrandomness = { mode = 'seed', seed = 1 }",
            "line 2, column 23: `randomness.mode` cannot be `seed`\n  hint: did you mean `seeded`?",
        ),
        (
            "version = 1\nextends = 'web'\nnetwork = [{ host = 'a.example', methods = ['get'] }]",
            "line 3, column 21: `methods` cannot be `get`\n  hint: did you mean `GET`?",
        ),
        (
            "version = 1\n\"a\\u001b[31m\" = 1",
            "line 2, column 1: unknown key `a\\u{1b}[31m` in the policy\n  hint: expected one of `version`, `name`, `extends`, `limits`, `directories`, `scratch`, `natives`, `environment`, `clock`, `randomness`, `tools`, `ask_user`, `shared_scratch`, `network`",
        ),
    ];
    for (text, expected) in cases {
        let error = Policy::parse(text).unwrap_err();
        assert_eq!(error.to_string(), *expected, "for {text:?}");
    }
}

#[test]
fn what_is_not_toml_is_refused_with_its_place() {
    for (text, place) in [
        ("version = 1\nname = ", (2, 8)),
        ("version = 1\nversion = 1", (2, 1)),
        ("version = 1\n[limits\n", (2, 8)),
    ] {
        let error = Policy::parse(text).unwrap_err();
        assert_eq!(error.place(), Some(place), "for {text:?}: {error}");
        assert!(matches!(error.cause(), Error::Syntax { .. }), "{error}");
    }
}

#[test]
fn the_longest_text_is_read_and_one_byte_more_is_not() {
    let mut text = "version = 1\n#".to_owned();
    text.push_str(&"x".repeat(POLICY_MAX_BYTES - text.len()));
    Policy::parse(&text).unwrap();
    text.push('x');
    let too_long = Error::TooLong {
        bytes: POLICY_MAX_BYTES + 1,
        maximum: POLICY_MAX_BYTES,
    };
    assert_eq!(Policy::parse(&text).unwrap_err(), too_long);
}

#[test]
fn a_list_has_a_most_number_of_entries() {
    let text = |count: usize| {
        let entries: Vec<String> = (0..count).map(|n| format!("'tool{n}'")).collect();
        format!("version = 1\n[tools]\nallow = [{}]", entries.join(","))
    };
    Policy::parse(&text(1_024)).unwrap();
    let error = Policy::parse(&text(1_025)).unwrap_err();
    let too_many = Error::TooMany {
        list: "tools.allow",
        maximum: 1_024,
    };
    assert_eq!(error.cause(), &too_many);
}
