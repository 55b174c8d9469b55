//! Building the two entries of an image: machine code, and the memory of a
//! guest that has started and warmed up.

use super::cache::Cache;
use super::calibration::{Calibrator, Report};
use super::code::LoadedCode;
use super::entry::Entry;
use super::map::GuestMap;
use super::progress::{Progress, Stage};
use super::spec::ImageSpec;
use crate::engine::{Metering, STACK_BYTES, engine};
use crate::error::Error;
use crate::platform::PAGE_BYTES;
use memex_guest_python::{
    FetchOptions, FetchProgress, FetchStage, GuestFiles, RewriteOptions, Segment, inspect, rewrite,
};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub(super) const CODE_FILE: &str = "guest.cwasm";
const SEGMENTS_FILE: &str = "segments.bin";
pub(super) const MEMORY_FILE: &str = "memory.img";

/// What the record of a code entry adds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeDetails {
    /// Loop headers that test the interrupt flag.
    pub(super) loops: u64,
    /// Bulk memory operations that are chunked.
    pub(super) bulk_operations: u64,
}

/// What the record of an image entry adds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageDetails {
    pub(super) guest: String,
    pub(super) preload: Vec<String>,
    pub(super) memory_bytes: u64,
    /// Pages of the image that are not zero.
    pub(super) used_pages: u64,
    pub(super) map: GuestMap,
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
        let engine = engine(metering, STACK_BYTES)?;
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
            Entry::seal(directory, &key, &[CODE_FILE, SEGMENTS_FILE], &details)
        })?;
        Entry::open(&self.cache.entry_path("code", &key), &key, false)
    }

    /// The memory image, booted and warmed when it is not there; its key, and
    /// whether it is new.
    pub(super) fn image(
        &mut self,
        code: &Entry<CodeDetails>,
        files: &GuestFiles,
    ) -> Result<(String, Entry<ImageDetails>, bool), Error> {
        let sources = memex_guest_python::PYTHON_SOURCES;
        let key = self.spec.image_key(sources);
        if let Ok(entry) = Entry::open(&self.cache.entry_path("images", &key), &key, false) {
            return Ok((key, entry, false));
        }
        let _lock = self.cache.lock("images", &key, self.progress)?;
        if let Some(entry) = self.cache.open_or_discard("images", &key, self.progress)? {
            return Ok((key, entry, false));
        }
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
        )?;
        self.progress.begin(Stage::Boot, None);
        let mut calibrator = Calibrator::boot(&loaded, self.spec, files, &segments)?;
        self.progress.end();
        let report = self.warm(&mut calibrator)?;
        let (map, memory) = calibrator.capture(&report)?;
        let details = ImageDetails {
            guest: self.spec.manifest.name.clone(),
            preload: self.spec.preload.clone(),
            memory_bytes: memory.len() as u64,
            used_pages: memory
                .chunks(PAGE_BYTES)
                .filter(|page| page.iter().any(|&byte| byte != 0))
                .count() as u64,
            map,
        };
        self.cache.publish("images", &key, |directory| {
            write_new(&directory.join(MEMORY_FILE), &memory)?;
            Entry::seal(directory, &key, &[MEMORY_FILE], &details)
        })?;
        let entry = Entry::open(&self.cache.entry_path("images", &key), &key, false)?;
        Ok((key, entry, true))
    }

    fn warm(&mut self, calibrator: &mut Calibrator) -> Result<Report, Error> {
        let mut report = calibrator.install()?;
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
pub(super) fn compatibility(engine: &wasmtime::Engine) -> String {
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

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
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
