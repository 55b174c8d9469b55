//! Parameters, names and messages.

use super::support::{Table, Toolbox, call, context, sqlite};
use memex_host_tools::Arguments;
use memex_sql::{Access, Databases, DatabasesError, FilesError};
use serde_json::{Value, json};

const SCHEMA: &str = "CREATE TABLE customers(id INTEGER, full_name TEXT, city TEXT);
    CREATE TABLE orders(id INTEGER, amount REAL);
    INSERT INTO customers VALUES (1, 'Ada', 'Rome');";

#[tokio::test]
async fn parameters_are_values() {
    let toolbox = Toolbox::new(SCHEMA, Access::ReadOnly);
    let several = "SELECT ?, ?, ?, ?, ?";
    for (query, params, row) in [
        ("SELECT 1", Value::Null, json!([1])),
        ("SELECT 1", json!([]), json!([1])),
        ("SELECT 1", json!({}), json!([1])),
        (
            several,
            json!([1, 2.5, "x'; DROP", null, true]),
            json!([1, 2.5, "x'; DROP", null, 1]),
        ),
        ("SELECT ?2, ?1", json!([1, 2]), json!([2, 1])),
        (
            "SELECT :a, @b, $c, :a",
            json!({ "a": 1, "b": "é", "c": null }),
            json!([1, "é", null, 1]),
        ),
        ("SELECT :a", json!({ ":a": i64::MIN }), json!([i64::MIN])),
    ] {
        let answer = toolbox
            .call("sql", json!({ "query": query, "params": params }))
            .await
            .unwrap();
        assert_eq!(
            Value::from(Table::of(&answer).rows().remove(0)),
            row,
            "{query}"
        );
    }
}

#[tokio::test]
async fn bytes_come_as_parts() {
    let toolbox = Toolbox::new(SCHEMA, Access::ReadOnly);
    let json = json!({ "query": "SELECT ?, hex(?)", "params": [{ "$part": 1 }, { "$part": 0 }] });
    let arguments = Arguments {
        json: json.as_object().unwrap().clone(),
        parts: vec![vec![0xab], vec![0, 255]],
    };
    let answer = toolbox.tools[0].call(context(), arguments).await.unwrap();
    assert_eq!(Table::of(&answer).rows(), [[json!([0, 255]), json!("AB")]]);
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_named() {
    let toolbox = Toolbox::new(SCHEMA, Access::ReadOnly);
    for (query, params, message) in [
        (
            "SELECT ?",
            json!([]),
            "params: the query has 1 parameters, 0 were given",
        ),
        (
            "SELECT ?",
            Value::Null,
            "params: the query has 1 parameters, 0 were given",
        ),
        (
            "SELECT ?",
            json!([1, 2]),
            "params: the query has 1 parameters, 2 were given",
        ),
        (
            "SELECT :a, :b",
            json!([]),
            "0 were given; pass a dict for :a, :b",
        ),
        (
            "SELECT ?",
            json!({ "a": 1 }),
            "the query has positional parameters; pass a list",
        ),
        ("SELECT :a", json!({ "b": 1 }), "there is no value for :a"),
        (
            "SELECT :a",
            json!({ "a": 1, "b": 1 }),
            "the query has no parameter :b",
        ),
        (
            "SELECT ?",
            json!([[1]]),
            "params[0]: a list or dict is no SQL value",
        ),
        (
            "SELECT :a",
            json!({ "a": {} }),
            "params[\"a\"]: a list or dict is no SQL value",
        ),
        (
            "SELECT ?",
            json!([u64::MAX]),
            "params[0]: SQL integers have 64 bits",
        ),
        (
            "SELECT ?",
            json!([{ "$part": 3 }]),
            "params[0]: there is no such part",
        ),
    ] {
        let error = toolbox
            .call("sql", json!({ "query": query, "params": params }))
            .await
            .unwrap_err();
        assert_eq!(error.class, "ValueError", "{query}: {error}");
        assert!(error.message.contains(message), "{query}: {error}");
    }
}

#[tokio::test]
async fn messages_say_where_and_what_there_is() {
    let toolbox = Toolbox::new(SCHEMA, Access::ReadOnly);
    for (query, expected) in [
        (
            "SELECT * FORM t",
            "near \"FORM\": syntax error (line 1, column 10)",
        ),
        (
            "SELECT *\nFROM custmers",
            "no such table: custmers\ndid you mean customers?",
        ),
        (
            "SELECT * FROM zzz",
            "no such table: zzz\nthe tables are: customers, orders",
        ),
        (
            "SELECT id, fullname FROM customers",
            "no such column: fullname (line 1, column 12)\ndid you mean full_name?",
        ),
        (
            "SELECT c.zzz FROM Customers c",
            "no such column: c.zzz (line 1, column 8)\nthe columns are: id, full_name, city",
        ),
        (
            "SELECT nofunction(1)",
            "no such function: nofunction (line 1, column 8)",
        ),
        ("SELECT *\n  FROM orders\n WHERE", "incomplete input"),
        ("SELECT \"Rome\"", "no such column: \"Rome\""),
    ] {
        let error = toolbox.error(query).await;
        assert_eq!(error.class, "ValueError", "{query}: {error}");
        assert!(error.message.starts_with("sql: "), "{query}: {error}");
        assert!(error.message.contains(expected), "{query}: {error}");
    }
    let runtime = toolbox.error("SELECT json('{')").await;
    assert_eq!(runtime.message, "sql: malformed JSON");
}

#[tokio::test]
async fn databases_are_chosen_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        sqlite(
            directory.path(),
            name,
            &format!("CREATE TABLE t AS SELECT '{name}' AS x"),
        )
    };
    let builder = Databases::builder()
        .sqlite("sales", at("one.db"), Access::ReadOnly)
        .sqlite("stock", at("two.db"), Access::ReadOnly);
    let tools = builder.build().unwrap().tools();
    let query = "SELECT x FROM t";
    for (name, file) in [("sales", "one.db"), ("Stock", "two.db")] {
        let answer = call(&tools, "sql", json!({ "query": query, "database": name }))
            .await
            .unwrap();
        assert_eq!(Table::of(&answer).rows(), [[json!(file)]]);
    }
    for (name, message) in [
        (Value::Null, "sql: say which database: one of sales, stock"),
        (
            json!("sale"),
            "sql: there is no database \"sale\"\ndid you mean sales?",
        ),
        (
            json!("../sales"),
            "sql: there is no database \"../sales\"\ndid you mean sales?",
        ),
    ] {
        let error = call(&tools, "sql", json!({ "query": query, "database": name }))
            .await
            .unwrap_err();
        assert_eq!((error.class, &*error.message), ("ValueError", message));
    }
}

#[tokio::test]
async fn a_file_that_was_replaced_is_read_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = sqlite(
        directory.path(),
        "main.db",
        "CREATE TABLE t AS SELECT 1 AS x",
    );
    let databases = Databases::builder().sqlite("main", &path, Access::ReadOnly);
    let tools = databases.build().unwrap().tools();
    let query = json!({ "query": "SELECT x FROM t" });
    let answer = call(&tools, "sql", query.clone()).await.unwrap();
    assert_eq!(Table::of(&answer).rows(), [[json!(1)]]);

    let other = sqlite(
        directory.path(),
        "new.db",
        "CREATE TABLE t AS SELECT 2 AS x",
    );
    std::fs::rename(other, &path).unwrap();
    let answer = call(&tools, "sql", query.clone()).await.unwrap();
    assert_eq!(Table::of(&answer).rows(), [[json!(2)]]);

    // Changed in place, by a connection of another program.
    sqlite(directory.path(), "main.db", "UPDATE t SET x = 3");
    let answer = call(&tools, "sql", query.clone()).await.unwrap();
    assert_eq!(Table::of(&answer).rows(), [[json!(3)]]);

    std::fs::remove_file(&path).unwrap();
    let error = call(&tools, "sql", query).await.unwrap_err();
    assert_eq!(
        (error.class, &*error.message),
        (
            "OSError",
            "sql: the database \"main\" is not there any more"
        )
    );
}

#[tokio::test]
async fn damaged_files_are_said_to_be_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = sqlite(
        directory.path(),
        "main.db",
        "CREATE TABLE t(x);
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000)
         INSERT INTO t SELECT 'row ' || i FROM c;",
    );
    let whole = std::fs::read(&path).unwrap();
    let mut torn = whole.clone();
    torn[4096..].fill(0xa5);
    let mut short = whole.clone();
    short.truncate(5000);
    for (name, content, class, part) in [
        ("whole", whole.clone(), "", ""),
        (
            "text",
            b"this is a letter, not a database ".repeat(99),
            "OSError",
            "no SQLite database",
        ),
        ("torn", torn, "OSError", "is damaged"),
        ("short", short, "OSError", "is damaged"),
    ] {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        let databases = Databases::builder().sqlite("main", &path, Access::ReadOnly);
        let tools = databases.build().unwrap().tools();
        match call(&tools, "sql", json!({ "query": "SELECT max(x) FROM t" })).await {
            Ok(_) => assert_eq!(name, "whole"),
            Err(error) => {
                assert_eq!(error.class, class, "{name}: {error}");
                assert!(error.message.contains(part), "{name}: {error}");
                let directory = directory.path().to_str().unwrap();
                assert!(!error.message.contains(directory), "{name}: {error}");
            }
        }
    }
    // Any byte of the file may be anything: an answer or an error, at once.
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut content = whole.clone();
        content[at] ^= 0xff;
        let path = directory.path().join("flipped");
        std::fs::write(&path, content).unwrap();
        let databases = Databases::builder().sqlite("main", &path, Access::ReadOnly);
        let tools = databases.build().unwrap().tools();
        if let Err(error) = call(&tools, "sql", json!({ "query": "SELECT x FROM t" })).await {
            assert!(
                ["OSError", "ValueError"].contains(&error.class),
                "byte {at}: {error}"
            );
        }
    }
}

#[test]
fn what_cannot_be_set_up_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = sqlite(directory.path(), "main.db", "");
    let with = |name: &str, path: &std::path::Path| {
        Databases::builder()
            .sqlite(name, path, Access::ReadOnly)
            .build()
    };
    assert!(with("main", &path).is_ok());
    assert!(matches!(
        Databases::builder().build(),
        Err(DatabasesError::None)
    ));
    assert!(matches!(
        with("no-name", &path),
        Err(DatabasesError::Files(FilesError::Name { .. }))
    ));
    assert!(matches!(
        with("1", &path),
        Err(DatabasesError::Files(FilesError::Name { .. }))
    ));
    assert!(matches!(
        with(&"n".repeat(65), &path),
        Err(DatabasesError::Files(FilesError::Name { .. }))
    ));
    assert!(matches!(
        with("main", &directory.path().join("none")),
        Err(DatabasesError::Open { .. })
    ));
    assert!(matches!(
        with("main", directory.path()),
        Err(DatabasesError::NotAFile { .. })
    ));
    let twice = Databases::builder()
        .sqlite("main", &path, Access::ReadOnly)
        .sqlite("MAIN", &path, Access::ReadOnly);
    assert!(matches!(
        twice.build(),
        Err(DatabasesError::Files(FilesError::Twice { .. }))
    ));
}
