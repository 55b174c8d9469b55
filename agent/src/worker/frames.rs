//! The frames between an agent and a worker.
//!
//! ```text
//! kind u8 | session u32 | length u32 | payload
//! ```
//! Numbers are little-endian. Sessions that the agent begins count from 0,
//! those that a guest forked from [`FORKS_FROM`].

use std::io::{self, Read, Write};

/// Most bytes of a frame.
const FRAME_MAX_BYTES: u32 = 1 << 30;
/// The first session that is a fork of another.
pub(super) const FORKS_FROM: u32 = 1 << 31;

/// The kind of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// To the worker: begin a session, with its setup.
    Begin,
    /// To the worker: run a block.
    Turn,
    /// To the worker: the answer to a call, or to a request for a fork.
    Reply,
    /// To the worker: answers to awaited calls.
    Answers,
    /// To the worker: interrupt the turn.
    Interrupt,
    /// To the worker: save the scope to a file.
    Save,
    /// To the worker: say what the scope holds.
    Describe,
    /// To the worker: the session is over, or the fork is not wanted.
    Close,
    /// From the worker: a call of the guest.
    Call,
    /// From the worker: the call under way is not waited for any more.
    GiveUp,
    /// From the worker: the turn was rolled back.
    RollBack,
    /// From the worker: the guest asks for a fork, which is there already.
    Fork,
    /// From the worker: what was asked is done.
    Done,
    /// From the worker: it failed.
    Failed,
}

const KINDS: [(Kind, u8); 14] = [
    (Kind::Begin, b'B'),
    (Kind::Turn, b'T'),
    (Kind::Reply, b'R'),
    (Kind::Answers, b'A'),
    (Kind::Interrupt, b'I'),
    (Kind::Save, b'S'),
    (Kind::Describe, b'H'),
    (Kind::Close, b'X'),
    (Kind::Call, b'C'),
    (Kind::GiveUp, b'G'),
    (Kind::RollBack, b'U'),
    (Kind::Fork, b'K'),
    (Kind::Done, b'D'),
    (Kind::Failed, b'F'),
];

/// A frame that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) session: u32,
    pub(super) kind: Kind,
    pub(super) payload: Vec<u8>,
}

/// Writes a frame, at once.
pub(super) fn write(
    to: &mut dyn Write,
    session: u32,
    kind: Kind,
    payload: &[u8],
) -> io::Result<()> {
    let length = u32::try_from(payload.len())
        .ok()
        .filter(|length| *length <= FRAME_MAX_BYTES)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the frame is too large"))?;
    let byte = KINDS.iter().find(|(known, _)| *known == kind);
    let mut head = Vec::with_capacity(9);
    head.push(byte.map_or(0, |(_, byte)| *byte));
    head.extend_from_slice(&session.to_le_bytes());
    head.extend_from_slice(&length.to_le_bytes());
    to.write_all(&head)?;
    to.write_all(payload)?;
    to.flush()
}

/// Reads a frame; none at the end of the stream.
pub(super) fn read(from: &mut dyn Read) -> io::Result<Option<Received>> {
    let mut byte = [0];
    if from.read(&mut byte)? == 0 {
        return Ok(None);
    }
    let [byte] = byte;
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let kind = KINDS.iter().find(|(_, known)| *known == byte);
    let (kind, _) = kind.ok_or_else(|| wrong("no such kind of frame"))?;
    let mut word = || {
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes)
            .map(|()| u32::from_le_bytes(bytes))
    };
    let (session, length) = (word()?, word()?);
    if length > FRAME_MAX_BYTES {
        return Err(wrong("the frame is too large"));
    }
    let mut payload = Vec::new();
    // What was promised is not allocated before it comes.
    from.take(u64::from(length)).read_to_end(&mut payload)?;
    if payload.len() != usize::try_from(length).unwrap_or(usize::MAX) {
        return Err(wrong("the frame is cut off"));
    }
    Ok(Some(Received {
        session,
        kind: *kind,
        payload,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_were_written() {
        for (kind, _) in KINDS {
            for payload in [&b""[..], b"x", &[7; 70_000]] {
                let mut bytes = Vec::new();
                write(&mut bytes, 9, kind, payload).unwrap();
                let received = read(&mut bytes.as_slice()).unwrap();
                let payload = payload.to_vec();
                let expected = Received {
                    session: 9,
                    kind,
                    payload,
                };
                assert_eq!(received, Some(expected));
            }
        }
        assert_eq!(read(&mut &b""[..]).unwrap(), None);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let mut whole = Vec::new();
        write(&mut whole, 1, Kind::Turn, b"pass").unwrap();
        for length in 1..whole.len() {
            assert!(read(&mut &whole[..length]).is_err(), "{length} bytes");
        }
        assert!(read(&mut &b"?\0\0\0\0\0\0\0\0"[..]).is_err());
        assert!(read(&mut &b"T\0\0\0\0\xff\xff\xff\xff"[..]).is_err());
    }
}
