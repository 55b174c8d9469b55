//! Exports of pages in Markdown and tables in CSV: Notion and Nuclino.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use memex_memory::{Error, markdown};

use crate::archive::{self, Unpacker, Wanted, ending};
use crate::links::{Place, linked};
use crate::page::Page;
use crate::pages::Pages;
use crate::report::malformed;
use crate::slug::Slugs;
use crate::{ImportReport, Importer, csv, text};

/// The specifics of a service's export.
pub(super) struct Service {
    name: &'static str,
    title: &'static str,
    /// How many hexadecimal digits end a name, to make it unique.
    id_digits: usize,
}

pub(super) const NOTION: Service = Service {
    name: "notion",
    title: "Notion pages",
    id_digits: 32,
};

pub(super) const NUCLINO: Service = Service {
    name: "nuclino",
    title: "Nuclino items",
    id_digits: 8,
};

/// How many rows of a table are taken in.
const ROWS_MAX: usize = 1_000;
/// How many properties stand before the text of a page.
const PROPERTIES_MAX: usize = 100;

pub(super) fn import(
    importer: &Importer<'_>,
    export: &Path,
    service: &Service,
) -> Result<ImportReport, Error> {
    let file = archive::open(export, &importer.limits)?;
    let place = export.to_string_lossy().into_owned();
    let mut report = ImportReport::default();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let wanted = |name: &str| match ending(name).as_str() {
        "md" | "csv" => Wanted::Yes,
        "zip" => Wanted::Archive,
        _ => Wanted::No,
    };
    let mut unpacker = Unpacker::new(importer.limits, &wanted);
    unpacker.each(file, &place, &mut report, &mut |name, content, report| {
        let bytes = archive::whole(name, content)?;
        match text::decode(&bytes) {
            Ok(text) => {
                files.insert(name.to_owned(), text);
            }
            Err(why) => report.skip(name, why),
        }
        Ok(())
    })?;
    if files.is_empty() && report.skipped.is_empty() {
        return Err(malformed(
            place,
            "holds no Markdown; export it as Markdown & CSV",
        ));
    }
    leave_out_views(&mut files);
    write(importer, service, &files, report)
}

/// A table may be there twice: as one view showed it, and whole as `_all`.
fn leave_out_views(files: &mut BTreeMap<String, String>) {
    let whole: Vec<String> = files
        .keys()
        .filter(|name| name.ends_with("_all.csv"))
        .cloned()
        .collect();
    for name in whole {
        if let Some(view) = name.strip_suffix("_all.csv") {
            files.remove(&format!("{view}.csv"));
        }
    }
}

fn write(
    importer: &Importer<'_>,
    service: &Service,
    files: &BTreeMap<String, String>,
    report: ImportReport,
) -> Result<ImportReport, Error> {
    let mut pages = Pages::new(importer, service.name, report);
    let mut slugs = Slugs::default();
    let mut places: BTreeMap<&str, Place> = BTreeMap::new();
    for name in files.keys() {
        let title = title(name, service);
        let path = pages.path(&slugs.take(&title));
        places.insert(name, Place { title, path });
    }
    for (name, text) in files {
        let Some(place) = places.get(name.as_str()) else {
            continue;
        };
        let mut page = Page {
            path: place.path.clone(),
            title: place.title.clone(),
            ..Page::default()
        };
        page.fact("source", service.name);
        match ending(name) == "csv" {
            true => table(&mut page, text),
            false => note(&mut page, name, text, &places),
        }
        pages.add(&page)?;
    }
    pages.finish(service.title)
}

/// The name of a file without its ending and what makes it unique.
fn title(name: &str, service: &Service) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let name = name.strip_suffix("_all").unwrap_or(name);
    let id = name.rsplit([' ', '-']).next().unwrap_or_default();
    let is_id = id.len() == service.id_digits
        && id.bytes().all(|b| b.is_ascii_hexdigit())
        && id.len() < name.len();
    let title = match is_id {
        true => name.get(..name.len() - id.len()).unwrap_or(name),
        false => name,
    };
    let title = title.trim().trim_end_matches('-').trim();
    match title.is_empty() {
        true => "Untitled".to_owned(),
        false => title.to_owned(),
    }
}

/// A page: its heading is its title, properties below it are facts.
fn note(page: &mut Page, name: &str, text: &str, places: &BTreeMap<&str, Place>) {
    let mut body = text.trim_start();
    if let Some(first) = body.lines().next().filter(|line| line.starts_with("# ")) {
        let heading = first.trim_start_matches('#').trim();
        if !heading.is_empty() {
            page.title = heading.to_owned();
        }
        body = body
            .get(first.len()..)
            .unwrap_or_default()
            .trim_start_matches('\n');
    }
    let mut rest = body;
    for _ in 0..PROPERTIES_MAX {
        let line = rest.lines().next().unwrap_or_default();
        let Some((property, value)) = property(line) else {
            break;
        };
        page.fact(property, &linked(value, name, places));
        rest = rest.get(line.len()..).unwrap_or_default();
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    page.text = linked(rest, name, places);
}

/// `Name: value`, as Notion writes the properties of a page.
fn property(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(": ")?;
    let is_name = name.chars().count() <= 40
        && name.chars().next().is_some_and(char::is_alphanumeric)
        && name.split_whitespace().count() <= 4
        && !name.contains(['[', '(', '*', '`', '<', '|', '.', ',', '/']);
    (is_name && !value.trim().is_empty()).then_some((name, value))
}

/// A table: a section a row, a fact a column.
fn table(page: &mut Page, text: &str) {
    let mut rows = csv::rows(text, ROWS_MAX + 1).into_iter();
    let columns = rows.next().unwrap_or_default();
    let rows: Vec<Vec<String>> = rows
        .filter(|row| row.iter().any(|field| !field.is_empty()))
        .collect();
    page.fact("rows", &rows.len().to_string());
    for (number, row) in rows.iter().enumerate() {
        let name = text::one_line(row.first().map_or("", String::as_str));
        let _ = match name.is_empty() {
            true => writeln!(page.text, "\n## Row {}", number + 1),
            false => writeln!(page.text, "\n## {name}"),
        };
        let mut fields = Page::default();
        for (column, value) in columns.iter().zip(row).skip(1) {
            fields.fact(column, value);
        }
        for (name, value) in fields.facts {
            let line = format!("- {name}: {}", value.replace("[[", "[ ["));
            // What is no fact in the end would only look like one.
            if markdown::fact(&line).is_some() {
                let _ = writeln!(page.text, "{line}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        let id = "0123456789abcdef0123456789abcdef";
        for (name, service, expect) in [
            (format!("a/Trip to Rome {id}.md"), &NOTION, "Trip to Rome"),
            (format!("Tasks {id}_all.csv"), &NOTION, "Tasks"),
            ("Trip deadbeef.md".to_owned(), &NUCLINO, "Trip"),
            ("Trip deadbeef.md".to_owned(), &NOTION, "Trip deadbeef"),
            ("deadbeef.md".to_owned(), &NUCLINO, "deadbeef"),
            (".md".to_owned(), &NOTION, "Untitled"),
        ] {
            assert_eq!(title(&name, service), expect);
        }
    }
}
