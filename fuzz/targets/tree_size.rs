//! What JSON takes as values, told from its text: never less than the parser takes, and the
//! same in pieces of any size.
#![no_main]

mod held;

use held::held;
use libfuzzer_sys::fuzz_target;
use memex_channel::TreeSize;
use serde_json::Value;

/// What the parser holds for itself: a text with escapes, and the words of an error.
const OF_PARSER_BYTES: usize = 1 << 10;

fuzz_target!(|bytes: &[u8]| {
    let Some(([piece], json)) = bytes.split_first_chunk() else {
        return;
    };
    let told = TreeSize::of(json);
    let mut size = TreeSize::default();
    for piece in json.chunks(usize::from(*piece).max(1)) {
        size.push(piece);
    }
    assert_eq!(size.bytes(), told);
    let (value, taken) = held(|| serde_json::from_slice::<Value>(json));
    // A list that grows is there twice for a moment, and so is a text with escapes.
    let most = told + told / 2 + 2 * json.len() + OF_PARSER_BYTES;
    assert!(taken <= most, "{taken} bytes, {told} told");
    let Ok(value) = value else {
        return;
    };
    let (_copy, kept) = held(|| value.clone());
    assert!(kept <= told + OF_PARSER_BYTES, "{kept} bytes, {told} told");
});
