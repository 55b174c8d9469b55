//! A Parquet or Arrow file as a stream, and a stream as a Parquet file: what comes out
//! is within the room, and is read.
#![no_main]

mod natives;

use libfuzzer_sys::fuzz_target;

const READ: &str = r#"{"name": "parquet.read", "columns": null}"#;
const PLAIN: &str = r#"{"name": "arrow.plain"}"#;
const WRITE: &str = r#"{"name": "parquet.write", "compression": "snappy", "level": null, "group_rows": 1000, "dictionary": true}"#;

fuzz_target!(|bytes: &[u8]| {
    for head in [READ, PLAIN, WRITE] {
        if let Some(stream) = natives::call(head, bytes)
            && head != WRITE
        {
            let again = natives::call(PLAIN, &stream);
            assert!(again.is_some(), "a stream of ours is read");
        }
    }
});
