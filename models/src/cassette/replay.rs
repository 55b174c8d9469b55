//! Answering from a recording.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use futures_util::future::{BoxFuture, FutureExt as _};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::line::{Line, Outcome, VERSION};
use super::request_digest;
use crate::scripted::{description, format, read_text, tell};
use crate::{DeltaSink, Model, ModelError, Reply, Request};

/// How large a recording may be.
pub const RECORDING_BYTES_MAX: u64 = 512 << 20;

/// Which recorded answer serves a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOrder {
    /// That to the same request; where it was asked several times, one after
    /// another. Requests may come in any order.
    #[default]
    Digest,
    /// The next one, whatever was asked: for prompts that hold the time of day.
    Sequence,
}

/// A model that says again what was recorded. Each answer serves once.
#[derive(Debug)]
pub struct Replay {
    recording: String,
    name: String,
    order: ReplayOrder,
    answers: Mutex<HashMap<String, VecDeque<Outcome>>>,
}

impl Replay {
    /// Reads a recording. The model is named as the first one recorded.
    ///
    /// # Errors
    /// [`ModelError::File`], [`ModelError::TooLarge`] and [`ModelError::Format`].
    pub fn read(path: &Path, order: ReplayOrder) -> Result<Self, ModelError> {
        let text = read_text(path, RECORDING_BYTES_MAX)?;
        Self::parse(&path.display().to_string(), &text, order)
    }

    /// Reads the text of a recording; `recording` names it in errors.
    ///
    /// # Errors
    /// [`ModelError::Format`].
    pub fn parse(recording: &str, text: &str, order: ReplayOrder) -> Result<Self, ModelError> {
        let mut answers: HashMap<String, VecDeque<Outcome>> = HashMap::new();
        let mut name = None;
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_str(line)
                .map_err(|error| format(recording, Some(number), error))?;
            if line.version != VERSION {
                let what = format!("version {} is not {VERSION}", line.version);
                return Err(format(recording, Some(number), what));
            }
            name.get_or_insert(line.model);
            let key = match order {
                ReplayOrder::Digest => line.digest,
                ReplayOrder::Sequence => String::new(),
            };
            answers.entry(key).or_default().push_back(line.outcome);
        }
        Ok(Self {
            name: name.unwrap_or_else(|| "replay".to_owned()),
            recording: recording.to_owned(),
            order,
            answers: Mutex::new(answers),
        })
    }

    fn answer(&self, request: &Request) -> Result<Reply, ModelError> {
        let key = match self.order {
            ReplayOrder::Digest => request_digest(request),
            ReplayOrder::Sequence => String::new(),
        };
        let mut answers = self.answers.lock();
        let known = answers.get_mut(&key);
        let missing = match (&known, self.order) {
            (Some(_), ReplayOrder::Digest) => "every answer to this request is given",
            (None, ReplayOrder::Digest) => "this request was not recorded",
            (_, ReplayOrder::Sequence) => "every answer is given",
        };
        match known.and_then(VecDeque::pop_front) {
            Some(outcome) => outcome.into_result(),
            None => Err(ModelError::NotRecorded {
                recording: self.recording.clone(),
                what: missing.to_owned(),
                got: description(request),
            }),
        }
    }
}

impl Model for Replay {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        sink: &'a mut dyn DeltaSink,
    ) -> BoxFuture<'a, Result<Reply, ModelError>> {
        async move {
            let reply = self.answer(request)?;
            tell(&reply, 0, sink);
            Ok(reply)
        }
        .boxed()
    }
}
