//! Live scope: objects that a session begins with, made of files and values.
//!
//! | source | object |
//! |---|---|
//! | `.json` | what it says, or a list of `Trajectory` where it is one |
//! | `.jsonl`, `.ndjson` | a list, or a list of `Trajectory` where the lines are some |
//! | `.csv`, `.tsv`, `.parquet`, `.arrow`, `.feather`, `.ipc`, `.arrows` | a DataFrame |
//! | a folder | a dictionary of its text files, by path; a list of `Trajectory` where all are some |
//! | anything else | text |
//! | a value | the value |
//!
//! The content goes to the guest in pieces and is parsed there; a model is told
//! the name, the type and the size, and nothing of what is in it.

mod files;
mod folders;
mod runs;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::Error;

/// Bytes of all inputs of a run.
const INPUTS_MAX_BYTES: u64 = 2 << 30;

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

    /// As it is recorded in a trajectory.
    pub(crate) fn recorded(&self) -> Value {
        match &self.source {
            InputSource::Path(path) => json!({ "name": self.name, "path": path }),
            InputSource::Value(value) => json!({ "name": self.name, "value": value }),
        }
    }

    /// From a trajectory.
    pub(crate) fn from_record(record: &Value) -> Result<Self, Error> {
        let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
        match record.get("value") {
            Some(value) => Self::value(text("name"), value.clone()),
            None => Self::new(text("name"), text("path")),
        }
    }

    fn wrong(&self, what: impl ToString) -> Error {
        Error::Input {
            name: self.name.clone(),
            from: match &self.source {
                InputSource::Path(path) => path.display().to_string(),
                InputSource::Value(_) => "a value".to_owned(),
            },
            what: what.to_string(),
        }
    }

    fn read(&self) -> Result<Content, Error> {
        match &self.source {
            InputSource::Value(value) => Ok(Content {
                kind: "json",
                bytes: value.to_string().into_bytes(),
                told: files::kind_of(value),
            }),
            InputSource::Path(path) => {
                let found = std::fs::metadata(path).map_err(|error| self.wrong(error))?;
                match found.is_dir() {
                    true => folders::read(self, path),
                    false => files::read(self, path, found.len()),
                }
            }
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
struct Content {
    /// How the guest makes an object of it.
    kind: &'static str,
    bytes: Vec<u8>,
    /// The description for models.
    told: String,
}

/// Inputs that were read: their contents, the code that makes objects of them,
/// and their description for models.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) contents: BTreeMap<String, Vec<u8>>,
    pub(crate) setup: String,
    pub(crate) described: Vec<String>,
}

impl Loaded {
    pub(crate) fn read(inputs: &[Input]) -> Result<Self, Error> {
        let mut loaded = Self::default();
        let mut total: u64 = 0;
        for input in inputs {
            let Content { kind, bytes, told } = input.read()?;
            total = total.saturating_add(bytes.len() as u64);
            if total > INPUTS_MAX_BYTES {
                let what = "with it the inputs are over 2 GiB; give less, or mount the folder";
                return Err(input.wrong(what));
            }
            let name = &input.name;
            loaded.setup.push_str(&format!(
                "{name} = __import__('sys').modules['memex_guest.agents'].load({}, {})\n",
                Value::from(name.as_str()),
                Value::from(kind),
            ));
            loaded.described.push(format!("{name}: {told}"));
            if loaded.contents.insert(name.clone(), bytes).is_some() {
                return Err(input.wrong("there are two inputs of this name"));
            }
        }
        Ok(loaded)
    }
}
