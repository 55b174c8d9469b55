//! Reading the inputs of a run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::input::{Content, INPUTS_MAX_BYTES, Input, InputSource, Objects};
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
}

impl Loaded {
    pub(crate) fn read(inputs: &[Input]) -> Result<Self, Error> {
        let mut loaded = Self::default();
        for input in inputs {
            let Content { objects, told } = read(input)?;
            let name = &input.name;
            loaded.described.push(format!("{name}: {told}"));
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
            loaded.setup.push_str(&format!("{name} = {value}\n"));
            for (place, bytes) in contents {
                total = total.saturating_add(bytes.len() as u64);
                if total > INPUTS_MAX_BYTES {
                    let what = "with it the inputs are over 2 GiB; give less, or mount the folder";
                    return Err(input.wrong(what));
                }
                if loaded.contents.insert(place, bytes).is_some() {
                    return Err(input.wrong("there are two inputs of this name"));
                }
            }
        }
        Ok(loaded)
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

    /// Those of a run without a scope: only their names and sources.
    pub(crate) fn unread(inputs: &[Input]) -> Self {
        Self {
            recorded: inputs.iter().map(|input| recorded(input, None)).collect(),
            ..Self::default()
        }
    }

    fn add(&mut self, input: &Input, content: Content) -> Result<(), Error> {
        let before: u64 = self.contents.values().map(|one| one.len() as u64).sum();
        if before.saturating_add(content.bytes.len() as u64) > INPUTS_MAX_BYTES {
            let what = "with it the inputs are over 2 GiB; give less, or mount the folder";
            return Err(input.wrong(what));
        }
        self.recorded.push(recorded(input, Some(&content)));
        let Content { kind, bytes, told } = content;
        let name = &input.name;
        self.setup.push_str(&format!(
            "{name} = __import__('sys').modules['memex_guest.agents'].load({}, {})\n",
            Value::from(name.as_str()),
            Value::from(kind),
        ));
        self.described.push(format!("{name}: {told}"));
        match self.contents.insert(name.clone(), bytes) {
            Some(_) => Err(input.wrong("there are two inputs of this name")),
            None => Ok(()),
        }
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

fn read(input: &Input) -> Result<Content, Error> {
    match &input.source {
        InputSource::Value(value) => {
            let bytes = value.to_string().into_bytes();
            Ok(Content::one("json", bytes, files::kind_of(value)))
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
