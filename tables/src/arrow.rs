//! Parquet and Arrow IPC (files and streams).

use super::cells::{Cells, Form};
use super::content::Content;
use super::rows::{Plan, Rows, Unloaded};
use super::table::{Bounds, Found, listed};
use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, Schema};
use memex_columns::{Shape, examine_arrow, examine_footer, examine_pages};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::io::{BufReader, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A format of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Arrow,
    Parquet,
}

/// Looks at the types of a file, and at the values of those columns that may not fit into what
/// SQL has.
pub(super) fn inspect(
    content: &Content,
    layout: Layout,
    bounds: &Bounds,
) -> Result<Found<Vec<Form>>, Unloaded> {
    let mut schema = None;
    let mut lost: Vec<bool> = Vec::new();
    batches(
        content,
        layout,
        bounds,
        false,
        &mut |of_file, batch| match batch {
            None => {
                let risky = of_file.fields().iter();
                let risky = risky.map(|field| Cells::may_lose(field.data_type()));
                lost = vec![false; of_file.fields().len()];
                schema = Some(of_file.clone());
                Ok(risky.collect())
            }
            Some((batch, places)) => {
                for (array, place) in batch.columns().iter().zip(places) {
                    if let Some(lost) = lost.get_mut(*place) {
                        *lost = *lost || Cells::new(array, Form::Plain).loses();
                    }
                }
                Ok(Vec::new())
            }
        },
    )?;
    let schema = schema.unwrap_or_else(Schema::empty);
    let mut found = Found {
        plan: plan_of(&schema)?,
        notes: notes_of(&schema, &lost),
        how: vec![Form::Plain; lost.len()],
    };
    let columns = found.plan.iter_mut().zip(&mut found.how);
    for ((plan, form), lost) in columns.zip(lost) {
        if lost {
            plan.declared = "TEXT";
            *form = Form::Exact;
        }
    }
    Ok(found)
}

/// Hands on all rows.
pub(super) fn feed(
    content: &Content,
    layout: Layout,
    forms: &[Form],
    bounds: &Bounds,
    rows: &mut dyn Rows,
) -> Result<(), Unloaded> {
    batches(content, layout, bounds, true, &mut |schema, batch| {
        let Some((batch, _)) = batch else {
            return Ok(vec![true; schema.fields().len()]);
        };
        let forms = forms.iter().copied().chain(std::iter::repeat(Form::Plain));
        let columns = batch.columns().iter().zip(forms);
        let columns: Vec<Cells<'_>> = columns
            .map(|(array, form)| Cells::new(array, form))
            .collect();
        for row in 0..batch.num_rows() {
            for (index, cells) in columns.iter().enumerate() {
                cells.with(row, |value| rows.set(index, value))?;
            }
            rows.row()?;
        }
        Ok(Vec::new())
    })
}

/// Is given the schema alone first, and answers which columns it wants; then every batch of them
/// with their places in the schema.
type Take<'t> =
    dyn FnMut(&Schema, Option<(&RecordBatch, &[usize])>) -> Result<Vec<bool>, Unloaded> + 't;

fn batches(
    content: &Content,
    layout: Layout,
    bounds: &Bounds,
    all: bool,
    take: &mut Take<'_>,
) -> Result<(), Unloaded> {
    guarded(|| match layout {
        Layout::Parquet => parquet_batches(content, bounds, take),
        Layout::Arrow => arrow_batches(content, bounds, all, take),
    })
}

fn parquet_batches(
    content: &Content,
    bounds: &Bounds,
    take: &mut Take<'_>,
) -> Result<(), Unloaded> {
    let failure = |error: parquet::errors::ParquetError| undecoded(&error.to_string());
    let size = content.bytes();
    let file = content.file()?;
    let described = examine_footer(&file, size, bounds.max_bytes as u64)?;
    let again = Arc::new(content.file()?);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failure)?;
    let groups = builder.metadata().row_groups();
    let stated: i64 = groups.iter().fold(0, |sum, group| {
        sum.saturating_add(group.total_byte_size().max(0))
    });
    if usize::try_from(stated).unwrap_or(usize::MAX) > bounds.max_bytes {
        return Err(Unloaded::TooLarge);
    }
    let schema = builder.schema().clone();
    plan_of(&schema)?;
    let wanted = places(&take(&schema, None)?);
    if wanted.is_empty() {
        return Ok(());
    }
    let is_late = || bounds.in_time().is_err();
    let described = usize::try_from(described).unwrap_or(usize::MAX);
    let left = bounds.max_bytes.saturating_sub(described);
    let at_a_time = examine_pages(&again, size, left, builder.metadata(), &is_late)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.iter().copied());
    let batches = builder
        .with_batch_size(at_a_time)
        .with_projection(mask)
        .build()
        .map_err(failure)?;
    each(&schema, batches, &wanted, bounds, take)
}

fn arrow_batches(
    content: &Content,
    bounds: &Bounds,
    all: bool,
    take: &mut Take<'_>,
) -> Result<(), Unloaded> {
    let failure = |error: ArrowError| Unloaded::Content(error.to_string());
    let host = |error: std::io::Error| Unloaded::Host(error.to_string());
    let mut file = BufReader::new(content.file()?);
    let shape = examine_arrow(&mut file, content.bytes(), bounds.max_bytes as u64)?;
    file.seek(SeekFrom::Start(0)).map_err(host)?;
    let again = || -> Result<BufReader<std::fs::File>, Unloaded> {
        let mut again = BufReader::new(content.file()?);
        again.seek(SeekFrom::Start(0)).map_err(host)?;
        Ok(again)
    };
    // A projection has to be known before the schema is.
    let only = |wanted: &[usize]| (!all).then(|| wanted.to_vec());
    if shape == Shape::File {
        let schema = FileReader::try_new(file, None).map_err(failure)?.schema();
        plan_of(&schema)?;
        let wanted = places(&take(&schema, None)?);
        if wanted.is_empty() {
            return Ok(());
        }
        let batches = FileReader::try_new(again()?, only(&wanted)).map_err(failure)?;
        each(&schema, batches, &wanted, bounds, take)
    } else {
        let schema = StreamReader::try_new(file, None).map_err(failure)?.schema();
        plan_of(&schema)?;
        let wanted = places(&take(&schema, None)?);
        if wanted.is_empty() {
            return Ok(());
        }
        let batches = StreamReader::try_new(again()?, only(&wanted)).map_err(failure)?;
        each(&schema, batches, &wanted, bounds, take)
    }
}

fn places(wanted: &[bool]) -> Vec<usize> {
    let wanted = wanted.iter().enumerate();
    wanted
        .filter_map(|(place, wanted)| wanted.then_some(place))
        .collect()
}

fn each(
    schema: &Schema,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    places: &[usize],
    bounds: &Bounds,
    take: &mut Take<'_>,
) -> Result<(), Unloaded> {
    for batch in batches {
        let batch = batch.map_err(|error| undecoded(&error.to_string()))?;
        take(schema, Some((&batch, places)))?;
        bounds.in_time()?;
    }
    Ok(())
}

/// What a decoder says of a file.
fn undecoded(error: &str) -> Unloaded {
    Unloaded::Content(
        match error.contains("Disabled feature at compile time: brotli") {
            true => "it is compressed with Brotli, which is not read; write it with Zstandard"
                .to_owned(),
            false => error.to_owned(),
        },
    )
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

fn notes_of(schema: &Schema, lost: &[bool]) -> Vec<String> {
    let fields = schema.fields().iter().zip(lost);
    let with = |wanted: &dyn Fn(&DataType, bool) -> bool| {
        let columns = fields.clone();
        let columns = columns.filter(|(field, lost)| wanted(field.data_type(), **lost));
        let names: Vec<&str> = columns.map(|(field, _)| field.name().as_str()).collect();
        (!names.is_empty()).then(|| listed(names.into_iter()))
    };
    let is_moment = |kind: &DataType| matches!(kind, DataType::Timestamp(..));
    let exact = with(&|kind, lost| lost && !is_moment(kind));
    let moments = with(&|kind, lost| lost && is_moment(kind));
    let spans = with(&|kind, _| matches!(kind, DataType::Duration(_)));
    let nested = with(&|kind, _| kind.is_nested() && !matches!(kind, DataType::Dictionary(..)));
    [
        exact.map(|names| {
            format!("numbers that need more digits than 64 bits have are text: {names}")
        }),
        moments.map(|names| format!("times with nanoseconds are text: {names}")),
        spans.map(|names| format!("durations are integers of their unit: {names}")),
        nested.map(|names| format!("lists and structs are JSON text: {names}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}
