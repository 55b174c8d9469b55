//! A column of text: codes while few values repeat, then one buffer.

use super::dictionary::Dictionary;
use super::unfit::Unfit;
use serde_json::Value;

/// Between values. Text with NUL inside is stored by its ends.
const SEPARATOR: u8 = 0;

pub(super) enum Text {
    Dictionary(Dictionary),
    /// Values joined by NUL.
    Separated {
        data: Vec<u8>,
        rows: usize,
    },
    /// Values one after the other, and where each ends.
    Ends {
        data: Vec<u8>,
        ends: Vec<u8>,
    },
}

impl Text {
    pub(super) fn with_nulls(rows: usize) -> Self {
        Self::Dictionary(Dictionary::with_nulls(rows))
    }

    /// Adds a value. Whether a value is UTF-8 is checked here when values are
    /// stored by their ends, and for the whole column at once otherwise.
    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) -> Result<(), Unfit> {
        loop {
            match self {
                Self::Separated { data, rows } => {
                    if !value.contains(&SEPARATOR) {
                        if *rows > 0 {
                            data.push(SEPARATOR);
                        }
                        data.extend_from_slice(value);
                        *rows += 1;
                        return Ok(());
                    }
                    *self = by_ends(data, *rows)?;
                }
                Self::Dictionary(dictionary) => {
                    if dictionary.push(value) {
                        return Ok(());
                    }
                    *self = expand(dictionary)?;
                }
                Self::Ends { data, ends } => {
                    std::str::from_utf8(value).map_err(|_| Unfit::NotUtf8)?;
                    data.extend_from_slice(value);
                    push_end(ends, data.len());
                    return Ok(());
                }
            }
        }
    }

    pub(super) fn push_null(&mut self) {
        match self {
            Self::Dictionary(dictionary) => dictionary.push_null(),
            Self::Separated { data, rows } => {
                if *rows > 0 {
                    data.push(SEPARATOR);
                }
                *rows += 1;
            }
            Self::Ends { data, ends } => push_end(ends, data.len()),
        }
    }

    /// Every row as text; NULL may be `None` or empty.
    pub(super) fn rows(&self) -> Box<dyn Iterator<Item = Option<&[u8]>> + '_> {
        match self {
            Self::Dictionary(dictionary) => Box::new(dictionary.rows()),
            Self::Separated { data, rows } => {
                Box::new(data.split(|byte| *byte == SEPARATOR).map(Some).take(*rows))
            }
            Self::Ends { data, ends } => {
                let mut start = 0;
                Box::new(ends.as_chunks::<4>().0.iter().map(move |end| {
                    let end = u32::from_le_bytes(*end) as usize;
                    let value = data.get(start..end).unwrap_or_default();
                    start = end;
                    Some(value)
                }))
            }
        }
    }

    pub(super) fn to_json(&self) -> Result<Vec<Value>, Unfit> {
        self.rows()
            .map(|row| match row {
                None => Ok(Value::Null),
                Some(bytes) => std::str::from_utf8(bytes)
                    .map(Value::from)
                    .map_err(|_| Unfit::NotUtf8),
            })
            .collect()
    }
}

fn expand(dictionary: &Dictionary) -> Result<Text, Unfit> {
    let mut text = Text::Separated {
        data: Vec::new(),
        rows: 0,
    };
    for row in dictionary.rows() {
        match row {
            Some(value) => text.push(value)?,
            None => text.push_null(),
        }
    }
    Ok(text)
}

fn by_ends(data: &[u8], rows: usize) -> Result<Text, Unfit> {
    std::str::from_utf8(data).map_err(|_| Unfit::NotUtf8)?;
    let mut joined = Vec::with_capacity(data.len());
    let mut ends = Vec::with_capacity(rows.saturating_mul(4));
    for value in data.split(|byte| *byte == SEPARATOR).take(rows) {
        joined.extend_from_slice(value);
        push_end(&mut ends, joined.len());
    }
    Ok(Text::Ends { data: joined, ends })
}

/// A cumulative end. A result is smaller than 4 GiB: the byte cap is checked
/// when the limits are set.
pub(super) fn push_end(ends: &mut Vec<u8>, end: usize) {
    ends.extend_from_slice(&u32::try_from(end).unwrap_or(u32::MAX).to_le_bytes());
}
