//! Every way in which a policy can be refused.

use crate::unit::Unit;

/// Why a policy, an overlay or a change to a policy was refused.
///
/// A refusal leaves the policy it was asked of unchanged. Where the cause
/// stands in a text, the refusal is wrapped in [`Error::At`]; [`Error::cause`]
/// unwraps it. The remedy, where there is one, is on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A refusal, with its place in the text.
    #[error("line {line}, column {column}: {error}")]
    At {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What was refused there.
        error: Box<Error>,
    },
    /// The text is not TOML.
    #[error("this is not valid TOML: {message}")]
    Syntax {
        /// What the TOML parser says.
        message: String,
    },
    /// The text is longer than a policy may be.
    #[error("the policy has {bytes} bytes; at most {maximum} are read")]
    TooLong {
        /// Length of the text.
        bytes: usize,
        /// The greatest length that is read.
        maximum: usize,
    },
    /// A key that means nothing here; settings are never ignored.
    #[error("unknown key {key} in {table}\n  hint: {hint}")]
    UnknownKey {
        /// The key, quoted.
        key: String,
        /// The table that contains it.
        table: String,
        /// The nearest valid key, or all of them.
        hint: String,
    },
    /// The same key twice, once with `-` and once with `_`.
    #[error("`{key}` is set twice; `-` and `_` in keys mean the same")]
    DuplicateKey {
        /// The key, with `_`.
        key: String,
    },
    /// A required key is absent.
    #[error("{table} lacks `{key}`\n  hint: {hint}")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// The table that lacks it.
        table: String,
        /// What to write.
        hint: &'static str,
    },
    /// A value of the wrong type.
    #[error("`{key}` must be {expected}, not {found}")]
    WrongType {
        /// The key, from the root.
        key: String,
        /// What is accepted.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A word that is not one of the accepted ones.
    #[error("`{key}` cannot be {value}\n  hint: {hint}")]
    UnknownChoice {
        /// The key, from the root.
        key: String,
        /// The word, quoted.
        value: String,
        /// The nearest accepted word, or all of them.
        hint: String,
    },
    /// The policy is of a version that this build does not read.
    #[error("policy version {found} is not known\n  hint: this build reads `version = 1`")]
    Version {
        /// The version asked for.
        found: u64,
    },
    /// There is no such limit.
    #[error("there is no limit {name}\n  hint: {hint}")]
    UnknownLimit {
        /// The name, quoted.
        name: String,
        /// The nearest limit, or all of them.
        hint: String,
    },
    /// A limit outside its range.
    #[error("limit `{name}` cannot be {value}: the {bound}")]
    LimitRange {
        /// The limit.
        name: &'static str,
        /// The value asked for, with its unit.
        value: String,
        /// The bound that it breaks, as in "maximum is 4 GiB".
        bound: String,
    },
    /// A text that is no size, time or count.
    #[error("{text} is not {}\n  hint: {}", unit.noun(), unit.example())]
    Quantity {
        /// The text, quoted.
        text: String,
        /// The unit that was expected.
        unit: Unit,
    },
    /// The preset does not permit what was asked.
    #[error("preset `{preset}` does not permit {what}\n  hint: write `extends = \"{remedy}\"`")]
    NotPermitted {
        /// What was asked, in words.
        what: String,
        /// The preset in force.
        preset: &'static str,
        /// The narrowest preset that permits it.
        remedy: &'static str,
    },
    /// A list with too many entries.
    #[error("`{list}` has more than {maximum} entries")]
    TooMany {
        /// The list.
        list: &'static str,
        /// The most entries it may have.
        maximum: usize,
    },
    /// A name, path, host or other text that breaks its rules.
    #[error("{what} {value} is refused: {reason}")]
    Invalid {
        /// What the text is, as in "guest path".
        what: &'static str,
        /// The text, quoted.
        value: String,
        /// The rule it breaks and the remedy.
        reason: String,
    },
    /// An overlay, or a narrowing change, asks for more than is granted.
    #[error("`{field}` may only be narrowed: it is {current}, and {asked} was asked")]
    Widening {
        /// The field.
        field: String,
        /// What the policy grants.
        current: String,
        /// The question.
        asked: String,
    },
}

impl Error {
    /// The refusal itself, without its place in the text.
    pub fn cause(&self) -> &Self {
        match self {
            Self::At { error, .. } => error.cause(),
            other => other,
        }
    }

    /// Line and column, both from 1, where the refusal has a place.
    pub fn place(&self) -> Option<(usize, usize)> {
        match self {
            Self::At { line, column, .. } => Some((*line, *column)),
            _ => None,
        }
    }
}
