//! A compressed body: no more comes out than is allowed, and the same in pieces
//! of any size.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_external::fuzzing::http_body;

const MAX_BYTES: usize = 1 << 12;

fuzz_target!(|bytes: &[u8]| {
    let Some(([first], body)) = bytes.split_first_chunk() else {
        return;
    };
    let (is_brotli, piece) = (first & 1 == 1, usize::from(first >> 1).max(1));
    let whole = http_body(is_brotli, body.chunks(body.len().max(1)), MAX_BYTES);
    let pieces = http_body(is_brotli, body.chunks(piece), MAX_BYTES);
    if let Ok(body) = &whole {
        assert!(body.len() <= MAX_BYTES);
        assert_eq!(pieces.as_ref().ok(), Some(body));
    }
    assert_eq!(whole.is_ok(), pieces.is_ok());
});
