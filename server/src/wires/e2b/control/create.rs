//! Making sandboxes.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use super::super::error::ApiError;
use super::super::state::E2b;
use super::request::{Json, Key};
use super::shapes::Sandbox;
use crate::error::ServiceError;
use crate::names::Id;
use crate::sandbox::{Create, OnTimeout, Origin};
use crate::tenants::{Principal, Scope};
use crate::wires::reserved;

/// Templates that the clients name without a choice of their user.
const OWN_TEMPLATES: [&str; 4] = ["base", "code-interpreter-v1", "code-interpreter", "memex"];
/// How long a sandbox lives when the client does not say.
const LIFETIME_DEFAULT_S: u64 = 300;
const KEY_MAX_BYTES: usize = 255;

/// What a client asks for. Fields that ask for less than what is there anyway, such
/// as `secure` or a `network` that denies, are taken as they come.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NewSandbox {
    #[serde(rename = "templateID")]
    template_id: Option<String>,
    timeout: Option<u64>,
    auto_pause: bool,
    auto_resume: Option<AutoResume>,
    metadata: Option<BTreeMap<String, String>>,
    env_vars: Option<BTreeMap<String, String>>,
    mcp: Option<Value>,
    iam: Option<Value>,
    volume_mounts: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
struct AutoResume {
    #[serde(default)]
    enabled: bool,
}

pub(super) async fn create(
    State(state): State<E2b>,
    Key(who): Key,
    headers: HeaderMap,
    Json(asked): Json<NewSandbox>,
) -> Result<Response, ApiError> {
    may_hold_tokens(&who)?;
    for (name, is_asked) in [
        (
            "mcp",
            asked.mcp.as_ref().is_some_and(|value| !value.is_null()),
        ),
        (
            "iam",
            asked.iam.as_ref().is_some_and(|value| !value.is_null()),
        ),
        (
            "volumeMounts",
            asked
                .volume_mounts
                .as_ref()
                .is_some_and(|all| !all.is_empty()),
        ),
    ] {
        if is_asked {
            let message = format!("{name} is not supported\nhint: make the sandbox without it");
            return Err(ApiError::invalid(message));
        }
    }
    let idempotency_key = idempotency_key(&headers)?;
    let template = asked.template_id.unwrap_or_default();
    let origin = origin_of(&state, &who, &template).await?;
    let mut own = vec![(reserved::TEMPLATE, template)];
    if asked.auto_resume.is_some_and(|resume| resume.enabled) {
        own.push((reserved::AUTO_RESUME, "true".to_owned()));
    }
    let is_from_image = !matches!(origin, Origin::Snapshot(_));
    let request = Create {
        origin,
        environment: asked.env_vars.unwrap_or_default(),
        metadata: reserved::with(asked.metadata.unwrap_or_default(), own)?,
        lifetime: Some(Duration::from_secs(
            asked.timeout.unwrap_or(LIFETIME_DEFAULT_S),
        )),
        on_timeout: match asked.auto_pause {
            true => OnTimeout::Pause,
            false => OnTimeout::Delete,
        },
        idempotency_key,
        ..Create::default()
    };
    let view = state.service.create(&who, request).await?;
    if is_from_image && view.turns.unwrap_or(0) == 0 {
        state.executions.fresh(view.id);
    }
    Ok((StatusCode::CREATED, told(&state, &who, &view, &headers)?).into_response())
}

/// Refuses a key that may not have the token of a sandbox, before anything is done whose
/// answer has one.
pub(super) fn may_hold_tokens(who: &Principal) -> Result<(), ServiceError> {
    who.require(Scope::Run)?;
    who.require(Scope::Files)
}

/// A sandbox with its token, for whoever may have it.
pub(super) fn told(
    state: &E2b,
    who: &Principal,
    view: &crate::sandbox::SandboxView,
    headers: &HeaderMap,
) -> Result<axum::Json<Sandbox>, ServiceError> {
    let token = state.service.access_token(who, &view.id)?;
    state.recent.used(view.id, who.key());
    Ok(axum::Json(Sandbox::new(view, token, domain_of(headers))))
}

/// The domain that the client reached us by: `api.{domain}`. Its ports are then at
/// `{port}-{sandbox}.{domain}`.
pub(super) fn domain_of(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(axum::http::header::HOST)?.to_str().ok()?;
    let domain = host.strip_prefix("api.")?;
    let is_name = domain
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'));
    (is_name && !domain.is_empty()).then(|| domain.to_owned())
}

/// What a template stands for: the tenant's image, a snapshot by its id or its name,
/// or an image by its name.
async fn origin_of(state: &E2b, who: &Principal, template: &str) -> Result<Origin, ApiError> {
    // A tag of ours says nothing: there is one state for each name.
    let name = template.strip_suffix(":default").unwrap_or(template);
    if name.is_empty() || OWN_TEMPLATES.contains(&name) {
        return Ok(Origin::Default);
    }
    if let Some(id) = Id::parse(name) {
        return Ok(Origin::Snapshot(id));
    }
    let snapshots = state.service.snapshots(who, None).await?;
    let named = snapshots
        .iter()
        .filter(|snapshot| snapshot.name.as_deref() == Some(name))
        .max_by_key(|snapshot| snapshot.created_ms);
    Ok(match named {
        Some(snapshot) => Origin::Snapshot(snapshot.id),
        None => Origin::Image(name.to_owned()),
    })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let is_key = |text: &&str| {
        (1..=KEY_MAX_BYTES).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    match value.to_str().ok().filter(is_key) {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(ApiError::invalid(
            "the header Idempotency-Key holds no key\nhint: 1 to 255 of a-z, 0-9 and -",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_the_one_that_was_called() {
        let domain = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("host", host.parse().unwrap());
            domain_of(&headers)
        };
        assert_eq!(domain("api.e2b.test").as_deref(), Some("e2b.test"));
        assert_eq!(
            domain("api.e2b.test:8443").as_deref(),
            Some("e2b.test:8443")
        );
        for other in ["127.0.0.1:4700", "localhost", "e2b.test", "api.", "api.a/b"] {
            assert_eq!(domain(other), None, "{other}");
        }
    }

    #[test]
    fn keys_of_repeated_requests_are_checked() {
        let key = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", value.parse().unwrap());
            idempotency_key(&headers)
        };
        assert_eq!(key("a-1").unwrap().as_deref(), Some("a-1"));
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
        for wrong in ["", "A", "a b", &"a".repeat(256)] {
            assert!(key(wrong).is_err(), "{wrong}");
        }
    }
}
