//! What the footer of a Parquet file describes, and what that takes in memory.
//!
//! The size of a footer bounds that badly: each leaf of a schema has a path of its own,
//! with the names of all the groups around it, so that one long name costs as much as
//! there are leaves below it.

use crate::compact::{Compact, Kind};
use crate::described::{ENTRY_BYTES, FIELD_BYTES, Taken, encoded_schema};
use crate::misstated::Misstated;
use crate::parquet_shape::{read, wrong};
use parquet::file::reader::ChunkReader;

/// The length of the footer, and the magic.
const TAIL_BYTES: u64 = 8;
/// Longest footer.
const FOOTER_MAX_BYTES: u64 = 16 << 20;
/// Deepest nesting of groups in a schema.
const SCHEMA_DEPTH_MAX: usize = 64;
/// A name in the path of a leaf, besides its bytes.
const PART_BYTES: u64 = 64;
/// A column in a group of rows.
const CHUNK_BYTES: u64 = 1 << 10;
/// A group of rows.
const GROUP_BYTES: u64 = 256;
/// What lists of small numbers take for each byte of the footer.
const LISTED_BYTES: u64 = 8;
/// Under this key, writers note the Arrow schema that the columns come from.
const ARROW_SCHEMA: &[u8] = b"ARROW:schema";

/// Checks the footer of a file of `size` bytes. What it describes may take `max_bytes`;
/// answers what it takes.
///
/// # Errors
/// What cannot be true, or is too much.
pub fn examine_footer<R: ChunkReader>(
    file: &R,
    size: u64,
    max_bytes: u64,
) -> Result<u64, Misstated> {
    let start = size.checked_sub(TAIL_BYTES).ok_or_else(wrong)?;
    let tail = read(file, start, 4)?;
    let length = u32::from_le_bytes(tail.as_ref().try_into().map_err(|_| wrong())?).into();
    if length > FOOTER_MAX_BYTES {
        return Err(Misstated::Content(format!(
            "its footer has more than {FOOTER_MAX_BYTES} bytes"
        )));
    }
    let footer = read(file, start.checked_sub(length).ok_or_else(wrong)?, length)?;
    let mut described = Described {
        taken: Taken::new(max_bytes),
        depth: 0,
    };
    let read = described
        .taken
        .add(length.saturating_mul(LISTED_BYTES))
        .and_then(|()| described.read(&footer));
    if described.taken.is_over() {
        return Err(Misstated::TooLarge);
    }
    if described.depth > SCHEMA_DEPTH_MAX {
        return Err(Misstated::Content(format!(
            "its columns are nested more than {SCHEMA_DEPTH_MAX} levels deep"
        )));
    }
    read.ok_or_else(wrong)?;
    Ok(described.taken.bytes())
}

/// What a footer describes, as far as it was read. Reading ends where it takes too much.
struct Described {
    taken: Taken,
    depth: usize,
}

impl Described {
    fn read(&mut self, footer: &[u8]) -> Option<()> {
        Compact::new(footer).fields(|reader, id, kind| match (id, kind) {
            (2, Kind::LIST) => self.schema(reader),
            (4, Kind::LIST) => self.groups(reader),
            (5, Kind::LIST) => self.notes(reader),
            _ => reader.skip(kind),
        })
    }

    /// The schema, which stands there as a list where each element says how many of the
    /// following ones are in it.
    fn schema(&mut self, reader: &mut Compact<'_>) -> Option<()> {
        // Of the groups that are open: how many elements are left, and their names' bytes.
        let mut open: Vec<(i64, u64)> = Vec::new();
        let mut path_bytes = 0_u64;
        for _ in 0..structs(reader)? {
            let (mut children, mut name) = (0, 0);
            reader.fields(|reader, id, kind| match (id, kind) {
                (4, Kind::BINARY) => {
                    name = reader.binary()?.len() as u64;
                    Some(())
                }
                (5, Kind::I32) => {
                    children = reader.integer()?;
                    Some(())
                }
                _ => reader.skip(kind),
            })?;
            if let Some((left, _)) = open.last_mut() {
                *left = left.saturating_sub(1);
            }
            self.taken.add_text(FIELD_BYTES, name)?;
            if children > 0 {
                open.push((children, name));
                path_bytes = path_bytes.saturating_add(name);
            } else {
                let parts = (open.len() as u64).saturating_mul(PART_BYTES);
                self.taken.add_text(parts, path_bytes)?;
            }
            self.depth = self.depth.max(open.len());
            while let Some((_, name)) = open.pop_if(|(left, _)| *left <= 0) {
                path_bytes = path_bytes.saturating_sub(name);
            }
            if self.depth > SCHEMA_DEPTH_MAX {
                // What follows may be as deep as it likes.
                return None;
            }
        }
        Some(())
    }

    /// The groups of rows, with their columns.
    fn groups(&mut self, reader: &mut Compact<'_>) -> Option<()> {
        for _ in 0..structs(reader)? {
            self.taken.add(GROUP_BYTES)?;
            reader.fields(|reader, id, kind| match (id, kind) {
                (1, Kind::LIST) => {
                    for _ in 0..structs(reader)? {
                        self.taken.add(CHUNK_BYTES)?;
                        reader.skip(Kind::STRUCT)?;
                    }
                    Some(())
                }
                _ => reader.skip(kind),
            })?;
        }
        Some(())
    }

    /// What programs noted beside the columns: texts by keys.
    fn notes(&mut self, reader: &mut Compact<'_>) -> Option<()> {
        for _ in 0..structs(reader)? {
            let (mut key, mut value) = (&[][..], &[][..]);
            reader.fields(|reader, id, kind| match (id, kind) {
                (1, Kind::BINARY) => {
                    key = reader.binary()?;
                    Some(())
                }
                (2, Kind::BINARY) => {
                    value = reader.binary()?;
                    Some(())
                }
                _ => reader.skip(kind),
            })?;
            let texts = (key.len() as u64).saturating_add(value.len() as u64);
            self.taken.add_text(ENTRY_BYTES, texts)?;
            if key == ARROW_SCHEMA {
                encoded_schema(value, &mut self.taken)?;
            }
        }
        Some(())
    }
}

/// How many structs follow, of a list that holds them.
fn structs(reader: &mut Compact<'_>) -> Option<usize> {
    let (length, kind) = reader.list()?;
    (kind == Kind::STRUCT || length == 0).then_some(length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    /// A file that is nothing but this footer.
    fn examined(footer: &[u8], max_bytes: u64) -> Result<u64, Misstated> {
        let length = (footer.len() as u32).to_le_bytes();
        let file = Bytes::from([footer, &length, b"PAR1"].concat());
        let size = file.len() as u64;
        examine_footer(&file, size, max_bytes)
    }

    /// A schema of groups around leaves, all with names of one letter but the
    /// innermost group's.
    fn nested(groups: usize, name: usize, leaves: usize) -> Vec<u8> {
        fn varint(mut value: usize) -> Vec<u8> {
            let mut bytes = Vec::new();
            while value >= 0x80 {
                bytes.push(value as u8 | 0x80);
                value >>= 7;
            }
            bytes.push(value as u8);
            bytes
        }
        let element = |name: usize, children: usize| {
            let mut bytes = vec![0x48];
            bytes.extend(varint(name));
            bytes.resize(bytes.len() + name, b'g');
            if children > 0 {
                bytes.push(0x15);
                bytes.extend(varint(2 * children));
            }
            bytes.push(0);
            bytes
        };
        let mut footer = vec![0x29, 0xfc];
        footer.extend(varint(groups + leaves));
        for group in 1..=groups {
            let (name, children) = match group == groups {
                true => (name, leaves),
                false => (1, 1),
            };
            footer.extend(element(name, children));
        }
        for _ in 0..leaves {
            footer.extend(element(1, 0));
        }
        footer.push(0);
        footer
    }

    #[test]
    fn a_leaf_costs_the_names_of_all_groups_around_it() {
        let taken = |groups, name, leaves| examined(&nested(groups, name, leaves), u64::MAX);
        assert!(taken(1, 1, 10).unwrap() < 16 << 10);
        // A long name, once; and a thousand times.
        assert!(taken(2, 100_000, 1).unwrap() < 4 << 20);
        assert!(taken(2, 100_000, 1_000).unwrap() > 100_000_000);
        // Deep paths of short names.
        assert!(taken(60, 1, 1_000).unwrap() > 60 * 64 * 1_000);
        let deep = nested(60, 1, 1_000);
        let all = examined(&deep, u64::MAX).unwrap();
        assert_eq!(examined(&deep, all), Ok(all));
        assert_eq!(examined(&deep, all - 1), Err(Misstated::TooLarge));
        assert!(matches!(taken(65, 1, 1), Err(Misstated::Content(_))));
        assert!(taken(64, 1, 1).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _read = examined(&bytes, 1 << 20);
        }
    }
}
