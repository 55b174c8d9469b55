//! From specs to policies.

use memex_policies::{Access, Policy, Preset};
use memex_sessions::{
    Database, Error, PolicySource, SessionSpec, SharedScratch, SpecPart, ToolSources,
};
use std::fs;
use std::sync::Arc;

fn policy(spec: &SessionSpec) -> Arc<Policy> {
    Arc::clone(spec.resolve().unwrap().policy())
}

fn written(text: &str) -> PolicySource {
    PolicySource::Written(text.parse().unwrap())
}

#[test]
fn without_a_policy_mounts_are_the_policy() {
    let folder = tempfile::tempdir().unwrap();
    let builder = SessionSpec::builder;
    assert_eq!(*policy(&builder().build()), Policy::default());
    for (access, preset) in [
        (Access::ReadOnly, Preset::ReadFiles),
        (Access::ReadWrite, Preset::Workspace),
    ] {
        let policy = policy(&builder().mount(folder.path(), "/d", access).build());
        assert_eq!(policy.preset, preset);
        assert_eq!(policy.directories[0].host, folder.path());
    }
}

#[test]
fn tools_of_the_program_are_granted_within_the_policy() {
    let resolved = |policy: PolicySource| SessionSpec::builder().policy(policy).build().resolve();
    let plain = resolved(PolicySource::default()).unwrap();
    assert!(!plain.policy().tools.permits("search"));
    let granted = plain.granting_tools().unwrap();
    assert!(granted.policy().tools.permits("search"));
    let denying = resolved(written("version = 1\n[tools]\ndeny = ['search']")).unwrap();
    let granted = denying.granting_tools().unwrap();
    assert!(!granted.policy().tools.permits("search"));
    assert!(granted.policy().tools.permits("other"));
    let nothing = resolved("deny-all".into()).unwrap();
    assert!(matches!(
        nothing.granting_tools(),
        Err(Error::Refused {
            part: SpecPart::Tools,
            ..
        })
    ));
}

#[test]
fn policies_are_named_or_written_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let team = file(
        "team.toml",
        "version = 1\nextends = 'read-files'\n[[directories]]\nhost = 'data'\nguest = '/data'",
    );
    let stricter = file("stricter.toml", "version = 1\nlimits.turns = 3");
    let named = SessionSpec::builder()
        .policy(vec![team, stricter.clone()])
        .limit("guest_time_ms", 1_500)
        .build();
    let named = policy(&named);
    // A file's directories are beside it.
    assert_eq!(named.directories[0].host, folder.path().join("data"));
    assert_eq!((named.limits.turns, named.limits.guest_time_ms), (3, 1_500));
    let again = SessionSpec {
        policy: PolicySource::of(&named).unwrap(),
        ..SessionSpec::default()
    };
    assert_eq!(policy(&again), named);
    let error = SessionSpec::builder()
        .policy(vec![stricter, "compute".to_owned()])
        .build()
        .resolve()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the preset `compute` cannot narrow another policy"
    );
}

#[test]
fn what_the_policy_forbids_is_refused_by_its_part() {
    let folder = tempfile::tempdir().unwrap();
    let deny = || SessionSpec::builder().policy("deny-all");
    let tools = |tools: ToolSources| deny().tools(tools).build();
    let table = [
        (
            deny().mount(folder.path(), "/d", Access::ReadOnly).build(),
            SpecPart::Mounts,
        ),
        (deny().variable("LANG", "C").build(), SpecPart::Environment),
        (deny().limit("turns", "many").build(), SpecPart::Limits),
        (deny().limit("no_such_limit", 1).build(), SpecPart::Limits),
        (
            tools(ToolSources {
                ask_user: true,
                ..ToolSources::default()
            }),
            SpecPart::AskUser,
        ),
        (
            tools(ToolSources {
                shared_scratch: Some(SharedScratch {
                    name: "team".into(),
                    access: Access::ReadOnly,
                }),
                ..ToolSources::default()
            }),
            SpecPart::SharedScratch,
        ),
        (
            tools(ToolSources {
                sql: vec![Database {
                    name: "shop".into(),
                    path: "shop.sqlite".into(),
                }],
                ..ToolSources::default()
            }),
            SpecPart::Tools,
        ),
    ];
    for (spec, expected) in table {
        let error = spec.resolve().unwrap_err();
        let Error::Refused { part, error } = error else {
            panic!("{expected}: {error}");
        };
        assert_eq!(part, expected, "{error}");
        // The same under a policy that permits it.
        let allowed = SessionSpec {
            policy: "workspace".into(),
            ..spec
        };
        match expected {
            SpecPart::Limits => assert!(allowed.resolve().is_err()),
            _ => assert!(allowed.resolve().is_ok(), "{expected}"),
        }
    }
}

#[test]
fn tools_that_are_named_are_granted_unless_they_are_denied() {
    let spec = SessionSpec::builder()
        .policy(written("version = 1\n[tools]\ndeny = ['sql']"))
        .database("shop", "shop.sqlite")
        .build();
    let policy = policy(&spec);
    assert!(policy.tools.permits("list_tables") && !policy.tools.permits("sql"));
    assert!(!Policy::default().tools.permits("list_tables"));
}

#[test]
fn bad_policies_and_directories_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "version = 1\nlimit.turns = 1").unwrap();
    let name = file.display().to_string();
    let table = [
        (
            SessionSpec::builder().policy(name.as_str()).build(),
            "line 2, column 1: unknown key `limit`",
        ),
        (
            SessionSpec::builder().policy("no-such-file.toml").build(),
            "cannot read the policy no-such-file.toml",
        ),
        (
            SessionSpec::builder()
                .policy(written("version = 1\nlimits.turns = 0"))
                .build(),
            "policy: limit `turns` cannot be 0",
        ),
        (
            SessionSpec::builder()
                .policy(written("version = 3"))
                .build(),
            "policy: policy version 3 is not known",
        ),
        (
            SessionSpec::builder()
                .mount(&file, "/d", Access::ReadOnly)
                .build(),
            "granted at /d, cannot be used: it is not a directory",
        ),
        (
            SessionSpec::builder().input("a b", 1).build(),
            "the input `a b` is not a name that Python code can use",
        ),
    ];
    for (spec, expected) in table {
        let error = spec.resolve().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_pinned_spec_says_the_same_anywhere_and_nothing_of_tools() {
    let spec = super::reading::full();
    let folder = tempfile::tempdir().unwrap();
    let spec = SessionSpec {
        mounts: vec![memex_sessions::Mount {
            host: folder.path().to_owned(),
            ..spec.mounts[0].clone()
        }],
        ..spec
    };
    let resolved = spec.resolve().unwrap();
    let pinned = resolved.pinned().unwrap();
    assert!(pinned.tools.is_empty() && pinned.store.is_none() && pinned.inputs.is_empty());
    assert_eq!(pinned.image, spec.image);
    assert_eq!(pinned.resolve().unwrap().policy(), resolved.policy());
    let relative = SessionSpec::builder()
        .mount(".", "/d", Access::ReadOnly)
        .build();
    let pinned = relative.resolve().unwrap().pinned().unwrap();
    let policy = policy(&pinned);
    assert!(policy.directories[0].host.is_absolute());
}
