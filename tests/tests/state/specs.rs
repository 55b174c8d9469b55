//! Sessions that are opened from specs.

use memex_policies::Access;
use memex_runtime::Status;
use memex_sessions::{
    Database, Error, Host, ImageDefaults, ImageSource, NoSecrets, Opened, Outcome, SessionSpec,
    StoreSource, ToolSources, open,
};
use memex_tests::cache_directory;
use serde_json::json;
use tokio::runtime::Runtime;

/// A runtime, and a host on it.
fn host() -> (Runtime, Host) {
    let runtime = Runtime::new().unwrap();
    let host = Host::new(runtime.handle().clone()).cache_directory(Some(cache_directory()));
    (runtime, host)
}

fn value(opened: &mut Opened, code: &str) -> String {
    let outcome = opened.session.run(code).unwrap();
    assert_eq!(outcome.status, Status::Ok, "{outcome:?}");
    outcome.value.unwrap_or_default()
}

#[test]
fn a_spec_is_all_that_a_session_needs() {
    let (_runtime, host) = host();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note"), "kept").unwrap();
    let shop = folder.path().join("shop.sqlite");
    let connection = rusqlite::Connection::open(&shop).unwrap();
    connection
        .execute_batch("create table t (n integer); insert into t values (40), (2);")
        .unwrap();
    drop(connection);
    let spec = SessionSpec::builder()
        .mount(folder.path(), "/data", Access::ReadOnly)
        .variable("PLACE", "here")
        .limit("stdout_bytes", "1KiB")
        .database("shop", &shop)
        .input("rows", json!([{ "a": 1 }, { "b": "ä\"\\" }]))
        .input("none", json!(null))
        .build();
    // It is the same after a journey.
    let spec = SessionSpec::from_json(spec.to_json().unwrap().as_bytes()).unwrap();
    let mut opened = open(&spec, &host, &NoSecrets).unwrap();
    assert_eq!(value(&mut opened, "open('/data/note').read()"), "'kept'");
    assert_eq!(
        value(&mut opened, "import os; os.environ['PLACE']"),
        "'here'"
    );
    assert_eq!(
        value(&mut opened, "int(sql('select sum(n) as s from t').s[0])"),
        "42"
    );
    assert_eq!(
        value(&mut opened, "rows, none"),
        r#"([{'a': 1}, {'b': 'ä"\\'}], None)"#
    );
    let ended = opened.session.run("print('x' * 5000)").unwrap();
    let outcome = Outcome::of(&ended, &mut opened.session);
    assert_eq!(outcome.limit.unwrap().name, "stdout_bytes");
    assert!(outcome.dirty_pages > 0 && outcome.memory_bytes > 0);
}

#[test]
fn a_session_of_a_spec_is_saved_and_continued() {
    let (_runtime, host) = host();
    let folder = tempfile::tempdir().unwrap();
    let spec = SessionSpec::builder()
        .store(StoreSource {
            session: "study".to_owned(),
            place: Some(folder.path().join("store").display().to_string()),
            fresh_generators: false,
        })
        .build();
    let mut first = open(&spec, &host, &NoSecrets).unwrap();
    let ended = first.session.run("x = 41").unwrap();
    let saved = first.saved.as_mut().unwrap();
    saved
        .save(&mut first.session, "x = 41", ended.status)
        .unwrap();
    // While it is open here, nobody else continues it.
    assert!(matches!(
        open(&spec, &host, &NoSecrets).map(drop),
        Err(Error::Store(_))
    ));
    drop(first);
    let mut again = open(&spec, &host, &NoSecrets).unwrap();
    assert_eq!(value(&mut again, "x + 1"), "42");
}

#[test]
fn a_session_is_continued_on_the_image_of_its_record_and_no_other() {
    let (runtime, host) = host();
    let folder = tempfile::tempdir().unwrap();
    let spec = |image| {
        SessionSpec::builder()
            .image(image)
            .store(StoreSource {
                session: "study".to_owned(),
                place: Some(folder.path().join("store").display().to_string()),
                fresh_generators: false,
            })
            .build()
    };
    let asking_for_none = spec(ImageSource::default());
    let mut first = open(&asking_for_none, &host, &NoSecrets).unwrap();
    let name = first.sandbox.image().name().to_owned();
    let ended = first.session.run("x = 41").unwrap();
    let saved = first.saved.as_mut().unwrap();
    saved
        .save(&mut first.session, "x = 41", ended.status)
        .unwrap();
    drop(first);

    // An image with this module can be had by nobody.
    let other = host.clone().image_defaults(ImageDefaults {
        preload: vec!["os; import sys".to_owned()],
        ..ImageDefaults::default()
    });
    let new = SessionSpec::default();
    let refused = open(&new, &other, &NoSecrets).map(drop);
    assert!(matches!(refused, Err(Error::Module { .. })), "{refused:?}");
    let mut again = open(&asking_for_none, &other, &NoSecrets).unwrap();
    assert_eq!(again.sandbox.image().name(), name);
    assert_eq!(value(&mut again, "x + 1"), "42");
    drop(again);

    // A spec that asks for an image gets it, or is told.
    let named = |name: &str| {
        spec(ImageSource {
            name: Some(name.to_owned()),
            ..ImageSource::default()
        })
    };
    let mut again = open(&named(&name[..16]), &other, &NoSecrets).unwrap();
    assert_eq!(value(&mut again, "x + 1"), "42");
    drop(again);
    let refused = open(&named("none"), &host, &NoSecrets).map(drop);
    assert!(
        matches!(
            refused,
            Err(Error::Runtime(memex_runtime::Error::NoImage { .. }))
        ),
        "{refused:?}"
    );

    // Where the image is not, nothing else is taken for it.
    let elsewhere = folder.path().join("cache");
    let elsewhere = Host::new(runtime.handle().clone()).cache_directory(Some(elsewhere));
    let Err(Error::SavedImage { image, .. }) =
        open(&asking_for_none, &elsewhere, &NoSecrets).map(drop)
    else {
        panic!("a session goes on without its image");
    };
    assert_eq!(image, name);
}

#[test]
fn an_input_that_does_not_fit_is_refused_by_its_name() {
    let (_runtime, host) = host();
    let spec = |length: usize| {
        SessionSpec::builder()
            .limit("code_bytes", 1_000)
            .input("text", "x".repeat(length))
            .build()
    };
    assert!(open(&spec(500), &host, &NoSecrets).is_ok());
    let error = open(&spec(1_000), &host, &NoSecrets).map(drop).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, Error::Input { .. }) && text.contains("code_bytes is limited to 1000"),
        "{text}"
    );
}

#[test]
fn a_policy_that_has_no_tools_refuses_those_of_a_spec() {
    let (_runtime, host) = host();
    let spec = SessionSpec::builder()
        .policy("deny-all")
        .tools(ToolSources {
            sql: vec![Database {
                name: "shop".to_owned(),
                path: "shop.sqlite".into(),
            }],
            ..ToolSources::default()
        })
        .build();
    let error = open(&spec, &host, &NoSecrets).map(drop).unwrap_err();
    assert!(
        error.to_string().contains("does not permit tools"),
        "{error}"
    );
}
