//! `log` and `undo`.

use std::collections::{HashMap, HashSet};

use crate::journal::{Head, Journal, LockFile};
use crate::place::Last;
use crate::transaction::Transaction;
use crate::{Author, Change, Content, Error, Memory};

/// The changes to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// The newest so many changes that were not undone yet.
    Newest(usize),
    /// One change, by its number.
    Change(u64),
}

impl Memory {
    /// The changes that the journal remembers, newest first, `limit` at most.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn log(&self, limit: usize) -> Result<Vec<Change>, Error> {
        let mut changes = self.changes()?;
        changes.reverse();
        changes.truncate(limit);
        Ok(changes)
    }

    /// Brings files back to what they were before changes, and journals that.
    /// Answers the changes that were undone, newest first.
    ///
    /// Either all that was asked for is undone or, if one of the changes cannot
    /// be, nothing. With `force`, a file that was changed since is brought back
    /// nevertheless.
    ///
    /// # Errors
    /// If there are no such changes, if a file changed since, if the journal
    /// does not keep what stood there, or as [`Memory::write`].
    pub fn undo(&self, author: Author<'_>, what: Undo, force: bool) -> Result<Vec<Change>, Error> {
        self.change(author, |transaction| {
            let changes = self.changes()?;
            let chosen = chosen(&changes, what)?;
            let contents = checked(transaction, &chosen, force)?;
            for (change, bytes) in chosen.iter().zip(contents) {
                revert(transaction, change, bytes)?;
            }
            Ok(chosen)
        })
    }

    /// What a person's command last made of each path, as far as the journal
    /// remembers and it was not undone.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn written_by(&self, tool: &str) -> Result<HashMap<String, Content>, Error> {
        let changes = self.changes()?.into_iter();
        let own = changes.filter(|change| {
            let is_own = change.session.is_empty() && change.tool == tool;
            is_own && !change.undone && change.undoes.is_none()
        });
        Ok(own.map(|change| (change.path, change.after)).collect())
    }

    /// The bytes of a content that a change names, if the journal keeps them.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn content(&self, content: &Content) -> Result<Option<Vec<u8>>, Error> {
        self.change(Author::person("log"), |transaction| {
            transaction.kept(content)
        })
    }

    /// The changes, oldest first.
    fn changes(&self) -> Result<Vec<Change>, Error> {
        self.check_root()?;
        let heads = match LockFile::open(self.root(), false) {
            Ok(file) => Journal::read_all(file.records())?,
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(happened(heads))
    }
}

/// Leaves out what was abandoned, and notes what was undone.
fn happened(heads: Vec<Head>) -> Vec<Change> {
    let abandoned: HashSet<u64> = heads.iter().filter_map(|head| head.abandons).collect();
    let mut changes: Vec<Change> = heads
        .into_iter()
        .filter(|head| head.abandons.is_none() && !abandoned.contains(&head.change.id))
        .map(|head| head.change)
        .collect();
    // An undo that was undone itself does not count; those come later.
    let mut undone = HashSet::new();
    for change in changes.iter_mut().rev() {
        change.undone = undone.contains(&change.id);
        if let Some(id) = change.undoes.filter(|_| !change.undone) {
            undone.insert(id);
        }
    }
    changes
}

fn chosen(changes: &[Change], what: Undo) -> Result<Vec<Change>, Error> {
    match what {
        Undo::Change(id) => {
            let change = changes.iter().find(|change| change.id == id);
            let change = change.ok_or(Error::NoChange { id })?;
            match change.undone {
                true => Err(Error::NotUndoable {
                    id,
                    what: "it was undone already",
                }),
                false => Ok(vec![change.clone()]),
            }
        }
        Undo::Newest(asked) => {
            let candidates = changes.iter().rev();
            let chosen: Vec<Change> = candidates
                .filter(|change| !change.undone && change.undoes.is_none())
                .take(asked)
                .cloned()
                .collect();
            match chosen.len() < asked {
                true => Err(Error::FewChanges {
                    asked,
                    there: chosen.len(),
                }),
                false => Ok(chosen),
            }
        }
    }
}

/// The contents to bring back, once it is sure that every step is possible.
fn checked(
    transaction: &Transaction<'_>,
    chosen: &[Change],
    force: bool,
) -> Result<Vec<Option<Vec<u8>>>, Error> {
    // What stands at a path when the steps before have been taken.
    let mut expected: HashMap<&str, Content> = HashMap::new();
    let mut contents = Vec::new();
    for change in chosen {
        let now = match expected.get(change.path.as_str()) {
            Some(content) => content.clone(),
            None => match transaction.find(&change.path, Last::Keep) {
                Ok(place) => transaction.content(&place)?.0,
                Err(error) if error.is_not_found() => Content::Absent,
                Err(error) => return Err(error),
            },
        };
        if now != change.after && !force {
            return Err(Error::ChangedSince {
                id: change.id,
                path: change.path.clone(),
            });
        }
        let kept = match &change.before {
            Content::File { .. } => transaction.kept(&change.before)?,
            Content::Absent | Content::Directory => Some(Vec::new()),
            Content::NotKept { .. } => None,
        };
        let Some(bytes) = kept else {
            return Err(Error::NotUndoable {
                id: change.id,
                what: "the journal does not keep what stood there",
            });
        };
        let is_file = matches!(change.before, Content::File { .. });
        contents.push(is_file.then_some(bytes));
        expected.insert(&change.path, change.before.clone());
    }
    Ok(contents)
}

fn revert(
    transaction: &mut Transaction<'_>,
    change: &Change,
    bytes: Option<Vec<u8>>,
) -> Result<(), Error> {
    let id = Some(change.id);
    let place = transaction.find(&change.path, Last::Keep)?;
    match (bytes, &change.before) {
        (Some(bytes), _) => transaction.put(place, &bytes, id)?,
        (None, Content::Directory) => transaction.make_directory(place, id)?,
        (None, _) => {
            match transaction.content(&place)?.0 {
                // Forced, and it is gone already.
                Content::Absent => {}
                Content::Directory => transaction.remove_directory(&place, id)?,
                _ => transaction.remove(&place, id)?,
            }
            for directory in change.made.iter().rev() {
                transaction.remove_if_empty(directory);
            }
        }
    }
    Ok(())
}
