//! What an export says of the person: custom instructions, what was remembered, the account.

use serde_json::Value;

use crate::chats::text;
use crate::page::Page;
use crate::text::quoted;

/// What was found, in the order in which it was met.
#[derive(Default)]
pub(crate) struct Profile {
    account: Vec<(&'static str, String)>,
    about: Vec<String>,
    instructions: Vec<String>,
    remembered: Vec<String>,
}

impl Profile {
    /// Takes what a message tells of the person; whether it is nothing else.
    pub(super) fn take(&mut self, kind: &str, content: &Value, metadata: &Value) -> bool {
        let given = metadata.get("user_context_message_data");
        if let Some(given) = given {
            keep(&mut self.about, text(given, &["about_user_message"]));
            keep(
                &mut self.instructions,
                text(given, &["about_model_message"]),
            );
        }
        match kind {
            "user_editable_context" => {
                if given.is_none() {
                    keep(&mut self.about, bare(text(content, &["user_profile"])));
                    keep(
                        &mut self.instructions,
                        bare(text(content, &["user_instructions"])),
                    );
                }
                true
            }
            "model_editable_context" => {
                let remembered = ["model_set_context", "repository", "structured_context"];
                for key in remembered {
                    keep(&mut self.remembered, text(content, &[key]));
                }
                true
            }
            _ => false,
        }
    }

    /// Takes what an export says of the account, `user.json`.
    pub(super) fn take_account(&mut self, account: &Value) {
        for (fact, keys) in [
            ("name", &["name"][..]),
            ("email", &["email"][..]),
            ("phone_number", &["phone_number"][..]),
        ] {
            self.account.push((fact, text(account, keys).to_owned()));
        }
        let year = account.get("birth_year").and_then(Value::as_i64);
        let year = year.map_or(String::new(), |year| year.to_string());
        self.account.push(("birth_year", year));
    }

    /// The page about the person, if the export says anything.
    pub(super) fn page(&self) -> Option<Page> {
        let mut page = Page {
            title: "ChatGPT profile".to_owned(),
            ..Page::default()
        };
        page.fact("source", "chatgpt");
        let facts = page.facts.len();
        for (name, value) in &self.account {
            page.fact(name, value);
        }
        for (title, texts) in [
            ("About the user", &self.about),
            ("Custom instructions", &self.instructions),
            ("What ChatGPT remembered", &self.remembered),
        ] {
            // The newest is what holds; the others are kept.
            for (index, text) in texts.iter().rev().enumerate() {
                let earlier = if index == 0 { "" } else { " (earlier)" };
                page.text
                    .push_str(&format!("## {title}{earlier}\n\n{}\n", quoted(text)));
            }
        }
        (page.facts.len() > facts || !page.text.is_empty()).then_some(page)
    }
}

/// Keeps a text once; the newest comes last.
fn keep(texts: &mut Vec<String>, text: &str) {
    let text = text.trim();
    if !text.is_empty() {
        texts.retain(|kept| kept != text);
        texts.push(text.to_owned());
    }
}

/// The person's words without what the service wraps them in.
fn bare(text: &str) -> &str {
    let mut parts = text.split("```");
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(inner), Some(_), None)
            if text.starts_with("The user") || text.starts_with("Preferred name") =>
        {
            inner
        }
        _ => text,
    }
}
