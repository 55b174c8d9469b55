//! ChatGPT exports.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use memex_channel::tree::TreeSize;
use memex_memory::Error;

use crate::archive::{self, Unpacker, Wanted};
use crate::pages::{Page, Pages};
use crate::report::malformed;
use crate::slug::Slugs;
use crate::{ImportReport, Importer, date, text};

/// What one conversation may take as values.
const VALUES_MAX_BYTES: usize = 256 << 20;

#[derive(Deserialize)]
struct Conversation {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    create_time: Option<f64>,
    #[serde(default)]
    update_time: Option<f64>,
    #[serde(default)]
    default_model_slug: Option<String>,
    #[serde(default)]
    current_node: Option<String>,
    mapping: HashMap<String, Turn>,
}

#[derive(Deserialize)]
struct Turn {
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    parent: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    author: Role,
    #[serde(default)]
    create_time: Option<f64>,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    metadata: Value,
}

#[derive(Deserialize)]
struct Role {
    role: String,
}

pub(super) fn import(importer: &Importer<'_>, export: &Path) -> Result<ImportReport, Error> {
    let mut file = archive::open(export, &importer.limits)?;
    let mut found = Vec::new();
    let mut report = ImportReport::default();
    let place = export.to_string_lossy().into_owned();
    let mut mark = [0; 2];
    let is_archive = file.read_exact(&mut mark).is_ok() && &mark == b"PK";
    let file = archive::open(export, &importer.limits)?;
    if is_archive {
        let wanted = |name: &str| {
            let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
            match name.starts_with("conversations") && name.ends_with(".json") {
                true => Wanted::Yes,
                false => Wanted::No,
            }
        };
        let mut files = 0;
        let mut unpacker = Unpacker::new(importer.limits, &wanted);
        unpacker.each(file, &place, &mut report, &mut |name, content, report| {
            files += 1;
            read(content, name, importer, &mut found, report)
        })?;
        if files == 0 {
            return Err(malformed(
                place,
                "holds no conversations.json; is it a ChatGPT export?",
            ));
        }
    } else {
        let bounded = file.take(importer.limits.entry_bytes_max);
        read(bounded, &place, importer, &mut found, &mut report)?;
    }
    write(importer, found, report)
}

/// A conversation, ready to be written.
pub(super) struct Found {
    created: f64,
    page: Page,
}

/// Reads one conversation after the other: all of them together can be larger
/// than memory.
pub(super) fn read(
    content: impl Read,
    place: &str,
    importer: &Importer<'_>,
    found: &mut Vec<Found>,
    report: &mut ImportReport,
) -> Result<(), Error> {
    let taken = Rc::new(Cell::new(0));
    let weighed = Weighed {
        content,
        size: TreeSize::default(),
        taken: Rc::clone(&taken),
    };
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(weighed));
    let each = Each {
        take: &mut |value: Value| {
            // The next one may take as much again.
            taken.set(0);
            let number = found.len() + report.skipped.len() + 1;
            if found.len() >= importer.limits.files_max {
                report.skip(
                    format!("{place}: conversation {number}"),
                    "more than an import may write",
                );
                return;
            }
            match serde_json::from_value::<Conversation>(value) {
                Ok(conversation) => found.extend(page(conversation, importer)),
                Err(error) => report.skip(
                    format!("{place}: conversation {number}"),
                    format!("is not in the form of a conversation: {error}"),
                ),
            }
        },
    };
    each.deserialize(&mut json)
        .map_err(|error| malformed(place, format!("is not a list of conversations: {error}")))
}

/// A text that ends where one conversation would take too much as values: a short text can
/// hold very many.
struct Weighed<R> {
    content: R,
    size: TreeSize,
    /// What was read since the last conversation.
    taken: Rc<Cell<usize>>,
}

impl<R: Read> Read for Weighed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.content.read(buffer)?;
        let before = self.size.bytes();
        self.size.push(buffer.get(..count).unwrap_or_default());
        let taken = self.size.bytes().saturating_sub(before);
        let taken = taken.saturating_add(self.taken.get());
        self.taken.set(taken);
        match taken > VALUES_MAX_BYTES {
            true => Err(std::io::Error::other(format!(
                "a conversation takes more than {VALUES_MAX_BYTES} bytes as values"
            ))),
            false => Ok(count),
        }
    }
}

struct Each<'e> {
    take: &'e mut dyn FnMut(Value),
}

impl<'de> DeserializeSeed<'de> for Each<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of conversations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element()? {
            (self.take)(value);
        }
        Ok(())
    }
}

fn page(conversation: Conversation, importer: &Importer<'_>) -> Option<Found> {
    let messages = messages(&conversation);
    if messages.is_empty() {
        return None;
    }
    let mut page = Page {
        title: conversation.title.unwrap_or_default(),
        ..Page::default()
    };
    if page.title.trim().is_empty() {
        page.title = "Untitled conversation".to_owned();
    }
    page.fact("source", "chatgpt");
    let dates = [
        ("created_on", conversation.create_time),
        ("updated_on", conversation.update_time),
    ];
    for (name, time) in dates {
        page.fact(name, &time.and_then(date::of_seconds).unwrap_or_default());
    }
    page.fact("messages", &messages.len().to_string());
    page.fact(
        "model",
        &conversation.default_model_slug.unwrap_or_default(),
    );
    page.text.push_str("## Conversation\n");
    for (role, text) in messages {
        // What would be cut anyway is not kept in memory.
        if page.text.len() > importer.limits.file_text_bytes_max {
            break;
        }
        page.text
            .push_str(&format!("\n**{role}**\n\n{}", text::quoted(&text)));
    }
    Some(Found {
        created: conversation.create_time.unwrap_or(0.0),
        page,
    })
}

/// What was said, in order, on the branch that the person saw last.
fn messages(conversation: &Conversation) -> Vec<(&'static str, String)> {
    let mut turns: Vec<&Turn> = Vec::new();
    let mut seen = HashSet::new();
    let mut at = conversation.current_node.as_deref();
    // A branch that goes in a circle ends where it meets itself.
    while let Some(id) = at.filter(|id| seen.insert(*id)) {
        let Some(turn) = conversation.mapping.get(id) else {
            break;
        };
        turns.push(turn);
        at = turn.parent.as_deref();
    }
    turns.reverse();
    if turns.is_empty() {
        let mut all: Vec<(&String, &Turn)> = conversation.mapping.iter().collect();
        let time = |turn: &Turn| turn.message.as_ref().and_then(|m| m.create_time);
        all.sort_by(|(a_id, a), (b_id, b)| {
            let by_time = time(a).unwrap_or(0.0).total_cmp(&time(b).unwrap_or(0.0));
            by_time.then_with(|| a_id.cmp(b_id))
        });
        turns = all.into_iter().map(|(_, turn)| turn).collect();
    }
    let messages = turns.into_iter().filter_map(|turn| turn.message.as_ref());
    messages.filter_map(said).collect()
}

fn said(message: &Message) -> Option<(&'static str, String)> {
    let role = match message.author.role.as_str() {
        "user" => "User",
        "assistant" => "Assistant",
        _ => return None,
    };
    let hidden = message.metadata.get("is_visually_hidden_from_conversation");
    if hidden == Some(&Value::Bool(true)) {
        return None;
    }
    let parts = message.content.get("parts").and_then(Value::as_array)?;
    let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
    let text = parts.join("\n");
    (!text.trim().is_empty()).then_some((role, text))
}

fn write(
    importer: &Importer<'_>,
    mut found: Vec<Found>,
    report: ImportReport,
) -> Result<ImportReport, Error> {
    // The order of an export is not always the same.
    found.sort_by(|a, b| {
        let by_time = a.created.total_cmp(&b.created);
        by_time.then_with(|| (&a.page.title, &a.page.text).cmp(&(&b.page.title, &b.page.text)))
    });
    let mut pages = Pages::new(importer, "chatgpt", report);
    let mut slugs = Slugs::default();
    for Found { mut page, .. } in found {
        page.path = pages.path(&slugs.take(&page.title));
        pages.add(&page)?;
    }
    pages.finish("ChatGPT conversations")
}
