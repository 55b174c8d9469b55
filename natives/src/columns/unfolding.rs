//! What rows become when they are written one by one: columns of Arrow can say a thing
//! once and mean it many times.
//!
//! A view or a key of a dictionary is a few bytes, whatever it stands for, and a list of
//! nothing has no bytes at all. The writer writes what they mean, and looks at the size
//! of a page only after many rows.

use crate::refusal::Refusal;
use arrow_array::cast::AsArray;
use arrow_array::types::{BinaryViewType, StringViewType};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait, RecordBatch};
use arrow_schema::{DataType, Fields};

/// What the writer notes of an element, whatever it is: where it is and how deep.
const ELEMENT_BYTES: u64 = 16;
/// The widest number that a key can stand for.
const WIDEST_BYTES: u64 = 32;

/// Columns that are written, inside of others too.
///
/// # Errors
/// [`Refusal::Unsupported`] for a type that says things many times in ways of its own.
pub(super) fn leaves(fields: &Fields) -> Result<u64, Refusal> {
    let counts = fields.iter().map(|field| leaves_of(field.data_type()));
    counts.sum()
}

fn leaves_of(data_type: &DataType) -> Result<u64, Refusal> {
    match data_type {
        DataType::RunEndEncoded(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Union(..) => Err(Refusal::Unsupported(format!(
            "a column of the type {} cannot be written",
            data_type.to_string().chars().take(100).collect::<String>()
        ))),
        DataType::Struct(fields) => leaves(fields),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => leaves_of(field.data_type()),
        DataType::Dictionary(_, values) => leaves_of(values),
        _ => Ok(1),
    }
}

/// What writing these rows takes at once, besides what they take as they are.
pub(super) fn unfolded_bytes(rows: &RecordBatch) -> u64 {
    let columns = rows.columns().iter().map(Unfolded::of);
    // The notes of one column are gone when the next is written.
    let all = columns.fold(Unfolded::default(), |all, column| Unfolded {
        bytes: all.bytes.saturating_add(column.bytes),
        elements: all.elements.max(column.elements),
    });
    all.bytes
        .saturating_add(all.elements.saturating_mul(ELEMENT_BYTES))
}

#[derive(Debug, Clone, Copy, Default)]
struct Unfolded {
    /// Of what is said once and meant many times.
    bytes: u64,
    elements: u64,
}

impl Unfolded {
    fn and(self, inner: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(inner.bytes),
            elements: self.elements.saturating_add(inner.elements),
        }
    }

    fn of(array: &ArrayRef) -> Self {
        let own = Self {
            bytes: 0,
            elements: array.len() as u64,
        };
        let views = |views: &[u128]| Self {
            // The length is the first word of a view.
            bytes: sum(views.iter().map(|view| u64::from(*view as u32))),
            ..own
        };
        match array.data_type() {
            DataType::Utf8View => views(array.as_byte_view::<StringViewType>().views()),
            DataType::BinaryView => views(array.as_byte_view::<BinaryViewType>().views()),
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                let values = dictionary.values();
                if values.is_empty() {
                    return own;
                }
                let keys = dictionary.normalized_keys();
                Self {
                    bytes: sum(keys.into_iter().map(|key| length(values, key))),
                    ..own
                }
            }
            DataType::Struct(_) => {
                let columns = array.as_struct().columns().iter();
                columns.fold(own, |all, column| all.and(Self::of(column)))
            }
            DataType::List(_) => own.and(Self::of_list::<i32>(array)),
            DataType::LargeList(_) => own.and(Self::of_list::<i64>(array)),
            DataType::Map(..) => {
                let map = array.as_map();
                let entries: ArrayRef = std::sync::Arc::new(map.entries().clone());
                own.and(Self::of_part(&entries, map.value_offsets()))
            }
            DataType::FixedSizeList(_, size) => {
                let list = array.as_fixed_size_list();
                let size = usize::try_from(*size).unwrap_or(0);
                let begin = list.offset().saturating_mul(size);
                let values = list.values();
                let begin = begin.min(values.len());
                let count = list.len().saturating_mul(size).min(values.len() - begin);
                own.and(Self::of(&values.slice(begin, count)))
            }
            _ => own,
        }
    }

    fn of_list<O: OffsetSizeTrait>(array: &ArrayRef) -> Self {
        let list = array.as_list::<O>();
        Self::of_part(list.values(), list.value_offsets())
    }

    /// The elements between the first and the last of these offsets.
    fn of_part<O: OffsetSizeTrait>(values: &ArrayRef, offsets: &[O]) -> Self {
        let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
            return Self::default();
        };
        let end = last.as_usize().min(values.len());
        let begin = first.as_usize().min(end);
        Self::of(&values.slice(begin, end - begin))
    }
}

/// Bytes of one of the values of a dictionary, at most.
fn length(values: &ArrayRef, at: usize) -> u64 {
    if at >= values.len() {
        return 0;
    }
    let view = |views: &[u128]| views.get(at).map_or(0, |view| u64::from(*view as u32));
    match values.data_type() {
        DataType::Utf8 => between(values.as_string::<i32>().value_offsets(), at),
        DataType::Binary => between(values.as_binary::<i32>().value_offsets(), at),
        DataType::LargeUtf8 => between(values.as_string::<i64>().value_offsets(), at),
        DataType::LargeBinary => between(values.as_binary::<i64>().value_offsets(), at),
        DataType::Utf8View => view(values.as_byte_view::<StringViewType>().views()),
        DataType::BinaryView => view(values.as_byte_view::<BinaryViewType>().views()),
        DataType::FixedSizeBinary(size) => u64::try_from(*size).unwrap_or(0),
        other if other.is_nested() || matches!(other, DataType::Dictionary(..)) => u64::MAX,
        _ => WIDEST_BYTES,
    }
}

fn between<O: OffsetSizeTrait>(offsets: &[O], at: usize) -> u64 {
    match offsets.get(at..=at + 1) {
        Some([from, to]) => to.as_usize().saturating_sub(from.as_usize()) as u64,
        _ => 0,
    }
}

fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}
