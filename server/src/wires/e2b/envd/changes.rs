//! What changed in a folder between two looks at it.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

/// What is compared of a file or folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) modified_ns: u64,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
}

/// Names, relative to the folder, and what they stand for.
pub(super) type Look = BTreeMap<String, Seen>;

/// What happened to a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) name: String,
    pub(super) event: Event,
}

/// The events that clients know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Event {
    #[serde(rename = "EVENT_TYPE_CREATE")]
    Create,
    #[serde(rename = "EVENT_TYPE_WRITE")]
    Write,
    #[serde(rename = "EVENT_TYPE_REMOVE")]
    Remove,
    #[serde(rename = "EVENT_TYPE_RENAME")]
    Rename,
}

/// The changes from one look to the next, by name.
///
/// A name that went, and another that came with the same kind, size and time of
/// change, are one file that was renamed: of its old name this reports
/// [`Event::Rename`], of its new one [`Event::Create`], as watchers of Linux do.
/// What was created and has content was also written.
pub(super) fn changes(before: &Look, after: &Look) -> Vec<Change> {
    let mut made = Vec::new();
    let mut report = |name: &String, event| {
        made.push(Change {
            name: name.clone(),
            event,
        });
    };
    let came: Vec<(&String, &Seen)> = after
        .iter()
        .filter(|(name, seen)| before.get(*name).is_none_or(|old| old.kind != seen.kind))
        .collect();
    // By what a rename keeps; the first name last, where it is taken from.
    let mut targets: HashMap<&Seen, Vec<usize>> = HashMap::new();
    for (index, (_, seen)) in came.iter().enumerate().rev() {
        targets.entry(seen).or_default().push(index);
    }
    let mut is_target = vec![false; came.len()];
    for (name, old) in before {
        match after.get(name) {
            // Of files alone: a folder's time changes with what is in it.
            Some(new) if new.kind == old.kind => {
                if new != old && new.kind == Kind::File {
                    report(name, Event::Write);
                }
            }
            _ => match targets.get_mut(old).and_then(Vec::pop) {
                Some(index) => {
                    if let Some(taken) = is_target.get_mut(index) {
                        *taken = true;
                    }
                    report(name, Event::Rename);
                }
                None => report(name, Event::Remove),
            },
        }
    }
    for ((name, new), is_target) in came.into_iter().zip(is_target) {
        report(name, Event::Create);
        if new.kind == Kind::File && new.size > 0 && !is_target {
            report(name, Event::Write);
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64, modified_ns: u64) -> Seen {
        Seen {
            kind: Kind::File,
            size,
            modified_ns,
        }
    }

    fn folder(modified_ns: u64) -> Seen {
        Seen {
            kind: Kind::Folder,
            size: 0,
            modified_ns,
        }
    }

    fn look(entries: &[(&str, Seen)]) -> Look {
        let entries = entries.iter().cloned();
        entries
            .map(|(name, seen)| (name.to_owned(), seen))
            .collect()
    }

    #[track_caller]
    fn check(before: &[(&str, Seen)], after: &[(&str, Seen)], expected: &[(&str, Event)]) {
        let found = changes(&look(before), &look(after));
        let found: Vec<_> = found
            .iter()
            .map(|change| (change.name.as_str(), change.event))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn looks_are_compared_by_name() {
        use Event::{Create, Remove, Rename, Write};
        check(&[("a", file(1, 1))], &[("a", file(1, 1))], &[]);
        check(&[], &[("a", file(0, 1))], &[("a", Create)]);
        check(&[], &[("a", file(2, 1))], &[("a", Create), ("a", Write)]);
        check(&[("a", file(1, 1))], &[("a", file(2, 1))], &[("a", Write)]);
        check(&[("a", file(1, 1))], &[("a", file(1, 2))], &[("a", Write)]);
        check(&[("a", file(1, 1))], &[], &[("a", Remove)]);
        check(&[("d", folder(1))], &[("d", folder(2))], &[]);
        check(
            &[("a", file(1, 1))],
            &[("b", file(1, 1))],
            &[("a", Rename), ("b", Create)],
        );
        // Another file of the same size is no rename.
        check(
            &[("a", file(1, 1))],
            &[("b", file(1, 2))],
            &[("a", Remove), ("b", Create), ("b", Write)],
        );
        // One target for one source.
        check(
            &[("a", file(1, 1)), ("b", file(1, 1))],
            &[("c", file(1, 1))],
            &[("a", Rename), ("b", Remove), ("c", Create)],
        );
        check(
            &[("a", folder(1))],
            &[("a", file(0, 1))],
            &[("a", Remove), ("a", Create)],
        );
    }
}
