//! A tool file, as TOML or, when it begins with a brace, as JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_external::{ToolFile, ToolFileFormat};
use std::path::Path;

fuzz_target!(|text: &str| {
    let format = match text.starts_with('{') {
        true => ToolFileFormat::Json,
        false => ToolFileFormat::Toml,
    };
    match ToolFile::parse(text, format, "tools", Path::new("/nonexistent")) {
        Ok(file) => assert!(file.specs().all(|spec| !spec.name.is_empty())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
