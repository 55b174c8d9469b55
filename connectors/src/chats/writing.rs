//! Conversations as entities: where each goes, so that it is found again by the next import.

use std::collections::HashMap;

use memex_memory::{Error, markdown};

use super::conversation::{Conversation, ID};
use crate::page::Page;
use crate::pages::Pages;
use crate::slug::Slugs;
use crate::{ImportReport, Importer, date};

/// Conversations, and their bytes, that lie in one folder. More have a folder for each month.
const FOLDER_PAGES_MAX: usize = 200;
const FOLDER_BYTES_MAX: u64 = 4 << 20;
/// Lines in which the facts of a page stand.
const FACT_LINES: usize = 20;

/// Writes conversations, and further pages by their names, which `user.md` links to.
pub(crate) fn write(
    importer: &Importer<'_>,
    (source, title): (&'static str, &str),
    found: Vec<Conversation>,
    beside: Vec<(&str, Page)>,
    report: ImportReport,
) -> Result<ImportReport, Error> {
    let mut found = newest(found);
    // The order of an export is not always the same.
    let rank = |one: &Conversation| one.created.unwrap_or(0.0);
    found.sort_by(|a, b| {
        let by_time = rank(a).total_cmp(&rank(b));
        let text = |one: &Conversation| one.messages.first().map(|said| said.text.clone());
        by_time.then_with(|| (&a.title, &a.id, text(a)).cmp(&(&b.title, &b.id, text(b))))
    });
    let bytes = |one: &Conversation| {
        let sizes = one.messages.iter().map(|said| said.text.len() as u64);
        sizes.sum::<u64>()
    };
    let all: u64 = found.iter().map(bytes).sum();
    let mut places = Places::of(importer, source)?;
    for (name, _) in &beside {
        places.names.reserve(name);
    }
    let is_large = found.len() > FOLDER_PAGES_MAX || all > FOLDER_BYTES_MAX;
    let mut pages = Pages::new(importer, source, report);
    for (name, mut page) in beside {
        page.path = pages.path(name);
        pages.add_linked(&page, &format!("{source}_{name}"))?;
    }
    for conversation in found {
        let mut page = conversation.page(source);
        let known = places.known.remove(&conversation.id);
        page.path = match known {
            Some(path) => path,
            None => {
                let name = places.names.take(&page.title);
                let folder = is_large.then(|| places.folder(&conversation, bytes(&conversation)));
                pages.path(&format!("{}{name}", folder.unwrap_or_default()))
            }
        };
        pages.add(&page)?;
    }
    pages.finish(title)
}

/// Of conversations that an export has twice, the one that was updated last.
fn newest(found: Vec<Conversation>) -> Vec<Conversation> {
    let mut updates: HashMap<String, f64> = HashMap::new();
    let updated = |one: &Conversation| one.updated.unwrap_or(0.0);
    for one in found.iter().filter(|one| !one.id.is_empty()) {
        let newest = updates.entry(one.id.clone()).or_insert(f64::MIN);
        *newest = newest.max(updated(one));
    }
    let mut is_newest = |one: &Conversation| match one.id.is_empty() {
        true => true,
        // The first of several that are equally new takes the entry with it.
        false => {
            let is_newest = updates
                .get(&one.id)
                .is_some_and(|newest| updated(one) >= *newest);
            is_newest && updates.remove(&one.id).is_some()
        }
    };
    found.into_iter().filter(|one| is_newest(one)).collect()
}

/// Where conversations are and may go.
#[derive(Default)]
struct Places {
    /// The paths of those that were imported before, by their ids.
    known: HashMap<String, String>,
    /// Names, of which those are in use.
    names: Slugs,
    /// What each folder holds of them, and of what is added.
    held: HashMap<String, (usize, u64)>,
}

impl Places {
    fn of(importer: &Importer<'_>, source: &str) -> Result<Self, Error> {
        let mut places = Self::default();
        let folder = format!("entities/{source}/");
        for path in importer.memory.files()? {
            let Some(below) = path.strip_prefix(&folder) else {
                continue;
            };
            let Ok(text) = importer.memory.text(&path) else {
                continue;
            };
            let (folder, name) = below.rsplit_once('/').unwrap_or(("", below));
            let facts = text.lines().take(FACT_LINES).filter_map(markdown::fact);
            let id = facts.into_iter().find(|(name, _)| *name == ID);
            if let Some((_, id)) = id {
                let name = name.strip_suffix(".md").unwrap_or(name);
                places.names.reserve(name);
                let held = places.held.entry(folder.to_owned()).or_default();
                *held = (held.0 + 1, held.1.saturating_add(text.len() as u64));
                places.known.insert(id.to_owned(), path);
            }
        }
        Ok(places)
    }

    /// The folder of a conversation's month, or the next one if that is full.
    fn folder(&mut self, conversation: &Conversation, bytes: u64) -> String {
        let day = conversation.created.and_then(date::of_seconds);
        let month = day.as_deref().and_then(|day| day.get(..7));
        let month = month.map_or("undated".to_owned(), |month| month.replace('-', "_"));
        let mut folder = month.clone();
        let mut number = 1_u32;
        loop {
            let held = self.held.entry(folder.clone()).or_default();
            let fits =
                held.0 < FOLDER_PAGES_MAX && held.1.saturating_add(bytes) <= FOLDER_BYTES_MAX;
            if fits || held.0 == 0 {
                *held = (held.0 + 1, held.1.saturating_add(bytes));
                return format!("{folder}/");
            }
            number += 1;
            folder = format!("{month}_part_{number}");
        }
    }
}
