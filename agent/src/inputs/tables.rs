//! Files of tables, as DataFrames.

use std::path::Path;

use memex_channel::Frame;
use memex_sql::{FileTable, read_tables};

use super::input::{Content, Input, Objects};
use crate::Error;

/// Bytes of the columns of one input, unpacked.
const FRAMES_MAX_BYTES: usize = 1 << 30;
/// Tables of which something is told.
const TOLD_MAX: usize = 20;

/// A file or a folder of tables: one is a DataFrame, several are a dictionary of them.
pub(super) fn read(input: &Input, path: &Path) -> Result<Content, Error> {
    let mut tables = read_tables(path, FRAMES_MAX_BYTES).map_err(|error| input.wrong(error))?;
    if tables.is_empty() {
        return Err(input.wrong("it has no tables"));
    }
    if tables.len() == 1
        && let Some(table) = tables.pop()
    {
        let content = Content::one("table", encoded(&table), told(&table));
        return Ok(Content {
            notes: noted(&table).into_iter().collect(),
            ..content
        });
    }
    let described = tables.iter().take(TOLD_MAX);
    let described: Vec<String> = described
        .map(|table| format!("{:?}: {}", table.name, told(table)))
        .collect();
    let more = if tables.len() > TOLD_MAX { ", …" } else { "" };
    let notes = tables.iter().filter_map(|table| {
        let noted = noted(table)?;
        Some(format!("{:?} {noted}", table.name))
    });
    Ok(Content {
        told: format!(
            "dict[str, DataFrame] of {} tables: {}{more}",
            tables.len(),
            described.join(", ")
        ),
        notes: notes.take(TOLD_MAX).collect(),
        objects: Objects::Tables(
            tables
                .into_iter()
                .map(|table| (table.name.clone(), encoded(&table)))
                .collect(),
        ),
    })
}

fn told(table: &FileTable) -> String {
    let (rows, columns) = table.size();
    format!("DataFrame[{rows}×{columns}] from {}", table.format)
}

fn noted(table: &FileTable) -> Option<String> {
    let notes = table.notes.join("; ");
    (!notes.is_empty()).then(|| format!("from {}: {notes}", table.format))
}

/// A table by columns, laid out as a frame of the channel.
fn encoded(table: &FileTable) -> Vec<u8> {
    let head = table.value.json.to_string();
    let frame = Frame {
        op: 0,
        head: head.as_bytes(),
        parts: table.value.parts.iter().map(Vec::as_slice).collect(),
    };
    frame.encode()
}
