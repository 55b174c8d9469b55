//! What SQL may not do, each beside what it may.

use super::support::{Table, Toolbox, call, sqlite};
use memex_sql::{Access, Databases};
use serde_json::{Value, json};

const SCHEMA: &str = "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    INSERT INTO people VALUES (1, 'Ada'), (2, 'Bo');
    CREATE INDEX by_id ON people(id, name);
    CREATE VIEW names AS SELECT name FROM people;";

#[tokio::test]
async fn reading_is_permitted() {
    let toolbox = Toolbox::new(SCHEMA, Access::ReadOnly);
    for (query, rows) in [
        ("SELECT name FROM people ORDER BY id", 2),
        ("SELECT * FROM names;", 2),
        (
            "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3) SELECT i FROM c",
            3,
        ),
        (
            "SELECT name, row_number() OVER (ORDER BY name) FROM people",
            2,
        ),
        ("SELECT value FROM json_each('[1, 2, 3]')", 3),
        ("EXPLAIN QUERY PLAN SELECT * FROM people", 1),
        ("PRAGMA table_info(people)", 2),
        ("SELECT name FROM pragma_table_info('people')", 2),
        ("PRAGMA user_version", 1),
        ("SELECT name FROM sqlite_schema", 3),
        (
            "VALUES (strftime('%Y', '2024-01-01')), (upper('a')), (abs(-1))",
            3,
        ),
    ] {
        assert_eq!(toolbox.rows(query).await.len(), rows, "{query}");
    }
}

#[tokio::test]
async fn what_reaches_beyond_the_database_is_refused() {
    let toolbox = Toolbox::new(SCHEMA, Access::ReadWrite);
    let other = sqlite(
        toolbox.directory.path(),
        "other.db",
        "CREATE TABLE secret(x)",
    );
    let copy = toolbox.directory.path().join("copy.db");
    let (other, copy) = (other.display(), copy.display());
    let one_database = "ATTACH, DETACH and VACUUM are not permitted";
    for (query, reason) in [
        (format!("ATTACH '{other}' AS other"), one_database),
        (
            format!("ATTACH 'file:{other}?mode=ro' AS other"),
            one_database,
        ),
        ("ATTACH ':memory:' AS m".to_owned(), one_database),
        ("DETACH main".to_owned(), one_database),
        (format!("VACUUM INTO '{copy}'"), one_database),
        ("VACUUM".to_owned(), one_database),
        (
            "SELECT load_extension('x')".to_owned(),
            "the function load_extension() is not permitted",
        ),
        (
            "SELECT LOAD_EXTENSION('x', 'y')".to_owned(),
            "the function load_extension() is not permitted",
        ),
        (
            "SELECT fts3_tokenizer('simple')".to_owned(),
            "the function fts3_tokenizer() is not permitted",
        ),
        (
            "PRAGMA database_list".to_owned(),
            "PRAGMA database_list is not permitted",
        ),
        (
            "SELECT file FROM pragma_database_list".to_owned(),
            "PRAGMA database_list is not permitted",
        ),
        (
            "PRAGMA writable_schema = ON".to_owned(),
            "PRAGMA writable_schema is not permitted",
        ),
        (
            "PRAGMA trusted_schema = ON".to_owned(),
            "PRAGMA trusted_schema is not permitted",
        ),
        (
            "PRAGMA query_only = OFF".to_owned(),
            "PRAGMA query_only is not permitted",
        ),
        (
            "PRAGMA journal_mode = OFF".to_owned(),
            "PRAGMA journal_mode is not permitted",
        ),
        (
            "PRAGMA temp_store_directory = '/'".to_owned(),
            "PRAGMA temp_store_directory is not permitted",
        ),
        (
            "PRAGMA hard_heap_limit = 1".to_owned(),
            "PRAGMA hard_heap_limit is not permitted",
        ),
        (
            "PRAGMA soft_heap_limit".to_owned(),
            "PRAGMA soft_heap_limit is not permitted",
        ),
        (
            "PRAGMA user_version = 7".to_owned(),
            "PRAGMA user_version is not permitted",
        ),
        (
            "PRAGMA busy_timeout = 9999999".to_owned(),
            "PRAGMA busy_timeout is not permitted",
        ),
        ("BEGIN".to_owned(), "transactions are not permitted"),
        (
            "BEGIN EXCLUSIVE".to_owned(),
            "transactions are not permitted",
        ),
        ("COMMIT".to_owned(), "transactions are not permitted"),
        ("SAVEPOINT s".to_owned(), "transactions are not permitted"),
        (
            "CREATE TEMP TABLE t(x)".to_owned(),
            "temporary tables are not permitted",
        ),
        (
            "CREATE TEMP VIEW t AS SELECT 1".to_owned(),
            "temporary tables are not permitted",
        ),
        (
            "CREATE TRIGGER t AFTER INSERT ON people BEGIN SELECT 1; END".to_owned(),
            "one statement at a time",
        ),
        (
            "CREATE VIRTUAL TABLE t USING fts5(x)".to_owned(),
            "this kind of statement is not permitted",
        ),
        (
            "CREATE VIRTUAL TABLE t USING dbstat".to_owned(),
            "this kind of statement is not permitted",
        ),
    ] {
        let error = toolbox.error(&query).await;
        assert!(error.message.contains(reason), "{query}: {error}");
        assert!(
            error.class == "PermissionError" || reason.starts_with("one statement"),
            "{query}: {error}"
        );
    }
    assert!(!toolbox.directory.path().join("copy.db").exists());
    // The connection is as good as before.
    assert_eq!(
        toolbox.rows("SELECT count(*) FROM people").await,
        [[json!(2)]]
    );
}

#[tokio::test]
async fn the_schema_table_is_not_written_even_with_write_access() {
    let toolbox = Toolbox::new(SCHEMA, Access::ReadWrite);
    for query in [
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE people(x)'",
        "DELETE FROM sqlite_master",
        "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 1, '')",
    ] {
        let error = toolbox.error(query).await;
        assert!(
            error.message.contains("may not be modified"),
            "{query}: {error}"
        );
    }
}

#[tokio::test]
async fn writing_needs_a_grant() {
    for (query, answer) in [
        ("INSERT INTO people VALUES (3, 'Cy'), (4, 'Di')", 2),
        ("UPDATE people SET name = upper(name)", 2),
        ("DELETE FROM people WHERE id = 1", 1),
        ("CREATE TABLE more AS SELECT * FROM people", 0),
        ("CREATE TABLE more(x)", 0),
        ("CREATE INDEX by_name ON people(name)", 0),
        ("CREATE VIEW v AS SELECT 1", 0),
        ("ALTER TABLE people ADD COLUMN age INTEGER", 0),
        ("ALTER TABLE people RENAME TO persons", 0),
        ("DROP VIEW names", 0),
        ("DROP TABLE people", 0),
        ("ANALYZE", 0),
        ("REINDEX", 0),
    ] {
        let granted = Toolbox::new(SCHEMA, Access::ReadWrite);
        let table = granted.table(query).await;
        assert_eq!(table.types(), ["rows_changed: int64"], "{query}");
        if answer > 0 {
            assert_eq!(table.rows(), [[json!(answer)]], "{query}");
        }

        let refused = Toolbox::new(SCHEMA, Access::ReadOnly);
        let before = std::fs::read(refused.directory.path().join("main.db")).unwrap();
        let error = refused.error(query).await;
        assert_eq!(error.class, "PermissionError", "{query}: {error}");
        assert!(
            error.message.contains("the database is read-only"),
            "{query}: {error}"
        );
        assert_eq!(
            std::fs::read(refused.directory.path().join("main.db")).unwrap(),
            before
        );
    }
    let granted = Toolbox::new(SCHEMA, Access::ReadWrite);
    let returned = granted
        .rows("INSERT INTO people(name) VALUES ('Cy') RETURNING id, name")
        .await;
    assert_eq!(returned, [[json!(3), json!("Cy")]]);
    assert_eq!(
        granted.rows("SELECT count(*) FROM people").await,
        [[json!(3)]]
    );
}

#[tokio::test]
async fn one_statement_at_a_time() {
    let toolbox = Toolbox::new(SCHEMA, Access::ReadWrite);
    let error = toolbox.error("SELECT 1; DELETE FROM people").await;
    assert_eq!(
        error.message,
        "sql: one statement at a time: call sql() once for each"
    );
    // As many as the query may hold: nothing walks them one inside the other.
    let many = "SELECT 1;".repeat(20_000);
    assert_eq!(toolbox.error(&many).await.message, error.message);
    let blanks = format!("SELECT 1{}", ";".repeat(200_000));
    assert_eq!(toolbox.rows(&blanks).await, [[json!(1)]]);
    for query in ["", "  -- nothing", ";"] {
        assert_eq!(
            toolbox.error(query).await.message,
            "sql: the query is empty",
            "{query:?}"
        );
    }
    let nul = toolbox.error("SELECT 1\0; DELETE FROM people").await;
    assert!(nul.message.contains("NUL"), "{nul}");
    assert_eq!(
        toolbox.rows("SELECT count(*) FROM people").await,
        [[json!(2)]]
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_put_in_place_of_the_file_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let path = sqlite(
        directory.path(),
        "main.db",
        "CREATE TABLE t AS SELECT 'mine' AS x",
    );
    let other = sqlite(
        directory.path(),
        "other.db",
        "CREATE TABLE t AS SELECT 'secret' AS x",
    );
    // At start-up a link is followed: the operator put it there.
    let link = directory.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let databases = Databases::builder().sqlite("main", &link, Access::ReadOnly);
    let tools = databases.build().unwrap().tools();
    let query = json!({ "query": "SELECT x FROM t" });
    let answer = call(&tools, "sql", query.clone()).await.unwrap();
    assert_eq!(Table::of(&answer).rows(), [[json!("mine")]]);

    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&other, &path).unwrap();
    let error = call(&tools, "sql", query).await.unwrap_err();
    assert_eq!(error.class, "OSError");
    assert_eq!(
        error.message,
        "sql: the database \"main\" cannot be opened or read now"
    );
}

#[tokio::test]
async fn a_schema_cannot_call_what_is_refused() {
    // The file was written by someone else, who knows who will read it.
    let toolbox = Toolbox::new(
        "CREATE TABLE t(x); INSERT INTO t VALUES (1);
         CREATE VIEW innocent AS SELECT load_extension('x') FROM t;
         CREATE VIEW fine AS SELECT x + 1 AS y FROM t;",
        Access::ReadOnly,
    );
    let error = toolbox.error("SELECT * FROM innocent").await;
    assert!(error.message.contains("load_extension"), "{error}");
    assert_eq!(toolbox.rows("SELECT y FROM fine").await, [[json!(2)]]);
    let listed = toolbox.call("list_tables", json!({})).await.unwrap();
    let names: Vec<&Value> = listed
        .json
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["table"])
        .collect();
    assert_eq!(names, ["fine", "innocent", "t"]);
}
