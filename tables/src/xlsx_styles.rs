//! What the numbers of a workbook of Excel stand for: its formats, and days and times.

use super::dates;
use super::rows::Unloaded;
use super::sheet_cells::Cell;
use super::workbook::{Workbook, attribute, next};
use quick_xml::events::Event;

/// Days from the first of 1900, as Excel counts, to 1970.
const DAYS_TO_1970: f64 = 25_569.0;
/// How much later days are counted from in workbooks that count from 1904.
const DAYS_TO_1904: f64 = 1462.0;
const DAY_MILLISECONDS: f64 = 86_400_000.0;
/// Styles of a workbook.
const STYLES_MAX: usize = 1 << 17;

/// What a number stands for by its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Number,
    Moment,
    /// A time without a day.
    Time,
}

/// A date in a cell of text.
pub(super) fn moment_of_text(text: &str) -> Cell {
    let text = text.replacen('T', " ", 1);
    if dates::date(text.as_bytes()).is_some() {
        Cell::Day(text)
    } else if dates::timestamp(text.as_bytes()).is_some() {
        Cell::Moment(text)
    } else {
        Cell::Text(text)
    }
}

/// The day and the time that a number of days stands for.
pub(super) fn moment(number: f64, is_1904: bool) -> Cell {
    let from_1900 = if is_1904 {
        number + DAYS_TO_1904
    } else {
        number
    };
    // Excel counts a 29th of February 1900, which was none.
    let days = if from_1900 < 60.0 && !is_1904 {
        from_1900 + 1.0
    } else {
        from_1900
    };
    let milliseconds = ((days - DAYS_TO_1970) * DAY_MILLISECONDS).round();
    let text = dates::timestamp_text((milliseconds as i64).saturating_mul(1000), false);
    match text {
        None => Cell::Number(number),
        Some(text) => match text.strip_suffix(" 00:00:00") {
            Some(day) => Cell::Day(day.to_owned()),
            None => Cell::Moment(
                text.strip_suffix("000")
                    .filter(|_| text.contains('.'))
                    .unwrap_or(&text)
                    .to_owned(),
            ),
        },
    }
}

pub(super) fn time(number: f64) -> Cell {
    let milliseconds = (number * DAY_MILLISECONDS).round() as i64;
    let text = dates::timestamp_text(milliseconds.saturating_mul(1000), false);
    let time = text.as_deref().and_then(|text| text.get(11..));
    Cell::Text(time.unwrap_or_default().to_owned())
}

/// What numbers of every style of cells stand for.
pub(super) fn styles(workbook: &mut Workbook<'_>) -> Result<Vec<Style>, Unloaded> {
    let Some(mut xml) = workbook.part("xl/styles.xml")? else {
        return Ok(Vec::new());
    };
    let mut buffer = Vec::new();
    let mut own: Vec<(u32, Style)> = Vec::new();
    let mut styles = Vec::new();
    let mut in_cells = false;
    loop {
        match next(&mut xml, &mut buffer)? {
            Event::Start(element) | Event::Empty(element)
                if element.local_name().as_ref() == b"numFmt" =>
            {
                let id = attribute(&element, "numFmtId").and_then(|id| id.parse().ok());
                let code = attribute(&element, "formatCode").unwrap_or_default();
                own.extend(id.map(|id| (id, style_of(&code))));
            }
            Event::Start(element) if element.local_name().as_ref() == b"cellXfs" => {
                in_cells = true;
            }
            Event::End(element) if element.local_name().as_ref() == b"cellXfs" => {
                in_cells = false;
            }
            Event::Start(element) | Event::Empty(element)
                if in_cells && element.local_name().as_ref() == b"xf" =>
            {
                let id: Option<u32> =
                    attribute(&element, "numFmtId").and_then(|id| id.parse().ok());
                let id = id.unwrap_or(0);
                let known = own.iter().find(|(known, _)| *known == id);
                styles.push(known.map_or_else(|| built_in(id), |(_, style)| *style));
            }
            Event::Eof => return Ok(styles),
            _ => {}
        }
        if styles.len() > STYLES_MAX || own.len() > STYLES_MAX {
            return Err(Unloaded::Content("it has too many styles".to_owned()));
        }
    }
}

fn built_in(id: u32) -> Style {
    match id {
        14..=17 | 22 | 27..=31 | 34..=36 | 50..=58 => Style::Moment,
        18..=21 | 32 | 33 | 45..=47 => Style::Time,
        _ => Style::Number,
    }
}

/// Whether the code of a format is one of dates, by the letters outside of quotes and brackets.
fn style_of(code: &str) -> Style {
    let mut letters = String::new();
    let mut characters = code.split(';').next().unwrap_or_default().chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                characters.by_ref().find(|end| *end == '"');
            }
            '\\' | '_' | '*' => {
                characters.next();
            }
            '[' => {
                let inside: String = characters.by_ref().take_while(|end| *end != ']').collect();
                // [h] is a number of hours; [Red] and [$-409] say nothing of the value.
                if inside
                    .chars()
                    .all(|c| matches!(c, 'h' | 'H' | 'm' | 'M' | 's' | 'S'))
                {
                    letters.push_str(&inside);
                }
            }
            other => letters.push(other.to_ascii_lowercase()),
        }
    }
    let has = |wanted: &[char]| letters.contains(wanted);
    if letters.contains("general") || has(&['#', '?']) {
        Style::Number
    } else if has(&['y', 'd']) || (letters.contains('m') && !has(&['h', 's'])) {
        Style::Moment
    } else if has(&['h', 's']) {
        Style::Time
    } else {
        Style::Number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_days_by_their_format() {
        for (code, expected) in [
            ("yyyy\\-mm\\-dd", Style::Moment),
            ("[$-409]d\\-mmm\\-yy;@", Style::Moment),
            ("hh:mm:ss", Style::Time),
            ("[h]:mm", Style::Time),
            ("mm:ss.0", Style::Time),
            ("0.00", Style::Number),
            ("#,##0 \"days\"", Style::Number),
            ("[Red]0", Style::Number),
            ("General", Style::Number),
            ("0\"d\"", Style::Number),
        ] {
            assert_eq!(style_of(code), expected, "{code}");
        }
        for (number, is_1904, expected) in [
            (45_292.0, false, Cell::Day("2024-01-01".to_owned())),
            (
                45_292.5,
                false,
                Cell::Moment("2024-01-01 12:00:00".to_owned()),
            ),
            (1.0, false, Cell::Day("1900-01-01".to_owned())),
            (61.0, false, Cell::Day("1900-03-01".to_owned())),
            (43_830.0, true, Cell::Day("2024-01-01".to_owned())),
            (1e12, false, Cell::Number(1e12)),
        ] {
            assert_eq!(moment(number, is_1904), expected);
        }
        assert_eq!(time(0.75), Cell::Text("18:00:00".to_owned()));
    }
}
