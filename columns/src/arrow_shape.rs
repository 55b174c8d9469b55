//! Whether the lengths that an Arrow file states can be true.
//!
//! The decoder allocates what a file states before it reads it, and a process
//! that cannot allocate ends. So lengths are held against the size of the file,
//! and uncompressed lengths and what the schema describes against a bound, before the
//! decoder sees the file.

use crate::described::{Taken, schema};
use crate::misstated::Misstated;
use arrow_ipc::{Block, MessageHeader, RecordBatch, Schema, root_as_footer, root_as_message};
use std::io::{Read, Seek, SeekFrom};

const MAGIC: &[u8] = b"ARROW1";
const CONTINUATION: [u8; 4] = [0xff; 4];
/// The length of the footer, and the magic again.
const TAIL_BYTES: u64 = 10;
/// Longest description of one message.
const METADATA_MAX_BYTES: u64 = 64 << 20;

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A file, with a footer.
    File,
    /// A stream.
    Stream,
}

/// Checks a file of `size` bytes whose buffers, and the columns that it describes, may
/// take `max_bytes` in all.
///
/// # Errors
/// What cannot be true, or is too much.
pub fn examine_arrow<F: Read + Seek>(
    file: &mut F,
    size: u64,
    max_bytes: u64,
) -> Result<Shape, Misstated> {
    let mut examined = Examined {
        file,
        size,
        left: max_bytes,
    };
    if examined.read(0, size.min(MAGIC.len() as u64))? != MAGIC {
        examined.stream()?;
        return Ok(Shape::Stream);
    }
    let tail = examined.read(size.checked_sub(TAIL_BYTES).ok_or_else(wrong)?, 4)?;
    let length = i32::from_le_bytes(tail.try_into().map_err(|_| wrong())?);
    let length = u64::try_from(length).map_err(|_| wrong())?;
    let start = (size - TAIL_BYTES).checked_sub(length).ok_or_else(wrong)?;
    let footer = examined.read(start, length)?;
    let footer = root_as_footer(&footer).map_err(|_| wrong())?;
    examined.schema(footer.schema())?;
    let blocks = footer
        .dictionaries()
        .into_iter()
        .chain(footer.recordBatches());
    for block in blocks.flatten() {
        examined.block(block)?;
    }
    Ok(Shape::File)
}

struct Examined<'f, F> {
    file: &'f mut F,
    size: u64,
    left: u64,
}

impl<F: Read + Seek> Examined<'_, F> {
    fn read(&mut self, at: u64, length: u64) -> Result<Vec<u8>, Misstated> {
        let end = at.checked_add(length).ok_or_else(wrong)?;
        if end > self.size || length > METADATA_MAX_BYTES {
            return Err(wrong());
        }
        let host = |error: std::io::Error| Misstated::Host(error.to_string());
        self.file.seek(SeekFrom::Start(at)).map_err(host)?;
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| wrong())?];
        self.file.read_exact(&mut bytes).map_err(host)?;
        Ok(bytes)
    }

    fn block(&mut self, block: &Block) -> Result<(), Misstated> {
        let number = |value: i64| u64::try_from(value).map_err(|_| wrong());
        let (start, length) = (
            number(block.offset())?,
            number(block.metaDataLength().into())?,
        );
        let body = start.checked_add(length).ok_or_else(wrong)?;
        let (at, length, _) = self.metadata(start)?;
        if at.checked_add(length).is_none_or(|end| end > body) {
            return Err(wrong());
        }
        let metadata = self.read(at, length)?;
        self.message(&metadata, body, Some(number(block.bodyLength())?))?;
        Ok(())
    }

    fn stream(&mut self) -> Result<(), Misstated> {
        let mut at = 0;
        // A stream may end without the mark of its end.
        while at < self.size {
            let (start, length, end) = self.metadata(at)?;
            if length == 0 {
                break;
            }
            let metadata = self.read(start, length)?;
            at = self.message(&metadata, end, None)?;
        }
        Ok(())
    }

    /// Where the description of the message at `at` is, how long it is, and
    /// where it ends.
    fn metadata(&mut self, at: u64) -> Result<(u64, u64, u64), Misstated> {
        let word = |bytes: Vec<u8>| -> Result<[u8; 4], Misstated> {
            bytes.try_into().map_err(|_| wrong())
        };
        let mut length = word(self.read(at, 4)?)?;
        let mut start = at + 4;
        if length == CONTINUATION {
            length = word(self.read(start, 4)?)?;
            start += 4;
        }
        let length = u64::try_from(i32::from_le_bytes(length)).map_err(|_| wrong())?;
        Ok((start, length, start.checked_add(length).ok_or_else(wrong)?))
    }

    /// Checks the message whose body begins at `body`, and answers where that
    /// ends.
    fn message(
        &mut self,
        metadata: &[u8],
        body: u64,
        stated: Option<u64>,
    ) -> Result<u64, Misstated> {
        let message = root_as_message(metadata).map_err(|_| wrong())?;
        let length = u64::try_from(message.bodyLength()).map_err(|_| wrong())?;
        let end = body
            .checked_add(length.max(stated.unwrap_or(0)))
            .ok_or_else(wrong)?;
        if end > self.size {
            return Err(wrong());
        }
        if message.header_type() == MessageHeader::Schema {
            self.schema(message.header_as_schema())?;
        }
        let batch = match message.header_type() {
            MessageHeader::RecordBatch => message.header_as_record_batch(),
            MessageHeader::DictionaryBatch => message
                .header_as_dictionary_batch()
                .and_then(|batch| batch.data()),
            _ => None,
        };
        if let Some(batch) = batch {
            self.buffers(batch, body, end)?;
        }
        Ok(end)
    }

    fn schema(&mut self, described: Option<Schema<'_>>) -> Result<(), Misstated> {
        let mut taken = Taken::new(self.left);
        described
            .map_or(Some(()), |described| schema(described, &mut taken))
            .ok_or(Misstated::TooLarge)?;
        self.left = self.left.saturating_sub(taken.bytes());
        Ok(())
    }

    fn buffers(&mut self, batch: RecordBatch<'_>, body: u64, end: u64) -> Result<(), Misstated> {
        for buffer in batch.buffers().into_iter().flatten() {
            let offset = u64::try_from(buffer.offset()).map_err(|_| wrong())?;
            let mut length = u64::try_from(buffer.length()).map_err(|_| wrong())?;
            let at = body.checked_add(offset).ok_or_else(wrong)?;
            if at.checked_add(length).is_none_or(|last| last > end) {
                return Err(wrong());
            }
            if batch.compression().is_some() && length > 0 {
                let stated: [u8; 8] = self.read(at, 8)?.try_into().map_err(|_| wrong())?;
                // A negative length says that the buffer is not compressed.
                length = u64::try_from(i64::from_le_bytes(stated)).unwrap_or(length);
            }
            self.left = self.left.checked_sub(length).ok_or(Misstated::TooLarge)?;
        }
        Ok(())
    }
}

fn wrong() -> Misstated {
    Misstated::Content("it is damaged: its lengths cannot be true".to_owned())
}
