//! The events of a streamed answer, whatever its protocol.

use serde_json::Value;

use crate::{DeltaSink, ModelError, Reply};

/// Whether an answer is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// More must come.
    Open,
    /// It could end here, though more may come.
    MayEnd,
    /// It is whole.
    Whole,
}

/// What a protocol does with the events of an answer.
pub(super) trait Events: Send {
    fn event(&mut self, value: &Value, sink: &mut dyn DeltaSink) -> Result<Progress, ModelError>;
    fn into_reply(self: Box<Self>) -> Result<Reply, ModelError>;
}
