//! Who may use a sandbox's ports: whoever has its token, or a URL signed with it.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use memex_trajectories::Timestamp;
use serde_json::{Value, json};

use super::super::error::{ApiError, at_port};
use super::super::signature::{Invalid, Operation, Signed};
use super::super::state::E2b;
use super::super::target::Target;
use crate::names::Id;
use crate::sandbox::State as Life;
use crate::tenants::{InFlight, Principal};
use crate::wires::reserved;

/// A sandbox that is there, and somebody who may use it.
pub(in super::super) struct Access {
    pub(in super::super) who: Principal,
    pub(in super::super) id: Id,
}

/// The headers that hold a token: clients send the first to files and code, the
/// second to contexts.
const TOKEN_HEADERS: [&str; 2] = ["x-access-token", "e2b-traffic-access-token"];

impl FromRequestParts<E2b> for Access {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &E2b) -> Result<Self, ApiError> {
        let Some(Target(id)) = parts.extensions.get::<Target>().copied() else {
            return Err(ApiError::invalid(
                "the request names no sandbox\nhint: send the header E2b-Sandbox-Id",
            ));
        };
        let given = TOKEN_HEADERS
            .iter()
            .find_map(|name| parts.headers.get(*name));
        let Some(token) = given.and_then(|token| token.to_str().ok()) else {
            return Err(unauthenticated(
                "the header X-Access-Token is missing\nhint: connect to the sandbox \
                 with its tenant's key, which gives its token",
            ));
        };
        let who = state
            .service
            .authenticate_token(&id, token)
            .map_err(at_port)?;
        InFlight::is_paid_by(parts, &who).map_err(at_port)?;
        ready(state, &who, id).await?;
        Ok(Self { who, id })
    }
}

impl Access {
    /// Of a request for files, which may be signed instead.
    pub(super) async fn to_files(
        parts: &mut Parts,
        state: &E2b,
        operation: Operation,
        query: &FileQuery,
    ) -> Result<Self, ApiError> {
        let Some(signature) = &query.signature else {
            return Self::from_request_parts(parts, state).await;
        };
        let signed = Signed {
            path: query.path.as_deref().unwrap_or_default(),
            user: query.username.as_deref().unwrap_or_default(),
            signature,
            expiration: query.signature_expiration.as_deref(),
        };
        let target = parts.extensions.get::<Target>().copied();
        // One that names no sandbox is held against the tokens that were given out last.
        let candidates = match target {
            Some(Target(id)) => vec![(id, None)],
            None => state.recent.tokens(),
        };
        let now_s = Timestamp::now().unix_ms() / 1_000;
        let mut expired = false;
        let tokens = candidates.iter().flat_map(|(id, key)| {
            let tokens = state.service.signing_tokens(id, key.as_deref());
            tokens.into_iter().map(|(key, token)| (*id, key, token))
        });
        let tokens: Vec<_> = tokens.collect();
        for (id, key, token) in tokens {
            match signed.check(operation, &token, now_s) {
                Ok(()) => {
                    let who = state.service.signed_principal(&id, &key).map_err(at_port)?;
                    InFlight::is_paid_by(parts, &who).map_err(at_port)?;
                    ready(state, &who, id).await?;
                    return Ok(Self { who, id });
                }
                Err(Invalid::Expired) => expired = true,
                Err(Invalid::Forged) => {}
            }
        }
        Err(unauthenticated(match expired {
            true => "the signature has expired\nhint: sign the URL again",
            false => {
                "the signature is not valid for this path, operation, user and sandbox\n\
                 hint: a URL without the sandbox's host name needs the header E2b-Sandbox-Id"
            }
        }))
    }
}

/// What the query of a file's URL says.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct FileQuery {
    pub(super) path: Option<String>,
    pub(super) username: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) signature_expiration: Option<String>,
}

impl FileQuery {
    pub(super) fn of(parts: &Parts) -> Result<Self, ApiError> {
        let query = axum::extract::Query::<Self>::try_from_uri(&parts.uri);
        match query {
            Ok(query) => Ok(query.0),
            Err(error) => Err(ApiError::invalid(format!(
                "the query cannot be read: {error}"
            ))),
        }
    }
}

/// Checks that a sandbox takes requests. One that is paused is woken if it was made
/// so.
async fn ready(state: &E2b, who: &Principal, id: Id) -> Result<(), ApiError> {
    let view = state.service.get(who, &id).await.map_err(at_port)?;
    match view.state {
        Life::Live | Life::Asleep => Ok(()),
        Life::Paused if view.metadata.contains_key(reserved::AUTO_RESUME) => {
            let resumed = state.service.resume(who, &id, None).await;
            resumed.map(drop).map_err(at_port)
        }
        Life::Paused | Life::Gone(_) => Err(ApiError::sandbox_not_found()),
    }
}

/// Whether the sandbox runs. Asked without a token, as clients do; the answer says
/// no more than that.
pub(super) async fn health(
    State(state): State<E2b>,
    target: Option<axum::Extension<Target>>,
) -> Result<StatusCode, ApiError> {
    let Some(axum::Extension(Target(id))) = target else {
        return Err(ApiError::sandbox_not_found());
    };
    match state.service.is_running(&id) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::sandbox_not_found()),
    }
}

/// The variables of the environment are the guest's; what a daemon would have is
/// empty.
pub(super) async fn variables(_access: Access) -> Json<Value> {
    Json(json!({}))
}

pub(super) async fn no_such_call(access: Result<Access, ApiError>) -> ApiError {
    match access {
        Err(error) => error,
        Ok(_) => ApiError::new(
            StatusCode::NOT_FOUND,
            "there is no such call\nhint: docs/serve-e2b.md lists those that there are",
        ),
    }
}

fn unauthenticated(message: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, message)
}
