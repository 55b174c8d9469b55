//! Tables on their way out and in.

use crate::support::{Session, head};
use bytes::Bytes;
use memex_channel::OP_CALL;
use memex_host_tools::{
    Answer, BinaryBuilder, Column, ColumnType, NumberBuilder, NumberType, Table, TextBuilder,
    immediate,
};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

fn decoded(answer: &Answer) -> Table {
    let parts: Vec<Bytes> = answer.parts.iter().cloned().map(Bytes::from).collect();
    Table::decode(&answer.json, &parts).unwrap()
}

fn text_column(values: &[Option<&str>]) -> Column {
    let mut builder = TextBuilder::new();
    for value in values {
        match value {
            Some(value) => builder.push(value),
            None => builder.push_null(),
        }
    }
    builder.finish("t").unwrap()
}

fn encoded(column: Column) -> (Value, Vec<Vec<u8>>) {
    let answer = Answer::from(Table::new(vec![column]).unwrap());
    (answer.json["$table"]["columns"][0].clone(), answer.parts)
}

#[test]
fn columns_are_encoded_as_the_protocol_says() {
    let mut stamps = NumberBuilder::<i64>::new();
    stamps.push(1_000_000);
    stamps.push_null();
    let mut dates = NumberBuilder::<i32>::new();
    dates.push(-1);
    let mut blobs = BinaryBuilder::new();
    blobs.push(b"ab");
    blobs.push_null();
    blobs.push(b"");
    let cases = [
        (
            Column::numbers("n", [1_i16, -2]),
            json!({ "name": "n", "type": "int16", "data": 0 }),
            vec![vec![1, 0, 0xfe, 0xff]],
        ),
        (
            Column::nullable_numbers("n", [Some(true), None, Some(false)]),
            json!({ "name": "n", "type": "bool", "data": 0, "valid": 1 }),
            vec![vec![1, 0, 0], vec![1, 0, 1]],
        ),
        (
            Column::from_le_bytes("f", NumberType::Float32, vec![0, 0, 128, 63]).unwrap(),
            json!({ "name": "f", "type": "float32", "data": 0 }),
            vec![1_f32.to_le_bytes().to_vec()],
        ),
        (
            stamps.clone().finish_timestamps("s", true),
            json!({ "name": "s", "type": "timestamp", "data": 0, "tz": "UTC", "valid": 1 }),
            vec![
                vec![0x40, 0x42, 0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                vec![1, 0],
            ],
        ),
        (
            dates.finish_dates("d"),
            json!({ "name": "d", "type": "date", "data": 0 }),
            vec![vec![255; 4]],
        ),
        (
            text_column(&[Some("a"), None, Some("å")]),
            json!({ "name": "t", "type": "text", "data": 0, "separator": "\0", "valid": 1 }),
            vec!["a\0\0å".as_bytes().to_vec(), vec![1, 0, 1]],
        ),
        (
            text_column(&[Some("a"), Some("b\0c"), Some("")]),
            json!({ "name": "t", "type": "text", "data": 0, "ends": 1 }),
            vec![b"ab\0c".to_vec(), vec![1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0]],
        ),
        (
            text_column(&[
                Some("x"),
                None,
                Some("x"),
                Some("y"),
                Some("x"),
                Some("x"),
                Some("x"),
                Some("x"),
            ]),
            json!({ "name": "t", "type": "text", "codes": 0, "values": ["x", "y"] }),
            vec![
                [0_i32, -1, 0, 1, 0, 0, 0, 0]
                    .iter()
                    .flat_map(|c| c.to_le_bytes())
                    .collect(),
            ],
        ),
        (
            blobs.finish("b").unwrap(),
            json!({ "name": "b", "type": "bytes", "data": 0, "ends": 1, "valid": 2 }),
            vec![
                b"ab".to_vec(),
                vec![2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0],
                vec![1, 0, 1],
            ],
        ),
        (
            Column::json("j", vec![json!({ "a": 1 }), json!(null)]),
            json!({ "name": "j", "type": "json", "values": [{ "a": 1 }, null] }),
            vec![],
        ),
        (
            text_column(&[]),
            json!({ "name": "t", "type": "text", "codes": 0, "values": [] }),
            vec![vec![]],
        ),
    ];
    for (column, json, parts) in cases {
        let before = column.clone();
        assert_eq!(encoded(column.clone()), (json, parts));
        let answer = Answer::from(Table::new(vec![column]).unwrap());
        assert_eq!(decoded(&answer).columns(), [before]);
    }
}

#[test]
fn text_moves_from_a_dictionary_to_plain_when_values_differ() {
    let same: Vec<String> = (0..10_000).map(|n| format!("value {}", n % 50)).collect();
    let differ: Vec<String> = (0..10_000).map(|n| format!("value {n}")).collect();
    let late: Vec<String> = (0..10_000)
        .map(|n| {
            if n < 9_000 {
                "one".to_owned()
            } else {
                format!("{n}\0")
            }
        })
        .collect();
    for (values, key) in [(same, "codes"), (differ, "separator"), (late, "codes")] {
        let column = Column::text("t", &values).unwrap();
        let read: Vec<&str> = column.read_text().unwrap().flatten().collect();
        assert_eq!(read, values);
        assert!(encoded(column).0.get(key).is_some(), "{key}");
    }
}

#[test]
fn a_million_rows_move_without_a_copy() {
    let data = vec![7_u8; 8_000_000];
    let address = data.as_ptr();
    let column = Column::from_le_bytes("n", NumberType::Int64, data).unwrap();
    let answer = Answer::from(Table::new(vec![column]).unwrap());
    assert_eq!(answer.parts[0].as_ptr(), address);
    let table = decoded(&answer);
    assert_eq!(table.rows(), 1_000_000);
    let first = table.columns()[0].read_numbers::<i64>().unwrap().next();
    assert_eq!(first, Some(Some(0x0707_0707_0707_0707)));
}

#[test]
fn tables_are_arguments_and_results_of_typed_functions() {
    #[derive(Deserialize, JsonSchema)]
    struct Input {
        table: Table,
        column: String,
    }
    let double = immediate("double", "Doubles.", |_, input: Input| {
        let column = input.table.column(&input.column);
        let values = column.and_then(|column| column.read_numbers::<i64>());
        let doubled = values.into_iter().flatten().map(|n| n.map(|n| 2 * n));
        Ok(Table::new(vec![Column::nullable_numbers(
            "doubled", doubled,
        )])?)
    });
    let mut session = Session::new(vec![Arc::new(double)]);
    let mut call = |table: Value, parts: &[&[u8]]| {
        let arguments = json!({ "table": table, "column": "n" });
        let call = json!({ "tool": "double", "arguments": arguments }).to_string();
        session.frame(OP_CALL, call.as_bytes(), parts)
    };
    let column = json!({ "name": "n", "type": "int64", "data": 0, "valid": 1 });
    let table = json!({ "$table": { "rows": 2, "columns": [column] } });
    let reply = call(
        table.clone(),
        &[&[21, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], &[1, 0]],
    );
    let column = json!({ "name": "doubled", "type": "int64", "data": 0, "valid": 1 });
    assert_eq!(
        head(&reply),
        Ok(json!({ "result": { "$table": { "rows": 2, "columns": [column] } } }))
    );
    assert_eq!(reply.parts[0][..8], 42_i64.to_le_bytes());
    assert_eq!(reply.parts[1], [1, 0]);
    let refusal = head(&call(table, &[&[0; 15], &[1, 0]])).unwrap_err();
    let expected = "ValueError: double: the table cannot be used: column \"n\": \
        `data` has 15 bytes where 2 rows need 8 each";
    assert_eq!(refusal, expected);
}

#[test]
fn tables_that_lie_are_refused() {
    let parts: Vec<Bytes> = [
        b"ab".to_vec(),
        1_u32.to_le_bytes().to_vec(),
        "å".into(),
        vec![0xff],
    ]
    .map(Bytes::from)
    .to_vec();
    let columns = [
        (1, json!({ "type": "int8" }), "column has no name"),
        (
            1,
            json!({ "name": "a", "type": "int8" }),
            "`data` names no part",
        ),
        (
            1,
            json!({ "name": "a", "type": "int8", "data": 9 }),
            "`data` names no part",
        ),
        (
            1,
            json!({ "name": "a", "type": "int8", "data": 0 }),
            "2 bytes where 1 rows",
        ),
        (
            1,
            json!({ "name": "a", "type": "int7", "data": 0 }),
            "no type \"int7\"",
        ),
        (
            1,
            json!({ "name": "a", "type": "text", "data": 0 }),
            "neither",
        ),
        (
            1,
            json!({ "name": "a", "type": "text", "data": 0, "ends": 1 }),
            "left over",
        ),
        (
            1,
            json!({ "name": "a", "type": "text", "data": 2, "ends": 1 }),
            "no end of a value",
        ),
        (
            1,
            json!({ "name": "a", "type": "text", "data": 3, "ends": 1 }),
            "not UTF-8",
        ),
        (
            3,
            json!({ "name": "a", "type": "text", "data": 0, "separator": "b" }),
            "2 values, not 3",
        ),
        (
            0,
            json!({ "name": "a", "type": "text", "data": 0, "separator": "b" }),
            "1 values, not 0",
        ),
        (
            2,
            json!({ "name": "a", "type": "text", "data": 0, "separator": "ab" }),
            "neither",
        ),
        (
            1,
            json!({ "name": "a", "type": "text", "codes": 1, "values": ["x"] }),
            "names no value",
        ),
        (
            1,
            json!({ "name": "a", "type": "text", "codes": 1, "values": [1] }),
            "no array of text",
        ),
        (
            1,
            json!({ "name": "a", "type": "bytes", "data": 0, "ends": 1 }),
            "left over",
        ),
        (
            2,
            json!({ "name": "a", "type": "json", "values": [1] }),
            "no array of 2 values",
        ),
        (
            1,
            json!({ "name": "a", "type": "date", "data": 1, "valid": 0 }),
            "2 bytes where 1 rows",
        ),
        (
            0,
            json!({ "name": "a", "type": "timestamp", "data": 0, "tz": "Asia/Tokyo" }),
            "2 bytes",
        ),
        (usize::MAX, json!({}), "no number of rows"),
    ];
    for (rows, column, expected) in columns {
        let table = json!({ "$table": { "rows": rows, "columns": [column] } });
        let error = Table::decode(&table, &parts).unwrap_err().to_string();
        assert!(error.contains(expected), "{table}: {error}");
    }
    for table in [
        json!(1),
        json!({ "$table": 1 }),
        json!({ "$table": { "rows": 1 } }),
    ] {
        assert!(Table::decode(&table, &parts).is_err(), "{table}");
    }
}

#[test]
fn rows_are_paid_for_by_columns() {
    let table =
        |rows: u64, columns: Value| json!({ "$table": { "rows": rows, "columns": columns } });
    for rows in [1, 4_294_967_295] {
        let error = Table::decode(&table(rows, json!([])), &[]).unwrap_err();
        assert!(error.to_string().contains("rows and no columns"), "{error}");
    }
    assert_eq!(Table::decode(&table(0, json!([])), &[]).unwrap().rows(), 0);
    let column = json!([{ "name": "a", "type": "int8", "data": 0 }]);
    let part = Bytes::from_static(&[1; 3]);
    assert_eq!(Table::decode(&table(3, column), &[part]).unwrap().rows(), 3);
}

#[test]
fn columns_must_fit_together() {
    let error = |columns: Vec<Column>| Table::new(columns).unwrap_err().to_string();
    assert_eq!(
        error(vec![
            Column::numbers("a", [1]),
            Column::numbers("b", [1, 2])
        ]),
        "the table cannot be used: column \"b\": it has 2 rows where others have 1"
    );
    assert_eq!(
        error(vec![Column::numbers("a", [1]), Column::numbers("a", [1])]),
        "the table cannot be used: column \"a\": an earlier column has this name; give it another"
    );
    assert!(Column::from_le_bytes("a", NumberType::Int32, vec![0; 5]).is_err());
    assert!(serde_json::to_value(Table::default()).is_ok());
    let outside = Table::new(vec![Column::numbers("a", [1])]).unwrap();
    assert!(
        serde_json::to_value(outside).is_err(),
        "only as a tool's answer"
    );
}

proptest! {
    #[test]
    fn text_comes_back(values in prop::collection::vec(
        prop::option::of(prop_oneof!["[ab]{0,1}", ".{0,6}", Just("x\0y".to_owned())]), 0..200
    )) {
        let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        let column = text_column(&values);
        prop_assert_eq!(column.column_type(), ColumnType::Text);
        let read: Vec<Option<&str>> = column.read_text().unwrap().collect();
        prop_assert_eq!(&read, &values);
        let table = decoded(&Table::new(vec![column]).unwrap().into());
        let read: Vec<Option<&str>> = table.columns()[0].read_text().unwrap().collect();
        prop_assert_eq!(&read, &values);
    }

    #[test]
    fn any_table_is_one_or_an_error(
        rows in 0_usize..4,
        kind in prop_oneof![Just("int8"), Just("text"), Just("bytes"), Just("json"), Just("date")],
        keys in prop::collection::btree_map(
            prop_oneof![
                Just("data"), Just("ends"), Just("codes"), Just("valid"), Just("values"),
                Just("separator"), Just("tz"),
            ],
            prop_oneof![
                (0..4).prop_map(|n| json!(n)), Just(json!("\0")), Just(json!(["a", "b"])),
            ],
            0..5,
        ),
        parts in prop::collection::vec(prop::collection::vec(0_u8..4, 0..13), 4),
    ) {
        let mut column = json!(keys);
        column["name"] = json!("a");
        column["type"] = json!(kind);
        let parts: Vec<Bytes> = parts.into_iter().map(Bytes::from).collect();
        let table = json!({ "$table": { "rows": rows, "columns": [column] } });
        if let Ok(table) = Table::decode(&table, &parts) {
            let column = &table.columns()[0];
            let read = match column.column_type() {
                ColumnType::Text => column.read_text().unwrap().count(),
                ColumnType::Binary => column.read_binary().unwrap().count(),
                ColumnType::Json => column.read_json().unwrap().len(),
                ColumnType::Date => column.read_numbers::<i32>().unwrap().count(),
                _ => column.read_numbers::<i8>().unwrap().count(),
            };
            prop_assert_eq!(read, rows);
            prop_assert_eq!(decoded(&table.clone().into()), table);
        }
    }
}
