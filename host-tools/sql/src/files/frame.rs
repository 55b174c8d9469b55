//! Files of tables as table values, without a database.

use super::loading::engine_value;
use crate::columns::{Column, Declared, Unfit, table};
use crate::error::DatabasesError;
use memex_host_tools::Answer;
use memex_tables::{
    Bounds, COLUMNS_MAX, Content, DataFile, DataFiles, Part, Plan, Rows, Unloaded, ValueRef,
    distinct, read,
};
use serde_json::{Map, Value};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long reading the files of one path may take.
const READING_MAX: Duration = Duration::from_secs(600);
/// Most tables of one path.
const TABLES_MAX: usize = 1000;

/// A table that was read from a file, a sheet of one, or a folder of partitions.
#[derive(Debug)]
pub struct FileTable {
    /// What it would be called in SQL.
    pub name: String,
    /// Its format, and how it is compressed.
    pub format: String,
    /// The value that becomes a DataFrame in a guest.
    pub value: Answer,
    /// What was guessed, widened or left out.
    pub notes: Vec<String>,
}

impl FileTable {
    /// Rows and columns.
    #[must_use]
    pub fn size(&self) -> (u64, usize) {
        let table = self.value.json.get("$table");
        let rows = table.and_then(|table| table.get("rows"));
        let columns = table.and_then(|table| table.get("columns"));
        (
            rows.and_then(Value::as_u64).unwrap_or_default(),
            columns.and_then(Value::as_array).map_or(0, Vec::len),
        )
    }
}

/// Reads the only table of a file as a value that becomes a DataFrame in a guest.
///
/// # Errors
/// As [`read_tables`], and when there is not one table.
pub fn read_frame(path: &Path, max_bytes: usize) -> Result<Answer, DatabasesError> {
    let mut tables = read_tables(path, max_bytes)?.into_iter();
    match (tables.next(), tables.next()) {
        (Some(table), None) => Ok(table.value),
        _ => Err(DatabasesError::Table {
            path: path.to_owned(),
            why: "there is not one table in it".to_owned(),
        }),
    }
}

/// Whether a folder holds tables and nothing else, and some that are no text: partitions, files
/// of columns, workbooks, or compressed files.
#[must_use]
pub fn is_folder_of_tables(path: &Path) -> bool {
    let Ok(selection) = DataFiles::directory(path).open("folder") else {
        return false;
    };
    let found = selection.files(TABLES_MAX, &bounds(0));
    found.is_ok_and(|files| {
        let is_text = |table: &DataFile| {
            table
                .parts
                .iter()
                .all(|(_, constants)| constants.is_empty())
                && table.packing.name().is_none()
                && table.format.is_text()
        };
        files.left_out.is_empty() && files.tables.iter().any(|table| !is_text(table))
    })
}

/// Reads the tables of a file or of a folder. Their columns are as a query by the tool `sql`
/// gives them.
///
/// # Errors
/// [`DatabasesError::Table`] when a file cannot be read, is not of the format that its name
/// says, or when all take more than `max_bytes`; [`DatabasesError::Files`] and
/// [`DatabasesError::Open`] when there is none.
pub fn read_tables(path: &Path, max_bytes: usize) -> Result<Vec<FileTable>, DatabasesError> {
    let refused = |path: &Path, why: String| DatabasesError::Table {
        path: path.to_owned(),
        why,
    };
    let files = match path.is_dir() {
        true => DataFiles::directory(path),
        false => DataFiles::file(path),
    };
    let selection = files.open("input");
    let selection = selection.map_err(|error| DatabasesError::of_files("input", error))?;
    let found = selection.files(TABLES_MAX, &bounds(max_bytes));
    let found = found.map_err(|error| refused(path, error.to_string()))?;
    let mut left = max_bytes;
    let mut tables = Vec::new();
    for file in found.tables {
        let bounds = bounds(left);
        let made = open(selection.directory(), &file, left).and_then(|parts| {
            let begin = |plan: &[Plan]| Frame::begin(plan, left);
            let sheet = file.sheet.as_deref();
            read(&parts, file.format, sheet, &bounds, begin)
        });
        let made = made.and_then(|(frame, notes)| Ok((frame.bytes, frame.finish()?, notes)));
        let (bytes, value, notes) = made.map_err(|unloaded| {
            let why = match unloaded {
                Unloaded::Content(why) | Unloaded::Host(why) => why,
                Unloaded::TooLarge => format!("its columns take more than {max_bytes} bytes"),
                Unloaded::TooLate => "reading it took too long".to_owned(),
            };
            let of = match &file.sheet {
                Some(sheet) => format!("sheet {sheet:?}: {why}"),
                None => why,
            };
            refused(path, of)
        })?;
        left = left.saturating_sub(bytes);
        let packing = file.packing.name().map(|name| format!(" in {name}"));
        tables.push(FileTable {
            format: format!("{}{}", file.format.name(), packing.unwrap_or_default()),
            name: file.name,
            value,
            notes,
        });
    }
    Ok(tables)
}

fn bounds(max_bytes: usize) -> Bounds {
    Bounds {
        max_bytes,
        deadline: Instant::now() + READING_MAX,
    }
}

fn open(
    directory: &cap_std::fs::Dir,
    file: &DataFile,
    max_bytes: usize,
) -> Result<Vec<Part>, Unloaded> {
    let host = |error: std::io::Error| Unloaded::Host(error.to_string());
    let parts = file.parts.iter().map(|(path, constants)| {
        let opened = directory.open(path).map_err(host)?;
        let status = opened.metadata().map_err(host)?;
        if !status.is_file() {
            return Err(Unloaded::Content("it is no regular file".to_owned()));
        }
        // Text takes more room than the columns that it becomes.
        let unpacked_max = (max_bytes as u64).saturating_mul(8);
        Ok(Part {
            content: Content::of_file(opened.into_std(), status.len(), file.packing, unpacked_max),
            constants: constants.clone(),
        })
    });
    parts.collect()
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
        let taken = column.push(engine_value(value));
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
