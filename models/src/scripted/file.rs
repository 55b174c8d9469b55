//! Scripts as files: TOML, JSON or lines of JSON.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ScriptEntry, matching};
use crate::ModelError;

/// How large a script may be.
pub const SCRIPT_BYTES_MAX: u64 = 64 << 20;

/// Which entry serves a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptOrder {
    /// Every conversation plays the entries for it one after another, from the
    /// first. The expectations of an entry must hold. Other conversations do not
    /// matter.
    #[default]
    Conversation,
    /// All requests together play the entries one after another.
    Sequence,
    /// The first entry that matches and that the conversation has not used up.
    Keyed,
}

/// The replies of a [`ScriptedModel`](crate::ScriptedModel).
///
/// As TOML: `order` and `chunk_chars`, then `[[reply]]` tables. As JSON: an
/// object with `order`, `chunk_chars` and the list `reply`, or the list alone.
/// As JSONL: an entry a line; a first line with `order` or `chunk_chars` is
/// about all of them, and empty lines are skipped.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    /// What errors call it.
    pub name: String,
    /// Which entry serves a request.
    pub order: ScriptOrder,
    /// How many characters of text come at once; 0 is all of it.
    pub chunk_chars: usize,
    /// The entries.
    pub entries: Vec<ScriptEntry>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Document {
    order: ScriptOrder,
    chunk_chars: usize,
    reply: Vec<ScriptEntry>,
}

impl Script {
    /// A script of these entries, played by each conversation.
    pub fn new(name: impl Into<String>, entries: Vec<ScriptEntry>) -> Self {
        Self {
            name: name.into(),
            entries,
            ..Self::default()
        }
    }

    /// Reads a file; the end of its name says how: `.toml`, `.json` or `.jsonl`.
    ///
    /// # Errors
    /// [`ModelError::File`] and [`ModelError::Format`].
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let text = read_text(path, SCRIPT_BYTES_MAX)?;
        let kind = path.extension().and_then(|kind| kind.to_str());
        Self::parse(&path.display().to_string(), kind.unwrap_or(""), &text)
    }

    /// Reads a text; `kind` is `toml`, `json` or `jsonl`.
    ///
    /// # Errors
    /// [`ModelError::Format`].
    pub fn parse(name: &str, kind: &str, text: &str) -> Result<Self, ModelError> {
        let document = match kind {
            "toml" => memex_settings::read(text)
                .map_err(|misread| format(name, Some(misread.line), misread.what))?,
            "json" => json(name, text)?,
            "jsonl" => lines(name, text)?,
            _ => {
                let what = "is no script by its name; end it in .toml, .json or .jsonl";
                return Err(format(name, None, what));
            }
        };
        for (index, entry) in document.reply.iter().enumerate() {
            matching::check(&entry.expect)
                .map_err(|what| format(name, None, format!("entry {}: {what}", index + 1)))?;
        }
        Ok(Self {
            name: name.to_owned(),
            order: document.order,
            chunk_chars: document.chunk_chars,
            entries: document.reply,
        })
    }
}

fn json(name: &str, text: &str) -> Result<Document, ModelError> {
    let wrong = |error: serde_json::Error| format(name, Some(error.line()), error);
    if text.trim_start().starts_with('[') {
        let reply = serde_json::from_str(text).map_err(wrong)?;
        return Ok(Document {
            reply,
            ..Document::default()
        });
    }
    serde_json::from_str(text).map_err(wrong)
}

fn lines(name: &str, text: &str) -> Result<Document, ModelError> {
    let mut document = Document::default();
    let mut first = true;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |error: serde_json::Error| format(name, Some(number), error);
        let value: Value = serde_json::from_str(line).map_err(wrong)?;
        let about_all = ["order", "chunk_chars"];
        let about_all = about_all.iter().any(|member| value.get(member).is_some());
        if std::mem::take(&mut first) && about_all {
            document = serde_json::from_value(value).map_err(wrong)?;
            continue;
        }
        let entry = serde_json::from_value(value).map_err(wrong)?;
        document.reply.push(entry);
    }
    Ok(document)
}

pub(crate) fn format(file: &str, line: Option<usize>, what: impl ToString) -> ModelError {
    ModelError::Format {
        file: file.to_owned(),
        line,
        what: what.to_string(),
    }
}

/// A file's text, if it is no larger than it may be.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String, ModelError> {
    use std::io::Read as _;
    let lost = |source| ModelError::File {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(lost)?;
    let mut text = String::new();
    let mut bounded = file.take(bytes_max.saturating_add(1));
    bounded.read_to_string(&mut text).map_err(lost)?;
    if text.len() as u64 > bytes_max {
        return Err(ModelError::TooLarge {
            what: "the file",
            limit: bytes_max,
        });
    }
    Ok(text)
}
