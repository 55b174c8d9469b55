//! A delimited text file, or JSON, as a table.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_sql::fuzzing::{TextFiles, TextForm};
use std::cell::RefCell;

thread_local! {
    static FILES: RefCell<TextFiles> = RefCell::new(TextFiles::new().expect("a database"));
}

fuzz_target!(|bytes: &[u8]| {
    let form = match bytes.trim_ascii_start().first() {
        Some(b'{') => TextForm::JsonLines,
        Some(b'[') => TextForm::Json,
        _ => TextForm::Delimited,
    };
    FILES.with_borrow(|files| match files.load(form, bytes) {
        Ok(rows) => assert!(rows <= bytes.len() as u64),
        // A fault of the host would mean that the file reached the database as SQL.
        Err(reason) => assert!(!reason.starts_with("Host("), "{reason}"),
    });
});
