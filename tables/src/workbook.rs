//! The parts of a workbook: members of a zip archive that hold XML.

use super::content::{Content, Span};
use super::rows::Unloaded;
use super::table::Bounds;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::io::{BufRead, BufReader, Read};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// A workbook.
pub(super) struct Workbook<'c> {
    archive: ZipArchive<Span<'c>>,
    max_bytes: u64,
}

/// What a part is read with.
pub(super) type Xml<'w, 'c> = Reader<BufReader<std::io::Take<ZipFile<'w, Span<'c>>>>>;

impl<'c> Workbook<'c> {
    pub(super) fn open(content: &'c Content, bounds: &Bounds) -> Result<Self, Unloaded> {
        // A workbook that is compressed once more is refused there.
        content.file()?;
        let archive = ZipArchive::new(content.span(0, content.bytes())).map_err(damaged)?;
        Ok(Self {
            archive,
            max_bytes: bounds.max_bytes as u64,
        })
    }

    /// A part, if it is there.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Xml<'_, 'c>>, Unloaded> {
        match self.archive.by_name(name) {
            Ok(part) if part.size() > self.max_bytes => Err(Unloaded::TooLarge),
            // A size that is not the real one makes the part end early.
            Ok(part) => {
                let bounded = BufReader::new(part.take(self.max_bytes));
                Ok(Some(Reader::from_reader(bounded)))
            }
            Err(ZipError::FileNotFound) => Ok(None),
            Err(error) => Err(damaged(error)),
        }
    }
}

fn damaged(error: ZipError) -> Unloaded {
    Unloaded::Content(format!("it is no workbook, or damaged: {error}"))
}

/// The next event of a part.
pub(super) fn next<'b, R: BufRead>(
    xml: &mut Reader<R>,
    buffer: &'b mut Vec<u8>,
) -> Result<Event<'b>, Unloaded> {
    buffer.clear();
    xml.read_event_into(buffer)
        .map_err(|error| Unloaded::Content(format!("its XML is damaged: {error}")))
}

/// An attribute of an element, by its name without a prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    let found = attributes.find(|found| found.key.local_name().as_ref() == name.as_bytes())?;
    let value = found.normalized_value(XmlVersion::Implicit1_0);
    value.ok().map(|value| value.into_owned())
}

/// Adds what an event has of text.
pub(super) fn add_text(event: &Event<'_>, text: &mut String) {
    match event {
        Event::Text(found) => {
            if let Ok(found) = found.decode() {
                text.push_str(&found);
            }
        }
        Event::CData(found) => {
            if let Ok(found) = found.decode() {
                text.push_str(&found);
            }
        }
        Event::GeneralRef(reference) => text.extend(character(reference)),
        _ => {}
    }
}

fn character(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    match reference.decode().ok()?.as_ref() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
