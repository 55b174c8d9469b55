//! A public benchmark's form, spaces with Python as a tool, and what results come to.

use super::support::{Bench, after, calls, result, runs, says};
use serde_json::{Value, json};

/// Questions and bulletins of our own, in the benchmark's form.
fn bulletins(bench: &Bench) {
    std::fs::create_dir(bench.at("corpus")).unwrap();
    let filler = "Nothing of this is asked for.\n".repeat(200);
    bench.write(
        "corpus/treasury_bulletin_1941_01.txt",
        format!("{filler}Table 3. Receipts by source\nCustoms ........ 36,080\n{filler}"),
    );
    bench.write("corpus/treasury_bulletin_1941_02.txt", filler.clone());
    bench.write(
        "questions.csv",
        "uid,question,answer,source_docs,source_files,difficulty\n\
         UID0001,\"What were customs receipts, in millions?\",36080 million,,treasury_bulletin_1941_01.txt,easy\n\
         UID0002,\"Which month had most?\",August 1986,,treasury_bulletin_1941_02.txt,hard\n",
    );
    let searching = "hit = search_files('customs receipts')[0]\nprint(hit.text)\n\
                     print(read_file(hit.file, line=hit.line, lines=3))";
    let of = |tool: &str, shown: &str, mut reply: Value| {
        reply["expect"] = json!({ "contains": shown, "tools": [tool] });
        reply
    };
    bench.keyed(
        "m.json",
        &[
            of("python", "What were customs", runs(searching)),
            of("python", "36,080", runs("submit('36,080 million')")),
            of("python", "Which month", runs("submit('July 1986')")),
            of(
                "search_files",
                "What were customs",
                calls("search_files", json!({ "query": "customs receipts" })),
            ),
            of(
                "search_files",
                "36,080",
                calls(
                    "submit",
                    json!({ "value": "<FINAL_ANSWER>36080</FINAL_ANSWER>" }),
                ),
            ),
            of(
                "search_files",
                "Which month",
                calls("submit", json!({ "value": "It was August, 1986." })),
            ),
        ],
    );
}

#[test]
fn a_public_benchmark_runs_from_its_questions_and_its_folder_of_texts() {
    let bench = Bench::new();
    bulletins(&bench);
    let arguments = [
        "eval",
        "--suite",
        "officeqa",
        "--questions",
        "questions.csv",
        "--corpus",
        "corpus",
        "--index",
        "index.sqlite",
        "--model",
        "script:m.json",
        "--keep",
        "kept.jsonl",
        "--json",
        "--by-tag",
        "--bars",
        "bars.svg",
        "--svg",
        "front.svg",
    ];
    let ran = bench.agent(&arguments);
    assert_eq!(ran.status, 0, "{ran:#?}");
    let right = |space: &str| {
        let kept = bench.read("kept.jsonl");
        let lines = kept
            .lines()
            .filter(|line| line.contains(&format!("\"space\":\"{space}\"")));
        lines
            .filter(|line| line.contains("\"correct\":true"))
            .count()
    };
    assert_eq!(
        (right("code"), right("tools")),
        (1, 2),
        "{}",
        bench.read("kept.jsonl")
    );
    let objects = ran.objects();
    let of = |kind: &str| objects.iter().filter(|line| line["type"] == kind).count();
    assert_eq!(
        (of("difference"), of("repeated"), of("tag")),
        (1, 0, 4),
        "{objects:#?}"
    );
    assert!(bench.read("bars.svg").starts_with("<svg ") && bench.at("index.sqlite").is_file());
    let easy = bench.agent(&[&arguments[..], &["--tag", "easy", "--first", "1"]].concat());
    assert_eq!(
        easy.objects()
            .iter()
            .filter(|line| line["type"].is_null())
            .count(),
        2
    );
    let none = bench.agent(&[&arguments[..], &["--tag", "neither"]].concat());
    assert!(
        none.status == 2 && none.stderr.contains("has no such tasks"),
        "{none:#?}"
    );
    let alone = bench.agent(&["eval", "--suite", "officeqa", "--model", "script:m.json"]);
    assert_eq!(alone.status, 2, "{alone:#?}");
}

#[test]
fn python_as_a_tool_is_a_space_and_runs_are_repeated() {
    let bench = Bench::new();
    let task = json!({
        "id": "sum", "question": "Add up.", "answer": 6, "inputs": { "data": "data.json" },
        "grader": { "kind": "numeric", "tolerance": 0 },
    });
    bench.write("tasks.jsonl", task.to_string());
    bench.write("data.json", "[1, 2, 3]");
    let of = |tool: &str, shown: &str, mut reply: Value| {
        reply["expect"] = json!({ "contains": shown, "tools": [tool] });
        reply
    };
    // A reply is played once, and each task is run twice.
    let replies = vec![
        of("python", "Add up", runs("submit(sum(data))")),
        of(
            "python_exec",
            "Add up",
            calls("python_exec", json!({ "code": "sum(data)" })),
        ),
        of("python_exec", "6", calls("submit", json!({ "value": 6 }))),
        of(
            "list_inputs",
            "Add up",
            calls("read_input", json!({ "name": "data" })),
        ),
        of(
            "list_inputs",
            "[1, 2, 3]",
            calls("submit", json!({ "value": 7 })),
        ),
    ];
    bench.keyed("m.json", &[replies.clone(), replies].concat());
    let spaces = "code,tools,tools-python,tools-python-stateless";
    let ran = bench.agent(&[
        "eval",
        "tasks.jsonl",
        "--model",
        "script:m.json",
        "--spaces",
        spaces,
        "--repeat",
        "2",
        "--json",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    let objects = ran.objects();
    let right = |space: &str| {
        let of = objects
            .iter()
            .find(|line| line["type"].is_null() && line["space"] == space);
        of.map_or(&Value::Null, |line| &line["correct"]).clone()
    };
    assert_eq!(
        spaces.split(',').map(right).collect::<Vec<_>>(),
        [json!(2), json!(0), json!(2), json!(2)],
        "{objects:#?}"
    );
    let repeated = objects
        .iter()
        .filter(|line| line["type"] == "repeated")
        .count();
    assert_eq!(repeated, 4);
}

#[test]
fn a_judge_is_asked_for_before_anything_is_paid() {
    let bench = Bench::new();
    let task =
        |id: &str, kind: Value| json!({ "id": id, "question": "q", "answer": "a", "grader": kind });
    let lines = [
        task("one", json!({ "kind": "exact" })).to_string(),
        task("two", json!({ "kind": "judge" })).to_string(),
    ];
    bench.write("tasks.jsonl", lines.join("\n"));
    bench.keyed("m.json", &[says("a")]);
    let ran = bench.agent(&[
        "eval",
        "tasks.jsonl",
        "--model",
        "script:m.json",
        "--keep",
        "kept.jsonl",
    ]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    assert!(
        ran.stderr.contains("two") && ran.stderr.contains("--judge"),
        "{ran:#?}"
    );
    assert!(!bench.at("kept.jsonl").exists());
    let bounded = bench.agent(&["run", "q", "--model", "script:m.json", "--cost", "1"]);
    assert!(
        bounded.status == 2 && bounded.stderr.contains("no price is known"),
        "{bounded:#?}"
    );
}

#[test]
fn runs_become_data_for_training() {
    let bench = Bench::new();
    let tasks = [
        json!({ "id": "1", "question": "one?", "answer": 1, "grader": { "kind": "numeric", "tolerance": 0 } }),
        json!({ "id": "2", "question": "two?", "answer": 2, "grader": { "kind": "numeric", "tolerance": 0 } }),
    ];
    bench.write("tasks.jsonl", tasks.map(|task| task.to_string()).join("\n"));
    // A reply is played once, and each task is run twice.
    let replies = vec![
        after("one?", runs("submit(1)")),
        after("two?", runs("submit(3)")),
    ];
    bench.keyed("m.json", &[replies.clone(), replies].concat());
    let ran = bench.agent(&[
        "eval",
        "tasks.jsonl",
        "--model",
        "script:m.json",
        "--spaces",
        "code",
        "--runs",
        "runs",
        "--repeat",
        "2",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    let mut files: Vec<String> = std::fs::read_dir(bench.at("runs"))
        .unwrap()
        .map(|entry| format!("runs/{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    files.sort();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    assert_eq!(files.len(), 4);
    let lines = |more: &[&str]| {
        let ran = bench.agent(&[&["convert"], &files[..], more].concat());
        assert_eq!(ran.status, 0, "{ran:#?}");
        ran.objects()
    };
    let right = lines(&[
        "--into",
        "trl",
        "--truth",
        "tasks.jsonl",
        "--min-reward",
        "1",
    ]);
    assert_eq!(right.len(), 2);
    let one = lines(&[
        "--into",
        "trl",
        "--truth",
        "tasks.jsonl",
        "--min-reward",
        "1",
        "--unique",
    ]);
    assert_eq!(one.len(), 1);
    let roles = |messages: &Value| -> Vec<String> {
        let messages = messages.as_array().unwrap().iter();
        messages
            .map(|message| message["role"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(roles(&one[0]["prompt"]), ["system", "user"]);
    assert_eq!(roles(&one[0]["completion"]), ["assistant", "tool"]);
    let call = &one[0]["completion"][0]["tool_calls"][0];
    assert_eq!(call["function"]["name"], "python");
    assert_eq!(
        call["function"]["arguments"],
        json!({ "code": "submit(1)" }).to_string()
    );
    assert_eq!(one[0]["completion"][1]["tool_call_id"], call["id"]);
    assert!(one[0]["tools"].as_str().unwrap().contains("\"python\""));
    let all = lines(&["--into", "verifiers", "--truth", "tasks.jsonl"]);
    let rewards: Vec<&Value> = all.iter().map(|line| &line["reward"]).collect();
    assert_eq!(rewards, [1.0, 1.0, 0.0, 0.0]);
    assert_eq!(
        lines(&["--into", "openrlhf", "--truth", "tasks.jsonl"])[0]["label"],
        1
    );
    let chats = lines(&["--into", "chat"]);
    assert_eq!(chats[0]["tools"][0]["function"]["name"], "python");
    let voted = bench.agent(&["aggregate", files[0], files[1], "--vote"]);
    assert_eq!((voted.status, voted.stdout.trim()), (0, "1"), "{voted:#?}");
    let mixed = bench.agent(&["aggregate", files[0], files[3], "--vote"]);
    assert!(
        mixed.status == 2 && mixed.stderr.contains("another task"),
        "{mixed:#?}"
    );
    bench.keyed(
        "aggregator.json",
        &[after("Answer (submitted): 1", says("It is 1."))],
    );
    let summed = bench.agent(&[
        "aggregate",
        files[0],
        files[1],
        "--summaries",
        "--space",
        "tools",
        "--model",
        "script:aggregator.json",
        "--json",
    ]);
    // The schema of the runs asks for a number, and words are nudged; the script has no more.
    assert!(
        summed.stdout.contains("It is 1.") || summed.stderr.contains("script"),
        "{summed:#?}"
    );
}

#[test]
fn another_task_goes_on_from_a_saved_run() {
    let bench = Bench::new();
    bench.script("first.json", &[runs("x = 41"), says("It is there.")]);
    let ran = bench.agent(&[
        "run",
        "Make x.",
        "--model",
        "script:first.json",
        "--save",
        "a.jsonl",
        "--quiet",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    bench.script(
        "second.json",
        &[after("Add one.", runs("x + 1")), after("42", says("42"))],
    );
    let ran = bench.agent(&[
        "continue",
        "a.jsonl",
        "Add one.",
        "--model",
        "script:second.json",
        "--save",
        "b.jsonl",
        "--json",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert_eq!(result(&ran)["answer"], "42", "{ran:#?}");
    let again = bench.agent(&[
        "continue",
        "a.jsonl",
        "Add.",
        "--model",
        "script:second.json",
        "--save",
        "b.jsonl",
    ]);
    assert!(
        again.status == 2 && again.stderr.contains("there already"),
        "{again:#?}"
    );
}

#[test]
fn a_model_has_a_key_a_price_and_an_effort_of_its_own() {
    let bench = Bench::new();
    bench.script("m.json", &[says("done")]);
    let settings = "[models.\"script:m.json\"]\nreasoning_effort = \"high\"\nprice = { input = 1.0, output = 2.0 }\n";
    bench.write("agent.toml", settings);
    let run = |more: &[&str]| {
        let base = ["run", "q", "--agent", "agent.toml", "--json", "--cost", "1"];
        bench.agent(&[&base[..], more].concat())
    };
    let ran = run(&["--model", "script:m.json"]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert!(
        result(&ran)["totals"]["cost_usd"]
            .as_f64()
            .is_some_and(|usd| usd > 0.0),
        "{ran:#?}"
    );
    bench.write(
        "agent.toml",
        "[models.\"openai:gpt-5\"]\nkey_variable = \"NOT_THERE\"\n",
    );
    let ran = run(&["--model", "openai:gpt-5"]);
    assert!(
        ran.status == 2 && ran.stderr.contains("NOT_THERE"),
        "{ran:#?}"
    );
    let ran = run(&["--model", "openai:gpt-5", "--effort", "much"]);
    assert!(ran.status == 2 && ran.stderr.contains("xhigh"), "{ran:#?}");
}
