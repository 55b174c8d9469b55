//! A folder of scripts and tasks, and runs of the command in it.

use crate::memex::{Ran, command};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// A folder that the command runs in.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.at(name), text).unwrap();
    }

    /// Writes a script whose replies are played one after another.
    pub(crate) fn script(&self, name: &str, replies: &[Value]) {
        self.write(name, json!({ "reply": replies }).to_string());
    }

    /// Writes a script whose replies are found by what they expect.
    pub(crate) fn keyed(&self, name: &str, replies: &[Value]) {
        let script = json!({ "order": "keyed", "reply": replies });
        self.write(name, script.to_string());
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&[&["agent"], arguments].concat());
        command.current_dir(self.folder.path());
        for name in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs `memex agent …` to its end.
    pub(crate) fn agent(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }
}

/// A reply of words.
pub(crate) fn says(text: &str) -> Value {
    json!({ "text": text })
}

/// A reply that runs a block.
pub(crate) fn runs(code: &str) -> Value {
    calls("python", json!({ "code": code }))
}

/// A reply that calls a tool.
pub(crate) fn calls(name: &str, arguments: Value) -> Value {
    json!({ "tool_calls": [{ "name": name, "arguments": arguments }] })
}

/// The reply, expecting this in what the model was shown last.
pub(crate) fn after(shown: &str, mut reply: Value) -> Value {
    reply["expect"] = json!({ "contains": shown });
    reply
}

/// The last object that a program was told.
pub(crate) fn result(ran: &Ran) -> Value {
    let result = ran.objects().pop();
    result.unwrap_or_else(|| panic!("nothing was told: {ran:#?}"))
}
