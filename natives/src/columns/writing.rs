//! Parquet files from streams of Arrow.

use super::refusals::refusal;
use super::unfolding::{leaves, unfolded_bytes};
use crate::answer::Answer;
use crate::guarding::guarded;
use crate::refusal::Refusal;
use crate::room::Room;
use crate::sink::Bounded;
use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_schema::ArrowError;
use memex_columns::{Shape, examine_arrow};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::Deserialize;
use std::io::Cursor;

/// What encoding a byte of a column costs.
const WORK_PER_BYTE: u64 = 30;
/// Rows that are written between two looks at the interrupt.
const PIECE_ROWS: usize = 8192;
/// What rows that are written at once may come to; a single one may come to more.
const PIECE_BYTES: u64 = 8 << 20;
/// What a writer holds, its output included, for each byte of input.
const BYTES_PER_BYTE: u64 = 6;
/// What it holds for each column: a table for a dictionary, and what it counts.
const COLUMN_BYTES: u64 = 64 << 10;

/// Options of `parquet.write`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WriteParquet {
    compression: Codec,
    level: Option<i32>,
    /// Most rows of a group.
    group_rows: usize,
    dictionary: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Codec {
    None,
    Snappy,
    Gzip,
    Lz4,
    Zstd,
}

/// The file.
pub(crate) fn write_parquet(
    options: &WriteParquet,
    data: &[u8],
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    let size = data.len() as u64;
    room.admit_working(size.saturating_mul(BYTES_PER_BYTE).saturating_add(1 << 20))?;
    room.charge(size.saturating_mul(WORK_PER_BYTE))?;
    if options.group_rows == 0 {
        return Err(Refusal::Options("a group has 1 row or more".to_owned()));
    }
    let compression = options.compression()?;
    guarded(room, || {
        let damaged = |error: ArrowError| Refusal::Damaged(error.to_string());
        let limit = room.working_bytes_max() / BYTES_PER_BYTE;
        let shape = examine_arrow(&mut Cursor::new(data), size, limit);
        if shape.map_err(|error| refusal(error, limit))? != Shape::Stream {
            return Err(Refusal::Damaged("they are no stream".to_owned()));
        }
        let reader = StreamReader::try_new(Cursor::new(data), None).map_err(damaged)?;
        let schema = reader.schema();
        let held = size.saturating_mul(BYTES_PER_BYTE);
        let held = held.saturating_add(leaves(schema.fields())?.saturating_mul(COLUMN_BYTES));
        room.admit_working(held)?;
        let notes = schema.metadata().iter();
        let notes = notes.map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let mut notes: Vec<KeyValue> = notes.collect();
        // A map has no order, and equal frames give equal files.
        notes.sort_by(|a, b| a.key.cmp(&b.key));
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_dictionary_enabled(options.dictionary)
            .set_max_row_group_row_count(Some(options.group_rows))
            .set_key_value_metadata(Some(notes))
            .set_created_by("memex".to_owned())
            .build();
        let mut sink = Bounded::new(room.bytes_max());
        let result = (|| {
            let mut writer = ArrowWriter::try_new(&mut sink, schema, Some(properties))?;
            for batch in reader {
                let batch = batch?;
                let mut row = 0;
                while row < batch.num_rows() {
                    let piece = piece(&batch, row, held, room).map_err(refused)?;
                    row += piece.num_rows();
                    writer.write(&piece)?;
                    let pages = writer.memory_size() as u64;
                    room.admit_working(size.saturating_add(pages))
                        .map_err(refused)?;
                }
            }
            writer.close().map(drop)
        })();
        let file = sink.finish()?;
        result.map_err(|error| match error {
            ParquetError::External(source) => match source.downcast::<Refusal>() {
                Ok(refusal) => *refusal,
                Err(other) => Refusal::Options(other.to_string()),
            },
            ParquetError::NYI(what) => Refusal::Unsupported(what),
            ParquetError::ArrowError(what) | ParquetError::General(what) => Refusal::Options(what),
            other => Refusal::Options(other.to_string()),
        })?;
        Ok(Answer::of(file))
    })
}

/// The next rows: as many as may be written at once.
fn piece(
    batch: &RecordBatch,
    row: usize,
    held: u64,
    room: &Room<'_>,
) -> Result<RecordBatch, Refusal> {
    room.look()?;
    let mut rows = PIECE_ROWS.min(batch.num_rows().saturating_sub(row));
    loop {
        let piece = batch.slice(row, rows);
        let bytes = unfolded_bytes(&piece);
        if bytes <= PIECE_BYTES {
            return Ok(piece);
        }
        if rows <= 1 {
            room.admit_working(held.saturating_add(bytes.saturating_mul(2)))?;
            return Ok(piece);
        }
        rows /= 2;
    }
}

fn refused(refusal: Refusal) -> ParquetError {
    ParquetError::External(Box::new(refusal))
}

impl WriteParquet {
    fn compression(&self) -> Result<Compression, Refusal> {
        let wrong = |error: ParquetError| Refusal::Options(error.to_string());
        let level = |name: &str| match self.level {
            Some(_) => Err(Refusal::Options(format!("{name} has no levels"))),
            None => Ok(()),
        };
        Ok(match self.compression {
            Codec::None => level("no compression").map(|()| Compression::UNCOMPRESSED)?,
            Codec::Snappy => level("snappy").map(|()| Compression::SNAPPY)?,
            Codec::Lz4 => level("lz4").map(|()| Compression::LZ4_RAW)?,
            Codec::Gzip => Compression::GZIP(match self.level {
                Some(level) => {
                    GzipLevel::try_new(u32::try_from(level).unwrap_or(u32::MAX)).map_err(wrong)?
                }
                None => GzipLevel::default(),
            }),
            Codec::Zstd => Compression::ZSTD(match self.level {
                Some(level) => ZstdLevel::try_new(level).map_err(wrong)?,
                None => ZstdLevel::default(),
            }),
        })
    }
}
