//! Text files in the dialects that programs write.

use super::support::{Table, call};
use memex_sql::{DataFiles, Databases};
use serde_json::{Value, json};
use std::process::Command;

const TABLES: usize = 150;

/// What Python's own writer writes is read back equal, by guessing.
#[tokio::test]
async fn what_python_writes_in_any_usual_dialect_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/dialects.py");
    let seed = std::process::id().to_string();
    let written = Command::new("python3")
        .arg(script)
        .arg(folder.path())
        .args([&seed, &TABLES.to_string()])
        .status();
    assert!(written.unwrap().success());
    let expected = std::fs::read(folder.path().join("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_slice(&expected).unwrap();
    std::fs::remove_file(folder.path().join("expected.json")).unwrap();
    let files = DataFiles::directory(folder.path());
    let tools = Databases::builder()
        .files("files", files)
        .build()
        .unwrap()
        .tools();
    assert_eq!(expected.len(), TABLES);
    for (number, expected) in expected.iter().enumerate() {
        let how = format!("seed {seed}, table {number}: {}", expected["how"]);
        let query = json!({ "query": format!("SELECT * FROM _{number}") });
        let answer = call(&tools, "sql", query).await;
        let table = Table::of(&answer.unwrap_or_else(|error| panic!("{how}: {error}")));
        let names: Vec<&str> = table
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!(json!(names), expected["header"], "{how}");
        for (column, kind) in table
            .columns
            .iter()
            .zip(expected["kinds"].as_array().unwrap())
        {
            let is_right = match kind.as_str().unwrap() {
                "int" => column.kind == "int64",
                "float" => column.kind == "float64",
                _ => column.kind == "text",
            };
            assert!(is_right, "{how}: {} is {}", column.name, column.kind);
        }
        let rows = table.rows();
        let expected = expected["rows"].as_array().unwrap();
        assert_eq!(rows.len(), expected.len(), "{how}");
        for (row, expected) in rows.iter().zip(expected) {
            assert_eq!(&json!(row), expected, "{how}");
        }
    }
}
