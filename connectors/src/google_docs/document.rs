//! A document, and how it becomes an entity.

use memex_memory::{Error, markdown};

use crate::page::Page;
use crate::pages::Pages;
use crate::slug::Slugs;
use crate::{ImportReport, Importer};

/// A document, read.
pub(super) struct Document {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) facts: Vec<(&'static str, String)>,
}

/// The first heading is the title, and stands only once.
pub(super) fn split_title(text: &str) -> (String, Option<String>) {
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

pub(super) fn write(
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
