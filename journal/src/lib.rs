//! Named values in files that only grow.
//!
//! ```text
//! DIR/00000001.journal ─► 00000002.journal ─► 00000003.journal
//!     sealed                  sealed              the one that is written
//! DIR/lock                    held by the process that has it open
//! DIR/reserve                 room for removals on a full disk
//! ```
//! A [`Journal`] holds small values by key. To put or remove one, a record is written behind
//! the last one; where the newest record of each key lies is kept in memory, and found again
//! by reading the files when the journal is opened. So a change costs one write and no file,
//! and any number of changes that wait for the disk share one flush
//! ([`Journal::settle`]).
//!
//! What a process has written survives its end, however it ends, without a flush. A loss of
//! power can take what was not settled, and takes it from the end: what is left is the
//! journal as it was at an earlier time.
//!
//! ```
//! use memex_journal::{Change, Journal, Options};
//!
//! let folder = tempfile::tempdir()?;
//! let journal = Journal::open(folder.path(), Options::default())?;
//! let written = journal.append(&[Change::put(b"x", b"1"), Change::put(b"y", b"2")])?;
//! journal.settle(written)?;
//! journal.append(&[Change::remove(b"x")])?;
//! drop(journal);
//!
//! let journal = Journal::open(folder.path(), Options::default())?;
//! assert_eq!(journal.get(b"x")?, None);
//! assert_eq!(journal.get(b"y")?.as_deref(), Some(&b"2"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod error;
mod files;
mod index;
mod journal;
mod place;
mod reading;
mod record;
mod settling;
mod tidying;

pub use change::{Change, KEY_BYTES_MAX, VALUE_BYTES_MAX};
pub use error::Error;
pub use index::Kept;
pub use journal::{Journal, Options};
pub use place::Place;
pub use tidying::Tidied;
