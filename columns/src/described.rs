//! What the columns that an Arrow schema describes take in memory.
//!
//! A schema is a flatbuffer, whose size bounds that badly: any number of columns may be
//! one and the same description, with one name, and each becomes a column of its own.

use arrow_ipc::{Field, Schema, root_as_message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A column, besides its texts.
pub(crate) const FIELD_BYTES: u64 = 1 << 10;
/// A text under a key, besides both.
pub(crate) const ENTRY_BYTES: u64 = 512;
/// How often texts are held at a time: as they were read, in the schema, and as they
/// are written again, to a buffer that grows by doubling.
const COPIES: u64 = 4;

/// What was counted so far, and the most of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    bytes: u64,
    max_bytes: u64,
}

impl Taken {
    /// Nothing so far.
    pub(crate) fn new(max_bytes: u64) -> Self {
        Self {
            bytes: 0,
            max_bytes,
        }
    }

    /// Adds bytes. `None` if they are too many in all.
    pub(crate) fn add(&mut self, bytes: u64) -> Option<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        (!self.is_over()).then_some(())
    }

    /// Adds bytes, and a text of this length.
    pub(crate) fn add_text(&mut self, bytes: u64, text: u64) -> Option<()> {
        self.add(bytes.saturating_add(text.saturating_mul(COPIES)))
    }

    /// What was counted.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether that is too much.
    pub(crate) fn is_over(&self) -> bool {
        self.bytes > self.max_bytes
    }
}

/// Adds what a schema describes. `None` if it is too much; then the rest was not looked at.
pub(crate) fn schema(schema: Schema<'_>, taken: &mut Taken) -> Option<()> {
    for entry in schema.custom_metadata().into_iter().flatten() {
        texts(&[entry.key(), entry.value()], ENTRY_BYTES, taken)?;
    }
    let mut fields = schema.fields().into_iter().flatten();
    fields.try_for_each(|field| column(field, taken))
}

/// The same of a schema as Parquet files hold it. One that cannot be read is left to the
/// decoder, which refuses it.
pub(crate) fn encoded_schema(text: &[u8], taken: &mut Taken) -> Option<()> {
    let Ok(bytes) = STANDARD.decode(text) else {
        return Some(());
    };
    // With or without the frame of a message.
    let message = match bytes.strip_prefix(&[0xff; 4]) {
        Some(framed) if bytes.len() > 8 => framed.get(4..).unwrap_or_default(),
        _ => bytes.as_slice(),
    };
    let message = root_as_message(message).ok();
    match message.and_then(|message| message.header_as_schema()) {
        Some(described) => schema(described, taken),
        None => Some(()),
    }
}

/// A column and those in it. No deeper than the check of flatbuffers goes.
fn column(field: Field<'_>, taken: &mut Taken) -> Option<()> {
    let zone = field
        .type_as_timestamp()
        .and_then(|timestamp| timestamp.timezone());
    texts(&[field.name(), zone], FIELD_BYTES, taken)?;
    if let Some(union) = field.type_as_union() {
        taken.add_text(0, union.typeIds().map_or(0, |ids| ids.len() as u64))?;
    }
    for entry in field.custom_metadata().into_iter().flatten() {
        texts(&[entry.key(), entry.value()], ENTRY_BYTES, taken)?;
    }
    let mut fields = field.children().into_iter().flatten();
    fields.try_for_each(|field| column(field, taken))
}

fn texts(texts: &[Option<&str>], bytes: u64, taken: &mut Taken) -> Option<()> {
    let lengths = texts.iter().flatten().map(|text| text.len() as u64);
    taken.add_text(bytes, lengths.fold(0, u64::saturating_add))
}
