//! Why a native gives no answer.

/// Why a native gives no answer. The guest sees it as an exception of the class
/// that [`Refusal::class`] names; the session survives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The head is no request.
    #[error("the request of a native cannot be read: {0}")]
    Request(String),
    /// The policy does not permit the family.
    #[error(
        "this session's policy does not permit the natives `{family}`\n  hint: permit them in its section [natives]"
    )]
    Denied {
        /// The family.
        family: &'static str,
    },
    /// The options contradict the input, or each other.
    #[error("{0}")]
    Options(String),
    /// The input is larger than the room permits.
    #[error(
        "the input has {bytes} bytes, of {limit} allowed\n  hint: the limit `native_bytes` can be raised"
    )]
    InputBytes {
        /// Its size.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// The output would be larger than the room permits.
    #[error(
        "the output needs {bytes} bytes or more, of {limit} allowed\n  hint: the limit `native_bytes` can be raised"
    )]
    OutputBytes {
        /// What is known of its size.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// What it would hold while it works is more than the session has left.
    #[error(
        "it needs {bytes} bytes while it works, of {limit} that the session's memory has left\n  hint: the limit `memory_bytes` can be raised"
    )]
    WorkingBytes {
        /// What it needs.
        bytes: u64,
        /// What is left.
        limit: u64,
    },
    /// The turn has no fuel left for the work.
    #[error("the turn has no fuel left for it")]
    Fuel,
    /// The turn was told to end.
    #[error("the turn was interrupted")]
    Interrupted,
    /// The input ends too early.
    #[error("the data are cut off")]
    CutOff,
    /// The input is not what it should be.
    #[error("the data are damaged: {0}")]
    Damaged(String),
    /// The input is right, and this implementation cannot read it.
    #[error("{0}")]
    Unsupported(String),
}

impl Refusal {
    /// The built-in exception that the guest raises.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Request(_) | Self::Options(_) | Self::Damaged(_) => "ValueError",
            Self::Denied { .. } => "PermissionError",
            Self::InputBytes { .. } | Self::OutputBytes { .. } | Self::WorkingBytes { .. } => {
                "MemoryError"
            }
            Self::Fuel | Self::Interrupted => "TimeoutError",
            Self::CutOff => "EOFError",
            Self::Unsupported(_) => "NotImplementedError",
        }
    }

    /// The limit of the policy that was reached, its value, and what was asked for.
    #[must_use]
    pub fn limit(&self) -> Option<(&'static str, u64, u64)> {
        match *self {
            Self::InputBytes { bytes, limit } | Self::OutputBytes { bytes, limit } => {
                Some(("native_bytes", limit, bytes))
            }
            _ => None,
        }
    }
}
