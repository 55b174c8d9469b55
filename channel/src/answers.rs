//! Answers to awaited calls, with which a waiting guest is resumed.
//!
//! ```text
//! answers:  count u32 | (ticket u64 | reply length u32 | reply)*
//! ```
//! Lengths are little-endian; a reply is encoded as on the way back from a
//! plain call.

use crate::{Reply, Ticket};

/// The payload that tells a guest that no awaited call will ever be answered:
/// the session was restored or forked, and its calls stayed behind.
pub const LOST_ANSWERS: [u8; 4] = u32::MAX.to_le_bytes();

/// Encodes answers for the guest.
#[must_use]
pub fn encode_answers(answers: &[(Ticket, Reply)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&(answers.len() as u32).to_le_bytes());
    for (ticket, reply) in answers {
        let reply = reply.encode();
        bytes.extend_from_slice(&ticket.to_le_bytes());
        bytes.extend_from_slice(&(reply.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&reply);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout() {
        assert_eq!(encode_answers(&[]), [0; 4]);
        let reply = Reply::answer(b"1".to_vec());
        let mut expected = vec![1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0];
        expected.extend_from_slice(&[0, 1, 0, 0, 0, b'1']);
        assert_eq!(encode_answers(&[(7, reply)]), expected);
    }
}
