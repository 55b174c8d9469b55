//! ZIP archives, read within bounds.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use zip::ZipArchive;

use memex_memory::Error;

use crate::report::malformed;
use crate::{ImportLimits, ImportReport};

/// Reads archives: which of their entries, and within which bounds, over
/// archives in archives.
pub(super) struct Unpacker<'w> {
    wanted: &'w dyn Fn(&str) -> Wanted,
    limits: ImportLimits,
    /// What was unpacked.
    entries: u64,
    bytes: u64,
}

/// Takes the name and the content of an entry.
pub(super) type Take<'t> =
    dyn FnMut(&str, &mut dyn Read, &mut ImportReport) -> Result<(), Error> + 't;

/// What is done with an entry.
pub(super) enum Wanted {
    /// It is passed over without a word.
    No,
    /// It is read.
    Yes,
    /// It is an archive whose entries are to be looked at.
    Archive,
}

/// Opens a file for reading, if it is a regular one and not too large.
pub(super) fn open(path: &Path, limits: &ImportLimits) -> Result<File, Error> {
    let place = path.to_string_lossy();
    let failed = |error: std::io::Error| malformed(place.as_ref(), error.to_string());
    let is_file = std::fs::metadata(path).map_err(failed)?.is_file();
    if !is_file {
        return Err(malformed(place.as_ref(), "is no file that can be read"));
    }
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    match bytes > limits.archive_bytes_max {
        true => Err(malformed(
            place.as_ref(),
            format!("{bytes} bytes; the limit is {}", limits.archive_bytes_max),
        )),
        false => Ok(file),
    }
}

/// What a name ends with after its last dot, in small letters.
pub(super) fn ending(name: &str) -> String {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.unwrap_or_default().to_ascii_lowercase()
}

/// The whole content of an entry.
pub(super) fn whole(name: &str, content: &mut dyn Read) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = content.read_to_end(&mut bytes);
    read.map_err(|error| malformed(name, error.to_string()))?;
    Ok(bytes)
}

impl<'w> Unpacker<'w> {
    pub(super) fn new(limits: ImportLimits, wanted: &'w dyn Fn(&str) -> Wanted) -> Self {
        Self {
            wanted,
            limits,
            entries: 0,
            bytes: 0,
        }
    }

    /// Calls `take` with the name and content of every entry that is wanted.
    ///
    /// Names are split at both slashes and never used as paths. Entries whose names
    /// lead out of the archive, are links or encrypted, are skipped.
    pub(super) fn each<R: Read + Seek>(
        &mut self,
        reader: R,
        place: &str,
        report: &mut ImportReport,
        take: &mut Take<'_>,
    ) -> Result<(), Error> {
        self.nested(reader, place, report, take, self.limits.nesting_max)
    }

    fn nested<R: Read + Seek>(
        &mut self,
        mut reader: R,
        place: &str,
        report: &mut ImportReport,
        take: &mut Take<'_>,
        nesting: u32,
    ) -> Result<(), Error> {
        let unreadable = |what: String| malformed(place, what);
        let limits = self.limits;
        let promised =
            promised_entries(&mut reader).map_err(|error| unreadable(error.to_string()))?;
        let too_many = || {
            let limit = limits.entries_max;
            unreadable(format!(
                "has more entries than an import may read ({limit})"
            ))
        };
        if promised > limits.entries_max {
            return Err(too_many());
        }
        let mut archive = ZipArchive::new(reader)
            .map_err(|error| unreadable(format!("is no ZIP archive that can be read: {error}")))?;
        self.entries = self.entries.saturating_add(archive.len() as u64);
        if self.entries > limits.entries_max {
            return Err(too_many());
        }
        for index in 0..archive.len() {
            let mut entry = match archive.by_index(index) {
                Ok(entry) => entry,
                Err(error) => {
                    report.skip(format!("{place}: entry {index}"), error.to_string());
                    continue;
                }
            };
            let Some(name) = entry.name().ok().map(|name| name.into_owned()) else {
                report.skip(format!("{place}: entry {index}"), "its name is no text");
                continue;
            };
            let wanted_as = (self.wanted)(&name);
            if matches!(wanted_as, Wanted::No) || entry.is_dir() {
                continue;
            }
            let Some(name) = plain(&name) else {
                report.skip(&name, "its name leads out of the archive");
                continue;
            };
            if entry.is_symlink() {
                report.skip(&name, "is a link");
                continue;
            }
            self.entry(&name, &mut entry, wanted_as, report, take, nesting)?;
        }
        Ok(())
    }

    /// Takes one entry, within what is left of the bounds.
    fn entry(
        &mut self,
        name: &str,
        content: &mut dyn Read,
        wanted_as: Wanted,
        report: &mut ImportReport,
        take: &mut Take<'_>,
        nesting: u32,
    ) -> Result<(), Error> {
        let limits = self.limits;
        let left = limits.unpacked_bytes_max.saturating_sub(self.bytes);
        let bound = left.min(limits.entry_bytes_max);
        let mut bounded = Bounded {
            inner: content,
            left: bound,
            read: 0,
            is_over: false,
        };
        let taken = match wanted_as {
            Wanted::Archive if nesting > 0 => {
                let mut bytes = Vec::new();
                match bounded.read_to_end(&mut bytes) {
                    Ok(_) => {
                        self.bytes = self.bytes.saturating_add(bounded.read);
                        bounded.read = 0;
                        let nested = Cursor::new(bytes);
                        self.nested(nested, name, report, take, nesting - 1)
                    }
                    Err(error) => Err(malformed(name, error.to_string())),
                }
            }
            Wanted::Archive => {
                report.skip(name, "is an archive too deep in archives");
                Ok(())
            }
            _ => take(name, &mut bounded, report),
        };
        self.bytes = self.bytes.saturating_add(bounded.read);
        if bounded.is_over {
            return Err(malformed(
                name,
                format!("unpacks to more than {bound} bytes, which is all that is left for it"),
            ));
        }
        match taken {
            // One damaged entry is no reason to lose the others.
            Err(Error::Malformed { place, what }) => {
                report.skip(place, what);
                Ok(())
            }
            taken => taken,
        }
    }

    /// Takes a file that lies beside others in a folder, or alone.
    pub(super) fn one(
        &mut self,
        name: &str,
        mut file: File,
        wanted_as: Wanted,
        report: &mut ImportReport,
        take: &mut Take<'_>,
    ) -> Result<(), Error> {
        let nesting = self.limits.nesting_max;
        self.entry(name, &mut file, wanted_as, report, take, nesting)
    }

    /// What is done with an entry of this name.
    pub(super) fn wanted(&self, name: &str) -> Wanted {
        (self.wanted)(name)
    }

    /// Counts entries that were met outside of an archive.
    pub(super) fn count(&mut self, entries: u64, place: &str) -> Result<(), Error> {
        self.entries = self.entries.saturating_add(entries);
        let limit = self.limits.entries_max;
        match self.entries > limit {
            true => Err(malformed(
                place,
                format!("has more entries than an import may read ({limit})"),
            )),
            false => Ok(()),
        }
    }
}

/// A reader that fails, rather than ends, when it is asked for too much.
struct Bounded<'e> {
    inner: &'e mut dyn Read,
    left: u64,
    read: u64,
    is_over: bool,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // Reading one byte more than is left distinguishes the end from an excess.
        let wanted = self.left.saturating_add(1).min(buffer.len() as u64);
        let wanted = usize::try_from(wanted).unwrap_or(buffer.len());
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let count = self.inner.read(part)?;
        self.read = self.read.saturating_add(count as u64);
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(count)
            }
            None => {
                self.is_over = true;
                Err(std::io::Error::other("unpacks to more than it may"))
            }
        }
    }
}

/// The name with plain slashes, if it stays in the archive.
fn plain(name: &str) -> Option<String> {
    let name = name.replace('\\', "/");
    let is_out = name.starts_with('/')
        || name.contains('\0')
        || name.split('/').any(|part| part == "..")
        || name.get(1..3) == Some(":/");
    (!is_out).then_some(name)
}

const END_BYTES: usize = 22;
const END_MAGIC: &[u8] = b"PK\x05\x06";
const END64_MAGIC: &[u8] = b"PK\x06\x06";
const END64_BYTES: usize = 56;
/// The end record with the longest comment, and the larger records before it.
const TAIL_BYTES: u64 = 65_535 + 22 + 20 + 56;

/// How many entries the archive says it has: asked before its directory is
/// read into memory.
fn promised_entries<R: Read + Seek>(reader: &mut R) -> std::io::Result<u64> {
    let size = reader.seek(SeekFrom::End(0))?;
    reader.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    reader.take(TAIL_BYTES).read_to_end(&mut tail)?;
    reader.seek(SeekFrom::Start(0))?;
    let mut promised = 0;
    for at in 0..tail.len() {
        let rest = tail.get(at..).unwrap_or_default();
        if rest.starts_with(END_MAGIC) && rest.len() >= END_BYTES {
            let count = rest.get(10..12).and_then(|b| b.try_into().ok());
            promised = promised.max(count.map_or(0, u16::from_le_bytes).into());
        }
        if rest.starts_with(END64_MAGIC) && rest.len() >= END64_BYTES {
            let count = rest.get(32..40).and_then(|b| b.try_into().ok());
            promised = promised.max(count.map_or(0, u64::from_le_bytes));
        }
    }
    Ok(promised)
}
