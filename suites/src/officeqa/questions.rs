//! The benchmark's file of questions.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::{Error, Grader, Task};

/// Bytes of a file of questions.
const QUESTIONS_MAX_BYTES: u64 = 64 << 20;
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A row of the file. Columns that are not listed are not read.
#[derive(Debug, Deserialize)]
struct Row {
    uid: String,
    question: String,
    answer: String,
    #[serde(default)]
    source_docs: String,
    #[serde(default)]
    source_files: String,
    #[serde(default)]
    difficulty: String,
}

/// Reads questions from the CSV file of the benchmark; `tolerance` is how far off numbers may
/// be, as a part of the answer.
///
/// # Errors
/// [`Error::Io`], [`Error::Malformed`] or [`Error::Duplicate`].
pub fn read_questions(path: &Path, tolerance: f64) -> Result<Vec<Task>, Error> {
    let place = path.display().to_string();
    let found = std::fs::metadata(path).map_err(Error::io(&place))?;
    if !found.is_file() || found.len() > QUESTIONS_MAX_BYTES {
        let what = format!("it is no file of at most {QUESTIONS_MAX_BYTES} bytes");
        return Err(malformed(&place, 0, "", what));
    }
    let text = std::fs::read(path).map_err(Error::io(&place))?;
    parse_questions(&text, &place, tolerance)
}

/// Reads questions from the text of a CSV file. `place` names it in errors.
///
/// # Errors
/// [`Error::Malformed`] or [`Error::Duplicate`].
pub fn parse_questions(text: &[u8], place: &str, tolerance: f64) -> Result<Vec<Task>, Error> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = csv::Reader::from_reader(text);
    let headers = reader
        .headers()
        .map_err(|error| malformed(place, 1, "", error.to_string()))?
        .clone();
    for column in ["uid", "question", "answer"] {
        if !headers.iter().any(|header| header == column) {
            let what = "the file has no such column; give the benchmark's own CSV file";
            return Err(malformed(place, 1, column, what.to_owned()));
        }
    }
    let mut ids = BTreeSet::new();
    let mut tasks = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| malformed(place, 0, "", error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        let row: Row = record
            .deserialize(Some(&headers))
            .map_err(|error| malformed(place, line, "", error.to_string()))?;
        if row.uid.trim().is_empty() || row.answer.trim().is_empty() {
            let what = "a question has an id and an answer".to_owned();
            return Err(malformed(place, line, "uid", what));
        }
        if !ids.insert(row.uid.clone()) {
            return Err(Error::Duplicate {
                place: place.to_owned(),
                line,
                id: row.uid,
            });
        }
        tasks.push(task(row, tolerance));
    }
    Ok(tasks)
}

fn task(row: Row, tolerance: f64) -> Task {
    let named = names(&row.source_files);
    let files = match named.is_empty() {
        true => row
            .source_docs
            .split_whitespace()
            .filter_map(file_of)
            .collect(),
        false => named,
    };
    let spread = match files.len() {
        0 => None,
        1 => Some("one-source"),
        _ => Some("several-sources"),
    };
    let difficulty = row.difficulty.trim().to_lowercase();
    let difficulty = Some(difficulty).filter(|difficulty| !difficulty.is_empty());
    let tags = std::iter::once("officeqa".to_owned()).chain(difficulty);
    Task {
        id: row.uid,
        question: row.question,
        files,
        database: None,
        inputs: Default::default(),
        answer: row.answer.trim().into(),
        grader: Grader::OfficeQa { tolerance },
        tags: tags.chain(spread.map(str::to_owned)).collect(),
    }
}

fn names(listed: &str) -> Vec<String> {
    let lines = listed.lines().map(str::trim);
    lines
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The file that an address leads to: `…/march-1941-123?page=4` is
/// `treasury_bulletin_1941_03.txt`.
fn file_of(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next()?.trim_end_matches('/');
    let last = path.rsplit('/').next()?.to_lowercase();
    let mut words = last.split('-');
    let (month, year) = (words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)?;
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    is_year.then(|| format!("treasury_bulletin_{year}_{:02}.txt", month + 1))
}

fn malformed(place: &str, line: usize, field: &str, what: String) -> Error {
    Error::Malformed {
        place: place.to_owned(),
        line,
        field: field.to_owned(),
        what,
    }
}
