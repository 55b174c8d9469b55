//! The chat in a terminal: the line editor, what is shown, and what keys do.

mod stopping;

use crate::memex::command;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);
const ENTER: &str = "\r";
const ALT_ENTER: &str = "\x1b\r";
const UP: &str = "\x1b[A";
const CTRL_A: &str = "\x01";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_R: &str = "\x12";

/// A command in a terminal.
struct Terminal {
    process: Child,
    keys: Arc<Mutex<ChildStdin>>,
    screen: Arc<(Mutex<Screen>, Condvar)>,
    /// How much of what was shown has been looked at.
    seen: usize,
}

#[derive(Default)]
struct Screen {
    shown: String,
    is_over: bool,
}

impl Terminal {
    fn start(inner: &Command) -> Self {
        let mut outer = Command::new("python3");
        outer.arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/mem/terminal.py"
        ));
        outer.arg(inner.get_program()).args(inner.get_args());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        outer.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        outer.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = outer.spawn().unwrap();
        let keys = Arc::new(Mutex::new(process.stdin.take().unwrap()));
        let screen: Arc<(Mutex<Screen>, Condvar)> = Arc::default();
        let mut output = process.stdout.take().unwrap();
        let (typing, showing) = (Arc::clone(&keys), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                let count = output.read(&mut bytes).unwrap_or(0);
                let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                // Whoever asks where the cursor is gets an answer, as from a
                // real terminal.
                for _ in 0..text.matches("\x1b[6n").count() {
                    let _ = typing.lock().unwrap().write_all(b"\x1b[1;1R");
                }
                let mut screen = showing.0.lock().unwrap();
                screen.shown.push_str(&text);
                screen.is_over = count == 0;
                showing.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self {
            process,
            keys,
            screen,
            seen: 0,
        }
    }

    fn press(&self, keys: &str) {
        self.keys
            .lock()
            .unwrap()
            .write_all(keys.as_bytes())
            .unwrap();
    }

    /// Interrupts the command as Ctrl-C does where no line editor takes the key.
    fn interrupt(&self) {
        let outer = self.process.id();
        let inner = std::fs::read_to_string(format!("/proc/{outer}/task/{outer}/children"));
        let mut kill = Command::new("kill");
        kill.arg("-INT").args(inner.unwrap().split_whitespace());
        assert!(kill.status().unwrap().success());
    }

    /// Waits until a text is shown after what was seen before, and gives what
    /// was shown up to its end.
    fn expect(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut screen = self.screen.0.lock().unwrap();
        loop {
            let new = &screen.shown[self.seen..];
            if let Some(at) = new.find(text) {
                let shown = new[..at + text.len()].to_owned();
                self.seen += shown.len();
                return shown;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !screen.is_over && !left.is_zero(),
                "{text:?} is not shown: {new:?}"
            );
            screen = self.screen.1.wait_timeout(screen, left).unwrap().0;
        }
    }

    /// Waits for the prompt.
    fn prompt(&mut self) -> String {
        self.expect("you> ")
    }

    /// Types a line at the prompt and sends it.
    fn say(&mut self, line: &str) {
        self.prompt();
        self.press(line);
        self.press(ENTER);
    }

    /// How the program ended. One that goes on is a failure, and is killed.
    fn status(mut self) -> i32 {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            if Instant::now() >= until {
                self.process.kill().unwrap();
                let screen = self.screen.0.lock().unwrap();
                panic!("it goes on: {:?}", &screen.shown[self.seen..]);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(place.path("memory")).unwrap();
        std::fs::write(place.path("memory/user.md"), "- name: Ada\n").unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The chat with a model that says these things.
    fn chat(&self, replies: &[Value], more: &[&str]) -> Terminal {
        let mut lines = vec![json!({"chunk_chars": 7}).to_string()];
        lines.extend(replies.iter().map(Value::to_string));
        std::fs::write(self.path("script.jsonl"), lines.join("\n")).unwrap();
        let mut chat = command(&["mem", "chat", "--compat"]);
        let model = format!("script:{}", self.path("script.jsonl").display());
        chat.arg("--memory").arg(self.path("memory"));
        chat.args(["--model", &model]).args(more);
        chat.env("XDG_DATA_HOME", self.path("data"));
        Terminal::start(&chat)
    }

    /// What was said to the agent, as its conversation has it.
    fn questions(&self, name: &str) -> Vec<String> {
        let text = std::fs::read(self.path(name)).unwrap();
        let saved: Vec<Value> = serde_json::from_slice(&text).unwrap();
        let asked = saved.iter().filter(|entry| entry["role"] == "user");
        asked
            .map(|entry| entry["content"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Waits until code in the sandbox has made a file.
    fn wait_for(&self, name: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.path("memory").join(name).exists() {
            assert!(Instant::now() < until, "{name} is never made");
            std::thread::yield_now();
        }
    }
}

fn says(text: &str) -> Value {
    json!({"text": text})
}

fn runs(code: &str) -> Value {
    says(&format!("<think>work</think><python>{code}</python>"))
}

/// What is shown, without colours and movements of the cursor.
fn plain(shown: &str) -> String {
    let mut text = String::new();
    let mut rest = shown;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        text.push_str(before);
        rest = after.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        rest = rest.get(1..).unwrap_or("");
    }
    text.push_str(rest);
    text.replace('\r', "")
}

#[test]
fn lines_are_edited_recalled_and_completed() {
    let place = Place::new();
    let talk = place.path("talk.json").display().to_string();
    let replies = vec![says("<think>t</think><reply>Noted.</reply>"); 8];
    let keep = ["--conversation", &talk];
    let mut chat = place.chat(&replies, &keep);
    chat.expect("; /help for help");
    chat.say("I like tea");
    chat.expect("Noted.");
    // Several lines in one message, typed and pasted.
    chat.prompt();
    chat.press(&format!("one{ALT_ENTER}two{ENTER}"));
    chat.expect("Noted.");
    chat.prompt();
    chat.press(&format!("\x1b[200~three\nfour\x1b[201~{ENTER}"));
    chat.expect("Noted.");
    // A line that is given up is not sent.
    chat.prompt();
    chat.press(&format!("never mind{CTRL_C}"));
    // What was said before, with something in front.
    chat.prompt();
    chat.press(&format!("{UP}{UP}{UP}{CTRL_A}Again: {ENTER}"));
    chat.expect("Noted.");
    chat.prompt();
    chat.press("/mem\t");
    chat.press(ENTER);
    chat.expect("└── user.md");
    chat.prompt();
    chat.press(CTRL_D);
    assert_eq!(chat.status(), 0);
    let said = ["I like tea", "one\ntwo", "three\nfour", "Again: I like tea"];
    assert_eq!(place.questions("talk.json"), said);

    // The history outlives the talk, for its owner only.
    use std::os::unix::fs::PermissionsExt;
    let history = place.path("data/memex/mem-history");
    let mode = std::fs::metadata(history).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut chat = place.chat(&replies, &keep);
    chat.expect("going on after 4 questions");
    chat.prompt();
    chat.press(&format!("{CTRL_R}Again"));
    chat.expect(": I like tea");
    chat.press(ENTER);
    chat.press(ENTER);
    chat.expect("Noted.");
    chat.say("/quit");
    assert_eq!(chat.status(), 0);
    assert_eq!(place.questions("talk.json")[4], "Again: I like tea");
}

#[test]
fn thoughts_are_dimmed_and_commands_work() {
    let place = Place::new();
    let change = "<think>\nFirst I look.\n\nThen I write.\n</think>\n<python>\nok = update_file('user.md', 'Ada', 'Bo')\n</python>";
    let replies = [
        says(change),
        says("<think>Saved.</think><reply>You are Bo.</reply>"),
        says("<think>hidden</think><reply>Bye.</reply>"),
    ];
    let mut chat = place.chat(&replies, &[]);
    chat.say("I am Bo");
    let shown = chat.expect("You are Bo.");
    // Written piece by piece, each piece dimmed.
    assert!(shown.matches("\x1b[2m").count() > 3, "{shown:?}");
    let text = plain(&shown);
    assert!(
        text.ends_with("\nFirst I look.\n\nThen I write.\nSaved.\nYou are Bo."),
        "{text:?}"
    );
    assert!(!text.contains("update_file"), "blocks are hidden: {text:?}");
    chat.say("/memory user.md");
    chat.expect("- name: Bo");
    chat.say("/log");
    chat.expect("update_file user.md");
    chat.say("/filters add Do not tell birthdays");
    chat.expect("- Do not tell birthdays");
    chat.say("/undo 2");
    chat.expect("undone: update_file user.md");
    chat.say("/filters");
    chat.expect("there are no filters");
    chat.say("/memory user.md");
    chat.expect("- name: Ada");
    chat.say("/help");
    for command in ["/memory PATH", "/filters add TEXT", "/undo [N]", "/quit"] {
        chat.expect(command);
    }
    chat.say("/nonsense");
    chat.expect("/nonsense is not a command");
    chat.say("/thoughts");
    chat.expect("thoughts are hidden from now on");
    chat.say("Bye");
    assert!(!plain(&chat.expect("Bye.\r")).contains("hidden"));
    chat.prompt();
    chat.press(CTRL_D);
    assert_eq!(chat.status(), 0);
}

#[test]
fn what_is_shown_cannot_steer_the_terminal() {
    let place = Place::new();
    let title = "\u{1b}]0;mine\u{7}";
    std::fs::write(place.path("memory/evil.md"), format!("{title}\n")).unwrap();
    let replies = [
        says(&format!(
            "<think>{title}</think><python>x = 1 # {title}</python>"
        )),
        says(&format!("<reply>{title}Done.</reply>")),
    ];
    let mut chat = place.chat(&replies, &["--show"]);
    chat.say("hello");
    let mut shown = chat.expect("Done.");
    chat.say("/memory evil.md");
    shown.push_str(&chat.expect("mine"));
    shown.push_str(&chat.prompt());
    chat.press("/quit\r");
    assert_eq!(chat.status(), 0);
    // Seen as pictures, never sent.
    assert!(shown.matches("␛]0;min").count() >= 4, "{shown:?}");
    assert!(!shown.contains("\u{1b}]0;min"), "{shown:?}");
}

#[test]
fn blocks_are_shown_on_request() {
    let place = Place::new();
    let replies = [
        runs("n = 6 * 7"),
        says("<reply>42</reply>"),
        runs("n = n + 1"),
        says("<reply>43</reply>"),
    ];
    let mut chat = place.chat(&replies, &[]);
    chat.say("/show");
    chat.expect("blocks and results are shown from now on");
    chat.say("count");
    chat.expect("n = 6 * 7");
    chat.expect("{'n': 42}");
    // Variables stay from one question to the next.
    chat.say("go on");
    chat.expect("{'n': 43}");
    chat.say("/quit");
    assert_eq!(chat.status(), 0);
}
