//! Fields that serde omits, and distinguishing null from absent.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A field that is there is a value, `null` included.
pub(crate) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}
