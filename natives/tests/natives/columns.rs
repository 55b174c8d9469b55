//! Parquet and Arrow files as streams of Arrow, and back.

use super::images::data;
use super::{WIDE, call, call_until, call_within, part};
use arrow_array::{Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use memex_natives::{Bounds, Refusal};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The samples: made by pyarrow 26 from a frame of a hundred rows, in groups of 60.
const ROWS: usize = 100;

const PARQUET: &[(&str, &[u8])] = &[
    ("snappy", data!("table.snappy.parquet")),
    ("zstd", data!("table.zstd.parquet")),
    ("lz4", data!("table.lz4.parquet")),
    ("gzip", data!("table.gzip.parquet")),
];

const ARROW: &[(&str, &[u8])] = &[
    ("lz4", data!("table.lz4.arrow")),
    ("zstd", data!("table.zstd.arrow")),
    ("stream", data!("table.arrows")),
];

fn reading(columns: Value) -> Value {
    json!({"name": "parquet.read", "columns": columns})
}

fn writing(more: &[(&str, Value)]) -> Value {
    let mut request = json!({
        "name": "parquet.write", "compression": "snappy", "level": null,
        "group_rows": 1 << 20, "dictionary": true,
    });
    for (name, value) in more {
        request[*name] = value.clone();
    }
    request
}

fn plain() -> Value {
    json!({"name": "arrow.plain"})
}

pub(super) fn batches_of(stream: &[u8]) -> Vec<RecordBatch> {
    let reader = StreamReader::try_new(Cursor::new(stream), None).unwrap();
    reader.map(Result::unwrap).collect()
}

fn batches(stream: &[u8]) -> Vec<RecordBatch> {
    let reader = StreamReader::try_new(Cursor::new(stream), None).unwrap();
    assert!(reader.schema().metadata().contains_key("pandas"));
    batches_of(stream)
}

/// The numbers, the texts and the fractions of the sample, however they are cut.
fn assert_is_the_sample(what: &str, stream: &[u8]) {
    let mut row = 0;
    for batch in batches(stream) {
        let column = |name: &str| Arc::clone(batch.column_by_name(name).unwrap());
        let numbers = column("n");
        let numbers = numbers.as_any().downcast_ref::<Int64Array>().unwrap();
        let fractions = column("f");
        let fractions = fractions.as_any().downcast_ref::<Float64Array>().unwrap();
        let texts = column("t");
        let text = |at: usize| -> Option<String> {
            if texts.is_null(at) {
                return None;
            }
            let any = texts.as_any();
            let narrow = any
                .downcast_ref::<StringArray>()
                .map(|texts| texts.value(at));
            let wide = any.downcast_ref::<arrow_array::LargeStringArray>();
            Some(narrow.unwrap_or_else(|| wide.unwrap().value(at)).to_owned())
        };
        for at in 0..batch.num_rows() {
            assert_eq!(numbers.value(at), row as i64, "{what}");
            assert!(
                (fractions.value(at) - row as f64 / 4.0).abs() < 1e-9,
                "{what}"
            );
            let wanted = (row % 5 > 0).then(|| format!("text {}", row % 7));
            assert_eq!(text(at), wanted, "{what}");
            row += 1;
        }
    }
    assert_eq!(row, ROWS, "{what}");
}

#[test]
fn parquet_files_of_other_programs_are_read() {
    for (name, file) in PARQUET {
        let stream = part(call(&reading(json!(null)), &[file]).unwrap());
        assert_is_the_sample(name, &stream);
    }
    // The wanted columns, and those that pandas made its index of.
    let notes = r#"{"index_columns": ["key", {"kind": "range"}]}"#;
    let file = part(call(&writing(&[]), &[&stream_of(&["a", "b", "key"], 3, notes)]).unwrap());
    for (wanted, read) in [
        (json!(null), &["a", "b", "key"][..]),
        (json!(["b", "none"]), &["b", "key"]),
        (json!([]), &["key"]),
    ] {
        let stream = part(call(&reading(wanted), &[&file]).unwrap());
        let schema = batches(&stream)[0].schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!(names, read);
    }
}

#[test]
fn arrow_files_of_any_form_become_plain_streams() {
    for (name, file) in ARROW {
        let stream = part(call(&plain(), &[file]).unwrap());
        assert_is_the_sample(name, &stream);
    }
}

#[test]
fn what_is_written_is_read() {
    let stream = data!("table.arrows");
    for more in [
        &[][..],
        &[("compression", json!("none"))],
        &[("compression", json!("zstd")), ("level", json!(19))],
        &[("compression", json!("gzip")), ("level", json!(9))],
        &[("compression", json!("lz4"))],
        &[("group_rows", json!(7)), ("dictionary", json!(false))],
    ] {
        let file = part(call(&writing(more), &[stream]).unwrap());
        assert_eq!(
            (&file[..4], &file[file.len() - 4..]),
            (&b"PAR1"[..], &b"PAR1"[..])
        );
        let again = part(call(&reading(json!(null)), &[&file]).unwrap());
        assert_is_the_sample(&format!("{more:?}"), &again);
        // Equal input, equal file.
        assert_eq!(part(call(&writing(more), &[stream]).unwrap()), file);
    }
    for (more, told) in [
        (&[("level", json!(3))][..], "snappy has no levels"),
        (
            &[("compression", json!("zstd")), ("level", json!(99))],
            "valid compression range",
        ),
        (
            &[("compression", json!("brotli"))],
            "unknown variant `brotli`",
        ),
        (&[("group_rows", json!(0))], "1 row or more"),
    ] {
        let refusal = call(&writing(more), &[stream]).unwrap_err();
        assert!(refusal.to_string().contains(told), "{more:?}: {refusal}");
    }
    let refusal = call(&writing(&[]), &[data!("table.lz4.arrow")]).unwrap_err();
    assert!(matches!(refusal, Refusal::Damaged(_)), "{refusal}");
}

#[test]
fn files_that_are_cut_or_wrong_stay_within_their_bounds() {
    let bounds = Bounds {
        bytes_max: 1 << 20,
        working_bytes_max: 32 << 20,
        work_max: None,
    };
    let all = PARQUET
        .iter()
        .map(|(_, file)| (reading(json!(null)), *file));
    let all = all.chain(ARROW.iter().map(|(_, file)| (plain(), *file)));
    let all = all.chain([(writing(&[]), data!("table.arrows"))]);
    for (request, file) in all {
        assert!(call_within(bounds, &request, &[file]).is_ok());
        for end in (0..file.len()).step_by(7) {
            if let Ok(answer) = call_within(bounds, &request, &[&file[..end]]) {
                assert!(part(answer).len() as u64 <= bounds.bytes_max);
            }
        }
        for at in 0..file.len() {
            let mut wrong = file.to_vec();
            wrong[at] ^= 0xff >> (at % 8);
            let begun = Instant::now();
            if let Ok(answer) = call_within(bounds, &request, &[&wrong]) {
                assert!(part(answer).len() as u64 <= bounds.bytes_max);
            }
            let took = begun.elapsed();
            assert!(took < Duration::from_secs(5), "{request} {at}: {took:?}");
        }
    }
}

/// Columns of one number, and what pandas notes of them.
fn stream_of(names: &[&str], rows: usize, notes: &str) -> Vec<u8> {
    let field = |name: &&str| Field::new(*name, DataType::Int64, false);
    let schema = Schema::new(names.iter().map(field).collect::<Vec<Field>>());
    let notes = HashMap::from([("pandas".to_owned(), notes.to_owned())]);
    let schema = Arc::new(schema.with_metadata(notes));
    let column = || Arc::new(Int64Array::from(vec![7; rows])) as Arc<dyn Array>;
    let columns = names.iter().map(|_| column()).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    stream
}

/// One column of one number, a million times: a few kilobytes in a file.
fn repeated(rows: usize) -> Vec<u8> {
    let stream = stream_of(&["a"], rows, "{}");
    part(call(&writing(&[("compression", json!("zstd"))]), &[&stream]).unwrap())
}

#[test]
fn a_bomb_of_columns_is_refused_by_what_comes_out_of_it() {
    let bomb = repeated(1 << 20);
    assert!(bomb.len() < 64 << 10, "{}", bomb.len());
    let bounds = Bounds {
        bytes_max: 8 << 20,
        ..WIDE
    };
    let refusal = call_within(bounds, &reading(json!(null)), &[&bomb]).unwrap_err();
    assert!(matches!(refusal, Refusal::OutputBytes { .. }), "{refusal}");
    let harmless = repeated(1_000_000);
    let stream = call_within(bounds, &reading(json!(null)), &[&harmless]).unwrap();
    assert!(part(stream).len() > 8_000_000);
    let bounds = Bounds {
        working_bytes_max: 1 << 20,
        ..WIDE
    };
    // Plain pages, since a dictionary of one number states next to nothing.
    assert!(call_within(bounds, &plain(), &[data!("table.lz4.arrow")]).is_ok());
    let wide = part(call(&reading(json!(null)), &[&harmless]).unwrap());
    let refusal = call_within(bounds, &plain(), &[&wide]).unwrap_err();
    assert!(matches!(refusal, Refusal::WorkingBytes { .. }), "{refusal}");
}

#[test]
fn both_ways_are_left_when_the_turn_is_to_end() {
    let file = repeated(1 << 20);
    let (answer, looks) = call_until(20, &reading(json!(null)), &[&file]);
    assert_eq!((answer, looks), (Err(Refusal::Interrupted), 21));
    let stream = part(call(&reading(json!(null)), &[&file]).unwrap());
    let (answer, looks) = call_until(20, &writing(&[]), &[&stream]);
    assert_eq!((answer, looks), (Err(Refusal::Interrupted), 21));
}
