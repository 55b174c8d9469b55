//! Reading the inputs of a run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::input::{Content, INPUTS_MAX_BYTES, Input, InputSource};
use super::{files, folders};
use crate::Error;

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
            let Content { kind, bytes, told } = read(input)?;
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

fn read(input: &Input) -> Result<Content, Error> {
    match &input.source {
        InputSource::Value(value) => Ok(Content {
            kind: "json",
            bytes: value.to_string().into_bytes(),
            told: files::kind_of(value),
        }),
        InputSource::Path(path) => {
            let found = std::fs::metadata(path).map_err(|error| input.wrong(error))?;
            match found.is_dir() {
                true => folders::read(input, path),
                false => files::read(input, path, found.len()),
            }
        }
    }
}
