//! Live scope: objects that a run begins with.

use crate::support::{after, agent, coder, runs, says, shown};
use crate::workers::{remote, workers};
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use memex_agent::{Backend, Cancellation, Input, NoWatcher, RunRequest};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::Arc;

#[test]
fn files_become_objects_that_a_model_is_told_by_type_and_size() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("notes")).unwrap();
    fs::write(at("notes/a.txt"), "first").unwrap();
    fs::write(at("notes/b.txt"), "second").unwrap();
    fs::write(at("table.csv"), "id,name\n1,ants\n2,bees\n").unwrap();
    fs::write(at("tree.json"), r#"{"a": [1, 2]}"#).unwrap();
    fs::write(
        at("codes.csv"),
        "zip;country;price\n01234;NA;1,5\n10115;DE;2\n",
    )
    .unwrap();
    fs::create_dir_all(at("parts/year=2024")).unwrap();
    parquet(&at("parts/year=2024/p.parquet"));
    fs::write(at("odd.json"), "\u{feff}[NaN, \"ü\"]").unwrap();
    fs::write(at("lines.jsonl"), "{\"n\": 1}\n{\"n\": 2}\n").unwrap();
    fs::write(at("long.txt"), "secret word ".repeat(1_000_000)).unwrap();
    parquet(&at("sales.parquet"));
    let result = agent(coder(), vec![runs("x = 1"), says("done")])
        .run(RunRequest {
            trajectory: Some(at("run.jsonl")),
            ..RunRequest::new("Make a record.")
        })
        .unwrap();
    let inputs = [
        (
            "notes",
            "notes",
            "len(notes), notes['b.txt']",
            "(2, 'second')",
            "notes: dict[str, str] of 2, 11 characters: 'a.txt' (5), 'b.txt' (6)",
        ),
        (
            "table",
            "table.csv",
            "table.shape, table.name[1]",
            "((2, 2), 'bees')",
            "table: DataFrame[2 × 2] (id int64, name str)",
        ),
        (
            "codes",
            "codes.csv",
            "codes.values.tolist()",
            "[['01234', 'NA', 1.5], ['10115', 'DE', 2.0]]",
            "codes: read from csv: delimiter ';'; decimal comma in \"price\"",
        ),
        (
            "parts",
            "parts",
            "parts.shape, parts.year.tolist()",
            "((3, 3), [2024, 2024, 2024])",
            "parts: DataFrame[3 × 3] (",
        ),
        ("odd", "odd.json", "odd", "[None, 'ü']", "odd: list[2]"),
        (
            "sales",
            "sales.parquet",
            "sales.shape, float(sales.amount.sum()), sales.region[2], str(sales.amount.dtype)",
            "((3, 2), 42.5, 'south', 'float64')",
            "sales: DataFrame[3 × 2] (region str, amount float64)",
        ),
        (
            "tree",
            "tree.json",
            "tree['a']",
            "[1, 2]",
            "tree: dict of {'a': list[2]}",
        ),
        (
            "lines",
            "lines.jsonl",
            "[line['n'] for line in lines]",
            "[1, 2]",
            "lines: list[2] of {'n': int}",
        ),
        (
            "long",
            "long.txt",
            "len(long)",
            "12000000",
            "long: str, 12 000 000 characters",
        ),
        (
            "past",
            "run.jsonl",
            "past[0].steps[2].code, past[0].status, type(past[0].steps[0]).__name__",
            "('x = 1', 'answered', 'Step')",
            "past: list[1] of Trajectory {'id': str",
        ),
    ];
    for (name, file, code, expected, told) in inputs {
        let request = RunRequest {
            inputs: vec![Input::new(name, at(file)).unwrap()],
            ..RunRequest::new("Look.")
        };
        let looked = agent(coder(), vec![runs(code), says("done")])
            .run(request)
            .unwrap();
        assert_eq!(shown(&looked), [expected], "{name}");
        let system = &looked.trajectory.steps[0].text;
        assert!(system.contains(told), "{name}: {system}");
        assert!(!system.contains("secret"), "{name}");
    }
    assert_eq!(result.answer.as_deref(), Some("done"));
}

#[test]
fn inputs_that_cannot_be_had_are_told_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.json");
    fs::write(&bad, "{").unwrap();
    let torn = folder.path().join("torn.parquet");
    parquet(&torn);
    let whole = fs::read(&torn).unwrap();
    fs::write(&torn, &whole[..whole.len() / 2]).unwrap();
    let lines = folder.path().join("lines.jsonl");
    fs::write(&lines, "{\"n\": 1}\n{\"n\": \n").unwrap();
    let picture = folder.path().join("picture.bin");
    fs::write(&picture, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff").unwrap();
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    fs::write(pictures.join("one.png"), b"\x89PNG\0\xff").unwrap();
    let open = folder.path().join("open.csv");
    fs::write(&open, "id,name\n1,\"open\n2,b\n").unwrap();
    for name in ["no name", "class", "1st", ""] {
        assert!(Input::new(name, "x").is_err(), "{name}");
    }
    for (path, told) in [
        (bad, "EOF"),
        (torn, "cannot be read as a table"),
        (lines, "line 2"),
        (folder.path().join("none.csv"), "No such file"),
        (picture, "it is no text"),
        (pictures, "none of its files is text (one.png)"),
        (open, "the quote that opens in line 2 is never closed"),
    ] {
        let request = RunRequest {
            inputs: vec![Input::new("data", path).unwrap()],
            ..RunRequest::new("Look.")
        };
        let error = agent(coder(), vec![says("never")])
            .run(request)
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{error}");
    }
}

/// A table of three rows.
fn parquet(path: &Path) {
    let schema = Arc::new(Schema::new(vec![
        Field::new("region", DataType::Utf8, false),
        Field::new("amount", DataType::Float64, true),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["north", "east", "south"])),
        Arc::new(Float64Array::from(vec![Some(40.0), None, Some(2.5)])),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let file = fs::File::create(path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_frame_can_be_changed_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sales.parquet");
    parquet(&path);
    let request = RunRequest {
        inputs: vec![Input::new("sales", path).unwrap()],
        ..RunRequest::new("Look.")
    };
    let code =
        "sales.loc[1, 'amount'] = 1.0\nsales['half'] = sales.amount / 2\nprint(sales.half.sum())";
    let result = agent(coder(), vec![runs(code), says("done")])
        .run(request)
        .unwrap();
    assert!(
        shown(&result)[0].starts_with("21.75"),
        "{:?}",
        shown(&result)
    );
}

#[test]
fn values_are_objects_too_and_come_back_on_resuming() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("run.jsonl");
    let values = [
        ("limit", json!(41)),
        ("names", json!(["a", "b"])),
        ("rates", json!({ "x": 0.5 })),
    ];
    let inputs = values.map(|(name, value)| Input::value(name, value).unwrap());
    let mut config = coder();
    config.save_scope = false;
    let code = "print(limit + 1, names[1], rates['x'])";
    let fails = memex_models::ScriptEntry {
        fail: Some(memex_models::Failure::Disconnect),
        ..says("")
    };
    let first = agent(config.clone(), vec![runs(code), fails])
        .run(RunRequest {
            inputs: inputs.into(),
            trajectory: Some(saved.clone()),
            ..RunRequest::new("Look.")
        })
        .unwrap();
    assert_eq!(shown(&first), ["42 b 0.5"]);
    for told in [
        "limit: int\n",
        "names: list[2] of str\n",
        "rates: dict of {'x': float}",
    ] {
        assert!(first.trajectory.steps[0].text.contains(told), "{told}");
    }
    let next = agent(config, vec![runs("limit"), after("41", says("done"))])
        .resume(&saved, Cancellation::new(), Box::new(NoWatcher))
        .unwrap();
    assert_eq!(next.status.word(), "answered", "{:?}", shown(&next));
}

#[test]
fn a_record_opens_no_file_whose_content_it_does_not_have() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("notes")).unwrap();
    fs::write(at("notes/a.txt"), "first").unwrap();
    fs::write(at("given.txt"), "given").unwrap();
    fs::write(at("secret.txt"), "secret of the host").unwrap();
    let mut config = coder();
    config.save_scope = false;
    let fails = memex_models::ScriptEntry {
        fail: Some(memex_models::Failure::Disconnect),
        ..says("")
    };
    let inputs = [("given", "given.txt"), ("notes", "notes")];
    let inputs = inputs.map(|(name, file)| Input::new(name, at(file)).unwrap());
    agent(config.clone(), vec![runs("print(given, notes)"), fails])
        .run(RunRequest {
            inputs: inputs.into(),
            trajectory: Some(at("run.jsonl")),
            ..RunRequest::new("Look.")
        })
        .unwrap();
    let record = fs::read_to_string(at("run.jsonl")).unwrap();
    let resume = |record: &str| {
        fs::write(at("taken.jsonl"), record).unwrap();
        let script = vec![runs("print(given, len(notes))"), says("done")];
        agent(config.clone(), script).resume(
            &at("taken.jsonl"),
            Cancellation::new(),
            Box::new(NoWatcher),
        )
    };
    let taken_up = resume(&record).unwrap();
    assert_eq!(shown(&taken_up).last().unwrap(), "given 1");
    let (given, secret) = (at("given.txt"), at("secret.txt"));
    let (given, secret) = (given.to_str().unwrap(), secret.to_str().unwrap());
    let edited = |edit: &dyn Fn(&mut serde_json::Value)| {
        let (head, steps) = record.split_once('\n').unwrap();
        let mut head: serde_json::Value = serde_json::from_str(head).unwrap();
        edit(&mut head["metadata"]["inputs"][0]);
        format!("{head}\n{steps}")
    };
    let pointed_at = |path: &str| edited(&|input| input["path"] = json!(path));
    let bare = |path: &str| {
        edited(&|input| {
            input["path"] = json!(path);
            input.as_object_mut().unwrap().remove("sha256");
        })
    };
    for (record, told) in [
        (pointed_at(secret), "is not what the run began with"),
        (bare(secret), "has no sha256 of it"),
        (bare(given), "has no sha256 of it"),
        (pointed_at("/dev/zero"), "there is no such file"),
        (pointed_at(at("notes").to_str().unwrap()), "is not what"),
    ] {
        let refused = resume(&record).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
        assert!(!refused.contains("secret of the host"), "{refused}");
    }
    fs::write(given, "changed").unwrap();
    let refused = resume(&record).unwrap_err().to_string();
    assert!(
        refused.contains("is not what the run began with"),
        "{refused}"
    );
}

#[test]
fn a_folder_of_runs_is_a_list_of_them() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..3 {
        let request = RunRequest {
            trajectory: Some(folder.path().join(format!("{number}.jsonl"))),
            ..RunRequest::new(format!("Task {number}."))
        };
        agent(coder(), vec![runs("1"), says("done")])
            .run(request)
            .unwrap();
    }
    let request = RunRequest {
        inputs: vec![Input::new("past", folder.path()).unwrap()],
        ..RunRequest::new("Look.")
    };
    let result = agent(
        coder(),
        vec![runs("[run.task for run in past]"), says("done")],
    )
    .run(request)
    .unwrap();
    assert_eq!(shown(&result), ["['Task 0.', 'Task 1.', 'Task 2.']"]);
}

/// What is in an input is for code to print; a description tells no more than its shape.
#[test]
fn every_backend_describes_the_scope_and_tells_nothing_of_what_is_in_it() {
    let values = [
        ("word", json!("sesame")),
        ("words", json!(["sesame"])),
        ("by_name", json!({ "a": "sesame", "b": "sesame" })),
        ("number", json!(271_828)),
    ];
    for backend in [Backend::InProcess, Backend::Subprocess, Backend::Pool] {
        let inputs = values
            .clone()
            .map(|(name, value)| Input::value(name, value).unwrap());
        let replies = vec![runs("print(word)"), after("sesame", says("done"))];
        let result = remote(backend, &workers(), replies)
            .run(RunRequest {
                inputs: inputs.into(),
                ..RunRequest::new("Look.")
            })
            .unwrap();
        assert_eq!(result.status.word(), "answered", "{:?}", shown(&result));
        let system = &result.trajectory.steps[0].text;
        let told = "In the scope already:\nword: str, 6 characters\nwords: list[1] of str\n\
            by_name: dict[str, str] of 2, 12 characters: 'a' (6), 'b' (6)\nnumber: int";
        assert!(system.contains(told), "{backend:?}: {system}");
        assert!(!system.contains("sesame") && !system.contains("271828"));
    }
}
