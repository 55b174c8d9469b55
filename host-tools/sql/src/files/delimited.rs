//! CSV and TSV: the first line names the columns, their types are those of all
//! values.

use super::kind::{self, Kind};
use super::loading::{Loader, Plan, Rows, Unloaded, in_time};
use csv::{ByteRecord, Reader, ReaderBuilder};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::time::Instant;

const BOM: &[u8] = b"\xef\xbb\xbf";
/// How much of the file is looked at to find the delimiter.
const HEAD_MAX_BYTES: usize = 64 << 10;
const CLOCK_RECORDS: u64 = 4096;

/// Loads a file. `delimiter` is found by the first line when it is not given.
pub(super) fn load<F: Read + Seek>(
    mut file: F,
    size: u64,
    delimiter: Option<u8>,
    connection: &Connection,
    table: &str,
    deadline: Instant,
) -> Result<(), Unloaded> {
    let delimiter = match delimiter {
        Some(delimiter) => delimiter,
        None => find_delimiter(&mut file)?,
    };
    let (names, kinds) = inspect(&mut file, size, delimiter, deadline)?;
    let plan: Vec<Plan> = names
        .into_iter()
        .zip(&kinds)
        .map(|(name, kind)| Plan {
            name,
            declared: kind.declared(),
        })
        .collect();
    let mut loader = Loader::create(connection, table, &plan, deadline)?;
    let mut reader = reader(&mut file, size, delimiter)?;
    let mut record = ByteRecord::new();
    read(&mut reader, &mut record)?;
    while read(&mut reader, &mut record)? {
        for (index, kind) in kinds.iter().enumerate() {
            let field = text(record.get(index).unwrap_or_default());
            loader.set(index, value(*kind, &field))?;
        }
        loader.row()?;
    }
    Ok(())
}

/// The names and types of the columns.
fn inspect<F: Read + Seek>(
    file: &mut F,
    size: u64,
    delimiter: u8,
    deadline: Instant,
) -> Result<(Vec<String>, Vec<Kind>), Unloaded> {
    let mut reader = reader(file, size, delimiter)?;
    let mut record = ByteRecord::new();
    if !read(&mut reader, &mut record)? {
        return Err(Unloaded::Content("it is empty".to_owned()));
    }
    let names: Vec<String> = record
        .iter()
        .map(|field| text(field).into_owned())
        .collect();
    let mut kinds = vec![Kind::Unknown; names.len()];
    let mut count = 0_u64;
    while read(&mut reader, &mut record)? {
        if record.len() > names.len() {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(Unloaded::Content(format!(
                "line {line} has {} fields, the first line has {}",
                record.len(),
                names.len()
            )));
        }
        for (kind, field) in kinds.iter_mut().zip(&record) {
            if *kind != Kind::Text {
                *kind = kind.join_text(&text(field));
            }
        }
        count += 1;
        if count.is_multiple_of(CLOCK_RECORDS) {
            in_time(deadline)?;
        }
    }
    Ok((names, kinds))
}

fn reader<F: Read + Seek>(
    file: &mut F,
    size: u64,
    delimiter: u8,
) -> Result<Reader<impl Read>, Unloaded> {
    let host = |error: std::io::Error| Unloaded::Host(error.to_string());
    file.seek(SeekFrom::Start(0)).map_err(host)?;
    // A file that grows meanwhile is read as it was.
    let mut input = BufReader::with_capacity(1 << 18, file.take(size));
    if input.fill_buf().map_err(host)?.starts_with(BOM) {
        input.consume(BOM.len());
    }
    Ok(ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(input))
}

fn read<R: Read>(reader: &mut Reader<R>, record: &mut ByteRecord) -> Result<bool, Unloaded> {
    reader
        .read_byte_record(record)
        .map_err(|error| Unloaded::Host(error.to_string()))
}

/// The delimiter that the first line has most of, outside quotes.
fn find_delimiter<F: Read + Seek>(file: &mut F) -> Result<u8, Unloaded> {
    let mut head = Vec::new();
    file.take(HEAD_MAX_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(|error| Unloaded::Host(error.to_string()))?;
    let mut quoted = false;
    let line = head.iter().take_while(|byte| {
        quoted ^= **byte == b'"';
        quoted || !matches!(byte, b'\n' | b'\r')
    });
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!quoted && byte == delimiter);
        }
    }
    let mut best = (b',', 0);
    for (delimiter, count) in counts {
        if count > best.1 {
            best = (delimiter, count);
        }
    }
    Ok(best.0)
}

/// A field as text: UTF-8, and Latin-1 if it is not.
fn text(field: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(field) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(field.iter().copied().map(char::from).collect()),
    }
}

fn value(kind: Kind, field: &str) -> ValueRef<'_> {
    let trimmed = field.trim();
    if field.is_empty() {
        return ValueRef::Null;
    }
    let value = match kind {
        Kind::Text | Kind::Unknown => Some(ValueRef::Text(field.as_bytes())),
        Kind::Integer => kind::integer(trimmed).map(ValueRef::Integer),
        Kind::Real => kind::real(trimmed).map(ValueRef::Real),
        Kind::Bool => kind::boolean(trimmed).map(|value| ValueRef::Integer(value.into())),
        Kind::Date | Kind::Timestamp if trimmed.is_empty() || kind::is_absent(trimmed) => None,
        Kind::Date | Kind::Timestamp => Some(ValueRef::Text(trimmed.as_bytes())),
    };
    value.unwrap_or(ValueRef::Null)
}
