//! Documents that are imported into a memory: HTML, and XML of Word.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_connectors::fuzzing::{import_docx, import_html, import_text};

fuzz_target!(|bytes: &[u8]| {
    import_text(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _markdown = import_html(text);
    if let Err(reason) = import_docx(text) {
        assert!(!reason.is_empty());
    }
});
