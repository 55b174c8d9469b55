//! Records of a delimited text. A quote that is never closed is an error with its line.

use super::content::unread;
use super::rows::Unloaded;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use std::io::{BufRead, BufReader, Read};

/// Longest record.
const RECORD_MAX_BYTES: usize = 64 << 20;
/// Most fields of a record.
const FIELDS_MAX: usize = 1 << 16;

/// What separates and quotes fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) delimiter: u8,
    /// Whether a backslash takes away the meaning of a quote within quotes; otherwise a quote is
    /// doubled there.
    pub(super) escapes: bool,
}

impl Marks {
    pub(super) fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            escapes: false,
        }
    }
}

/// Reads records one after the other. Empty lines are none.
pub(super) struct Records<R> {
    core: Reader,
    input: BufReader<R>,
    output: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    line: u64,
    /// Lines that were skipped as empty, which the reader of records has not seen.
    skipped: u64,
    after_blank: bool,
    is_over: bool,
    last_byte: u8,
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R, marks: Marks) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(marks.delimiter);
        if marks.escapes {
            builder.escape(Some(b'\\')).double_quote(false);
        }
        Self {
            core: builder.build(),
            input: BufReader::with_capacity(1 << 18, input),
            output: vec![0; 4096],
            ends: vec![0; 64],
            fields: 0,
            line: 0,
            skipped: 0,
            after_blank: false,
            is_over: false,
            last_byte: b'\n',
        }
    }

    /// Goes to the next record; `false` when there is none.
    pub(super) fn advance(&mut self) -> Result<bool, Unloaded> {
        self.fields = 0;
        if !self.skip_blank_lines()? {
            return Ok(false);
        }
        self.line = self.core.line() + self.skipped;
        let (mut written, mut ended) = (0, 0);
        loop {
            let (result, taken, bytes, fields) = {
                let input = self.input.fill_buf().map_err(unread)?;
                let at_end = input.is_empty();
                if at_end && self.is_over {
                    return Err(self.unclosed(written, ended));
                }
                // The end of a line ends every record but one whose quote is open.
                let input = if at_end { b"\n".as_slice() } else { input };
                let output = self.output.get_mut(written..).unwrap_or_default();
                let ends = self.ends.get_mut(ended..).unwrap_or_default();
                let (result, taken, bytes, fields) = self.core.read_record(input, output, ends);
                if let Some(last) = taken.checked_sub(1).and_then(|last| input.get(last)) {
                    self.last_byte = *last;
                }
                self.is_over |= at_end && taken > 0;
                (result, if at_end { 0 } else { taken }, bytes, fields)
            };
            self.input.consume(taken);
            written += bytes;
            ended += fields;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => grow(&mut self.output, RECORD_MAX_BYTES)
                    .ok_or_else(|| self.too_large(&format!("{RECORD_MAX_BYTES} bytes")))?,
                ReadRecordResult::OutputEndsFull => grow(&mut self.ends, FIELDS_MAX)
                    .ok_or_else(|| self.too_large(&format!("{FIELDS_MAX} fields")))?,
                ReadRecordResult::Record => {
                    self.fields = ended;
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// The number of fields of the record.
    pub(super) fn len(&self) -> usize {
        self.fields
    }

    /// A field of the record; empty when the record has fewer.
    pub(super) fn field(&self, index: usize) -> &[u8] {
        if index >= self.fields {
            return &[];
        }
        let end_of = |index: usize| self.ends.get(index).copied().unwrap_or_default();
        let start = index.checked_sub(1).map_or(0, end_of);
        self.output.get(start..end_of(index)).unwrap_or_default()
    }

    /// The fields of the record.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.fields).map(|index| self.field(index))
    }

    /// The line in which the record begins, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Whether an empty line is before the record.
    pub(super) fn is_after_blank(&self) -> bool {
        self.after_blank
    }

    /// Answers whether anything is left.
    fn skip_blank_lines(&mut self) -> Result<bool, Unloaded> {
        let ended_in = self.last_byte;
        let mut lines = 0;
        loop {
            let input = self.input.fill_buf().map_err(unread)?;
            let blank = input
                .iter()
                .take_while(|byte| matches!(byte, b'\n' | b'\r'));
            let count = blank.clone().count();
            lines += blank.filter(|byte| **byte == b'\n').count();
            let (is_end, goes_on) = (input.is_empty(), count == input.len());
            self.input.consume(count);
            if is_end || !goes_on {
                self.skipped += lines as u64;
                // The `\n` of a `\r\n` belongs to the record before.
                self.after_blank = lines > usize::from(ended_in == b'\r');
                return Ok(!is_end);
            }
        }
    }

    fn unclosed(&self, written: usize, ended: usize) -> Unloaded {
        let last = ended.checked_sub(1).and_then(|last| self.ends.get(last));
        let before = last.copied().unwrap_or_default().min(written);
        let before = self.output.get(..before).unwrap_or_default();
        let lines = before.iter().filter(|byte| **byte == b'\n').count() as u64;
        Unloaded::Content(format!(
            "the quote that opens in line {} is never closed",
            self.line + lines
        ))
    }

    fn too_large(&self, bound: &str) -> Unloaded {
        Unloaded::Content(format!(
            "the row that begins in line {} has more than {bound}; a quote may not be closed",
            self.line
        ))
    }
}

fn grow<T: Default + Clone>(buffer: &mut Vec<T>, max: usize) -> Option<()> {
    let length = buffer.len();
    (length < max).then(|| buffer.resize((length * 2).min(max), T::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, marks: Marks) -> Result<Vec<(u64, bool, Vec<String>)>, String> {
        let mut records = Records::new(text.as_bytes(), marks);
        let mut found = Vec::new();
        while records.advance().map_err(|error| format!("{error:?}"))? {
            let fields = records.fields();
            let fields = fields.map(|field| String::from_utf8_lossy(field).into_owned());
            found.push((records.line(), records.is_after_blank(), fields.collect()));
        }
        Ok(found)
    }

    #[test]
    fn records_have_their_lines() {
        let row = |line, blank, fields: &[&str]| {
            (
                line,
                blank,
                fields.iter().map(ToString::to_string).collect(),
            )
        };
        let expected = vec![
            row(1, false, &["a", "b"]),
            row(3, true, &["1\n2", "say \"x\""]),
            row(5, false, &["", ""]),
        ];
        let text = "a,b\n\n\"1\n2\",\"say \"\"x\"\"\"\n\"\",";
        let comma = Marks::new(b',');
        assert_eq!(read(text, comma), Ok(expected.clone()));
        // Inside of quotes, ends of lines are what they are.
        let windows = text.replace('\n', "\r\n").replace("1\r\n2", "1\n2");
        assert_eq!(read(&windows, comma), Ok(expected));
        let escaped = Marks {
            escapes: true,
            ..comma
        };
        let found = read("\"say \\\"x\\\"\",1\n", escaped).unwrap();
        assert_eq!(found[0].2, ["say \"x\"", "1"]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_refused_with_its_line() {
        for (text, line) in [
            ("a,b\n1,\"open\n2,x\n", 2),
            ("a,b\n1,2\n\n\"x\ny\",\"open", 5),
            ("a,\"b\n", 1),
        ] {
            let error = read(text, Marks::new(b',')).unwrap_err();
            assert!(
                error.contains(&format!("opens in line {line} is")),
                "{error}"
            );
        }
        // A quote inside of a field opens nothing, and a closed one may end the file.
        assert_eq!(
            read("a\n5\" pipe\n\"x\"", Marks::new(b',')).unwrap().len(),
            3
        );
    }
}
