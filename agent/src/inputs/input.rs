//! What an object of the scope is made of.

use std::path::PathBuf;
use std::sync::Arc;

use memex_host_tools::Tool;
use serde_json::Value;

use crate::Error;

/// Bytes of all inputs of a run.
pub(super) const INPUTS_MAX_BYTES: u64 = 2 << 30;

/// An object for the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name in the scope.
    pub name: String,
    /// Its source.
    pub source: InputSource,
}

/// The source of an object for the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputSource {
    /// A file or a folder.
    Path(PathBuf),
    /// A value, kept in the trajectory.
    Value(Value),
}

impl Input {
    /// An object of this name, made of a file or a folder.
    ///
    /// # Errors
    /// [`Error::Input`] for a name that Python does not take.
    pub fn new(name: &str, path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        // A run that is resumed elsewhere finds it, too.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self::of(name, InputSource::Path(path))
    }

    /// A value of this name.
    ///
    /// # Errors
    /// As [`Input::new`].
    pub fn value(name: &str, value: Value) -> Result<Self, Error> {
        Self::of(name, InputSource::Value(value))
    }

    fn of(name: &str, source: InputSource) -> Result<Self, Error> {
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic());
        let input = Self {
            name: name.to_owned(),
            source,
        };
        if !is_name || KEYWORDS.contains(&name) {
            let what = "the name must be a Python name of letters, digits and _, such as data";
            return Err(input.wrong(what));
        }
        Ok(input)
    }

    pub(super) fn wrong(&self, what: impl ToString) -> Error {
        Error::Input {
            name: self.name.clone(),
            from: match &self.source {
                InputSource::Path(path) => path.display().to_string(),
                InputSource::Value(_) => "a value".to_owned(),
            },
            what: what.to_string(),
        }
    }
}

/// Words that are no names.
const KEYWORDS: [&str; 32] = [
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
    "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda",
    "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// An input that was read.
pub(super) struct Content {
    pub(super) objects: Objects,
    /// The description for models.
    pub(super) told: String,
    /// What was guessed or changed, in words that follow "read".
    pub(super) notes: Vec<String>,
}

/// What the guest makes an object of.
pub(super) enum Objects {
    /// Bytes, and how an object is made of them.
    One { kind: &'static str, bytes: Vec<u8> },
    /// A dictionary of tables.
    Tables(Vec<(String, Vec<u8>)>),
}

/// The tools by which inputs are served where there is no scope.
#[derive(Clone, Default)]
pub(crate) struct Served(pub(crate) Vec<Arc<dyn Tool>>);

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.iter().map(|tool| tool.spec().name.as_str());
        f.debug_list().entries(names).finish()
    }
}

impl Content {
    pub(super) fn one(kind: &'static str, bytes: Vec<u8>, told: String) -> Self {
        Self {
            objects: Objects::One { kind, bytes },
            told,
            notes: Vec::new(),
        }
    }
}
