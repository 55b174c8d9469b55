//! The reader of tables: every file that is a table, of `--sql` as well as of `--input`, is read
//! here, in two passes. The first finds columns and their types, the second hands on rows.
//!
//! A table may have several files, which then are its partitions: a column that one of them lacks
//! is NULL there, and what the names of their folders say are columns too.

use super::cells::Form;
use super::content::Content;
use super::delimited::{self, Delimited};
use super::format::Format;
use super::json_lines::Shape;
use super::kind::{self, Kind};
use super::rows::{Plan, Rows, Unloaded};
use super::sheet::{self, Sheet};
use super::table::{Bounds, Found};
use super::value::ValueRef;
use super::{arrow, json, json_lines};

/// One file of a table.
pub struct Part {
    /// Its bytes.
    pub content: Content,
    /// What the names of its folders say: columns and their values.
    pub constants: Vec<(String, Option<String>)>,
}

/// Reads the files of a table into what `begin` makes of their columns. Returns it with what a
/// reader of the table should know.
///
/// # Errors
/// [`Unloaded`], by a file or by what takes the rows.
pub fn read<R: Rows>(
    parts: &[Part],
    format: Format,
    sheet: Option<&str>,
    bounds: &Bounds,
    begin: impl FnOnce(&[Plan]) -> Result<R, Unloaded>,
) -> Result<(R, Vec<String>), Unloaded> {
    let mut found = Vec::new();
    for part in parts {
        found.push(inspect(&part.content, format, sheet, bounds)?);
    }
    let joined = Joined::of(parts, &found);
    let mut rows = begin(&joined.plan)?;
    for (part, found) in parts.iter().zip(&found) {
        match parts.len() == 1 && part.constants.is_empty() {
            true => feed(&part.content, &found.how, bounds, &mut rows)?,
            false => {
                let mut placed = joined.place(part, found, &mut rows);
                feed(&part.content, &found.how, bounds, &mut placed)?;
            }
        }
    }
    Ok((rows, joined.notes))
}

/// How the rows of a file are read.
enum How {
    Delimited(Delimited),
    Json(Shape),
    JsonLines(Shape),
    Columns(arrow::Layout, Vec<Form>),
    Sheet(Sheet),
}

fn inspect(
    content: &Content,
    format: Format,
    sheet: Option<&str>,
    bounds: &Bounds,
) -> Result<Found<How>, Unloaded> {
    fn with<T>(found: Found<T>, how: impl FnOnce(T) -> How) -> Found<How> {
        Found {
            plan: found.plan,
            notes: found.notes,
            how: how(found.how),
        }
    }
    if let Some(layout) = format.layout() {
        let found = arrow::inspect(content, layout, bounds)?;
        return Ok(with(found, |forms| How::Columns(layout, forms)));
    }
    Ok(match format {
        Format::Tsv => {
            let found = delimited::inspect(content, Some(b'\t'), bounds)?;
            with(found, How::Delimited)
        }
        Format::JsonLines => with(json_lines::inspect(content, bounds)?, How::JsonLines),
        // Lines are also found under the ending of a document.
        Format::Json => match json::inspect(content, bounds) {
            Ok(found) => with(found, How::Json),
            Err(error) => match json_lines::inspect(content, bounds) {
                Ok(found) => with(found, How::JsonLines),
                Err(_) => return Err(error),
            },
        },
        Format::Xlsx | Format::OpenDocument => {
            with(sheet::inspect(content, format, sheet, bounds)?, How::Sheet)
        }
        _ => with(delimited::inspect(content, None, bounds)?, How::Delimited),
    })
}

fn feed(
    content: &Content,
    how: &How,
    bounds: &Bounds,
    rows: &mut dyn Rows,
) -> Result<(), Unloaded> {
    match how {
        How::Delimited(delimited) => delimited.feed(content, rows),
        How::Json(shape) => json::feed(content, shape, bounds, rows),
        How::JsonLines(shape) => json_lines::feed(content, shape, bounds, rows),
        How::Columns(layout, forms) => arrow::feed(content, *layout, forms, bounds, rows),
        How::Sheet(sheet) => sheet.feed(content, bounds, rows),
    }
}

/// The columns of all files of a table.
struct Joined {
    plan: Vec<Plan>,
    notes: Vec<String>,
    /// The types of the columns that folders name, which are the last ones.
    folders: Vec<(String, Kind)>,
}

impl Joined {
    fn of(parts: &[Part], found: &[Found<How>]) -> Self {
        let mut joined = Self {
            plan: Vec::new(),
            notes: Vec::new(),
            folders: Vec::new(),
        };
        for (name, value) in parts.iter().flat_map(|part| &part.constants) {
            let value = value.as_deref().unwrap_or_default();
            match joined.folders.iter_mut().find(|(known, _)| known == name) {
                Some((_, kind)) => *kind = kind.join_text(value),
                None => {
                    let kind = Kind::Unknown.join_text(value);
                    joined.folders.push((name.clone(), kind));
                }
            }
        }
        let is_joined = parts.len() > 1 || !joined.folders.is_empty();
        for found in found {
            for column in &found.plan {
                let is_folder = |(name, _): &(String, Kind)| *name == column.name;
                if joined.folders.iter().any(is_folder) {
                    continue;
                }
                let known = joined
                    .plan
                    .iter_mut()
                    .find(|known| known.name == column.name);
                match known.filter(|_| is_joined) {
                    Some(known) => known.declared = wider(known.declared, column.declared),
                    None => joined.plan.push(column.clone()),
                }
            }
            for note in &found.notes {
                if !joined.notes.contains(note) {
                    joined.notes.push(note.clone());
                }
            }
        }
        for (name, kind) in &joined.folders {
            joined.plan.push(Plan {
                name: name.clone(),
                declared: kind.declared(),
            });
        }
        joined
    }

    /// Puts the rows of a file into the places of the table.
    fn place<'r>(&self, part: &Part, found: &Found<How>, rows: &'r mut dyn Rows) -> Placed<'r> {
        let place = |name: &str| self.plan.iter().position(|column| column.name == name);
        let places: Vec<Option<usize>> = found
            .plan
            .iter()
            .map(|column| place(&column.name))
            .collect();
        let is_missing = |index: &usize| !places.contains(&Some(*index));
        let own = self.plan.len().saturating_sub(self.folders.len());
        let missing = (0..own).filter(is_missing).collect();
        let folders = self
            .folders
            .iter()
            .enumerate()
            .map(|(index, (name, kind))| {
                let value = part.constants.iter().find(|(known, _)| known == name);
                let value = value.and_then(|(_, value)| value.clone());
                (own + index, *kind, value)
            });
        let is_text = self.plan.iter().map(|column| column.declared == "TEXT");
        Placed {
            places,
            missing,
            folders: folders.collect(),
            is_text: is_text.collect(),
            rows,
        }
    }
}

/// The type that holds the values of both.
fn wider(one: &'static str, other: &'static str) -> &'static str {
    match (one, other) {
        _ if one == other => one,
        ("INTEGER" | "REAL", "INTEGER" | "REAL") => "REAL",
        ("DATE" | "TIMESTAMP", "DATE" | "TIMESTAMP") => "TIMESTAMP",
        _ => "TEXT",
    }
}

/// Rows of a file that has other columns than its table.
struct Placed<'r> {
    places: Vec<Option<usize>>,
    missing: Vec<usize>,
    folders: Vec<(usize, Kind, Option<String>)>,
    is_text: Vec<bool>,
    rows: &'r mut dyn Rows,
}

impl Rows for Placed<'_> {
    fn set(&mut self, column: usize, value: ValueRef<'_>) -> Result<(), Unloaded> {
        let Some(place) = self.places.get(column).copied().flatten() else {
            return Ok(());
        };
        if self.is_text.get(place) == Some(&true) {
            match value {
                ValueRef::Integer(value) => {
                    let text = value.to_string();
                    return self.rows.set(place, ValueRef::Text(text.as_bytes()));
                }
                ValueRef::Real(value) => {
                    let text = value.to_string();
                    return self.rows.set(place, ValueRef::Text(text.as_bytes()));
                }
                _ => {}
            }
        }
        self.rows.set(place, value)
    }

    fn row(&mut self) -> Result<(), Unloaded> {
        for column in &self.missing {
            self.rows.set(*column, ValueRef::Null)?;
        }
        for (column, kind, value) in &self.folders {
            let integer = |value: &String| kind::integer(value).map(ValueRef::Integer);
            let value = match (kind, value) {
                (_, None) => ValueRef::Null,
                (Kind::Integer, Some(value)) => integer(value).unwrap_or(ValueRef::Null),
                (Kind::Real, Some(value)) => {
                    kind::real(value).map_or(ValueRef::Null, ValueRef::Real)
                }
                (Kind::Bool, Some(value)) => kind::boolean(value)
                    .map_or(ValueRef::Null, |value| ValueRef::Integer(value.into())),
                (_, Some(value)) => ValueRef::Text(value.as_bytes()),
            };
            self.rows.set(*column, value)?;
        }
        self.rows.row()
    }
}
