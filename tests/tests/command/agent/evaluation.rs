//! Suites of tasks, in both spaces.

use super::support::{Bench, after, calls, says};
use serde_json::{Value, json};

fn suite(bench: &Bench) {
    bench.write("facts.txt", "The tower is 300 m high.");
    let task = |id: &str, question: &str, answer: Value| {
        json!({
            "id": id,
            "question": question,
            "answer": answer,
            "files": ["facts.txt"],
            "grader": { "kind": "numeric", "tolerance": 0.5 },
        })
    };
    let tasks = [
        task("height", "How high is the tower, in metres?", json!(300)),
        task("floors", "How many floors has it?", json!(3)),
    ];
    let lines: Vec<String> = tasks.iter().map(Value::to_string).collect();
    bench.write("tasks.jsonl", lines.join("\n"));
}

fn scripts(bench: &Bench) {
    let height = "metres";
    let code = "import re\nsubmit(float(re.search(r'(\\d+) m', read_document('facts.txt'))[1]))";
    // What a space does not offer the other's entry does not match.
    let of = |tool: &str, shown: &str, mut reply: Value| {
        reply["expect"] = json!({ "contains": shown, "tools": [tool] });
        reply
    };
    bench.keyed(
        "m.json",
        &[
            of("python", height, calls("python", json!({ "code": code }))),
            of(
                "python",
                "floors",
                calls("python", json!({ "code": "submit(4)" })),
            ),
            of(
                "read_document",
                height,
                calls("read_document", json!({ "name": "facts.txt" })),
            ),
            of(
                "read_document",
                "300 m high",
                calls("submit", json!({ "value": 300 })),
            ),
            of(
                "read_document",
                "floors",
                calls("submit", json!({ "value": 3 })),
            ),
        ],
    );
}

#[test]
fn spaces_are_compared_and_results_are_kept() {
    let bench = Bench::new();
    suite(&bench);
    scripts(&bench);
    let arguments = [
        "eval",
        "tasks.jsonl",
        "--model",
        "script:m.json",
        "--keep",
        "kept.jsonl",
        "--runs",
        "runs",
        "--svg",
        "front.svg",
        "--jobs",
        "2",
    ];
    let ran = bench.agent(&[&arguments[..], &["--json"]].concat());
    assert_eq!(ran.status, 0, "{ran:#?}");
    let objects = ran.objects();
    let (standings, pairs): (Vec<_>, Vec<_>) = objects
        .iter()
        .partition(|object| object.get("type").is_none());
    assert_eq!((standings.len(), pairs.len()), (2, 1), "{ran:#?}");
    assert_eq!(bench.read("kept.jsonl").lines().count(), 4);
    assert!(bench.read("front.svg").starts_with("<svg "));
    let correct = |space: &str| {
        let lines = bench.read("kept.jsonl");
        let of = lines
            .lines()
            .filter(|line| line.contains(&format!("\"{space}\"")));
        of.filter(|line| line.contains("\"correct\":true")).count()
    };
    assert_eq!(
        (correct("code"), correct("tools")),
        (1, 2),
        "{}",
        bench.read("kept.jsonl")
    );
    // What is kept is not asked again: this script has no replies.
    bench.script("m.json", &[says("never")]);
    let kept = bench.read("kept.jsonl");
    let torn = &kept[..kept.len() - 10];
    bench.write("whole.jsonl", kept.as_bytes());
    let ran = bench.agent(&arguments);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert!(
        ran.stdout.contains("50") && ran.stdout.contains("100"),
        "{ran:#?}"
    );
    // A last line that was cut off is done again.
    bench.write("kept.jsonl", torn);
    scripts(&bench);
    let ran = bench.agent(&arguments);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert_eq!(bench.read("kept.jsonl").lines().count(), 4);
}

#[test]
fn suites_are_made_from_their_seeds() {
    let bench = Bench::new();
    for suite in ["reading", "warehouse"] {
        let ran = bench.agent(&["eval", "--make", suite, "--into", suite, "--seed", "7"]);
        assert_eq!(ran.status, 0, "{ran:#?}");
        let again = format!("{suite}-again");
        let ran = bench.agent(&["eval", "--make", suite, "--into", &again, "--seed", "7"]);
        assert_eq!(ran.status, 0, "{ran:#?}");
        let tasks = bench.read(&format!("{suite}/tasks.jsonl"));
        assert!(tasks.lines().count() > 10, "{suite}");
        assert_eq!(
            tasks,
            bench.read(&format!("{again}/tasks.jsonl")),
            "{suite}"
        );
    }
}

#[test]
fn a_judge_decides_what_no_rule_can() {
    let bench = Bench::new();
    let task = json!({
        "id": "poem", "question": "Write a line.", "answer": "a line that rhymes",
        "grader": { "kind": "judge", "rubric": "it rhymes" },
    });
    bench.write("tasks.jsonl", task.to_string());
    bench.script(
        "m.json",
        &[after("Write", says("Roses are red, so they said."))],
    );
    bench.script(
        "judge.json",
        &[after(
            "it rhymes",
            says("It rhymes.\n<judgment>CORRECT</judgment>"),
        )],
    );
    let arguments = [
        "eval",
        "tasks.jsonl",
        "--model",
        "script:m.json",
        "--spaces",
        "code",
        "--keep",
        "kept.jsonl",
    ];
    let judged = [&arguments[..], &["--judge", "script:judge.json"]].concat();
    let ran = bench.agent(&judged);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert!(
        bench.read("kept.jsonl").contains("\"correct\":true"),
        "{}",
        bench.read("kept.jsonl")
    );
}
