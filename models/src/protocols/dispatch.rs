//! The three protocols under one name.

use serde_json::Value;

use super::body::reported;
use super::options::WireOptions;
use super::protocol::Protocol;
use super::stream::ReplyStream;
use super::{chat_completions, messages, responses};
use crate::{ModelError, Reply, Request};

impl Protocol {
    /// The body of a request.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`] or [`ModelError::Request`], where the
    /// protocol has no words for it.
    pub fn encode(
        self,
        model: &str,
        request: &Request,
        options: &WireOptions,
    ) -> Result<Value, ModelError> {
        match self {
            Self::ChatCompletions => chat_completions::encode(model, request, options),
            Self::Responses => responses::encode(model, request, options),
            Self::Messages => messages::encode(model, request, options),
        }
    }

    /// The reply in a whole answer. Without figures in it, the usage is zero.
    ///
    /// # Errors
    /// [`ModelError::Malformed`], or [`ModelError::Reported`] if the answer is
    /// a failure.
    pub fn decode(self, body: &[u8]) -> Result<Reply, ModelError> {
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            let text = String::from_utf8_lossy(body);
            ModelError::malformed(self.name(), format!("not JSON ({error})"), &text)
        })?;
        if let Some(error) = reported(self.name(), &value) {
            return Err(error);
        }
        match self {
            Self::ChatCompletions => chat_completions::decode(&value),
            Self::Responses => responses::decode(&value),
            Self::Messages => messages::decode(&value),
        }
    }

    /// Reads an answer that comes piece by piece.
    pub fn stream(self) -> ReplyStream {
        ReplyStream::new(self)
    }
}
