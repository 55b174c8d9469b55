//! The file of results that an evaluation goes on from.

use crate::console::write_whole;
use crate::failure::{at_place, usage};
use crate::texts;
use anyhow::Result;
use memex_agent::evaluation::Graded;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

/// The results that are there. A line that was cut off is done again.
pub(super) fn kept(path: Option<&Path>) -> Result<Vec<Graded>> {
    let Some(path) = path.filter(|path| path.exists()) else {
        return Ok(Vec::new());
    };
    let text = texts::read_file(path, texts::LINES_BYTES_MAX)
        .map_err(|error| at_place(path, error, "name a file with the results of an evaluation"))?;
    let mut results = Vec::new();
    let count = text.lines().count();
    for (number, line) in text.lines().enumerate() {
        match serde_json::from_str(line) {
            Ok(result) => results.push(result),
            Err(_) if number + 1 == count => {
                let whole = text.get(..text.len() - line.len()).unwrap_or_default();
                write_whole(path, whole.as_bytes())?;
            }
            Err(error) => {
                return Err(usage(
                    format!("{}, line {}: {error}", path.display(), number + 1),
                    "name another file with --keep",
                ));
            }
        }
    }
    Ok(results)
}

/// Adds a result, where results are kept.
pub(super) fn keep(path: Option<&Path>, graded: &Graded) -> Result<()> {
    let Some(path) = path else {
        return Ok(());
    };
    let mut line = serde_json::to_vec(graded)?;
    line.push(b'\n');
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(&line))
        .map_err(|error| at_place(path, error, "name a file that you can write"))
}
