//! Columns of fixed-size values.

use super::columns::{Column, Values};
use super::number_type::NumberType;
use super::validity::Validity;

/// A value of a fixed-size column.
pub trait Number: Copy + Default {
    /// The type of a column of these.
    const TYPE: NumberType;

    /// Appends the value in little-endian order.
    fn append_to(self, bytes: &mut Vec<u8>);

    /// Reads a value back from exactly its bytes.
    fn read_from(bytes: &[u8]) -> Option<Self>;
}

macro_rules! numbers {
    ($($type:ty => $kind:ident,)*) => {$(
        impl Number for $type {
            const TYPE: NumberType = NumberType::$kind;

            fn append_to(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn read_from(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )*};
}

numbers! {
    i8 => Int8,
    i16 => Int16,
    i32 => Int32,
    i64 => Int64,
    u8 => Uint8,
    u16 => Uint16,
    u32 => Uint32,
    u64 => Uint64,
    f32 => Float32,
    f64 => Float64,
}

impl Number for bool {
    const TYPE: NumberType = NumberType::Bool;

    fn append_to(self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self));
    }

    fn read_from(bytes: &[u8]) -> Option<Self> {
        bytes.first().map(|byte| *byte != 0)
    }
}

/// Builds a column of numbers, booleans, timestamps or dates.
#[derive(Debug, Clone, Default)]
pub struct NumberBuilder<N> {
    data: Vec<u8>,
    validity: Validity,
    kind: std::marker::PhantomData<N>,
}

impl<N: Number> NumberBuilder<N> {
    /// A column without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A column without rows, with room for `rows`.
    #[must_use]
    pub fn with_capacity(rows: usize) -> Self {
        let mut builder = Self::default();
        builder
            .data
            .reserve(rows.saturating_mul(N::TYPE.size_bytes()));
        builder
    }

    /// Appends a value.
    pub fn push(&mut self, value: N) {
        value.append_to(&mut self.data);
        self.validity.push(true);
    }

    /// Appends a missing value.
    pub fn push_null(&mut self) {
        N::default().append_to(&mut self.data);
        self.validity.push(false);
    }

    /// The column.
    #[must_use]
    pub fn finish(self, name: impl Into<String>) -> Column {
        self.column(name, |data| Values::Numbers {
            kind: N::TYPE,
            data,
        })
    }

    fn column(
        self,
        name: impl Into<String>,
        values: impl FnOnce(bytes::Bytes) -> Values,
    ) -> Column {
        Column {
            name: name.into(),
            rows: self.validity.rows(),
            values: values(self.data.into()),
            valid: self.validity.finish(),
        }
    }
}

impl NumberBuilder<i64> {
    /// The values as microseconds since 1970, in UTC or (`utc` = false) in a
    /// time zone that nothing is known of.
    #[must_use]
    pub fn finish_timestamps(self, name: impl Into<String>, utc: bool) -> Column {
        self.column(name, |data| Values::Timestamps { data, utc })
    }
}

impl NumberBuilder<i32> {
    /// The values as days since 1970-01-01.
    #[must_use]
    pub fn finish_dates(self, name: impl Into<String>) -> Column {
        self.column(name, |data| Values::Dates { data })
    }
}

impl<N: Number> Extend<Option<N>> for NumberBuilder<N> {
    fn extend<I: IntoIterator<Item = Option<N>>>(&mut self, values: I) {
        for value in values {
            match value {
                Some(value) => self.push(value),
                None => self.push_null(),
            }
        }
    }
}

impl Column {
    /// Numbers or booleans, none of them missing.
    pub fn numbers<N: Number>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = N>,
    ) -> Self {
        let mut builder = NumberBuilder::new();
        for value in values {
            builder.push(value);
        }
        builder.finish(name)
    }

    /// Numbers or booleans, some of them missing.
    pub fn nullable_numbers<N: Number>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<N>>,
    ) -> Self {
        let mut builder = NumberBuilder::new();
        builder.extend(values);
        builder.finish(name)
    }
}
