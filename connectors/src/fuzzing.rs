//! Readers of exports, for the fuzz targets.

use std::io::Cursor;

use memex_memory::Error;

use crate::archive::{Unpacker, Wanted};
use crate::links::{Place, Places};
use crate::report::malformed;
use crate::{
    ImportLimits, ImportReport, Importer, chatgpt, csv, date, docx, html, links, slug, splitting,
    text,
};

/// The Markdown of an HTML document.
#[must_use]
pub fn import_html(html: &str) -> String {
    html::markdown(html).0
}

/// The Markdown of the XML of a Word document.
///
/// # Errors
/// Says why it cannot be read.
pub fn import_docx(xml: &str) -> Result<String, String> {
    let relations = docx::relations(xml);
    docx::markdown(xml, &relations).map(|(text, _)| text)
}

/// The pieces of text that importers take from anywhere: rows of CSV, dates,
/// links, names of files.
pub fn import_text(bytes: &[u8]) {
    let Ok(text) = text::decode(bytes) else {
        return;
    };
    let _rows = csv::rows(&text, 100);
    let _date = date::of_iso(&text);
    let seconds = text.trim().parse().ok();
    let _date = seconds.and_then(date::of_seconds);
    let _name = slug::slug(&text);
    let place = Place {
        title: "A".to_owned(),
        path: "entities/a.md".to_owned(),
    };
    let mut places = Places::default();
    places.insert("a.md", None, place);
    let _linked = links::linked(&text, "b.md", &places);
    let _related = links::related(&text, "b.md", &places);
    let _pieces = splitting::pieces(&text, 64);
    let _quoted = text::quoted(&text);
}

/// Unpacks an archive within `limits` and returns the bytes that came out.
///
/// # Errors
/// [`Error::Malformed`] when it is none, or breaks a limit.
pub fn import_archive(bytes: &[u8], limits: ImportLimits) -> Result<u64, Error> {
    let mut unpacked: u64 = 0;
    let wanted = |name: &str| match name.ends_with(".zip") {
        true => Wanted::Archive,
        false => Wanted::Yes,
    };
    Unpacker::new(limits, &wanted).each(
        Cursor::new(bytes),
        "archive",
        &mut ImportReport::default(),
        &mut |name, content, _| {
            let read = std::io::copy(content, &mut std::io::sink());
            let read = read.map_err(|error| malformed(name, error.to_string()))?;
            unpacked = unpacked.saturating_add(read);
            Ok(())
        },
    )?;
    Ok(unpacked)
}

/// The number of conversations in a ChatGPT export.
///
/// # Errors
/// [`Error::Malformed`] when it is none.
pub fn import_chatgpt(json: &[u8], importer: &Importer<'_>) -> Result<usize, Error> {
    let mut report = ImportReport::default();
    let mut found = chatgpt::Found::default();
    chatgpt::read(
        json,
        "conversations.json",
        importer,
        &mut found,
        &mut report,
    )?;
    Ok(found.conversations.len())
}
