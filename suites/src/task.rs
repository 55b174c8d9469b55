//! A task, and files of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Rules};

/// The longest file of tasks.
const TASKS_BYTES_MAX: u64 = 1 << 30;

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Its id, unique in its file.
    pub id: String,
    /// The question.
    pub question: String,
    /// The files it is asked of, from the folder of the task file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The database it is asked of, from the folder of the task file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Objects that the task begins with: by name, a file or a folder from the folder of the
    /// task file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// The answer.
    #[serde(default)]
    pub answer: Value,
    /// How answers are graded.
    pub grader: Grader,
    /// What kind of task it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// How answers are graded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Grader {
    /// The answer, but for case, spacing and a closing full stop.
    Exact,
    /// A number that is near enough: within `tolerance`, or within `relative`
    /// times the answer.
    Numeric {
        /// How far off it may be.
        tolerance: f64,
        /// How far off it may be, as a part of the answer.
        #[serde(default)]
        relative: f64,
    },
    /// A value that meets a JSON Schema and, if the task has an answer, equals
    /// it, numbers within `tolerance`.
    Schema {
        /// The schema.
        schema: Value,
        /// How far off numbers may be.
        #[serde(default)]
        tolerance: f64,
    },
    /// As the public benchmark over a treasury's bulletins grades
    /// ([`officeqa::grade`](crate::officeqa::grade)).
    #[serde(rename = "officeqa")]
    OfficeQa {
        /// How far off numbers may be, as a part of the answer.
        #[serde(default)]
        tolerance: f64,
    },
    /// Words that the answer contains, or does not.
    Rules(Rules),
    /// A model judges. [`judge_prompt`](crate::judge_prompt) asks it.
    Judge {
        /// What makes an answer right, beyond the task's.
        #[serde(default)]
        rubric: String,
    },
}

/// Writes tasks as JSON lines.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_tasks(path: &Path, tasks: &[Task]) -> Result<(), Error> {
    let place = path.display().to_string();
    let mut text = Vec::new();
    for task in tasks {
        serde_json::to_writer(&mut text, task).map_err(|error| Error::io(&place)(error.into()))?;
        text.write_all(b"\n").map_err(Error::io(&place))?;
    }
    std::fs::write(path, text).map_err(Error::io(&place))
}

/// Reads tasks from JSON lines. Blank lines are skipped.
///
/// # Errors
///
/// [`Error::Io`], [`Error::Malformed`] or [`Error::Duplicate`].
pub fn read_tasks(path: &Path) -> Result<Vec<Task>, Error> {
    let place = path.display().to_string();
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(Error::io(&place))?;
    file.take(TASKS_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(Error::io(&place))?;
    if text.len() as u64 > TASKS_BYTES_MAX {
        let too_large = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
        return Err(Error::io(&place)(too_large));
    }
    parse_tasks(&text, &place)
}

/// Reads tasks from the text of JSON lines. `place` names it in errors.
///
/// # Errors
///
/// [`Error::Malformed`] or [`Error::Duplicate`].
pub fn parse_tasks(text: &str, place: &str) -> Result<Vec<Task>, Error> {
    let mut tasks: Vec<Task> = Vec::new();
    let mut ids = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let line_number = number + 1;
        let mut json = serde_json::Deserializer::from_str(line);
        let task: Task = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| (error.path().to_string(), error.into_inner()))
            .and_then(|task| {
                json.end()
                    .map(|()| task)
                    .map_err(|error| (String::new(), error))
            })
            .map_err(|(field, error)| Error::Malformed {
                place: place.to_owned(),
                line: line_number,
                field,
                what: error.to_string(),
            })?;
        if !ids.insert(task.id.clone()) {
            return Err(Error::Duplicate {
                place: place.to_owned(),
                line: line_number,
                id: task.id,
            });
        }
        tasks.push(task);
    }
    Ok(tasks)
}
