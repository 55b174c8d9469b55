//! One frame from bytes.

use super::parts::{CONTEXT_BYTES, PIECE_BYTES, WINDOW_LOG_MAX, split};
use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::room::Room;
use crate::sink::Sink;
use serde::Deserialize;
use std::io;
use std::ops::RangeInclusive;
use zstd::stream::raw::{CParameter, Encoder, InBuffer, Operation, OutBuffer};

/// The levels. Below 0 it is faster and larger.
const LEVELS: RangeInclusive<i32> = -131_072..=22;
/// Windows that can be asked for, as powers of two.
const WINDOW_LOGS: RangeInclusive<u32> = 10..=WINDOW_LOG_MAX;

/// Options of `zstd.compress`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compressing {
    level: i32,
    /// Whether a checksum follows the frame.
    checksum: bool,
    /// Whether the frame says how much it holds.
    content_size: bool,
    /// Whether the frame names its dictionary.
    dictionary_id: bool,
    /// The window, as a power of two; by default the level decides.
    window_log: Option<u32>,
    /// Whether repetitions are looked for over long distances.
    long_distance: bool,
}

/// The frame.
pub(crate) fn compress(
    options: &Compressing,
    parts: &[&[u8]],
    room: &Room<'_>,
) -> Result<Answer, Refusal> {
    let (data, dictionary) = split(parts)?;
    if !LEVELS.contains(&options.level) {
        return Err(Refusal::Options(format!(
            "the level {} is not in the range from {} to {}",
            options.level,
            LEVELS.start(),
            LEVELS.end()
        )));
    }
    room.admit_working(options.working_bytes(data.len() as u64, dictionary.len() as u64))?;
    room.charge((data.len() as u64).saturating_mul(options.work_per_byte()))?;
    let failed = |error: io::Error| Refusal::Options(error.to_string());
    let mut encoder = match dictionary {
        [] => Encoder::new(options.level),
        dictionary => Encoder::with_dictionary(options.level, dictionary),
    }
    .map_err(failed)?;
    options.apply(&mut encoder)?;
    encoder
        .set_pledged_src_size(Some(data.len() as u64))
        .map_err(failed)?;
    let mut sink = Sink::new(room);
    let mut out = vec![0; PIECE_BYTES];
    for piece in data.chunks(PIECE_BYTES) {
        let mut input = InBuffer::around(piece);
        while input.pos() < piece.len() {
            room.look()?;
            let mut output = OutBuffer::around(out.as_mut_slice());
            encoder.run(&mut input, &mut output).map_err(failed)?;
            sink.push(output.as_slice())?;
        }
    }
    loop {
        room.look()?;
        let mut output = OutBuffer::around(out.as_mut_slice());
        let left = encoder.finish(&mut output, true).map_err(failed)?;
        sink.push(output.as_slice())?;
        if left == 0 {
            return Ok(Answer::of(sink.finish()?));
        }
    }
}

impl Compressing {
    fn apply(&self, encoder: &mut Encoder<'_>) -> Result<(), Refusal> {
        let mut parameters = vec![
            CParameter::ChecksumFlag(self.checksum),
            CParameter::ContentSizeFlag(self.content_size),
            CParameter::DictIdFlag(self.dictionary_id),
        ];
        if self.long_distance {
            parameters.push(CParameter::EnableLongDistanceMatching(true));
        }
        if let Some(log) = self.window_log {
            if !WINDOW_LOGS.contains(&log) {
                return Err(Refusal::Options(format!(
                    "a window of 2**{log} bytes is not in the range from 2**{} to 2**{}",
                    WINDOW_LOGS.start(),
                    WINDOW_LOGS.end()
                )));
            }
            parameters.push(CParameter::WindowLog(log));
        }
        for parameter in parameters {
            encoder
                .set_parameter(parameter)
                .map_err(|error| Refusal::Options(error.to_string()))?;
        }
        Ok(())
    }

    /// A bound of the window, of the tables that the level has over it, and of the
    /// output, which grows by doubling.
    fn working_bytes(&self, data: u64, dictionary: u64) -> u64 {
        let held = data.saturating_add(dictionary).max(1 << 10);
        let widest = 1_u64 << WINDOW_LOG_MAX;
        let all = held
            .checked_next_power_of_two()
            .map_or(widest, |all| all.min(widest));
        let tables = match self.level {
            20.. => 12 * all,
            13..=19 => (12 * all).min(112 << 20),
            _ => (12 * all).min(48 << 20),
        };
        let window = match self.window_log {
            Some(log) => 1_u64.checked_shl(log).unwrap_or(widest).min(widest),
            None if self.long_distance => widest,
            None => 0,
        };
        let written = 2 * data.saturating_add(data / 128).saturating_add(512);
        tables + window + CONTEXT_BYTES + dictionary + written
    }

    /// About what a byte costs at this level.
    fn work_per_byte(&self) -> u64 {
        match self.level {
            ..=4 => 30,
            5..=9 => 100,
            10..=15 => 500,
            _ => 2_000,
        }
    }
}
