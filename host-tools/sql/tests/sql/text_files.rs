//! CSV, TSV and JSON lines as tables.

use super::data_files::toolbox;
use serde_json::{Value, json};

#[tokio::test]
async fn csv_columns_have_the_types_of_their_values() {
    let toolbox = toolbox(&[(
        "a.csv",
        b"\xef\xbb\xbfid,amount,code,day,at,yes,note,id,big,none\n\
          1,2.5,007,2024-01-02,2024-01-02 03:04:05,true,\"two\nlines, one \"\"field\"\"\",7,12345678901234567890,\n\
          -2,NA,12,,2024-01-03,False,caf\xe9,8,1,\n\
          3\n",
    )]);
    let table = toolbox.table("SELECT * FROM a").await;
    assert_eq!(
        table.types(),
        [
            "id: int64",
            "amount: float64",
            "code: text",
            "day: date",
            "at: timestamp",
            "yes: bool",
            "note: text",
            "id_2: int64",
            "big: text",
            "none: text"
        ]
    );
    assert_eq!(
        Value::from(
            table
                .rows()
                .into_iter()
                .map(Value::from)
                .collect::<Vec<_>>()
        ),
        json!([
            [
                1,
                2.5,
                "007",
                19_724,
                1_704_164_645_000_000_i64,
                true,
                "two\nlines, one \"field\"",
                7,
                "12345678901234567890",
                null
            ],
            [
                -2,
                null,
                "12",
                null,
                1_704_240_000_000_000_i64,
                false,
                "café",
                8,
                "1",
                null
            ],
            [3, null, null, null, null, null, null, null, null, null],
        ])
    );
}

#[tokio::test]
async fn delimiters_are_found() {
    let toolbox = toolbox(&[
        ("comma.csv", b"a,b\n1,2\n"),
        ("semicolon.csv", b"a;\"x,y,z\"\r\n1;2,5\r\n"),
        ("pipe.csv", b"a|b\n1|2\n"),
        ("tab.csv", b"a\tb\n1\t2\n"),
        ("t.tsv", b"a,b\tc\n1\t2\n"),
        ("single.csv", b"a\n1\n\n2"),
        ("head.csv", b"a,b\n"),
    ]);
    for (table, types, rows) in [
        ("comma", &["a: int64", "b: int64"][..], 1),
        ("semicolon", &["a: int64", "x,y,z: float64"], 1),
        ("pipe", &["a: int64", "b: int64"], 1),
        ("tab", &["a: int64", "b: int64"], 1),
        ("t", &["a,b: int64", "c: int64"], 1),
        ("single", &["a: int64"], 2),
        ("head", &["a: text", "b: text"], 0),
    ] {
        let found = toolbox.table(&format!("SELECT * FROM {table}")).await;
        assert_eq!(found.types(), types, "{table}");
        assert_eq!(found.rows().len(), rows, "{table}");
    }
}

#[tokio::test]
async fn files_that_are_no_tables_are_said_to_be_none() {
    let toolbox = toolbox(&[
        ("empty.csv", b""),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n"),
        ("bad.jsonl", b"{\"a\": 1}\n[1]\n"),
        ("bad.parquet", b"PAR1 not at all PAR1"),
        ("bad.arrow", b"ARROW1 not at all"),
        ("bad2.arrows", b"\xff\xff\xff\xff\xff\xff\xff\x7f"),
        ("good.csv", b"a\n1\n"),
    ]);
    for (table, message) in [
        ("empty", "cannot be loaded from its csv file: it is empty"),
        ("ragged", "line 3 has 3 fields, the first line has 2"),
        ("bad_jsonl", "line 2 is no JSON object"),
        ("bad_parquet", "cannot be loaded from its parquet file"),
        ("bad", "cannot be loaded from its arrow file"),
        ("bad2", "cannot be loaded from its arrow file"),
    ] {
        let error = toolbox.error(&format!("SELECT * FROM {table}")).await;
        assert_eq!(error.class, "ValueError", "{table}: {error}");
        assert!(error.message.contains(message), "{table}: {error}");
    }
    assert_eq!(toolbox.rows("SELECT a FROM good").await, [[json!(1)]]);
    let unknown = toolbox.error("SELECT * FROM goood").await;
    assert!(unknown.message.contains("did you mean good?"), "{unknown}");
}

#[tokio::test]
async fn json_lines_have_a_column_for_every_key() {
    let toolbox = toolbox(&[(
        "a.jsonl",
        b"{\"z\": 1, \"a\": \"x\", \"yes\": true, \"when\": \"2024-01-02\", \"deep\": {\"k\": [1]}, \"mixed\": 1}\n\
          \n\
          {\"z\": 2.5, \"b\": null, \"a\": \"7\", \"mixed\": \"1\", \"Z\": 3}",
    )]);
    let table = toolbox.table("SELECT * FROM a").await;
    assert_eq!(
        table.types(),
        [
            "z: float64",
            "a: text",
            "yes: bool",
            "when: date",
            "deep: text",
            "mixed: text",
            "b: text",
            "Z_2: int64"
        ]
    );
    assert_eq!(
        table.rows(),
        [
            json!([1.0, "x", true, 19_724, "{\"k\":[1]}", "1", null, null]),
            json!([2.5, "7", null, null, null, "1", null, 3]),
        ]
        .map(|row| row.as_array().unwrap().clone())
    );
    assert_eq!(
        toolbox
            .rows("SELECT deep ->> '$.k[0]' FROM a LIMIT 1")
            .await,
        [[json!(1)]]
    );
}
