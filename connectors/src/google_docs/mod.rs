//! Google Docs, downloaded or through the Drive API.

mod live;

use std::io::Read;
use std::path::PathBuf;

use super::archive::{self, Budget, Wanted, ending};
use super::pages::{Page, Pages};
use super::slug::Slugs;
use super::{ImportReport, Importer, date, docx, fetch, html, text};
use crate::malformed;
use memex_memory::{Error, markdown};

pub(super) use live::import as import_live;

/// A document, read.
struct Document {
    title: String,
    text: String,
    facts: Vec<(&'static str, String)>,
}

pub(super) fn import(
    importer: &Importer<'_>,
    documents: &[PathBuf],
) -> Result<ImportReport, Error> {
    let mut report = ImportReport::default();
    let mut budget = Budget::new(importer.limits);
    let mut found = Vec::new();
    for path in documents {
        let place = path.to_string_lossy().into_owned();
        let file = archive::open(path, &importer.limits)?;
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        if ending(&name) != "zip" {
            let mut bytes = Vec::new();
            let limit = importer.limits.entry_bytes_max;
            let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
            read.map_err(|error| malformed(place.as_str(), error.to_string()))?;
            if bytes.len() as u64 > limit {
                report.skip(&place, format!("is larger than {limit} bytes"));
                continue;
            }
            keep(&name, &bytes, importer, &mut found, &mut report);
            continue;
        }
        let wanted = |name: &str| match ending(name).as_str() {
            "docx" | "html" | "htm" | "md" | "txt" => Wanted::Yes,
            "zip" => Wanted::Archive,
            _ => Wanted::No,
        };
        archive::each(
            file,
            &place,
            &mut budget,
            &mut report,
            &wanted,
            &mut |name, content, report| {
                let bytes = archive::whole(name, content)?;
                keep(name, &bytes, importer, &mut found, report);
                Ok(())
            },
        )?;
    }
    write(importer, found, report)
}

fn keep(
    name: &str,
    bytes: &[u8],
    importer: &Importer<'_>,
    found: &mut Vec<Document>,
    report: &mut ImportReport,
) {
    match read(name, bytes, importer) {
        Ok(document) => found.push(document),
        Err(why) => report.skip(name, why),
    }
}

fn read(name: &str, bytes: &[u8], importer: &Importer<'_>) -> Result<Document, String> {
    let (text, title) = match ending(name).as_str() {
        "docx" => docx::markdown(&document_xml(bytes, importer)?)?,
        "html" | "htm" => html::markdown(&text::decode(bytes)?),
        "md" => split_title(&text::decode(bytes)?),
        "txt" => (text::quoted(&text::decode(bytes)?), None),
        _ => return Err("is of no kind that is read: docx, html, md, txt or zip".to_owned()),
    };
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    Ok(Document {
        title: title.unwrap_or_else(|| stem.to_owned()),
        text: text.replace("[[", "[ ["),
        facts: Vec::new(),
    })
}

/// The first heading is the title, and stands only once.
fn split_title(text: &str) -> (String, Option<String>) {
    let body = text.trim_start();
    let first = body.lines().next().unwrap_or_default();
    match markdown::heading(first) {
        Some(title) if first.starts_with("# ") => (
            body.get(first.len()..).unwrap_or_default().to_owned(),
            Some(title.to_owned()),
        ),
        _ => (text.to_owned(), None),
    }
}

fn document_xml(bytes: &[u8], importer: &Importer<'_>) -> Result<String, String> {
    let mut budget = Budget::new(importer.limits);
    let mut report = ImportReport::default();
    let mut xml = None;
    let wanted = |name: &str| match name == docx::DOCUMENT {
        true => Wanted::Yes,
        false => Wanted::No,
    };
    let reader = std::io::Cursor::new(bytes);
    let read = archive::each(
        reader,
        "document",
        &mut budget,
        &mut report,
        &wanted,
        &mut |name, content, _| {
            xml = Some(archive::whole(name, content)?);
            Ok(())
        },
    );
    read.map_err(|error| error.to_string())?;
    let xml = xml.ok_or("is no Word document: it has no text in it")?;
    text::decode(&xml)
}

fn write(
    importer: &Importer<'_>,
    mut found: Vec<Document>,
    report: ImportReport,
) -> Result<ImportReport, Error> {
    found.sort_by(|a, b| (&a.title, &a.text).cmp(&(&b.title, &b.text)));
    let mut pages = Pages::new(importer, "google_docs", report);
    let mut slugs = Slugs::default();
    for document in found {
        let mut page = Page {
            path: pages.path(&slugs.take(&document.title)),
            title: document.title,
            text: document.text,
            ..Page::default()
        };
        page.fact("source", "google_docs");
        for (name, value) in document.facts {
            page.fact(name, &value);
        }
        pages.add(&page)?;
    }
    pages.finish("Google Docs")
}
