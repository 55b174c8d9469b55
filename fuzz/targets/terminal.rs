//! What a guest says to a terminal: colours pass, every other control sequence
//! is shown; the same in pieces of any size.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_escapes::Filter;

fuzz_target!(|bytes: &[u8]| {
    let Some(([first], output)) = bytes.split_first_chunk() else {
        return;
    };
    let whole = filtered(output.chunks(output.len().max(1)));
    assert_eq!(filtered(output.chunks(usize::from(*first).max(1))), whole);
    let mut rest = whole.as_slice();
    while let Some(at) = rest.iter().position(|byte| *byte == 0x1b) {
        // The only sequences that are left set colours: ESC [ … m.
        let sequence = &rest[at..];
        assert_eq!(sequence.get(1), Some(&b'['));
        let end = sequence.iter().position(u8::is_ascii_alphabetic);
        assert_eq!(end.and_then(|end| sequence.get(end)), Some(&b'm'));
        rest = &sequence[1..];
    }
    let others = |byte: &u8| matches!(byte, 0..=7 | 11 | 12 | 14..=26 | 28..=31 | 127);
    assert!(!whole.iter().any(others), "{whole:?}");
});

fn filtered<'b>(pieces: impl Iterator<Item = &'b [u8]>) -> Vec<u8> {
    let mut filter = Filter::default();
    let mut output: Vec<u8> = pieces.flat_map(|piece| filter.pass(piece)).collect();
    output.extend(filter.finish());
    output
}
