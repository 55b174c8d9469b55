//! The record of a snapshot: its metadata.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::codec::{Cursor, Flaw, Sink};
use crate::{CHUNKS_MAX, Digest, Error, HEAD_BYTES_MAX, SnapshotId};

/// The most characters of `first_line` that are kept.
const FIRST_LINE_CHARS_MAX: usize = 200;
/// The longest `image`, `status` and `label`.
const TEXT_BYTES_MAX: usize = 200;

/// What a store keeps about a snapshot.
///
/// It is written once, with the snapshot, and never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The snapshot.
    pub id: SnapshotId,
    /// The snapshot before it, which may have been collected since.
    pub parent: Option<SnapshotId>,
    /// The turn after which it was taken.
    pub turn: u64,
    /// The digest of the image that it belongs to.
    pub image: String,
    /// Length of the head.
    pub head_bytes: u64,
    /// Bytes of the chunks that were new to the store, as stored.
    pub chunk_bytes: u64,
    /// First line of the turn's code, without control characters.
    pub first_line: String,
    /// How the turn ended.
    pub status: String,
    /// When it was saved, in milliseconds since 1970.
    pub time_unix_ms: u64,
    /// Every chunk that the head refers to, in order.
    pub chunk_ids: Vec<Digest>,
    /// A name given by a person; labelled snapshots are never collected.
    pub label: Option<String>,
}

/// What the saver says about a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordDraft {
    /// The snapshot before it.
    pub parent: Option<SnapshotId>,
    /// The turn after which it is taken.
    pub turn: u64,
    /// The digest of the image that it belongs to, at most 200 bytes.
    pub image: String,
    /// The turn's code; its first line is kept, up to 200 characters.
    pub first_line: String,
    /// How the turn ended, at most 200 bytes.
    pub status: String,
    /// The time, in milliseconds since 1970.
    pub time_unix_ms: u64,
    /// A name for it, at most 200 bytes.
    pub label: Option<String>,
}

impl RecordDraft {
    /// A draft for a snapshot taken now, without parent or label.
    #[must_use]
    pub fn new(image: &str, turn: u64) -> Self {
        Self {
            parent: None,
            turn,
            image: image.to_owned(),
            first_line: String::new(),
            status: "ok".to_owned(),
            time_unix_ms: unix_ms(SystemTime::now()),
            label: None,
        }
    }

    /// The record of `id`, once it is known what it added to the store.
    pub(crate) fn record(
        &self,
        id: SnapshotId,
        head_bytes: usize,
        chunk_bytes: u64,
        chunk_ids: &[Digest],
    ) -> Record {
        let first = self.first_line.lines().next().unwrap_or_default();
        Record {
            id,
            parent: self.parent,
            turn: self.turn,
            image: printable(&self.image),
            head_bytes: head_bytes as u64,
            chunk_bytes,
            first_line: printable(first)
                .chars()
                .take(FIRST_LINE_CHARS_MAX)
                .collect(),
            status: printable(&self.status),
            time_unix_ms: self.time_unix_ms,
            chunk_ids: chunk_ids.to_vec(),
            label: self.label.as_deref().map(printable),
        }
    }

    /// Refuses texts that would not be kept whole.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let label = self.label.as_deref().unwrap_or_default();
        for (what, text) in [
            ("the image digest, in bytes,", self.image.as_str()),
            ("the status, in bytes,", self.status.as_str()),
            ("the label, in bytes,", label),
        ] {
            if text.len() > TEXT_BYTES_MAX {
                return Err(Error::TooLarge {
                    what,
                    actual: text.len(),
                    limit: TEXT_BYTES_MAX,
                    remedy: "shorten it",
                });
            }
        }
        Ok(())
    }
}

impl Record {
    /// The record as it is stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut sink = Sink::default();
        sink.array(self.id.as_bytes());
        sink.flag(self.parent.is_some());
        if let Some(parent) = &self.parent {
            sink.array(parent.as_bytes());
        }
        for number in [
            self.turn,
            self.time_unix_ms,
            self.head_bytes,
            self.chunk_bytes,
        ] {
            sink.u64(number);
        }
        for text in [&self.image, &self.status, &self.first_line] {
            sink.text(text);
        }
        sink.flag(self.label.is_some());
        if let Some(label) = &self.label {
            sink.text(label);
        }
        sink.count(self.chunk_ids.len());
        for digest in &self.chunk_ids {
            sink.array(digest.as_bytes());
        }
        sink.into_bytes()
    }

    /// Reads a stored record. Any bytes may be given; those that are accepted
    /// encode to themselves.
    ///
    /// # Errors
    /// [`Error::Damaged`] says what is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes).map_err(|flaw| flaw.at("the record".to_owned()))
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Flaw> {
        let mut cursor = Cursor::new(bytes);
        let id = SnapshotId::from_bytes(cursor.array()?);
        let parent = match cursor.flag()? {
            true => Some(SnapshotId::from_bytes(cursor.array()?)),
            false => None,
        };
        let turn = cursor.u64()?;
        let time_unix_ms = cursor.u64()?;
        let head_bytes = cursor.u64()?;
        let chunk_bytes = cursor.u64()?;
        let image = cursor.text(TEXT_BYTES_MAX)?;
        let status = cursor.text(TEXT_BYTES_MAX)?;
        let first_line = cursor.text(FIRST_LINE_CHARS_MAX * 4)?;
        let label = match cursor.flag()? {
            true => Some(cursor.text(TEXT_BYTES_MAX)?),
            false => None,
        };
        let chunk_ids = (0..cursor.count(CHUNKS_MAX, 32)?)
            .map(|_| cursor.array().map(Digest::from_bytes))
            .collect::<Result<Vec<_>, Flaw>>()?;
        cursor.end()?;
        if head_bytes > HEAD_BYTES_MAX as u64 {
            return Err(Flaw::What("it claims a head over the size limit"));
        }
        Ok(Self {
            id,
            parent,
            turn,
            image,
            head_bytes,
            chunk_bytes,
            first_line,
            status,
            time_unix_ms,
            chunk_ids,
            label,
        })
    }
}

/// Milliseconds since 1970; a clock set before that reads as zero.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// Records are shown on terminals and part of them is a guest's text: what
/// could steer a terminal is replaced by question marks, which are never
/// longer than what they replace.
fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if steers(c) {
                '?'
            } else {
                c
            }
        })
        .collect()
}
