//! Building the code of an image: rewritten and compiled.

use super::builder::Builder;
use super::code::LoadedCode;
use super::details::{CODE_FILE, CODE_FILES, CodeDetails, SEGMENTS_FILE};
use super::entry::Entry;
use super::files::write_new;
use super::progress::Stage;
use crate::engine::{Metering, STACK_BYTES, engine};
use crate::error::Error;
use memex_guest_python::{RewriteOptions, Segment, inspect, rewrite};
use std::fs;

impl Builder<'_> {
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
        let cpu = self.cache.cpu();
        self.cache.publish("code", &key, |directory| {
            write_new(&directory.join(CODE_FILE), &code)?;
            write_new(&directory.join(SEGMENTS_FILE), &segments)?;
            Entry::seal(directory, &key, CODE_FILES, &details)?;
            // As with code from a store: the engine has to accept it before it gets its place.
            LoadedCode::load(&directory.join(CODE_FILE), metering, STACK_BYTES, cpu).map(drop)
        })?;
        Entry::open(&self.cache.entry_path("code", &key), &key, false)
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

fn encode_segments(segments: &[Segment]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for segment in segments {
        bytes.extend_from_slice(&segment.offset.to_le_bytes());
        bytes.extend_from_slice(&(segment.bytes.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&segment.bytes);
    }
    bytes
}

pub(super) fn decode_segments(mut bytes: &[u8]) -> Option<Vec<(u32, &[u8])>> {
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
