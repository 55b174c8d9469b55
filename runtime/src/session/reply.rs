//! What the dispatcher answers: the shape of its frames.
//!
//! Guest code can replace the dispatcher, so an answer is as trustworthy as
//! anything a guest says: it is decoded with bounds, and what does not decode
//! is an error of the turn.

use super::outcome::GuestError;
use memex_policies::Limits;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use std::fmt;
use std::time::Duration;

/// Bytes that are kept of an exception's class.
pub(super) const CLASS_BYTES_MAX: usize = 1 << 10;
/// Bytes that are kept of an exception's message.
pub(super) const MESSAGE_BYTES_MAX: usize = 32 << 10;
/// Bytes that are kept of a traceback.
pub(super) const TRACEBACK_BYTES_MAX: usize = 96 << 10;
/// What the guest notes of a value that it cut, on top of `value_bytes`.
pub(super) const NOTE_BYTES_MAX: usize = 256;
/// What an answer has besides its texts.
const FRAMING_BYTES_MAX: usize = 1 << 10;
/// Bytes that JSON takes for one byte of a text, at most: `\u0000`.
const ESCAPED_BYTES_MAX: usize = 6;
/// Most bytes of an answer that holds no value.
pub(super) const ERROR_ANSWER_BYTES_MAX: usize = FRAMING_BYTES_MAX
    + ESCAPED_BYTES_MAX * (CLASS_BYTES_MAX + MESSAGE_BYTES_MAX + TRACEBACK_BYTES_MAX);
/// Most bytes of an answer to a question about the scope: a thousand names, each
/// with its type and a preview of a line.
pub(super) const INSPECTION_BYTES_MAX: usize = 8 << 20;

/// Most bytes of an answer to a turn.
pub(super) fn answer_bytes_max(limits: &Limits) -> usize {
    let value = usize::try_from(limits.value_bytes).unwrap_or(usize::MAX);
    let value = value.saturating_add(FRAMING_BYTES_MAX + NOTE_BYTES_MAX);
    value.max(ERROR_ANSWER_BYTES_MAX)
}

/// A decoded answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// The turn is over.
    Done(Finished),
    /// The turn waits: for this long, or for something from outside.
    Waiting(Option<Duration>),
}

/// How a turn ended, as the guest tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Finished {
    pub(crate) value: Option<String>,
    pub(crate) error: Option<GuestError>,
    pub(crate) exit_code: Option<i64>,
    /// Whether the turn ended by `exit()` or `SystemExit`.
    pub(crate) exited: bool,
    /// Whether the guest's answer was none.
    pub(crate) is_ruined: bool,
}

/// Fields of the types they must have; what else there is is skipped, and never
/// becomes a tree of values.
#[derive(Deserialize)]
struct Head {
    status: String,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    error: Option<GuestError>,
    #[serde(default)]
    exit_code: Option<ExitCode>,
}

/// A status that `exit()` was called with.
#[derive(Clone, Copy)]
struct ExitCode(Option<i64>);

impl<'de> Deserialize<'de> for ExitCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Status;
        impl Visitor<'_> for Status {
            type Value = ExitCode;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a text")
            }

            fn visit_i64<E>(self, code: i64) -> Result<ExitCode, E> {
                Ok(ExitCode(Some(code)))
            }

            fn visit_u64<E>(self, code: u64) -> Result<ExitCode, E> {
                Ok(ExitCode(i64::try_from(code).ok()))
            }

            fn visit_f64<E>(self, _: f64) -> Result<ExitCode, E> {
                Ok(ExitCode(None))
            }

            /// `exit("message")` means status 1, as for a process.
            fn visit_str<E>(self, _: &str) -> Result<ExitCode, E> {
                Ok(ExitCode(Some(1)))
            }
        }
        deserializer.deserialize_any(Status)
    }
}

#[derive(Deserialize)]
struct Wait {
    timeout_s: Option<f64>,
}

/// Decodes an answer of the dispatcher. The caller has bounded its length, and
/// what is made of it has no more bytes than it.
pub(crate) fn decode(bytes: &[u8]) -> Result<Answer, String> {
    let Some((kind, rest)) = bytes.split_first() else {
        return Ok(Answer::Done(Finished::default()));
    };
    match kind {
        b'v' => {
            let value = Some(String::from_utf8_lossy(rest).into_owned());
            Ok(Answer::Done(Finished {
                value,
                ..Finished::default()
            }))
        }
        b'j' => {
            let head: Head = serde_json::from_slice(rest).map_err(|e| e.to_string())?;
            Ok(Answer::Done(head.into()))
        }
        b'w' => {
            let wait: Wait = serde_json::from_slice(rest).map_err(|e| e.to_string())?;
            let timeout = match wait.timeout_s {
                None => None,
                Some(seconds) => {
                    let wait = Duration::try_from_secs_f64(seconds.max(0.0));
                    Some(wait.map_err(|e| e.to_string())?)
                }
            };
            Ok(Answer::Waiting(timeout))
        }
        other => Err(format!("an answer of the unknown kind {other}")),
    }
}

impl From<Head> for Finished {
    fn from(head: Head) -> Self {
        let exited = head.status == "exit";
        let exit_code = match head.exit_code {
            Some(ExitCode(code)) => code,
            None => exited.then_some(0),
        };
        Self {
            is_ruined: false,
            value: head.value,
            error: head.error,
            exit_code,
            exited,
        }
    }
}

/// Decodes an answer for fuzzing: any bytes are an answer or an error.
///
/// # Errors
/// Says why the bytes are not an answer.
#[cfg(feature = "fuzzing")]
pub fn check_answer(bytes: &[u8]) -> Result<(), String> {
    decode(bytes).map(|_| ())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kinds() {
        assert_eq!(decode(b""), Ok(Answer::Done(Finished::default())));
        let value = Finished {
            value: Some("42".into()),
            ..Finished::default()
        };
        assert_eq!(decode(b"v42"), Ok(Answer::Done(value)));
        assert_eq!(
            decode(br#"w{"timeout_s":0.5}"#),
            Ok(Answer::Waiting(Some(Duration::from_millis(500))))
        );
        assert_eq!(decode(br#"w{"timeout_s":null}"#), Ok(Answer::Waiting(None)));
        let exit = decode(br#"j{"status":"exit","exit_code":3}"#).unwrap();
        assert!(matches!(
            exit,
            Answer::Done(Finished {
                exit_code: Some(3),
                exited: true,
                ..
            })
        ));
        for bad in [&b"x"[..], b"j", b"j{}", br#"w{"timeout_s":1e300}"#, b"w[]"] {
            assert!(decode(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn exit_codes_are_numbers_or_texts() {
        let code = |json: &str| {
            let answer = format!(r#"j{{"status":"exit","exit_code":{json}}}"#);
            match decode(answer.as_bytes()) {
                Ok(Answer::Done(finished)) => Ok(finished.exit_code),
                Ok(other) => panic!("{other:?}"),
                Err(message) => Err(message),
            }
        };
        for (json, expected) in [
            ("3", Some(3)),
            ("-3", Some(-3)),
            ("\"text\"", Some(1)),
            ("\"\\u0041\"", Some(1)),
            ("null", Some(0)),
            ("1.5", None),
            ("99999999999999999999", None),
            ("18446744073709551615", None),
        ] {
            assert_eq!(code(json), Ok(expected), "{json}");
        }
        for json in ["[]", "[1]", "{}", r#"{"":0}"#, "true"] {
            let message = code(json).expect_err(json);
            assert!(message.contains("a number or a text"), "{json}: {message}");
        }
    }

    #[test]
    fn unknown_fields_are_skipped() {
        let answer = br#"j{"status":"exception","more":[{"":0},[[]]],"exit_code":null}"#;
        assert_eq!(decode(answer), Ok(Answer::Done(Finished::default())));
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn any_wait_decodes_or_fails(seconds: f64) {
            let _ = decode(format!("w{{\"timeout_s\":{seconds}}}").as_bytes());
        }
    }
}
