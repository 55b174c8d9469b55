//! Who may use a sandbox: whoever has its token, or a key of its tenant.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::super::target::{KEY_HEADER, TOKEN_HEADER, Target};
use crate::error::{ErrorKind, ServiceError};
use crate::names::Id;
use crate::sandbox::State as Life;
use crate::tenants::{InFlight, Principal};

/// A sandbox that is there, and somebody who may use it.
pub(in super::super) struct Access {
    pub(super) who: Principal,
    pub(super) id: Id,
}

impl FromRequestParts<OpenSandbox> for Access {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &OpenSandbox) -> Result<Self, ApiError> {
        let Some(Target(id)) = parts.extensions.get::<Target>().copied() else {
            return Err(ApiError::invalid("the request names no sandbox"));
        };
        let header = |name: &str| parts.headers.get(name)?.to_str().ok();
        let who = match (header(TOKEN_HEADER), header(KEY_HEADER)) {
            (Some(token), _) => state.service.authenticate_token(&id, token)?,
            (None, Some(key)) => state.service.authenticate(key)?,
            (None, None) => {
                return Err(ApiError::new(
                    StatusCode::UNAUTHORIZED,
                    "UNAUTHORIZED",
                    "the header X-EXECD-ACCESS-TOKEN is missing\nhint: send the headers \
                     that came with the endpoint",
                ));
            }
        };
        InFlight::is_paid_by(parts, &who)?;
        let view = state.service.get(&who, &id).await?;
        match view.state {
            Life::Live | Life::Asleep => Ok(Self { who, id }),
            Life::Paused => Err(ServiceError::new(
                ErrorKind::Conflict,
                "paused",
                "the sandbox is paused",
                "resume it",
            )
            .into()),
            Life::Gone(_) => Err(ServiceError::new(
                ErrorKind::Gone,
                "gone",
                "the sandbox has ended",
                "make another",
            )
            .into()),
        }
    }
}
