//! A chat that is killed as soon as an answer was told.

use crate::memex::{command, spawn};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

#[test]
fn an_answer_that_was_told_is_saved() {
    const ROUNDS: usize = 12;
    const QUESTIONS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("memory")).unwrap();
    std::fs::write(path("memory/user.md"), "- name: Ada\n").unwrap();
    let replies = (1..=QUESTIONS).map(|number| {
        json!({"text": format!("<think>t</think><reply>answer {number}</reply>")}).to_string()
    });
    let script = replies.collect::<Vec<_>>().join("\n");
    std::fs::write(path("script.jsonl"), script).unwrap();
    for round in 0..ROUNDS {
        let talk = path(&format!("talk-{round}.json"));
        let model = format!("script:{}", path("script.jsonl").display());
        let mut chat = command(&["mem", "chat", "--compat", "--model", &model]);
        chat.arg("--memory").arg(path("memory"));
        chat.arg("--conversation").arg(&talk).stdin(Stdio::piped());
        let mut child = spawn(&mut chat);
        let mut typed = child.stdin.take().unwrap();
        let mut shown = BufReader::new(child.stdout.take().unwrap());
        let told = 1 + round % QUESTIONS;
        for number in 1..=told {
            writeln!(typed, "question {number}").unwrap();
            let wanted = format!("answer {number}");
            let mut line = String::new();
            while !line.contains(&wanted) {
                line.clear();
                let read = shown.read_line(&mut line).unwrap();
                assert!(read > 0, "{wanted} is never told");
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let saved = std::fs::read_to_string(&talk).unwrap();
        let saved: Value = serde_json::from_str(&saved).unwrap();
        let entries = saved.as_array().unwrap();
        for number in 1..=told {
            let wanted = format!("answer {number}");
            let is_there = entries
                .iter()
                .any(|entry| entry["content"].as_str().unwrap().contains(&wanted));
            assert!(is_there, "{wanted} was told and is not saved: {saved}");
        }
    }
}
