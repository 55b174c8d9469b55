//! What a server says, for the fuzz targets.

use std::time::Duration;

use rmcp::model::{CallToolResult, Tool as RemoteTool};

use super::content::{self, Reading};
use super::declaration::{Address, ServerPlan};
use super::listing::{Listing, choose};
use memex_host_tools::{Answer, ToolSpec};

/// Reads the result of a call in each way that a tool's declaration can ask for.
///
/// # Errors
/// Says why it is no result, or what the guest would be told.
pub fn mcp_results(bytes: &[u8]) -> Result<Vec<Answer>, String> {
    let result: CallToolResult =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    [Reading::Plain, Reading::Json, Reading::Wrapped]
        .into_iter()
        .map(|reading| {
            content::answer("tool", reading, result.clone()).map_err(|error| error.message)
        })
        .collect()
}

/// The tools that are taken from a server's list of tools.
///
/// # Errors
/// Says why it is no such list.
pub fn mcp_tools(bytes: &[u8]) -> Result<Vec<ToolSpec>, String> {
    let remote: Vec<RemoteTool> =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Listing { tools, .. } = choose(remote, &plan());
    Ok(tools.into_iter().map(|listed| listed.spec).collect())
}

fn plan() -> ServerPlan {
    ServerPlan {
        name: "server".to_owned(),
        place: "tools.toml".to_owned(),
        address: Address::Endpoint {
            url: "https://example.com/".to_owned(),
            headers: std::collections::HashMap::new(),
        },
        prefix: "s_".to_owned(),
        allow: None,
        deny: vec!["hidden*".to_owned()],
        start_timeout: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        message_max_bytes: 1 << 20,
    }
}
