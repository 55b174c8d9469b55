//! [`FileState`] as bytes.
//!
//! ```text
//! state      = version:u8 parts:u8 [tree] [open] [counters]      parts: 1, 2, 4
//! tree       = next_id count { id_delta times:3×u64le node }
//! node       = 0 size count { index_delta length bytes }         file
//!            | 1 next_place count { place_delta id name }        directory
//!            | 2 target                                          symbolic link
//! open       = count { fd_delta kind [id] flags offset base inheriting path }
//! counters   = bytes files
//! ```
//! Numbers are LEB128 unless a width is given; strings are length and UTF-8.
//! Deltas are to the one before and never 0, so order and uniqueness need no
//! check of their own. Link counts are not stored: they are counted.

mod bounds;
mod bytes;
mod descriptors;
mod nodes;
mod proof;

use std::sync::Arc;

use crate::error::Error;
use crate::quota::{Granted, Quota};
use crate::state::FileState;
use bounds::{Bounds, bytes_max};
use bytes::{Reader, Writer};
use descriptors::{read_open, write_open};
use nodes::{read_tree, write_tree};
use proof::check_nodes;

const VERSION: u8 = 1;
const PART_TREE: u8 = 1;
const PART_OPEN: u8 = 2;
const PART_COUNTERS: u8 = 4;

impl FileState {
    /// Writes it as bytes, all scratch content included.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`Self::encode`] wrote. The bytes are not trusted: any input
    /// is answered, with memory in proportion to its length.
    ///
    /// # Errors
    /// [`Error::StateVersion`] and [`Error::StateDamaged`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        decode(bytes, &Quota::MAX)
    }

    /// As [`Self::decode`], and refuses a state that holds more than a session
    /// with this quota can, before it is built.
    ///
    /// # Errors
    /// [`Error::StateTooLarge`], and as [`Self::decode`].
    pub fn decode_within(bytes: &[u8], quota: &Quota) -> Result<Self, Error> {
        decode(bytes, quota)
    }

    /// Most bytes that [`Self::encode`] writes for a session with this quota.
    #[must_use]
    pub fn encoded_bytes_max(quota: &Quota) -> u64 {
        bytes_max(quota)
    }
}

fn encode(state: &FileState) -> Vec<u8> {
    let mut parts = 0;
    if state.tree.is_some() {
        parts |= PART_TREE;
    }
    if !state.open.is_empty() {
        parts |= PART_OPEN;
    }
    if state.granted != Granted::default() {
        parts |= PART_COUNTERS;
    }
    let mut out = Writer(vec![VERSION, parts]);
    if let Some(tree) = &state.tree {
        write_tree(&mut out, tree);
    }
    if parts & PART_OPEN != 0 {
        write_open(&mut out, &state.open);
    }
    if parts & PART_COUNTERS != 0 {
        out.number(state.granted.bytes);
        out.number(state.granted.files);
    }
    out.0
}

fn decode(bytes: &[u8], quota: &Quota) -> Result<FileState, Error> {
    let mut bounds = Bounds::new(quota);
    let mut reader = Reader { bytes, position: 0 };
    let version = reader.byte()?;
    if version != VERSION {
        return Err(Error::StateVersion {
            found: version,
            supported: VERSION,
        });
    }
    let parts = reader.byte()?;
    if parts & !(PART_TREE | PART_OPEN | PART_COUNTERS) != 0 {
        return Err(reader.damaged("unknown parts"));
    }
    let mut tree = None;
    if parts & PART_TREE != 0 {
        tree = Some(read_tree(&mut reader, &mut bounds)?);
    }
    let mut open = Vec::new();
    if parts & PART_OPEN != 0 {
        open = read_open(&mut reader, &mut bounds)?;
    }
    let mut granted = Granted::default();
    if parts & PART_COUNTERS != 0 {
        granted.bytes = reader.number()?;
        granted.files = reader.number()?;
    }
    if reader.position != bytes.len() {
        return Err(reader.damaged("bytes after the end"));
    }
    check_nodes(&reader, tree.as_mut(), &open)?;
    Ok(FileState {
        tree: tree.map(Arc::new),
        open: open.into(),
        granted,
    })
}
