//! Ctrl-C at a talk: what it stops, and what is left.

use super::{CTRL_C, CTRL_D, ENTER, Place, Terminal, plain, runs, says};
use crate::memex::{command, memex};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

#[test]
fn a_key_stops_a_model_that_does_not_answer() {
    let place = Place::new();
    let talk = place.path("talk.json").display().to_string();
    let replies = [
        runs("n = 41"),
        says("<reply>Kept.</reply>"),
        runs("ok = create_file('waits.md', 'x')"),
        json!({"text": "<reply>late</reply>", "latency_ms": 3_600_000}),
        runs("n = n + 1"),
        says("<reply>Here.</reply>"),
    ];
    let mut chat = place.chat(&replies, &["--conversation", &talk, "--show"]);
    chat.say("keep this");
    chat.expect("Kept.");
    chat.say("wait for ever");
    place.wait_for("waits.md");
    // The block is over, and the model is asked.
    chat.expect("{'ok': True}");
    std::thread::sleep(std::time::Duration::from_millis(500));
    chat.press(CTRL_C);
    chat.expect("stopped");
    chat.say("and now?");
    chat.expect("{'n': 42}");
    chat.expect("Here.");
    chat.prompt();
    chat.press(CTRL_D);
    assert_eq!(chat.status(), 0);
    // The question that was stopped is forgotten.
    assert_eq!(place.questions("talk.json"), ["keep this", "and now?"]);
}

#[test]
fn a_key_stops_python_and_the_second_does_so_at_once() {
    // An interrupt that is not heeded comes again, in handlers too: each has one
    // around it.
    const STUBBORN: &str = "ok = create_file('stubborn.md', 'x')
m = 2
while True:
    try:
        while True:
            try:
                while True:
                    try:
                        while True: pass
                    except BaseException: pass
            except BaseException: pass
    except BaseException: pass";
    let place = Place::new();
    let replies = [
        runs("n = 41"),
        says("<reply>Kept.</reply>"),
        runs("ok = create_file('began.md', 'x')\nwhile True: pass"),
        runs(STUBBORN),
        runs("n = n + 1\nm = 'm' in dir()"),
        says("<reply>Here.</reply>"),
    ];
    let mut chat = place.chat(&replies, &["--show"]);
    chat.say("keep this");
    chat.expect("Kept.");
    chat.say("run for ever");
    place.wait_for("began.md");
    chat.press(CTRL_C);
    chat.expect("press Ctrl-C again");
    chat.expect("stopped");
    chat.say("run for ever, whatever I do");
    place.wait_for("stubborn.md");
    chat.press(CTRL_C);
    chat.expect("press Ctrl-C again");
    // As a signal: on a slow machine the block may have been ended meanwhile, and
    // the line editor would take the key, and what is typed right after it.
    chat.interrupt();
    chat.expect("stopped");
    // The session is the one before: what the second block assigned is gone.
    chat.say("and now?");
    let result = chat.expect("Here.");
    assert!(
        plain(&result).contains("{'n': 42, 'm': False}"),
        "{result:?}"
    );
    chat.prompt();
    chat.press(CTRL_D);
    assert_eq!(chat.status(), 0);
    intact(
        &place.path("memory"),
        &["began.md", "stubborn.md", "user.md"],
    );
}

/// Between the end of an answer, or of a turn, and the line editor a key is a
/// signal: the second of two, when the first was enough.
#[test]
fn a_key_that_meets_nothing_ends_neither_talk_nor_session() {
    let place = Place::new();
    let replies = [
        runs("n = 41"),
        says("<reply>Kept.</reply>"),
        runs("n = n + 1"),
        says("<reply>Here.</reply>"),
    ];
    let mut chat = place.chat(&replies, &["--show"]);
    chat.say("keep this");
    chat.expect("Kept.");
    chat.prompt();
    chat.interrupt();
    std::thread::sleep(Duration::from_millis(300));
    chat.press(&format!("and now?{ENTER}"));
    chat.expect("{'n': 42}");
    chat.expect("Here.");
    chat.prompt();
    chat.press(CTRL_D);
    assert_eq!(chat.status(), 0);

    let mut repl = Terminal::start(command(&["repl"]).env("XDG_DATA_HOME", place.path("data")));
    repl.expect(":help for help");
    repl.expect(">>> ");
    repl.press(&format!("n = 41; print('kept', n){ENTER}"));
    repl.expect("kept 41\r");
    repl.expect(">>> ");
    repl.interrupt();
    std::thread::sleep(Duration::from_millis(300));
    repl.press(&format!("print('now', n + 1){ENTER}"));
    repl.expect("now 42\r");
    repl.expect(">>> ");
    repl.press(CTRL_D);
    assert_eq!(repl.status(), 0);
}

/// The memory has these files and everything that was journalled can be undone.
fn intact(memory: &Path, files: &[&str]) {
    let memory = memory.display().to_string();
    let mut there: Vec<String> = std::fs::read_dir(&memory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".memex")
        .collect();
    there.sort();
    assert_eq!(there, files);
    let log = memex(&["mem", "log", "--json", "--memory", &memory]).objects();
    let count = log.len().to_string();
    let undone = memex(&["mem", "undo", "-n", &count, "--memory", &memory]);
    assert_eq!(undone.status, 0, "{}", undone.stderr);
    let user = std::fs::read_to_string(Path::new(&memory).join("user.md")).unwrap();
    assert_eq!(user, "- name: Ada\n");
}
