//! The result of running a block of code.

use serde::{Deserialize, Serialize};

use crate::absent::is_false;

/// What running a block of code gave, in its parts. The step's `text` is what
/// was made of them for the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// What was printed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stdout: String,
    /// The last expression, as Python shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The exception that ended the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<GuestError>,
    /// The limits that were reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitReached>,
    /// The names that were made, changed or deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameChange>,
    /// Images and other rich output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub displays: Vec<Display>,
    /// Whether the session lost its state and began anew.
    #[serde(default, skip_serializing_if = "is_false")]
    pub state_lost: bool,
}

/// An exception of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestError {
    /// The class, such as `ValueError`.
    pub kind: String,
    /// Its message.
    #[serde(default)]
    pub message: String,
    /// The frames, as Python prints them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub traceback: String,
}

/// A limit that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitReached {
    /// Its name in the policy, such as `guest_time_ms`.
    pub name: String,
    /// Where it stood.
    pub limit: u64,
    /// What was asked for, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<u64>,
}

/// What became of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameChange {
    /// The name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// The type of its value, such as `DataFrame`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The shape or length, such as `100×3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
}

/// What became of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    #[default]
    New,
    /// It has another value.
    Changed,
    /// It is gone.
    Deleted,
}

impl Change {
    /// Its name, as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
        }
    }
}

/// An image or other rich output.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Display {
    /// Its media type, such as `image/png`.
    pub media_type: String,
    /// How `data` holds it.
    #[serde(default)]
    pub encoding: Encoding,
    /// The content, or where it is.
    pub data: String,
    /// What it shows, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// How a display's data holds its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// As text.
    #[default]
    Text,
    /// As bytes in base64.
    Base64,
    /// In a file beside the trajectory, or at an address; never loaded here.
    Path,
}
