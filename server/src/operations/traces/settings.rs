//! Where spans go, as the operator writes it.

use memex_external::egress::Egress;
use serde::Deserialize;

use crate::operations::outgoing::{Permitted, gate};

/// Where spans go, as the operator writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraceSettings {
    /// The collector's address for OTLP over HTTP, without `/v1/traces`:
    /// `http://127.0.0.1:4318`.
    pub endpoint: String,
    /// What the server is called in traces. Default: `memex`.
    pub service: Option<String>,
}

/// A collector of spans.
pub struct Collector {
    pub(super) url: String,
    pub(super) service: String,
    pub(super) egress: Egress,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl TraceSettings {
    /// The collector.
    ///
    /// # Errors
    /// What is wrong with a setting.
    pub fn build(&self) -> Result<Collector, String> {
        let url = format!("{}/v1/traces", self.endpoint.trim_end_matches('/'));
        // A collector is beside the server, as a rule.
        let (url, egress) =
            gate(&url, Permitted::PrivateToo).map_err(|what| format!("endpoint: {what}"))?;
        Ok(Collector {
            url,
            service: self.service.clone().unwrap_or_else(|| "memex".to_owned()),
            egress,
        })
    }
}
