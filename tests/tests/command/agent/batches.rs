//! Files of tasks.

use super::support::{Bench, after, runs, says};
use crate::memex::Ran;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
fn a_tasks_file_reads_only_its_folder_and_removes_only_its_runs() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.at("data/more")).unwrap();
    bench.write("secret", "\"of the host\"");
    bench.write("data/more/n.json", "7");
    let secret = bench.at("secret");
    std::os::unix::fs::symlink(&secret, bench.at("data/link")).unwrap();
    bench.script("m.json", &[runs("submit(str(given))")]);
    let run = |input: &str, runs: &str| {
        let inputs = json!({ "given": input });
        let output = json!({ "type": "string" });
        let task = json!({ "id": "t", "question": "Give.", "output": output, "inputs": inputs });
        bench.write("data/tasks.jsonl", format!("{task}\n"));
        let tasks = ["run", "--tasks", "data/tasks.jsonl", "--runs", runs];
        bench.agent(&[&tasks[..], &["--model", "script:m.json", "--json"]].concat())
    };
    for outside in ["../secret", secret.to_str().unwrap(), "link"] {
        let ran = run(outside, "runs");
        assert_ne!(ran.status, 0, "{outside}: {ran:#?}");
        assert!(!ran.stdout.contains("of the host"), "{outside}: {ran:#?}");
        assert!(ran.stderr.contains("hint:"), "{outside}: {ran:#?}");
    }
    let given = |ran: &Ran| ran.objects()[0]["submission"].clone();
    let ran = run("more/n.json", "runs");
    assert_eq!((ran.status, given(&ran)), (0, json!("7")), "{ran:#?}");

    // What lies under a run's name is replaced where it is a run of the task that
    // was broken off, and refused where it is something else.
    let saved = files(&bench.at("runs"));
    let [saved] = &saved[..] else {
        panic!("one run was saved");
    };
    let name = saved.file_name().unwrap().to_str().unwrap();
    let text = std::fs::read_to_string(saved).unwrap();
    let head = text.lines().next().unwrap();
    std::fs::create_dir(bench.at("others")).unwrap();
    let place = format!("others/{name}");
    for (left, is_taken) in [
        (format!("{head}\n"), true),
        (String::new(), true),
        ("my notes\n".to_owned(), false),
        (head.replace("\"t\"", "\"other\"") + "\n", false),
    ] {
        bench.write(&place, &left);
        let ran = run("more/n.json", "others");
        assert_eq!(ran.status == 0, is_taken, "{left}: {ran:#?}");
        if is_taken {
            assert_eq!(given(&ran), json!("7"), "{ran:#?}");
        } else {
            assert_eq!(bench.read(&place), left, "{ran:#?}");
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
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
