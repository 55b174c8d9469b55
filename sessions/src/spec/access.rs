//! The names that policy files give to accesses.

use memex_policies::Access;
use serde::{Deserialize, Deserializer, Serializer, de};

pub(super) fn serialize<S: Serializer>(access: &Access, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(access.name())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Access, D::Error> {
    let name = String::deserialize(from)?;
    Access::from_name(&name).map_err(de::Error::custom)
}
