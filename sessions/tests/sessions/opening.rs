//! What is refused before an image is loaded. Sessions that run are in the
//! suites of `tests`, which have an image.

use memex_sessions::{
    Error, Host, ImageSource, NoSecrets, SessionSpec, SharedScratch, StoreSource, ToolSources, open,
};
use tokio::runtime::Runtime;

fn refusal(spec: &SessionSpec) -> Error {
    let runtime = Runtime::new().unwrap();
    let host = Host::new(runtime.handle().clone());
    match open(spec, &host, &NoSecrets) {
        Ok(_) => panic!("a host without directories opens a session"),
        Err(error) => error,
    }
}

#[test]
fn a_host_that_lacks_something_says_what() {
    let with = |tools: ToolSources| SessionSpec::builder().tools(tools).build();
    assert!(matches!(
        refusal(&SessionSpec::default()),
        Error::NoCacheDirectory
    ));
    assert!(matches!(
        refusal(&with(ToolSources {
            ask_user: true,
            ..ToolSources::default()
        })),
        Error::NobodyToAsk
    ));
    assert!(matches!(
        refusal(&with(ToolSources {
            shared_scratch: Some(SharedScratch {
                name: "team".into(),
                access: memex_policies::Access::ReadWrite,
            }),
            ..ToolSources::default()
        })),
        Error::NoScratchDirectory
    ));
    assert!(matches!(
        refusal(&with(ToolSources {
            files: vec!["no-such-file.toml".into()],
            ..ToolSources::default()
        })),
        Error::ToolFile(_)
    ));
}

#[test]
fn images_that_cannot_be_are_refused() {
    let runtime = Runtime::new().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let host =
        Host::new(runtime.handle().clone()).cache_directory(Some(cache.path().join("cache")));
    let check = |image: ImageSource, expected: &str| {
        let spec = SessionSpec::builder().image(image).build();
        let error = match open(&spec, &host, &NoSecrets) {
            Ok(_) => panic!("{expected}"),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(expected), "{error}");
    };
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    check(
        ImageSource {
            name: Some("abc".into()),
            ..ImageSource::default()
        },
        "has a name that begins with `abc`",
    );
    check(
        ImageSource {
            name: Some("abc".into()),
            preload: list(&["json"]),
            packages: Vec::new(),
        },
        "an image is named, and packages or modules",
    );
    check(
        ImageSource {
            preload: list(&["os; import sys"]),
            ..ImageSource::default()
        },
        "`os; import sys` is not the name of a module",
    );
    check(
        ImageSource {
            packages: list(&["a==1.0", "a==2.0"]),
            ..ImageSource::default()
        },
        "are asked for",
    );
}

#[test]
fn a_store_needs_a_place() {
    let runtime = Runtime::new().unwrap();
    let host = Host::new(runtime.handle().clone());
    let saved = |place: Option<&str>| {
        let spec = SessionSpec::builder()
            .store(StoreSource {
                session: "study".into(),
                place: place.map(str::to_owned),
                fresh_generators: false,
            })
            .build();
        spec.resolve().unwrap().saved(&host)
    };
    assert!(matches!(saved(None), Err(Error::NoStoreDirectory)));
    assert!(matches!(
        saved(Some("nothing://x")),
        Err(Error::StorePlace(_))
    ));
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store").display().to_string();
    let first = saved(Some(&place)).unwrap().unwrap();
    assert_eq!(first.name(), "study");
    // Nobody else has it meanwhile.
    assert!(matches!(saved(Some(&place)), Err(Error::Store(_))));
    drop(first);
    assert!(saved(Some(&place)).is_ok());
}
