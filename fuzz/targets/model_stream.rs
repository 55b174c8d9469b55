//! A model's reply as it is streamed: the same in pieces of any size. Whether it is a stream
//! is told from its beginning once, whatever follows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_models::fuzzing::begins_as_events;
use memex_models::{ModelError, NoSink, Protocol, Reply};

fuzz_target!(|bytes: &[u8]| {
    let Some(([first], stream)) = bytes.split_first_chunk() else {
        return;
    };
    let protocol = match first % 3 {
        0 => Protocol::ChatCompletions,
        1 => Protocol::Responses,
        _ => Protocol::Messages,
    };
    let begun = (0..stream.len().min(64)).find_map(|end| begins_as_events(&stream[..end]));
    assert!(begun.is_none() || begun == begins_as_events(stream));
    let whole = answer(protocol, stream, stream.len().max(1));
    let pieces = answer(protocol, stream, usize::from(first / 3).max(1));
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        (Err(whole), Err(pieces)) => assert_eq!(whole.to_string(), pieces.to_string()),
        (whole, pieces) => panic!("{whole:?} in one piece, {pieces:?} in several"),
    }
});

fn answer(protocol: Protocol, bytes: &[u8], piece: usize) -> Result<Reply, ModelError> {
    let mut stream = protocol.stream();
    for piece in bytes.chunks(piece) {
        if stream.push(piece, &mut NoSink)? {
            break;
        }
    }
    stream.finish(&mut NoSink)
}
