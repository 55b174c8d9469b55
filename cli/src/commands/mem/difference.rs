//! What a change made of a file, line by line.

use crate::paint::Paint;
use anyhow::Result;
use memex_escapes::line;
use memex_memory::{Change, Content, Memory};

/// Lines that are shown of each side.
const LINES_MAX: usize = 60;

/// The lines that a change took away and added, between those that stay at the beginning and
/// at the end; a note where the journal does not keep what stood there.
pub(super) fn difference(memory: &Memory, change: &Change, paint: Paint) -> Result<Vec<String>> {
    let (Some(before), Some(after)) = (text(memory, &change.before)?, text(memory, &change.after)?)
    else {
        return Ok(vec![
            paint.faint("    (the journal does not keep the content)"),
        ]);
    };
    let before: Vec<&str> = before.lines().collect();
    let after: Vec<&str> = after.lines().collect();
    let head = before
        .iter()
        .zip(&after)
        .take_while(|(a, b)| a == b)
        .count();
    let shorter = before.len().min(after.len()) - head;
    let ends = before.iter().rev().zip(after.iter().rev());
    let tail = ends.take(shorter).take_while(|(a, b)| a == b).count();
    let mut lines = Vec::new();
    let mut side = |mark: char, all: &[&str]| {
        let changed = all.get(head..all.len() - tail).unwrap_or_default();
        for one in changed.iter().take(LINES_MAX) {
            let shown = format!("    {mark} {}", line(one));
            lines.push(match mark {
                '-' => paint.bad(&shown),
                _ => paint.good(&shown),
            });
        }
        if let Some(more) = changed
            .len()
            .checked_sub(LINES_MAX)
            .filter(|more| *more > 0)
        {
            lines.push(paint.faint(&format!("    {mark} … {more} more lines")));
        }
    };
    side('-', &before);
    side('+', &after);
    Ok(lines)
}

/// The text of a content; nothing and directories have none, others may not be kept.
fn text(memory: &Memory, content: &Content) -> Result<Option<String>> {
    Ok(match content {
        Content::Absent | Content::Directory => Some(String::new()),
        Content::NotKept { .. } => None,
        Content::File { .. } => {
            let bytes = memory.content(content)?;
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        }
    })
}
