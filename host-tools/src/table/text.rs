//! Columns of text.
//!
//! ```text
//!  Dictionary ──too many different values──► Separated ──a value with NUL──► Ends
//! ```
//! A column starts with the smallest encoding and moves on when it must.

use super::columns::{Column, Values};
use super::validity::Validity;
use crate::Error;
use std::collections::HashMap;

const DICTIONARY_VALUES_MAX: usize = 4096;
const DICTIONARY_BYTES_MAX: usize = 64 << 10;
/// A dictionary is worth it when each value stands for this many rows.
const ROWS_PER_VALUE: usize = 4;
/// So many different values are waited for before that is judged.
const DICTIONARY_TRIAL: usize = 64;
const SEPARATOR: u8 = 0;

/// Builds a column of text, in the encoding that suits the values.
#[derive(Debug, Clone)]
pub struct TextBuilder {
    encoding: Encoding,
    validity: Validity,
    too_large: bool,
}

#[derive(Debug, Clone)]
enum Encoding {
    Dictionary(Dictionary),
    /// Every value is followed by the separator.
    Separated(Vec<u8>),
    Ends {
        data: Vec<u8>,
        ends: Vec<u8>,
    },
}

#[derive(Debug, Clone, Default)]
struct Dictionary {
    codes: Vec<i32>,
    values: Vec<String>,
    index: HashMap<String, i32>,
    bytes: usize,
}

impl Default for TextBuilder {
    fn default() -> Self {
        Self {
            encoding: Encoding::Dictionary(Dictionary::default()),
            validity: Validity::default(),
            too_large: false,
        }
    }
}

impl TextBuilder {
    /// A column without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a value.
    pub fn push(&mut self, value: &str) {
        if let Encoding::Dictionary(dictionary) = &mut self.encoding {
            if dictionary.push(value) {
                self.validity.push(true);
                return;
            }
            self.leave_dictionary();
        }
        self.push_plain(value);
        self.validity.push(true);
    }

    /// Appends a missing value.
    pub fn push_null(&mut self) {
        match &mut self.encoding {
            Encoding::Dictionary(dictionary) => dictionary.codes.push(-1),
            _ => self.push_plain(""),
        }
        self.validity.push(false);
    }

    /// The column.
    ///
    /// # Errors
    /// When it has more than 4 GiB of text.
    pub fn finish(mut self, name: impl Into<String>) -> Result<Column, Error> {
        let rows = self.validity.rows();
        if let Encoding::Dictionary(dictionary) = &self.encoding
            && dictionary.values.len() * ROWS_PER_VALUE > rows
        {
            self.leave_dictionary();
        }
        let mut valid = self.validity.finish();
        let values = match self.encoding {
            Encoding::Dictionary(dictionary) => {
                valid = None;
                let mut codes = Vec::with_capacity(4 * rows);
                for code in dictionary.codes {
                    codes.extend_from_slice(&code.to_le_bytes());
                }
                Values::Dictionary {
                    codes: codes.into(),
                    values: dictionary.values,
                }
            }
            Encoding::Separated(mut data) => {
                data.pop();
                Values::Separated {
                    data: data.into(),
                    separator: SEPARATOR,
                }
            }
            Encoding::Ends { data, ends } => Values::Ends {
                data: data.into(),
                ends: ends.into(),
            },
        };
        let column = Column {
            name: name.into(),
            rows,
            values,
            valid,
        };
        if self.too_large {
            return Err(column.error("it has more than 4 GiB of text"));
        }
        Ok(column)
    }

    fn push_plain(&mut self, value: &str) {
        if let Encoding::Separated(data) = &mut self.encoding {
            if !value.as_bytes().contains(&SEPARATOR) {
                data.extend_from_slice(value.as_bytes());
                data.push(SEPARATOR);
                return;
            }
            let (data, ends) = split(data);
            self.encoding = Encoding::Ends { data, ends };
        }
        if let Encoding::Ends { data, ends } = &mut self.encoding {
            data.extend_from_slice(value.as_bytes());
            self.too_large |= !push_end(ends, data.len());
        }
    }

    fn leave_dictionary(&mut self) {
        let plain = Encoding::Separated(Vec::new());
        if let Encoding::Dictionary(dictionary) = std::mem::replace(&mut self.encoding, plain) {
            for code in dictionary.codes {
                let value = usize::try_from(code).ok();
                let value = value.and_then(|code| dictionary.values.get(code));
                self.push_plain(value.map_or("", String::as_str));
            }
        }
    }
}

impl Dictionary {
    /// Whether the value was taken; if not, the dictionary is not worth it.
    fn push(&mut self, value: &str) -> bool {
        if let Some(code) = self.index.get(value) {
            self.codes.push(*code);
            return true;
        }
        let count = self.values.len();
        self.bytes += value.len();
        let crowded = count >= DICTIONARY_TRIAL && count * ROWS_PER_VALUE > self.codes.len();
        if crowded || count == DICTIONARY_VALUES_MAX || self.bytes > DICTIONARY_BYTES_MAX {
            return false;
        }
        let code = count as i32;
        self.index.insert(value.to_owned(), code);
        self.values.push(value.to_owned());
        self.codes.push(code);
        true
    }
}

/// Takes separated values apart into joined values and their ends.
fn split(separated: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut data = Vec::with_capacity(separated.len());
    let mut ends = Vec::new();
    // Each value is followed by a separator, so that nothing stands after it.
    for value in separated.split_inclusive(|byte| *byte == SEPARATOR) {
        data.extend_from_slice(value.strip_suffix(&[SEPARATOR]).unwrap_or(value));
        push_end(&mut ends, data.len());
    }
    (data, ends)
}

/// Whether the end could be stated.
pub(super) fn push_end(ends: &mut Vec<u8>, end: usize) -> bool {
    let stated = u32::try_from(end);
    ends.extend_from_slice(&stated.unwrap_or(u32::MAX).to_le_bytes());
    stated.is_ok()
}

impl Column {
    /// Text, none of it missing.
    ///
    /// # Errors
    /// When it has more than 4 GiB.
    pub fn text<S: AsRef<str>>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let mut builder = TextBuilder::new();
        for value in values {
            builder.push(value.as_ref());
        }
        builder.finish(name)
    }
}
