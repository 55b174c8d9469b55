//! Time, size and number.

use super::support::{Table, Toolbox, context, sqlite};
use memex_host_tools::{Arguments, Tool};
use memex_sql::{Access, Databases, DatabasesError, SqlLimits};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const ENDLESS: &str =
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) FROM c";

fn numbers(rows: usize) -> String {
    format!(
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {rows}) SELECT i FROM c"
    )
}

fn limited(change: impl FnOnce(&mut SqlLimits)) -> Toolbox {
    let mut limits = SqlLimits::default();
    change(&mut limits);
    Toolbox::limited("CREATE TABLE t(x)", Access::ReadOnly, limits)
}

async fn cut(toolbox: &Toolbox, query: &str) -> Table {
    let answer = toolbox
        .call("sql", json!({ "query": query, "truncate": true }))
        .await;
    Table::of(&answer.unwrap())
}

#[tokio::test]
async fn a_statement_that_never_ends_is_stopped() {
    let toolbox = limited(|limits| {
        limits.statement_timeout = Duration::from_millis(200);
        limits.connections_max = 1;
    });
    for query in [
        ENDLESS,
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c WHERE i < 0",
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c LIMIT 3000000000) SELECT a.i FROM c a, c b ORDER BY 1",
    ] {
        let begun = Instant::now();
        let error = toolbox.error(query).await;
        assert_eq!(error.class, "TimeoutError", "{error}");
        assert!(error.message.contains("stopped after 0.2 s"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    // The only connection is free again.
    assert_eq!(toolbox.rows("SELECT 1").await, [[json!(1)]]);
}

#[tokio::test]
async fn an_interrupted_or_dropped_call_frees_its_connection() {
    let toolbox = limited(|limits| limits.connections_max = 1);
    let sql = &toolbox.tools[0];
    let arguments = || Arguments {
        json: serde_json::Map::from_iter([("query".to_owned(), Value::from(ENDLESS))]),
        parts: Vec::new(),
    };
    let interrupted = context();
    let (answer, ()) = tokio::join!(sql.call(interrupted.clone(), arguments()), async {
        interrupted.cancelled.cancel();
    });
    assert_eq!(answer.unwrap_err().class, "InterruptedError");
    assert_eq!(toolbox.rows("SELECT 1").await, [[json!(1)]]);

    let mut dropped = sql.call(context(), arguments());
    let mut waker = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(dropped.as_mut().poll(&mut waker).is_pending());
    drop(dropped);
    assert_eq!(toolbox.rows("SELECT 1").await, [[json!(1)]]);
}

#[tokio::test]
async fn rows_are_bounded() {
    let toolbox = limited(|limits| limits.rows_max = 1000);
    assert_eq!(toolbox.rows(&numbers(1000)).await.len(), 1000);
    let error = toolbox.error(&numbers(1001)).await;
    assert_eq!(error.class, "ValueError");
    assert_eq!(
        error.message,
        "sql: the result is larger than 1000 rows; aggregate in the query, select fewer columns, add LIMIT, or pass truncate=True for its beginning"
    );
    let whole = cut(&toolbox, &numbers(1000)).await;
    assert_eq!((whole.rows().len(), whole.attributes), (1000, Value::Null));
    let begun = cut(&toolbox, &numbers(1001)).await;
    assert_eq!(begun.rows().len(), 1000);
    assert_eq!(
        begun.attributes,
        json!({ "truncated": true, "truncated_at": "1000 rows" })
    );
}

#[tokio::test]
async fn bytes_are_bounded() {
    let toolbox = limited(|limits| limits.result_max_bytes = 8000);
    assert_eq!(toolbox.rows(&numbers(1000)).await.len(), 1000);
    let error = toolbox.error(&numbers(1001)).await;
    assert!(
        error
            .message
            .starts_with("sql: the result is larger than 8000 bytes; aggregate"),
        "{error}"
    );
    let begun = cut(&toolbox, &numbers(5000)).await;
    assert_eq!(begun.rows().len(), 1001);
    assert_eq!(begun.attributes["truncated"], true);
    // One text of 7996 bytes and four more for its place fits.
    assert_eq!(toolbox.rows("SELECT printf('%7996s', '')").await.len(), 1);
    toolbox.error("SELECT printf('%7997s', '')").await;
    for wide in [
        "x'00' || zeroblob(9000)",
        "zeroblob(9000)",
        "printf('%9000s', '')",
    ] {
        let error = toolbox.error(&format!("SELECT {wide}")).await;
        assert!(
            error.message.contains("larger than 8000 bytes"),
            "{wide}: {error}"
        );
    }
}

#[tokio::test]
async fn columns_values_and_queries_are_bounded() {
    let toolbox = limited(|limits| {
        limits.columns_max = 3;
        limits.value_max_bytes = 1000;
        limits.query_max_bytes = 100;
    });
    assert_eq!(toolbox.rows("SELECT 1, 2, 3").await[0].len(), 3);
    let error = toolbox.error("SELECT 1, 2, 3, 4").await;
    assert!(
        error.message.contains("has 4 columns, more than 3"),
        "{error}"
    );

    assert_eq!(
        toolbox.rows("SELECT length(zeroblob(1000))").await,
        [[json!(1000)]]
    );
    let error = toolbox.error("SELECT length(hex(zeroblob(501)))").await;
    assert!(error.message.contains("longer than 1000 bytes"), "{error}");

    let padded = |length: usize| format!("SELECT 1{}", " ".repeat(length - 8));
    assert_eq!(toolbox.rows(&padded(100)).await.len(), 1);
    let error = toolbox.error(&padded(101)).await;
    assert!(
        error.message.contains("has 101 bytes, more than 100"),
        "{error}"
    );
}

#[tokio::test]
async fn statements_that_are_too_complex_are_refused() {
    let toolbox = limited(|_| {});
    let nested = |depth: usize| format!("SELECT {}1{}", "abs(".repeat(depth), ")".repeat(depth));
    assert_eq!(toolbox.rows(&nested(50)).await, [[json!(1)]]);
    assert!(toolbox.error(&nested(5000)).await.message.len() < 500);
    let joined = |count: usize| vec!["SELECT 1"; count].join(" UNION ALL ");
    assert_eq!(toolbox.rows(&joined(100)).await.len(), 100);
    let error = toolbox.error(&joined(101)).await;
    assert!(
        error.message.contains("too many terms in compound SELECT"),
        "{error}"
    );
    let like = |length: usize| format!("SELECT 'a' LIKE '{}'", "%".repeat(length));
    assert_eq!(toolbox.rows(&like(1000)).await, [[json!(1)]]);
    let error = toolbox.error(&like(1001)).await;
    assert!(error.message.contains("pattern too complex"), "{error}");
}

#[tokio::test]
async fn sorting_is_the_same_in_memory_and_on_disk() {
    for on_disk in [false, true] {
        let toolbox = limited(|limits| limits.sorts_on_disk = on_disk);
        let query = format!(
            "SELECT i FROM ({}) ORDER BY i * 7919 % 100003 LIMIT 1 OFFSET 99999",
            numbers(100_000)
        );
        let query = format!("SELECT i FROM ({query})");
        let expected = (1..=100_000_u64)
            .max_by_key(|i| i * 7919 % 100_003)
            .unwrap();
        assert_eq!(toolbox.rows(&query).await, [[json!(expected)]], "{on_disk}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_run_side_by_side_and_wait_for_a_connection() {
    let directory = tempfile::tempdir().unwrap();
    let path = sqlite(
        directory.path(),
        "main.db",
        "CREATE TABLE t AS SELECT 7 AS x",
    );
    let limits = SqlLimits {
        connections_max: 2,
        ..SqlLimits::default()
    };
    let databases = Databases::builder()
        .limits(limits)
        .sqlite("main", path, Access::ReadOnly);
    let tools: Arc<[Arc<dyn Tool>]> = databases.build().unwrap().tools().into();
    let calls: Vec<_> = (0..40)
        .map(|number| {
            let tools = Arc::clone(&tools);
            tokio::spawn(async move {
                let query = json!({ "query": "SELECT x + ? FROM t", "params": [number] });
                let answer = super::support::call(&tools, "sql", query).await.unwrap();
                assert_eq!(Table::of(&answer).rows(), [[json!(number + 7)]]);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

#[test]
fn limits_out_of_range_are_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = sqlite(directory.path(), "main.db", "");
    let build = |limits| {
        Databases::builder()
            .limits(limits)
            .sqlite("main", &path, Access::ReadOnly)
            .build()
    };
    let with = |change: &dyn Fn(&mut SqlLimits)| {
        let mut limits = SqlLimits::default();
        change(&mut limits);
        build(limits)
    };
    assert!(with(&|limits| limits.connections_max = 1).is_ok());
    for change in [
        &(|limits: &mut SqlLimits| limits.connections_max = 0) as &dyn Fn(&mut SqlLimits),
        &|limits| limits.rows_max = 0,
        &|limits| limits.columns_max = 301,
        &|limits| limits.result_max_bytes = (2 << 30) + 1,
        &|limits| limits.loaded_max_bytes = (1 << 30) + 1,
    ] {
        let error = with(change).unwrap_err();
        assert!(matches!(error, DatabasesError::Limit { .. }), "{error}");
    }
}
