//! What a request of the control plane brings: who asks, which sandbox, a body.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::super::target::KEY_HEADER;
use crate::error::ServiceError;
use crate::names::Id;
use crate::tenants::{InFlight, Principal};

/// Who asks, by the key in `OPEN-SANDBOX-API-KEY`.
pub(super) struct Key(pub(super) Principal);

impl FromRequestParts<OpenSandbox> for Key {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &OpenSandbox) -> Result<Self, ApiError> {
        let mut keys = parts.headers.get_all(KEY_HEADER).iter();
        match (keys.next(), keys.next()) {
            (Some(key), None) => {
                let key = key.to_str().unwrap_or_default();
                let who = state.service.authenticate(key)?;
                InFlight::is_paid_by(parts, &who)?;
                Ok(Self(who))
            }
            _ => Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "UNAUTHORIZED",
                "the header OPEN-SANDBOX-API-KEY is missing, or there twice\n\
                 hint: set OPEN_SANDBOX_API_KEY to a key of this server",
            )),
        }
    }
}

/// The sandbox or snapshot `{id}` in the path. What can be none is not found.
pub(super) struct Named(pub(super) Id);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let name = params.ok().and_then(|params| {
            let found = params.iter().find(|(key, _)| *key == "id");
            found.map(|(_, value)| value.to_owned())
        });
        let name = name.unwrap_or_default();
        match Id::parse(&name) {
            Some(id) => Ok(Self(id)),
            None => Err(ServiceError::not_found("sandbox", &name).into()),
        }
    }
}
