//! Building the two entries of an image: machine code, and the memory of a
//! guest that has started and warmed up.

use super::cache::Cache;
use super::calibration::{Calibrator, Report};
use super::code::LoadedCode;
use super::description::{DESCRIPTION_FILE, Description, name_of};
use super::entry::Entry;
use super::map::GuestMap;
use super::packages::Packages;
use super::progress::{Progress, Stage};
use super::secret::ImageSecret;
use super::shelf::Shelved;
use super::spec::ImageSpec;
use crate::engine::{Metering, STACK_BYTES, engine};
use crate::error::Error;
use memex_guest_python::{
    FetchOptions, FetchProgress, FetchStage, GuestFiles, RewriteOptions, Segment, inspect, rewrite,
};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub(super) const CODE_FILE: &str = "guest.cwasm";
pub(super) const SEGMENTS_FILE: &str = "segments.bin";
pub(super) const CODE_FILES: &[&str] = &[CODE_FILE, SEGMENTS_FILE];
pub(super) const MEMORY_FILE: &str = "memory.img";
pub(super) const IMAGE_FILES: &[&str] = &[MEMORY_FILE, DESCRIPTION_FILE];

/// What the record of a code entry adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeDetails {
    /// Loop headers that test the interrupt flag.
    pub(super) loops: u64,
    /// Bulk memory operations that are chunked.
    pub(super) bulk_operations: u64,
}

/// What the record of an image entry adds to its description: what differs
/// from cache to cache.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageDetails {
    /// Where it comes from, unless it was built here.
    pub(super) pulled: Option<Origin>,
}

/// From where an image was pulled, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Origin {
    pub(super) from: String,
    pub(super) unix_ms: u64,
}

/// What a build needs to know.
pub(super) struct Builder<'a> {
    pub(super) cache: &'a Cache,
    pub(super) spec: &'a ImageSpec,
    pub(super) fetch: &'a FetchOptions,
    pub(super) progress: &'a mut dyn Progress,
}

impl Builder<'_> {
    /// The guest's files, fetched when they are not there.
    pub(super) fn guest(&mut self) -> Result<GuestFiles, Error> {
        let directory = self.guest_directory();
        if let Ok(files) = memex_guest_python::locate(&self.spec.manifest, &directory) {
            return Ok(files);
        }
        self.fetch_guest(&directory)
    }

    /// The guest's files with every digest checked: before anything is made
    /// from them.
    fn checked_guest(&mut self) -> Result<GuestFiles, Error> {
        let directory = self.guest_directory();
        self.fetch_guest(&directory)
    }

    fn guest_directory(&self) -> PathBuf {
        let digest = self.spec.manifest.digest().to_string();
        self.cache
            .entry_path("guests", digest.get(..32).unwrap_or(&digest))
    }

    fn fetch_guest(&mut self, directory: &Path) -> Result<GuestFiles, Error> {
        let progress = &mut *self.progress;
        let mut stage = None;
        let files = memex_guest_python::fetch(
            &self.spec.manifest,
            directory,
            self.fetch,
            &mut |report: FetchProgress| {
                let now = match report.stage {
                    FetchStage::Download => Stage::Fetch,
                    FetchStage::Verify | FetchStage::Unpack => Stage::Verify,
                };
                if stage != Some((report.stage, report.total)) {
                    if stage.is_some() {
                        progress.end();
                    }
                    stage = Some((report.stage, report.total));
                    progress.begin(now, Some(report.total));
                }
                progress.advance(report.done);
            },
        )?;
        if stage.is_some() {
            self.progress.end();
        }
        Ok(files)
    }

    /// The compiled code, compiled when it is not there.
    pub(super) fn code(&mut self, metering: Metering) -> Result<Entry<CodeDetails>, Error> {
        let engine = engine(metering, STACK_BYTES, self.cache.cpu())?;
        let key = self.spec.code_key(metering, &compatibility(&engine));
        if let Ok(entry) = Entry::open(&self.cache.entry_path("code", &key), &key, false) {
            return Ok(entry);
        }
        let _lock = self.cache.lock("code", &key, self.progress)?;
        if let Some(entry) = self.cache.open_or_discard("code", &key, self.progress)? {
            return Ok(entry);
        }
        let files = self.checked_guest()?;
        let wasm = fs::read(&files.module).map_err(Error::file("read", &files.module))?;
        self.progress.begin(Stage::Rewrite, None);
        let info = inspect(&wasm)?;
        self.spec.manifest.check(&info)?;
        let bare = metering == Metering::Bare;
        let mut options: RewriteOptions = self.spec.manifest.rewrite_options(&info, !bare);
        if bare {
            options.wrap_shadow_stack.clear();
        }
        drop(info);
        let rewritten = rewrite(&wasm, &options)?;
        drop(wasm);
        self.progress.end();
        self.progress
            .begin(Stage::Compile, Some(rewritten.wasm.len() as u64));
        let code = engine
            .precompile_module(&rewritten.wasm)
            .map_err(Error::engine)?;
        self.progress.end();
        let details = CodeDetails {
            loops: rewritten.report.loops,
            bulk_operations: rewritten.report.bulk_replaced,
        };
        let segments = encode_segments(&rewritten.segments);
        self.cache.publish("code", &key, |directory| {
            write_new(&directory.join(CODE_FILE), &code)?;
            write_new(&directory.join(SEGMENTS_FILE), &segments)?;
            Entry::seal(directory, &key, CODE_FILES, &details)
        })?;
        Entry::open(&self.cache.entry_path("code", &key), &key, false)
    }

    /// The memory image, booted and warmed when it is not there, and whether it
    /// is new.
    pub(super) fn image(
        &mut self,
        code: &Entry<CodeDetails>,
        files: &GuestFiles,
        packages: &Packages,
    ) -> Result<(Shelved, bool), Error> {
        let sources = memex_guest_python::PYTHON_SOURCES;
        let recipe = self.spec.recipe(sources, &packages.wheels);
        let wanted = self.spec.secret.as_ref();
        if let Some(image) = self.cache.search(&recipe, wanted)?.found {
            return Ok((image, false));
        }
        let secret = match wanted {
            Some(secret) => secret.clone(),
            None => self.cache.secret()?,
        };
        let key = ImageSpec::inputs(&recipe, &secret.tag());
        let _lock = self.cache.lock("images", &key, self.progress)?;
        let search = self.cache.search(&recipe, wanted)?;
        if let Some(image) = search.found {
            return Ok((image, false));
        }
        for problem in search.problems {
            match problem {
                // What others could have written is theirs to explain: refused.
                Error::NotPrivate { .. } => return Err(problem),
                _ => self.progress.note(&format!("building again: {problem}")),
            }
        }
        let (map, memory) = self.boot(code, &secret, files, packages)?;
        let description = Description::new(self.spec, &packages.wheels, secret.tag(), &memory, map);
        let text = description.text()?;
        let details = ImageDetails { pulled: None };
        let (name, ()) = self.cache.publish_as("images", &key, |directory| {
            let name = name_of(&text);
            write_new(&directory.join(MEMORY_FILE), &memory)?;
            write_new(&directory.join(DESCRIPTION_FILE), text.as_bytes())?;
            Entry::seal(directory, &name, IMAGE_FILES, &details)?;
            // Built again to the same: what is there did not open.
            remove_if_there(&self.cache.entry_path("images", &name))?;
            Ok((name, ()))
        })?;
        Ok((Shelved::open(self.cache, &name, false)?, true))
    }

    /// Starts the guest, warms it up and takes its memory.
    fn boot(
        &mut self,
        code: &Entry<CodeDetails>,
        secret: &ImageSecret,
        files: &GuestFiles,
        packages: &Packages,
    ) -> Result<(GuestMap, Vec<u8>), Error> {
        let path = code.directory.join(SEGMENTS_FILE);
        let segments = fs::read(&path).map_err(Error::file("read", &path))?;
        let segments = decode_segments(&segments).ok_or_else(|| Error::Damaged {
            path,
            reason: "it is cut off".into(),
        })?;
        let loaded = LoadedCode::load(
            &code.directory.join(CODE_FILE),
            Metering::Deadline,
            STACK_BYTES,
            self.cache.cpu(),
        )?;
        self.progress.begin(Stage::Boot, None);
        let mut calibrator =
            Calibrator::boot(&loaded, self.spec, secret, (files, packages), &segments)?;
        self.progress.end();
        let report = self.warm(&mut calibrator, packages)?;
        calibrator.capture(&report)
    }

    fn warm(&mut self, calibrator: &mut Calibrator, packages: &Packages) -> Result<Report, Error> {
        let mut report = calibrator.install()?;
        if !packages.wheels.is_empty() {
            calibrator.add_packages()?;
        }
        let steps = calibrator.warm_steps(self.spec.standard_preload, &self.spec.preload)?;
        self.progress.begin(Stage::Warm, Some(steps.len() as u64));
        for (index, step) in steps.iter().enumerate() {
            calibrator.warm(&report, step)?;
            self.progress.advance(index as u64 + 1);
        }
        calibrator.settle(&mut report)?;
        self.progress.end();
        Ok(report)
    }
}

/// A text that changes when code compiled earlier could not be loaded.
pub(crate) fn compatibility(engine: &wasmtime::Engine) -> String {
    use std::hash::{Hash, Hasher};
    /// Collects what is hashed instead of hashing it, so that the key is as
    /// strong as the key's own hash.
    #[derive(Default)]
    struct Collect(Vec<u8>);
    impl Hasher for Collect {
        fn finish(&self) -> u64 {
            0
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }
    let mut collect = Collect::default();
    engine.precompile_compatibility_hash().hash(&mut collect);
    blake3::hash(&collect.0).to_hex().to_string()
}

pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || -> std::io::Result<()> {
        let mut file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(Error::file("write", path))
}

/// Removes a directory, or does nothing if there is none.
pub(super) fn remove_if_there(directory: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(Error::file("remove", directory)),
    }
}

fn encode_segments(segments: &[Segment]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for segment in segments {
        bytes.extend_from_slice(&segment.offset.to_le_bytes());
        bytes.extend_from_slice(&(segment.bytes.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&segment.bytes);
    }
    bytes
}

fn decode_segments(mut bytes: &[u8]) -> Option<Vec<(u32, &[u8])>> {
    let mut segments = Vec::new();
    while !bytes.is_empty() {
        let (offset, rest) = bytes.split_at_checked(4)?;
        let (length, rest) = rest.split_at_checked(8)?;
        let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let (data, rest) = rest.split_at_checked(length)?;
        segments.push((u32::from_le_bytes(offset.try_into().ok()?), data));
        bytes = rest;
    }
    Some(segments)
}
