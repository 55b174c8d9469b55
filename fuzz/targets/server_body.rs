//! Bodies of requests to the server's wires: an object or an error, and no more is held of
//! them than a body may take. Calls with lines of headers before an empty line.
#![no_main]

mod held;

use held::held;
use libfuzzer_sys::fuzz_target;
use memex_server::fuzzing::{check_call, read_body};

const HELD_BYTES_MAX: usize = 128 << 20;
/// A body that is repeated, and how long it becomes.
const SHORT_BYTES: usize = 8;
const LONG_BYTES: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let at = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (lines, body) = match at {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (&b"content-type: application/json"[..], bytes),
    };
    assert_eq!(check_call(lines, body), Ok(()));
    read(body);
    let list = |values: &[u8]| [b"{\"a\":[", values, b"0]}"].concat();
    if (1..=SHORT_BYTES).contains(&body.len()) && read_body(&list(body)).is_ok() {
        read(&list(&body.repeat(LONG_BYTES / body.len())));
    }
});

fn read(body: &[u8]) {
    let (read, bytes) = held(|| read_body(body));
    if let Err(reason) = read {
        assert!(!reason.is_empty());
    }
    assert!(bytes <= HELD_BYTES_MAX, "{bytes} held");
}
