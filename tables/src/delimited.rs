//! CSV, TSV and the like: the header names the columns, their types are those of all values.

use super::content::{Content, unread};
use super::dialect::{self, Dialect};
use super::encoding::{HEAD_MAX_BYTES, decoded, text};
use super::kind::{self, Kind};
use super::records::Records;
use super::rows::{Plan, Rows, Unloaded};
use super::table::{Bounds, Found, listed};
use super::value::ValueRef;
use std::io::Read;

const CLOCK_RECORDS: u64 = 4096;

/// How the rows of a file are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delimited {
    dialect: Dialect,
    kinds: Vec<Kind>,
}

/// Looks through a file. `delimiter` is guessed when it is not given.
pub(super) fn inspect(
    content: &Content,
    delimiter: Option<u8>,
    bounds: &Bounds,
) -> Result<Found<Delimited>, Unloaded> {
    let (encoding, input) = decoded(content.reader()?)?;
    let mut head = Vec::new();
    input
        .take(HEAD_MAX_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(unread)?;
    let dialect = dialect::guess(&head, delimiter);
    let mut records = records(content, dialect)?;
    if !records.advance()? {
        return Err(Unloaded::Content("it is empty".to_owned()));
    }
    let header_line = records.line();
    let names: Vec<String> = records
        .fields()
        .map(|field| text(field).0.into_owned())
        .collect();
    let mut columns = vec![Guess::new(dialect.marks.delimiter != b','); names.len()];
    let (mut count, mut guessed, mut surplus) = (0_u64, 0_u64, 0_u64);
    while records.advance()? {
        if records.len() > names.len() {
            let filled = |index| !records.field(index).trim_ascii().is_empty();
            if (names.len()..records.len()).any(filled) {
                return Err(ragged(&records, names.len(), header_line));
            }
            surplus += 1;
        }
        for (column, field) in columns.iter_mut().zip(records.fields()) {
            let (field, was_guessed) = text(field);
            guessed += u64::from(was_guessed);
            column.see(&field);
        }
        count += 1;
        if count.is_multiple_of(CLOCK_RECORDS) {
            bounds.in_time()?;
        }
    }
    let kinds = Guess::all(&columns);
    let mut found = Found {
        plan: Vec::new(),
        notes: Vec::new(),
        how: Delimited { dialect, kinds },
    };
    found
        .how
        .describe(&mut found.notes, delimiter, header_line, &names);
    found.notes.extend(encoding.note());
    if guessed > 0 {
        let note = format!("{guessed} fields are no UTF-8 and were decoded as Windows-1252");
        found.notes.push(note);
    }
    // A header that ends in the delimiter names no column there.
    let mut width = names.len();
    while width > 1
        && names
            .get(width - 1)
            .is_some_and(|name| name.trim().is_empty())
        && found.how.kinds.get(width - 1) == Some(&Kind::Unknown)
    {
        width -= 1;
    }
    if surplus > 0 || width < names.len() {
        found
            .notes
            .push("empty fields at the end of lines were left out".to_owned());
    }
    found.how.kinds.truncate(width);
    let kinds = found.how.kinds.iter();
    found.plan = names
        .into_iter()
        .zip(kinds)
        .map(|(name, kind)| Plan {
            name,
            declared: kind.declared(),
        })
        .collect();
    Ok(found)
}

impl Delimited {
    /// Hands on all rows.
    pub(super) fn feed(&self, content: &Content, rows: &mut dyn Rows) -> Result<(), Unloaded> {
        let mut records = records(content, self.dialect)?;
        records.advance()?;
        while records.advance()? {
            for (index, kind) in self.kinds.iter().enumerate() {
                let (field, _) = text(records.field(index));
                set(rows, index, *kind, &field)?;
            }
            rows.row()?;
        }
        Ok(())
    }

    fn describe(
        &self,
        notes: &mut Vec<String>,
        given: Option<u8>,
        header_line: u64,
        names: &[String],
    ) {
        let Dialect { marks, skipped, .. } = self.dialect;
        if given.is_none() && marks.delimiter != b',' && names.len() > 1 {
            let delimiter = char::from(marks.delimiter);
            notes.push(format!("delimiter {delimiter:?}"));
        }
        if marks.escapes {
            notes.push("backslashes before quotes were taken as escapes".to_owned());
        }
        if skipped > 0 && !self.dialect.is_stated {
            notes.push(format!(
                "the header is line {header_line}; the lines before were left out"
            ));
        }
        let with = |wanted: Kind| {
            let columns = names.iter().zip(&self.kinds);
            let columns = columns.filter(move |(_, kind)| **kind == wanted);
            listed(columns.map(|(name, _)| name.as_str()))
        };
        for (kind, what) in [
            (Kind::RealWithComma, "decimal comma in"),
            (Kind::IntegerWithPoints, "points between thousands in"),
        ] {
            if self.kinds.contains(&kind) {
                notes.push(format!("{what} {}", with(kind)));
            }
        }
    }
}

/// The records of a file from its header on.
fn records<'c>(
    content: &'c Content,
    dialect: Dialect,
) -> Result<Records<Box<dyn Read + 'c>>, Unloaded> {
    let (_, input) = decoded(content.reader()?)?;
    let mut records = Records::new(input, dialect.marks);
    for _ in 0..dialect.skipped {
        records.advance()?;
    }
    Ok(records)
}

fn ragged<R: Read>(records: &Records<R>, width: usize, header_line: u64) -> Unloaded {
    let header = match header_line {
        1 => "the first line".to_owned(),
        line => format!("the header in line {line}"),
    };
    Unloaded::Content(format!(
        "line {} has {} fields, {header} has {width}",
        records.line(),
        records.len()
    ))
}

/// What a column of text may be.
#[derive(Debug, Clone)]
struct Guess {
    kind: Kind,
    /// Whether all fields are numbers if commas are their points; never where commas delimit.
    fits_comma: bool,
    has_comma: bool,
}

impl Guess {
    fn new(fits_comma: bool) -> Self {
        Self {
            kind: Kind::Unknown,
            fits_comma,
            has_comma: false,
        }
    }

    fn see(&mut self, field: &str) {
        if self.kind != Kind::Text {
            self.kind = self.kind.join_text(field);
        }
        if self.fits_comma {
            let field = field.trim();
            if !field.is_empty() && !kind::is_absent(field) {
                self.fits_comma = kind::with_comma(field).is_some();
                self.has_comma |= field.contains(',');
            }
        }
    }

    /// The kinds of all columns. Points set thousands apart where another column has decimal
    /// commas.
    fn all(columns: &[Self]) -> Vec<Kind> {
        let has_comma = |column: &Self| column.fits_comma && column.has_comma;
        let any = columns.iter().any(has_comma);
        let kind = |column: &Self| match column.kind {
            Kind::Text | Kind::Real if has_comma(column) => Kind::RealWithComma,
            Kind::Text | Kind::Real if any && column.fits_comma => Kind::IntegerWithPoints,
            kind => kind,
        };
        columns.iter().map(kind).collect()
    }
}

fn set(rows: &mut dyn Rows, index: usize, kind: Kind, field: &str) -> Result<(), Unloaded> {
    let trimmed = field.trim();
    if field.is_empty() {
        return rows.set(index, ValueRef::Null);
    }
    let value = match kind {
        Kind::Text | Kind::Unknown => Some(ValueRef::Text(field.as_bytes())),
        Kind::Integer => kind::integer(trimmed).map(ValueRef::Integer),
        Kind::Real => kind::real(trimmed).map(ValueRef::Real),
        Kind::RealWithComma => kind::with_comma(trimmed)
            .and_then(|plain| plain.parse().ok())
            .map(ValueRef::Real),
        Kind::IntegerWithPoints => kind::with_comma(trimmed)
            .and_then(|plain| plain.parse().ok())
            .map(ValueRef::Integer),
        Kind::Bool => kind::boolean(trimmed).map(|value| ValueRef::Integer(value.into())),
        Kind::Date | Kind::Timestamp if trimmed.is_empty() || kind::is_absent(trimmed) => None,
        Kind::Date | Kind::Timestamp => Some(ValueRef::Text(trimmed.as_bytes())),
    };
    rows.set(index, value.unwrap_or(ValueRef::Null))
}
