//! What a sandbox uses.

use axum::Json;
use axum::extract::State;
use memex_trajectories::Timestamp;
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::access::Access;

const MIB: f64 = 1_048_576.0;

/// Now. The share of a processor is the mean since the sandbox was made.
pub(super) async fn now(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
) -> Result<Json<Value>, ApiError> {
    let view = state.service.get(&who, &id).await?;
    let usage = state.service.usage(&who, &id)?;
    let now_ms = Timestamp::now().unix_ms();
    let age_us = now_ms.saturating_sub(view.created_ms).max(1) as f64 * 1_000.0;
    Ok(Json(json!({
        "cpu_count": 1.0,
        "cpu_used_pct": usage.cpu_us as f64 / age_us * 100.0,
        "mem_total_mib": usage.memory_bytes_max as f64 / MIB,
        "mem_used_mib": usage.memory_bytes as f64 / MIB,
        "timestamp": now_ms,
    })))
}
