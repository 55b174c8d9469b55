//! The format of a file, by the endings of its name.

use super::arrow::Layout;
use super::packing::Packing;
use std::path::Path;

/// The format of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Arrow IPC, a file or a stream.
    Arrow,
    /// Delimited text; the delimiter is guessed.
    Csv,
    /// One document of JSON.
    Json,
    /// A JSON object on each line.
    JsonLines,
    /// A workbook of OpenDocument.
    OpenDocument,
    /// Parquet.
    Parquet,
    /// Text delimited by tabs.
    Tsv,
    /// A workbook of Excel.
    Xlsx,
}

impl Format {
    /// What the file is, and how it is compressed: `a.csv.gz` is CSV in gzip.
    #[must_use]
    pub fn of(path: &Path) -> Option<(Self, Packing)> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let (rest, last) = name.rsplit_once('.')?;
        let (ending, packing) = match Packing::of(last) {
            Some(packing) => (rest.rsplit_once('.')?.1, packing),
            None => (last, Packing::None),
        };
        let format = match ending {
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            "csv" => Self::Csv,
            "json" => Self::Json,
            "jsonl" | "ndjson" => Self::JsonLines,
            "ods" => Self::OpenDocument,
            "parquet" | "pq" => Self::Parquet,
            "tab" | "tsv" => Self::Tsv,
            "xlsm" | "xlsx" => Self::Xlsx,
            _ => return None,
        };
        Some((format, packing))
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::JsonLines => "json lines",
            Self::OpenDocument => "ods",
            Self::Parquet => "parquet",
            Self::Tsv => "tsv",
            Self::Xlsx => "xlsx",
        }
    }

    /// Whether people read such a file as it is.
    #[must_use]
    pub fn is_text(self) -> bool {
        self.layout().is_none() && !self.has_sheets()
    }

    /// Whether one file may have several tables.
    pub(super) fn has_sheets(self) -> bool {
        matches!(self, Self::OpenDocument | Self::Xlsx)
    }

    pub(super) fn layout(self) -> Option<Layout> {
        match self {
            Self::Arrow => Some(Layout::Arrow),
            Self::Parquet => Some(Layout::Parquet),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_format_and_compression() {
        for (name, expected) in [
            ("a.csv", Some((Format::Csv, Packing::None))),
            ("A.CSV.GZ", Some((Format::Csv, Packing::Gzip))),
            ("a.b.jsonl.zst", Some((Format::JsonLines, Packing::Zstd))),
            ("a.tsv.zip", Some((Format::Tsv, Packing::Zip))),
            ("a.gz", None),
            (".csv.gz", Some((Format::Csv, Packing::Gzip))),
            ("a.txt", None),
            ("csv", None),
        ] {
            assert_eq!(Format::of(Path::new(name)), expected, "{name}");
        }
    }
}
