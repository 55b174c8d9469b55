//! What a request of the control plane brings: who asks, which sandbox, a body.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::super::error::ApiError;
use super::super::state::E2b;
use crate::error::ServiceError;
use crate::json::object;
use crate::names::Id;
use crate::pieces::whole;
use crate::tenants::{InFlight, Principal};

/// Bytes of a request's body: metadata and variables.
const BODY_MAX_BYTES: usize = 1 << 20;

/// Who asks, by the key in `X-API-KEY`.
pub(super) struct Key(pub(super) Principal);

impl FromRequestParts<E2b> for Key {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &E2b) -> Result<Self, ApiError> {
        let mut keys = parts.headers.get_all("x-api-key").iter();
        let key = match (keys.next(), keys.next()) {
            (Some(key), None) => key.to_str().unwrap_or_default(),
            _ => {
                let message = "the header X-API-KEY is missing, or there twice\n\
                     hint: set E2B_API_KEY to a key of this server";
                return Err(ApiError::new(StatusCode::UNAUTHORIZED, message));
            }
        };
        let who = state.service.authenticate(key)?;
        InFlight::is_paid_by(parts, &who)?;
        Ok(Self(who))
    }
}

/// The sandbox or snapshot in the path. What can be none is not found.
pub(super) struct Named(pub(super) Id);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        let name = name.map_or_else(|_| String::new(), |Path(name)| name);
        match Id::parse(&name) {
            Some(id) => Ok(Self(id)),
            None => Err(ServiceError::not_found("sandbox", &name).into()),
        }
    }
}

/// A body in JSON; an empty one is an empty object.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, ApiError> {
        let bytes = whole(request.into_body(), BODY_MAX_BYTES).await?;
        match object(&bytes) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(ApiError::invalid(format!(
                "the body cannot be read: {error}"
            ))),
        }
    }
}
