//! What there is to query.

use super::support::{Toolbox, call, sqlite};
use memex_sql::{Access, DataFiles, Databases, SqlLimits};
use serde_json::json;

#[tokio::test]
async fn tables_are_listed_over_all_databases() {
    let directory = tempfile::tempdir().unwrap();
    let path = sqlite(
        directory.path(),
        "main.db",
        "CREATE TABLE b(x REFERENCES a(z), y REFERENCES a); CREATE TABLE a(z PRIMARY KEY);
         CREATE VIEW v AS SELECT x FROM b; CREATE INDEX i ON b(x); INSERT INTO a VALUES (1), (2), (3);
         CREATE VIEW broken AS SELECT * FROM absent;
         CREATE TABLE sqlitelike(x INTEGER PRIMARY KEY AUTOINCREMENT)",
    );
    let files = directory.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("sales 2024.csv"), "a\n1\n").unwrap();
    std::fs::write(files.join("2024.csv"), "a\n1\n").unwrap();
    std::fs::write(files.join("sales 2024.jsonl"), "{}").unwrap();
    std::fs::write(files.join(".hidden.csv"), "a\n1\n").unwrap();
    std::fs::write(files.join("notes.txt"), "no").unwrap();
    let databases = Databases::builder()
        .sqlite("main", path, Access::ReadOnly)
        .files("files", DataFiles::directory(&files));
    let tools = databases.build().unwrap().tools();
    let main = json!([
        { "database": "main", "table": "a", "kind": "table", "rows": 3, "columns": ["z"], "references": [] },
        { "database": "main", "table": "b", "kind": "table", "rows": 0, "columns": ["x", "y"],
            "references": ["y → a", "x → a.z"] },
        { "database": "main", "table": "broken", "kind": "view", "rows": null, "columns": null, "references": [] },
        { "database": "main", "table": "sqlitelike", "kind": "table", "rows": 0, "columns": ["x"], "references": [] },
        { "database": "main", "table": "v", "kind": "view", "rows": null, "columns": ["x"], "references": [] },
    ]);
    let of_file = |table: &str, kind: &str| {
        json!({ "database": "files", "table": table, "kind": kind,
        "rows": null, "columns": null, "references": [] })
    };
    let of_files = json!([
        of_file("_2024", "csv"),
        of_file("sales_2024", "csv"),
        of_file("sales_2024_jsonl", "json lines"),
    ]);
    let all: Vec<_> = [&main, &of_files]
        .iter()
        .flat_map(|list| list.as_array().unwrap())
        .cloned()
        .collect();
    for (arguments, expected) in [
        (json!({ "database": "main" }), main.clone()),
        (json!({ "database": "files" }), of_files.clone()),
        (json!({}), all.into()),
    ] {
        assert_eq!(
            call(&tools, "list_tables", arguments).await.unwrap().json,
            expected
        );
    }
}

#[tokio::test]
async fn the_number_of_tables_is_bounded() {
    let limits = SqlLimits {
        tables_max: 2,
        ..SqlLimits::default()
    };
    let two = "CREATE TABLE a(x); CREATE TABLE b(x);";
    let toolbox = Toolbox::limited(two, Access::ReadOnly, limits.clone());
    assert_eq!(
        toolbox
            .call("list_tables", json!({}))
            .await
            .unwrap()
            .json
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let toolbox = Toolbox::limited(
        &format!("{two} CREATE TABLE c(x)"),
        Access::ReadOnly,
        limits,
    );
    let error = toolbox.call("list_tables", json!({})).await.unwrap_err();
    assert!(
        error.message.contains("there are more than 2 tables"),
        "{error}"
    );
}

#[tokio::test]
async fn a_table_is_described() {
    let toolbox = Toolbox::new(
        "CREATE TABLE city(id INTEGER PRIMARY KEY);
         CREATE TABLE person(
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INT DEFAULT 7, photo BLOB, rank REAL,
            city INTEGER REFERENCES city(id), UNIQUE (name, age));
         CREATE INDEX by_city ON person(city);
         INSERT INTO city VALUES (1);
         INSERT INTO person VALUES (1, 'Ada', 36, x'0102', 0.5, 1);
         INSERT INTO person(name) VALUES (printf('%.*c', 300, 'é'));
         INSERT INTO person(name, rank) VALUES ('c', 9e999), ('d', 1), ('e', 1), ('f', 1);",
        Access::ReadOnly,
    );
    let described = toolbox
        .call("describe_table", json!({ "table": "Person" }))
        .await
        .unwrap()
        .json;
    let column = |name: &str, kind: &str, nullable: bool, default: Option<&str>, key: bool| json!({ "name": name, "type": kind, "nullable": nullable, "default": default, "primary_key": key });
    assert_eq!(
        described["columns"],
        json!([
            column("id", "INTEGER", false, None, true),
            column("name", "TEXT", false, None, false),
            column("age", "INT", true, Some("7"), false),
            column("photo", "BLOB", true, None, false),
            column("rank", "REAL", true, None, false),
            column("city", "INTEGER", true, None, false),
        ])
    );
    assert_eq!(
        described["foreign_keys"],
        json!([{ "column": "city", "references_table": "city", "references_column": "id" }])
    );
    assert_eq!(
        described["indexes"],
        json!([
            { "name": "by_city", "unique": false, "columns": ["city"] },
            { "name": "sqlite_autoindex_person_1", "unique": true, "columns": ["name", "age"] },
        ])
    );
    assert_eq!(
        (&described["rows"], &described["rows_estimated"]),
        (&json!(6), &json!(false))
    );
    let sample = described["sample"].as_array().unwrap();
    assert_eq!(sample.len(), 5);
    assert_eq!(
        sample[0],
        json!({ "id": 1, "name": "Ada", "age": 36, "photo": "<2 bytes>", "rank": 0.5, "city": 1 })
    );
    assert_eq!(sample[1]["name"], format!("{}…", "é".repeat(200)));
    assert_eq!(sample[2]["rank"], "inf");
}

#[tokio::test]
async fn views_and_unknown_tables() {
    let toolbox = Toolbox::new(
        "CREATE TABLE people(x INTEGER); CREATE VIEW \"odd \"\" name\" AS SELECT x FROM people; INSERT INTO people VALUES (4)",
        Access::ReadOnly,
    );
    let view = toolbox
        .call("describe_table", json!({ "table": "odd \" name" }))
        .await
        .unwrap()
        .json;
    assert_eq!(
        (&view["kind"], &view["rows"], &view["sample"]),
        (&json!("view"), &json!(null), &json!([{ "x": 4 }]))
    );
    for (table, message) in [
        (
            "peple",
            "describe_table: there is no table \"peple\"\ndid you mean people?",
        ),
        (
            "people; DROP TABLE people",
            "describe_table: there is no table \"people; DROP TABLE people\"\ndid you mean people?",
        ),
    ] {
        let error = toolbox
            .call("describe_table", json!({ "table": table }))
            .await
            .unwrap_err();
        assert_eq!((error.class, &*error.message), ("ValueError", message));
    }
}

#[tokio::test]
async fn the_rows_of_a_large_table_are_estimated() {
    let toolbox = Toolbox::new(
        "CREATE TABLE t(x);
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000000) INSERT INTO t SELECT 1 FROM c;",
        Access::ReadWrite,
    );
    for estimated in [false, true] {
        let described = toolbox
            .call("describe_table", json!({ "table": "t" }))
            .await
            .unwrap()
            .json;
        assert_eq!(described["rows"], 1_000_000 + u32::from(estimated));
        assert_eq!(described["rows_estimated"], estimated);
        toolbox.rows("INSERT INTO t VALUES (2)").await;
    }
}

/// Full-text search and trees of rectangles ask the engine for more than plain tables.
#[tokio::test]
async fn tables_of_the_engines_extensions_are_read() {
    let schema = "CREATE VIRTUAL TABLE f USING fts5(title, body);
        INSERT INTO f VALUES ('Note', 'hello world'), ('Other', 'nothing');
        CREATE VIRTUAL TABLE g USING fts4(body); INSERT INTO g VALUES ('old words');
        CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, y0, y1);
        INSERT INTO r VALUES (1, 0, 1, 0, 1), (2, 5, 6, 5, 6);";
    let toolbox = Toolbox::new(schema, Access::ReadOnly);
    for (query, rows) in [
        (
            "SELECT title FROM f WHERE f MATCH 'hello'",
            json!([["Note"]]),
        ),
        ("SELECT count(*) FROM f", json!([[2]])),
        (
            "SELECT highlight(f, 1, '[', ']') FROM f('hello')",
            json!([["[hello] world"]]),
        ),
        (
            "SELECT body FROM g WHERE g MATCH 'words'",
            json!([["old words"]]),
        ),
        ("SELECT id FROM r WHERE x0 > 2", json!([[2]])),
    ] {
        assert_eq!(json!(toolbox.rows(query).await), rows, "{query}");
    }
    for query in [
        "INSERT INTO f VALUES ('x', 'y')",
        "INSERT INTO r VALUES (3, 0, 1, 0, 1)",
        "DELETE FROM r_node",
        "UPDATE r_rowid SET nodeno = 7",
        "DROP TABLE r_node",
    ] {
        let error = toolbox.error(query).await;
        assert!(
            ["PermissionError", "ValueError"].contains(&error.class),
            "{query}: {error}"
        );
    }
    assert_eq!(
        json!(toolbox.rows("SELECT count(*) FROM r").await),
        json!([[2]])
    );
}
