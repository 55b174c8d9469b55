//! Which names a block made, changed and deleted.

use std::collections::BTreeMap;

use memex_runtime::AtMost;
use memex_trajectories::{Change, NameChange};
use serde::Deserialize;

/// Most names that a session lists.
const NAMES_MAX: usize = 1_000;
/// Most dimensions of an array.
const DIMENSIONS_MAX: usize = 64;

/// The names of a scope, with what tells one value from another at a glance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScopeNames(BTreeMap<String, Entry>);

#[derive(Debug, Clone, Default, PartialEq)]
struct Entry {
    kind: String,
    shape: Option<AtMost<i64, DIMENSIONS_MAX>>,
    len: Option<u64>,
    preview: String,
}

/// A name as the session lists it. The fields of the entry are spelled out:
/// flattening would keep every field, known or not, as a tree of values.
#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    shape: Option<AtMost<i64, DIMENSIONS_MAX>>,
    #[serde(default)]
    len: Option<u64>,
    #[serde(default)]
    preview: String,
}

impl Named {
    fn split(self) -> (String, Entry) {
        let Self {
            name,
            kind,
            shape,
            len,
            preview,
        } = self;
        let entry = Entry {
            kind,
            shape,
            len,
            preview,
        };
        (name, entry)
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    names: AtMost<Named, NAMES_MAX>,
}

/// Most lines about a scope, and most characters of one: the guest wrote them.
const LINES_MAX: usize = 101;
const LINE_MAX_CHARS: usize = 700;

#[derive(Deserialize)]
struct Inventory {
    lines: AtMost<String, LINES_MAX>,
}

/// What a session answers to `{"op": "describe"}`: a line for each name; none of what
/// is no such answer.
#[must_use]
pub(crate) fn inventory(answer: &str) -> Option<Vec<String>> {
    let answer: Inventory = serde_json::from_str(answer).ok()?;
    let line = |line: String| -> String {
        let shown = line.chars().filter(|c| !c.is_control());
        shown.take(LINE_MAX_CHARS).collect()
    };
    Some(answer.lines.0.into_iter().map(line).collect())
}

impl ScopeNames {
    /// Reads the session's answer to `{"op": "names"}`; nothing of what is no
    /// such answer, since the guest wrote it.
    #[must_use]
    pub fn parse(answer: &str) -> Self {
        let answer: Option<Answer> = serde_json::from_str(answer).ok();
        let names = answer.map(|answer| answer.names).unwrap_or_default();
        Self(names.0.into_iter().map(Named::split).collect())
    }

    /// The names, with type and size: `df: DataFrame[1000×3]`.
    pub fn described(&self) -> impl Iterator<Item = String> {
        let values = self.0.iter().filter(|(_, entry)| entry.kind != "module");
        values.map(|(name, entry)| described(name, Some(&entry.kind), entry.shape().as_deref()))
    }

    /// The changes of the names since `before`, in the order of the names.
    #[must_use]
    pub fn since(&self, before: &Self) -> Vec<NameChange> {
        let mut changes = Vec::new();
        for (name, entry) in &self.0 {
            let change = match before.0.get(name) {
                None => Change::New,
                Some(known) if known != entry => Change::Changed,
                Some(_) => continue,
            };
            changes.push(NameChange {
                name: name.clone(),
                change,
                kind: Some(entry.kind.clone()),
                shape: entry.shape(),
            });
        }
        for name in before.0.keys().filter(|name| !self.0.contains_key(*name)) {
            changes.push(NameChange {
                name: name.clone(),
                change: Change::Deleted,
                kind: None,
                shape: None,
            });
        }
        changes
    }
}

/// A change as a model reads it.
#[must_use]
pub fn change(change: &NameChange) -> String {
    described(
        &change.name,
        change.kind.as_deref(),
        change.shape.as_deref(),
    )
}

fn described(name: &str, kind: Option<&str>, shape: Option<&str>) -> String {
    // Models know the classes of libraries by their short names.
    let kind = kind.map(|kind| kind.rsplit('.').next().unwrap_or(kind));
    match (kind, shape) {
        (Some(kind), Some(shape)) => format!("{name}: {kind}[{shape}]"),
        (Some(kind), None) => format!("{name}: {kind}"),
        (None, _) => name.to_owned(),
    }
}

impl Entry {
    fn shape(&self) -> Option<String> {
        if let Some(AtMost(sizes)) = &self.shape {
            let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
            return Some(sizes.join("×"));
        }
        self.len.map(|len| len.to_string())
    }
}
