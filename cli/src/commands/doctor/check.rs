//! A check: a sentence, how it came out and, where something is missing, a remedy.

use serde::{Serialize, Serializer};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    FallsBack,
    Problem,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::FallsBack => "falls back",
            Self::Problem => "problem",
        }
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One line of the report.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) detail: String,
    pub(super) remedy: Option<String>,
}

pub(super) fn check(
    name: &'static str,
    state: State,
    detail: impl Into<String>,
    remedy: &str,
) -> Check {
    let remedy = (!remedy.is_empty()).then(|| remedy.to_owned());
    Check {
        name,
        state,
        detail: detail.into(),
        remedy,
    }
}

pub(super) fn ok(name: &'static str, detail: impl Into<String>) -> Check {
    check(name, State::Ok, detail, "")
}
