//! Tables of documents as tables of Markdown, and links.

use std::fmt::Write;

use crate::text::one_line;

/// A table while it is read. What stands around it is kept meanwhile.
#[derive(Default)]
pub(super) struct Table {
    around: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table behind a text.
    pub(super) fn behind(around: String) -> Self {
        Self {
            around,
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self) {
        self.rows.push(Vec::new());
    }

    /// Ends a cell.
    pub(super) fn cell(&mut self, text: &str) {
        if self.rows.is_empty() {
            self.row();
        }
        if let Some(row) = self.rows.last_mut() {
            row.push(one_line(text).replace('|', "\\|"));
        }
    }

    /// What stood before the table, and the table. Its first row is its head.
    pub(super) fn finish(self) -> String {
        let mut out = self.around;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let rows = self.rows.iter().filter(|row| !row.is_empty());
        for (number, row) in rows.enumerate() {
            out.push('|');
            for column in 0..columns {
                let _ = match row.get(column).filter(|cell| !cell.is_empty()) {
                    Some(cell) => write!(out, " {cell} |"),
                    None => write!(out, "  |"),
                };
            }
            out.push('\n');
            if number == 0 {
                let _ = writeln!(out, "|{}", " --- |".repeat(columns));
            }
        }
        out
    }
}

/// A link of a document as one of Markdown; only its text if it leads nowhere.
pub(super) fn link(text: &str, address: &str) -> String {
    let text = one_line(text);
    let address = unwrapped(address.trim());
    let is_outward = ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| address.starts_with(scheme));
    if !is_outward || text.is_empty() {
        return text;
    }
    let text = text.replace('[', "\\[").replace(']', "\\]");
    match address.contains(['(', ')', ' ', '<', '>']) {
        true => format!("[{text}](<{}>)", address.replace(['<', '>'], "")),
        false => format!("[{text}]({address})"),
    }
}

/// An address without Google's redirection around it.
fn unwrapped(address: &str) -> String {
    let query = address
        .strip_prefix("https://www.google.com/url?")
        .or_else(|| address.strip_prefix("http://www.google.com/url?"));
    let target = query.and_then(|query| {
        let mut pairs = query.split('&');
        pairs.find_map(|pair| {
            pair.strip_prefix("q=")
                .or_else(|| pair.strip_prefix("amp;q="))
        })
    });
    match target {
        Some(target) => memex_memory::markdown::unescaped(target),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_a_head_and_all_their_columns() {
        let mut table = Table::behind("x\n\n".to_owned());
        for row in [&["a", "b|c"][..], &[], &["d\ne"]] {
            table.row();
            row.iter().for_each(|cell| table.cell(cell));
        }
        assert_eq!(
            table.finish(),
            "x\n\n| a | b\\|c |\n| --- | --- |\n| d e |  |\n"
        );
        assert_eq!(Table::default().finish(), "");
    }

    #[test]
    fn links_lead_out_or_are_their_text() {
        for (text, address, expect) in [
            ("a", "https://b.example", "[a](https://b.example)"),
            ("a [b]", "http://c/(d)", "[a \\[b\\]](<http://c/(d)>)"),
            (
                "a",
                "https://www.google.com/url?q=https://b.example/%3Fc%3D1&sa=D",
                "[a](https://b.example/?c=1)",
            ),
            ("a", "#heading", "a"),
            ("a", "javascript:x()", "a"),
            ("", "https://b", ""),
        ] {
            assert_eq!(link(text, address), expect);
        }
    }
}
