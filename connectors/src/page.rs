//! A page of a source, and the files that hold it.

use std::fmt::Write;

use crate::Importer;
use crate::slug::slug;
use crate::splitting::pieces;
use crate::text::{cut, one_line};

/// The longest value of a fact.
const FACT_BYTES_MAX: usize = 500;

/// Something that becomes an entity.
#[derive(Default)]
pub(super) struct Page {
    /// Its path from the root of the memory.
    pub(super) path: String,
    pub(super) title: String,
    pub(super) facts: Vec<(String, String)>,
    pub(super) text: String,
}

impl Page {
    /// Adds a fact, if there is a value.
    pub(super) fn fact(&mut self, name: &str, value: &str) {
        let mut value = one_line(value);
        cut(&mut value, FACT_BYTES_MAX);
        if !value.is_empty() {
            self.facts.push((slug(name), value));
        }
    }

    /// The files of the page with their paths: one, or several where its text is long.
    pub(super) fn render(&self, importer: &Importer<'_>, source: &str) -> Vec<(String, String)> {
        // Before it is split: half a secret would not be found any more.
        let text = importer.scrubbed(self.text.trim().to_owned());
        let pieces = pieces(&text, importer.limits.file_text_bytes_max);
        let stem = self.path.strip_suffix(".md").unwrap_or(&self.path);
        let path = |number: usize| match number {
            1 => self.path.clone(),
            number => format!("{stem}_part_{number}.md"),
        };
        let count = pieces.len();
        let parts = (1..).zip(pieces).map(|(number, piece)| {
            let mut page = format!("# {}", one_line(&self.title));
            if number == 1 {
                page.push('\n');
                for (name, value) in &self.facts {
                    let _ = writeln!(page, "- {name}: {value}");
                }
            } else {
                let _ = write!(
                    page,
                    " (part {number})\n- source: {source}\n- part_of: [[{}]]\n",
                    self.path
                );
            }
            if !piece.is_empty() {
                let _ = write!(page, "\n{piece}\n");
            }
            if number < count {
                let _ = write!(page, "\nContinues in [[{}]]\n", path(number + 1));
            }
            (path(number), importer.scrubbed(page))
        });
        parts.collect()
    }
}
