//! What a model is shown.

use memex_agent::{ObservationOptions, Ran, ScopeNames, change, cut, result_text, shown};
use memex_host_tools::{NumberBuilder, Table, TextBuilder};
use memex_runtime::{LimitHit, Status};
use memex_sessions::{Exception, Outcome};
use memex_trajectories::Change;
use proptest::prelude::*;
use serde_json::json;

fn names(listed: serde_json::Value) -> ScopeNames {
    ScopeNames::parse(&json!({ "names": listed }).to_string())
}

#[test]
fn names_are_told_by_type_and_size() {
    let before = names(
        json!([{ "name": "a", "type": "int", "preview": "1" }, { "name": "b", "type": "list", "len": 2, "preview": "[1, 2]" }]),
    );
    let after = names(json!([
        { "name": "a", "type": "int", "preview": "2" },
        { "name": "df", "type": "pandas.DataFrame", "shape": [10, 3], "preview": "" },
    ]));
    let told: Vec<(Change, String)> = after
        .since(&before)
        .iter()
        .map(|c| (c.change, change(c)))
        .collect();
    assert_eq!(
        told,
        [
            (Change::Changed, "a: int".to_owned()),
            (Change::New, "df: DataFrame[10×3]".to_owned()),
            (Change::Deleted, "b".to_owned()),
        ]
    );
    assert!(after.since(&after).is_empty());
    assert_eq!(ScopeNames::parse("no JSON"), ScopeNames::default());
}

fn ran(outcome: Outcome) -> Ran {
    Ran {
        outcome,
        ..Ran::default()
    }
}

#[test]
fn what_is_lost_is_said() {
    let options = ObservationOptions::default();
    let error = Exception {
        class: "ValueError".into(),
        message: "no".into(),
        traceback: String::new(),
    };
    let table = [
        (Outcome::default(), "(no output)"),
        (
            Outcome {
                error: Some(error),
                ..Outcome::default()
            },
            "ValueError: no",
        ),
        (
            Outcome {
                rolled_back: true,
                ..Outcome::default()
            },
            "The block was stopped; the scope is as it was before it.",
        ),
        (
            Outcome {
                status: Status::Fault,
                ..Outcome::default()
            },
            "The session was lost with every name in it",
        ),
        (
            Outcome {
                limit: Some(LimitHit {
                    name: "guest_time_ms".into(),
                    limit: 10,
                    actual: 12,
                }),
                ..Outcome::default()
            },
            "Limit guest_time_ms: 10 allowed, 12 reached.",
        ),
    ];
    for (outcome, expected) in table {
        let text = shown("x", &ran(outcome), &options);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_long_value_says_where_all_of_it_is() {
    let ran = ran(Outcome {
        value: Some("v".repeat(1_000)),
        ..Outcome::default()
    });
    let options = ObservationOptions {
        max_chars: 200,
        ..ObservationOptions::default()
    };
    assert!(
        shown("x = f()\nx", &ran, &options)
            .contains("800 of 1000 characters left out; all of it is still in `x`")
    );
    assert!(shown("f()", &ran, &options).contains("still in `_`"));
}

#[test]
fn an_accepted_answer_is_no_error() {
    let ran = ran(Outcome {
        error: Some(Exception {
            class: "tools.Submitted".into(),
            message: "the answer was accepted".into(),
            traceback: "Traceback (most recent call last):\n".into(),
        }),
        ..Outcome::default()
    });
    let options = ObservationOptions::default();
    assert_eq!(shown("submit(1)", &ran, &options), "Submitted.");
    assert_eq!(memex_agent::observation(&ran).error, None);
}

#[test]
fn all_parts_of_an_observation_share_one_budget() {
    let long = |c: &str| c.repeat(50_000);
    let ran = ran(Outcome {
        stdout: long("o"),
        stderr: long("w"),
        value: Some(long("v")),
        error: Some(Exception {
            class: "ValueError".into(),
            message: String::new(),
            traceback: long("e"),
        }),
        ..Outcome::default()
    });
    let text = shown("x", &ran, &ObservationOptions::default());
    // The lines that say what was left out come on top.
    assert!(text.chars().count() < 12_600, "{}", text.chars().count());
    for part in ["ooo", "www", "vvv", "eee"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn modules_and_names_of_loops_are_not_listed_as_new() {
    let before = names(json!([]));
    let after = names(json!([
        { "name": "row", "type": "dict", "len": 1, "preview": "" },
        { "name": "i", "type": "int", "preview": "" },
        { "name": "math", "type": "module", "preview": "" },
        { "name": "total", "type": "int", "preview": "" },
    ]));
    let ran = Ran {
        names: after.since(&before),
        ..Ran::default()
    };
    let code = "import math\nfor i, row in enumerate(rows):\n    total += row['x']";
    let text = shown(code, &ran, &ObservationOptions::default());
    assert_eq!(text, "(no output)\nNew: total: int");
}

#[test]
fn tables_are_rows_to_a_model_that_calls_tools() {
    let mut ids = NumberBuilder::<i64>::new();
    let mut words = TextBuilder::new();
    ids.push(1);
    words.push("ants");
    ids.push_null();
    words.push_null();
    let table = Table::new(vec![ids.finish("id"), words.finish("word").unwrap()]).unwrap();
    let mut parts = Vec::new();
    let value = table.encode(&mut parts);
    assert_eq!(
        result_text(&value, &parts),
        "id | word\n1 | ants\nNULL | NULL\n(2 rows)"
    );
    assert_eq!(
        result_text(&json!([{ "a": "" , "b": ["x", "y"] }]), &[]),
        "a | b\n\"\" | x, y\n(1 row)"
    );
    assert_eq!(
        result_text(
            &json!({ "rows": 3, "sample": [{ "a": "NULL" }, { "a": "p|q" }] }),
            &[]
        ),
        "rows: 3\nsample:\na\n\"NULL\"\n\"p|q\"\n(2 rows)"
    );
    let entry = |table: &str, rows: u64| json!({ "database": "shop", "table": table, "kind": "table", "rows": rows });
    assert_eq!(
        result_text(&json!([entry("a", 1), entry("b", 2), entry("c", 30)]), &[]),
        "(in each row: database = shop, kind = table)\ntable | rows\na | 1\nb | 2\nc | 30\n(3 rows)"
    );
    // The columns that a query asked for stay.
    let mut same = NumberBuilder::<i64>::new();
    let mut counted = NumberBuilder::<i64>::new();
    (0..3).for_each(|n| {
        same.push(7);
        counted.push(n);
    });
    let table = Table::new(vec![same.finish("seven"), counted.finish("n")]).unwrap();
    let mut parts = Vec::new();
    let value = table.encode(&mut parts);
    assert_eq!(
        result_text(&value, &parts),
        "seven | n\n7 | 0\n7 | 1\n7 | 2\n(3 rows)"
    );
    // Objects that are not alike stay JSON.
    assert_eq!(
        result_text(&json!([{ "a": 1 }, { "b": 1 }]), &[]),
        r#"[{"a":1},{"b":1}]"#
    );
    assert_eq!(result_text(&json!("words"), &[]), "words");
    assert_eq!(
        result_text(&json!([{ "$part": 0 }]), &[vec![0; 7]]),
        r#"["<7 bytes>"]"#
    );
}

proptest! {
    #[test]
    fn cuts_keep_within_their_room(text in "\\PC{0,400}", max in 10_usize..200) {
        let cut = cut(&text, max, "").into_owned();
        let total = text.chars().count();
        if total <= max {
            prop_assert_eq!(cut, text);
        } else {
            prop_assert!(cut.chars().count() <= max + 60);
            let size = format!("of {total} characters");
            prop_assert!(cut.contains(&size));
        }
    }
}
