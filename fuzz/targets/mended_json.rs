//! What is nearly JSON: mended it is the same in pieces of any size and when it is mended
//! again, and JSON stays as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_json::{Mended, mended};
use std::io::Read;

/// Gives a few bytes at a time.
struct Pieces<'b>(&'b [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.1);
        self.0.read(&mut buffer[..count])
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((size, text)) = bytes.split_first() else {
        return;
    };
    let whole = mended(text);
    assert_eq!(mended(&whole), whole);
    if serde_json::from_slice::<serde_json::Value>(text).is_ok() {
        assert_eq!(&*whole, text);
    }
    let mut pieces = Vec::new();
    let mut stream = Mended::new(Pieces(text, usize::from(*size).max(1)));
    stream.read_to_end(&mut pieces).unwrap();
    assert_eq!(pieces, *whole);
    assert_eq!(stream.changes().is_none(), *whole == *text);
});
