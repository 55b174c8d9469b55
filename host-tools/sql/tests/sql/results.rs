//! What values become.

use super::support::{Table, Toolbox};
use memex_sql::Access;
use proptest::prelude::*;
use serde_json::{Value, json};

fn toolbox() -> Toolbox {
    Toolbox::new(
        "CREATE TABLE one(x); INSERT INTO one VALUES (1)",
        Access::ReadOnly,
    )
}

#[tokio::test]
async fn values_keep_their_types() {
    let toolbox = toolbox();
    for (query, kind, values) in [
        (
            "VALUES (1), (9223372036854775807), (-9223372036854775808)",
            "int64",
            json!([1, i64::MAX, i64::MIN]),
        ),
        ("VALUES (1), (NULL), (3)", "int64", json!([1, null, 3])),
        (
            "VALUES (NULL), (NULL), (3)",
            "int64",
            json!([null, null, 3]),
        ),
        (
            "VALUES (1.5), (9e999), (-9e999)",
            "float64",
            json!([1.5, "inf", "-inf"]),
        ),
        (
            "VALUES (1), (NULL), (2.5), (NULL), (3)",
            "float64",
            json!([1.0, null, 2.5, null, 3.0]),
        ),
        (
            "VALUES (2.5), (NULL), (3)",
            "float64",
            json!([2.5, null, 3.0]),
        ),
        (
            "VALUES (9007199254740993), (0.5)",
            "json",
            json!([9_007_199_254_740_993_i64, 0.5]),
        ),
        (
            "VALUES (0.5), (9007199254740993)",
            "json",
            json!([0.5, 9_007_199_254_740_993_i64]),
        ),
        (
            "VALUES ('a'), (NULL), ('ü'), ('a')",
            "text",
            json!(["a", null, "ü", "a"]),
        ),
        ("VALUES (NULL), (''), ('b')", "text", json!([null, "", "b"])),
        ("VALUES (''), (NULL)", "text", json!(["", null])),
        (
            "VALUES ('a' || char(0) || 'b'), (''), ('c')",
            "text",
            json!(["a\0b", "", "c"]),
        ),
        (
            "VALUES (x'00ff'), (NULL), (x'')",
            "bytes",
            json!([[0, 255], null, []]),
        ),
        ("VALUES (NULL), (x'01')", "bytes", json!([null, [1]])),
        (
            "VALUES (1), ('a'), (NULL), (2.5)",
            "json",
            json!([1, "a", null, 2.5]),
        ),
        ("VALUES (NULL), ('a'), (1)", "json", json!([null, "a", 1])),
        ("VALUES (NULL), (NULL)", "text", json!([null, null])),
        // The engine itself has no NaN.
        (
            "VALUES (9e999 - 9e999), (1.0)",
            "float64",
            json!([null, 1.0]),
        ),
    ] {
        let table = toolbox.table(query).await;
        assert_eq!(table.columns[0].kind, kind, "{query}");
        assert_eq!(
            Value::from(table.columns[0].values.clone()),
            values,
            "{query}"
        );
    }
}

#[tokio::test]
async fn declared_types_decide_about_dates_and_booleans() {
    let toolbox = Toolbox::new(
        "CREATE TABLE t(d DATE, bad DATE, at TIMESTAMP, zoned DATETIME, both DATETIME, yes BOOLEAN, more BOOLEAN, n INT);
         INSERT INTO t VALUES ('1970-01-02', '1970-01-02', '1970-01-01 00:00:01', '1970-01-01T01:00:00+01:00', '1970-01-01', 1, 2, 5);
         INSERT INTO t VALUES (NULL, 'soon', NULL, NULL, '1970-01-01T00:00Z', NULL, 1, NULL);
         INSERT INTO t VALUES ('1969-12-31', NULL, '1970-01-01T00:00:00.5', '1970-01-01T00:00:00Z', NULL, 0, 0, 7);",
        Access::ReadOnly,
    );
    let table = toolbox.table("SELECT * FROM t").await;
    let found: Vec<(&str, &str, Option<&str>, Value)> = table
        .columns
        .iter()
        .map(|column| {
            (
                &*column.name,
                &*column.kind,
                column.zone.as_deref(),
                column.values.clone().into(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("d", "date", None, json!([1, null, -1])),
            ("bad", "text", None, json!(["1970-01-02", "soon", null])),
            ("at", "timestamp", None, json!([1_000_000, null, 500_000])),
            ("zoned", "timestamp", Some("UTC"), json!([0, null, 0])),
            (
                "both",
                "text",
                None,
                json!(["1970-01-01", "1970-01-01T00:00Z", null])
            ),
            ("yes", "bool", None, json!([true, null, false])),
            ("more", "int64", None, json!([2, 1, 0])),
            ("n", "int64", None, json!([5, null, 7])),
        ]
    );
}

#[tokio::test]
async fn files_of_other_kinds_are_read_alike() {
    for pragma in [
        "encoding = 'UTF-16le'",
        "encoding = 'UTF-16be'",
        "journal_mode = WAL",
        "page_size = 65536",
    ] {
        let statements =
            format!("PRAGMA {pragma}; CREATE TABLE t(x); INSERT INTO t VALUES ('né'), (NULL), (7)");
        let toolbox = Toolbox::new(&statements, Access::ReadOnly);
        let rows = toolbox.rows("SELECT x, 'é' FROM t WHERE x IS NOT 7").await;
        assert_eq!(
            rows,
            [[json!("né"), json!("é")], [json!(null), json!("é")]],
            "{pragma}"
        );
    }
}

#[tokio::test]
async fn empty_results_keep_names_and_types() {
    let toolbox = Toolbox::new(
        "CREATE TABLE t(a INTEGER, b REAL, c VARCHAR(9), d BLOB, e BOOLEAN, f DATE, g TIMESTAMP, h, i DECIMAL(9, 2))",
        Access::ReadOnly,
    );
    let expected = [
        "a: int64",
        "b: float64",
        "c: text",
        "d: bytes",
        "e: bool",
        "f: date",
        "g: timestamp",
        "h: text",
        "i: float64",
        "j: text",
    ];
    let empty = toolbox.table("SELECT *, 1 AS j FROM t").await;
    assert_eq!(empty.types(), expected);
    assert_eq!(empty.rows(), Vec::<Vec<Value>>::new());
    // A column of nothing but NULL is of the same type.
    let nulls = toolbox
        .table("SELECT t.*, NULL AS j FROM (SELECT 1) LEFT JOIN t")
        .await;
    assert_eq!(nulls.types(), expected);
    assert!(nulls.rows()[0].iter().all(Value::is_null), "{nulls:?}");
}

#[tokio::test]
async fn many_distinct_texts_are_kept_like_few() {
    let toolbox = toolbox();
    // Below and above what codes hold, with NULL and with NUL on the way.
    for (rows, distinct) in [(5000, 7), (5000, 4096), (20_000, 4097), (20_000, 20_000)] {
        let query = format!(
            "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < {} )
             SELECT CASE i % 10 WHEN 9 THEN NULL ELSE 'value ' || (i % {distinct}) END AS plain,
                    CASE i WHEN {} THEN 'a' || char(0) ELSE 'value ' || (i % {distinct}) END AS odd FROM c",
            rows - 1,
            rows - 1
        );
        let table = toolbox.table(&query).await;
        for i in 0..rows {
            let value = format!("value {}", i % distinct);
            let plain = if i % 10 == 9 {
                Value::Null
            } else {
                value.clone().into()
            };
            let odd = if i == rows - 1 {
                "a\0".to_owned()
            } else {
                value
            };
            assert_eq!(table.columns[0].values[i], plain);
            assert_eq!(table.columns[1].values[i], odd);
        }
    }
}

#[tokio::test]
async fn few_repeating_texts_are_sent_once() {
    let toolbox = toolbox();
    // Differing at the beginning, at the end, short and long.
    for (prefix, distinct) in [
        ("", 1),
        ("", 500),
        ("city ", 300),
        ("a rather long text, number ", 1000),
    ] {
        let query = format!(
            "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 99999)
             SELECT '{prefix}' || (i % {distinct}) || ' Ω' AS t FROM c"
        );
        let answer = toolbox
            .call("sql", json!({ "query": query }))
            .await
            .unwrap();
        assert_eq!(
            answer.parts.iter().map(Vec::len).sum::<usize>(),
            4 * 100_000,
            "{prefix} {distinct}"
        );
        let last = format!("{prefix}{} Ω", 99_999 % distinct);
        assert_eq!(Table::of(&answer).columns[0].values[99_999], last);
    }
}

#[tokio::test]
async fn what_no_column_holds_is_refused_with_the_remedy() {
    let toolbox = toolbox();
    let not_utf8 = "the column \"t\" holds text that is not UTF-8; select CAST(t AS BLOB)";
    let mixed = "the column \"t\" mixes bytes or infinities";
    let lone = "CAST(x'ff' AS TEXT)";
    for (query, expected) in [
        (format!("SELECT {lone} AS t"), not_utf8),
        (format!("SELECT 1 AS t UNION ALL SELECT {lone}"), not_utf8),
        (
            format!("SELECT 'a' || char(0) AS t UNION ALL SELECT {lone}"),
            not_utf8,
        ),
        // Two halves of a character in two rows are no character.
        (
            "SELECT CAST(x'00c3' AS TEXT) AS t UNION ALL SELECT CAST(x'a9' AS TEXT)".to_owned(),
            not_utf8,
        ),
        ("SELECT 1 AS t UNION ALL SELECT x'00'".to_owned(), mixed),
        ("SELECT x'00' AS t UNION ALL SELECT 1".to_owned(), mixed),
        ("SELECT 'a' AS t UNION ALL SELECT 9e999".to_owned(), mixed),
    ] {
        let error = toolbox.error(&query).await;
        assert_eq!(error.class, "ValueError", "{query}");
        assert!(error.message.contains(expected), "{query}: {error}");
    }
    assert_eq!(
        toolbox
            .rows("SELECT CAST(CAST(x'ff' AS TEXT) AS BLOB)")
            .await,
        [[json!([255])]]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever values a column holds, they arrive, or the column is refused
    /// for the reason that is documented.
    #[test]
    fn columns_hold_what_was_stored(values in prop::collection::vec(stored(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let toolbox = Toolbox::new("CREATE TABLE t(v)", Access::ReadOnly);
        let writer = rusqlite::Connection::open(toolbox.directory.path().join("main.db")).unwrap();
        for value in &values {
            writer.execute("INSERT INTO t VALUES (?)", [value]).unwrap();
        }
        let bytes = values.iter().any(|value| matches!(value, rusqlite::types::Value::Blob(_)));
        let others = values.iter().any(|value| !matches!(value, rusqlite::types::Value::Blob(_) | rusqlite::types::Value::Null));
        let answer = runtime.block_on(toolbox.call("sql", json!({ "query": "SELECT v FROM t ORDER BY rowid" })));
        prop_assert_eq!(answer.is_err(), bytes && others);
        if let Ok(answer) = answer {
            let column = Table::of(&answer).columns.remove(0);
            for (found, stored) in column.values.iter().zip(&values) {
                let expected = match stored {
                    rusqlite::types::Value::Null => Value::Null,
                    rusqlite::types::Value::Integer(value) if found.is_f64() => json!(*value as f64),
                    rusqlite::types::Value::Integer(value) => json!(value),
                    rusqlite::types::Value::Real(value) => json!(value),
                    rusqlite::types::Value::Text(value) => json!(value),
                    rusqlite::types::Value::Blob(value) => json!(value),
                };
                prop_assert_eq!(found, &expected);
            }
        }
    }
}

fn stored() -> impl Strategy<Value = rusqlite::types::Value> {
    use rusqlite::types::Value as Stored;
    prop_oneof![
        3 => Just(Stored::Null),
        8 => any::<i32>().prop_map(|value| Stored::Integer(value.into())),
        1 => any::<i64>().prop_map(Stored::Integer),
        4 => (-1e9..1e9_f64).prop_map(Stored::Real),
        4 => "[a-c\0é]{0,3}".prop_map(Stored::Text),
        1 => prop::collection::vec(any::<u8>(), 0..3).prop_map(Stored::Blob),
    ]
}
