//! An overlay takes away, and is refused when it would add.

use memex_policies::{Access, Clock, Error, NATIVE_FAMILIES, Policy, Randomness};

const BASE: &str = r#"
version = 1
name = "base"
extends = "web"
limits = { guest_time_ms = "5s", fuel = 1000 }
environment = { LANG = "C", TZ = "UTC" }
tools = { allow = ["sql.*", "fetch"], deny = ["sql.drop"] }
directories = [
    { host = "in", guest = "/in" },
    { host = "out", guest = "/out", access = "read-write" },
]
network = [
    { host = "*.example.org", ports = [443, 8443], methods = ["GET", "POST"], path_prefix = "/v1" },
]
"#;

fn narrowed(overlay: &str) -> Result<Policy, Error> {
    let base = Policy::parse(BASE).unwrap();
    base.narrow(&format!("version = 1\n{overlay}"))
}

#[test]
fn an_empty_overlay_changes_nothing() {
    assert_eq!(narrowed("").unwrap(), Policy::parse(BASE).unwrap());
}

#[test]
fn every_section_can_be_narrowed() {
    let policy = narrowed(
        r#"
        name = "less"
        limits = { guest-time-ms = "1s", fuel = 10, turns = 5 }
        environment = { TZ = "UTC" }
        scratch = { enabled = false }
        natives = { deny = ["jpeg"] }
        clock = { mode = "fixed", unix_ns = 0 }
        randomness = { mode = "seeded", seed = 1 }
        tools = { allow = ["sql.read*"], deny = ["sql.read.all"] }
        directories = [{ host = "out", guest = "/out", access = "read-only" }]
        network = [{ host = "api.example.org", methods = ["GET"], path_prefix = "/v1/public" }]
        "#,
    )
    .unwrap();
    assert_eq!(policy.name, "less");
    assert_eq!(policy.limits.guest_time_ms, 1_000);
    assert_eq!(policy.limits.fuel, Some(10));
    assert_eq!(policy.limits.turns, 5);
    assert_eq!(policy.environment.len(), 1);
    assert!(!policy.scratch.enabled);
    assert!(policy.natives.permits("zstd") && !policy.natives.permits("jpeg"));
    let fixed = Clock::Fixed {
        unix_ns: 0,
        step_ns: 0,
    };
    assert_eq!(policy.clock, fixed);
    assert_eq!(policy.randomness, Randomness::Seeded { seed: 1 });
    assert!(policy.tools.permits("sql.read.one"));
    for name in ["sql.read.all", "sql.write", "sql.drop", "fetch"] {
        assert!(!policy.tools.permits(name), "{name}");
    }
    assert_eq!(policy.directories.len(), 1);
    assert_eq!(policy.directories[0].access, Access::ReadOnly);
    let host = "api.example.org";
    assert!(policy.network[0].permits(host, 443, "GET", "/v1/public/x"));
    assert!(!policy.network[0].permits(host, 443, "GET", "/v1/x"));
    policy.validate().unwrap();
    assert_eq!(Policy::parse(&policy.to_toml()).unwrap(), policy);
}

#[test]
fn an_empty_list_takes_everything_away() {
    let policy =
        narrowed("directories = []\nnetwork = []\nenvironment = {}\ntools = { allow = [] }")
            .unwrap();
    assert!(policy.directories.is_empty());
    assert!(policy.network.is_empty());
    assert!(policy.environment.is_empty());
    assert!(!policy.tools.permits("fetch"));
    assert!(!policy.tools.permits("sql.read"));
}

#[test]
fn a_denial_removes_what_it_covers() {
    let policy = narrowed("tools = { deny = ['fetch'] }").unwrap();
    assert!(policy.tools.permits("sql.read"));
    assert!(!policy.tools.permits("fetch"));
    assert!(!policy.tools.permits("sql.drop"));
    policy.validate().unwrap();
}

#[test]
fn each_widening_is_refused_by_name() {
    let cases = [
        (
            "limits.guest_time_ms = '6s'",
            "`limits.guest_time_ms` may only be narrowed: it is 5 s, and 6 s was asked",
        ),
        (
            "limits.fuel = 1001",
            "`limits.fuel` may only be narrowed: it is 1,000 units of fuel, and 1,001 units of fuel was asked",
        ),
        (
            "environment = { LANG = 'D' }",
            "`environment.LANG` may only be narrowed: it is `C`, and `D` was asked",
        ),
        (
            "environment = { NEW = 'x' }",
            "`environment.NEW` may only be narrowed: it is not set, and `x` was asked",
        ),
        (
            "tools = { allow = ['shell'] }",
            "`tools.allow` may only be narrowed: it is `sql.*`, `fetch` except `sql.drop`, and `shell` was asked",
        ),
        (
            "tools = { allow = ['sql*'] }",
            "`tools.allow` may only be narrowed: it is `sql.*`, `fetch` except `sql.drop`, and `sql*` was asked",
        ),
        (
            "tools = { allow = ['sql.drop'] }",
            "`tools.allow` may only be narrowed: it is `sql.*`, `fetch` except `sql.drop`, and `sql.drop` was asked",
        ),
        (
            "directories = [{ host = 'in', guest = '/in', access = 'read-write' }]",
            "`directories` may only be narrowed: it is `in` at `/in` read-only; `out` at `/out` read-write, and `in` at `/in` read-write was asked",
        ),
        (
            "directories = [{ host = 'other', guest = '/in' }]",
            "`directories` may only be narrowed: it is `in` at `/in` read-only; `out` at `/out` read-write, and `other` at `/in` read-only was asked",
        ),
        (
            "network = [{ host = 'example.org', path_prefix = '/v1' }]",
            "`network` may only be narrowed: it is `*.example.org` on ports 443, 8443 under `/v1` with GET, POST, and `example.org` on port 443 under `/v1` with GET, HEAD was asked",
        ),
    ];
    for (overlay, expected) in cases {
        let error = narrowed(overlay).unwrap_err();
        assert_eq!(error.cause().to_string(), expected, "for {overlay}");
        assert_eq!(error.place().map(|(line, _)| line), Some(2), "{error}");
    }
}

#[test]
fn each_part_of_a_host_grant_is_bounded() {
    let grant =
        |host: &str, rest: &str| narrowed(&format!("network = [{{ host = '{host}', {rest} }}]"));
    grant("api.example.org", "methods = ['GET'], path_prefix = '/v1'").unwrap();
    let wider = [
        ("*.org", "methods = ['GET'], path_prefix = '/v1'"),
        ("api.example.org", "methods = ['PUT'], path_prefix = '/v1'"),
        ("api.example.org", "methods = ['GET'], path_prefix = '/v2'"),
        ("api.example.org", "methods = ['GET'], path_prefix = '/v10'"),
        ("api.example.org", "methods = ['GET']"),
        (
            "api.example.org",
            "methods = ['GET'], path_prefix = '/v1', ports = [80]",
        ),
        (
            "api.example.org",
            "methods = ['GET'], path_prefix = '/v1', private_addresses = true",
        ),
    ];
    for (host, rest) in wider {
        let error = grant(host, rest).unwrap_err();
        assert!(
            matches!(error.cause(), Error::Widening { field, .. } if field == "network"),
            "{rest}: {error}"
        );
    }
}

#[test]
fn what_was_fixed_stays_fixed() {
    let once = narrowed(
        "scratch = { enabled = false }\nclock = { mode = 'fixed', unix_ns = 7 }\nrandomness = { mode = 'seeded', seed = 7 }",
    )
    .unwrap();
    for (overlay, field) in [
        ("scratch = { enabled = true }", "scratch.enabled"),
        ("clock = { mode = 'system' }", "clock"),
        ("clock = { mode = 'fixed', unix_ns = 8 }", "clock"),
        ("randomness = { mode = 'system' }", "randomness"),
        ("randomness = { mode = 'seeded', seed = 8 }", "randomness"),
    ] {
        let error = once.narrow(&format!("version = 1\n{overlay}")).unwrap_err();
        assert!(
            matches!(error.cause(), Error::Widening { field: f, .. } if f == field),
            "{overlay}: {error}"
        );
    }
    let same = "version = 1\nclock = { mode = 'fixed', unix_ns = 7 }\nrandomness = { mode = 'seeded', seed = 7 }";
    assert_eq!(once.narrow(same).unwrap(), once);
}

#[test]
fn an_overlay_is_held_to_the_rules_of_a_file() {
    let cases = [
        ("extends = 'web'", "an overlay narrows the policy"),
        ("limit.turns = 5", "did you mean `limits`?"),
        ("limits.turns = 0", "minimum is 1"),
        (
            "tools = { allow = ['fetch'], deny = ['fetch'] }",
            "denies it",
        ),
        (
            "directories = [{ host = 'in', guest = '/in' }, { host = 'in', guest = '/in' }]",
            "overlaps",
        ),
    ];
    for (overlay, expected) in cases {
        let error = narrowed(overlay).unwrap_err();
        assert!(error.to_string().contains(expected), "{overlay}: {error}");
    }
    let base = Policy::default();
    assert!(matches!(
        base.narrow("").unwrap_err().cause(),
        Error::MissingKey { key: "version", .. }
    ));
}

#[test]
fn natives_are_taken_away_and_stay_away() {
    let with = |sections: &str| Policy::parse(&format!("version = 1\n{sections}"));
    let narrow = |policy: &Policy, overlay: &str| policy.narrow(&format!("version = 1\n{overlay}"));
    let all = with("").unwrap();
    for family in NATIVE_FAMILIES {
        assert!(all.natives.permits(family));
    }
    let fewer = narrow(&all, "natives.deny = ['webp']").unwrap();
    let fewer = narrow(
        &fewer,
        "natives = { enabled = true, deny = ['jpeg', 'webp'] }",
    )
    .unwrap();
    assert_eq!(fewer.natives.deny, ["webp", "jpeg"]);
    assert!(fewer.natives.permits("zstd") && !fewer.natives.permits("jpeg"));
    // Saying less denies no less.
    assert_eq!(narrow(&fewer, "natives.deny = []").unwrap(), fewer);
    let none = narrow(&fewer, "natives.enabled = false").unwrap();
    for family in NATIVE_FAMILIES {
        assert!(!none.natives.permits(family));
    }
    for policy in [&all, &fewer] {
        assert_eq!(&Policy::parse(&policy.to_toml()).unwrap(), policy);
        policy.validate().unwrap();
    }
    let error = narrow(&none, "natives.enabled = true").unwrap_err();
    assert!(
        matches!(error.cause(), Error::Widening { field, .. } if field == "natives.enabled"),
        "{error}"
    );
    for (wrong, told) in [
        ("natives.deny = ['jpg']", "did you mean `jpeg`?"),
        ("natives.deny = ['jpeg', 'jpeg']", "listed twice"),
        (
            "natives = { enabled = false, deny = ['jpeg'] }",
            "unknown key",
        ),
        ("natives.allow = ['jpeg']", "unknown key"),
        (
            "extends = 'deny-all'\nnatives.enabled = true",
            "extends = \"compute\"",
        ),
    ] {
        let error = with(wrong).unwrap_err().to_string();
        assert!(error.contains(told), "{wrong}: {error}");
    }
    let bare = with("extends = 'deny-all'").unwrap();
    assert!(!bare.natives.permits("jpeg") && bare.limits.native_bytes == 0);
}

#[test]
fn questions_and_the_shared_scratch_are_taken_away_or_kept() {
    let with = |sections: &str| Policy::parse(&format!("version = 1\n{sections}"));
    let both = "ask_user = { enabled = true }\nshared_scratch = { name = 'team' }";
    let policy = with(both).unwrap();
    assert!(policy.ask_user);
    let grant = policy.shared_scratch.clone().unwrap();
    assert_eq!(
        (grant.name.as_str(), grant.access),
        ("team", Access::ReadWrite)
    );
    assert_eq!(Policy::parse(&policy.to_toml()).unwrap(), policy);
    let read_only = "shared_scratch = { name = 'team', access = 'read-only' }";
    let none = "shared_scratch = { enabled = false }";
    let narrow = |policy: &Policy, overlay: &str| policy.narrow(&format!("version = 1\n{overlay}"));
    assert_eq!(narrow(&policy, "").unwrap(), policy);
    let reading = narrow(&policy, read_only).unwrap();
    assert_eq!(
        reading.shared_scratch.clone().unwrap().access,
        Access::ReadOnly
    );
    assert_eq!(narrow(&policy, none).unwrap().shared_scratch, None);
    assert!(
        !narrow(&policy, "ask_user.enabled = false")
            .unwrap()
            .ask_user
    );
    let bare = with("").unwrap();
    for (policy, overlay, field) in [
        (&bare, "ask_user.enabled = true", "ask_user.enabled"),
        (&bare, read_only, "shared_scratch"),
        (&reading, "shared_scratch.name = 'team'", "shared_scratch"),
        (&policy, "shared_scratch.name = 'other'", "shared_scratch"),
    ] {
        let refusal = narrow(policy, overlay).unwrap_err();
        let told = refusal.to_string();
        assert!(told.contains(&format!("`{field}`")), "{overlay}: {told}");
    }
    for wrong in [
        "shared_scratch.name = ''",
        "shared_scratch.name = '../team'",
        "shared_scratch.name = '.team'",
        "shared_scratch.access = 'read-only'",
        "shared_scratch = { enabled = false, name = 'team' }",
        "extends = 'deny-all'\nshared_scratch.name = 'team'",
        "extends = 'deny-all'\nask_user.enabled = true",
    ] {
        assert!(with(wrong).is_err(), "{wrong}");
    }
}
