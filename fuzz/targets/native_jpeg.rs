//! A JPEG file: pixels of the size that it states, or a refusal, within its room.
#![no_main]

mod natives;

use libfuzzer_sys::fuzz_target;

const HEADS: &[&str] = &[
    r#"{"name": "jpeg.decode", "layout": "RGB"}"#,
    r#"{"name": "jpeg.decode", "layout": "L", "scale": 8}"#,
    r#"{"name": "jpeg.decode", "layout": "CMYK"}"#,
];

fuzz_target!(|bytes: &[u8]| {
    for head in HEADS {
        natives::call(head, bytes);
    }
});
