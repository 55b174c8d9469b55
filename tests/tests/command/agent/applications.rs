//! Auditing wrong runs, choosing among several, and showing runs to people and
//! other programs.

use super::support::{Bench, after, result, runs, says};
use serde_json::json;

/// Runs of one task of which some are wrong, in `runs/`.
fn ran(bench: &Bench, answers: &[&str]) {
    std::fs::create_dir(bench.at("runs")).unwrap();
    let task = json!({
        "id": "sum", "question": "What is 40 + 2?", "answer": "42", "grader": { "kind": "exact" },
    });
    bench.write("tasks.jsonl", task.to_string());
    for (number, answer) in answers.iter().enumerate() {
        bench.script("m.json", &[runs("x = 40 - 2\nx"), says(answer)]);
        let folder = format!("once-{number}");
        let ran = bench.agent(&[
            "run",
            "--tasks",
            "tasks.jsonl",
            "--runs",
            &folder,
            "--model",
            "script:m.json",
        ]);
        assert_eq!(ran.status, 0, "{ran:#?}");
        let from = bench.at(&folder).join("sum.jsonl");
        std::fs::rename(from, bench.at("runs").join(format!("{number}.jsonl"))).unwrap();
    }
}

#[test]
fn wrong_runs_are_put_under_an_axis() {
    let bench = Bench::new();
    ran(&bench, &["38", "42"]);
    let code = "step = next(s for s in run[0].steps if s.code)\n\
        submit(axis='execution', step=step.index, evidence=step.code, remedy='add')";
    bench.script("auditor.json", &[after("40 - 2", runs(code)), runs(code)]);
    bench.script("auditor.json", &[runs(code)]);
    let arguments = [
        "audit",
        "runs/0.jsonl",
        "runs/1.jsonl",
        "--truth",
        "tasks.jsonl",
        "--model",
        "script:auditor.json",
    ];
    let told = bench.agent(&[&arguments[..], &["--json"]].concat());
    assert_eq!(told.status, 0, "{told:#?}");
    assert_eq!(told.objects().len(), 1, "{told:#?}");
    let finding = &told.objects()[0]["finding"];
    assert_eq!(finding["axis"], "execution", "{told:#?}");
    assert!(
        finding["evidence"].as_str().unwrap().contains("40 - 2"),
        "{told:#?}"
    );
    let table = bench.agent(&arguments);
    assert!(table.stdout.contains("execution"), "{table:#?}");
    assert!(table.stderr.contains("1 right, 1 wrong"), "{table:#?}");
    // Axes of one's own; the auditor's axis is none of them.
    bench.write(
        "axes.toml",
        "[[axis]]\nname = 'haste'\ndescription = 'it did not look'\n",
    );
    bench.script(
        "auditor.json",
        &[
            runs(code),
            after("haste", says("I give up.")),
            says("Still."),
            says("Still."),
            says("Still."),
        ],
    );
    let other = bench.agent(&[&arguments[..], &["--taxonomy", "axes.toml"]].concat());
    assert_eq!(other.status, 1, "{other:#?}");
    assert!(other.stderr.contains("has no finding"), "{other:#?}");
}

#[test]
fn several_runs_become_one_answer() {
    let bench = Bench::new();
    ran(&bench, &["38", "42", "42"]);
    let code = "from collections import Counter\n\
        print(Counter(r[0].answer for r in (run_1, run_2, run_3)).most_common(1))";
    bench.script("m.json", &[runs(code), after("('42', 2)", says("42"))]);
    let ran = bench.agent(&[
        "aggregate",
        "runs/0.jsonl",
        "runs/1.jsonl",
        "runs/2.jsonl",
        "--model",
        "script:m.json",
        "--json",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert_eq!(result(&ran)["answer"], "42");
}

#[test]
fn runs_are_shown_and_converted() {
    let bench = Bench::new();
    ran(&bench, &["<b>42</b>"]);
    let report = bench.agent(&[
        "report",
        "runs/0.jsonl",
        "--to",
        "run.html",
        "--title",
        "A & B",
    ]);
    assert_eq!(report.status, 0, "{report:#?}");
    let page = bench.read("run.html");
    assert!(
        page.contains("<title>A &amp; B</title>") && page.contains("&lt;b&gt;42"),
        "{page}"
    );
    for (format, expected) in [
        ("atif", "ATIF-v1."),
        ("chat", "\"messages\""),
        ("rollout", "{"),
        ("otlp", "resourceSpans"),
        ("memex", "What is 40 + 2?"),
    ] {
        let ran = bench.agent(&["convert", "runs/0.jsonl", "--into", format]);
        assert!(
            ran.status == 0 && ran.stdout.contains(expected),
            "{format}: {ran:#?}"
        );
        bench.write(&format!("{format}.out"), &ran.stdout);
    }
    // What was exported can be read back, and shown.
    let back = bench.agent(&["convert", "atif.out", "--into", "chat"]);
    assert!(
        back.status == 0 && back.stdout.contains("40 - 2"),
        "{back:#?}"
    );
}
