//! One file, as an object.

use std::path::Path;

use memex_channel::Frame;
use memex_sql::read_frame;
use memex_trajectories::formats::{Format, detect};
use serde_json::Value;

use super::input::{Content, INPUTS_MAX_BYTES, Input};
use super::runs;
use crate::Error;

/// Bytes of the columns of a Parquet or Arrow file, unpacked.
const FRAME_MAX_BYTES: usize = 1 << 30;

pub(super) fn read(input: &Input, path: &Path, size: u64) -> Result<Content, Error> {
    if size > INPUTS_MAX_BYTES {
        return Err(input.wrong("it is over 2 GiB; mount its folder instead"));
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    let ending = ending.map(str::to_ascii_lowercase).unwrap_or_default();
    match ending.as_str() {
        "parquet" | "arrow" | "feather" | "ipc" | "arrows" => return frame(input, path),
        "jsonl" | "ndjson" => {
            if let Some(views) = runs::read(path) {
                return Ok(runs::content(views));
            }
        }
        "json" if matches!(detect(path), Ok(Format::Atif)) => {
            if let Some(views) = runs::read(path) {
                return Ok(runs::content(views));
            }
        }
        _ => {}
    }
    let bytes = std::fs::read(path).map_err(|error| input.wrong(error))?;
    let content = |kind, bytes, told| Ok(Content { kind, bytes, told });
    match ending.as_str() {
        "json" => {
            let value: Value =
                serde_json::from_slice(&bytes).map_err(|error| input.wrong(error))?;
            let told = format!("{} from JSON, {size} bytes", kind_of(&value));
            content("json", bytes, told)
        }
        "jsonl" | "ndjson" => {
            let count = check_lines(input, &bytes)?;
            content(
                "jsonl",
                bytes,
                format!("list[{count}] from JSON lines, {size} bytes"),
            )
        }
        "csv" => content("csv", bytes, format!("DataFrame from CSV, {size} bytes")),
        "tsv" => content("tsv", bytes, format!("DataFrame from TSV, {size} bytes")),
        _ => {
            let text = match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            };
            let told = format!("str of {} characters", text.chars().count());
            content("text", text.into_bytes(), told)
        }
    }
}

/// The type of a value in Python, with the length of what has one.
pub(super) fn kind_of(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("list[{}]", values.len()),
        Value::Object(map) => format!("dict[{}]", map.len()),
        Value::String(text) => format!("str of {} characters", text.chars().count()),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => "float".to_owned(),
        Value::Number(_) => "int".to_owned(),
        Value::Null => "None".to_owned(),
    }
}

/// How many lines there are; each has to be JSON.
fn check_lines(input: &Input, bytes: &[u8]) -> Result<usize, Error> {
    let mut count = 0;
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        serde_json::from_slice::<serde::de::IgnoredAny>(line)
            .map_err(|error| input.wrong(format!("line {number}: {error}")))?;
        count += 1;
    }
    Ok(count)
}

/// A table by columns, laid out as a frame of the channel.
fn frame(input: &Input, path: &Path) -> Result<Content, Error> {
    let answer = read_frame(path, FRAME_MAX_BYTES).map_err(|error| input.wrong(error))?;
    let table = answer.json.get("$table");
    let rows = table.and_then(|table| table.get("rows"));
    let columns = table.and_then(|table| table.get("columns"));
    let rows = rows.and_then(Value::as_u64).unwrap_or(0);
    let columns = columns.and_then(Value::as_array).map_or(0, Vec::len);
    let head = answer.json.to_string();
    let frame = Frame {
        op: 0,
        head: head.as_bytes(),
        parts: answer.parts.iter().map(Vec::as_slice).collect(),
    };
    Ok(Content {
        kind: "table",
        bytes: frame.encode(),
        told: format!("DataFrame[{rows}×{columns}]"),
    })
}
