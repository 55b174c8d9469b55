//! Sandboxes: making, finding, keeping, ending.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{CreateBody, SandboxBody, SandboxesBody};
use crate::error::ServiceError;
use crate::http::auth::Who;
use crate::http::body::{Json, Named, Query};
use crate::http::problem::{Problem, Refusal};
use crate::names::Id;
use crate::sandbox::{Create, Narrowing, Origin};
use crate::service::{ListFilter, Service, StateName};
use crate::tenants::{Scope, Tenant};

type Result<T> = std::result::Result<T, Refusal>;

/// Makes a sandbox.
#[utoipa::path(
    post, path = "/v1/sandboxes", tag = "sandboxes", request_body = CreateBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Equal requests with the same key make one sandbox.")),
    responses(
        (status = 201, description = "It is there.", body = SandboxBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn create(
    State(service): State<Service>,
    Who(who): Who,
    headers: HeaderMap,
    Json(body): Json<CreateBody>,
) -> Result<(StatusCode, Answer<SandboxBody>)> {
    let origin = match (body.image, body.snapshot) {
        (None, None) => Origin::Default,
        (Some(image), None) => Origin::Image(image),
        (None, Some(snapshot)) => {
            let id = Id::parse(&snapshot);
            Origin::Snapshot(id.ok_or_else(|| ServiceError::not_found("snapshot", &snapshot))?)
        }
        (Some(_), Some(_)) => {
            let what = "both an image and a snapshot are named";
            return Err(
                ServiceError::invalid(what, "name one of them: a snapshot has its image").into(),
            );
        }
    };
    let request = Create {
        origin,
        narrowing: Narrowing {
            policy: body.policy,
            limits: body.limits,
        },
        environment: body.environment,
        tools: body.tools.into_iter().map(Into::into).collect(),
        inputs: body.inputs,
        metadata: body.metadata,
        lifetime: body.lifetime_s.map(Duration::from_secs),
        on_timeout: body.on_timeout.map(Into::into).unwrap_or_default(),
        durability: body.durability.map(Into::into),
        idempotency_key: key_of(&headers)?,
    };
    let made = service.create(&who, request).await?;
    Ok((StatusCode::CREATED, Answer(made.into())))
}

/// The key that makes a request the same as one before.
pub(super) fn key_of(headers: &HeaderMap) -> std::result::Result<Option<String>, ServiceError> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| {
        ServiceError::invalid(
            "the header Idempotency-Key is not ASCII",
            "send a random key, such as a UUID",
        )
    })?;
    Ok(Some(text.to_owned()))
}

/// Which sandboxes are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ListQuery {
    /// `running`, `paused` or `gone`; several with commas. Default: all that have not ended.
    state: Option<String>,
    /// `NAME=VALUE`; several with commas.
    metadata: Option<String>,
    /// How many at most: 100 by default, 1000 at most.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Lists the tenant's sandboxes, newest first.
#[utoipa::path(
    get, path = "/v1/sandboxes", tag = "sandboxes", params(ListQuery),
    responses((status = 200, description = "A page.", body = SandboxesBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(service): State<Service>,
    Who(who): Who,
    Query(query): Query<ListQuery>,
) -> Result<Answer<SandboxesBody>> {
    let mut filter = ListFilter {
        limit: query.limit.unwrap_or_default(),
        after: query.after,
        ..ListFilter::default()
    };
    for state in query.state.iter().flat_map(|states| states.split(',')) {
        filter.states.push(match state.trim() {
            "running" => StateName::Running,
            "paused" => StateName::Paused,
            "gone" => StateName::Gone,
            other => {
                let other: String = other.chars().take(40).collect();
                let what = format!("there is no state {other:?}");
                return Err(ServiceError::invalid(what, "write running, paused or gone").into());
            }
        });
    }
    for pair in query.metadata.iter().flat_map(|pairs| pairs.split(',')) {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            ServiceError::invalid("a filter of metadata has no `=`", "write NAME=VALUE")
        })?;
        filter.metadata.insert(name.to_owned(), value.to_owned());
    }
    let page = service.list(&who, filter).await?;
    Ok(Answer(SandboxesBody {
        items: page.items.into_iter().map(Into::into).collect(),
        next: page.next,
    }))
}

/// What is told of a sandbox; of one that has ended, for a day, when and why.
#[utoipa::path(
    get, path = "/v1/sandboxes/{id}", tag = "sandboxes", params(("id" = String, Path)),
    responses((status = 200, description = "It.", body = SandboxBody),
        (status = 404, description = "There is no such sandbox.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn show(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<Answer<SandboxBody>> {
    Ok(Answer(service.get(&who, &id).await?.into()))
}

/// What may be changed of a sandbox.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeBody {
    /// How long it lives from now on, in seconds.
    lifetime_s: u64,
}

/// Has a sandbox live for so long from now on.
#[utoipa::path(
    patch, path = "/v1/sandboxes/{id}", tag = "sandboxes", params(("id" = String, Path)), request_body = ChangeBody,
    responses((status = 200, description = "It.", body = SandboxBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn change(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Json(body): Json<ChangeBody>,
) -> Result<Answer<SandboxBody>> {
    let lifetime = Duration::from_secs(body.lifetime_s);
    Ok(Answer(
        service.set_lifetime(&who, &id, lifetime).await?.into(),
    ))
}

/// Ends a sandbox. A turn that runs in it is stopped.
#[utoipa::path(
    delete, path = "/v1/sandboxes/{id}", tag = "sandboxes", params(("id" = String, Path)),
    responses((status = 204, description = "It has ended."),
        (status = "4XX", description = "There is none, or it has ended already.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn remove(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<StatusCode> {
    service.delete(&who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a sandbox sleep until it is resumed; its lifetime stands still.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/pause", tag = "sandboxes", params(("id" = String, Path)),
    responses((status = 200, description = "It.", body = SandboxBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn pause(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<Answer<SandboxBody>> {
    Ok(Answer(service.pause(&who, &id).await?.into()))
}

/// How a pause ends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ResumeBody {
    /// How long it lives from now on, in seconds. Default: what was left.
    lifetime_s: Option<u64>,
}

/// Ends the pause of a sandbox.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/resume", tag = "sandboxes", params(("id" = String, Path)), request_body = ResumeBody,
    responses((status = 200, description = "It.", body = SandboxBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn resume(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Json(body): Json<ResumeBody>,
) -> Result<Answer<SandboxBody>> {
    let lifetime = body.lifetime_s.map(Duration::from_secs);
    Ok(Answer(service.resume(&who, &id, lifetime).await?.0.into()))
}

/// What a sandbox uses.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UsageBody {
    /// Time of its turns in the guest since the server started, in microseconds.
    cpu_us: u64,
    memory_bytes: u64,
    memory_bytes_max: u64,
    stored_bytes: u64,
    file_bytes_max: u64,
}

/// What a sandbox uses.
#[utoipa::path(
    get, path = "/v1/sandboxes/{id}/usage", tag = "sandboxes", params(("id" = String, Path)),
    responses((status = 200, description = "It.", body = UsageBody),
        (status = 404, description = "There is no such sandbox.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn usage(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
) -> Result<Answer<UsageBody>> {
    let used = service.usage(&who, &id)?;
    Ok(Answer(UsageBody {
        cpu_us: used.cpu_us,
        memory_bytes: used.memory_bytes,
        memory_bytes_max: used.memory_bytes_max,
        stored_bytes: used.stored_bytes,
        file_bytes_max: used.file_bytes_max,
    }))
}

/// A tenant: what it uses, of what it may.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TenantBody {
    name: String,
    /// What the key permits.
    scopes: Vec<&'static str>,
    /// What is used, by the name of the quota.
    used: BTreeMap<&'static str, u64>,
    /// The quotas.
    #[schema(value_type = Object)]
    quota: serde_json::Value,
}

/// The tenant of the key.
#[utoipa::path(
    get, path = "/v1/tenant", tag = "tenant",
    responses((status = 200, description = "It.", body = TenantBody),
        (status = 401, description = "The key is not valid.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn tenant(
    State(service): State<Service>,
    Who(who): Who,
) -> Result<Answer<TenantBody>> {
    let scopes = who.scopes.iter().map(Scope::name);
    Ok(Answer(told(&service, &who.tenant, scopes.collect())?))
}

/// What all tenants use.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TenantsBody {
    items: Vec<TenantBody>,
}

/// The tenants of the server, for a key with the scope `admin`.
#[utoipa::path(
    get, path = "/v1/tenants", tag = "tenant",
    responses((status = 200, description = "They; `scopes` is empty.", body = TenantsBody),
        (status = "4XX", description = "The key does not permit it.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn tenants(
    State(service): State<Service>,
    Who(who): Who,
) -> Result<Answer<TenantsBody>> {
    who.require(Scope::Admin)?;
    let tenants = service.tenants();
    let items = tenants
        .iter()
        .map(|tenant| told(&service, tenant, Vec::new()));
    Ok(Answer(TenantsBody {
        items: items.collect::<std::result::Result<_, _>>()?,
    }))
}

fn told(
    service: &Service,
    tenant: &Tenant,
    scopes: Vec<&'static str>,
) -> std::result::Result<TenantBody, ServiceError> {
    let agents = service.agent_usage(tenant.name());
    let used = tenant.usage.used();
    let quota = serde_json::to_value(tenant.quota());
    Ok(TenantBody {
        name: tenant.name().to_owned(),
        scopes,
        used: BTreeMap::from([
            ("sandboxes", used.sandboxes as u64),
            ("snapshots", used.snapshots as u64),
            ("stored_bytes", used.stored_bytes),
            ("cpu_s_per_day", used.cpu_us / 1_000_000),
            ("agents", agents.running as u64),
            ("agent_tokens_per_day", agents.tokens_today),
            ("agents_begun", agents.begun),
        ]),
        quota: quota.map_err(|error| ServiceError::internal(error.to_string()))?,
    })
}
