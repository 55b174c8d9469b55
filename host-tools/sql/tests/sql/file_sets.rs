//! Several data files as one database: joined, changed, bounded, and in use at once.

use super::data_files::{over, toolbox};
use super::support::{Table, Toolbox, call};
use super::table_kinds::folder;
use memex_sql::{DataFiles, Databases, DatabasesError, FilesError, SqlLimits};
use serde_json::json;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

#[tokio::test]
async fn files_are_joined_described_and_never_written() {
    let toolbox = toolbox(&[
        ("a.csv", b"id,x\n1,one\n2,two\n"),
        ("b.jsonl", b"{\"id\": 2, \"y\": 0.5}"),
    ]);
    assert_eq!(
        toolbox
            .rows("SELECT x, y FROM a JOIN \"b\" USING (id)")
            .await,
        [[json!("two"), json!(0.5)]]
    );
    let described = toolbox
        .call("describe_table", json!({ "table": "A" }))
        .await
        .unwrap()
        .json;
    assert_eq!(described["rows"], 2);
    assert_eq!(described["columns"][1]["name"], "x");
    assert_eq!(described["sample"][0], json!({ "id": 1, "x": "one" }));
    for query in [
        "INSERT INTO a VALUES (3, 'x')",
        "CREATE TABLE c(x)",
        "DROP TABLE a",
        "ATTACH 'file:/x?vfs=memdb' AS other",
        "PRAGMA query_only = OFF",
    ] {
        assert_eq!(
            toolbox.error(query).await.class,
            "PermissionError",
            "{query}"
        );
    }
    assert_eq!(toolbox.rows("SELECT count(*) FROM a").await, [[json!(2)]]);
}

/// Files are told apart by their time, which some file systems keep coarsely.
fn rewrite(path: &Path, content: &str, age: u64) {
    std::fs::write(path, content).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + age);
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

#[tokio::test]
async fn a_file_that_changed_is_loaded_again() {
    let toolbox = toolbox(&[("a.csv", b"x\n1\n"), ("b.csv", b"y\n1\n")]);
    let at = toolbox.directory.path().join("a.csv");
    rewrite(&at, "x\n1\n", 0);
    assert_eq!(
        toolbox.rows("SELECT * FROM a, b").await,
        [[json!(1), json!(1)]]
    );
    rewrite(&at, "x\n2\n", 0);
    // Neither size nor time changed: what was loaded stands.
    assert_eq!(toolbox.rows("SELECT x FROM a").await, [[json!(1)]]);
    rewrite(&at, "x\n2\n", 1);
    assert_eq!(toolbox.rows("SELECT x FROM a").await, [[json!(2)]]);
    rewrite(&at, "other\ntext\n", 1);
    assert_eq!(toolbox.rows("SELECT other FROM a").await, [[json!("text")]]);
    // One that can no longer be read is not answered from before.
    rewrite(&at, "", 2);
    assert!(
        toolbox
            .error("SELECT other FROM a")
            .await
            .message
            .contains("it is empty")
    );
    std::fs::remove_file(&at).unwrap();
    assert!(
        toolbox
            .error("SELECT other FROM a")
            .await
            .message
            .contains("no such table: a")
    );
    assert_eq!(toolbox.rows("SELECT y FROM b").await, [[json!(1)]]);
    rewrite(&at, "x\n3\n", 3);
    assert_eq!(toolbox.rows("SELECT x FROM a").await, [[json!(3)]]);
}

#[tokio::test]
async fn only_named_files_are_tables_when_some_are_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("deep")).unwrap();
    std::fs::write(directory.path().join("deep/a.csv"), "x\n1\n").unwrap();
    std::fs::write(directory.path().join("secret.csv"), "x\n2\n").unwrap();
    let with = |name: &str, path: &str| {
        let files = DataFiles::directory(directory.path()).table(name, path);
        Databases::builder().files("files", files).build()
    };
    let tools = with("numbers", "deep/a.csv").unwrap().tools();
    let answer = call(&tools, "sql", json!({ "query": "SELECT x FROM numbers" }))
        .await
        .unwrap();
    assert_eq!(Table::of(&answer).rows(), [[json!(1)]]);
    let error = call(&tools, "sql", json!({ "query": "SELECT x FROM secret" }))
        .await
        .unwrap_err();
    assert!(error.message.contains("no such table: secret"), "{error}");
    assert!(matches!(
        with("n", "notes.txt"),
        Err(DatabasesError::Files(FilesError::Format { .. }))
    ));
    assert!(matches!(
        with("n", "none.csv"),
        Err(DatabasesError::Open { .. })
    ));
    assert!(matches!(
        with("n", "../escape.csv"),
        Err(DatabasesError::Open { .. })
    ));
    assert!(matches!(
        with("a b", "deep/a.csv"),
        Err(DatabasesError::Files(FilesError::Name { .. }))
    ));
}

#[cfg(unix)]
#[tokio::test]
async fn links_out_of_the_directory_are_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.csv"), "x\nsecret\n").unwrap();
    let toolbox = toolbox(&[("real.csv", b"x\nmine\n")]);
    let at = |name: &str| toolbox.directory.path().join(name);
    std::os::unix::fs::symlink(outside.path().join("secret.csv"), at("out.csv")).unwrap();
    std::os::unix::fs::symlink("real.csv", at("inside.csv")).unwrap();
    assert_eq!(
        toolbox.rows("SELECT x FROM inside").await,
        [[json!("mine")]]
    );
    let error = toolbox.error("SELECT x FROM out").await;
    assert_eq!(
        (error.class, &*error.message),
        (
            "OSError",
            "sql: the csv file of the table \"out\" cannot be read"
        )
    );
}

#[tokio::test]
async fn files_and_what_is_loaded_are_bounded() {
    let small = |change: &dyn Fn(&mut SqlLimits)| {
        let directory = tempfile::tempdir().unwrap();
        let rows: String = (0..1000)
            .map(|row| format!("row {row} of some length\n"))
            .collect();
        std::fs::write(directory.path().join("a.csv"), format!("x\n{rows}")).unwrap();
        let bytes = std::fs::metadata(directory.path().join("a.csv"))
            .unwrap()
            .len();
        let mut limits = SqlLimits {
            file_max_bytes: bytes,
            ..SqlLimits::default()
        };
        change(&mut limits);
        over(directory, limits)
    };
    let query = "SELECT count(*) FROM a";
    assert_eq!(small(&|_| {}).rows(query).await, [[json!(1000)]]);
    for change in [
        &(|limits: &mut SqlLimits| limits.file_max_bytes -= 1) as &dyn Fn(&mut SqlLimits),
        &|limits| limits.loaded_max_bytes = 20_000,
    ] {
        let error = small(change).error(query).await;
        assert_eq!(error.class, "MemoryError", "{error}");
        assert!(
            error.message.contains("the table \"a\" cannot be loaded"),
            "{error}"
        );
    }
    assert_eq!(
        small(&|limits| limits.loaded_max_bytes = 200_000)
            .rows(query)
            .await,
        [[json!(1000)]]
    );
    let error = small(&|limits| limits.load_timeout = Duration::ZERO)
        .error(query)
        .await;
    assert_eq!(error.class, "TimeoutError", "{error}");

    let many = small(&|limits| limits.tables_max = 2);
    std::fs::write(many.directory.path().join("b.csv"), "x\n1\n").unwrap();
    assert_eq!(many.rows("SELECT x FROM b").await, [[json!(1)]]);
    std::fs::write(many.directory.path().join("c.csv"), "x\n1\n").unwrap();
    let error = many.error("SELECT x FROM b").await;
    assert!(
        error.message.contains("there are more than 2 data files"),
        "{error}"
    );
}

#[tokio::test]
async fn tables_make_room_for_those_of_the_query() {
    let rows: String = (0..1000)
        .map(|row| format!("row {row} of some length\n"))
        .collect();
    let content = format!("x\n{rows}");
    let directory = tempfile::tempdir().unwrap();
    for name in ["a.csv", "b.csv", "c.csv"] {
        std::fs::write(directory.path().join(name), &content).unwrap();
    }
    let limits = SqlLimits {
        loaded_max_bytes: 100_000,
        ..SqlLimits::default()
    };
    let toolbox = over(directory, limits);
    for table in ["a", "b", "c", "a", "c"] {
        let query = format!("SELECT count(*) FROM {table}");
        assert_eq!(toolbox.rows(&query).await, [[json!(1000)]], "{table}");
    }
    assert_eq!(
        toolbox
            .rows("SELECT count(*) FROM a JOIN b USING (x)")
            .await,
        [[json!(1000)]]
    );
    let error = toolbox
        .error("SELECT count(*) FROM a JOIN b USING (x) JOIN c USING (x)")
        .await;
    assert_eq!(error.class, "MemoryError", "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_of_files_run_while_files_change() {
    let toolbox = toolbox(&[("a.csv", b"x\n0\n"), ("b.csv", b"y\n7\n")]);
    let path = toolbox.directory.path().join("a.csv");
    rewrite(&path, "x\n0\n", 0);
    let tools: Arc<[_]> = toolbox.tools.clone().into();
    for age in 1..10 {
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let tools = Arc::clone(&tools);
                tokio::spawn(async move {
                    let query = json!({ "query": "SELECT x, y FROM a, b" });
                    call(&tools, "sql", query).await
                })
            })
            .collect();
        // Put in place as a whole.
        let next = toolbox.directory.path().join("next");
        rewrite(&next, &format!("x\n{age}\n"), age);
        std::fs::rename(&next, &path).unwrap();
        for answer in calls {
            let rows = Table::of(&answer.await.unwrap().unwrap()).rows();
            let seen = rows[0][0].as_u64().unwrap();
            assert!(seen == age || seen == age - 1, "{rows:?} at {age}");
            assert_eq!(rows[0][1], 7);
        }
    }
}

#[tokio::test]
async fn tables_beyond_memory_go_to_disk_where_that_is_permitted() {
    let rows: String = (0..20_000)
        .map(|row| format!("{row},row {row} of some length\n"))
        .collect();
    let content = format!("n,x\n{rows}");
    let query = "SELECT count(*), sum(a.n) FROM a JOIN b USING (n)";
    for (disk_max_bytes, answered) in [(0, false), (100_000, false), (64 << 20, true)] {
        let directory = folder(&[
            ("a.csv", content.as_bytes()),
            ("b.csv", content.as_bytes()),
            ("small.csv", b"x\n1\n"),
        ]);
        let limits = SqlLimits {
            loaded_max_bytes: 100_000,
            disk_max_bytes,
            ..SqlLimits::default()
        };
        let files = DataFiles::directory(directory.path());
        let databases = Databases::builder().limits(limits).files("files", files);
        let toolbox = Toolbox {
            tools: databases.build().unwrap().tools(),
            directory,
        };
        // A connection to the database in memory is there before.
        assert_eq!(
            json!(toolbox.rows("SELECT x FROM small").await),
            json!([[1]])
        );
        match answered {
            true => {
                let found = toolbox.rows(query).await;
                assert_eq!(json!(found), json!([[20_000, 199_990_000]]));
                let write = toolbox.error("INSERT INTO small VALUES (2)").await;
                assert_eq!(write.class, "PermissionError");
            }
            false => assert_eq!(toolbox.error(query).await.class, "MemoryError"),
        }
        assert_eq!(
            json!(toolbox.rows("SELECT x FROM small").await),
            json!([[1]])
        );
    }
}
