//! Bodies of requests.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::json::value;
use crate::pieces::whole;

/// Bytes of a body in JSON; a block of code may carry data.
const BODY_MAX_BYTES: usize = 16 << 20;

/// A body in JSON; an empty one is an empty object.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, ApiError> {
        let bytes = whole(request.into_body(), BODY_MAX_BYTES).await?;
        value(&bytes)
            .map(Self)
            .map_err(|error| ApiError::invalid(format!("the body cannot be read: {error}")))
    }
}
