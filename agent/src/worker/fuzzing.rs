//! The frames of a worker's agent, for the fuzz target.

use super::answers::Answers;
use super::frames::{self, Kind};

/// The session takes calls with these tickets before anything is read.
const TICKETS: std::ops::Range<u64> = 0..4;

/// Reads frames until one is wrong, and takes their answers as a session does.
/// Returns the calls that are left unanswered.
#[must_use]
pub fn worker_frames(mut bytes: &[u8]) -> usize {
    let answers = Answers::default();
    answers.begin_turn();
    TICKETS.for_each(|ticket| answers.expect(ticket));
    while let Ok(Some(received)) = frames::read(&mut bytes) {
        match received.kind {
            Kind::Reply => {
                answers.answer(&received.payload);
                let _plain = answers.take_plain();
            }
            Kind::Answers => answers.deliver(&received.payload),
            Kind::Turn => answers.begin_turn(),
            Kind::RollBack => answers.roll_back(),
            Kind::Done => _ = answers.take_due(),
            Kind::Close => answers.close(),
            _ => {}
        }
    }
    answers.pending()
}
