//! Bytes of functions and of data, replaced by as many others.
//!
//! A patch is made for one build of a guest. It fits exactly or not at all:
//! bytes that are missing, or there more often than expected, belong to another
//! build, and what the patch would do to that one is unknown.

use std::collections::HashMap;
use std::fmt::Write;

use wasmparser::{BinaryReader, FunctionBody};

use super::layout::Layout;
use super::segments::Segment;
use crate::error::Error;

/// Bytes to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Where they are.
    pub place: Place,
    /// The bytes. In a function they begin where an instruction begins.
    pub find: Vec<u8>,
    /// What takes their place.
    pub replace: Vec<u8>,
    /// How often they are there.
    pub times: usize,
}

/// Where a patch applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the one function with this name in the name section.
    Function(String),
    /// In the data at this address.
    Data(u32),
}

impl Patch {
    fn mismatch(&self, found: usize) -> Error {
        let place = match &self.place {
            Place::Function(name) => format!("the function `{name}`"),
            Place::Data(address) => format!("the data at address {address:#x}"),
        };
        Error::Patch {
            place,
            pattern: hex(&self.find),
            found,
            expected: self.times,
        }
    }

    /// Replaces the bytes at each of these positions.
    fn put(&self, bytes: &mut [u8], positions: &[usize]) -> Result<(), Error> {
        let fits = self.find.len() == self.replace.len() && positions.len() == self.times;
        if !fits {
            return Err(self.mismatch(positions.len()));
        }
        for start in positions {
            let place = bytes.get_mut(*start..start.saturating_add(self.find.len()));
            place
                .ok_or_else(|| self.mismatch(0))?
                .copy_from_slice(&self.replace);
        }
        Ok(())
    }
}

/// Bytes as pairs of hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        let blank = if text.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{blank}{byte:02x}");
    }
    text
}

/// The patched functions, by the position of the body in the code section.
pub(super) fn bodies(
    layout: &Layout<'_>,
    patches: &[Patch],
) -> Result<HashMap<usize, Vec<u8>>, Error> {
    let mut patched = HashMap::new();
    for patch in patches {
        let Place::Function(name) = &patch.place else {
            continue;
        };
        let position = layout.body_of(name)?;
        let body = layout
            .bodies
            .get(position)
            .ok_or_else(|| patch.mismatch(0))?;
        let bytes = patched
            .entry(position)
            .or_insert_with(|| body.as_bytes().to_vec());
        let positions = instructions(bytes, &patch.find)?;
        patch.put(bytes, &positions)?;
    }
    Ok(patched)
}

/// Applies the patches of data.
pub(super) fn data(segments: &mut [Segment], patches: &[Patch]) -> Result<(), Error> {
    for patch in patches {
        let Place::Data(address) = patch.place else {
            continue;
        };
        let end = u64::from(address) + patch.find.len() as u64;
        let holds = |segment: &&mut Segment| {
            segment.offset <= address
                && end <= u64::from(segment.offset) + segment.bytes.len() as u64
        };
        let segment = segments
            .iter_mut()
            .find(holds)
            .ok_or_else(|| patch.mismatch(0))?;
        let start = address.saturating_sub(segment.offset) as usize;
        let there = segment.bytes.get(start..).unwrap_or_default();
        let positions = if there.starts_with(&patch.find) {
            vec![start]
        } else {
            vec![]
        };
        patch.put(&mut segment.bytes, &positions)?;
    }
    Ok(())
}

/// The positions of instructions of a body at which these bytes begin, none of
/// them inside of another's.
fn instructions(body: &[u8], bytes: &[u8]) -> Result<Vec<usize>, Error> {
    let function = FunctionBody::new(BinaryReader::new(body, 0));
    let mut reader = function.get_operators_reader()?;
    let mut positions = Vec::new();
    let mut free = 0;
    while !reader.eof() {
        let start = reader.original_position();
        let rest = body.get(start..).unwrap_or_default();
        if start >= free && rest.starts_with(bytes) {
            positions.push(start);
            free = start + bytes.len();
        }
        reader.read()?;
    }
    Ok(positions)
}
