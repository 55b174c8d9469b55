//! The dialect of a delimited text, guessed from its beginning: delimiter, escapes, and how many
//! records are before the header.

use super::encoding::{HEAD_MAX_BYTES, text};
use super::kind::Kind;
use super::records::{Marks, Records};

/// Records that are looked at.
const RECORDS_MAX: usize = 1000;
/// Most records before the header.
const PREAMBLE_MAX: usize = 50;
/// Delimiters, the least likely to stand in a text first.
const DELIMITERS: [u8; 4] = *b"\t|;,";

/// How a text is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) marks: Marks,
    /// Records before the header.
    pub(super) skipped: usize,
    /// Whether the first of them names the delimiter.
    pub(super) is_stated: bool,
}

/// Guesses by the beginning of a text. `given` is the delimiter, if it is known.
pub(super) fn guess(head: &[u8], given: Option<u8>) -> Dialect {
    if let Some(delimiter) = stated(head) {
        let end = head.iter().position(|byte| *byte == b'\n');
        let rest = end.and_then(|end| head.get(end + 1..)).unwrap_or_default();
        let inner = guess_after(rest, Some(delimiter));
        return Dialect {
            skipped: inner.skipped + 1,
            is_stated: inner.skipped == 0,
            ..inner
        };
    }
    guess_after(head, given)
}

/// Guesses where no line states the delimiter.
fn guess_after(head: &[u8], given: Option<u8>) -> Dialect {
    let mut best: Option<Sample> = None;
    let given = given.as_ref().map(std::slice::from_ref);
    for delimiter in given.unwrap_or(&DELIMITERS) {
        let marks = Marks::new(*delimiter);
        let mut tried = vec![Sample::of(head, marks)];
        if head.windows(2).any(|pair| pair == b"\\\"") {
            let escapes = true;
            tried.push(Sample::of(head, Marks { escapes, ..marks }));
        }
        for sample in tried {
            if best.as_ref().is_none_or(|best| sample.is_better(best)) {
                best = Some(sample);
            }
        }
    }
    let marks = best.as_ref().map_or(Marks::new(b','), |best| best.marks);
    Dialect {
        marks,
        skipped: best.map_or(0, |best| best.preamble()),
        is_stated: false,
    }
}

fn has_escapes(head: &[u8], delimiter: u8) -> bool {
    head.windows(3).any(|bytes| match bytes {
        [b'\\', b'"', next] => !matches!(next, b'"' | b'\r' | b'\n') && *next != delimiter,
        _ => false,
    })
}

/// The delimiter that a first line `sep=;` names, as Excel writes it.
fn stated(head: &[u8]) -> Option<u8> {
    let line = head.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let line = line.strip_suffix(b"\"").unwrap_or(line);
    let (word, delimiter) = line.split_at_checked(4)?;
    match delimiter {
        [delimiter] if word.eq_ignore_ascii_case(b"sep=") => Some(*delimiter),
        _ => None,
    }
}

/// One record of the beginning.
struct Row {
    fields: usize,
    /// Fields up to the last one that is not empty.
    used: usize,
    filled: usize,
    is_after_blank: bool,
    /// Whether no field is a number, a date or the like.
    is_text: bool,
}

/// The beginning of a text as one dialect divides it.
struct Sample {
    marks: Marks,
    rows: Vec<Row>,
    /// The number of fields that most rows have, and how many rows have it.
    width: usize,
    agreeing: usize,
    /// Fields with quotes in them.
    quotes: usize,
    /// Whether a quote after a backslash is where it neither ends a field nor is doubled.
    has_escapes: bool,
    is_unclosed: bool,
}

impl Sample {
    fn of(head: &[u8], marks: Marks) -> Self {
        let mut records = Records::new(head, marks);
        let (mut rows, mut quotes, mut is_unclosed) = (Vec::new(), 0, false);
        while rows.len() < RECORDS_MAX {
            match records.advance() {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => {
                    is_unclosed = true;
                    break;
                }
            }
            let (mut used, mut filled, mut is_text) = (0, 0, true);
            for (index, field) in records.fields().enumerate() {
                quotes += usize::from(field.contains(&b'"'));
                let (field, _) = text(field);
                let field = field.trim();
                if !field.is_empty() {
                    used = index + 1;
                    filled += 1;
                    is_text &= Kind::Unknown.join_text(field) == Kind::Text;
                }
            }
            rows.push(Row {
                fields: records.len(),
                used,
                filled,
                is_after_blank: records.is_after_blank(),
                is_text,
            });
        }
        // The last record of a longer text is cut.
        if head.len() >= HEAD_MAX_BYTES && rows.len() > 1 {
            rows.pop();
            is_unclosed = false;
        }
        let mut counts: Vec<(usize, usize)> = Vec::new();
        for row in &rows {
            match counts.iter_mut().find(|(width, _)| *width == row.fields) {
                Some((_, count)) => *count += 1,
                None => counts.push((row.fields, 1)),
            }
        }
        let most = counts.iter().max_by_key(|(width, count)| (*count, *width));
        let (width, agreeing) = most.copied().unwrap_or_default();
        Self {
            marks,
            rows,
            width,
            agreeing,
            quotes,
            has_escapes: has_escapes(head, marks.delimiter),
            is_unclosed,
        }
    }

    /// Whether this dialect fits better. Among equals the earlier one stays.
    fn is_better(&self, other: &Self) -> bool {
        let divides = |sample: &Self| sample.width > 1;
        if divides(self) != divides(other) {
            return divides(self);
        }
        if self.is_unclosed != other.is_unclosed {
            return other.is_unclosed;
        }
        // Shares of the rows, compared without division.
        let own = self.agreeing * other.rows.len();
        let others = other.agreeing * self.rows.len();
        if own != others {
            return own > others;
        }
        // Escapes leave other quotes behind; that says nothing.
        if self.marks.escapes != other.marks.escapes {
            return self.marks.escapes && self.has_escapes;
        }
        if self.quotes != other.quotes {
            return self.quotes < other.quotes;
        }
        self.rows.len() == 1 && self.width > other.width
    }

    /// How many records are before the header.
    fn preamble(&self) -> usize {
        let Some(first) = self.rows.first() else {
            return 0;
        };
        if self.width < 2 {
            return 0;
        }
        // Rows that end in the delimiter are longer than their header.
        let wide = |row: &Row| row.fields + 1 >= self.width && row.fields > 1;
        let is_header =
            |row: &Row| wide(row) && row.is_text && row.filled > 1 && row.filled * 2 >= self.width;
        let is_title = first.used <= 1 && (first.fields == 1 || self.width > 2);
        let rows = self.rows.iter().enumerate().skip(1).take(PREAMBLE_MAX);
        for (index, row) in rows {
            if is_title && is_header(row) {
                return index;
            }
            // A block of short lines, an empty line, and then the table.
            if row.is_after_blank && wide(row) && is_header(row) {
                let before = self.rows.get(..index).unwrap_or_default();
                if before.iter().all(|row| row.used < self.width.min(3)) {
                    return index;
                }
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_are_guessed() {
        for (head, delimiter, skipped) in [
            ("a,b\n1,2\n", b',', 0),
            ("name;price\nA;1,5\nB;2,5\n", b';', 0),
            ("a;b\n1,5;2,5\n", b';', 0),
            ("a;\"x,y,z\"\r\n1;2,5\r\n", b';', 0),
            ("a\tb,c\n1\t2,3\n", b'\t', 0),
            ("a|b\n1|2\n", b'|', 0),
            ("a\n1\n2\n", b'\t', 0),
            ("a,b\n1,2,\n3,4,\n", b',', 0),
            ("sep=;\na;b\n", b';', 1),
            ("\"sep=|\"\na|b\n", b'|', 1),
            ("SEP=,\r\na,b\r\n", b',', 1),
            ("sep=;;\n1;2;3\n", b';', 0),
            (
                "Report of 2024-01-05\nAccount: 1\n\nDate,Amount,Payee\n2024-01-02,-3.5,Shop\n",
                b',',
                2,
            ),
            (
                "Account;12345\nFrom;2024-01-01\n\nDay;Amount;Payee\n2024-01-02;-3,50;Shop\n2024-01-02;1,00;Bar\n2024-01-02;1,00;Bar\n",
                b';',
                2,
            ),
            ("Title,,\n,,\nx,y,z\n1,2,3\n4,5,6\n", b',', 2),
            // An index without a name, and a header that is half empty, are headers.
            (",value\na,1\nb,2\n", b',', 0),
            ("a,,\n1,2,3\n4,5,6\n", b',', 0),
            ("only\n", b'\t', 0),
            ("", b'\t', 0),
        ] {
            let found = guess(head.as_bytes(), None);
            assert_eq!(
                (found.marks.delimiter, found.skipped),
                (delimiter, skipped),
                "{head:?}"
            );
            assert!(!found.marks.escapes, "{head:?}");
        }
        assert_eq!(
            guess(b"a,b\tc\n1\t2\n", Some(b'\t')).marks,
            Marks::new(b'\t')
        );
    }

    #[test]
    fn backslashes_before_quotes_are_found() {
        let head = b"id,said\n1,\"a \\\"b\\\", c\"\n2,\"d\"\n";
        assert!(guess(head, None).marks.escapes);
        // In a path at the end of a field a backslash is a backslash.
        let head = b"id,path\n1,\"C:\\\\dir\\\"\n2,\"D:\\\"\n3,x\n";
        assert!(!guess(head, None).marks.escapes);
    }
}
