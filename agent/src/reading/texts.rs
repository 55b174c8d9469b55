//! Texts of many lines in Python.

/// Whether code that is read line by line stands within a text of many lines.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// The quote of the text that is open.
    open: Option<u8>,
}

impl Texts {
    pub(super) fn are_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes the next line.
    pub(super) fn read(&mut self, line: &str) {
        let mut rest = line.as_bytes();
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match (self.open, *byte) {
                // Whatever the text's prefix: a quote behind a backslash does not end it.
                (Some(_), b'\\') => rest = rest.get(1..).unwrap_or_default(),
                (Some(quote), byte) if byte == quote && after.starts_with(&[quote, quote]) => {
                    self.open = None;
                    rest = rest.get(2..).unwrap_or_default();
                }
                (Some(_), _) => {}
                (None, b'#') => return,
                (None, quote @ (b'\'' | b'"')) => {
                    if let Some(inside) = after.strip_prefix(&[quote, quote]) {
                        self.open = Some(quote);
                        rest = inside;
                    } else {
                        rest = behind_text(after, quote);
                    }
                }
                (None, _) => {}
            }
        }
    }
}

/// What follows a text of one line. One that does not end there ends with the line.
fn behind_text(inside: &[u8], quote: u8) -> &[u8] {
    let mut rest = inside;
    while let Some((byte, after)) = rest.split_first() {
        rest = match *byte {
            b'\\' => after.get(1..).unwrap_or_default(),
            byte if byte == quote => return after,
            _ => after,
        };
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::Texts;

    #[test]
    fn texts_of_many_lines_are_known() {
        let table = [
            ("s = \'\'\'a", true),
            ("s = \'\'\'a\nb\'\'\'", false),
            ("s = \"\"\"\'\'\'", true),
            ("s = f\"\"\"a\\\"\"\" b", true),
            ("s = \'\\\'\'\'\'", false),
            ("# \'\'\'", false),
            ("s = \"#\" + \'\'\'", true),
            ("s = \'it", false),
            ("s = \'\'\'\'\'\'", false),
            ("s = \'\' + \"\"\"", true),
        ];
        for (code, are_open) in table {
            let mut texts = Texts::default();
            code.split_inclusive('\n').for_each(|line| texts.read(line));
            assert_eq!(texts.are_open(), are_open, "{code}");
        }
    }
}
