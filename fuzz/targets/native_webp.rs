//! A WebP file: frames of the size that it states, or a refusal, within its room.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_natives::{Bounds, Room, answer};

const BOUNDS: Bounds = Bounds {
    bytes_max: 4 << 20,
    working_bytes_max: 64 << 20,
    work_max: Some(10_000_000_000),
};

const HEADS: &[&str] = &[
    r#"{"name": "webp.decode"}"#,
    r#"{"name": "webp.decode", "first": 1, "count": 1}"#,
];

fuzz_target!(|bytes: &[u8]| {
    for head in HEADS {
        let room = Room::new(BOUNDS, &|| false);
        match answer(head.as_bytes(), &[bytes], |_| true, &room) {
            Ok(answer) => check(&answer.head, &answer.parts),
            Err(refusal) => assert!(!refusal.to_string().is_empty()),
        }
    }
});

fn check(head: &serde_json::Value, parts: &[Vec<u8>]) {
    let [part] = parts else {
        panic!("{} parts", parts.len());
    };
    assert!(part.len() as u64 <= BOUNDS.bytes_max);
    let sizes = (head["width"].as_u64(), head["height"].as_u64());
    if let (Some(width), Some(height)) = sizes {
        // A smaller image was asked for, or as many bytes as there are channels.
        let pixels = (width * height) as usize;
        assert!(
            part.len() <= 4 * pixels,
            "{width} × {height}: {}",
            part.len()
        );
    }
}
