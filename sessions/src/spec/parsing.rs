//! Reading and writing specs.
//!
//! The version is looked at before anything else: of a newer spec, that it is
//! newer is worth more than the first field of it that is not known.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::image::ImageSource;
use super::policy::PolicySource;
use super::session_spec::{LimitValue, Mount, SPEC_VERSION, SessionSpec};
use super::store::StoreSource;
use super::tools::ToolSources;
use crate::error::Error;

/// The longest text of a spec that is read.
pub const SPEC_MAX_BYTES: usize = 64 << 20;

/// The fields of a spec whose version is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    #[serde(default)]
    policy: PolicySource,
    #[serde(default)]
    mounts: Vec<Mount>,
    #[serde(default)]
    limits: BTreeMap<String, LimitValue>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    image: ImageSource,
    #[serde(default)]
    tools: ToolSources,
    #[serde(default)]
    store: Option<StoreSource>,
    #[serde(default)]
    inputs: BTreeMap<String, Value>,
}

impl SessionSpec {
    /// Reads a spec written as JSON.
    ///
    /// # Errors
    /// [`Error::SpecVersion`] for a spec of another version, [`Error::Spec`] for
    /// what is no spec, with the place of the first field that is wrong.
    pub fn from_json(text: &[u8]) -> Result<Self, Error> {
        check_length(text.len())?;
        let value: Value = serde_json::from_slice(text).map_err(Error::spec)?;
        Self::try_from(value)
    }

    /// Reads a spec written as TOML.
    ///
    /// # Errors
    /// As [`SessionSpec::from_json`].
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        check_length(text.len())?;
        let value: Value = memex_settings::read(text).map_err(Error::spec)?;
        Self::try_from(value)
    }

    /// The spec as JSON; [`SessionSpec::from_json`] reads it back to an equal
    /// one.
    ///
    /// # Errors
    /// [`Error::Spec`] for a path that is not UTF-8.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(Error::spec)
    }

    /// The spec as TOML; [`SessionSpec::from_toml`] reads it back to an equal
    /// one.
    ///
    /// # Errors
    /// [`Error::Spec`] for a path that is not UTF-8, and for an input that TOML
    /// has no form of: `null`, and numbers above 2⁶³.
    pub fn to_toml(&self) -> Result<String, Error> {
        toml::to_string(self).map_err(Error::spec)
    }
}

impl TryFrom<Value> for SessionSpec {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self, Error> {
        let Some(fields) = value.as_object() else {
            return Err(Error::spec("it is no table of fields"));
        };
        match fields.get("version") {
            None => return Err(other_version(None)),
            Some(version) if version.as_u64() == Some(SPEC_VERSION) => {}
            Some(version) => return Err(other_version(Some(version.to_string()))),
        }
        let document: Document = serde_path_to_error::deserialize(value).map_err(|error| {
            let place = error.path().to_string();
            match place.as_str() {
                "." => Error::spec(error.into_inner()),
                _ => Error::spec(format!("{place}: {}", error.into_inner())),
            }
        })?;
        let Document {
            version,
            policy,
            mounts,
            limits,
            environment,
            image,
            tools,
            store,
            inputs,
        } = document;
        Ok(Self {
            version,
            policy,
            mounts,
            limits,
            environment,
            image,
            tools,
            store,
            inputs,
        })
    }
}

fn other_version(found: Option<String>) -> Error {
    Error::SpecVersion {
        found,
        known: SPEC_VERSION,
    }
}

fn check_length(bytes: usize) -> Result<(), Error> {
    match bytes > SPEC_MAX_BYTES {
        true => Err(Error::spec(format!(
            "it has {bytes} bytes; at most {SPEC_MAX_BYTES} are read"
        ))),
        false => Ok(()),
    }
}
