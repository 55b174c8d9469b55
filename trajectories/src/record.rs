//! The lines of a trajectory's file.
//!
//! The first line is the header, then come steps and children as they
//! happen, then the end. Each is a JSON object whose `type` says which.

use std::collections::HashMap;

use memex_channel::TreeSize;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::absent::present;
use crate::{Agent, Child, Error, Metadata, Parent, Status, Step, Timestamp, Totals, Trajectory};

/// The version of the lines that this build writes and reads.
pub const VERSION: u32 = 1;

/// What a line may take as values: eight times the longest one. `{"":0}` takes a hundred times
/// its text.
const LINE_VALUES_MAX_BYTES: usize = 512 << 20;

/// What is known of a run when it begins: the first line.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// See [`Trajectory::id`].
    pub id: String,
    /// See [`Trajectory::task`].
    pub task: String,
    /// See [`Trajectory::task_id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// See [`Trajectory::agent`].
    pub agent: Agent,
    /// See [`Trajectory::started`].
    pub started: Timestamp,
    /// See [`Trajectory::parent`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// See [`Trajectory::metadata`].
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Metadata,
}

/// What is known of a run when it ends: the last line.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// See [`Trajectory::ended`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// See [`Trajectory::status`].
    #[serde(default)]
    pub status: Status,
    /// See [`Trajectory::answer`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// See [`Trajectory::submission`].
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub submission: Option<Value>,
    /// See [`Trajectory::totals`].
    #[serde(default)]
    pub totals: Totals,
}

/// A line after the header.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A step.
    Step(Box<Step>),
    /// A child; a later line of the same id takes its place.
    Child(Box<Child>),
    /// The run was taken up again; an end before it no longer holds.
    Resumed(Timestamp),
    /// The end.
    End(Box<End>),
}

/// A line to write.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    Trajectory {
        version: u32,
        #[serde(flatten)]
        header: &'a Header,
    },
    Step(&'a Step),
    Child(&'a Child),
    Resumed {
        at: Timestamp,
    },
    End(&'a End),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resumed {
    at: Timestamp,
}

/// Reads the header's line.
pub(crate) fn parse_header(place: &str, text: &[u8]) -> Result<Header, Error> {
    let (kind, mut fields, _taken) = split(place, 1, text)?;
    if kind != "trajectory" {
        let what = format!("the first line is of type {kind:?}, not \"trajectory\"");
        return Err(Error::malformed(place, Some(1), "type", what));
    }
    match fields.remove("version").map(|version| version.as_u64()) {
        Some(Some(version)) if version == u64::from(VERSION) => typed(place, 1, fields),
        Some(Some(found)) => Err(Error::Version {
            place: place.to_owned(),
            found,
            supported: VERSION,
        }),
        _ => Err(Error::malformed(
            place,
            Some(1),
            "version",
            "there is no version number",
        )),
    }
}

/// Reads a line after the header, and says what it takes as values.
pub(crate) fn parse_record(
    place: &str,
    line: usize,
    text: &[u8],
) -> Result<(Record, usize), Error> {
    let (kind, fields, taken) = split(place, line, text)?;
    let record = match kind.as_str() {
        "step" => typed(place, line, fields).map(|step| Record::Step(Box::new(step))),
        "child" => typed(place, line, fields).map(|child| Record::Child(Box::new(child))),
        "resumed" => typed(place, line, fields).map(|Resumed { at }| Record::Resumed(at)),
        "end" => typed(place, line, fields).map(|end| Record::End(Box::new(end))),
        other => {
            let what = format!("{other:?} is no type of line; there are step, child, resumed, end");
            Err(Error::malformed(place, Some(line), "type", what))
        }
    }?;
    Ok((record, taken))
}

/// A line's type, its other fields, and what all of it takes as values.
fn split(
    place: &str,
    line: usize,
    text: &[u8],
) -> Result<(String, Map<String, Value>, usize), Error> {
    let taken = TreeSize::check(text, LINE_VALUES_MAX_BYTES)
        .map_err(|what| Error::malformed(place, Some(line), "", format!("the line {what}")))?;
    let mut fields: Map<String, Value> = serde_json::from_slice(text)
        .map_err(|error| Error::malformed(place, Some(line), "", error.to_string()))?;
    match fields.remove("type") {
        Some(Value::String(kind)) => Ok((kind, fields, taken)),
        _ => Err(Error::malformed(
            place,
            Some(line),
            "type",
            "the line does not say its type",
        )),
    }
}

fn typed<T: for<'de> Deserialize<'de>>(
    place: &str,
    line: usize,
    fields: Map<String, Value>,
) -> Result<T, Error> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let field = match error.path().to_string() {
            path if path == "." => String::new(),
            path => path,
        };
        Error::malformed(place, Some(line), field, error.into_inner().to_string())
    })
}

impl From<Header> for Trajectory {
    fn from(header: Header) -> Self {
        Self {
            id: header.id,
            task: header.task,
            task_id: header.task_id,
            agent: header.agent,
            started: header.started,
            parent: header.parent,
            metadata: header.metadata,
            ..Self::default()
        }
    }
}

impl Trajectory {
    /// Its first line.
    pub fn header(&self) -> Header {
        Header {
            id: self.id.clone(),
            task: self.task.clone(),
            task_id: self.task_id.clone(),
            agent: self.agent.clone(),
            started: self.started,
            parent: self.parent.clone(),
            metadata: self.metadata.clone(),
        }
    }

    /// Its last line.
    pub fn end(&self) -> End {
        End {
            ended: self.ended,
            status: self.status.clone(),
            answer: self.answer.clone(),
            submission: self.submission.clone(),
            totals: self.totals,
        }
    }

    /// Takes in a line that was read. `places` are those of the children, by their ids.
    pub(crate) fn apply(&mut self, record: Record, places: &mut HashMap<String, usize>) {
        match record {
            Record::Step(step) => self.steps.push(*step),
            Record::Child(child) => {
                let known = places.get(&child.id).copied();
                match known.and_then(|place| self.children.get_mut(place)) {
                    Some(known) => *known = *child,
                    None => {
                        places.insert(child.id.clone(), self.children.len());
                        self.children.push(*child);
                    }
                }
            }
            Record::Resumed(_) => self.set_end(End::default()),
            Record::End(end) => self.set_end(*end),
        }
    }

    fn set_end(&mut self, end: End) {
        self.ended = end.ended;
        self.status = end.status;
        self.answer = end.answer;
        self.submission = end.submission;
        self.totals = end.totals;
    }
}
