//! Workbooks of OpenDocument (.ods).

use super::content::Content;
use super::rows::Unloaded;
use super::sheet_cells::{Cell, Row, TakeRow};
use super::table::Bounds;
use super::workbook::{Workbook, add_text, attribute, next};
use super::xlsx_styles::moment_of_text;
use quick_xml::events::{BytesStart, Event};

/// Rows and columns that a sheet may have; empty ones are said to be many more.
const ROWS_MAX: usize = 1 << 20;
const COLUMNS_MAX: usize = 16_384;
/// Bytes of a cell that is said to be there several times.
const REPEATED_MAX_BYTES: usize = 64 << 20;

pub(super) fn sheet_names(content: &Content, bounds: &Bounds) -> Result<Vec<String>, Unloaded> {
    let mut workbook = Workbook::open(content, bounds)?;
    let Some(mut xml) = workbook.part("content.xml")? else {
        return Err(Unloaded::Content(
            "it is no workbook of OpenDocument".to_owned(),
        ));
    };
    let mut buffer = Vec::new();
    let mut names = Vec::new();
    loop {
        match next(&mut xml, &mut buffer)? {
            Event::Start(element) | Event::Empty(element)
                if element.name().as_ref() == b"table:table" =>
            {
                names.push(attribute(&element, "name").unwrap_or_default());
            }
            Event::Eof => return Ok(names),
            _ => {}
        }
        bounds.in_time()?;
    }
}

/// Hands on the rows of the sheet of this name, or of the first.
pub(super) fn rows(
    content: &Content,
    name: Option<&str>,
    bounds: &Bounds,
    take: &mut TakeRow<'_>,
) -> Result<(), Unloaded> {
    let mut workbook = Workbook::open(content, bounds)?;
    let Some(mut xml) = workbook.part("content.xml")? else {
        return Err(Unloaded::Content(
            "it is no workbook of OpenDocument".to_owned(),
        ));
    };
    let mut buffer = Vec::new();
    let mut reading = Reading::default();
    let mut in_sheet = false;
    loop {
        let event = next(&mut xml, &mut buffer)?;
        match &event {
            Event::Start(element) if element.name().as_ref() == b"table:table" => {
                let found = attribute(element, "name");
                in_sheet = name.is_none_or(|name| found.as_deref() == Some(name));
            }
            Event::End(element) if element.name().as_ref() == b"table:table" && in_sheet => {
                return Ok(());
            }
            Event::Eof if in_sheet => return Ok(()),
            Event::Eof => {
                return Err(Unloaded::Content(
                    "the sheet is not there any more".to_owned(),
                ));
            }
            _ if !in_sheet => {}
            Event::Start(element) => reading.start(element)?,
            Event::Empty(element) => {
                reading.start(element)?;
                reading.end(element.name().as_ref(), take)?;
            }
            Event::End(element) => reading.end(element.name().as_ref(), take)?,
            event if reading.in_paragraph => add_text(event, &mut reading.text),
            _ => {}
        }
    }
}

/// A sheet that is being read.
#[derive(Default)]
struct Reading {
    row: Vec<(usize, Cell)>,
    column: usize,
    repeated_row: usize,
    repeated_cell: usize,
    rows: usize,
    kind: String,
    value: String,
    text: String,
    in_paragraph: bool,
    in_note: bool,
    has_paragraph: bool,
}

impl Reading {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), Unloaded> {
        let times = |name: &str| {
            let times = attribute(element, name).and_then(|times| times.parse().ok());
            times.unwrap_or(1_usize)
        };
        match element.name().as_ref() {
            b"table:table-row" => {
                self.row.clear();
                self.column = 0;
                self.repeated_row = times("number-rows-repeated");
            }
            b"table:table-cell" | b"table:covered-table-cell" => {
                self.repeated_cell = times("number-columns-repeated");
                self.kind = attribute(element, "value-type").unwrap_or_default();
                let names = ["date-value", "time-value", "boolean-value", "string-value"];
                // `office:value` is the last part of no other name.
                let value = names.iter().find_map(|name| attribute(element, name));
                let value = value.or_else(|| attribute(element, "value"));
                self.value = value.unwrap_or_default();
                self.text.clear();
                self.has_paragraph = false;
            }
            // What somebody remarked is no part of the cell.
            b"office:annotation" => self.in_note = true,
            b"text:p" if !self.in_note => {
                if self.has_paragraph {
                    self.text.push('\n');
                }
                self.has_paragraph = true;
                self.in_paragraph = true;
            }
            b"text:s" if self.in_paragraph => {
                let count = times("c").min(1000);
                self.text.extend(std::iter::repeat_n(' ', count));
            }
            b"text:tab" if self.in_paragraph => self.text.push('\t'),
            b"text:line-break" if self.in_paragraph => self.text.push('\n'),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &[u8], take: &mut TakeRow<'_>) -> Result<(), Unloaded> {
        match name {
            b"office:annotation" => self.in_note = false,
            b"text:p" => self.in_paragraph = false,
            b"table:table-cell" | b"table:covered-table-cell" => {
                if let Some(cell) = self.cell() {
                    let end = self.column.saturating_add(self.repeated_cell);
                    if end > COLUMNS_MAX {
                        let message = format!("it has more than {COLUMNS_MAX} columns");
                        return Err(Unloaded::Content(message));
                    }
                    let bytes = self.text.len().max(self.value.len());
                    if bytes.saturating_mul(self.repeated_cell) > REPEATED_MAX_BYTES {
                        return Err(Unloaded::TooLarge);
                    }
                    let columns = self.column..end;
                    self.row
                        .extend(columns.map(|column| (column, cell.clone())));
                }
                self.column = self.column.saturating_add(self.repeated_cell);
            }
            b"table:table-row" => self.end_row(take)?,
            _ => {}
        }
        Ok(())
    }

    fn end_row(&mut self, take: &mut TakeRow<'_>) -> Result<(), Unloaded> {
        if self.row.is_empty() {
            return Ok(());
        }
        self.rows = self.rows.saturating_add(self.repeated_row);
        if self.rows > ROWS_MAX {
            return Err(Unloaded::Content(format!(
                "it has more than {ROWS_MAX} rows"
            )));
        }
        let row: &Row = &self.row;
        for _ in 0..self.repeated_row {
            take(row)?;
        }
        self.row.clear();
        Ok(())
    }

    fn cell(&self) -> Option<Cell> {
        let text = || (!self.text.is_empty()).then(|| Cell::Text(self.text.clone()));
        match self.kind.as_str() {
            "float" | "percentage" | "currency" => self
                .value
                .trim()
                .parse()
                .map_or_else(|_| text(), |value| Some(Cell::Number(value))),
            "boolean" => Some(Cell::Bool(self.value == "true")),
            "date" => Some(moment_of_text(&self.value)),
            // The value is a duration, such as PT18H00M00S; the text is what is seen.
            "time" => text(),
            "string" if self.text.is_empty() && !self.value.is_empty() => {
                Some(Cell::Text(self.value.clone()))
            }
            _ if self.text.starts_with("#N/A") || self.text.starts_with("#DIV/0!") => {
                Some(Cell::Error)
            }
            _ => text(),
        }
    }
}
