//! Ctrl-C, and going on afterwards.

use super::support::{Bench, after, result, runs, says};
use crate::memex::{Ran, spawn};
use serde_json::json;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};

/// Starts a run and reads what it tells until a line has this in it.
fn until(child: &mut Child, text: &str) -> BufReader<std::process::ChildStdout> {
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert!(
            reader.read_line(&mut line).unwrap() > 0,
            "{text} never came"
        );
    }
    reader
}

fn press(child: &Child) {
    let id = child.id().to_string();
    let status = Command::new("kill").args(["-INT", &id]).status();
    assert!(status.unwrap().success());
}

fn finished(mut child: Child, mut reader: BufReader<std::process::ChildStdout>) -> Ran {
    let mut stdout = String::new();
    reader.read_to_string(&mut stdout).unwrap();
    let mut stderr = String::new();
    let mut errors = child.stderr.take().unwrap();
    errors.read_to_string(&mut stderr).unwrap();
    Ran {
        status: child.wait().unwrap().code().unwrap_or(-1),
        stdout,
        stderr,
    }
}

#[test]
fn a_stopped_run_goes_on_with_its_scope() {
    for backend in ["in_process", "subprocess"] {
        let bench = Bench::new();
        let backend = ["--backend", backend];
        bench.script(
            "first.json",
            &[
                runs("kept = [40]\nkept.append(2)"),
                runs("while True: pass"),
                says("never"),
            ],
        );
        let arguments = [
            "run",
            "Go.",
            "--model",
            "script:first.json",
            "--save",
            "run.jsonl",
            "--json",
        ];
        let mut child = spawn(&mut bench.command(&[&arguments[..], &backend].concat()));
        let reader = until(&mut child, "while True");
        press(&child);
        let ran = finished(child, reader);
        assert_eq!(ran.status, 1, "{ran:#?}");
        assert_eq!(result(&ran)["status"], "cancelled", "{ran:#?}");
        bench.script(
            "next.json",
            &[runs("print(sum(kept))"), after("42", says("done"))],
        );
        let arguments = ["resume", "run.jsonl", "--model", "script:next.json"];
        let ran = bench.agent(&[&arguments[..], &backend].concat());
        assert_eq!((ran.status, ran.stdout.as_str()), (0, "done\n"), "{ran:#?}");
        let again = bench.agent(&[&arguments[..], &backend].concat());
        assert_eq!(again.status, 2, "{again:#?}");
        assert!(
            again.stderr.contains("it has its answer already"),
            "{again:#?}"
        );
    }
}

#[test]
fn a_stopped_batch_goes_on_with_what_is_left() {
    let bench = Bench::new();
    bench.write(
        "tasks.jsonl",
        "{\"id\": \"a\", \"question\": \"first\"}\n{\"id\": \"b\", \"question\": \"second\"}\n",
    );
    let slow =
        json!({ "text": "never", "latency_ms": 600_000, "expect": { "contains": "second" } });
    bench.keyed("first.json", &[after("first", says("one")), slow]);
    let arguments = |model: &'static str| {
        [
            "run",
            "--tasks",
            "tasks.jsonl",
            "--runs",
            "runs",
            "--json",
            "--model",
            model,
        ]
    };
    let mut child = spawn(&mut bench.command(&arguments("script:first.json")));
    let reader = until(&mut child, "\"answer\":\"one\"");
    press(&child);
    let ran = finished(child, reader);
    assert_eq!(ran.status, 1, "{ran:#?}");
    assert_eq!(result(&ran)["status"], "cancelled", "{ran:#?}");
    bench.script("next.json", &[after("second", says("two"))]);
    let ran = bench.agent(&arguments("script:next.json"));
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert_eq!(ran.objects().len(), 1, "{ran:#?}");
    assert_eq!(result(&ran)["answer"], "two");
    assert!(
        ran.stderr.contains("1 of 2 tasks are done already"),
        "{ran:#?}"
    );
    let ran = bench.agent(&arguments("script:next.json"));
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""), "{ran:#?}");
}
