//! Frames of a stream.

use axum::body::Bytes;
use serde::Serialize;

use super::code::{Code, ConnectError};

/// The bit of a frame whose payload is compressed.
const COMPRESSED: u8 = 1;
/// The bit of the last frame.
const END: u8 = 2;
const HEAD_BYTES: usize = 5;

/// A frame with a message, or with the end.
pub(super) fn frame(is_end: bool, payload: &impl Serialize) -> Bytes {
    let mut bytes = vec![if is_end { END } else { 0 }, 0, 0, 0, 0];
    if serde_json::to_writer(&mut bytes, payload).is_err() {
        // Our own types serialise; should one not, an empty object is valid.
        bytes.truncate(HEAD_BYTES);
        bytes.extend_from_slice(b"{}");
    }
    let length = u32::try_from(bytes.len().saturating_sub(HEAD_BYTES)).unwrap_or(u32::MAX);
    if let Some(place) = bytes.get_mut(1..HEAD_BYTES) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Bytes::from(bytes)
}

/// The payload of a request's only frame.
///
/// The length that the frame states is compared with what is there, and
/// allocates nothing.
pub(super) fn only_payload(body: &Bytes) -> Result<Bytes, ConnectError> {
    let invalid = |what: &str| {
        Err(ConnectError::new(
            Code::InvalidArgument,
            format!("{what}\nhint: the body is one frame: flags, length (u32, big-endian), JSON"),
        ))
    };
    let Some((head, rest)) = body.split_at_checked(HEAD_BYTES) else {
        return invalid("the body ends within the head of a frame");
    };
    let [flags, a, b, c, d] = *head else {
        return invalid("the body ends within the head of a frame");
    };
    if flags & COMPRESSED != 0 {
        return Err(ConnectError::new(
            Code::Unimplemented,
            "the frame is compressed\nhint: send frames without compression",
        ));
    }
    if flags != 0 {
        return invalid("the frame has flags that a request has not");
    }
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    match rest.len() {
        there if there < length => invalid("the body ends within a frame"),
        there if there > length => invalid("the body holds more than one frame"),
        _ => Ok(body.slice(HEAD_BYTES..)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_holds_flags_length_and_json() {
        let made = frame(false, &serde_json::json!({"a": 1}));
        assert_eq!(made.as_ref(), b"\0\0\0\0\x07{\"a\":1}");
        let end = frame(true, &serde_json::json!({}));
        assert_eq!(end.as_ref(), b"\x02\0\0\0\x02{}");
    }

    #[test]
    fn a_request_is_one_whole_frame() {
        let read = |bytes: &[u8]| only_payload(&Bytes::copy_from_slice(bytes));
        assert_eq!(read(b"\0\0\0\0\x02{}").unwrap().as_ref(), b"{}");
        assert_eq!(read(b"\0\0\0\0\0").unwrap().as_ref(), b"");
        for (bytes, part) in [
            (&b""[..], "within the head"),
            (b"\0\0\0\0", "within the head"),
            (b"\0\0\0\0\x03{}", "within a frame"),
            (b"\0\xff\xff\xff\xff{}", "within a frame"),
            (b"\0\0\0\0\x02{}x", "more than one"),
            (b"\0\0\0\0\x02{}\x02\0\0\0\x02{}", "more than one"),
            (b"\x02\0\0\0\x02{}", "flags"),
            (b"\x80\0\0\0\x02{}", "flags"),
        ] {
            let error = read(bytes).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument, "{bytes:?}");
            assert!(error.message.contains(part), "{bytes:?}: {}", error.message);
        }
        assert_eq!(
            read(b"\x01\0\0\0\x02{}").unwrap_err().code,
            Code::Unimplemented
        );
    }
}
