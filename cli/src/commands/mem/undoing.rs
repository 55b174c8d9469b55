//! What `/undo` takes back: the changes of one question together.

use memex_memory::{Author, Change, Error, Memory, Undo};

/// How many changes of a memory are looked at.
const CHANGES_MAX: usize = 10_000;

/// The questions of a talk, by the newest change that there was before each.
pub(super) struct Questions {
    /// Under which name the changes of the talk are journalled.
    session: String,
    before: Vec<u64>,
}

impl Questions {
    pub(super) fn new(session: String) -> Self {
        Self {
            session,
            before: Vec::new(),
        }
    }

    /// A question is about to be asked.
    pub(super) fn begin(&mut self, memory: &Memory) {
        let newest = memory.log(1).unwrap_or_default();
        self.before
            .push(newest.first().map_or(0, |change| change.id));
    }

    /// Takes back what the newest question changed that changed anything and was not taken
    /// back. What others changed meanwhile stays. None if there is no such question.
    pub(super) fn undo(&mut self, memory: &Memory) -> Result<Option<Vec<Change>>, Error> {
        let log = memory.log(CHANGES_MAX)?;
        while let Some(before) = self.before.last().copied() {
            let own = log.iter().filter(|change| {
                let is_own = change.session == self.session && change.id > before;
                is_own && !change.undone && change.undoes.is_none()
            });
            let own: Vec<&Change> = own.collect();
            if own.is_empty() {
                self.before.pop();
                continue;
            }
            let mut undone = Vec::new();
            for change in own {
                let author = Author::person("undo");
                undone.extend(memory.undo(author, Undo::Change(change.id), false)?);
            }
            self.before.pop();
            return Ok(Some(undone));
        }
        Ok(None)
    }
}
