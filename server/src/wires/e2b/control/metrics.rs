//! What a sandbox uses.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, State};
use memex_trajectories::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::state::E2b;
use super::request::{Key, Named};
use crate::names::Id;
use crate::service::SandboxUsage;

/// Sandboxes of one request.
const SANDBOXES_MAX: usize = 100;

/// One point in time.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metric {
    timestamp: Timestamp,
    timestamp_unix: u64,
    cpu_count: u32,
    cpu_used_pct: f64,
    mem_used: u64,
    mem_total: u64,
    mem_cache: u64,
    disk_used: u64,
    disk_total: u64,
}

impl Metric {
    /// Now. The share of a processor is the mean since the sandbox was made.
    fn new(usage: &SandboxUsage, created_ms: u64) -> Self {
        let now = Timestamp::now();
        let age_us = now.unix_ms().saturating_sub(created_ms).max(1) as f64 * 1_000.0;
        let share = usage.cpu_us as f64 / age_us * 100.0;
        Self {
            timestamp: now,
            timestamp_unix: now.unix_ms() / 1_000,
            cpu_count: 1,
            cpu_used_pct: (share * 100.0).round() / 100.0,
            mem_used: usage.memory_bytes,
            mem_total: usage.memory_bytes_max,
            mem_cache: 0,
            disk_used: usage.stored_bytes,
            disk_total: usage.file_bytes_max,
        }
    }
}

pub(super) async fn of_one(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
) -> Result<Json<[Metric; 1]>, ApiError> {
    let view = state.service.get(&who, &id).await?;
    let usage = state.service.usage(&who, &id)?;
    Ok(Json([Metric::new(&usage, view.created_ms)]))
}

/// The metrics of several sandboxes; those that are not there are left out.
pub(super) async fn of_several(
    State(state): State<E2b>,
    Key(who): Key,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = query.unwrap_or_default();
    let mut ids = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name == "sandbox_ids" {
            ids.extend(value.split(',').filter_map(Id::parse));
        }
    }
    if ids.len() > SANDBOXES_MAX {
        return Err(ApiError::invalid(format!(
            "there are more than {SANDBOXES_MAX} sandbox_ids"
        )));
    }
    let mut found = BTreeMap::new();
    for id in ids {
        let Ok(view) = state.service.get(&who, &id).await else {
            continue;
        };
        if let Ok(usage) = state.service.usage(&who, &id) {
            found.insert(id.to_string(), Metric::new(&usage, view.created_ms));
        }
    }
    Ok(Json(json!({ "sandboxes": found })))
}

/// No process writes a log: the answer is empty.
pub(super) async fn logs(
    State(state): State<E2b>,
    Key(who): Key,
    Named(id): Named,
) -> Result<Json<Value>, ApiError> {
    state.service.get(&who, &id).await?;
    Ok(Json(json!({ "logs": [], "logEntries": [] })))
}
