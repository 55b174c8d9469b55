//! Reading and writing files of any format.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use super::detection::{Layout, inspect};
use super::rollout::RolloutExtent;
use super::{Format, atif, chat, rollout};
use crate::depth::check_children;
use crate::reader::Lines;
use crate::record::{Line, VERSION};
use crate::{Error, Loaded, Trajectory, load};

/// Opens a file of whatever format.
///
/// # Errors
///
/// [`Error::Io`], [`Error::TooLarge`] or [`Error::UnknownFormat`].
pub fn open(path: &Path) -> Result<Trajectories, Error> {
    let (format, layout) = inspect(path)?;
    let place = path.display().to_string();
    let source = match (format, layout) {
        (Format::Native, _) => Source::Native(path.to_owned()),
        (_, Layout::Document(text)) => Source::Document(text),
        (_, Layout::Lines) => {
            let file = File::open(path).map_err(Error::io(&place))?;
            Source::Lines(Lines::new(BufReader::new(file), &place))
        }
    };
    Ok(Trajectories {
        format,
        place,
        source,
    })
}

/// Writes trajectories in a format. [`Format::Native`] and a pretty
/// [`Format::Atif`] document hold one; several ATIF documents go one to a
/// line. Rollouts are whole, and labelled by the `label` of the metadata.
///
/// # Errors
///
/// [`Error::Io`]; [`Error::TooDeep`] or [`Error::DuplicateChild`] for
/// trajectories that the format cannot hold; [`Error::Malformed`] for several
/// in the native format.
pub fn write(
    format: Format,
    trajectories: &[Trajectory],
    place: &str,
    to: &mut impl Write,
) -> Result<(), Error> {
    if let (Format::Native, [_, _, ..]) = (format, trajectories) {
        let what = "a native file holds one run; write a file for each";
        return Err(Error::malformed(place, None, "", what));
    }
    for trajectory in trajectories {
        let text = match format {
            Format::Native => native_lines(trajectory, place)?,
            Format::Atif if trajectories.len() == 1 => atif::to_document(trajectory)?,
            Format::Atif => atif::to_line(trajectory)?,
            Format::Chat => conversations(trajectory)?,
            Format::Rollout => rollout::to_line(trajectory, None, RolloutExtent::Whole)?,
        };
        to.write_all(text.as_bytes()).map_err(Error::io(place))?;
        to.write_all(b"\n").map_err(Error::io(place))?;
    }
    to.flush().map_err(Error::io(place))
}

/// A line for the run, and one for each run that it spawned, at any depth.
fn conversations(trajectory: &Trajectory) -> Result<String, Error> {
    check_children(trajectory)?;
    let mut lines = Vec::new();
    let mut open = vec![trajectory];
    while let Some(run) = open.pop() {
        lines.push(chat::to_line(run, chat::ChatOptions::default())?);
        let children = run.children.iter().rev();
        open.extend(children.filter_map(|child| child.trajectory.as_deref()));
    }
    Ok(lines.join("\n"))
}

fn native_lines(trajectory: &Trajectory, place: &str) -> Result<String, Error> {
    check_children(trajectory)?;
    let mut folded = trajectory.clone();
    crate::depth::fold_trajectory(&mut folded);
    let header = folded.header();
    let (version, header, end) = (VERSION, &header, folded.end());
    let steps = folded.steps.iter().map(Line::Step);
    let children = folded.children.iter().map(Line::Child);
    let lines = std::iter::once(Line::Trajectory { version, header })
        .chain(steps)
        .chain(children)
        .chain(std::iter::once(Line::End(&end)));
    let lines: Result<Vec<String>, _> = lines.map(|line| serde_json::to_string(&line)).collect();
    let lines = lines.map_err(|error| Error::malformed(place, None, "", error.to_string()))?;
    Ok(lines.join("\n"))
}

/// The trajectories of a file, one at a time.
#[derive(Debug)]
pub struct Trajectories {
    format: Format,
    place: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Native(PathBuf),
    Document(Vec<u8>),
    Lines(Lines<BufReader<File>>),
    Done,
}

impl Trajectories {
    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    fn read(&mut self) -> Result<Option<Loaded>, Error> {
        match std::mem::replace(&mut self.source, Source::Done) {
            Source::Done => Ok(None),
            Source::Native(path) => load(&path).map(Some),
            Source::Document(text) => self.parse(&text, None).map(Some),
            Source::Lines(mut lines) => loop {
                let Some(line) = lines.next_line()? else {
                    return Ok(None);
                };
                if line.text.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let loaded = self.parse(&line.text, Some(lines.number))?;
                self.source = Source::Lines(lines);
                return Ok(Some(loaded));
            },
        }
    }

    fn parse(&self, text: &[u8], line: Option<usize>) -> Result<Loaded, Error> {
        let trajectory = match self.format {
            Format::Native | Format::Atif => atif::parse(text, &self.place, line),
            Format::Chat => chat::parse(text, &self.place, line),
            Format::Rollout => rollout::parse(text, &self.place, line),
        }?;
        Ok(Loaded {
            trajectory,
            notes: Vec::new(),
        })
    }
}

impl Iterator for Trajectories {
    type Item = Result<Loaded, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
