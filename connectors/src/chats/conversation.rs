//! A conversation with an assistant, whoever exported it, as a page.

use std::fmt::Write;

use crate::page::Page;
use crate::{date, text};

/// A conversation, read.
#[derive(Default)]
pub(crate) struct Conversation {
    /// What its service names it by, the same in every export.
    pub(crate) id: String,
    pub(crate) title: String,
    /// Seconds since 1970.
    pub(crate) created: Option<f64>,
    pub(crate) updated: Option<f64>,
    /// Further facts.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Text that precedes the messages, such as a summary.
    pub(crate) preface: String,
    /// What was said, on the branch that the person saw last.
    pub(crate) messages: Vec<Said>,
    /// Messages that were left behind on other branches, and after how many of the first ones.
    pub(crate) branches: Vec<Branch>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// `User`, `Assistant`, or a longer word for what was done.
    pub(crate) who: String,
    pub(crate) text: String,
}

/// Messages that are not on the branch that was seen last.
pub(crate) struct Branch {
    pub(crate) after: usize,
    pub(crate) messages: Vec<Said>,
}

/// The fact by which a page is known again when an export is imported once more.
pub(crate) const ID: &str = "conversation_id";

impl Conversation {
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.branches.is_empty() && self.preface.trim().is_empty()
    }

    /// The page; where it goes is decided when all are known.
    pub(crate) fn page(&self, source: &str) -> Page {
        let title = text::one_line(&self.title);
        let mut page = Page {
            title: match title.is_empty() {
                true => "Untitled conversation".to_owned(),
                false => title,
            },
            ..Page::default()
        };
        page.fact("source", source);
        let dates = [("created_on", self.created), ("updated_on", self.updated)];
        for (name, time) in dates {
            page.fact(name, &time.and_then(date::of_seconds).unwrap_or_default());
        }
        page.fact("messages", &self.messages.len().to_string());
        for (name, value) in &self.facts {
            page.fact(name, value);
        }
        page.fact(ID, &self.id);
        if !self.preface.trim().is_empty() {
            let _ = write!(page.text, "{}\n\n", self.preface.trim());
        }
        page.text.push_str("## Conversation\n");
        write_messages(&mut page.text, &self.messages);
        if !self.branches.is_empty() {
            page.text.push_str("\n## Other branches\n");
        }
        for branch in &self.branches {
            let _ = writeln!(page.text, "\n### After message {}", branch.after);
            write_messages(&mut page.text, &branch.messages);
        }
        page
    }
}

fn write_messages(out: &mut String, messages: &[Said]) {
    for Said { who, text } in messages {
        let _ = write!(out, "\n**{who}**\n\n{}", text::quoted(text));
    }
}
