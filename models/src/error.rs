//! Errors between a request and its reply.

use std::fmt;
use std::path::PathBuf;

/// Why there is no reply.
///
/// None of these carries an API key: what a peer says is searched for the
/// secrets it was sent, and shortened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The provider answered with an HTTP status that is no success.
    #[error("{peer} answered {status}{}: {message}", in_brackets(code.as_deref()))]
    Status {
        /// Host and port.
        peer: String,
        /// The HTTP status.
        status: u16,
        /// The provider's word for it.
        code: Option<String>,
        /// Its text.
        message: String,
        /// Whether the same request may succeed later.
        retryable: bool,
        /// How long the provider asks to wait, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The provider reported a failure inside an answer that had begun.
    #[error("the answer of {protocol} broke off with {code}: {message}")]
    Reported {
        /// The protocol.
        protocol: &'static str,
        /// The provider's word for it.
        code: String,
        /// Its text.
        message: String,
        /// Whether the same request may succeed later.
        retryable: bool,
    },
    /// There is no connection.
    #[error("no connection to {peer}: {message}; check the address and that the server runs")]
    Connection {
        /// Host and port.
        peer: String,
        /// The network's error.
        message: String,
    },
    /// It took too long.
    #[error("{phase} took longer than {limit_ms} ms; raise timeouts.{}", phase.setting())]
    Timeout {
        /// The awaited event.
        phase: TimeoutPhase,
        /// The limit.
        limit_ms: u64,
    },
    /// The stream ended before the answer did.
    #[error("the answer of {protocol} was cut off after {bytes} bytes")]
    Cut {
        /// The protocol.
        protocol: &'static str,
        /// How much had come.
        bytes: u64,
    },
    /// The answer is not what the protocol says.
    #[error("the answer is not {protocol}: {what}, at {excerpt:?}")]
    Malformed {
        /// The protocol.
        protocol: &'static str,
        /// The problem.
        what: String,
        /// The place, shortened.
        excerpt: String,
    },
    /// A bound on what a peer may send.
    #[error("{what} is larger than {limit} bytes; nothing of it was kept")]
    TooLarge {
        /// The part that is too large.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// The request sets what the protocol has no field for.
    #[error("{protocol} has no {setting}; leave it out, or put the provider's own into `extra`")]
    Unsupported {
        /// The protocol.
        protocol: &'static str,
        /// The setting.
        setting: &'static str,
    },
    /// The request cannot be put into the protocol's words.
    #[error("the request cannot be sent: {what}")]
    Request {
        /// Why.
        what: String,
    },
    /// Too many requests wait for the limiter.
    #[error("{waiting} requests wait already, as many as limits.waiting_max allows")]
    Crowded {
        /// How many wait.
        waiting: usize,
    },
    /// Every attempt failed.
    #[error("gave up after {attempts} attempts; the last: {last}")]
    GaveUp {
        /// How many there were.
        attempts: u32,
        /// Why the last one failed.
        #[source]
        last: Box<ModelError>,
    },
    /// The script has no further entry for this conversation.
    #[error("the script {script} has no reply left for {track} (its reply {number}); got {got}")]
    ScriptEnded {
        /// The script.
        script: String,
        /// Whose turn it is.
        track: String,
        /// Which reply was asked for, from 1.
        number: usize,
        /// The request.
        got: String,
    },
    /// The request is not the one that the script expects.
    #[error("the script {script} does not match at entry {entry}: expected {expected}; got {got}")]
    ScriptMismatch {
        /// The script.
        script: String,
        /// The entry, from 1; the last one tried where there are several.
        entry: usize,
        /// Its expectation.
        expected: String,
        /// The request.
        got: String,
    },
    /// The recording has no answer to this request.
    #[error("the recording {recording} has no answer: {what}; got {got}. Record it again")]
    NotRecorded {
        /// The recording.
        recording: String,
        /// The missing part.
        what: String,
        /// The request.
        got: String,
    },
    /// A failure was recorded.
    #[error("recorded failure: {message}")]
    Recorded {
        /// Its message.
        message: String,
        /// Its HTTP status.
        status: Option<u16>,
    },
    /// A file that does not say what it should.
    #[error("{file}{}: {what}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Format {
        /// The file.
        file: String,
        /// The line, from 1.
        line: Option<usize>,
        /// The problem.
        what: String,
    },
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A setting that cannot be.
    #[error("{setting}: {what}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// The problem, and how to correct it.
        what: String,
    },
}

/// The event for which a timeout waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutPhase {
    /// The connection.
    Connect,
    /// The first byte of the answer.
    FirstByte,
    /// The next byte of the answer.
    Idle,
    /// The reply, all attempts and waits together.
    Total,
}

impl TimeoutPhase {
    fn setting(self) -> &'static str {
        match self {
            Self::Connect => "connect_ms",
            Self::FirstByte => "first_byte_ms",
            Self::Idle => "idle_ms",
            Self::Total => "total_ms",
        }
    }
}

impl fmt::Display for TimeoutPhase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Connect => "connecting",
            Self::FirstByte => "the first byte of the answer",
            Self::Idle => "the next piece of the answer",
            Self::Total => "the reply",
        })
    }
}

/// Words that providers use where a conversation is longer than the model's
/// window. They share no code for it.
const OVERFLOW: &[&str] = &[
    "context_length_exceeded",
    "context_window_exceeded",
    "maximum context length",
    "model's context length",
    "exceeds the context length",
    "exceed the context length",
    "greater than the context length",
    "context the overflows",
    "context window",
    "exceed context limit",
    "context size",
    "context_size",
    "maximum model length",
    "prompt is too long",
    "prompt too long",
    "maximum prompt length",
    "input is too long",
    "input token count",
    "exceeds the maximum number of tokens",
    "reduce the length of the messages",
    "reduce the length of your prompt",
    "tokens in the prompt cannot exceed",
    "`max_new_tokens` must be",
    "tokens_limit_reached",
    "too large for model with",
];

impl ModelError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Status { retryable, .. } | Self::Reported { retryable, .. } => *retryable,
            Self::Timeout { phase, .. } => *phase != TimeoutPhase::Total,
            Self::Connection { .. } | Self::Cut { .. } | Self::Malformed { .. } => true,
            _ => false,
        }
    }

    /// The HTTP status, where there is one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::Recorded { status, .. } => *status,
            Self::GaveUp { last, .. } => last.status(),
            _ => None,
        }
    }

    /// How long the provider asks to wait, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Status { retry_after_ms, .. } => *retry_after_ms,
            Self::GaveUp { last, .. } => last.retry_after_ms(),
            _ => None,
        }
    }

    /// Whether the conversation is too long for the model: shorten it.
    pub fn is_context_overflow(&self) -> bool {
        let (code, message) = match self {
            // That many tokens are too many for now.
            Self::Status { status: 429, .. } => return false,
            Self::Status { code, message, .. } => (code.as_deref().unwrap_or(""), message),
            Self::Reported { code, message, .. } => (code.as_str(), message),
            Self::Recorded { message, .. } => ("", message),
            Self::GaveUp { last, .. } => return last.is_context_overflow(),
            _ => return false,
        };
        let message = message.to_lowercase();
        OVERFLOW.contains(&code) || OVERFLOW.iter().any(|words| message.contains(words))
    }

    pub(crate) fn malformed(protocol: &'static str, what: impl Into<String>, at: &str) -> Self {
        Self::Malformed {
            protocol,
            what: what.into(),
            excerpt: excerpt(at),
        }
    }
}

const EXCERPT_CHARS: usize = 200;

/// A peer's text as a part of a line: it can begin no line of a message.
pub(crate) fn in_a_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// The beginning of a text that may be long.
pub(crate) fn excerpt(text: &str) -> String {
    let text = &in_a_line(text);
    match text.char_indices().nth(EXCERPT_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn in_brackets(code: Option<&str>) -> String {
    code.map(|code| format!(" ({code})")).unwrap_or_default()
}
