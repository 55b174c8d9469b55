//! What a turn came to, as every front end says it.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memex_runtime::{DisplayData, GuestError, LimitHit, Session, Status};
use serde::{Deserialize, Serialize};

/// What a turn came to: the object of `memex run --json`, of frames from worker
/// processes, and of every other front end.
///
/// Its JSON is a contract: fields have this order and these names, and those
/// that are not always there are left out. Everything that the guest says in it
/// (output, value, error) is as trustworthy as the code that ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Number of the turn in its session, from 1.
    pub turn: u64,
    /// How it ended.
    pub status: Status,
    /// What was written to standard output, as far as the policy keeps it.
    pub stdout: String,
    /// What was written to standard error, as far as the policy keeps it.
    pub stderr: String,
    /// A bounded preview of the last expression's value.
    pub value: Option<String>,
    /// The exception that ended the turn, or `SystemExit`.
    pub error: Option<Exception>,
    /// The limit that ended the turn, or that cut its output.
    pub limit: Option<LimitHit>,
    /// Whether the session is back in its state before the turn.
    pub rolled_back: bool,
    /// Instructions counted, on an image with fuel.
    pub fuel: Option<u64>,
    /// From call to return, waits included, in microseconds.
    pub wall_us: u64,
    /// Time in the guest, waits for the host excluded, in microseconds.
    pub guest_us: u64,
    /// Calls of the guest to tools and displays.
    pub host_calls: u64,
    /// Size of the guest's linear memory after the turn, in bytes.
    pub memory_bytes: u64,
    /// Pages of memory that the session holds for itself.
    pub dirty_pages: u64,
    /// Figures and displayed objects, where they are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displays: Option<Vec<Display>>,
}

/// An exception of the guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Name of its class.
    #[serde(rename = "type")]
    pub class: String,
    /// `str()` of it.
    pub message: String,
    /// Frames of the user's code, as Python prints them.
    pub traceback: String,
}

/// One thing shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Display {
    /// The file that one form of it was written into.
    Written(String),
    /// All that was shown.
    Whole {
        /// Whether it is the value of the turn's last expression.
        main: bool,
        /// MIME type to content, for every form that the object offers.
        data: BTreeMap<String, Content>,
    },
}

/// Content of one MIME type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Text, HTML, SVG, JSON and the like.
    Text(String),
    /// Pictures and the like, in base64.
    Base64(String),
}

impl Outcome {
    /// The outcome of a session's last turn, without what it displayed.
    pub fn of(outcome: &memex_runtime::Outcome, session: &mut Session) -> Self {
        // An exit with a number has no text of its own, and is said all the same.
        let exit = outcome.exit_code.map(|code| Exception {
            class: "SystemExit".to_owned(),
            message: code.to_string(),
            traceback: String::new(),
        });
        Self {
            turn: outcome.turn,
            status: outcome.status,
            stdout: outcome.stdout.text.clone(),
            stderr: outcome.stderr.text.clone(),
            value: outcome.value.clone(),
            error: outcome.error.as_ref().map(Exception::from).or(exit),
            limit: outcome.limit.clone(),
            rolled_back: outcome.rolled_back,
            fuel: outcome.fuel,
            wall_us: micros(outcome.wall_time),
            guest_us: micros(outcome.guest_time),
            host_calls: outcome.host_calls,
            memory_bytes: outcome.memory_bytes,
            dirty_pages: session.dirty_pages(),
            displays: None,
        }
    }

    /// The outcome of a turn that a fault of the host ended: its session is
    /// lost.
    #[must_use]
    pub fn fault(turn: u64, what: impl Into<String>) -> Self {
        Self {
            turn,
            status: Status::Fault,
            error: Some(Exception {
                class: "HostFault".to_owned(),
                message: what.into(),
                traceback: String::new(),
            }),
            ..Self::default()
        }
    }

    /// The same, with what was displayed.
    #[must_use]
    pub fn with_displays(mut self, displays: Vec<Display>) -> Self {
        self.displays = Some(displays);
        self
    }

    /// Whether the turn ran to its end.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }
}

impl Default for Outcome {
    /// A turn without code: it is ok, and did nothing.
    fn default() -> Self {
        Self {
            turn: 0,
            status: Status::Ok,
            stdout: String::new(),
            stderr: String::new(),
            value: None,
            error: None,
            limit: None,
            rolled_back: false,
            fuel: None,
            wall_us: 0,
            guest_us: 0,
            host_calls: 0,
            memory_bytes: 0,
            dirty_pages: 0,
            displays: None,
        }
    }
}

impl From<&GuestError> for Exception {
    fn from(error: &GuestError) -> Self {
        Self {
            class: error.class.clone(),
            message: error.message.clone(),
            traceback: error.traceback.clone(),
        }
    }
}

impl From<&memex_runtime::Display> for Display {
    fn from(display: &memex_runtime::Display) -> Self {
        let content = |data: &DisplayData| match data {
            DisplayData::Text(text) => Content::Text(text.clone()),
            DisplayData::Bytes(bytes) => Content::Base64(STANDARD.encode(bytes)),
        };
        let forms = display.data.iter();
        Self::Whole {
            main: display.main,
            data: forms
                .map(|(mime, data)| (mime.clone(), content(data)))
                .collect(),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What programs read: the order, the names, and what is left out.
    #[test]
    fn the_json_of_an_outcome_is_the_contract() {
        let plain = Outcome {
            turn: 1,
            value: Some("42".to_owned()),
            ..Outcome::default()
        };
        let text = serde_json::to_string(&plain).unwrap();
        assert_eq!(
            text,
            r#"{"turn":1,"status":"ok","stdout":"","stderr":"","value":"42","error":null,"limit":null,"rolled_back":false,"fuel":null,"wall_us":0,"guest_us":0,"host_calls":0,"memory_bytes":0,"dirty_pages":0}"#
        );
        let fault = Outcome::fault(2, "gone").with_displays(vec![
            Display::Written("a.png".to_owned()),
            Display::Whole {
                main: true,
                data: BTreeMap::from([("text/plain".to_owned(), Content::Text("x".to_owned()))]),
            },
        ]);
        let text = serde_json::to_string(&fault).unwrap();
        let end = r#""status":"fault","stdout":"","stderr":"","value":null,"error":{"type":"HostFault","message":"gone","traceback":""},"limit":null,"rolled_back":false,"fuel":null,"wall_us":0,"guest_us":0,"host_calls":0,"memory_bytes":0,"dirty_pages":0,"displays":["a.png",{"main":true,"data":{"text/plain":{"text":"x"}}}]}"#;
        assert!(text.ends_with(end), "{text}");
        for outcome in [plain, fault] {
            let text = serde_json::to_string(&outcome).unwrap();
            assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome);
        }
    }
}
