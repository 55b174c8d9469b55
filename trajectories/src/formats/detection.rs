//! Which format a file has.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Error;
use crate::reader::Lines;

/// How long a document of one run may be.
pub const DOCUMENT_MAX_BYTES: u64 = 256 << 20;

/// A format of trajectories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The lines of [`TrajectoryWriter`](crate::TrajectoryWriter).
    Native,
    /// Agent Trajectory Interchange Format.
    Atif,
    /// Conversations of chat completions.
    Chat,
    /// Rollouts for reinforcement learning.
    Rollout,
}

/// How a file holds its runs.
pub(crate) enum Layout {
    /// One per line.
    Lines,
    /// One in all, which has been read.
    Document(Vec<u8>),
}

/// Finds out which format a file has, from its first line or, where that is
/// no whole JSON value, from all of it.
///
/// # Errors
///
/// [`Error::Io`], [`Error::TooLarge`] or [`Error::UnknownFormat`].
pub fn detect(path: &Path) -> Result<Format, Error> {
    inspect(path).map(|(format, _)| format)
}

pub(crate) fn inspect(path: &Path) -> Result<(Format, Layout), Error> {
    let place = path.display().to_string();
    let file = File::open(path).map_err(Error::io(&place))?;
    let mut lines = Lines::new(BufReader::new(file), &place);
    while let Some(line) = lines.next_line()? {
        if line.text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        return match probe(&line.text) {
            Some(format) => Ok((format, Layout::Lines)),
            None => inspect_document(path, &place),
        };
    }
    Err(Error::UnknownFormat { place })
}

fn inspect_document(path: &Path, place: &str) -> Result<(Format, Layout), Error> {
    let text = read_document(path, place)?;
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    // A list of messages is a conversation by itself.
    let format = if first == Some(&b'[') {
        Some(Format::Chat)
    } else {
        // A document with a fault is recognised by the fields before it.
        probe(&text).or_else(|| {
            let start = text.get(..text.len().min(4096)).unwrap_or_default();
            let start = String::from_utf8_lossy(start);
            let is_atif = start.contains("\"schema_version\"") && start.contains("\"ATIF-");
            is_atif.then_some(Format::Atif)
        })
    };
    match format {
        Some(format) => Ok((format, Layout::Document(text))),
        None => Err(Error::UnknownFormat {
            place: place.to_owned(),
        }),
    }
}

fn read_document(path: &Path, place: &str) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(Error::io(place))?;
    let mut text = Vec::new();
    let mut bounded = BufReader::new(file).take(DOCUMENT_MAX_BYTES);
    bounded.read_to_end(&mut text).map_err(Error::io(place))?;
    let mut rest = bounded.into_inner();
    if !rest.fill_buf().map_err(Error::io(place))?.is_empty() {
        return Err(Error::TooLarge {
            place: place.to_owned(),
            what: "the document".to_owned(),
            limit_bytes: DOCUMENT_MAX_BYTES,
        });
    }
    Ok(text)
}

#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "type")]
    kind: Option<IgnoredAny>,
    schema_version: Option<IgnoredAny>,
    messages: Option<IgnoredAny>,
    context_messages: Option<IgnoredAny>,
}

fn probe(text: &[u8]) -> Option<Format> {
    let probe: Probe = serde_json::from_slice(text).ok()?;
    match probe {
        Probe {
            schema_version: Some(_),
            ..
        } => Some(Format::Atif),
        Probe {
            context_messages: Some(_),
            ..
        } => Some(Format::Rollout),
        Probe {
            messages: Some(_), ..
        } => Some(Format::Chat),
        Probe { kind: Some(_), .. } => Some(Format::Native),
        _ => None,
    }
}
