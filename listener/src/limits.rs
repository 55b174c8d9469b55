//! Limits of a client, in size and time.

use std::time::Duration;

/// The limits of a server's connections.
///
/// | limit | default |
/// |---|---|
/// | `connections_max` | 512 |
/// | `head_timeout` | 15 s, which bounds the wait for a next request too |
/// | `head_max_bytes` | 64 KiB |
/// | `headers_max_count` | 100 |
/// | `body_max_bytes` | 16 MiB |
/// | `bodies_max_bytes` | 64 MiB, or one body if that may be larger |
/// | `body_pause` | 15 s |
/// | `body_timeout` | 120 s |
/// | `answer_pause` | 30 s |
/// | `stop_timeout` | 5 s |
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at once.
    pub connections_max: usize,
    /// The time from the beginning of a connection, or the end of an answer,
    /// to the end of the next request's head.
    pub head_timeout: Duration,
    /// Bytes of a request's head.
    pub head_max_bytes: usize,
    /// Headers of a request.
    pub headers_max_count: usize,
    /// Bytes of a request's body.
    pub body_max_bytes: u64,
    /// Bytes of the bodies of all requests together that are held: while they
    /// come in, and until they have been answered.
    pub bodies_max_bytes: u64,
    /// The time in which a client may send nothing of a body.
    pub body_pause: Duration,
    /// The time for a whole body.
    pub body_timeout: Duration,
    /// The time in which a client may take nothing of an answer.
    pub answer_pause: Duration,
    /// The time that answers have left once the server stops.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 512,
            head_timeout: Duration::from_secs(15),
            head_max_bytes: 64 << 10,
            headers_max_count: 100,
            body_max_bytes: 16 << 20,
            bodies_max_bytes: 64 << 20,
            body_pause: Duration::from_secs(15),
            body_timeout: Duration::from_secs(120),
            answer_pause: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
        }
    }
}
