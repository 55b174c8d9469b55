//! The issues, as text.

use std::fmt::Write;

use super::books::{Books, COLUMNS, FIRST_YEAR, SHOWN_MONTHS, Subject};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WIDTH: usize = 15;
const STUB: usize = 22;
/// Tables of a page.
const PAGE_TABLES: usize = 2;

pub(super) fn year_of(month: usize) -> usize {
    FIRST_YEAR + month / 12
}

pub(super) fn name_of(month: usize) -> String {
    let name = MONTHS.get(month % 12).copied().unwrap_or_default();
    format!("{name} {}", year_of(month))
}

pub(super) fn file_of(month: usize) -> String {
    format!("bulletin_{}_{:02}.txt", year_of(month), month % 12 + 1)
}

/// Whether an issue prints a table in millions; else in thousands. It changes from year to year.
fn is_in_millions(number: usize, issue: usize) -> bool {
    !(number + issue / 12).is_multiple_of(3)
}

pub(super) fn text(books: &Books, issue: usize) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "TREASURY BULLETIN\n{}\n", name_of(issue));
    let _ = writeln!(
        text,
        "Figures for the latest month are preliminary (p). Figures marked r are revised.\n"
    );
    let mut page = 1;
    for (number, subject) in books.subjects.iter().enumerate() {
        if number.is_multiple_of(PAGE_TABLES) {
            page += 1;
            let _ = writeln!(text, "\n\u{c}- {page} -\n");
        }
        table(&mut text, subject, number, issue);
    }
    text
}

fn table(text: &mut String, subject: &Subject, number: usize, issue: usize) {
    let is_in_millions = is_in_millions(number, issue);
    let unit = if is_in_millions {
        "millions"
    } else {
        "thousands"
    };
    let _ = writeln!(text, "Table {}. {}", number + 1, subject.name);
    let _ = writeln!(text, "(In {unit} of dollars)\n");
    // A heading spans the two columns under it.
    let _ = write!(text, "{:STUB$}", "");
    for pair in COLUMNS.chunks(2) {
        let heading = pair.first().map_or("", |(heading, _)| heading);
        let _ = write!(text, "|{heading:^width$}", width = 2 * WIDTH - 1);
    }
    let _ = write!(text, "\n{:STUB$}", "Period");
    for (_, column) in COLUMNS {
        let _ = write!(text, "|{column:^width$}", width = WIDTH - 1);
    }
    let _ = writeln!(text, "\n{}", "-".repeat(STUB + COLUMNS.len() * WIDTH));
    let first = issue.saturating_sub(SHOWN_MONTHS - 1);
    for month in first..=issue {
        let is_january = month.is_multiple_of(12);
        let name = MONTHS.get(month % 12).copied().unwrap_or_default();
        let stub = match is_january || month == first {
            true => format!("{}: {name}", year_of(month)),
            false => format!("      {name}"),
        };
        let _ = write!(text, "{stub:.<STUB$}");
        for series in &subject.columns {
            let mark = match series.revised.get(month).copied().flatten() {
                Some(revision) if revision.issue == issue => "r",
                _ if month == issue => "p",
                _ => "",
            };
            let figure = series.printed(month, issue).unwrap_or(0);
            let cell = format!("{}{mark}", written(figure, is_in_millions));
            let _ = write!(text, "|{cell:>width$}", width = WIDTH - 1);
        }
        text.push('\n');
    }
    if issue.is_multiple_of(4) {
        let _ = writeln!(
            text,
            "\n1/ Net of refunds. Adjusted expenditures leave out transfers."
        );
    }
    text.push('\n');
}

/// A figure of thousands in the unit of its table.
fn written(thousands: i64, is_in_millions: bool) -> String {
    match is_in_millions {
        true => format!(
            "{}.{:02}",
            grouped(thousands / 1_000),
            thousands % 1_000 / 10
        ),
        false => grouped(thousands),
    }
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
