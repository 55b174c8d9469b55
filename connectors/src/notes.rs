//! Exports of pages in Markdown and tables in CSV: Notion and Nuclino.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use memex_memory::{Error, markdown};

use crate::archive::{self, Wanted, ending};
use crate::links::{Place, Places, linked, related};
use crate::page::Page;
use crate::pages::Pages;
use crate::report::malformed;
use crate::slug::{Slugs, slug};
use crate::source;
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
const ROWS_MAX: usize = 20_000;
/// The longest value that is a fact; longer ones are text.
const VALUE_BYTES_MAX: usize = 400;
/// Services shorten titles in the names of files to so many characters or more.
const SHORTENED_CHARS: usize = 40;
/// How many properties stand before the text of a page.
const PROPERTIES_MAX: usize = 100;

pub(super) fn import(
    importer: &Importer<'_>,
    export: &Path,
    service: &Service,
) -> Result<ImportReport, Error> {
    let place = export.to_string_lossy().into_owned();
    let mut report = ImportReport::default();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut others = 0;
    source::each(
        importer,
        export,
        &wanted,
        &mut report,
        &mut |name, content, report| {
            if !["md", "csv"].contains(&ending(name).as_str()) {
                others += 1;
                report.skip(name, "is no text; only Markdown and tables are imported");
                return Ok(());
            }
            let bytes = archive::whole(name, content)?;
            match text::decode(&bytes) {
                Ok(text) => {
                    files.insert(name.to_owned(), text);
                }
                Err(why) => report.skip(name, why),
            }
            Ok(())
        },
    )?;
    if files.is_empty() && report.skipped.len() == others {
        return Err(malformed(
            place,
            "holds no Markdown; export it as Markdown & CSV",
        ));
    }
    leave_out_views(&mut files);
    write(importer, service, &files, report)
}

fn wanted(name: &str) -> Wanted {
    let mut folders = name.split(['/', '\\']);
    match ending(name).as_str() {
        "zip" => Wanted::Archive,
        // What systems leave beside files.
        _ if folders.any(|part| part == "__MACOSX" || part == ".DS_Store") => Wanted::No,
        _ => Wanted::Yes,
    }
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
    let mut places = Places::default();
    for name in files.keys() {
        let (title, id) = title(name, service);
        let path = pages.path(&slugs.take(&title));
        places.insert(name, id, Place { title, path });
    }
    for (name, text) in files {
        let Some(place) = places.get(name) else {
            continue;
        };
        let mut page = Page {
            path: place.path.clone(),
            title: place.title.clone(),
            ..Page::default()
        };
        page.fact("source", service.name);
        match ending(name) == "csv" {
            true => {
                if !table(&mut page, name, text, &places) {
                    let why = format!("has more than {ROWS_MAX} rows; the others are left out");
                    pages.skip(name, &why);
                }
            }
            false => note(&mut page, name, text, &places),
        }
        pages.add(&page)?;
    }
    pages.finish(service.title)
}

/// The name of a file without its ending and what makes it unique, and that.
fn title<'n>(name: &'n str, service: &Service) -> (String, Option<&'n str>) {
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
    let title = match title.is_empty() {
        true => "Untitled".to_owned(),
        false => title.to_owned(),
    };
    (title, is_id.then_some(id))
}

/// A page: its heading is its title, properties below it are facts.
fn note(page: &mut Page, name: &str, text: &str, places: &Places<'_>) {
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
        let value = related(value, name, places);
        if value.len() > VALUE_BYTES_MAX {
            break;
        }
        page.fact(property, &value);
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

/// A table: a section a row, a fact a column, and a link to the page of the row if it has one.
/// Whether all rows were taken in.
fn table(page: &mut Page, name: &str, text: &str, places: &Places<'_>) -> bool {
    let mut rows = csv::rows(text, ROWS_MAX + 2).into_iter();
    let columns = rows.next().unwrap_or_default();
    let mut rows: Vec<Vec<String>> = rows
        .filter(|row| row.iter().any(|field| !field.is_empty()))
        .collect();
    let is_whole = rows.len() <= ROWS_MAX;
    rows.truncate(ROWS_MAX);
    page.fact("rows", &rows.len().to_string());
    let mut own = RowPages::of(name, places);
    for (number, row) in rows.iter().enumerate() {
        let title = text::one_line(row.first().map_or("", String::as_str));
        let shown = linked(&title, name, places);
        let _ = match title.is_empty() {
            true => writeln!(page.text, "\n## Row {}", number + 1),
            false => writeln!(page.text, "\n## {shown}"),
        };
        if let Some(path) = own.take(&title) {
            let _ = writeln!(page.text, "- page: [[{path}]]");
        }
        let mut fields = Page::default();
        let mut texts = String::new();
        for (column, value) in columns.iter().zip(row).skip(1) {
            let value = related(value, name, places);
            match value.len() > VALUE_BYTES_MAX {
                true => {
                    let column = text::one_line(column);
                    let _ = write!(texts, "\n**{column}**\n\n{}", text::quoted(&value));
                }
                false => fields.fact(column, &value),
            }
        }
        for (name, value) in fields.facts {
            let line = format!("- {name}: {value}");
            // What is no fact in the end would only look like one.
            if markdown::fact(&line).is_some() {
                let _ = writeln!(page.text, "{line}");
            }
        }
        page.text.push_str(&texts);
    }
    is_whole
}

/// The pages of the rows of a table, which lie in the folder of its name.
struct RowPages<'p> {
    /// Titles as they are compared, and paths; each is taken once.
    pages: Vec<(String, &'p str)>,
}

impl<'p> RowPages<'p> {
    fn of(table: &str, places: &'p Places<'_>) -> Self {
        let stem = table.strip_suffix(".csv").unwrap_or(table);
        let stem = stem.strip_suffix("_all").unwrap_or(stem);
        let bare = match stem.rsplit_once(' ') {
            Some((bare, id)) if id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) => bare,
            _ => stem,
        };
        let folders = [format!("{stem}/"), format!("{bare}/")];
        let pages = places.iter().filter_map(|(name, place)| {
            let mut below = folders
                .iter()
                .filter_map(|folder| name.strip_prefix(folder.as_str()));
            let is_own = below.any(|below| !below.contains('/') && below.ends_with(".md"));
            is_own.then(|| (slug(&place.title), place.path.as_str()))
        });
        Self {
            pages: pages.collect(),
        }
    }

    /// The page of a row of this title. Long titles are shortened in the names of files.
    fn take(&mut self, title: &str) -> Option<&'p str> {
        let wanted = slug(title);
        let is_same = |(own, _): &(String, &str)| *own == wanted;
        let is_shortened = |(own, _): &(String, &str)| {
            own.chars().count() >= SHORTENED_CHARS && wanted.starts_with(own.as_str())
        };
        let found = self.pages.iter().position(is_same);
        let found = found.or_else(|| self.pages.iter().position(is_shortened))?;
        Some(self.pages.remove(found).1)
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
            assert_eq!(title(&name, service).0, expect);
        }
    }
}
