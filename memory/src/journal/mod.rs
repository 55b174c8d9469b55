//! The journal: every change, written down before it happens.
//!
//! ```text
//!  .memex/lock               flock of the writer; the last change that is finished
//!  .memex/journal/00000001   segments of records, the newest is appended to
//!
//!  record:  magic | head length | length of content ×2 | check | head | contents
//! ```
//! A record's head is JSON; its contents are those of before and after that
//! the segment does not hold yet, found by their digests. So every segment
//! stands by itself, and the oldest can be dropped whole.
//!
//! ```text
//!  append record ──► temporary file ──► rename ──► finished
//!        │ killed here: the next writer finds the file unchanged and
//!        └ appends that the change was abandoned
//! ```
//! Only one writer is at work at a time, so at most the newest record can be
//! unfinished, and at most one temporary file, named by it, is left.

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod lock;
mod record;
mod segment;
mod segments;

pub(crate) use lock::{Lock, LockFile};
pub(crate) use record::{Grown, Head};
pub(crate) use segments::Journal;
