//! Sessions that outlive a process, and what the other commands tell of them.

use crate::memex::{Ran, command};
use std::path::Path;

fn run(store: &Path, arguments: &[&str]) -> Ran {
    command(arguments)
        .env("MEMEX_STORE", store)
        .output()
        .unwrap()
        .into()
}

#[test]
fn a_session_goes_on_in_the_next_process() {
    let store = tempfile::tempdir().unwrap();
    let store = store.path();
    let ran = run(
        store,
        &[
            "run",
            "--session",
            "study",
            "-c",
            "x = 41\nclass P: y = 1",
            "-c",
            "_ = open('/tmp/f', 'w').write('kept')",
        ],
    );
    assert_eq!(ran.status, 0, "{ran:#?}");
    let ran = run(
        store,
        &[
            "run",
            "--session",
            "study",
            "--json",
            "-c",
            "x + P.y, open('/tmp/f').read()",
        ],
    );
    assert_eq!(ran.objects()[0]["value"], "(42, 'kept')", "{ran:#?}");
    assert_eq!(ran.objects()[0]["turn"], 3, "turns count on: {ran:#?}");
    let ran = run(store, &["run", "--session", "other", "-c", "x"]);
    assert!(
        ran.status == 1 && ran.stderr.contains("NameError"),
        "{ran:#?}"
    );
}

#[test]
fn forks_and_rewinds() {
    let store = tempfile::tempdir().unwrap();
    let store = store.path();
    for code in ["x = 1", "x = 2", "x = 3"] {
        assert_eq!(run(store, &["run", "--session", "a", "-c", code]).status, 0);
    }
    assert_eq!(
        run(store, &["session", "fork", "a", "b", "--turn", "2"]).status,
        0
    );
    assert_eq!(
        run(store, &["run", "--session", "b", "-c", "print(x)"]).stdout,
        "2\n"
    );
    assert_eq!(run(store, &["session", "rewind", "a", "1"]).status, 0);
    assert_eq!(
        run(store, &["run", "--session", "a", "-c", "print(x)"]).stdout,
        "1\n"
    );
    let list = run(store, &["session", "list"]);
    assert!(
        list.status == 0 && list.stdout.contains('a') && list.stdout.contains('b'),
        "{list:#?}"
    );
    let log = run(store, &["session", "log", "b"]);
    assert!(log.stdout.contains("print(x)"), "{log:#?}");
    assert_eq!(run(store, &["session", "rm", "b"]).status, 0);
    let ran = run(store, &["session", "show", "b"]);
    assert!(ran.status == 2 && ran.stderr.contains('b'), "{ran:#?}");
}

/// Names, previews and files are a guest's word: each stays in its line.
#[test]
fn what_a_session_says_of_itself_forges_no_lines() {
    let store = tempfile::tempdir().unwrap();
    let store = store.path();
    let code = "x = 1\nopen('/tmp/a\\nsession   forged, 9 turns', 'w').close()\n\
        globals()['y\\nfile      /etc/passwd (forged)'] = 1";
    assert_eq!(run(store, &["run", "--session", "a", "-c", "1"]).status, 0);
    assert_eq!(run(store, &["run", "--session", "a", "-c", code]).status, 0);
    let shown = run(store, &["session", "show", "a"]);
    let diff = run(store, &["session", "diff", "a", "1", "2"]);
    assert_eq!((shown.status, diff.status), (0, 0), "{shown:#?} {diff:#?}");
    for said in [&shown.stdout, &diff.stdout] {
        // It is there, in its own line.
        assert!(said.contains("session   forged, 9 turns"), "{said}");
        let forged = said.lines().filter(|line| {
            line.starts_with("session   forged") || line.starts_with("file      /etc")
        });
        assert_eq!(forged.count(), 0, "{said}");
    }
    let sessions = shown.stdout.lines();
    let sessions = sessions.filter(|line| line.starts_with("session"));
    assert_eq!(sessions.count(), 1, "{shown:#?}");
}

/// What the caller can put right ends with 2, whatever command meets it.
#[test]
fn names_and_stores_that_cannot_be_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    // The control, and a session to be in the way.
    assert_eq!(
        run(&store, &["run", "--session", "a", "-c", "x = 1"]).status,
        0
    );
    let long = "n".repeat(101);
    for name in ["../a", "", ".hidden", "a/b", "a b", "ä", long.as_str()] {
        for arguments in [
            &["run", "--session", name, "-c", "1"][..],
            &["session", "show", name],
            &["session", "log", name],
            &["session", "fork", name, "b"],
            &["session", "fork", "a", name],
            &["session", "rewind", name, "1"],
            &["session", "diff", name, "1", "1"],
            &["session", "rm", name],
        ] {
            let ran = run(&store, arguments);
            assert_eq!(
                (ran.status, ran.stdout.as_str()),
                (2, ""),
                "{arguments:?}: {ran:#?}"
            );
            assert!(
                ran.stderr.contains("cannot be used"),
                "{arguments:?}: {ran:#?}"
            );
            assert!(ran.stderr.contains("hint:"), "{arguments:?}: {ran:#?}");
        }
    }
    for arguments in [
        &["session", "fork", "a", "a"][..],
        &["session", "show", "none"],
        &["session", "rewind", "a", "9"],
        &["session", "diff", "a", "1", "9"],
    ] {
        assert_eq!(run(&store, arguments).status, 2, "{arguments:?}");
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "no store").unwrap();
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("notes.txt"), "not ours").unwrap();
    for place in [file, other, "nosuch://place".into()] {
        for arguments in [
            &["run", "--session", "a", "-c", "1"][..],
            &["session", "list"],
        ] {
            let ran = run(&place, arguments);
            assert_eq!(ran.status, 2, "{}: {ran:#?}", place.display());
        }
    }
    assert_eq!(
        run(&store, &["run", "--session", "a", "-c", "x"]).stdout,
        "1\n"
    );
}

#[test]
fn a_continued_session_draws_on_and_a_fork_draws_its_own_numbers() {
    let store = tempfile::tempdir().unwrap();
    let store = store.path();
    let seeds = "import random\nimport numpy as np\nrandom.seed(7)\nnp.random.seed(7)";
    let draws = "(random.random(), np.random.rand())";
    let drawn = |session: &str, options: &[&str]| {
        let line = ["run", "--session", session, "--json", "-c", draws];
        let ran = run(store, &[&line[..], options].concat());
        assert_eq!(ran.status, 0, "{ran:#?}");
        ran.objects()[0]["value"].as_str().unwrap().to_owned()
    };
    let fork = |arguments: &[&str]| {
        let ran = run(store, &[&["session", "fork"], arguments].concat());
        assert_eq!(ran.status, 0, "{ran:#?}");
    };
    // What the machine's generators give in one process.
    let whole = run(
        store,
        &["run", "--json", "-c", seeds, "-c", draws, "-c", draws],
    );
    let expected: Vec<String> = whole.objects()[1..]
        .iter()
        .map(|object| object["value"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        run(store, &["run", "--session", "a", "-c", seeds]).status,
        0
    );
    fork(&["a", "own"]);
    fork(&["a", "twin", "--keep-generators"]);
    assert_eq!(drawn("a", &[]), expected[0]);
    assert_eq!(drawn("a", &["--keep-generators"]), expected[1]);
    assert_eq!(drawn("twin", &[]), expected[0]);
    let own = drawn("own", &[]);
    assert_ne!(own, expected[0]);
    // From there on, a fork is a session like others: it can be replayed.
    assert_eq!(
        run(store, &["session", "rewind", "own", "1"]).status,
        0,
        "the turn that it began from"
    );
    assert_ne!(drawn("own", &[]), own, "it is unseeded there");
    fork(&["a", "again", "--turn", "1"]);
    assert_ne!(drawn("again", &[]), own);
    assert_eq!(run(store, &["session", "rewind", "a", "1"]).status, 0);
    assert_eq!(drawn("a", &[]), expected[0], "a rewound session replays");
    assert_eq!(run(store, &["session", "rewind", "a", "1"]).status, 0);
    assert_ne!(drawn("a", &["--fresh-generators"]), expected[0]);
    let log = run(store, &["session", "log", "again", "--json"]);
    let turns: Vec<u64> = log
        .objects()
        .iter()
        .map(|object| object["turn"].as_u64().unwrap())
        .collect();
    assert_eq!(turns, [1, 2], "{log:#?}");
}
