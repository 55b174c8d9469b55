//! What a user can get wrong is told before anything is asked of a model.

use super::support::{Bench, says};

#[test]
fn mistakes_are_named_with_a_hint() {
    let bench = Bench::new();
    bench.script("m.json", &[says("never")]);
    bench.write("bad.toml", "model = 'script:m.json'\nbudgets.turns = 0\n");
    bench.write("typo.toml", "model = 'script:m.json'\nbudgts.turns = 1\n");
    bench.write("bad.json", "{");
    bench.write(
        "twice.jsonl",
        "{\"id\": \"a\", \"question\": \"x\"}\n{\"id\": \"a\", \"question\": \"y\"}\n",
    );
    bench.write("half.jsonl", "{\"id\": \"a\"}\n");
    bench.write("empty.jsonl", "");
    bench.write("not-a-run.jsonl", "{\"some\": \"thing\"}\n");
    bench.write(
        "tasks.jsonl",
        "{\"id\": \"a\", \"question\": \"x\", \"grader\": {\"kind\": \"exact\"}}\n",
    );
    let model = ["--model", "script:m.json"];
    let cases: &[(&[&str], &str)] = &[
        (&["run", "Go."], "no model is named"),
        (&["run", "Go.", "--model", "gpt-5"], "gpt-5"),
        (&["run", "Go.", "--model", "openai:gpt-5"], "OPENAI_API_KEY"),
        (&["run", "Go.", "--model", "script:none.json"], "none.json"),
        (&["run", "Go.", "--agent", "none.toml"], "none.toml"),
        (&["run", "Go.", "--agent", "bad.toml"], "budgets.turns"),
        (&["run", "Go.", "--agent", "typo.toml"], "budgts"),
        (&["run"], "<TASK>"),
        (&["run", " "], "the task is empty"),
        (&["run", "Go.", "--input", "data"], "NAME=PATH"),
        (&["run", "Go.", "--input", "no name=x.csv"], "Python name"),
        (&["run", "Go.", "--input", "data=none.csv"], "none.csv"),
        (&["run", "Go.", "--input", "data=bad.json"], "bad.json"),
        (&["run", "Go.", "--value", "data={"], "NAME=JSON"),
        (&["run", "Go.", "--output", "{"], "--output"),
        (&["run", "Go.", "--output", "none.json"], "none.json"),
        (
            &["run", "Go.", "--output", "{\"type\": \"nothing\"}"],
            "nothing",
        ),
        (&["run", "--tasks", "none.jsonl"], "none.jsonl"),
        (&["run", "--tasks", "twice.jsonl"], "is there twice"),
        (&["run", "--tasks", "half.jsonl"], "question"),
        (&["resume", "none.jsonl"], "none.jsonl"),
        (&["resume", "not-a-run.jsonl"], "not-a-run.jsonl"),
        (&["eval", "empty.jsonl"], "has no tasks"),
        (&["eval", "tasks.jsonl", "--models", "gpt-5"], "gpt-5"),
        (
            &["audit", "not-a-run.jsonl", "--truth", "tasks.jsonl"],
            "not-a-run.jsonl",
        ),
        (
            &["aggregate", "not-a-run.jsonl", "not-a-run.jsonl"],
            "not-a-run.jsonl",
        ),
        (&["report", "none.jsonl"], "none.jsonl"),
        (&["report", "not-a-run.jsonl"], "not-a-run.jsonl"),
        (
            &["convert", "not-a-run.jsonl", "--into", "atif"],
            "not-a-run.jsonl",
        ),
        (&["tokens", "none.jsonl"], "none.jsonl"),
    ];
    for (arguments, text) in cases {
        let asks = !["report", "convert", "tokens"].contains(&arguments[0]);
        let names_one = ["--model", "--agent", "--models"]
            .iter()
            .any(|name| arguments.contains(name));
        let mut arguments = arguments.to_vec();
        if asks && !names_one && !text.contains("no model") {
            arguments.extend(model);
        }
        let ran = bench.agent(&arguments);
        assert_eq!(ran.status, 2, "{arguments:?}: {ran:#?}");
        assert!(
            ran.stderr.contains(text),
            "{arguments:?}: {text} not in {ran:#?}"
        );
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
}

#[test]
fn help_teaches() {
    let bench = Bench::new();
    for command in [
        "run",
        "resume",
        "report",
        "convert",
        "audit",
        "aggregate",
        "eval",
        "tokens",
    ] {
        let ran = bench.agent(&[command, "--help"]);
        assert_eq!(ran.status, 0, "{ran:#?}");
        assert!(
            ran.stdout.contains("Examples:\n  memex agent "),
            "{command}"
        );
    }
}
