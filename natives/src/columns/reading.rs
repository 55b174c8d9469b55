//! Streams of Arrow from Parquet files, and from Arrow files of any form.

use super::notes::Notes;
use super::refusals::refusal;
use crate::answer::Answer;
use crate::guarding::guarded;
use crate::refusal::Refusal;
use crate::room::Room;
use crate::sink::Sink;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Schema};
use bytes::Bytes;
use memex_columns::{Shape, examine_arrow, examine_footer, examine_pages};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;

/// What decoding a byte of a column costs.
const WORK_PER_BYTE: u64 = 16;
/// The key under which pandas notes its index.
const NOTES: &str = "pandas";

/// Options of `parquet.read`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadParquet {
    /// The columns that are wanted, besides those of the index; by default all.
    columns: Option<Vec<String>>,
}

/// Options of `arrow.plain`: none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plain {}

/// The columns of a Parquet file.
pub(crate) fn read_parquet(
    options: &ReadParquet,
    data: &[u8],
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    let size = data.len() as u64;
    // The file is copied, decoded batch by batch, and written.
    let limit = allowance(size, room)?;
    guarded(room, || {
        let damaged = |error: parquet::errors::ParquetError| Refusal::Damaged(error.to_string());
        let bytes = Bytes::copy_from_slice(data);
        let described = examine_footer(&bytes, size, limit);
        let described = described.map_err(|error| refusal(error, limit))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).map_err(damaged)?;
        let left = limit.saturating_sub(described);
        let max_bytes = usize::try_from(left).unwrap_or(usize::MAX);
        let is_over = || room.look().is_err();
        let file = Arc::new(bytes);
        let rows = examine_pages(&file, size, max_bytes, builder.metadata(), &is_over)
            .map_err(|error| refusal(error, limit))?;
        let notes = builder.schema().metadata().clone();
        let mask = match &options.columns {
            None => ProjectionMask::all(),
            Some(wanted) => projection(wanted, builder.schema(), builder.parquet_schema()),
        };
        let reader = builder
            .with_projection(mask)
            .with_batch_size(rows)
            .build()
            .map_err(damaged)?;
        // The reader's own has none.
        let schema = Schema::new_with_metadata(reader.schema().fields().clone(), notes);
        stream(&schema, reader, room)
    })
}

/// An Arrow file or stream as a stream whose buffers are not compressed.
pub(crate) fn plain(_: &Plain, data: &[u8], room: &Room<'_>) -> Result<Answer, Refusal> {
    let size = data.len() as u64;
    let limit = allowance(size, room)?;
    guarded(room, || {
        let damaged = |error: ArrowError| Refusal::Damaged(error.to_string());
        let shape = examine_arrow(&mut Cursor::new(data), size, limit);
        let shape = shape.map_err(|error| refusal(error, limit))?;
        match shape {
            Shape::File => {
                let reader = FileReader::try_new(Cursor::new(data), None).map_err(damaged)?;
                stream(&reader.schema(), reader, room)
            }
            Shape::Stream => {
                let reader = StreamReader::try_new(Cursor::new(data), None).map_err(damaged)?;
                stream(&reader.schema(), reader, room)
            }
        }
    })
}

/// What columns may have in all: a third of the room that a copy of the file leaves,
/// since they are there decoded, written, and written again while the output grows.
fn allowance(size: u64, room: &Room<'_>) -> Result<u64, Refusal> {
    room.admit_working(size)?;
    Ok((room.working_bytes_max() - size) / 3)
}

fn stream(
    schema: &Schema,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    let mut sink = Sink::new(room);
    let result = (|| {
        let mut writer = StreamWriter::try_new(&mut sink, schema)?;
        for batch in batches {
            let batch = batch?;
            let bytes = batch.get_array_memory_size() as u64;
            let paid = room.charge(bytes.saturating_mul(WORK_PER_BYTE));
            paid.and_then(|()| room.look())
                .map_err(|refusal| ArrowError::ExternalError(Box::new(refusal)))?;
            writer.write(&batch)?;
        }
        writer.finish()
    })();
    // What the sink refused comes first.
    let stream = sink.finish()?;
    result.map_err(|error| match error {
        ArrowError::ExternalError(source) => match source.downcast::<Refusal>() {
            Ok(refusal) => *refusal,
            Err(other) => Refusal::Damaged(other.to_string()),
        },
        ArrowError::NotYetImplemented(what) => Refusal::Unsupported(what),
        other => Refusal::Damaged(other.to_string()),
    })?;
    Ok(Answer::of(stream))
}

/// The wanted columns, and those that pandas made its index of.
fn projection(
    wanted: &[String],
    schema: &Schema,
    described: &parquet::schema::types::SchemaDescriptor,
) -> ProjectionMask {
    let notes = schema.metadata().get(NOTES);
    let notes = notes.and_then(|text| serde_json::from_str::<Notes<'_>>(text).ok());
    let mut names = notes.map_or_else(HashSet::new, |notes| notes.index_columns.0);
    names.extend(wanted.iter().map(|name| Cow::from(name.as_str())));
    let fields = schema.fields().iter().enumerate();
    let roots = fields.filter(|(_, field)| names.contains(field.name().as_str()));
    ProjectionMask::roots(described, roots.map(|(number, _)| number))
}
