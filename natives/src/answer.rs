//! What a native returns.

/// What a native returns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Small facts, as JSON.
    pub head: serde_json::Value,
    /// Raw bytes.
    pub parts: Vec<Vec<u8>>,
}

impl Answer {
    pub(crate) fn of(part: Vec<u8>) -> Self {
        Self {
            head: serde_json::Value::Null,
            parts: vec![part],
        }
    }
}
