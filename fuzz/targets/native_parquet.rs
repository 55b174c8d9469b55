//! A Parquet or Arrow file as a stream, and a stream as a Parquet file: what comes out
//! is within the room, and is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_natives::{Bounds, Room, answer};

const BOUNDS: Bounds = Bounds {
    bytes_max: 4 << 20,
    working_bytes_max: 64 << 20,
    work_max: Some(10_000_000_000),
};

const READ: &str = r#"{"name": "parquet.read", "columns": null}"#;
const PLAIN: &str = r#"{"name": "arrow.plain"}"#;
const WRITE: &str = r#"{"name": "parquet.write", "compression": "snappy", "level": null, "group_rows": 1000, "dictionary": true}"#;

fuzz_target!(|bytes: &[u8]| {
    for head in [READ, PLAIN, WRITE] {
        if let Some(stream) = asked(head, bytes)
            && head != WRITE
        {
            assert!(asked(PLAIN, &stream).is_some(), "a stream of ours is read");
        }
    }
});

fn asked(head: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let room = Room::new(BOUNDS, &|| false);
    match answer(head.as_bytes(), &[bytes], |_| true, &room) {
        Ok(answer) => {
            let part = answer.parts.into_iter().next().expect("a part");
            assert!(part.len() as u64 <= BOUNDS.bytes_max);
            Some(part)
        }
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            None
        }
    }
}
