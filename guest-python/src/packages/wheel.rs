//! Reading a wheel, and selecting the files to unpack.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zip::ZipArchive;

use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::fetch::archive::plain_path;

/// Longest wheel: its list of contents is held in memory.
pub(super) const WHEEL_MAX_BYTES: u64 = 64 << 20;
/// Longest of the files that describe a wheel.
const DESCRIPTION_MAX_BYTES: u64 = 16 << 20;
/// Endings of native code.
const NATIVE: [&str; 4] = [".so", ".pyd", ".dylib", ".dll"];

/// Name and version of a wheel's file name.
///
/// # Errors
/// [`Error::PackageWheel`] when it is no wheel, or one for a platform.
pub(super) fn named(file: &str) -> Result<(String, String), Error> {
    let refusal = |reason: &str| Error::PackageWheel {
        wheel: file.to_owned(),
        reason: reason.to_owned(),
    };
    let stem = file.strip_suffix(".whl");
    let stem = stem.ok_or_else(|| refusal("it is no wheel"))?;
    let parts: Vec<&str> = stem.split('-').collect();
    match parts.as_slice() {
        [name, version, tags @ ..] if (3..=4).contains(&tags.len()) => {
            if !stem.ends_with("-none-any") {
                return Err(refusal(
                    "it is for a platform; the guest takes wheels that end in `-none-any.whl`",
                ));
            }
            Ok(((*name).to_owned(), (*version).to_owned()))
        }
        _ => Err(refusal("its name is not that of a wheel")),
    }
}

/// A wheel that is open.
pub(super) struct Contents {
    file: String,
    archive: ZipArchive<BufReader<File>>,
    path: PathBuf,
    /// Digests by member, as the wheel itself states them.
    record: HashMap<String, String>,
}

impl Contents {
    /// Opens a wheel if it is the one that was found, and of Python alone.
    pub(super) fn open(path: &Path, file: &str, sha256: Sha256Digest) -> Result<Self, Error> {
        let mut opened = File::open(path).map_err(Error::io("open", path))?;
        let digest = Sha256Digest::of_reader(&mut opened, &mut |_| {});
        let (found, _) = digest.map_err(Error::io("read", path))?;
        if found != sha256 {
            return Err(Error::Altered {
                path: path.to_owned(),
                reason: "its digest is not the one that was recorded",
            });
        }
        let archive = ZipArchive::new(BufReader::new(opened)).map_err(Error::archive(path))?;
        let mut contents = Self {
            file: file.to_owned(),
            archive,
            path: path.to_owned(),
            record: HashMap::new(),
        };
        let wheel = contents.described("WHEEL")?;
        let is_pure = wheel.lines().any(|line| {
            line.split_once(':').is_some_and(|(key, value)| {
                key.eq_ignore_ascii_case("Root-Is-Purelib")
                    && value.trim().eq_ignore_ascii_case("true")
            })
        });
        if !is_pure {
            return Err(contents.refusal("it says that it holds native code"));
        }
        let record = contents.described("RECORD")?;
        contents.record = record.lines().filter_map(recorded).collect();
        Ok(contents)
    }

    /// How many members there are, folders included.
    pub(super) fn len(&self) -> usize {
        self.archive.len()
    }

    /// The place and the bytes of a member, if it is one that is taken. No more
    /// than `bytes_max` bytes are read.
    pub(super) fn member(
        &mut self,
        index: usize,
        bytes_max: u64,
    ) -> Result<Option<(PathBuf, Vec<u8>)>, Error> {
        let wheel = self.file.clone();
        let refusal = |reason: String| Error::PackageWheel { wheel, reason };
        let mut member = self
            .archive
            .by_index(index)
            .map_err(Error::archive(&self.path))?;
        let name = member
            .name()
            .map_err(Error::archive(&self.path))?
            .into_owned();
        if member.is_dir() {
            return Ok(None);
        }
        let Some(path) = plain_path(&name, member.unix_mode()) else {
            return Err(refusal(format!(
                "{name:?} is not a regular file at a plain relative path"
            )));
        };
        let Some(path) = placed(&path) else {
            return Ok(None);
        };
        let lower = name.to_ascii_lowercase();
        if NATIVE.iter().any(|ending| lower.ends_with(ending)) || lower.contains(".so.") {
            return Err(refusal(format!("{name:?} is native code")));
        }
        let mut bytes = Vec::new();
        (&mut member)
            .take(bytes_max.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(Error::io("read", &self.path))?;
        if bytes.len() as u64 > bytes_max {
            return Err(Error::PackagesTooLarge {
                reason: "their files have more bytes than are taken".to_owned(),
            });
        }
        let is_record = name.contains(".dist-info/RECORD");
        let stated = self.record.get(&name);
        let found = || URL_SAFE_NO_PAD.encode(Sha256Digest::of(&bytes).bytes());
        if !is_record && stated.is_none_or(|stated| *stated != found()) {
            return Err(refusal(format!(
                "{name:?} does not have the SHA-256 digest that the wheel's RECORD states"
            )));
        }
        Ok(Some((path, bytes)))
    }

    /// The text of a file in the wheel's `.dist-info`.
    fn described(&mut self, name: &str) -> Result<String, Error> {
        let ending = format!(".dist-info/{name}");
        let member = self
            .archive
            .file_names()
            .filter_map(Result::ok)
            .find(|member| member.ends_with(&ending) && member.matches('/').count() == 1)
            .map(|member| member.to_string());
        let Some(member) = member else {
            return Err(self.refusal(&format!("it has no {name}")));
        };
        let file = self
            .archive
            .by_name(&member)
            .map_err(Error::archive(&self.path))?;
        let mut text = String::new();
        file.take(DESCRIPTION_MAX_BYTES)
            .read_to_string(&mut text)
            .map_err(Error::io("read", &self.path))?;
        Ok(text)
    }

    fn refusal(&self, reason: &str) -> Error {
        Error::PackageWheel {
            wheel: self.file.clone(),
            reason: reason.to_owned(),
        }
    }
}

/// Where a member goes; nowhere for scripts, headers and data of an
/// installation, which the guest has no place for.
fn placed(path: &Path) -> Option<PathBuf> {
    let mut parts = path.iter();
    let first = parts.next()?.to_str()?;
    if !first.ends_with(".data") {
        return Some(path.to_owned());
    }
    match parts.next()?.to_str()? {
        "purelib" | "platlib" => Some(parts.as_path().to_owned()),
        _ => None,
    }
}

/// Member and digest of one line: `path,sha256=digest,size`. Only a path with a
/// comma or a quotation mark is quoted.
pub(super) fn recorded(line: &str) -> Option<(String, String)> {
    let mut fields = line.trim_end().rsplitn(3, ',');
    let (_size, digest, path) = (fields.next()?, fields.next()?, fields.next()?);
    let digest = digest.strip_prefix("sha256=")?.trim_end_matches('=');
    let path = match path.strip_prefix('"').and_then(|p| p.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => path.to_owned(),
    };
    Some((path, digest.to_owned()))
}
