//! What sandboxes have in common, kept once: their image, policy and client tools.

use std::sync::Arc;
use std::time::Duration;

use memex_host_tools::ToolSpec;
use memex_policies::Policy;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const VERSION: u32 = 1;

/// What a sandbox runs on and may do. Equal ones are one: a sleeper refers to its profile,
/// and is small for it.
#[derive(Debug)]
pub(crate) struct Profile {
    /// The digest of its form on disk, in hexadecimal digits.
    pub(crate) name: String,
    /// The image, by its name.
    pub(crate) image: String,
    pub(crate) policy: Arc<Policy>,
    pub(crate) tools: Vec<ToolSpec>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    image: String,
    policy: String,
    tools: Vec<ToolDescription>,
}

/// A client tool as it is kept, and as clients describe it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolDescription {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    /// JSON Schema of the arguments.
    #[serde(default = "no_parameters")]
    pub(crate) parameters: Value,
    /// JSON Schema of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) returns: Option<Value>,
}

fn no_parameters() -> Value {
    serde_json::json!({ "type": "object", "properties": {} })
}

impl From<&ToolSpec> for ToolDescription {
    fn from(spec: &ToolSpec) -> Self {
        Self {
            name: spec.name.clone(),
            description: spec.description.clone(),
            parameters: spec.parameters.clone(),
            returns: spec.returns.clone(),
        }
    }
}

impl From<ToolDescription> for ToolSpec {
    fn from(tool: ToolDescription) -> Self {
        Self {
            name: tool.name,
            description: tool.description,
            parameters: tool.parameters,
            returns: tool.returns,
            timeout: None::<Duration>,
        }
    }
}

impl Profile {
    /// A profile, with its form on disk.
    pub(crate) fn new(
        image: &str,
        policy: Arc<Policy>,
        tools: Vec<ToolSpec>,
    ) -> Result<(Self, Vec<u8>), serde_json::Error> {
        let document = Document {
            version: VERSION,
            image: image.to_owned(),
            policy: policy.to_toml(),
            tools: tools.iter().map(ToolDescription::from).collect(),
        };
        let bytes = serde_json::to_vec(&document)?;
        let profile = Self {
            name: blake3::hash(&bytes).to_hex().to_string(),
            image: document.image,
            policy,
            tools,
        };
        Ok((profile, bytes))
    }

    /// Reads the form on disk.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if document.version != VERSION {
            return Err(format!("it has version {}", document.version));
        }
        let policy = Policy::parse(&document.policy).map_err(|error| error.to_string())?;
        Ok(Self {
            name: blake3::hash(bytes).to_hex().to_string(),
            image: document.image,
            policy: Arc::new(policy),
            tools: document.tools.into_iter().map(ToolSpec::from).collect(),
        })
    }
}
