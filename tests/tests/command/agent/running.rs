//! One task, in both spaces, with what it is asked with and what it leaves.

use super::support::{Bench, after, calls, result, runs, says};
use serde_json::{Value, json};

fn shop(bench: &Bench) -> String {
    let path = bench.at("shop.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    let rows = "CREATE TABLE sales (region TEXT, amount REAL);
        INSERT INTO sales VALUES ('north', 40.0), ('south', 2.0);";
    database.execute_batch(rows).unwrap();
    format!("shop={}", path.display())
}

#[test]
fn both_spaces_answer_with_the_same_tools() {
    let bench = Bench::new();
    let shop = shop(&bench);
    let sum = json!({ "query": "SELECT sum(amount) AS total FROM sales" });
    bench.script(
        "code.json",
        &[
            runs("total = sql('SELECT sum(amount) AS total FROM sales').total[0]\nprint(total)"),
            after("42.0", runs("submit(float(total))")),
        ],
    );
    bench.script(
        "tools.json",
        &[
            calls("sql", sum),
            after("42.0", calls("submit", json!({ "value": 42.0 }))),
        ],
    );
    for space in ["code", "tools"] {
        let (model, saved) = (format!("script:{space}.json"), format!("{space}.jsonl"));
        let arguments = [
            "run",
            "What do all regions sell?",
            "--space",
            space,
            "--model",
            &model,
            "--sql",
            &shop,
            "--output",
            r#"{"type": "number"}"#,
            "--save",
            &saved,
        ];
        let ran = bench.agent(&arguments);
        assert_eq!(
            (ran.status, ran.stdout.as_str()),
            (0, "42.0\n"),
            "{space}: {ran:#?}"
        );
        assert!(ran.stderr.contains("2 turns, "), "{space}: {ran:#?}");
        let again = bench.agent(&arguments);
        assert_eq!(again.status, 2, "{again:#?}");
        assert!(again.stderr.contains("agent resume"), "{again:#?}");
    }
    let ran = bench.agent(&["tokens", "code.jsonl", "tools.jsonl", "--json"]);
    let spaces: Vec<Value> = ran
        .objects()
        .iter()
        .map(|o| o["action_space"].clone())
        .collect();
    assert_eq!(spaces, ["code", "tools"]);
}

#[test]
fn programs_get_steps_and_a_result() {
    let bench = Bench::new();
    bench.script(
        "m.json",
        &[runs("x = 6 * 7\nx"), after("42", says("It is 42."))],
    );
    let ran = bench.agent(&["run", "Say.", "--model", "script:m.json", "--json"]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    let kinds: Vec<(Value, Value)> = ran
        .objects()
        .iter()
        .map(|object| (object["type"].clone(), object["kind"].clone()))
        .collect();
    let step = |kind: &str| (json!("step"), json!(kind));
    assert_eq!(
        kinds,
        [
            step("system"),
            step("user"),
            step("model"),
            step("observation"),
            step("model"),
            (json!("result"), Value::Null),
        ]
    );
    let result = result(&ran);
    assert_eq!(result["status"], "answered");
    assert_eq!(result["answer"], "It is 42.");
    assert_eq!(result["totals"]["turns"], 2);
    assert!(result["totals"]["input_tokens"].as_u64().unwrap() > 0);
    assert_eq!(ran.stderr, "", "{ran:#?}");
}

#[test]
fn inputs_are_in_the_scope_and_not_in_the_prompt() {
    let bench = Bench::new();
    bench.write("sales.csv", "region,amount\nnorth,40\nsouth,2\n");
    bench.write("notes.txt", "a secret word");
    let code = "print(sales.amount.sum(), len(notes), year + 1, list(rates))";
    bench.script(
        "m.json",
        &[runs(code), after("42 13 2025 ['a']", says("done"))],
    );
    let ran = bench.agent(&[
        "run",
        "Look.",
        "--model",
        "script:m.json",
        "--input",
        "sales=sales.csv",
        "--input",
        "notes=notes.txt",
        "--value",
        "year=2024",
        "--value",
        r#"rates={"a": 1.5}"#,
        "--json",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    let system = ran.objects()[0]["text"].as_str().unwrap().to_owned();
    let told = [
        "sales: DataFrame[2 × 2] (region str, amount int64)\n",
        "notes: str, 13 characters\n",
        "year: int\n",
        "rates: dict of {'a': float}",
    ];
    for line in told {
        assert!(system.contains(line), "{line}: {system}");
    }
    assert!(!system.contains("secret"), "{system}");
}

#[test]
fn one_line_moves_sessions_into_workers() {
    let bench = Bench::new();
    bench.script(
        "m.json",
        &[
            json!({ "agent": "child", "tool_calls": [
                { "name": "python", "arguments": { "code": "submit(sum(data))" } }] }),
            json!({ "agent": "agent", "tool_calls": [{ "name": "python", "arguments": {
                "code": "data = [40, 2]\nprint(spawn_agent('add', output=int).result())" } }] }),
            json!({ "agent": "agent", "expect": { "contains": "42" }, "text": "done" }),
        ],
    );
    for backend in ["in_process", "subprocess", "pool"] {
        bench.write(
            "agent.toml",
            format!("model = 'script:m.json'\nbackend = '{backend}'\n"),
        );
        let ran = bench.agent(&["run", "Add.", "--agent", "agent.toml", "--json"]);
        assert_eq!(ran.status, 0, "{backend}: {ran:#?}");
        assert_eq!(result(&ran)["totals"]["turns"], 3, "{backend}");
    }
}

#[test]
fn a_budget_ends_a_run_with_its_trajectory() {
    let bench = Bench::new();
    bench.script("m.json", &[runs("1"), runs("2"), runs("3")]);
    let ran = bench.agent(&[
        "run",
        "Go.",
        "--model",
        "script:m.json",
        "--turns",
        "2",
        "--save",
        "run.jsonl",
    ]);
    assert_eq!(ran.status, 1, "{ran:#?}");
    assert!(ran.stderr.contains("ended without an answer"), "{ran:#?}");
    assert!(ran.stderr.contains("agent resume run.jsonl"), "{ran:#?}");
    let last = bench.read("run.jsonl");
    assert!(last.lines().last().unwrap().contains("exhausted"), "{last}");
}

#[test]
fn an_endless_block_ends_with_the_time_of_the_run() {
    let bench = Bench::new();
    bench.script(
        "m.json",
        &[runs("print('began')\nwhile True: pass"), says("never")],
    );
    let ran = bench.agent(&[
        "run",
        "Go.",
        "--model",
        "script:m.json",
        "--time",
        "2",
        "--limit",
        "guest_time_ms=10m",
        "--json",
    ]);
    assert_eq!(ran.status, 1, "{ran:#?}");
    assert_eq!(result(&ran)["status"], "exhausted", "{ran:#?}");
    assert!(ran.stdout.contains("began"), "{ran:#?}");
}

#[test]
fn prices_of_ones_own_are_counted() {
    let bench = Bench::new();
    let usage = json!({ "input": 1_000_000, "output": 1_000_000 });
    let mut reply = says("done");
    reply["usage"] = usage;
    bench.script("m.json", &[reply]);
    bench.write(
        "prices.toml",
        "[models.script]\ninput = 1.5\noutput = 2.5\n",
    );
    let ran = bench.agent(&[
        "run",
        "Go.",
        "--model",
        "script:m.json",
        "--prices",
        "prices.toml",
        "--json",
    ]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    assert_eq!(result(&ran)["totals"]["cost_usd"], 4.0, "{ran:#?}");
}

#[test]
fn a_call_that_nobody_approves_is_refused() {
    let bench = Bench::new();
    let shop = shop(&bench);
    let code = "try:\n    sql('SELECT 1')\nexcept PermissionError as error:\n    print(error)";
    bench.script("m.json", &[runs(code), after("not approved", says("done"))]);
    let arguments = [
        "run",
        "Go.",
        "--model",
        "script:m.json",
        "--sql",
        &shop,
        "--approve",
        "sql",
    ];
    let ran = bench.agent(&arguments);
    assert_eq!(ran.status, 0, "{ran:#?}");
    let asked = ran.stderr.find("allow this call of sql? [y/N]").unwrap();
    assert!(ran.stderr.find("call sql {").unwrap() < asked, "{ran:#?}");
    bench.script(
        "m.json",
        &[
            runs("print(sql('SELECT 7 AS n').n[0])"),
            after("7", says("done")),
        ],
    );
    let mut allowed = bench.command(&arguments);
    bench.write("yes", "y\n");
    allowed.stdin(std::fs::File::open(bench.at("yes")).unwrap());
    let ran: crate::memex::Ran = allowed.output().unwrap().into();
    assert_eq!(ran.status, 0, "{ran:#?}");
}

#[test]
fn integers_that_do_not_fit_are_submitted_and_given_by_no_other_number() {
    let bench = Bench::new();
    bench.script(
        "m.json",
        &[
            runs("submit(10**25)"),
            after(
                "the integer 10000000000000000000000000 has more than 64 bits",
                runs("submit(2**64 - 1)"),
            ),
        ],
    );
    let run = |more: &[&str]| {
        let begin = ["run", "Go.", "--model", "script:m.json", "--output"];
        bench.agent(&[&begin[..], &[r#"{"type": "integer"}"#], more].concat())
    };
    let ran = run(&["--value", "v=18446744073709551616"]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    let told = "the integer 18446744073709551616 has more than 64 bits";
    assert!(ran.stderr.contains(told), "{ran:#?}");
    let ran = run(&["--value", "v=18446744073709551615"]);
    assert_eq!(
        (ran.status, &*ran.stdout),
        (0, "18446744073709551615\n"),
        "{ran:#?}"
    );
}
