//! Reading the inputs of a run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::input::{Content, INPUTS_MAX_BYTES, Input, InputSource, Objects, Served};
use super::kinds::Kind;
use super::record::{RecordedInput, recorded};
use super::{files, folders};
use crate::Error;

/// Inputs that were read: their contents, the code that makes objects of them,
/// their description for models, and what a trajectory says of them.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) recorded: Vec<Value>,
    pub(crate) contents: BTreeMap<String, Vec<u8>>,
    pub(crate) setup: String,
    pub(crate) described: Vec<String>,
    /// What was guessed or changed in reading them, for models.
    pub(crate) notes: Vec<String>,
    /// The tools by which they are read, where there is no scope.
    pub(crate) served: Served,
}

impl Loaded {
    pub(crate) fn read(inputs: &[Input]) -> Result<Self, Error> {
        let mut loaded = Self::default();
        loaded.extend(inputs)?;
        Ok(loaded)
    }

    /// Reads further ones.
    pub(crate) fn extend(&mut self, inputs: &[Input]) -> Result<(), Error> {
        inputs
            .iter()
            .try_for_each(|input| self.add(input, read(input)?))
    }

    /// Those of a run that is taken up.
    pub(crate) fn read_again(recorded: &[RecordedInput]) -> Result<Self, Error> {
        let mut loaded = Self::default();
        for one in recorded {
            one.check_source()?;
            let content = read(&one.input)?;
            one.check_content(&content)?;
            loaded.add(&one.input, content)?;
        }
        Ok(loaded)
    }

    fn add(&mut self, input: &Input, content: Content) -> Result<(), Error> {
        self.recorded.push(recorded(input, &content));
        let Content {
            objects,
            told,
            notes,
        } = content;
        let name = &input.name;
        let notes = notes.iter().map(|note| format!("{name}: read {note}"));
        self.notes.extend(notes);
        self.described.push(format!("{name}: {told}"));
        let (value, contents) = match objects {
            Objects::One { kind, bytes } => (load(name, kind), vec![(name.clone(), bytes)]),
            Objects::Tables(tables) => {
                let mut entries = Vec::new();
                let mut contents = Vec::new();
                for (number, (table, bytes)) in tables.into_iter().enumerate() {
                    let place = format!("{name}/{number}");
                    let value = load(&place, "table");
                    entries.push(format!("{}: {value}", Value::from(table)));
                    contents.push((place, bytes));
                }
                (format!("{{{}}}", entries.join(", ")), contents)
            }
        };
        self.setup.push_str(&format!("{name} = {value}\n"));
        let mut total: u64 = self.contents.values().map(|one| one.len() as u64).sum();
        for (place, bytes) in contents {
            total = total.saturating_add(bytes.len() as u64);
            if total > INPUTS_MAX_BYTES {
                let what = "with it the inputs are over 2 GiB; give less, or mount the folder";
                return Err(input.wrong(what));
            }
            if self.contents.insert(place, bytes).is_some() {
                return Err(input.wrong("there are two inputs of this name"));
            }
        }
        Ok(())
    }
}

/// The code that makes an object of a content.
fn load(place: &str, kind: &str) -> String {
    format!(
        "__import__('sys').modules['memex_guest.agents'].load({}, {})",
        Value::from(place),
        Value::from(kind),
    )
}

pub(super) fn read(input: &Input) -> Result<Content, Error> {
    match &input.source {
        InputSource::Value(value) => {
            let bytes = value.to_string().into_bytes();
            Ok(Content::one("json", bytes, Kind::from(value).to_string()))
        }
        InputSource::Path(path) => {
            let found = std::fs::metadata(path).map_err(|error| input.wrong(error))?;
            match found.is_dir() {
                true => folders::read(input, path),
                false => files::read(input, path, found.len()),
            }
        }
    }
}
