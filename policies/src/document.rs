//! A typed view of a TOML text in which every value knows its path and place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::error::Error;
use crate::suggestions::{hint, quoted};
use crate::unit::Unit;

/// The longest policy text that is read.
pub const POLICY_MAX_BYTES: usize = 1 << 20;

/// A value with its place in the text, for refusals that come later.
#[derive(Debug, Clone)]
pub(crate) struct Placed<'a, T> {
    pub(crate) value: T,
    text: &'a str,
    offset: usize,
}

impl<T> Placed<'_, T> {
    /// Turns a refusal of this value into one with its place.
    pub(crate) fn refusal(&self, error: Error) -> Error {
        if error.place().is_some() {
            return error;
        }
        let before = self.text.get(..self.offset).unwrap_or(self.text);
        let line = before.rsplit('\n').next().unwrap_or(before);
        Error::At {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            error: Box::new(error),
        }
    }
}

/// A table of the document.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    text: &'a str,
    path: String,
    start: usize,
    entries: Vec<(Placed<'a, &'a str>, Item<'a>)>,
}

/// A value of the document.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    text: &'a str,
    path: String,
    span: Range<usize>,
    value: &'a DeValue<'a>,
}

/// Parses `text`; the syntax tree borrows it.
pub(crate) fn parse(text: &str) -> Result<DeTable<'_>, Error> {
    if text.len() > POLICY_MAX_BYTES {
        return Err(Error::TooLong {
            bytes: text.len(),
            maximum: POLICY_MAX_BYTES,
        });
    }
    let tree = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let message = error.message().to_owned();
        place(text, start, ()).refusal(Error::Syntax { message })
    })?;
    Ok(tree.into_inner())
}

impl<'a> Table<'a> {
    pub(crate) fn root(text: &'a str, tree: &'a DeTable<'a>) -> Self {
        Self::open(text, String::new(), 0, tree)
    }

    fn open(text: &'a str, path: String, start: usize, table: &'a DeTable<'a>) -> Self {
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| {
                let name: &'a str = key.get_ref();
                let separator = if path.is_empty() { "" } else { "." };
                let item = Item {
                    text,
                    path: format!("{path}{separator}{}", name.replace('-', "_")),
                    span: value.span(),
                    value: value.get_ref(),
                };
                (key.span().start, name, item)
            })
            .collect();
        entries.sort_by_key(|(start, ..)| *start);
        let entries = entries
            .into_iter()
            .map(|(start, name, item)| (place(text, start, name), item))
            .collect();
        Self {
            text,
            path,
            start,
            entries,
        }
    }

    /// Refuses every key that is not one of `known`, and every key given twice.
    pub(crate) fn expect_keys(&self, known: &[&'static str]) -> Result<(), Error> {
        for (index, (key, _)) in self.entries.iter().enumerate() {
            let name = key.value.replace('-', "_");
            if !known.contains(&name.as_str()) {
                return Err(key.refusal(Error::UnknownKey {
                    key: quoted(key.value),
                    table: self.describe(),
                    hint: hint(key.value, known),
                }));
            }
            let mut earlier = self.entries.iter().take(index);
            if earlier.any(|(key, _)| key.value.replace('-', "_") == name) {
                return Err(key.refusal(Error::DuplicateKey { key: name }));
            }
        }
        Ok(())
    }

    /// The value of `name`, which may be written with `-` or `_`.
    pub(crate) fn get(&self, name: &str) -> Option<&Item<'a>> {
        self.entries
            .iter()
            .find(|(key, _)| key.value.replace('-', "_") == name)
            .map(|(_, item)| item)
    }

    /// The value of `name`, or a refusal that says what to write.
    pub(crate) fn require(
        &self,
        name: &'static str,
        hint: &'static str,
    ) -> Result<&Item<'a>, Error> {
        self.get(name).ok_or_else(|| {
            place(self.text, self.start, ()).refusal(Error::MissingKey {
                key: name,
                table: self.describe(),
                hint,
            })
        })
    }

    /// Every key as written, with its value, in the order of the text.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &(Placed<'a, &'a str>, Item<'a>)> {
        self.entries.iter()
    }

    fn describe(&self) -> String {
        match self.path.as_str() {
            "" => "the policy".to_owned(),
            path => format!("`{path}`"),
        }
    }
}

impl<'a> Item<'a> {
    /// Attaches this item's place to a value read from it.
    pub(crate) fn placed<T>(&self, value: T) -> Placed<'a, T> {
        place(self.text, self.span.start, value)
    }

    pub(crate) fn string(&self) -> Result<&'a str, Error> {
        match self.value {
            DeValue::String(text) => Ok(text),
            _ => Err(self.wrong_type("a string")),
        }
    }

    pub(crate) fn boolean(&self) -> Result<bool, Error> {
        match self.value {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.wrong_type("`true` or `false`")),
        }
    }

    /// A whole number from 0 to 2⁶⁴ − 1.
    pub(crate) fn number(&self) -> Result<u64, Error> {
        let expected = "a whole number from 0 to 18446744073709551615";
        match self.value {
            DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix())
                .map_err(|_| self.wrong_type(expected)),
            _ => Err(self.wrong_type(expected)),
        }
    }

    /// A whole number, or a text with a suffix of `unit`.
    pub(crate) fn quantity(&self, unit: Unit) -> Result<u64, Error> {
        match (self.value, unit) {
            (DeValue::String(text), Unit::Bytes | Unit::Milliseconds) => unit
                .parse(text)
                .map_err(|error| self.placed(()).refusal(error)),
            _ => self.number(),
        }
    }

    pub(crate) fn items(&self) -> Result<Vec<Item<'a>>, Error> {
        match self.value {
            DeValue::Array(array) => Ok(self.children(array)),
            _ => Err(self.wrong_type("an array")),
        }
    }

    /// The items of an array of tables, each with its table.
    pub(crate) fn tables(
        &self,
        known: &[&'static str],
    ) -> Result<Vec<Placed<'a, Table<'a>>>, Error> {
        let DeValue::Array(array) = self.value else {
            return Err(self.wrong_type("an array of tables, each under a header in `[[ ]]`"));
        };
        let children = self.children(array);
        children
            .iter()
            .map(|item| Ok(item.placed(item.table(known)?)))
            .collect()
    }

    /// A table with no keys but those `known`.
    pub(crate) fn table(&self, known: &[&'static str]) -> Result<Table<'a>, Error> {
        let table = self.open_table()?;
        table.expect_keys(known)?;
        Ok(table)
    }

    /// A table with keys of the writer's own choice.
    pub(crate) fn open_table(&self) -> Result<Table<'a>, Error> {
        match self.value {
            DeValue::Table(table) => Ok(Table::open(
                self.text,
                self.path.clone(),
                self.span.start,
                table,
            )),
            _ => Err(self.wrong_type("a table")),
        }
    }

    /// A word, turned into a value by `read`.
    pub(crate) fn choice<T>(
        &self,
        read: impl FnOnce(&str) -> Result<T, Error>,
    ) -> Result<T, Error> {
        read(self.string()?).map_err(|error| {
            let error = match error {
                Error::UnknownChoice { value, hint, .. } => Error::UnknownChoice {
                    key: self.path.clone(),
                    value,
                    hint,
                },
                other => other,
            };
            self.placed(()).refusal(error)
        })
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    fn children(&self, array: &'a DeArray<'a>) -> Vec<Item<'a>> {
        let child = |(index, value): (usize, &'a Spanned<DeValue<'a>>)| Item {
            text: self.text,
            path: format!("{}[{index}]", self.path),
            span: value.span(),
            value: value.get_ref(),
        };
        array.iter().enumerate().map(child).collect()
    }

    fn wrong_type(&self, expected: &'static str) -> Error {
        let found = match self.value {
            DeValue::String(text) => format!("the string {}", quoted(text)),
            DeValue::Integer(digits) => format!("the number {}", quoted(&digits.to_string())),
            DeValue::Float(digits) => format!("the number {}", quoted(&digits.to_string())),
            DeValue::Boolean(value) => format!("`{value}`"),
            DeValue::Datetime(_) => "a date or time".to_owned(),
            DeValue::Array(_) => "an array".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        self.placed(()).refusal(Error::WrongType {
            key: self.path.clone(),
            expected,
            found,
        })
    }
}

fn place<T>(text: &str, offset: usize, value: T) -> Placed<'_, T> {
    Placed {
        value,
        text,
        offset,
    }
}
