//! Which tools a session may call.

use crate::error::Error;
use crate::lists::check_entries;
use crate::suggestions::quoted;

const PATTERN_MAX_CHARS: usize = 128;

/// The tools a session may call: those allowed and not denied.
///
/// An entry is the exact name of a tool, or a prefix followed by `*`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolGrants {
    /// What is allowed; nothing, if empty.
    pub allow: Vec<String>,
    /// What is denied, whatever is allowed.
    pub deny: Vec<String>,
}

impl ToolGrants {
    /// Whether the tool called `name` may be called.
    pub fn permits(&self, name: &str) -> bool {
        // A caller's name is never a pattern, even one that ends in `*`.
        let listed = |entries: &[String]| {
            entries.iter().any(|entry| match entry.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == entry,
            })
        };
        listed(&self.allow) && !listed(&self.deny)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        for (list, entries) in [("tools.allow", &self.allow), ("tools.deny", &self.deny)] {
            check_entries(list, entries.len())?;
            for (index, entry) in entries.iter().enumerate() {
                check_entry(entry)?;
                if entries.iter().take(index).any(|earlier| earlier == entry) {
                    return Err(refusal(entry, "it is listed twice".to_owned()));
                }
            }
        }
        for entry in &self.allow {
            if let Some(denial) = covering(&self.deny, entry) {
                let reason = format!("{} denies it; remove one of the two", quoted(denial));
                return Err(refusal(entry, reason));
            }
        }
        Ok(())
    }

    /// Narrows to `allow`, where given, and denies `deny` in addition.
    pub(crate) fn narrow(
        &self,
        allow: Option<Vec<String>>,
        deny: Vec<String>,
    ) -> Result<Self, Error> {
        check_entries("tools.allow", allow.as_ref().map_or(0, Vec::len))?;
        check_entries("tools.deny", deny.len())?;
        let inherits = allow.is_none();
        let asked = Self {
            allow: allow.unwrap_or_else(|| self.allow.clone()),
            deny: self.deny.clone(),
        };
        for entry in &asked.allow {
            if covering(&self.allow, entry).is_none() || covering(&self.deny, entry).is_some() {
                return Err(Error::Widening {
                    field: "tools.allow".to_owned(),
                    current: self.describe(),
                    asked: quoted(entry),
                });
            }
        }
        let mut narrowed = asked;
        for entry in deny {
            check_entry(&entry)?;
            if !narrowed.deny.contains(&entry) {
                narrowed.deny.push(entry);
            }
        }
        if inherits {
            // What an overlay denies outright is no longer allowed, so that
            // the outcome does not contradict itself.
            let denied = narrowed.deny.clone();
            narrowed
                .allow
                .retain(|entry| covering(&denied, entry).is_none());
        }
        narrowed.check()?;
        Ok(narrowed)
    }

    /// `a, b* except b.c`, or `none`.
    pub(crate) fn describe(&self) -> String {
        let list = |entries: &[String]| format!("`{}`", entries.join("`, `"));
        match (self.allow.as_slice(), self.deny.as_slice()) {
            ([], _) => "none".to_owned(),
            (allow, []) => list(allow),
            (allow, deny) => format!("{} except {}", list(allow), list(deny)),
        }
    }
}

/// The entry that matches everything that `asked` matches.
fn covering<'a>(entries: &'a [String], asked: &str) -> Option<&'a String> {
    entries.iter().find(|entry| match entry.strip_suffix('*') {
        Some(prefix) => asked.strip_suffix('*').unwrap_or(asked).starts_with(prefix),
        None => *entry == asked,
    })
}

fn check_entry(entry: &str) -> Result<(), Error> {
    let name = entry.strip_suffix('*').unwrap_or(entry);
    let reason = if entry.is_empty() {
        "it is empty"
    } else if entry.chars().count() > PATTERN_MAX_CHARS {
        "it is longer than 128 characters"
    } else if name.contains('*') {
        "`*` may stand only at the end"
    } else if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-.:/".contains(c))
    {
        "a tool's name is made of ASCII letters, digits and `_ - . : /`"
    } else {
        return Ok(());
    };
    Err(refusal(entry, reason.to_owned()))
}

fn refusal(entry: &str, reason: String) -> Error {
    Error::Invalid {
        what: "tool",
        value: quoted(entry),
        reason,
    }
}
