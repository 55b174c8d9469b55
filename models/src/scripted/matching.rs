//! Whether a request is the one that an entry expects.

use regex::Regex;

use super::{Expectation, ScriptEntry};
use crate::error::excerpt;
use crate::{Request, Role};

impl Expectation {
    pub(super) fn is_anything(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether an entry is for the asking conversation.
pub(super) fn is_for(entry: &ScriptEntry, request: &Request) -> bool {
    let fits =
        |wanted: &Option<String>, given: &Option<String>| wanted.is_none() || wanted == given;
    fits(&entry.agent, &request.agent) && fits(&entry.conversation, &request.conversation)
}

/// What of an expectation does not hold.
pub(super) fn mismatch(expect: &Expectation, request: &Request) -> Option<String> {
    let asks = expect.contains.is_some() || expect.matches.is_some();
    let last = request.messages.last().filter(|_| asks);
    let text = last.map(crate::Message::text).unwrap_or_default();
    if let Some(wanted) = &expect.contains
        && !text.contains(wanted)
    {
        return Some(format!("a last message that contains {wanted:?}"));
    }
    if let Some(wanted) = &expect.matches
        && !Regex::new(wanted).is_ok_and(|regex| regex.is_match(&text))
    {
        return Some(format!("a last message that matches /{wanted}/"));
    }
    if let Some(wanted) = expect.messages
        && wanted != request.messages.len()
    {
        return Some(format!("{wanted} messages"));
    }
    let offered = |name: &&String| !request.tools.iter().any(|tool| tool.name == **name);
    let missing = expect.tools.iter().find(offered)?;
    Some(format!("the tool {missing}"))
}

/// Everything that an entry wants, in words.
pub(super) fn wanted(entry: &ScriptEntry) -> String {
    let mut words = Vec::new();
    let named = [
        ("agent", &entry.agent),
        ("conversation", &entry.conversation),
    ];
    for (what, name) in named {
        words.extend(name.as_ref().map(|name| format!("{what} {name}")));
    }
    let expect = &entry.expect;
    let contains = expect.contains.as_ref();
    words.extend(contains.map(|text| format!("a last message that contains {text:?}")));
    let matches = expect.matches.as_ref();
    words.extend(matches.map(|regex| format!("a last message that matches /{regex}/")));
    words.extend(expect.messages.map(|count| format!("{count} messages")));
    words.extend(expect.tools.iter().map(|tool| format!("the tool {tool}")));
    if words.is_empty() {
        return "anything".to_owned();
    }
    words.join(", ")
}

/// What is wrong with an expectation itself.
pub(super) fn check(expect: &Expectation) -> Result<(), String> {
    let Some(regex) = &expect.matches else {
        return Ok(());
    };
    let error = Regex::new(regex).err();
    error.map_or(Ok(()), |error| Err(format!("/{regex}/: {error}")))
}

/// A request in words.
pub(crate) fn description(request: &Request) -> String {
    let mut words = Vec::new();
    let labels = [
        ("agent", &request.agent),
        ("conversation", &request.conversation),
    ];
    for (what, name) in labels {
        words.extend(name.as_ref().map(|name| format!("{what} {name}")));
    }
    words.push(match request.messages.len() {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    });
    if let Some(last) = request.messages.last() {
        let role = match last.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        };
        words.push(format!("the last by {role}: {:?}", excerpt(&last.text())));
    }
    words.join(", ")
}
