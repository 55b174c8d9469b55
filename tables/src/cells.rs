//! The values of an Arrow array, as SQL has them.

use super::dates;
use super::decimals::Decimal;
use super::value::ValueRef;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::{DataType, TimeUnit};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The deepest lists of lists.
const DEPTH_MAX: usize = 32;
const DAY_MILLISECONDS: i64 = 86_400_000;

/// Whether the values of a column fit into what SQL has of their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// They fit.
    Plain,
    /// One at least would lose digits, so all are text.
    Exact,
}

/// The values of one array.
pub(super) struct Cells<'a> {
    form: Form,
    array: &'a dyn Array,
    /// For a dictionary: where in its values every row is.
    keys: Option<Vec<usize>>,
    values: &'a dyn Array,
}

enum Cell<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
}

impl<'a> Cells<'a> {
    /// The declared type of such a column; `None` when it cannot be loaded.
    pub(super) fn declared(kind: &DataType) -> Option<&'static str> {
        Some(match kind {
            DataType::Boolean => "BOOLEAN",
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => "INTEGER",
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => "INTEGER",
            DataType::UInt64 => "INTEGER",
            DataType::Duration(_) => "INTEGER",
            DataType::Float16 | DataType::Float32 | DataType::Float64 => "REAL",
            DataType::Decimal32(..) | DataType::Decimal64(..) => "REAL",
            DataType::Decimal128(..) | DataType::Decimal256(..) => "REAL",
            DataType::Date32 | DataType::Date64 => "DATE",
            DataType::Timestamp(..) => "TIMESTAMP",
            DataType::Time32(_) | DataType::Time64(_) | DataType::Null => "TEXT",
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "TEXT",
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "BLOB",
            DataType::FixedSizeBinary(_) => "BLOB",
            DataType::Dictionary(_, values) if !matches!(**values, DataType::Dictionary(..)) => {
                return Self::declared(values);
            }
            nested if nestable(nested, 0) => "TEXT",
            _ => return None,
        })
    }

    /// Whether values of this type may lose digits as SQL has them.
    pub(super) fn may_lose(kind: &DataType) -> bool {
        match kind {
            DataType::UInt64 | DataType::Timestamp(TimeUnit::Nanosecond, _) => true,
            DataType::Time64(TimeUnit::Nanosecond) => false,
            DataType::Decimal64(precision, _)
            | DataType::Decimal128(precision, _)
            | DataType::Decimal256(precision, _) => *precision > 15,
            DataType::Dictionary(_, values) => Self::may_lose(values),
            _ => false,
        }
    }

    /// Whether a value would lose digits as SQL has it.
    pub(super) fn loses(&self) -> bool {
        let rows = 0..self.values.len();
        let lost = |row: usize| match self.values.data_type() {
            _ if self.values.is_null(row) => false,
            DataType::UInt64 => {
                let value = self.values.as_primitive::<UInt64Type>().value(row);
                i64::try_from(value).is_err()
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                let array = self.values.as_primitive::<TimestampNanosecondType>();
                array.value(row).rem_euclid(1000) != 0
            }
            _ => decimal_of(self.values, row).is_some_and(|(value, _)| value.is_beyond_float()),
        };
        rows.into_iter().any(lost)
    }

    pub(super) fn new(array: &'a dyn Array, form: Form) -> Self {
        match array.as_any_dictionary_opt() {
            Some(dictionary) => Self {
                form,
                array,
                // Empty values have no keys, and every row is NULL.
                keys: Some(if dictionary.values().is_empty() {
                    Vec::new()
                } else {
                    dictionary.normalized_keys()
                }),
                values: &**dictionary.values(),
            },
            None => Self {
                form,
                array,
                keys: None,
                values: array,
            },
        }
    }

    /// Hands on the value of a row. Lists and structs are JSON text.
    pub(super) fn with<T>(&self, row: usize, take: impl FnOnce(ValueRef<'_>) -> T) -> T {
        let at = match &self.keys {
            None => Some(row),
            Some(keys) => keys.get(row).copied(),
        };
        let cell = match at.filter(|_| self.array.is_valid(row)) {
            None => Cell::Null,
            Some(at) => match scalar(self.values, at, self.form) {
                Some(cell) => cell,
                None => Cell::Text(json(self.values, at, 0).to_string().into()),
            },
        };
        match cell {
            Cell::Null => take(ValueRef::Null),
            Cell::Integer(value) => take(ValueRef::Integer(value)),
            Cell::Real(value) => take(ValueRef::Real(value)),
            Cell::Text(text) => take(ValueRef::Text(text.as_bytes())),
            Cell::Bytes(bytes) => take(ValueRef::Blob(bytes)),
        }
    }
}

fn nestable(kind: &DataType, depth: usize) -> bool {
    match kind {
        _ if depth > DEPTH_MAX => false,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            nestable(item.data_type(), depth + 1)
        }
        DataType::Map(entries, _) => nestable(entries.data_type(), depth + 1),
        DataType::Struct(fields) => fields
            .iter()
            .all(|field| nestable(field.data_type(), depth + 1)),
        other => depth > 0 && Cells::declared(other).is_some(),
    }
}

/// The value of a row, unless it is nested.
fn scalar(array: &dyn Array, row: usize, form: Form) -> Option<Cell<'_>> {
    fn at<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
        array.as_primitive::<T>().value(row)
    }
    if array.is_null(row) {
        return Some(Cell::Null);
    }
    if let Some((value, scale)) = decimal_of(array, row) {
        return Some(match form {
            Form::Plain => Cell::Real(value.to_float(scale)),
            Form::Exact => Cell::Text(value.to_text(scale).into()),
        });
    }
    Some(match array.data_type() {
        DataType::Null => Cell::Null,
        DataType::Boolean => Cell::Integer(array.as_boolean().value(row).into()),
        DataType::Int8 => Cell::Integer(at::<Int8Type>(array, row).into()),
        DataType::Int16 => Cell::Integer(at::<Int16Type>(array, row).into()),
        DataType::Int32 => Cell::Integer(at::<Int32Type>(array, row).into()),
        DataType::Int64 => Cell::Integer(at::<Int64Type>(array, row)),
        DataType::UInt8 => Cell::Integer(at::<UInt8Type>(array, row).into()),
        DataType::UInt16 => Cell::Integer(at::<UInt16Type>(array, row).into()),
        DataType::UInt32 => Cell::Integer(at::<UInt32Type>(array, row).into()),
        DataType::UInt64 => {
            let value = at::<UInt64Type>(array, row);
            match i64::try_from(value) {
                Ok(value) if form == Form::Plain => Cell::Integer(value),
                _ => Cell::Text(value.to_string().into()),
            }
        }
        DataType::Float16 => Cell::Real(at::<Float16Type>(array, row).to_f64()),
        DataType::Float32 => Cell::Real(at::<Float32Type>(array, row).into()),
        DataType::Float64 => Cell::Real(at::<Float64Type>(array, row)),
        DataType::Duration(unit) => Cell::Integer(match unit {
            TimeUnit::Second => at::<DurationSecondType>(array, row),
            TimeUnit::Millisecond => at::<DurationMillisecondType>(array, row),
            TimeUnit::Microsecond => at::<DurationMicrosecondType>(array, row),
            TimeUnit::Nanosecond => at::<DurationNanosecondType>(array, row),
        }),
        DataType::Date32 => date(at::<Date32Type>(array, row).into()),
        DataType::Date64 => date(at::<Date64Type>(array, row).div_euclid(DAY_MILLISECONDS)),
        DataType::Timestamp(TimeUnit::Nanosecond, zone) if form == Form::Exact => {
            let value = at::<TimestampNanosecondType>(array, row);
            Cell::Text(nanosecond_text(value, zone.is_some()).into())
        }
        DataType::Timestamp(unit, zone) => {
            let microseconds = match unit {
                TimeUnit::Second => at::<TimestampSecondType>(array, row).saturating_mul(1_000_000),
                TimeUnit::Millisecond => {
                    at::<TimestampMillisecondType>(array, row).saturating_mul(1000)
                }
                TimeUnit::Microsecond => at::<TimestampMicrosecondType>(array, row),
                TimeUnit::Nanosecond => at::<TimestampNanosecondType>(array, row).div_euclid(1000),
            };
            match dates::timestamp_text(microseconds, zone.is_some()) {
                Some(text) => Cell::Text(text.into()),
                None => Cell::Integer(microseconds),
            }
        }
        DataType::Time32(TimeUnit::Second) => {
            time(i64::from(at::<Time32SecondType>(array, row)) * 1_000_000)
        }
        DataType::Time32(_) => time(i64::from(at::<Time32MillisecondType>(array, row)) * 1000),
        DataType::Time64(TimeUnit::Microsecond) => time(at::<Time64MicrosecondType>(array, row)),
        DataType::Time64(_) => time_of_nanoseconds(at::<Time64NanosecondType>(array, row)),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).into()),
        DataType::LargeUtf8 => Cell::Text(array.as_string::<i64>().value(row).into()),
        DataType::Utf8View => Cell::Text(array.as_string_view().value(row).into()),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Cell::Bytes(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => Cell::Bytes(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => Cell::Bytes(array.as_fixed_size_binary().value(row)),
        _ => return None,
    })
}

/// A date outside the years 1 to 9999 stays a number of days.
fn date(days: i64) -> Cell<'static> {
    dates::date_text(days).map_or(Cell::Integer(days), |text| Cell::Text(text.into()))
}

fn time(microseconds: i64) -> Cell<'static> {
    // The time of the first day there is.
    let text = dates::timestamp_text(microseconds.rem_euclid(DAY_MILLISECONDS * 1000), false);
    let time = text
        .as_deref()
        .and_then(|text| text.get(11..))
        .unwrap_or_default();
    Cell::Text(time.to_owned().into())
}

fn time_of_nanoseconds(nanoseconds: i64) -> Cell<'static> {
    let cell = time(nanoseconds.div_euclid(1000));
    match (nanoseconds.rem_euclid(1_000_000_000), cell) {
        (fraction, Cell::Text(text)) if fraction % 1000 != 0 => {
            let seconds = text.get(..8).unwrap_or_default();
            Cell::Text(format!("{seconds}.{fraction:09}").into())
        }
        (_, cell) => cell,
    }
}

/// A time with nine digits of its second; every one of 64 bits is within the years of a date.
fn nanosecond_text(nanoseconds: i64, zoned: bool) -> String {
    let second = nanoseconds.div_euclid(1_000_000_000) * 1_000_000;
    let fraction = nanoseconds.rem_euclid(1_000_000_000);
    let text = dates::timestamp_text(second, false).unwrap_or_default();
    let zone = if zoned { "Z" } else { "" };
    format!("{text}.{fraction:09}{zone}")
}

/// The number and the scale of a decimal.
fn decimal_of(array: &dyn Array, row: usize) -> Option<(Decimal, i8)> {
    Some(match array.data_type() {
        DataType::Decimal32(_, scale) => {
            let value = array.as_primitive::<Decimal32Type>().value(row);
            (Decimal::Small(value.into()), *scale)
        }
        DataType::Decimal64(_, scale) => {
            let value = array.as_primitive::<Decimal64Type>().value(row);
            (Decimal::Small(value.into()), *scale)
        }
        DataType::Decimal128(_, scale) => {
            let value = array.as_primitive::<Decimal128Type>().value(row);
            (Decimal::Small(value), *scale)
        }
        DataType::Decimal256(_, scale) => {
            let value = array.as_primitive::<Decimal256Type>().value(row);
            let small = value.to_i128().map(Decimal::Small);
            let decimal = small.unwrap_or_else(|| Decimal::Large(value.to_string()));
            (decimal, *scale)
        }
        _ => return None,
    })
}

/// Bytes inside of JSON: text if they are some, or else hexadecimal digits.
fn bytes_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn json(array: &dyn Array, row: usize, depth: usize) -> Value {
    if depth > DEPTH_MAX || array.is_null(row) {
        return Value::Null;
    }
    // JSON has integers of any size.
    if array.data_type() == &DataType::UInt64 {
        return Value::from(array.as_primitive::<UInt64Type>().value(row));
    }
    let exact = match (decimal_of(array, row), array.data_type()) {
        (Some((value, _)), _) => value.is_beyond_float(),
        (None, DataType::Timestamp(TimeUnit::Nanosecond, _)) => {
            let array = array.as_primitive::<TimestampNanosecondType>();
            array.value(row).rem_euclid(1000) != 0
        }
        _ => false,
    };
    let form = if exact { Form::Exact } else { Form::Plain };
    match scalar(array, row, form) {
        Some(Cell::Null) => return Value::Null,
        Some(Cell::Bytes(bytes)) => return Value::from(bytes_text(bytes)),
        Some(Cell::Integer(value)) if matches!(array.data_type(), DataType::Boolean) => {
            return Value::from(value == 1);
        }
        Some(Cell::Integer(value)) => return Value::from(value),
        Some(Cell::Real(value)) => return Value::from(value),
        Some(Cell::Text(text)) => return Value::from(text),
        None => {}
    }
    let list = |items: &dyn Array| -> Value {
        (0..items.len())
            .map(|item| json(items, item, depth + 1))
            .collect()
    };
    match array.data_type() {
        DataType::List(_) => list(&*array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(&*array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(&*array.as_fixed_size_list().value(row)),
        DataType::Map(..) => list(&array.as_map().value(row)),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let pairs = fields.iter().zip(columns);
            let object: Map<String, Value> = pairs
                .map(|(field, column)| (field.name().clone(), json(&**column, row, depth + 1)))
                .collect();
            Value::Object(object)
        }
        DataType::Dictionary(..) => {
            let cells = Cells::new(array, form);
            let at = cells.keys.as_ref().and_then(|keys| keys.get(row));
            at.map_or(Value::Null, |at| json(cells.values, *at, depth + 1))
        }
        _ => Value::Null,
    }
}
