//! Every kind of file and of value that is a table, with the right values.

use super::support::{Table, Toolbox, call, sqlite};
use arrow_array::Array as _;
use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::{
    ArrayRef, Decimal128Array, DictionaryArray, DurationMillisecondArray, RecordBatch, StructArray,
    TimestampNanosecondArray, UInt64Array, types::Int32Type,
};
use arrow_schema::{DataType, Field};
use memex_sql::{DataFiles, Databases, FileTable, SqlLimits, read_tables};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

const MAX_BYTES: usize = 64 << 20;

fn over(directory: tempfile::TempDir) -> Toolbox {
    let files = DataFiles::directory(directory.path());
    Toolbox {
        tools: Databases::builder()
            .files("files", files)
            .build()
            .unwrap()
            .tools(),
        directory,
    }
}

pub(crate) fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    directory
}

/// Rows, names and notes of the only table of a file, by both ways of reading it.
async fn both(name: &str, content: &[u8]) -> (Vec<String>, Value, Vec<String>) {
    let directory = folder(&[(name, content)]);
    let read = read_tables(&directory.path().join(name), MAX_BYTES);
    let [FileTable { value, notes, .. }] = &read.unwrap_or_else(|error| panic!("{error}"))[..]
    else {
        panic!("{name} is not one table");
    };
    let input = Table::of(value);
    let toolbox = over(directory);
    let listed = toolbox.call("list_tables", json!({})).await.unwrap().json;
    let table = listed[0]["table"].as_str().unwrap().to_owned();
    let queried = toolbox.table(&format!("SELECT * FROM \"{table}\"")).await;
    assert_eq!(input.types(), queried.types(), "{name}");
    assert_eq!(input.rows(), queried.rows(), "{name}");
    let told = queried
        .attributes
        .get("notes")
        .cloned()
        .unwrap_or_else(|| json!([]));
    let told = told.as_array().unwrap();
    let expected = (!notes.is_empty()).then(|| format!("{table}: {}", notes.join("; ")));
    assert_eq!(
        json!(told),
        json!(expected.into_iter().collect::<Vec<_>>()),
        "{name}"
    );
    (queried.types(), json!(queried.rows()), notes.clone())
}

/// A file and its content; its columns, rows, and what is told of it.
type Case<'c> = (&'c str, &'c [u8], &'c [&'c str], Value, &'c [&'c str]);

#[tokio::test]
async fn text_tables_are_read_as_they_come() {
    let utf_16: Vec<u8> = "\u{feff}a;b\nü;1\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases: [Case<'_>; 19] = [
        ("semicolon.csv", b"name;price\nA;1,5\nB;2,5\n", &["name: text", "price: float64"],
            json!([["A", 1.5], ["B", 2.5]]), &["delimiter ';'", "decimal comma in \"price\""]),
        ("thousands.csv", b"name;price;n\nA;1.234,50;1.000\nB;-7,25;12\n",
            &["name: text", "price: float64", "n: int64"],
            json!([["A", 1234.5, 1000], ["B", -7.25, 12]]),
            &["delimiter ';'", "decimal comma in \"price\"", "points between thousands in \"n\""]),
        ("points.csv", b"a;b\n1.234;x\n2.5;y\n", &["a: float64", "b: text"],
            json!([[1.234, "x"], [2.5, "y"]]), &["delimiter ';'"]),
        ("trailing.csv", b"a,b\n1,2,\n3,4,\n", &["a: int64", "b: int64"], json!([[1, 2], [3, 4]]),
            &["empty fields at the end of lines were left out"]),
        ("trailing2.csv", b"a,b,\n1,2,\n3,4,\n", &["a: int64", "b: int64"], json!([[1, 2], [3, 4]]),
            &["empty fields at the end of lines were left out"]),
        ("codes.csv", b"zip,country\n01234,NA\n10115,DE\n", &["zip: text", "country: text"],
            json!([["01234", "NA"], ["10115", "DE"]]), &[]),
        ("sep.csv", b"sep=;\nname;amount\nAnna;10\n", &["name: text", "amount: int64"],
            json!([["Anna", 10]]), &["delimiter ';'"]),
        ("sepquoted.csv", b"\"sep=|\"\na|b\n1|2\n", &["a: int64", "b: int64"], json!([[1, 2]]),
            &["delimiter '|'"]),
        ("windows.csv", b"name,price\nCaf\xe9,5 \x80\n", &["name: text", "price: text"],
            json!([["Café", "5 €"]]), &["2 fields are no UTF-8 and were decoded as Windows-1252"]),
        ("utf16.csv", &utf_16, &["a: text", "b: int64"], json!([["ü", 1]]),
            &["delimiter ';'", "decoded as UTF-16"]),
        ("preamble.csv", b"Report generated 2024-01-05\nAccount: 123\n\nDate,Amount,Payee\n2024-01-02,-3.50,Shop\n",
            &["Date: date", "Amount: float64", "Payee: text"], json!([[19_724, -3.5, "Shop"]]),
            &["the header is line 4; the lines before were left out"]),
        ("big.csv", b"id,n\n1,9223372036854775807\n2,\n3,-9007199254740993\n", &["id: int64", "n: int64"],
            json!([[1, i64::MAX], [2, null], [3, -9_007_199_254_740_993_i64]]), &[]),
        ("index.csv", b",value\na,1\nb,2\n", &["column_1: text", "value: int64"],
            json!([["a", 1], ["b", 2]]), &[]),
        ("tabs.tsv", b"a\tb,c\n1\t2,3\n", &["a: int64", "b,c: float64"], json!([[1, 2.3]]),
            &["decimal comma in \"b,c\""]),
        ("nan.jsonl", b"\xef\xbb\xbf{\"a\": NaN, \"b\": \"NaN\"}\n{\"a\": 1.5, \"b\": \"x\"}\n",
            &["a: float64", "b: text"], json!([[null, "NaN"], [1.5, "x"]]),
            &["1 numbers that are not finite (NaN, Infinity) are NULL"]),
        ("array.json", b"[{\"a\": 1, \"b\": {\"c\": [1]}},\n {\"a\": 2}]", &["a: int64", "b: text"],
            json!([[1, "{\"c\":[1]}"], [2, null]]), &["lists and objects are JSON text: \"b\""]),
        ("lines.json", b"{\"a\": 1}\n{\"a\": 2}\n", &["a: int64"], json!([[1], [2]]), &[]),
        ("halves.json", b"[{\"a\": \"x\\ud83d\"},\n {\"a\": \"\xff\"}]", &["a: text"],
            json!([["x\u{fffd}"], ["\u{fffd}"]]), &["2 places in texts are no characters, and U+FFFD"]),
        ("controls.jsonl", b"{\"a\": \"x\ty\"}\n", &["a: text"], json!([["x\ty"]]), &[]),
    ];
    for (name, content, types, rows, notes) in cases {
        let found = both(name, content).await;
        assert_eq!(found.0, types, "{name}");
        assert_eq!(found.1, rows, "{name}");
        assert_eq!(found.2, notes, "{name}");
    }
}

#[tokio::test]
async fn documents_of_json_are_tables_where_they_hold_one() {
    for (content, rows) in [
        (
            r#"{"meta": {"n": 2}, "data": [{"a": 1}, {"a": 2}]}"#,
            json!([[1], [2]]),
        ),
        (
            r#"{"a": [1, 2], "b": ["x", null]}"#,
            json!([[1, "x"], [2, null]]),
        ),
        (r#"{"a": 1, "b": "x"}"#, json!([[1, "x"]])),
        (r#"[]"#, json!("it has no columns")),
        (r#"[1, 2]"#, json!("it is no table in JSON")),
        (r#"{"a": "#, json!("it is no table in JSON")),
    ] {
        let toolbox = over(folder(&[("t.json", content.as_bytes())]));
        match rows {
            Value::String(why) => {
                let error = toolbox.error("SELECT * FROM t").await;
                assert_eq!(error.class, "ValueError");
                assert!(error.message.contains(&why), "{error}");
            }
            rows => assert_eq!(
                json!(toolbox.rows("SELECT * FROM t").await),
                rows,
                "{content}"
            ),
        }
    }
}

#[tokio::test]
async fn a_quote_that_is_never_closed_is_refused_by_its_line() {
    let toolbox = over(folder(&[
        (
            "open.csv",
            b"id,name,city\n1,\"open,Ulm\n2,b,Bern\n3,c,Bonn\n",
        ),
        ("closed.csv", b"id,name,city\n1,\"open\",Ulm\n2,b,Bern\n"),
    ]));
    assert_eq!(
        toolbox.rows("SELECT count(*) FROM closed").await,
        [[json!(2)]]
    );
    let error = toolbox.error("SELECT * FROM open").await;
    assert_eq!(error.class, "ValueError");
    assert!(
        error
            .message
            .contains("the quote that opens in line 2 is never closed"),
        "{error}"
    );
}

#[tokio::test]
async fn compressed_files_are_unpacked_within_a_bound() {
    let text = "a,b\n1,x\n2,y\n".as_bytes();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(text, 3).unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("inside.csv", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(text).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    for (name, content) in [
        ("t.csv.gz", &gzip),
        ("t.csv.zst", &zstd),
        ("t.csv.zip", &zip),
    ] {
        let (types, rows, _) = both(name, content).await;
        assert_eq!(types, ["a: int64", "b: text"], "{name}");
        assert_eq!(rows, json!([[1, "x"], [2, "y"]]), "{name}");
    }
    // A hundred megabytes of zeros in a few kilobytes.
    let bomb = zstd::encode_all(std::io::Read::take(std::io::repeat(b'0'), 100 << 20), 3).unwrap();
    let directory = folder(&[("bomb.csv.zst", &bomb), ("good.csv.zst", &zstd)]);
    let limits = SqlLimits {
        file_max_bytes: 1 << 20,
        ..SqlLimits::default()
    };
    let files = DataFiles::directory(directory.path());
    let databases = Databases::builder().limits(limits).files("files", files);
    let toolbox = Toolbox {
        tools: databases.build().unwrap().tools(),
        directory,
    };
    assert_eq!(
        toolbox.rows("SELECT count(*) FROM good").await,
        [[json!(2)]]
    );
    let error = toolbox.error("SELECT * FROM bomb").await;
    assert_eq!(error.class, "MemoryError", "{error}");
}

fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = File::create(path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[tokio::test]
async fn values_of_columns_stay_exact() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.parquet");
    let decimal = |values: Vec<Option<i128>>| -> ArrayRef {
        let array = Decimal128Array::from(values);
        Arc::new(array.with_precision_and_scale(18, 2).unwrap())
    };
    let mut lists = ListBuilder::new(Int64Builder::new());
    lists.append_value([Some(1), None]);
    lists.append_null();
    let lists = lists.finish();
    let colour: DictionaryArray<Int32Type> = vec![Some("red"), None].into_iter().collect();
    let structs = StructArray::from(vec![
        (
            Arc::new(Field::new("n", DataType::UInt64, true)),
            Arc::new(UInt64Array::from(vec![u64::MAX, 1])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("colour", colour.data_type().clone(), true)),
            Arc::new(colour) as ArrayRef,
        ),
        (
            Arc::new(Field::new("l", lists.data_type().clone(), true)),
            Arc::new(lists) as ArrayRef,
        ),
    ]);
    let nanoseconds = |values: [i64; 2]| -> ArrayRef {
        Arc::new(TimestampNanosecondArray::from(values.to_vec()))
    };
    write_parquet(
        &path,
        vec![
            (
                "money",
                decimal(vec![Some(123_456_789_012_345_678), Some(-5)]),
            ),
            ("small", decimal(vec![Some(10), None])),
            ("big", Arc::new(UInt64Array::from(vec![u64::MAX, 1]))),
            ("fits", Arc::new(UInt64Array::from(vec![7, 1]))),
            ("fine", nanoseconds([1, 1_000_000_000])),
            ("coarse", nanoseconds([1000, 0])),
            (
                "span",
                Arc::new(DurationMillisecondArray::from(vec![1500, 0])),
            ),
            ("record", Arc::new(structs)),
        ],
    );
    let (types, rows, notes) = both("t.parquet", &std::fs::read(&path).unwrap()).await;
    assert_eq!(
        types,
        [
            "money: text",
            "small: float64",
            "big: text",
            "fits: int64",
            "fine: text",
            "coarse: timestamp",
            "span: int64",
            "record: text"
        ]
    );
    assert_eq!(
        rows,
        json!([
            [
                "1234567890123456.78",
                0.1,
                "18446744073709551615",
                7,
                "1970-01-01 00:00:00.000000001",
                1,
                1500,
                "{\"n\":18446744073709551615,\"colour\":\"red\",\"l\":[1,null]}"
            ],
            [
                "-0.05",
                null,
                "1",
                1,
                "1970-01-01 00:00:01.000000000",
                0,
                0,
                "{\"n\":1,\"colour\":null,\"l\":null}"
            ],
        ])
    );
    assert_eq!(
        notes,
        [
            "numbers that need more digits than 64 bits have are text: \"money\", \"big\"",
            "times with nanoseconds are text: \"fine\"",
            "durations are integers of their unit: \"span\"",
            "lists and structs are JSON text: \"record\"",
        ]
    );
}

#[tokio::test]
async fn folders_of_partitions_are_one_table() {
    let directory = folder(&[
        ("sales/year=2023/month=01/a.csv", b"id,x\n1,one\n"),
        ("sales/year=2024/month=02/b.csv", b"x,id,new\ntwo,2,7.5\n"),
        (
            "sales/year=__HIVE_DEFAULT_PARTITION__/month=03/c.csv",
            b"id,x\n3,three\n",
        ),
        ("sales/year=2024/_SUCCESS", b""),
        ("plain.csv", b"y\n1\n"),
    ]);
    for (year, values) in [("2023", [1, 2]), ("2024", [3, 4])] {
        let path = directory.path().join(format!("year={year}/part-0.parquet"));
        write_parquet(
            &path,
            vec![("n", Arc::new(UInt64Array::from(values.to_vec())))],
        );
    }
    let root = directory.path().to_owned();
    let toolbox = over(directory);
    let listed = toolbox.call("list_tables", json!({})).await.unwrap().json;
    let names = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["table"].as_str().unwrap());
    let names: Vec<&str> = names.collect();
    assert_eq!(names[..2], ["plain", "sales"]);
    assert_eq!(names.len(), 3, "{names:?}");
    let sales = toolbox.table("SELECT * FROM sales ORDER BY month").await;
    assert_eq!(
        sales.types(),
        [
            "id: int64",
            "x: text",
            "new: float64",
            "year: int64",
            "month: text"
        ]
    );
    assert_eq!(
        json!(sales.rows()),
        json!([
            [1, "one", null, 2023, "01"],
            [2, "two", 7.5, 2024, "02"],
            [3, "three", null, null, "03"],
        ])
    );
    let parts = toolbox
        .rows(&format!("SELECT n, year FROM {} ORDER BY n", names[2]))
        .await;
    assert_eq!(
        json!(parts),
        json!([[1, 2023], [2, 2023], [3, 2024], [4, 2024]])
    );
    // As an input, a folder of partitions alone is one table.
    let tables = read_tables(&root.join("sales"), MAX_BYTES).unwrap();
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0].size(), (3, 5));
}

#[tokio::test]
async fn a_single_file_is_a_database() {
    let directory = folder(&[("a.csv", b"x\n1\n"), ("b.csv", b"y\n1\n")]);
    let path = directory.path().join("a.csv");
    let lite = sqlite(
        directory.path(),
        "d.sqlite",
        "CREATE TABLE t(x); INSERT INTO t VALUES (5)",
    );
    for (path, table, rows) in [(path, "a", json!([[1]])), (lite, "t", json!([[5]]))] {
        let tools = Databases::builder()
            .path("d", &path)
            .build()
            .unwrap()
            .tools();
        let listed = call(&tools, "list_tables", json!({})).await.unwrap().json;
        assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
        let query = json!({ "query": format!("SELECT * FROM {table}") });
        let answer = call(&tools, "sql", query).await.unwrap();
        assert_eq!(json!(Table::of(&answer).rows()), rows);
    }
    let none = Databases::builder()
        .path("d", directory.path().join("none.csv"))
        .build();
    assert!(none.is_err());
}

#[tokio::test]
async fn files_that_are_no_tables_are_named_where_there_is_no_table() {
    let toolbox = over(folder(&[("notes.docx", b"x"), ("old.xls", b"y")]));
    let error = toolbox.call("list_tables", json!({})).await.unwrap_err();
    assert!(error.message.contains("notes.docx, old.xls"), "{error}");
    let empty = over(folder(&[]));
    let listed = empty.call("list_tables", json!({})).await.unwrap().json;
    assert_eq!(listed, json!([]));
}
