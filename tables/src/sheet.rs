//! A sheet of a workbook as a table: its first full row names the columns.

use super::content::Content;
use super::format::Format;
use super::kind::Kind;
use super::rows::{COLUMNS_MAX, Plan, Rows, Unloaded};
use super::sheet_cells::{Cell, Row, TakeRow};
use super::table::{Bounds, Found};
use super::value::ValueRef;
use super::{ods, xlsx};

/// Rows among which the header is looked for.
const HEAD_ROWS: usize = 50;

/// How the rows of a sheet are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    format: Format,
    name: Option<String>,
    /// Rows with values before the header.
    skipped: usize,
    /// Which columns of the sheet are columns of the table.
    columns: Vec<(usize, Kind)>,
}

/// The names of the sheets of a workbook.
pub(super) fn names(
    content: &Content,
    format: Format,
    bounds: &Bounds,
) -> Result<Vec<String>, Unloaded> {
    match format {
        Format::OpenDocument => ods::sheet_names(content, bounds),
        _ => xlsx::sheet_names(content, bounds),
    }
}

/// Looks through a sheet: the one of this name, or the first.
pub(super) fn inspect(
    content: &Content,
    format: Format,
    name: Option<&str>,
    bounds: &Bounds,
) -> Result<Found<Sheet>, Unloaded> {
    let mut seen = Seen::default();
    each_row(content, format, name, bounds, &mut |row| seen.take(row))?;
    seen.settle()?;
    let Some((skipped, header)) = seen.header else {
        return Err(Unloaded::Content("the sheet is empty".to_owned()));
    };
    let mut found = Found {
        plan: Vec::new(),
        notes: Vec::new(),
        how: Sheet {
            format,
            name: name.map(str::to_owned),
            skipped,
            columns: Vec::new(),
        },
    };
    for (place, kind) in seen.kinds.iter().enumerate() {
        let title = header.iter().find(|(column, _)| *column == place);
        let title = title.map(|(_, cell)| cell.text());
        let Some(kind) = kind.or(title.as_ref().map(|_| Kind::Unknown)) else {
            continue;
        };
        found.how.columns.push((place, kind));
        found.plan.push(Plan {
            name: title.unwrap_or_default(),
            declared: kind.declared(),
        });
    }
    if skipped > 0 {
        let note = format!("{skipped} rows before the header were left out");
        found.notes.push(note);
    }
    if seen.errors > 0 {
        let note = format!("{} cells with errors such as #N/A are NULL", seen.errors);
        found.notes.push(note);
    }
    Ok(found)
}

impl Sheet {
    /// Hands on all rows.
    pub(super) fn feed(
        &self,
        content: &Content,
        bounds: &Bounds,
        rows: &mut dyn Rows,
    ) -> Result<(), Unloaded> {
        let mut left = self.skipped + 1;
        let name = self.name.as_deref();
        each_row(content, self.format, name, bounds, &mut |row| {
            if left > 0 {
                left -= 1;
                return Ok(());
            }
            let mut cells = row.iter().peekable();
            for (index, (place, kind)) in self.columns.iter().enumerate() {
                while cells.next_if(|(column, _)| column < place).is_some() {}
                match cells.next_if(|(column, _)| column == place) {
                    Some((_, cell)) => cell.set(rows, index, *kind)?,
                    None => rows.set(index, ValueRef::Null)?,
                }
            }
            rows.row()
        })
    }
}

fn each_row(
    content: &Content,
    format: Format,
    name: Option<&str>,
    bounds: &Bounds,
    take: &mut TakeRow<'_>,
) -> Result<(), Unloaded> {
    let mut count = 0_u32;
    let mut take = |row: &Row| {
        count = count.wrapping_add(1);
        if count.is_multiple_of(1024) {
            bounds.in_time()?;
        }
        take(row)
    };
    match format {
        Format::OpenDocument => ods::rows(content, name, bounds, &mut take),
        _ => xlsx::rows(content, name, bounds, &mut take),
    }
}

/// A sheet as far as it has been looked through.
#[derive(Default)]
struct Seen {
    /// The first rows, until the header is known.
    head: Vec<Vec<(usize, Cell)>>,
    /// How many rows are before the header, and its cells.
    header: Option<(usize, Vec<(usize, Cell)>)>,
    /// The types of columns that have a value.
    kinds: Vec<Option<Kind>>,
    errors: u64,
}

impl Seen {
    fn take(&mut self, row: &Row) -> Result<(), Unloaded> {
        if self.header.is_some() {
            return self.see(row);
        }
        self.head.push(row.to_vec());
        match self.head.len() == HEAD_ROWS {
            true => self.settle(),
            false => Ok(()),
        }
    }

    /// Decides which of the first rows is the header.
    fn settle(&mut self) -> Result<(), Unloaded> {
        if self.header.is_some() || self.head.is_empty() {
            return Ok(());
        }
        let head = std::mem::take(&mut self.head);
        let widest = head.iter().map(Vec::len).max().unwrap_or_default();
        let is_header = |row: &Vec<(usize, Cell)>| {
            row.len() > 1
                && row.len() * 2 >= widest
                && row.iter().all(|(_, cell)| cell.kind() == Kind::Text)
        };
        let is_title = head.first().is_some_and(|row| row.len() == 1) && widest > 1;
        let place = match is_title {
            true => head.iter().position(is_header).unwrap_or(0),
            false => 0,
        };
        let mut rows = head.into_iter().skip(place);
        let header = rows.next().unwrap_or_default();
        for (column, _) in &header {
            self.column(*column)?;
        }
        self.header = Some((place, header));
        for row in rows {
            self.see(&row)?;
        }
        Ok(())
    }

    fn see(&mut self, row: &Row) -> Result<(), Unloaded> {
        for (column, cell) in row {
            self.errors += u64::from(*cell == Cell::Error);
            let known = self.column(*column)?;
            *known = Some(known.unwrap_or(Kind::Unknown).join(cell.kind()));
        }
        Ok(())
    }

    fn column(&mut self, column: usize) -> Result<&mut Option<Kind>, Unloaded> {
        let wide = || Unloaded::Content(format!("it has more than {COLUMNS_MAX} columns"));
        if column >= COLUMNS_MAX {
            return Err(wide());
        }
        if self.kinds.len() <= column {
            self.kinds.resize(column + 1, None);
        }
        self.kinds.get_mut(column).ok_or_else(wide)
    }
}
