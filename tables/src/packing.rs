//! How a file is compressed, by the ending of its name, and the one member of a zip archive.

use super::rows::Unloaded;
use std::io::{Read, Seek};
use zip::{CompressionMethod, ZipArchive};

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Packing {
    /// It is not.
    None,
    /// One or several members of gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// The only file of a zip archive.
    Zip,
}

impl Packing {
    /// What an ending in lower case stands for, if it is one of compression.
    pub(super) fn of(ending: &str) -> Option<Self> {
        Some(match ending {
            "gz" | "gzip" => Self::Gzip,
            "zst" | "zstd" => Self::Zstd,
            "zip" => Self::Zip,
            _ => return None,
        })
    }

    /// What people call it; none if a file is not compressed.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::Zip => Some("zip"),
        }
    }
}

/// Where the only file of a zip archive is.
pub(super) struct Member {
    pub(super) start: u64,
    pub(super) bytes: u64,
    pub(super) is_deflated: bool,
}

impl Member {
    pub(super) fn find<F: Read + Seek>(archive: F) -> Result<Self, Unloaded> {
        let damaged = |error: zip::result::ZipError| {
            Unloaded::Content(format!("its zip archive cannot be read: {error}"))
        };
        let mut archive = ZipArchive::new(archive).map_err(damaged)?;
        let mut found = None;
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(damaged)?;
            // What macOS adds is no content.
            let name = entry.name().map_err(damaged)?;
            if entry.is_dir() || name.starts_with("__MACOSX/") {
                continue;
            }
            if entry.encrypted() {
                return Err(Unloaded::Content("its zip archive is encrypted".to_owned()));
            }
            let is_deflated = match entry.compression() {
                CompressionMethod::Stored => false,
                CompressionMethod::Deflated => true,
                other => {
                    let message = format!("its zip archive is compressed with {other}");
                    return Err(Unloaded::Content(message));
                }
            };
            let start = entry.data_start().ok_or_else(|| {
                Unloaded::Content("its zip archive does not say where its file is".to_owned())
            })?;
            let member = Self {
                start,
                bytes: entry.compressed_size(),
                is_deflated,
            };
            if found.replace(member).is_some() {
                let message = "its zip archive has more than one file; unpack it";
                return Err(Unloaded::Content(message.to_owned()));
            }
        }
        found.ok_or_else(|| Unloaded::Content("its zip archive is empty".to_owned()))
    }
}
