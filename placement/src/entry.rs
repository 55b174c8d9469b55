//! What a session's log says of a turn.

use crate::{Error, Sequence};
use serde::{Deserialize, Serialize};

/// Most bytes of an entry. States are elsewhere; an entry points at them.
pub const ENTRY_BYTES_MAX: usize = 16 << 10;

/// The version of entries that this program writes and reads.
const VERSION: u32 = 1;

/// How a session stands after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// The turn has ended.
    Done,
    /// The turn waits for answers to its calls.
    Waiting,
    /// The session has ended; no entry follows.
    Ended,
}

/// A turn that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The number of the turn in its session.
    pub turn: u64,
    /// The request that it answers, named by who asked: the same request is not run twice.
    pub request: String,
    /// Who ran it.
    pub node: String,
    /// How the session stands.
    pub state: State,
    /// The state that it left, in the store.
    pub head: String,
    /// The image on which that state runs.
    pub image: String,
    /// The answer that was given, in the store; what is asked again is told this.
    pub answer: String,
}

/// The last turn of a session, as its log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Where it stands.
    pub sequence: Sequence,
    /// What it says.
    pub entry: Entry,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<E> {
    version: u32,
    entry: E,
}

impl Entry {
    /// The bytes that a log keeps.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        let written = Written {
            version: VERSION,
            entry: self,
        };
        let bytes = serde_json::to_vec(&written)
            .map_err(|error| damaged("an entry", &error.to_string()))?;
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(Error::TooLarge { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    /// What a log kept at `place`.
    pub(crate) fn decode(bytes: &[u8], place: &str) -> Result<Self, Error> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(damaged(place, "it is longer than an entry can be"));
        }
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let of = |error: serde_json::Error| damaged(place, &error.to_string());
        let Version { version } = serde_json::from_slice(bytes).map_err(of)?;
        if version != VERSION {
            let reason = format!("it is of version {version}, and this program writes {VERSION}");
            return Err(damaged(place, &reason));
        }
        let written: Written<Self> = serde_json::from_slice(bytes).map_err(of)?;
        Ok(written.entry)
    }
}

pub(crate) fn damaged(place: &str, reason: &str) -> Error {
    Error::Damaged {
        place: place.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRY_BYTES_MAX, Entry, State};
    use crate::Error;

    fn entry() -> Entry {
        Entry {
            turn: 3,
            request: "r-3".to_owned(),
            node: "a".to_owned(),
            state: State::Waiting,
            head: "h".to_owned(),
            image: "i".to_owned(),
            answer: "o".to_owned(),
        }
    }

    #[test]
    fn entries_are_read_as_they_are_written() {
        let bytes = entry().encode().unwrap();
        assert_eq!(Entry::decode(&bytes, "x").unwrap(), entry());
    }

    #[test]
    fn what_is_no_entry_of_this_version_is_said_to_be_none() {
        let text = String::from_utf8(entry().encode().unwrap()).unwrap();
        for (bad, why) in [
            (String::new(), "EOF"),
            ("[]".to_owned(), "invalid"),
            (text.replace(":1,", ":2,"), "version 2"),
            (text.replace("\"turn\"", "\"more\":1,\"turn\""), "unknown"),
            (text.replace("waiting", "resting"), "unknown variant"),
            (format!("{text}{}", " ".repeat(ENTRY_BYTES_MAX)), "longer"),
        ] {
            let error = Entry::decode(bad.as_bytes(), "log a").unwrap_err();
            let shown = error.to_string();
            assert!(shown.contains("log a") && shown.contains(why), "{shown}");
        }
        let large = Entry {
            head: "h".repeat(ENTRY_BYTES_MAX),
            ..entry()
        };
        assert!(matches!(large.encode(), Err(Error::TooLarge { .. })));
    }
}
