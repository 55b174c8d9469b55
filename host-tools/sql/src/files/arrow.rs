//! Parquet and Arrow IPC (files and streams).

use super::cells::Cells;
use super::loading::{Plan, Rows, Unloaded};
use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, Schema};
use memex_columns::{Shape, examine_arrow, examine_footer, examine_pages};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// Reads a Parquet file into what `begin` makes of its columns.
pub(super) fn read_parquet<R: Rows>(
    file: File,
    size: u64,
    max_bytes: usize,
    deadline: Instant,
    begin: impl FnOnce(&[Plan]) -> Result<R, Unloaded>,
) -> Result<R, Unloaded> {
    let content = |error: parquet::errors::ParquetError| Unloaded::Content(error.to_string());
    guarded(|| {
        let described = examine_footer(&file, size, max_bytes as u64)?;
        let again = file.try_clone();
        let again = Arc::new(again.map_err(|error| Unloaded::Host(error.to_string()))?);
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(content)?;
        let groups = builder.metadata().row_groups();
        let stated: i64 = groups.iter().fold(0, |sum, group| {
            sum.saturating_add(group.total_byte_size().max(0))
        });
        if usize::try_from(stated).unwrap_or(usize::MAX) > max_bytes {
            return Err(Unloaded::TooLarge);
        }
        let schema = builder.schema().clone();
        plan_of(&schema)?;
        let described = usize::try_from(described).unwrap_or(usize::MAX);
        let left = max_bytes.saturating_sub(described);
        let at_a_time = examine_pages(&again, size, left, builder.metadata(), &|| {
            Instant::now() >= deadline
        })?;
        let batches = builder
            .with_batch_size(at_a_time)
            .build()
            .map_err(content)?;
        read(&schema, batches, begin)
    })
}

/// Reads an Arrow IPC file (Feather version 2) or stream, as [`read_parquet`].
pub(super) fn read_arrow<R: Rows>(
    file: File,
    size: u64,
    max_bytes: usize,
    begin: impl FnOnce(&[Plan]) -> Result<R, Unloaded>,
) -> Result<R, Unloaded> {
    let host = |error: std::io::Error| Unloaded::Host(error.to_string());
    let content = |error: ArrowError| Unloaded::Content(error.to_string());
    guarded(|| {
        let shape = examine_arrow(&mut BufReader::new(&file), size, max_bytes as u64)?;
        (&file).seek(SeekFrom::Start(0)).map_err(host)?;
        let file = BufReader::new(file);
        if shape == Shape::File {
            let batches = FileReader::try_new(file, None).map_err(content)?;
            read(&batches.schema(), batches, begin)
        } else {
            let batches = StreamReader::try_new(file, None).map_err(content)?;
            read(&batches.schema(), batches, begin)
        }
    })
}

/// Runs a decoder of these formats. They are other people's code, whose
/// assertions are about the file: where one does not hold, the file is damaged.
/// What was read until then is dropped with the error.
fn guarded<R>(decode: impl FnOnce() -> Result<R, Unloaded>) -> Result<R, Unloaded> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(Unloaded::Content(
            "it is damaged: it says what its decoder takes for impossible".to_owned(),
        ))
    })
}

fn read<R: Rows>(
    schema: &Schema,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    begin: impl FnOnce(&[Plan]) -> Result<R, Unloaded>,
) -> Result<R, Unloaded> {
    let plan = plan_of(schema)?;
    let mut rows = begin(&plan)?;
    for batch in batches {
        let batch = batch.map_err(|error| Unloaded::Content(error.to_string()))?;
        let columns: Vec<Cells<'_>> = batch
            .columns()
            .iter()
            .map(|array| Cells::new(array))
            .collect();
        for row in 0..batch.num_rows() {
            for (index, cells) in columns.iter().enumerate() {
                cells.with(row, |value| rows.set(index, value))?;
            }
            rows.row()?;
        }
    }
    Ok(rows)
}

/// The columns of the table, all of which are of types that can be loaded.
fn plan_of(schema: &Schema) -> Result<Vec<Plan>, Unloaded> {
    let plan = schema.fields().iter().map(|field| {
        let declared = Cells::declared(field.data_type()).ok_or_else(|| {
            Unloaded::Content(format!(
                "the column {:?} is of type {}, which cannot be loaded",
                field.name(),
                field.data_type()
            ))
        })?;
        let name = field.name().clone();
        Ok(Plan { name, declared })
    });
    plan.collect()
}
