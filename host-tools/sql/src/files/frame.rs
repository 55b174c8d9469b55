//! A file of columns as one table value, without a database.

use super::arrow::{read_arrow, read_parquet};
use super::loading::{COLUMNS_MAX, Plan, Rows, Unloaded, distinct};
use crate::columns::{Column, Declared, Unfit, table};
use crate::error::DatabasesError;
use memex_host_tools::Answer;
use rusqlite::types::ValueRef;
use serde_json::Map;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long looking through a file's pages may take before they are decoded.
const EXAMINATION_MAX: Duration = Duration::from_secs(60);

/// Reads a Parquet file, or an Arrow file or stream, as a value that becomes a
/// DataFrame in a guest. Its columns are as a query by the tool `sql` gives them.
///
/// # Errors
/// [`DatabasesError::Table`] when the file cannot be read, is no such file, or
/// takes more than `max_bytes`.
pub fn read_frame(path: &Path, max_bytes: usize) -> Result<Answer, DatabasesError> {
    let refused = |why: String| DatabasesError::Table {
        path: path.to_owned(),
        why,
    };
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (status, file) = opened.map_err(|error| refused(error.to_string()))?;
    if !status.is_file() {
        return Err(refused("it is no regular file".to_owned()));
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_parquet = ending.is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
    let begin = |plan: &[Plan]| Frame::begin(plan, max_bytes);
    let read = match is_parquet {
        true => read_parquet(
            file,
            status.len(),
            max_bytes,
            Instant::now() + EXAMINATION_MAX,
            begin,
        ),
        false => read_arrow(file, status.len(), max_bytes, begin),
    };
    read.and_then(Frame::finish).map_err(|unloaded| {
        refused(match unloaded {
            Unloaded::Content(why) | Unloaded::Host(why) => why,
            Unloaded::TooLarge => format!("its columns take more than {max_bytes} bytes"),
            Unloaded::TooLate => "reading its pages took too long".to_owned(),
        })
    })
}

/// Columns that grow row by row.
struct Frame {
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
    max_bytes: usize,
}

impl Frame {
    fn begin(plan: &[Plan], max_bytes: usize) -> Result<Self, Unloaded> {
        if plan.is_empty() || plan.len() > COLUMNS_MAX {
            let message = format!("it has {} columns, not 1 to {COLUMNS_MAX}", plan.len());
            return Err(Unloaded::Content(message));
        }
        let names = distinct(plan.iter().map(|column| column.name.as_str()));
        let columns = names.into_iter().zip(plan);
        let columns =
            columns.map(|(name, plan)| Column::new(name, Declared::parse(Some(plan.declared))));
        Ok(Self {
            columns: columns.collect(),
            rows: 0,
            bytes: 0,
            max_bytes,
        })
    }

    fn finish(self) -> Result<Answer, Unloaded> {
        table(self.columns, self.rows, Map::new()).map_err(|(name, unfit)| misfit(&name, &unfit))
    }
}

impl Rows for Frame {
    fn set(&mut self, column: usize, value: ValueRef<'_>) -> Result<(), Unloaded> {
        let Some(column) = self.columns.get_mut(column) else {
            return Err(Unloaded::Content("a row has too many values".to_owned()));
        };
        let taken = column.push(value);
        let taken = taken.map_err(|unfit| misfit(column.name(), &unfit))?;
        self.bytes = self.bytes.saturating_add(taken);
        match self.bytes > self.max_bytes {
            true => Err(Unloaded::TooLarge),
            false => Ok(()),
        }
    }

    fn row(&mut self) -> Result<(), Unloaded> {
        self.rows += 1;
        Ok(())
    }
}

fn misfit(column: &str, unfit: &Unfit) -> Unloaded {
    Unloaded::Content(match unfit {
        Unfit::NotUtf8 => format!("the column {column:?} holds text that is not UTF-8"),
        Unfit::Mixed => {
            format!("the column {column:?} mixes bytes or infinities with other values")
        }
    })
}
