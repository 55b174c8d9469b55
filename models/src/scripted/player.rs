//! The position of each conversation in a script.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::matching::{description, is_for, mismatch, wanted};
use super::{Script, ScriptEntry, ScriptOrder};
use crate::{ModelError, Request};

/// How many conversations a script keeps apart.
const TRACKS_MAX: usize = 1 << 20;

/// Who plays: conversation and agent.
type Track = (Option<String>, Option<String>);

/// A script being played by any number of conversations.
#[derive(Debug)]
pub struct ScriptPlayer {
    name: String,
    order: ScriptOrder,
    pub(crate) chunk_chars: usize,
    entries: Vec<Arc<ScriptEntry>>,
    tracks: Mutex<HashMap<Track, Place>>,
}

/// How far a conversation is.
#[derive(Debug, Default)]
struct Place {
    /// The entry to play next, in order.
    next: usize,
    /// How often entries served; in order, only the next one is of interest.
    used: HashMap<usize, u32>,
    replies: usize,
}

impl ScriptPlayer {
    /// A script at its beginning.
    #[must_use]
    pub fn new(script: Script) -> Self {
        Self {
            name: script.name,
            order: script.order,
            chunk_chars: script.chunk_chars,
            entries: script.entries.into_iter().map(Arc::new).collect(),
            tracks: Mutex::default(),
        }
    }

    /// Characters of a piece of a streamed reply; 0 is all of it.
    #[must_use]
    pub fn chunk_chars(&self) -> usize {
        self.chunk_chars
    }

    /// The entry that serves a request, and its number in the conversation.
    ///
    /// # Errors
    /// If the script has no reply to it, or expects another request.
    pub fn next(&self, request: &Request) -> Result<(Arc<ScriptEntry>, usize), ModelError> {
        let track = match self.order {
            ScriptOrder::Sequence => (None, None),
            _ => (request.conversation.clone(), request.agent.clone()),
        };
        let mut tracks = self.tracks.lock();
        if tracks.len() >= TRACKS_MAX && !tracks.contains_key(&track) {
            return Err(ModelError::TooLarge {
                what: "the list of conversations",
                limit: TRACKS_MAX as u64,
            });
        }
        let place = tracks.entry(track).or_default();
        let index = match self.order {
            ScriptOrder::Keyed => self.keyed(place, request)?,
            _ => self.in_order(place, request)?,
        };
        let ended = || self.ended(place.replies + 1, request);
        let entry = self.entries.get(index).ok_or_else(ended)?;
        *place.used.entry(index).or_default() += 1;
        place.replies += 1;
        Ok((Arc::clone(entry), place.replies))
    }

    fn in_order(&self, place: &mut Place, request: &Request) -> Result<usize, ModelError> {
        loop {
            let ended = || self.ended(place.replies + 1, request);
            let entry = self.entries.get(place.next).ok_or_else(ended)?;
            if !self.is_on_track(entry, request) || is_used_up(place, place.next, entry) {
                place.used.remove(&place.next);
                place.next += 1;
                continue;
            }
            let expected = match is_for(entry, request) {
                true => mismatch(&entry.expect, request),
                false => Some(wanted(entry)),
            };
            let Some(expected) = expected else {
                return Ok(place.next);
            };
            // An entry that has served may be followed by another.
            let later = self.entries.iter().skip(place.next + 1);
            let mut later = later.filter(|entry| self.is_on_track(entry, request));
            if place.used.contains_key(&place.next) && later.next().is_some() {
                place.used.remove(&place.next);
                place.next += 1;
                continue;
            }
            return Err(self.mismatch(place.next, expected, request));
        }
    }

    /// Whether the asking conversation plays an entry, expected or not.
    fn is_on_track(&self, entry: &ScriptEntry, request: &Request) -> bool {
        self.order == ScriptOrder::Sequence || is_for(entry, request)
    }

    fn keyed(&self, place: &Place, request: &Request) -> Result<usize, ModelError> {
        let mut last = None;
        for (index, entry) in self.entries.iter().enumerate() {
            if is_used_up(place, index, entry) {
                continue;
            }
            if is_for(entry, request) && mismatch(&entry.expect, request).is_none() {
                return Ok(index);
            }
            last = Some((index, wanted(entry)));
        }
        Err(match last {
            Some((index, expected)) => self.mismatch(index, expected, request),
            None => self.ended(place.replies + 1, request),
        })
    }

    fn ended(&self, number: usize, request: &Request) -> ModelError {
        let conversation = match (&request.conversation, &request.agent) {
            (Some(conversation), _) => format!("the conversation {conversation}"),
            (None, Some(agent)) => format!("the agent {agent}"),
            (None, None) => "the conversation".to_owned(),
        };
        ModelError::ScriptEnded {
            script: self.name.clone(),
            track: conversation,
            number,
            got: description(request),
        }
    }

    fn mismatch(&self, index: usize, expected: String, request: &Request) -> ModelError {
        ModelError::ScriptMismatch {
            script: self.name.clone(),
            entry: index + 1,
            expected,
            got: description(request),
        }
    }
}

fn is_used_up(place: &Place, index: usize, entry: &ScriptEntry) -> bool {
    let times = entry.times.unwrap_or(1);
    let used = place.used.get(&index).copied().unwrap_or(0);
    times != 0 && used >= times
}
