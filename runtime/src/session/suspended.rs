//! Sessions whose turn waits, as a store keeps them: the state now, the state before the
//! turn, and what the host knows of the turn.
//!
//! ```text
//! turn:  a reply frame: head {"version", "number", …} │ stdout head │ stdout tail
//!        │ stderr head │ stderr tail │ binary forms of displays …
//! ```
//! Both states are snapshots like any other. No byte is trusted when it is read: what the
//! policy bounds while a turn runs, it bounds here.

use super::in_progress::TurnInProgress;
use super::lifecycle::{LOST, Session, SessionState};
use super::options::SessionOptions;
use super::paused::PausedTurn;
use super::sandbox::Sandbox;
use crate::channel::{Display, DisplayData, FORM_BYTES};
use crate::error::Error;
use crate::host::{Buffer, LimitHit, TurnLedger};
use crate::interrupt::Cause;
use crate::snapshot::{Encoded, Generators, Snapshot};
use memex_channel::{Reply, TreeSize};
use memex_filesystem::LostFile;
use memex_policies::Limits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Version of the form of a turn that waits.
pub const TURN_FORMAT_VERSION: u32 = 1;

/// A session whose turn waits, outside of the process.
#[derive(Debug, Clone)]
pub struct Suspended {
    /// Its state now.
    pub state: Encoded,
    /// Its state before the turn, to which a rollback returns.
    pub start: Encoded,
    /// What the host knows of the turn.
    pub turn: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
    number: u64,
    wall_us: u64,
    guest_us: u64,
    used_wall_us: u64,
    fuel: u64,
    interrupted: Option<SavedCause>,
    /// Until the guest wants to go on by itself.
    wait_us: Option<u64>,
    /// What a fixed clock moves by when the wait is over.
    jump_us: Option<u64>,
    host_calls: u64,
    questions: u64,
    display_bytes: u64,
    limit: Option<LimitHit>,
    refusal: String,
    stdout_bytes: u64,
    stderr_bytes: u64,
    displays: Vec<SavedDisplay>,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum SavedCause {
    GuestTime,
    WallTime,
    Request,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedDisplay {
    main: bool,
    /// Texts by MIME type; the binary forms stand in the parts, in this order.
    texts: BTreeMap<String, String>,
    binary: Vec<String>,
}

impl Session {
    /// Saves a session whose turn waits, for a store. It goes on waiting undisturbed.
    ///
    /// Calls that the turn awaits are not part of it: whoever answers them saves what it
    /// needs to go on.
    ///
    /// # Errors
    /// When no turn waits, or the state is larger than a snapshot can be.
    pub fn suspend(&mut self) -> Result<Suspended, Error> {
        if !matches!(self.state, SessionState::Waiting { .. }) {
            return Err(match self.state {
                SessionState::Lost => LOST,
                _ => Error::State {
                    state: "ready",
                    remedy: "take a snapshot of it",
                },
            });
        }
        let (snapshot, paused) = self.pause()?;
        let start = self.as_snapshot(self.rest.clone())?;
        Ok(Suspended {
            state: self.sandbox.encode(&snapshot, Generators::Keep)?,
            start: self.sandbox.encode(&start, Generators::Keep)?,
            turn: paused.encode()?,
        })
    }
}

impl Sandbox {
    /// Starts a session that waits as one did that was [suspended](Session::suspend).
    /// `options` get the calls that its turn awaits.
    ///
    /// Returns it with the files that were open and cannot be opened again.
    ///
    /// # Errors
    /// When a snapshot belongs to another image, when the turn is damaged or larger than
    /// the policy allows, and as [`Sandbox::session`].
    pub fn resume(
        &self,
        state: &Snapshot,
        start: &Snapshot,
        turn: &[u8],
        options: SessionOptions,
    ) -> Result<(Session, Vec<LostFile>), Error> {
        let paused = PausedTurn::decode(turn, &self.policy().limits)?;
        if start.image_digest() != state.image_digest() {
            return Err(damaged("its two states belong to different images"));
        }
        let (mut session, lost) = self.restore(state, Generators::Keep, options)?;
        session.calls_stayed_behind = false;
        session.unpause(paused, start.state.clone())?;
        Ok((session, lost))
    }
}

/// Largest count of a turn: sums of two stay far from overflowing.
const COUNT_MAX: u64 = 1 << 48;

/// Most bytes of a turn under a policy: its output with half of it again as tails, its
/// displays escaped in JSON, and what stands around them.
fn bytes_max(limits: &Limits) -> u64 {
    const AROUND: u64 = 256 << 10;
    const AROUND_DISPLAY: u64 = 1 << 10;
    let output = limits.stdout_bytes.saturating_add(limits.stderr_bytes);
    let displays = limits.display_bytes.saturating_mul(6);
    let around = limits.displays.saturating_mul(AROUND_DISPLAY);
    let sum = output.saturating_add(output / 2).saturating_add(displays);
    sum.saturating_add(around).saturating_add(AROUND)
}

/// The output of a turn: head and tail of two streams.
const OUTPUT_PARTS: usize = 4;

/// Most parts of a turn under a policy: a display's form is charged for, whatever it holds.
fn parts_max(limits: &Limits) -> usize {
    let bytes = usize::try_from(limits.display_bytes).unwrap_or(usize::MAX);
    OUTPUT_PARTS.saturating_add(bytes / FORM_BYTES)
}

/// The most that a turn's head takes as values under a policy. What a display holds is
/// counted six times where all of it is escaped, and its form for what it is charged.
fn values_max(limits: &Limits) -> usize {
    const AROUND: u64 = 1 << 20;
    const AROUND_DISPLAY: u64 = 4 << 10;
    let displays = limits.display_bytes.saturating_mul(8);
    let around = limits.displays.saturating_mul(AROUND_DISPLAY);
    let sum = displays.saturating_add(around).saturating_add(AROUND);
    usize::try_from(sum).unwrap_or(usize::MAX)
}

fn damaged(what: &str) -> Error {
    Error::Snapshot(format!("the turn that waits: {what}"))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl PausedTurn {
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        let (stdout, stderr) = (self.stdout.saved(), self.stderr.saved());
        let mut parts = vec![stdout.0, stdout.1, stderr.0, stderr.1];
        let mut displays = Vec::with_capacity(self.ledger.displays.len());
        for display in &self.ledger.displays {
            let mut saved = SavedDisplay {
                main: display.main,
                texts: BTreeMap::new(),
                binary: Vec::new(),
            };
            for (mime, data) in &display.data {
                match data {
                    DisplayData::Text(text) => {
                        saved.texts.insert(mime.clone(), text.clone());
                    }
                    DisplayData::Bytes(bytes) => {
                        saved.binary.push(mime.clone());
                        parts.push(bytes.clone());
                    }
                }
            }
            displays.push(saved);
        }
        let head = Head {
            version: TURN_FORMAT_VERSION,
            number: self.progress.number,
            wall_us: micros(self.progress.began.elapsed()),
            guest_us: micros(self.progress.used.0),
            used_wall_us: micros(self.progress.used.1),
            fuel: self.progress.fuel,
            interrupted: self.progress.interrupted.map(SavedCause::from),
            wait_us: self
                .until()
                .map(|until| micros(until.saturating_duration_since(Instant::now()))),
            jump_us: self.progress.jump.map(micros),
            host_calls: self.ledger.host_calls,
            questions: self.ledger.questions,
            display_bytes: self.ledger.display_bytes,
            limit: self.ledger.limit.clone(),
            refusal: self.ledger.refusal.clone(),
            stdout_bytes: self.stdout.total(),
            stderr_bytes: self.stderr.total(),
            displays,
        };
        let head = serde_json::to_vec(&head).map_err(|error| damaged(&error.to_string()))?;
        let reply = Reply {
            ok: true,
            head,
            parts,
        };
        Ok(reply.encode())
    }

    pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        if bytes.len() as u64 > bytes_max(limits) {
            return Err(damaged("it is larger than the policy allows"));
        }
        let reply = Reply::decode_within(bytes, parts_max(limits))
            .map_err(|error| damaged(&error.to_string()))?;
        TreeSize::check(&reply.head, values_max(limits))
            .map_err(|error| damaged(&format!("its head {error}")))?;
        let head: Head =
            serde_json::from_slice(&reply.head).map_err(|error| damaged(&error.to_string()))?;
        if head.version != TURN_FORMAT_VERSION {
            return Err(damaged(&format!(
                "it has version {}, and this program reads version {TURN_FORMAT_VERSION}",
                head.version
            )));
        }
        let counts = [
            head.number,
            head.host_calls,
            head.questions,
            head.stdout_bytes,
            head.stderr_bytes,
            head.display_bytes,
        ];
        if head.number == 0
            || counts.iter().any(|count| *count > COUNT_MAX)
            || head.displays.len() as u64 > limits.displays
        {
            return Err(damaged("its numbers are out of range"));
        }
        let mut parts = reply.parts.into_iter();
        let mut next = || parts.next().ok_or_else(|| damaged("a part is missing"));
        let out = (next()?, next()?);
        let err = (next()?, next()?);
        let mut displays = Vec::with_capacity(head.displays.len());
        let mut display_bytes = 0_u64;
        for saved in head.displays {
            let texts = saved.texts.into_iter();
            let mut data: BTreeMap<_, _> = texts
                .map(|(mime, text)| (mime, DisplayData::Text(text)))
                .collect();
            for mime in saved.binary {
                data.insert(mime, DisplayData::Bytes(next()?));
            }
            let display = Display {
                main: saved.main,
                data,
            };
            display_bytes = display_bytes.saturating_add(display.len() as u64);
            displays.push(display);
        }
        if parts.next().is_some() {
            return Err(damaged("there are more parts than it names"));
        }
        if display_bytes > limits.display_bytes {
            return Err(damaged("its displays are larger than the policy allows"));
        }
        let buffer = |(head, tail), total, limit| {
            Buffer::restored(head, tail, total, limit)
                .ok_or_else(|| damaged("its output is larger than the policy allows"))
        };
        let now = Instant::now();
        Ok(Self {
            progress: TurnInProgress {
                number: head.number,
                began: now
                    .checked_sub(Duration::from_micros(head.wall_us))
                    .unwrap_or(now),
                used: (
                    Duration::from_micros(head.guest_us),
                    Duration::from_micros(head.used_wall_us),
                ),
                fuel: head.fuel,
                interrupted: head.interrupted.map(Cause::from),
                jump: head.jump_us.map(Duration::from_micros),
            },
            until: head
                .wait_us
                .and_then(|wait| now.checked_add(Duration::from_micros(wait))),
            ledger: TurnLedger {
                host_calls: head.host_calls,
                questions: head.questions,
                displays,
                display_bytes: head.display_bytes.max(display_bytes),
                limit: head.limit,
                refusal: head.refusal,
            },
            stdout: buffer(out, head.stdout_bytes, limits.stdout_bytes)?,
            stderr: buffer(err, head.stderr_bytes, limits.stderr_bytes)?,
        })
    }
}

impl From<Cause> for SavedCause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::GuestTime => Self::GuestTime,
            Cause::WallTime => Self::WallTime,
            Cause::Request => Self::Request,
        }
    }
}

impl From<SavedCause> for Cause {
    fn from(cause: SavedCause) -> Self {
        match cause {
            SavedCause::GuestTime => Self::GuestTime,
            SavedCause::WallTime => Self::WallTime,
            SavedCause::Request => Self::Request,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A turn with this head, a display's list of binary forms, and as many parts.
    fn turn(binary: &str, parts: usize) -> Vec<u8> {
        let head = format!(
            r#"{{"version":1,"number":1,"wall_us":0,"guest_us":0,"used_wall_us":0,"fuel":0,"interrupted":null,"wait_us":null,"jump_us":null,"host_calls":0,"questions":0,"display_bytes":0,"limit":null,"refusal":"","stdout_bytes":0,"stderr_bytes":0,"displays":[{{"main":false,"texts":{{}},"binary":[{binary}]}}]}}"#
        );
        let reply = Reply {
            ok: true,
            head: head.into_bytes(),
            parts: vec![Vec::new(); parts],
        };
        reply.encode()
    }

    fn refusal(turn: &[u8]) -> Option<String> {
        let read = PausedTurn::decode(turn, &Limits::default());
        read.err().map(|error| error.to_string())
    }

    /// A few bytes of a turn, again and again, are much as values.
    #[test]
    fn a_turn_of_many_empty_things_is_refused_before_they_are_made() {
        assert_eq!(refusal(&turn(r#""a""#, 5)), None);
        let told = refusal(&turn(r#""a""#, 1 << 20)).unwrap();
        assert!(told.contains("more than 131076 parts"), "{told}");
        let many = vec![r#""""#; 4 << 20].join(",");
        let told = refusal(&turn(&many, 5)).unwrap();
        assert!(told.contains("as values"), "{told}");
        // As many forms as are paid for.
        let paid: Vec<String> = (0..100_000).map(|form| format!("\"{form}\"")).collect();
        assert_eq!(refusal(&turn(&paid.join(","), 100_004)), None);
    }
}
