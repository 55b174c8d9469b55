//! A conversation as it is kept: a JSON list of messages.

use std::path::Path;

use memex_models::Message;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::files::{self, Readers};

/// The longest conversation that is read.
const CONVERSATION_BYTES_MAX: u64 = 64 << 20;

/// The author of an [`Entry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The prompt.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A result. The model is sent it as the person's.
    Tool,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its author.
    pub role: Role,
    /// Its text.
    pub content: String,
}

/// The conversation so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conversation {
    entries: Vec<Entry>,
}

impl Conversation {
    /// A conversation that begins with a prompt.
    #[must_use]
    pub fn new(system_prompt: &str) -> Self {
        let mut conversation = Self::default();
        conversation.push(Role::System, system_prompt);
        conversation
    }

    /// The messages, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds a message.
    pub fn push(&mut self, role: Role, content: impl Into<String>) {
        self.entries.push(Entry {
            role,
            content: content.into(),
        });
    }

    /// Reads a conversation that was saved.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Malformed`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = files::read_text(path, CONVERSATION_BYTES_MAX)?;
        serde_json::from_str(&text)
            .map_err(|error| Error::malformed(path.display(), Some(error.line()), error))
    }

    /// Saves the conversation, whole or not at all.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::malformed(path.display(), None, error))?;
        files::replace(path, (text + "\n").as_bytes(), Readers::Owner)
    }

    /// The messages as a model is sent them. With `last_thoughts_only`, older
    /// replies are sent without their thoughts.
    #[must_use]
    pub fn messages(&self, last_thoughts_only: bool) -> Vec<Message> {
        let is_reply = |entry: &Entry| entry.role == Role::Assistant;
        let newest = self.entries.iter().rposition(is_reply);
        let messages = self.entries.iter().enumerate();
        let messages = messages.map(|(index, entry)| match entry.role {
            Role::System => Message::system(&entry.content),
            Role::User | Role::Tool => Message::user(&entry.content),
            Role::Assistant if last_thoughts_only && Some(index) != newest => {
                Message::assistant(without_thoughts(&entry.content))
            }
            Role::Assistant => Message::assistant(&entry.content),
        });
        messages.collect()
    }
}

/// A reply without its first block of thoughts.
fn without_thoughts(reply: &str) -> String {
    let Some((before, rest)) = reply.split_once("<think>") else {
        return reply.to_owned();
    };
    match rest.split_once("</think>") {
        Some((_, after)) => format!("{before}{}", after.trim_start()),
        None => reply.to_owned(),
    }
}
