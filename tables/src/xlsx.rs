//! Workbooks of Excel (.xlsx, .xlsm).

use super::content::Content;
use super::rows::Unloaded;
use super::sheet_cells::{Cell, TakeRow};
use super::table::Bounds;
use super::workbook::{Workbook, add_text, attribute, next};
use super::xlsx_styles::{Style, moment, moment_of_text, styles, time};
use quick_xml::events::{BytesStart, Event};

/// Most columns that Excel has.
const COLUMN_MAX: usize = 16_384;

pub(super) fn sheet_names(content: &Content, bounds: &Bounds) -> Result<Vec<String>, Unloaded> {
    let (sheets, _) = sheets(&mut Workbook::open(content, bounds)?)?;
    Ok(sheets.into_iter().map(|(name, _)| name).collect())
}

/// Hands on the rows of the sheet of this name, or of the first.
pub(super) fn rows(
    content: &Content,
    name: Option<&str>,
    bounds: &Bounds,
    take: &mut TakeRow<'_>,
) -> Result<(), Unloaded> {
    let mut workbook = Workbook::open(content, bounds)?;
    let (sheets, is_1904) = sheets(&mut workbook)?;
    let mut sheets = sheets.into_iter();
    let found = sheets.find(|(sheet, _)| name.is_none_or(|name| name == sheet));
    let Some((_, path)) = found else {
        return Err(Unloaded::Content(
            "the sheet is not there any more".to_owned(),
        ));
    };
    let shared = shared_strings(&mut workbook, bounds)?;
    let styles = styles(&mut workbook)?;
    let Some(mut xml) = workbook.part(&path)? else {
        return Err(Unloaded::Content("a sheet is missing".to_owned()));
    };
    let cells = Cells {
        shared,
        styles,
        is_1904,
    };
    let mut buffer = Vec::new();
    let mut row = Vec::new();
    let mut open: Option<Open> = None;
    let mut column = 0;
    let mut in_value = false;
    loop {
        let event = next(&mut xml, &mut buffer)?;
        match &event {
            Event::Start(element) => match element.local_name().as_ref() {
                b"row" => {
                    row.clear();
                    column = 0;
                }
                b"c" => open = Some(Open::new(element, column)?),
                b"v" | b"t" => in_value = true,
                // How a text is spoken is not what it says.
                b"rPh" => open.iter_mut().for_each(|open| open.is_phonetic = true),
                _ => {}
            },
            // A cell without content counts as a column.
            Event::Empty(element) if element.local_name().as_ref() == b"c" => {
                column = Open::new(element, column)?.column + 1;
            }
            Event::End(element) => match element.local_name().as_ref() {
                b"row" => {
                    if !row.is_empty() {
                        row.sort_by_key(|(column, _)| *column);
                        take(&row)?;
                    }
                    row.clear();
                }
                b"c" => {
                    if let Some(open) = open.take() {
                        column = open.column + 1;
                        row.extend(cells.value(&open).map(|cell| (open.column, cell)));
                    }
                }
                b"v" | b"t" => in_value = false,
                b"rPh" => open.iter_mut().for_each(|open| open.is_phonetic = false),
                b"sheetData" => return Ok(()),
                _ => {}
            },
            Event::Eof => return Ok(()),
            event => {
                if let Some(open) = open.as_mut().filter(|open| in_value && !open.is_phonetic) {
                    add_text(event, &mut open.text);
                }
            }
        }
    }
}

/// A cell that is being read.
struct Open {
    column: usize,
    kind: String,
    style: usize,
    text: String,
    is_phonetic: bool,
}

impl Open {
    fn new(element: &BytesStart<'_>, column: usize) -> Result<Self, Unloaded> {
        let reference = attribute(element, "r");
        let column = reference.as_deref().and_then(column_of).unwrap_or(column);
        if column >= COLUMN_MAX {
            return Err(Unloaded::Content(format!(
                "it has more than {COLUMN_MAX} columns"
            )));
        }
        let style = attribute(element, "s").and_then(|style| style.parse().ok());
        Ok(Self {
            column,
            kind: attribute(element, "t").unwrap_or_default(),
            style: style.unwrap_or(0),
            text: String::new(),
            is_phonetic: false,
        })
    }
}

/// The column of a reference: 0 for `A1`, 27 for `AB3`.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters.take(4).fold(0, |number, letter| {
        number * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    usize::checked_sub(number, 1)
}

struct Cells {
    shared: Vec<String>,
    styles: Vec<Style>,
    is_1904: bool,
}

impl Cells {
    fn value(&self, open: &Open) -> Option<Cell> {
        let text = &open.text;
        let plain = |text: &str| (!text.is_empty()).then(|| Cell::Text(unescaped(text)));
        match open.kind.as_str() {
            "s" => {
                let index: usize = text.trim().parse().ok()?;
                plain(self.shared.get(index)?)
            }
            "str" | "inlineStr" => plain(text),
            "b" => Some(Cell::Bool(text.trim() == "1")),
            "e" => Some(Cell::Error),
            "d" => Some(moment_of_text(text.trim())),
            _ => {
                let number: f64 = text.trim().parse().ok()?;
                let style = self.styles.get(open.style).unwrap_or(&Style::Number);
                Some(match style {
                    Style::Number => Cell::Number(number),
                    Style::Moment => moment(number, self.is_1904),
                    Style::Time if (0.0..1.0).contains(&number) => time(number),
                    // A duration of a day and more.
                    Style::Time => Cell::Number(number),
                })
            }
        }
    }
}

/// Characters that XML does not take are written `_x000D_`.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("_x") {
        plain.push_str(before);
        let digits = after.get(..4).filter(|_| after.get(4..5) == Some("_"));
        let character = digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32);
        match character {
            Some(character) => {
                plain.push(character);
                rest = after.get(5..).unwrap_or_default();
            }
            None => {
                plain.push_str("_x");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// The names of the sheets with the paths of their parts, and whether days count from 1904.
fn sheets(workbook: &mut Workbook<'_>) -> Result<(Vec<(String, String)>, bool), Unloaded> {
    let mut targets = Vec::new();
    let mut buffer = Vec::new();
    if let Some(mut xml) = workbook.part("xl/_rels/workbook.xml.rels")? {
        loop {
            match next(&mut xml, &mut buffer)? {
                Event::Start(element) | Event::Empty(element) => {
                    let id = attribute(&element, "Id");
                    if let (Some(id), Some(target)) = (id, attribute(&element, "Target")) {
                        targets.push((id, target));
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    let mut is_1904 = false;
    let Some(mut xml) = workbook.part("xl/workbook.xml")? else {
        return Err(Unloaded::Content("it is no workbook of Excel".to_owned()));
    };
    loop {
        match next(&mut xml, &mut buffer)? {
            Event::Start(element) | Event::Empty(element) => match element.local_name().as_ref() {
                b"workbookPr" => {
                    let counts = attribute(&element, "date1904");
                    is_1904 = counts.is_some_and(|counts| counts == "1" || counts == "true");
                }
                b"sheet" => {
                    let name = attribute(&element, "name").unwrap_or_default();
                    let id = attribute(&element, "id").unwrap_or_default();
                    let target = targets.iter().find(|(known, _)| *known == id);
                    // A sheet that is a chart has no rows.
                    if let Some((_, target)) = target.filter(|(_, path)| path.contains("sheet")) {
                        let path = match target.strip_prefix('/') {
                            Some(path) => path.to_owned(),
                            None => format!("xl/{target}"),
                        };
                        if !path.contains("chartsheet") {
                            found.push((name, path));
                        }
                    }
                }
                _ => {}
            },
            Event::Eof => return Ok((found, is_1904)),
            _ => {}
        }
    }
}

fn shared_strings(workbook: &mut Workbook<'_>, bounds: &Bounds) -> Result<Vec<String>, Unloaded> {
    let Some(mut xml) = workbook.part("xl/sharedStrings.xml")? else {
        return Ok(Vec::new());
    };
    let mut buffer = Vec::new();
    let mut all = Vec::new();
    let mut text = String::new();
    let (mut in_text, mut is_phonetic) = (false, false);
    let mut bytes = 0_usize;
    loop {
        let event = next(&mut xml, &mut buffer)?;
        match &event {
            Event::Start(element) => match element.local_name().as_ref() {
                b"si" => text.clear(),
                b"t" => in_text = true,
                b"rPh" => is_phonetic = true,
                _ => {}
            },
            Event::Empty(element) if element.local_name().as_ref() == b"si" => {
                all.push(String::new());
            }
            Event::End(element) => match element.local_name().as_ref() {
                b"si" => {
                    bytes = bytes.saturating_add(text.len() + size_of::<String>());
                    if bytes > bounds.max_bytes {
                        return Err(Unloaded::TooLarge);
                    }
                    all.push(std::mem::take(&mut text));
                }
                b"t" => in_text = false,
                b"rPh" => is_phonetic = false,
                _ => {}
            },
            Event::Eof => return Ok(all),
            event if in_text && !is_phonetic => add_text(event, &mut text),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_escapes_are_read() {
        for (reference, column) in [
            ("A1", Some(0)),
            ("Z9", Some(25)),
            ("AB3", Some(27)),
            ("1", None),
        ] {
            assert_eq!(column_of(reference), column, "{reference}");
        }
        assert_eq!(unescaped("a_x000D_\nb_xyz_x0041_"), "a\r\nb_xyzA");
    }
}
