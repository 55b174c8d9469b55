//! The shape of a call: one byte of operation, a JSON head, raw parts.
//!
//! ```text
//! request:  op u8 | head length u32 | head | (part length u32 | part)*
//! reply:    status u8 (0 answer, 1 error) | head length u32 | head | (…)*
//! ```
//! Lengths are little-endian. Bulk data travels in parts, which nothing parses.

/// Most bytes of a head. Bulk data belongs in parts.
pub const MAX_HEAD_BYTES: usize = 1 << 20;
/// Most parts of a frame.
pub const MAX_PARTS: usize = 1024;

/// A decoded call. Borrows from the guest's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The operation.
    pub op: u8,
    /// UTF-8 JSON by convention; not yet parsed.
    pub head: &'a [u8],
    /// Raw binary parts.
    pub parts: Vec<&'a [u8]>,
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes end before the frame does.
    #[error("the frame is cut off at byte {at}")]
    Truncated {
        /// Where more was expected.
        at: usize,
    },
    /// The head is larger than [`MAX_HEAD_BYTES`].
    #[error("the head has {bytes} bytes, more than {MAX_HEAD_BYTES}; put bulk data into parts")]
    HeadTooLarge {
        /// Its stated length.
        bytes: usize,
    },
    /// There are more parts than there may be: [`MAX_PARTS`] in a call.
    #[error("the frame has more than {parts_max} parts")]
    TooManyParts {
        /// How many there may be.
        parts_max: usize,
    },
}

impl<'a> Frame<'a> {
    /// Decodes a frame. Allocates a pointer for each part and nothing else.
    ///
    /// # Errors
    /// When the bytes are not exactly one frame within the bounds.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, FrameError> {
        Self::decode_within(bytes, MAX_HEAD_BYTES, MAX_PARTS)
    }

    fn decode_within(
        bytes: &'a [u8],
        head_max: usize,
        parts_max: usize,
    ) -> Result<Self, FrameError> {
        let (&op, rest) = bytes.split_first().ok_or(FrameError::Truncated { at: 0 })?;
        let mut reader = Reader { rest, at: 1 };
        let length = reader.length()?;
        if length > head_max {
            return Err(FrameError::HeadTooLarge { bytes: length });
        }
        let head = reader.take(length)?;
        let mut parts = Vec::new();
        while !reader.rest.is_empty() {
            if parts.len() == parts_max {
                return Err(FrameError::TooManyParts { parts_max });
            }
            let length = reader.length()?;
            parts.push(reader.take(length)?);
        }
        Ok(Self { op, head, parts })
    }

    /// Encodes the frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let parts: Vec<&[u8]> = self.parts.clone();
        encode(self.op, self.head, &parts)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn length(&mut self) -> Result<usize, FrameError> {
        let bytes = self.take(4)?;
        let bytes = bytes
            .try_into()
            .map_err(|_| FrameError::Truncated { at: self.at })?;
        usize::try_from(u32::from_le_bytes(bytes))
            .map_err(|_| FrameError::Truncated { at: self.at })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(FrameError::Truncated { at: self.at })?;
        self.rest = rest;
        self.at += length;
        Ok(taken)
    }
}

/// The host's answer to a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whether the guest sees the head as an answer or raises it.
    pub ok: bool,
    /// UTF-8 JSON.
    pub head: Vec<u8>,
    /// Raw binary parts.
    pub parts: Vec<Vec<u8>>,
}

impl Reply {
    /// An answer without parts.
    #[must_use]
    pub fn answer(head: Vec<u8>) -> Self {
        Self {
            ok: true,
            head,
            parts: Vec::new(),
        }
    }

    /// An error that the guest raises as the built-in exception `class` (or as
    /// `RuntimeError` when there is none of that name).
    #[must_use]
    pub fn error(class: &str, message: &str) -> Self {
        let head = serde_json::json!({ "type": class, "message": message });
        Self {
            ok: false,
            head: head.to_string().into_bytes(),
            parts: Vec::new(),
        }
    }

    /// Decodes what [`Reply::encode`] made.
    ///
    /// # Errors
    /// When the bytes are not exactly one reply.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        Self::decode_within(bytes, usize::MAX)
    }

    /// As [`Reply::decode`], of a reply that has at most so many parts: bytes that
    /// somebody else has kept say as many as a quarter of them, and each is a vector.
    ///
    /// # Errors
    /// As [`Reply::decode`], and when there are more.
    pub fn decode_within(bytes: &[u8], parts_max: usize) -> Result<Self, FrameError> {
        let frame = Frame::decode_within(bytes, usize::MAX, parts_max)?;
        Ok(Self {
            ok: frame.op == 0,
            head: frame.head.to_vec(),
            parts: frame.parts.into_iter().map(<[u8]>::to_vec).collect(),
        })
    }

    /// The bytes that go into the guest.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let parts: Vec<&[u8]> = self.parts.iter().map(Vec::as_slice).collect();
        encode(u8::from(!self.ok), &self.head, &parts)
    }

    /// How many bytes that is.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let parts = self.parts.iter().map(|part| 4 + part.len());
        parts.fold(5 + self.head.len(), usize::saturating_add)
    }

    /// Writes those bytes to where they go, large parts without a copy in
    /// between. `place` has [`Reply::encoded_len`] bytes.
    ///
    /// # Errors
    /// When it has not; it may be half written then.
    pub fn encode_into(&self, place: &mut [u8]) -> Result<(), FrameError> {
        let size = place.len();
        let mut rest = place;
        put(&mut rest, size, &[u8::from(!self.ok)])?;
        for part in std::iter::once(&self.head).chain(&self.parts) {
            put(&mut rest, size, &(part.len() as u32).to_le_bytes())?;
            put(&mut rest, size, part)?;
        }
        match rest {
            [] => Ok(()),
            rest => Err(FrameError::Truncated {
                at: size - rest.len(),
            }),
        }
    }
}

/// Puts bytes at the front of a place of `size` bytes in all.
fn put(rest: &mut &mut [u8], size: usize, bytes: &[u8]) -> Result<(), FrameError> {
    let at = size - rest.len();
    let (front, back) = std::mem::take(rest)
        .split_at_mut_checked(bytes.len())
        .ok_or(FrameError::Truncated { at })?;
    front.copy_from_slice(bytes);
    *rest = back;
    Ok(())
}

fn encode(first: u8, head: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let size = 5 + head.len() + parts.iter().map(|part| 4 + part.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(size);
    bytes.push(first);
    for part in std::iter::once(&head).chain(parts) {
        // A part past 4 GiB cannot exist in a 32-bit guest; a truncated length
        // would be refused there as a cut-off frame.
        bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decodes_what_it_encodes(
            op: u8,
            head in proptest::collection::vec(any::<u8>(), 0..64),
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..32), 0..8),
        ) {
            let frame = Frame {
                op,
                head: &head,
                parts: parts.iter().map(Vec::as_slice).collect(),
            };
            let bytes = frame.encode();
            prop_assert_eq!(Frame::decode(&bytes), Ok(frame.clone()));
        }

        #[test]
        fn a_reply_is_the_same_in_place(
            ok: bool,
            head in proptest::collection::vec(any::<u8>(), 0..64),
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..32), 0..8),
        ) {
            let reply = Reply { ok, head, parts };
            let mut place = vec![0xaa; reply.encoded_len()];
            prop_assert_eq!(reply.encode_into(&mut place), Ok(()));
            prop_assert_eq!(&place, &reply.encode());
            prop_assert_eq!(Reply::decode(&place), Ok(reply.clone()));
            place.push(0);
            prop_assert!(reply.encode_into(&mut place).is_err());
            prop_assert!(reply.encode_into(&mut place[..reply.encoded_len() - 1]).is_err());
        }

        #[test]
        fn any_bytes_are_a_frame_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            if let Ok(frame) = Frame::decode(&bytes) {
                prop_assert_eq!(frame.encode(), bytes);
            }
        }
    }

    #[test]
    fn bounds() {
        let mut huge = vec![2];
        huge.extend_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(
            Frame::decode(&huge),
            Err(FrameError::HeadTooLarge {
                bytes: u32::MAX as usize
            })
        );
        let mut many = vec![2, 0, 0, 0, 0];
        many.extend(std::iter::repeat_n(0, 4 * MAX_PARTS));
        assert_eq!(Frame::decode(&many).map(|f| f.parts.len()), Ok(MAX_PARTS));
        many.extend([0; 4]);
        let parts_max = MAX_PARTS;
        assert_eq!(
            Frame::decode(&many),
            Err(FrameError::TooManyParts { parts_max })
        );
        // A reply is not a call: who reads one says how many parts it may have.
        assert!(Reply::decode(&many).is_ok());
        assert!(Reply::decode_within(&many, parts_max + 1).is_ok());
        assert_eq!(
            Reply::decode_within(&many, parts_max),
            Err(FrameError::TooManyParts { parts_max })
        );
        assert_eq!(Frame::decode(&[]), Err(FrameError::Truncated { at: 0 }));
        assert_eq!(
            Frame::decode(&[1, 9, 0, 0, 0, 1]),
            Err(FrameError::Truncated { at: 5 })
        );
    }
}
