//! The tasks of a benchmark: folders of a memory and lines of questions.

use std::path::{Path, PathBuf};

use memex_memory::{Memory, Mode, Options, StaticMemory};
use memex_suites::Rules;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, files};

/// The longest file of questions.
const LINES_BYTES_MAX: u64 = 64 << 20;
/// Folders of one category, and questions of one folder.
const FOLDERS_MAX: usize = 10_000;
const LINES_MAX: usize = 10_000;

/// The category of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Finding what is there.
    Retrieval,
    /// Not telling what a filter forbids.
    Filter,
    /// Changing the memory.
    Update,
    /// Asking where something is missing or unclear.
    Clarification,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Retrieval,
        Self::Filter,
        Self::Update,
        Self::Clarification,
    ];

    /// The name, which is that of its folder too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Retrieval => "retrieval",
            Self::Filter => "filter",
            Self::Update => "update",
            Self::Clarification => "clarification",
        }
    }
}

/// A memory and what is asked of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskFolder {
    /// `CATEGORY/NAME`.
    pub id: String,
    /// The category of its tasks.
    pub category: Category,
    /// The memory that they start from.
    pub memory: StaticMemory,
    /// The filters of the memory.
    pub filters: Vec<String>,
    /// The tasks, in order.
    pub tasks: Vec<Task>,
}

/// One task. An update task first sends `update`, and then asks a fresh agent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Task {
    /// `CATEGORY/FOLDER/NUMBER`.
    #[serde(skip)]
    pub id: String,
    /// The question.
    pub question: String,
    /// The expected answer.
    pub answer: String,
    /// Notes for the judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<String>,
    /// The message that is sent before the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<String>,
    /// The content of the memory before the update.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub original: Value,
    /// The changes of the update: lines that begin with `+` or `-`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub diff: Value,
    /// How a judge without a model decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
}

/// Reads a benchmark: `eval/CATEGORY/NAME/` with the folder of a memory and
/// `NAME_qa.jsonl`; `eval` itself may be named too.
///
/// # Errors
/// [`Error::File`], [`Error::Malformed`], and [`Error::Memory`] for a memory
/// that cannot be read.
pub fn read(directory: &Path) -> Result<Vec<TaskFolder>, Error> {
    let eval = directory.join("eval");
    let root = if eval.is_dir() { &eval } else { directory };
    let mut folders = Vec::new();
    for category in Category::ALL {
        let place = root.join(category.name());
        if !place.is_dir() {
            continue;
        }
        for folder in sorted(&place)?.into_iter().filter(|path| path.is_dir()) {
            folders.push(read_folder(category, &folder)?);
        }
    }
    if folders.is_empty() {
        let what = "has none of the folders eval/retrieval, eval/filter, eval/update, \
                    eval/clarification with tasks in them";
        return Err(Error::malformed(directory.display(), None, what));
    }
    Ok(folders)
}

fn read_folder(category: Category, folder: &Path) -> Result<TaskFolder, Error> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let id = format!("{}/{name}", category.name());
    let inside = sorted(folder)?;
    let memory = match inside
        .iter()
        .filter(|path| path.is_dir())
        .collect::<Vec<_>>()[..]
    {
        [memory] => memory.clone(),
        _ => {
            let what = "must hold exactly one folder, the memory";
            return Err(Error::malformed(folder.display(), None, what));
        }
    };
    let lines = folder.join(format!("{name}_qa.jsonl"));
    let text = files::read_text(&lines, LINES_BYTES_MAX)?;
    let mut tasks = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        if tasks.len() >= LINES_MAX {
            let what = format!("has more than {LINES_MAX} tasks");
            return Err(Error::malformed(lines.display(), None, what));
        }
        let mut task: Task = serde_json::from_str(line)
            .map_err(|error| Error::malformed(lines.display(), Some(number), error))?;
        if category == Category::Update && task.update.is_none() {
            let what = "an update task must have `update`";
            return Err(Error::malformed(lines.display(), Some(number), what));
        }
        task.id = format!("{id}/{}", tasks.len() + 1);
        tasks.push(task);
    }
    let memory = Memory::open(&memory, Options::of(Mode::Compat))?;
    Ok(TaskFolder {
        memory: memory.export(&format!("{}-{name}", category.name()))?,
        filters: memory.filters()?.as_slice().to_vec(),
        id,
        category,
        tasks,
    })
}

/// What a folder holds: numbers by value, other names by letters.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = std::fs::read_dir(folder).map_err(Error::file("read", folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::file("read", folder))?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
        if paths.len() > FOLDERS_MAX {
            let what = format!("holds more than {FOLDERS_MAX} entries");
            return Err(Error::malformed(folder.display(), None, what));
        }
    }
    paths.sort_by_cached_key(|path| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        (name.parse::<u64>().unwrap_or(u64::MAX), name)
    });
    Ok(paths)
}
