//! Whether what a Parquet file states of its sizes can be true.
//!
//! The decoder allocates what a page states before it looks at it, and a
//! process that cannot allocate ends. So every page header and the lists of
//! lengths inside of pages are held against the file and a bound before the
//! decoder sees them; before that, the footer ([`footer`](crate::footer)).

use crate::compact::{Compact, Kind};
use crate::misstated::Misstated;
use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use std::sync::Arc;

/// Longest description of a page, statistics included.
const HEADER_MAX_BYTES: u64 = 1 << 20;
/// How much of the file is read at first for a description.
const HEADER_READ_BYTES: u64 = 4 << 10;
/// Most values of one page; writers end pages long before.
const PAGE_VALUES_MAX: i64 = 1 << 26;

/// Rows that are decoded at a time, and the bytes that they may come to.
const BATCH_ROWS: usize = 4096;
const BATCH_MAX_BYTES: u64 = 256 << 20;
/// Longest value that may be repeated from row to row.
const VALUE_MAX_BYTES: u64 = 64 << 20;
/// In a dictionary of so many bytes, any value is short enough.
const DICTIONARY_SMALL_BYTES: u64 = 16 << 10;

const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;
const DELTA_BYTE_ARRAY: i64 = 7;

/// Checks the pages of a file of `size` bytes, which may have `max_bytes` in
/// all when they are decompressed. Answers how many rows may be decoded at a
/// time. `is_over` says whether to stop.
///
/// # Errors
/// What cannot be true, or is too much.
pub fn examine_pages<R: ChunkReader + 'static>(
    file: &Arc<R>,
    size: u64,
    max_bytes: usize,
    metadata: &ParquetMetaData,
    is_over: &dyn Fn() -> bool,
) -> Result<usize, Misstated> {
    let mut left = Left {
        plain: max_bytes as u64,
        packed: size,
    };
    let mut longest_row = 1;
    for group in metadata.row_groups() {
        let rows = usize::try_from(group.num_rows()).map_err(|_| wrong())?;
        let mut row = 0_u64;
        for column in group.columns() {
            in_time(is_over)?;
            let mut found = pages(file.as_ref(), size, column, &mut left, is_over)?;
            if found.holds_lengths || found.holds_long_values {
                let reader = SerializedPageReader::new(Arc::clone(file), column, rows, None);
                look_into(&mut reader.map_err(damaged)?, column, &mut found, is_over)?;
            }
            if column.column_descr().max_rep_level() > 0 {
                // A row may be a list of all of them.
                let listed = found.values.saturating_mul(found.longest.max(8));
                left.plain = left.plain.checked_sub(listed).ok_or(Misstated::TooLarge)?;
            }
            row = row.saturating_add(found.longest);
        }
        longest_row = longest_row.max(row);
    }
    // Rows that are decoded at a time count as what they may be, and not as what they
    // are: a value of a fixed length that is not there takes as much as one that is.
    let batch_bytes = BATCH_MAX_BYTES.min(max_bytes as u64);
    if longest_row > batch_bytes.max(1) {
        return Err(Misstated::TooLarge);
    }
    let at_a_time = usize::try_from(batch_bytes / longest_row).unwrap_or(BATCH_ROWS);
    Ok(at_a_time.clamp(1, BATCH_ROWS))
}

/// What pages may still have.
struct Left {
    plain: u64,
    packed: u64,
}

/// What a page states of itself.
#[derive(Debug, Default)]
struct Header {
    plain: i64,
    packed: i64,
    values: i64,
    encoding: i64,
    is_dictionary: bool,
}

/// What the page headers of a column tell.
#[derive(Debug, Default)]
struct Found {
    values: u64,
    /// Bytes of a value, at most: one that stands once in a file may be that of
    /// every row.
    longest: u64,
    /// Whether there are lists of lengths to be looked at.
    holds_lengths: bool,
    /// Whether there is a dictionary to be looked at, for `longest`.
    holds_long_values: bool,
}

/// Checks the pages of one column.
fn pages<R: ChunkReader>(
    file: &R,
    size: u64,
    column: &ColumnChunkMetaData,
    left: &mut Left,
    is_over: &dyn Fn() -> bool,
) -> Result<Found, Misstated> {
    let number = |value: i64| u64::try_from(value).map_err(|_| wrong());
    // `ColumnChunkMetaData::byte_range` panics where one of them is negative.
    let start = column.dictionary_page_offset();
    let start = number(start.unwrap_or_else(|| column.data_page_offset()))?;
    let end = start.checked_add(number(column.compressed_size())?);
    let end = end.filter(|end| *end <= size).ok_or_else(|| {
        Misstated::Content("it is damaged: a column ends behind the file".to_owned())
    })?;
    let mut found = Found::default();
    if column.column_type() == Type::FIXED_LEN_BYTE_ARRAY {
        found.longest = number(column.column_descr().type_length().into())?;
    }
    let mut at = start;
    while at < end {
        in_time(is_over)?;
        let is_first = at == start;
        let (header, bytes) = header(file, at, end)?;
        at = at.checked_add(bytes).ok_or_else(wrong)?;
        let (plain, packed) = (number(header.plain)?, number(header.packed)?);
        at = at
            .checked_add(packed)
            .filter(|at| *at <= end)
            .ok_or_else(wrong)?;
        left.plain = left.plain.checked_sub(plain).ok_or(Misstated::TooLarge)?;
        left.packed = left.packed.checked_sub(packed).ok_or_else(wrong)?;
        let values = number(header.values)?;
        if header.values > PAGE_VALUES_MAX {
            return Err(wrong());
        }
        if header.is_dictionary {
            if !is_first || values.saturating_mul(least_bytes(column)) > plain {
                return Err(wrong());
            }
            match column.column_type() == Type::BYTE_ARRAY && plain > DICTIONARY_SMALL_BYTES {
                true => found.holds_long_values = true,
                false => found.longest = found.longest.max(plain.min(DICTIONARY_SMALL_BYTES)),
            }
            continue;
        }
        found.values = found.values.saturating_add(values);
        found.holds_lengths |=
            [DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY].contains(&header.encoding);
        if header.encoding == DELTA_BYTE_ARRAY {
            // Each value may repeat all of the one before it.
            found.longest = found.longest.max(plain);
        }
    }
    match found.longest > VALUE_MAX_BYTES {
        true => Err(Misstated::Content("a value is too long".to_owned())),
        false => Ok(found),
    }
}

/// Looks into the pages of a column whose headers are right.
fn look_into<R: ChunkReader>(
    reader: &mut SerializedPageReader<R>,
    column: &ColumnChunkMetaData,
    found: &mut Found,
    is_over: &dyn Fn() -> bool,
) -> Result<(), Misstated> {
    while let Some(page) = reader.get_next_page().map_err(damaged)? {
        in_time(is_over)?;
        match &page {
            Page::DictionaryPage { buf, .. } if found.holds_long_values => {
                found.longest = found.longest.max(longest(buf).ok_or_else(wrong)?);
            }
            Page::DictionaryPage { .. } => {}
            page => lengths(page, column).ok_or_else(wrong)?,
        }
        if !found.holds_lengths {
            break;
        }
    }
    Ok(())
}

/// The longest of byte arrays, each of which stands behind its length.
fn longest(mut bytes: &[u8]) -> Option<u64> {
    let mut longest = 0;
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_at_checked(4)?;
        let length = u32::from_le_bytes(length.try_into().ok()?);
        bytes = rest.get(usize::try_from(length).ok()?..)?;
        longest = longest.max(u64::from(length));
    }
    Some(longest)
}

/// The least that a value of the column takes in a dictionary.
fn least_bytes(column: &ColumnChunkMetaData) -> u64 {
    match column.column_type() {
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::BOOLEAN | Type::FIXED_LEN_BYTE_ARRAY => 1,
    }
}

/// The page header at `at`, and its length.
fn header<R: ChunkReader>(file: &R, at: u64, end: u64) -> Result<(Header, u64), Misstated> {
    let there = end.saturating_sub(at);
    let mut length = HEADER_READ_BYTES.min(there);
    loop {
        let bytes = read(file, at, length)?;
        let mut reader = Compact::new(&bytes);
        if let Some(header) = page_header(&mut reader) {
            return Ok((header, reader.position() as u64));
        }
        if length >= there.min(HEADER_MAX_BYTES) {
            return Err(wrong());
        }
        length = there.min(HEADER_MAX_BYTES);
    }
}

fn page_header(reader: &mut Compact<'_>) -> Option<Header> {
    let mut header = Header::default();
    reader.fields(|reader, id, kind| match (id, kind) {
        (2, Kind::I32) => {
            header.plain = reader.integer()?;
            Some(())
        }
        (3, Kind::I32) => {
            header.packed = reader.integer()?;
            Some(())
        }
        (5 | 7 | 8, Kind::STRUCT) => {
            header.is_dictionary |= id == 7;
            // The version 2 of a data page counts nulls and rows in between.
            let encoding_id = if id == 8 { 4 } else { 2 };
            reader.fields(|reader, id, kind| {
                if kind == Kind::I32 && id == 1 {
                    header.values = header.values.max(reader.integer()?);
                } else if kind == Kind::I32 && id == encoding_id {
                    header.encoding = header.encoding.max(reader.integer()?);
                } else {
                    reader.skip(kind)?;
                }
                Some(())
            })
        }
        _ => reader.skip(kind),
    })?;
    Some(header)
}

/// Checks how many lengths the values of a page say they have.
fn lengths(page: &Page, column: &ColumnChunkMetaData) -> Option<()> {
    let (values, encoding) = match page {
        Page::DictionaryPage { .. } => return Some(()),
        Page::DataPage {
            buf,
            encoding,
            def_level_encoding,
            rep_level_encoding,
            ..
        } => {
            let described = column.column_descr();
            let mut rest: &[u8] = buf;
            for (level, form) in [
                (described.max_rep_level(), rep_level_encoding),
                (described.max_def_level(), def_level_encoding),
            ] {
                if level > 0 {
                    // Levels in the old form would have no length of their own.
                    (*form == Encoding::RLE).then_some(())?;
                    let (length, after) = rest.split_at_checked(4)?;
                    let length = u32::from_le_bytes(length.try_into().ok()?);
                    rest = after.get(usize::try_from(length).ok()?..)?;
                }
            }
            (rest, *encoding)
        }
        Page::DataPageV2 {
            buf,
            encoding,
            def_levels_byte_len,
            rep_levels_byte_len,
            ..
        } => {
            let levels = def_levels_byte_len.checked_add(*rep_levels_byte_len)?;
            (buf.get(usize::try_from(levels).ok()?..)?, *encoding)
        }
    };
    let values_max = u64::from(page.num_values());
    match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => deltas(values, values_max).map(drop),
        Encoding::DELTA_BYTE_ARRAY => {
            let suffixes = deltas(values, values_max)?;
            deltas(values.get(suffixes..)?, values_max).map(drop)
        }
        _ => Some(()),
    }
}

/// Walks over numbers that are packed as differences, and answers where they
/// end. `None` when there are more than `values_max`, or not as many as stated.
fn deltas(bytes: &[u8], values_max: u64) -> Option<usize> {
    let mut at = 0;
    let block = varint(bytes, &mut at)?;
    let minis = varint(bytes, &mut at)?;
    let values = varint(bytes, &mut at)?;
    varint(bytes, &mut at)?;
    let each = block.checked_div(minis)?;
    if values > values_max || block > 1 << 20 || minis > 1 << 12 || each == 0 {
        return None;
    }
    let mut left = values.saturating_sub(1);
    while left > 0 {
        varint(bytes, &mut at)?;
        let end = at.checked_add(usize::try_from(minis).ok()?)?;
        let widths = bytes.get(at..end)?;
        at = end;
        for width in widths {
            if left > 0 {
                let packed = u64::from(*width).checked_mul(each)? / 8;
                at = at.checked_add(usize::try_from(packed).ok()?)?;
            }
            left = left.saturating_sub(each);
        }
    }
    (at <= bytes.len()).then_some(at)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

pub(super) fn read<R: ChunkReader>(file: &R, at: u64, length: u64) -> Result<Bytes, Misstated> {
    let length = usize::try_from(length).map_err(|_| wrong())?;
    // A file that ends before is damaged; so is one that cannot be read now.
    file.get_bytes(at, length).map_err(|_| wrong())
}

fn in_time(is_over: &dyn Fn() -> bool) -> Result<(), Misstated> {
    match is_over() {
        true => Err(Misstated::TooLate),
        false => Ok(()),
    }
}

fn damaged(error: parquet::errors::ParquetError) -> Misstated {
    Misstated::Content(format!("it is damaged: {error}"))
}

pub(super) fn wrong() -> Misstated {
    Misstated::Content("it is damaged: its sizes cannot be true".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packed_differences_end_where_they_say() {
        // 128 values a block, 4 in a row of 32, 3 values, the first is 1; then
        // one block: least difference 0, widths 1 0 0 0, four bytes of bits.
        let bytes = [0x80, 0x01, 4, 3, 2, 0, 1, 0, 0, 0, 7, 0, 0, 0, 9];
        assert_eq!(deltas(&bytes, 3), Some(14));
        assert_eq!(deltas(&bytes, 2), None, "more than the page has");
        assert_eq!(deltas(&bytes[..12], 3), None, "cut off");
        // 2^62 values in a few bytes.
        let bytes = [
            0x80, 0x01, 4, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 0, 0,
        ];
        assert_eq!(deltas(&bytes, PAGE_VALUES_MAX as u64), None);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300), max in 0_u64..1_000_000) {
            if let Some(end) = deltas(&bytes, max) {
                prop_assert!(end <= bytes.len());
            }
            let _header = page_header(&mut Compact::new(&bytes));
        }
    }
}
