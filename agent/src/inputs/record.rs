//! Inputs in the record of a run, which may come from anybody.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::input::{Content, Input, InputSource, Objects};
use crate::Error;

/// An input as a trajectory has it.
///
/// A record names files of this computer and gives their content to the code in it.
/// So a file is taken only if it has what the record says that it had: a record
/// that somebody made up opens no file whose content they do not have.
#[derive(Debug)]
pub(crate) struct RecordedInput {
    pub(super) input: Input,
    sha256: Option<String>,
}

impl RecordedInput {
    /// From a trajectory.
    pub(crate) fn read(record: &Value) -> Result<Self, Error> {
        let text = |key: &str| record.get(key).and_then(Value::as_str);
        let name = text("name").unwrap_or_default();
        let input = match record.get("value") {
            Some(value) => Input::value(name, value.clone()),
            None => Input::new(name, text("path").unwrap_or_default()),
        }?;
        let sha256 = text("sha256").map(str::to_owned);
        Ok(Self { input, sha256 })
    }

    /// Refuses what must not be opened, before anything is read.
    pub(super) fn check_source(&self) -> Result<(), Error> {
        let InputSource::Path(path) = &self.input.source else {
            return Ok(());
        };
        if self.sha256.is_none() {
            return Err(self.input.wrong(
                "the record of the run has no sha256 of it, so it is not opened; \
                 hint: run the task again with this input",
            ));
        }
        match is_file_or_folder(path) {
            true => Ok(()),
            false => Err(self.input.wrong("there is no such file or folder any more")),
        }
    }

    /// Refuses another content than that of the run.
    pub(super) fn check_content(&self, content: &Content) -> Result<(), Error> {
        match &self.sha256 {
            Some(recorded) if *recorded != digest(content) => Err(self.input.wrong(
                "it is not what the run began with: the sha256 in its record is another; \
                 hint: put the file back, or run the task again with this input",
            )),
            _ => Ok(()),
        }
    }
}

/// An input as it is put into a trajectory, with what it had.
pub(super) fn recorded(input: &Input, content: &Content) -> Value {
    match &input.source {
        InputSource::Value(value) => json!({ "name": input.name, "value": value }),
        InputSource::Path(path) => {
            json!({ "name": input.name, "path": path, "sha256": digest(content) })
        }
    }
}

/// The digest of what the guest makes an object of.
fn digest(content: &Content) -> String {
    let mut hash = Sha256::new();
    match &content.objects {
        Objects::One { kind, bytes } => {
            hash.update(kind);
            hash.update([0]);
            hash.update(bytes);
        }
        Objects::Tables(tables) => {
            for (name, bytes) in tables {
                for part in [name.as_bytes(), bytes] {
                    hash.update(part.len().to_le_bytes());
                    hash.update(part);
                }
            }
        }
    }
    format!("{:x}", hash.finalize())
}

/// Not a pipe or a device, which may go on for ever.
fn is_file_or_folder(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_dir() || found.is_file())
}
