//! Files of tasks.

use super::support::{Bench, after, runs, says};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn every_task_has_its_own_inputs_schema_and_trajectory() {
    let bench = Bench::new();
    std::fs::create_dir(bench.at("data")).unwrap();
    let mut tasks = String::new();
    for n in 0..6 {
        bench.write(&format!("data/{n}.json"), json!([n, n]).to_string());
        let task = json!({
            "id": format!("sum/{n}"),
            "question": "Add them.",
            "output": { "type": "integer" },
            "inputs": { "numbers": format!("{n}.json") },
        });
        tasks.push_str(&format!("{task}\n"));
    }
    bench.write("data/tasks.jsonl", tasks);
    bench.script("m.json", &[runs("submit(sum(numbers))")]);
    for backend in ["in_process", "pool"] {
        let runs = format!("runs-{backend}");
        let ran = bench.agent(&[
            "run",
            "--tasks",
            "data/tasks.jsonl",
            "--jobs",
            "3",
            "--runs",
            &runs,
            "--backend",
            backend,
            "--model",
            "script:m.json",
            "--json",
        ]);
        assert_eq!(ran.status, 0, "{ran:#?}");
        let found: BTreeMap<String, Value> = ran
            .objects()
            .into_iter()
            .map(|object| {
                let id = object["task_id"].as_str().unwrap().to_owned();
                (id, object["submission"].clone())
            })
            .collect();
        let expected = (0..6).map(|n| (format!("sum/{n}"), json!(2 * n)));
        assert_eq!(found, expected.collect(), "{backend}");
        let saved = std::fs::read_dir(bench.at(&runs)).unwrap();
        assert_eq!(saved.count(), 6, "{backend}");
    }
}

#[test]
fn ids_that_look_alike_as_files_are_told_apart() {
    let bench = Bench::new();
    bench.write(
        "tasks.jsonl",
        "{\"id\": \"a/b\", \"question\": \"1\"}\n{\"id\": \"a_b\", \"question\": \"2\"}\n{\"id\": \"a:b\", \"question\": \"3\"}\n",
    );
    bench.script("m.json", &[says("done")]);
    let arguments = [
        "run",
        "--tasks",
        "tasks.jsonl",
        "--runs",
        "runs",
        "--model",
        "script:m.json",
    ];
    let ran = bench.agent(&arguments);
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 3), "{ran:#?}");
    assert!(
        ran.stderr.contains("3 of 3 runs have an answer"),
        "{ran:#?}"
    );
}

#[test]
fn a_run_that_fails_does_not_stop_the_others() {
    let bench = Bench::new();
    bench.write(
        "tasks.jsonl",
        "{\"id\": \"a\", \"question\": \"fails\"}\n{\"id\": \"b\", \"question\": \"works\"}\n",
    );
    let refusal = json!({ "text": "No.", "stop": "refusal", "expect": { "contains": "fails" } });
    bench.keyed("m.json", &[refusal, after("works", says("done"))]);
    let ran = bench.agent(&[
        "run",
        "--tasks",
        "tasks.jsonl",
        "--model",
        "script:m.json",
        "--json",
    ]);
    assert_eq!(ran.status, 1, "{ran:#?}");
    let ended = ran.objects();
    let of = |id: &str| {
        let of = ended.iter().find(|object| object["task_id"] == id);
        of.map(|object| object["status"].clone())
    };
    assert_eq!(
        (of("a"), of("b")),
        (Some(json!("failed")), Some(json!("answered")))
    );
}
