//! Reading a trajectory's file, line by line.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::record::{parse_header, parse_record};
use crate::{Error, Header, Record, Status, Totals, Trajectory};

/// How long a line may be. Writers and readers refuse a longer one.
pub const LINE_MAX_BYTES: u64 = 64 << 20;

/// What the lines of a trajectory that is read whole may take as values together: sixteen
/// times the longest line. One record after the other is read of any length.
const VALUES_MAX_BYTES: usize = 1 << 30;

/// A remark about a file that could be read all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}, line {line}: {what}")]
pub struct Note {
    /// The file.
    pub place: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What was found, and what was done about it.
    pub what: String,
}

/// A trajectory as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The trajectory.
    pub trajectory: Trajectory,
    /// What was remarkable about its file.
    pub notes: Vec<Note>,
}

/// Reads a trajectory's file.
///
/// A last line that was torn by the death of its writer is left out, with a
/// note. A run without an end has the totals of its steps.
///
/// # Errors
///
/// [`Error::Io`], [`Error::Malformed`], [`Error::Version`] or
/// [`Error::TooLarge`].
pub fn load(path: &Path) -> Result<Loaded, Error> {
    TrajectoryReader::open(path)?.collect_all()
}

/// The lines of a trajectory, one at a time: of any number, in the memory of
/// the longest.
///
/// As an iterator it ends after the first error.
#[derive(Debug)]
pub struct TrajectoryReader<R> {
    lines: Lines<R>,
    header: Header,
    steps: u32,
    notes: Vec<Note>,
    is_done: bool,
    good_bytes: u64,
    /// What the records so far take as values.
    taken: usize,
}

impl TrajectoryReader<BufReader<File>> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    ///
    /// See [`TrajectoryReader::new`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let place = path.display().to_string();
        let file = File::open(path).map_err(Error::io(&place))?;
        Self::new(BufReader::new(file), &place)
    }
}

impl<R: BufRead> TrajectoryReader<R> {
    /// Reads the header. `place` names the source in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Malformed`] if there is no header,
    /// [`Error::Version`] or [`Error::TooLarge`].
    pub fn new(reader: R, place: &str) -> Result<Self, Error> {
        let mut lines = Lines::new(reader, place);
        let header = match lines.next_line()? {
            Some(line) => parse_header(place, &line.text)?,
            None => return Err(Error::malformed(place, Some(1), "", "the file is empty")),
        };
        let good_bytes = lines.offset;
        Ok(Self {
            lines,
            header,
            steps: 0,
            notes: Vec::new(),
            is_done: false,
            good_bytes,
            taken: 0,
        })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What was remarkable so far.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Reads what is left into a trajectory.
    ///
    /// # Errors
    ///
    /// Those of the lines, and [`Error::Malformed`] if together they take more than a
    /// gibibyte as values.
    pub fn collect_all(mut self) -> Result<Loaded, Error> {
        let trajectory = self.collect_lines()?;
        Ok(Loaded {
            trajectory,
            notes: self.notes,
        })
    }

    pub(crate) fn collect_lines(&mut self) -> Result<Trajectory, Error> {
        let mut trajectory = Trajectory::from(self.header.clone());
        let mut places = HashMap::new();
        while let Some(record) = self.next() {
            trajectory.apply(record?, &mut places);
            if self.taken > VALUES_MAX_BYTES {
                let what = format!("the run takes more than {VALUES_MAX_BYTES} bytes as values");
                let number = Some(self.lines.number);
                return Err(Error::malformed(&self.lines.place, number, "", what));
            }
        }
        if trajectory.status == Status::Unfinished && trajectory.totals == Totals::default() {
            trajectory.totals = Totals::of(&trajectory.steps);
        }
        Ok(trajectory)
    }

    /// How many bytes belong to whole lines.
    pub(crate) fn good_bytes(&self) -> u64 {
        self.good_bytes
    }

    fn read(&mut self) -> Result<Option<Record>, Error> {
        loop {
            let Some(line) = self.lines.next_line()? else {
                return Ok(None);
            };
            let (place, number) = (&self.lines.place, self.lines.number);
            let is_blank = line.text.iter().all(u8::is_ascii_whitespace);
            if is_blank && line.is_whole {
                self.good_bytes = self.lines.offset;
                continue;
            }
            match parse_record(place, number, &line.text) {
                Ok((record, taken)) => {
                    self.check_order(&record)?;
                    self.taken = self.taken.saturating_add(taken);
                    self.good_bytes = self.lines.offset;
                    return Ok(Some(record));
                }
                // A prefix of a JSON object is none, so a line without its
                // end that does not parse is what a killed writer left.
                Err(_) if !line.is_whole => {
                    let what = format!(
                        "the last line was torn after {} bytes and is left out",
                        line.text.len()
                    );
                    self.notes.push(Note {
                        place: place.clone(),
                        line: number,
                        what,
                    });
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn check_order(&mut self, record: &Record) -> Result<(), Error> {
        let Record::Step(step) = record else {
            return Ok(());
        };
        if step.index != self.steps {
            let what = format!(
                "step {} stands where step {} belongs",
                step.index, self.steps
            );
            let number = Some(self.lines.number);
            return Err(Error::malformed(&self.lines.place, number, "index", what));
        }
        self.steps = self.steps.saturating_add(1);
        Ok(())
    }
}

impl<R: BufRead> Iterator for TrajectoryReader<R> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let item = self.read().transpose();
        self.is_done = !matches!(item, Some(Ok(_)));
        item
    }
}

/// Lines of bounded length.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    pub(crate) place: String,
    /// The number of the last line read, from 1.
    pub(crate) number: usize,
    /// The bytes read so far.
    offset: u64,
}

/// One line, without its end.
pub(crate) struct Line {
    pub(crate) text: Vec<u8>,
    /// Whether its end was there.
    pub(crate) is_whole: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R, place: &str) -> Self {
        Self {
            reader,
            place: place.to_owned(),
            number: 0,
            offset: 0,
        }
    }

    pub(crate) fn next_line(&mut self) -> Result<Option<Line>, Error> {
        let mut text = Vec::new();
        let read = (&mut self.reader)
            .take(LINE_MAX_BYTES + 1)
            .read_until(b'\n', &mut text)
            .map_err(Error::io(&self.place))?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        self.offset = self.offset.saturating_add(read);
        let is_whole = text.last() == Some(&b'\n');
        if read > LINE_MAX_BYTES {
            return Err(Error::TooLarge {
                place: self.place.clone(),
                what: format!("line {}", self.number),
                limit_bytes: LINE_MAX_BYTES,
            });
        }
        if is_whole {
            text.pop();
        }
        Ok(Some(Line { text, is_whole }))
    }
}
