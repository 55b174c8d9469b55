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
        r#"[{"id":1,"word":"ants"},{"id":null,"word":null}]"#
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
