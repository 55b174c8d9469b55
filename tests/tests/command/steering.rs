//! What reaches a terminal: text and colours, from whomever it is.

use crate::shared::{at_a_plain_terminal, at_a_terminal};
use std::path::Path;

/// Ways to steer a terminal, or to show something other than what is there, as
/// Python writes them.
const HOSTILE: &[(&str, &str)] = &[
    ("b'\\x9b2J'", "\u{fffd}2J"),
    ("'\\x9b2J'.encode()", "\u{fffd}2J"),
    ("b'\\x1b]0;title\\x07'", "␛]0;title␇"),
    (
        "b'\\x1b]8;;http://a.test\\x1b\\\\here'",
        "␛]8;;http://a.test␛\\here",
    ),
    ("b'\\x1b[2J'", "␛[2J"),
    ("'\\u202eexe'.encode()", "<U+202E>exe"),
    ("'\\u2066a\\u2069'.encode()", "<U+2066>a<U+2069>"),
    (
        "'\\u200fa\\u200e\\u061c'.encode()",
        "<U+200F>a<U+200E><U+061C>",
    ),
    (
        "'\\u200b\\ufeff\\u00ad'.encode()",
        "<U+200B><U+FEFF><U+00AD>",
    ),
    ("'\\U000e0041'.encode()", "<U+E0041>"),
];

/// Nothing but text, line ends, tabs and colours.
fn assert_harmless(shown: &str) {
    let mut rest = shown;
    while let Some((_, after)) = rest.split_once('\u{1b}') {
        let end = after.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0);
        let sequence = &after[..=end.min(after.len().saturating_sub(1))];
        assert!(
            sequence.starts_with('[') && sequence.ends_with('m'),
            "{sequence:?} in {shown:?}"
        );
        rest = after;
    }
    let steers = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{1b}')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{feff}')
    };
    assert!(!shown.contains(steers), "{shown:?}");
}

#[test]
fn output_values_and_errors_of_code_steer_nothing() {
    let mut arguments = vec!["run".to_owned(), "--quiet".to_owned()];
    for (written, _) in HOSTILE {
        for code in [
            format!("import os\n_ = os.write(1, {written})"),
            format!("import os\n_ = os.write(2, {written})"),
            format!("raise ValueError({written}.decode('utf-8', 'surrogateescape'))"),
            format!("class C:\n  def __repr__(self): return {written}.decode('latin-1')\nC()"),
            format!(
                "class C:\n  def __repr__(self): return {written}.decode('utf-8', 'replace')\nC()"
            ),
        ] {
            arguments.extend(["-c".to_owned(), code]);
        }
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = at_a_terminal(&[], &arguments);
    assert_eq!(ran.status, 1, "{ran:#?}");
    assert_harmless(&ran.stdout);
    // The attacks ran: each is there to be seen, on both streams.
    for (written, shown) in HOSTILE {
        assert!(
            ran.stdout.matches(shown).count() >= 2,
            "{written}: {ran:#?}"
        );
    }
    // The control: colours, tabs and ordinary text pass.
    let ran = at_a_terminal(&[], &["run", "-c", "print('\\x1b[31mré\\td\\x1b[0m')"]);
    assert!(ran.stdout.contains("\u{1b}[31mré\td\u{1b}[0m"), "{ran:#?}");
}

#[test]
fn bytes_that_come_one_by_one_are_one_text() {
    let code = "import os\nfor b in 'é\\x9b2J\\u202ex'.encode(): _ = os.write(1, bytes([b]))";
    let ran = at_a_terminal(&[], &["run", "-c", code]);
    assert_harmless(&ran.stdout);
    assert!(ran.stdout.contains("é\u{fffd}2J<U+202E>x"), "{ran:#?}");
}

/// Concealed text, and half a sequence that would swallow what comes next.
#[test]
fn what_a_turn_leaves_open_is_ended_with_it() {
    for stream in [1, 2] {
        for (left, ended) in [
            ("b'\\x1b[8mhidden'", "\u{1b}[8mhidden\u{1b}[0m"),
            ("b'half\\x1b[38;5'", "half␛[38;5"),
            ("b'half\\x1b'", "half␛"),
            ("b'half\\xe2\\x82'", "half\u{fffd}"),
        ] {
            let code = format!("import os\n_ = os.write({stream}, {left})");
            let arguments = ["run", "-c", &code, "-c", "'next'"];
            for ran in [
                at_a_terminal(&[], &arguments),
                at_a_plain_terminal(&arguments),
            ] {
                assert_eq!(ran.status, 0, "{ran:#?}");
                assert_harmless(&ran.stdout);
                let at = ran.stdout.find(ended);
                let next = ran.stdout.find("'next'").unwrap();
                assert!(at.is_some_and(|at| at < next), "{stream} {left}: {ran:#?}");
            }
        }
    }
    // The control: without colours of its own, nothing is ended.
    let ran = at_a_plain_terminal(&["run", "-c", "print('plain')"]);
    assert!(!ran.stdout.contains('\u{1b}'), "{ran:#?}");
}

/// What the parser of arguments quotes.
#[test]
fn arguments_that_are_refused_steer_nothing() {
    let hostile = "x\r\u{1b}]0;title\u{7}\u{9b}2J\u{202e}exe";
    let option = format!("--{hostile}");
    let attempts: [&[&str]; 4] = [
        &[hostile],
        &["run", &option],
        &["run", "--color", hostile],
        &["image", "build", "--boot-time", hostile],
    ];
    for arguments in attempts {
        for ran in [
            at_a_terminal(&[], arguments),
            at_a_plain_terminal(arguments),
        ] {
            assert_eq!(ran.status, 2, "{arguments:?}: {ran:#?}");
            assert_harmless(&ran.stdout);
            // The attack ran: the argument is quoted.
            assert!(ran.stdout.contains("<U+202E>exe"), "{ran:#?}");
        }
    }
    // The controls: colours where they are wanted, and help on standard output.
    let ran = at_a_terminal(&[], &["run", "--nonesuch"]);
    assert!(ran.stdout.contains("\u{1b}["), "{ran:#?}");
    let ran = at_a_plain_terminal(&["run", "--nonesuch"]);
    assert!(!ran.stdout.contains('\u{1b}'), "{ran:#?}");
    let ran = crate::memex::memex(&["--help"]);
    assert!(ran.status == 0 && ran.stdout.contains("Usage:"), "{ran:#?}");
}

#[test]
fn questions_and_their_choices_steer_nothing() {
    let code = "ask_user('a\\rb\\x1b[31m\\u202ec\\x9b2J?', choices=['on\\u2066e\\n', 'two'])";
    let ran = at_a_terminal(&["2"], &["run", "--ask-user", "-c", code]);
    assert_harmless(&ran.stdout);
    for shown in ["? a␍b␛[31m<U+202E>c\u{fffd}2J?", "1 on<U+2066>e␊", "'two'"] {
        assert!(ran.stdout.contains(shown), "{shown}: {ran:#?}");
    }
}

#[test]
fn what_tools_and_files_say_steers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tools.toml");
    let hostile = "\\u001b]0;t\\u0007\\u009b2J\\u202e";
    std::fs::write(
        &path,
        format!("version = 1\n[[command]]\nname = \"t\"\ndescription = \"{hostile}says\"\nargv = [\"true\"]\n"),
    )
    .unwrap();
    let tools = path.display().to_string();
    let ran = at_a_terminal(&[], &["tools", "--tools", &tools]);
    assert_harmless(&ran.stdout);
    // A file that is named, and whose error quotes it.
    std::fs::write(
        &path,
        format!("version = 1\n[[command]]\n\"{hostile}\" = 1\n"),
    )
    .unwrap();
    let ran = at_a_terminal(&[], &["run", "--tools", &tools, "-c", "1"]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    assert_harmless(&ran.stdout);
    let bidi = Path::new("no\u{202e}such.py");
    let ran = at_a_terminal(&[], &["run", &bidi.display().to_string()]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    assert_harmless(&ran.stdout);
    assert!(ran.stdout.contains("no<U+202E>such.py"), "{ran:#?}");
}

#[test]
fn saved_sessions_steer_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().display().to_string();
    let code = "x = '\u{202e}\u{9b}2J'  # \u{1b}]0;t\u{7}\nopen('/tmp/\u{202e}\u{1b}[2J', 'w').close()\nclass C:\n  def __repr__(self): return '\\x1b[2J\\u202e'\nc = C()";
    let ran = at_a_terminal(
        &[],
        &["run", "--session", "s", "--store", &store, "-c", code],
    );
    assert_eq!(ran.status, 0, "{ran:#?}");
    let ran = at_a_terminal(
        &[],
        &["run", "--session", "s", "--store", &store, "-c", "c = 1"],
    );
    assert_eq!(ran.status, 0, "{ran:#?}");
    for arguments in [
        &["list"][..],
        &["log", "s"],
        &["show", "s"],
        &["diff", "s", "1", "2"],
    ] {
        let ran = at_a_terminal(
            &[],
            &[&["session"], arguments, &["--store", &store]].concat(),
        );
        assert_eq!(ran.status, 0, "{ran:#?}");
        assert_harmless(&ran.stdout);
    }
}

#[test]
fn an_agents_steps_and_answer_steer_nothing() {
    let bench = crate::agent::Bench::new();
    bench.script(
        "m.json",
        &[
            crate::agent::runs("print('\\u202e', '\\x1b]0;t\\x07')  # \u{202e}\u{1b}]0;t\u{7}"),
            crate::agent::says("Done\u{9b}2J\u{202e}\u{1b}[31m."),
        ],
    );
    let model = format!("script:{}", bench.at("m.json").display());
    let ran = at_a_terminal(&[], &["agent", "run", "Go\u{202e}.", "--model", &model]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert_harmless(&ran.stdout);
    assert!(
        ran.stdout.contains("Done\u{fffd}2J<U+202E>␛[31m."),
        "{ran:#?}"
    );
}
