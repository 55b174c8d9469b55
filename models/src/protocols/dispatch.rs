//! The three protocols under one name.

use serde_json::Value;

use super::body::reported;
use super::options::WireOptions;
use super::protocol::Protocol;
use super::stream::ReplyStream;
use super::{chat_completions, messages, responses};
use crate::bounded::check_values;
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
    /// [`ModelError::Malformed`], [`ModelError::TooLarge`] if it takes too much as values, or
    /// [`ModelError::Reported`] if the answer is a failure.
    pub fn decode(self, body: &[u8]) -> Result<Reply, ModelError> {
        check_values(body, "what the answer takes as values")?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn too_large<T: std::fmt::Debug>(result: Result<T, ModelError>) -> bool {
        matches!(result, Err(ModelError::TooLarge { .. }))
    }

    /// Small empty objects beside a reply take a hundred times their bytes as values; the
    /// same bytes as one text do not.
    #[test]
    fn an_answer_is_bounded_by_what_it_takes_as_values() {
        let objects = format!("[{}0]", "{},".repeat(1 << 20));
        let text = format!("{:?}", "x".repeat(objects.len()));
        let answer = |beside: &str| {
            format!(
                r#"{{"choices":[{{"finish_reason":"stop","message":{{"content":"yes"}}}}],"beside":{beside}}}"#
            )
        };
        let decoded = |beside: &str| Protocol::ChatCompletions.decode(answer(beside).as_bytes());
        decoded(&text).unwrap();
        assert!(too_large(decoded(&objects)));

        let pushed = |beside: &str| {
            let event = format!("data: {}\n\n", answer(beside));
            let mut sink = crate::NoSink;
            Protocol::ChatCompletions
                .stream()
                .push(event.as_bytes(), &mut sink)
        };
        pushed(&text).unwrap();
        assert!(too_large(pushed(&objects)));
    }
}
