//! Documents that were downloaded.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;

use memex_memory::Error;

use super::document::{Document, split_title, write};
use crate::archive::{self, Unpacker, Wanted, ending};
use crate::report::malformed;
use crate::{ImportReport, Importer, docx, html, text};

pub(crate) fn import(
    importer: &Importer<'_>,
    documents: &[PathBuf],
) -> Result<ImportReport, Error> {
    let mut report = ImportReport::default();
    let wanted = |name: &str| match ending(name).as_str() {
        "docx" | "html" | "htm" | "md" | "txt" => Wanted::Yes,
        "zip" => Wanted::Archive,
        _ => Wanted::No,
    };
    let mut unpacker = Unpacker::new(importer.limits, &wanted);
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
        unpacker.each(file, &place, &mut report, &mut |name, content, report| {
            let bytes = archive::whole(name, content)?;
            keep(name, &bytes, importer, &mut found, report);
            Ok(())
        })?;
    }
    if found.is_empty() && report.skipped.is_empty() {
        let place = documents.first().map(|path| path.to_string_lossy());
        let what = "holds no document: docx, html, md or txt";
        return Err(malformed(place.unwrap_or_default(), what));
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
        "docx" => {
            let (xml, relations) = document(bytes, importer)?;
            docx::markdown(&xml, &relations)?
        }
        "html" | "htm" => html::markdown(&text::decode(bytes)?),
        "md" => split_title(&text::decode(bytes)?),
        "txt" => (text::quoted(&text::decode(bytes)?), None),
        _ => return Err("is of no kind that is read: docx, html, md, txt or zip".to_owned()),
    };
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    Ok(Document {
        title: title.unwrap_or_else(|| stem.to_owned()),
        text: text::apart(&text),
        facts: Vec::new(),
    })
}

/// The text of a Word document, and the addresses of its links.
fn document(
    bytes: &[u8],
    importer: &Importer<'_>,
) -> Result<(String, HashMap<String, String>), String> {
    let mut report = ImportReport::default();
    let (mut xml, mut relations) = (None, None);
    let wanted = |name: &str| match name == docx::DOCUMENT || name == docx::RELATIONS {
        true => Wanted::Yes,
        false => Wanted::No,
    };
    let reader = std::io::Cursor::new(bytes);
    let mut unpacker = Unpacker::new(importer.limits, &wanted);
    let read = unpacker.each(reader, "document", &mut report, &mut |name, content, _| {
        let part = Some(archive::whole(name, content)?);
        match name == docx::DOCUMENT {
            true => xml = part,
            false => relations = part,
        }
        Ok(())
    });
    read.map_err(|error| error.to_string())?;
    let xml = xml.ok_or("is no Word document: it has no text in it")?;
    // Without addresses links are their text.
    let relations = relations.and_then(|relations| text::decode(&relations).ok());
    let relations = relations.map_or_else(HashMap::new, |xml| docx::relations(&xml));
    Ok((text::decode(&xml)?, relations))
}
