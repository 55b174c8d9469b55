//! Bodies and queries, read with errors that teach.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Refusal;
use crate::error::ServiceError;
use crate::json::{Misread, object};
use crate::names::Id;
use crate::pieces::{media_type, whole};

/// The largest JSON body.
const JSON_BYTES_MAX: usize = 32 << 20;

/// A body that is JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let is_json = media_type(&parts.headers).as_deref() == Some("application/json");
        let bytes = whole(body, JSON_BYTES_MAX).await?;
        if bytes.is_empty() {
            // A request without a body is one without fields.
            return read(b"{}").map(Self);
        }
        if !is_json {
            return Err(ServiceError::invalid(
                "the body is not said to be JSON",
                "send it with `Content-Type: application/json`",
            )
            .into());
        }
        read(&bytes).map(Self)
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    object(bytes).map_err(|Misread { field, what }| {
        let message = match field {
            None => format!("the body cannot be read: {what}"),
            Some(field) => format!("`{field}` in the body cannot be read: {what}"),
        };
        ServiceError::invalid(message, "see /openapi.json for what the request may hold").into()
    })
}

/// What stands after the `?`.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        let query = query.map_err(|error| {
            ServiceError::invalid(
                format!("the query cannot be read: {}", error.body_text()),
                "see /openapi.json for what the request may hold",
            )
        })?;
        Ok(Self(query.0))
    }
}

/// A name in a path, as it is.
pub(crate) struct Text(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Text {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let named = Path::<String>::from_request_parts(parts, state).await;
        named.map(|Path(text)| Self(text)).map_err(|_| {
            ServiceError::invalid("the path is no UTF-8", "write names in ASCII").into()
        })
    }
}

/// The identifier in a path. What is none names nothing.
pub(crate) struct Named(pub(crate) Id);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let named = Path::<String>::from_request_parts(parts, state).await;
        let text = named.map(|Path(text)| text).unwrap_or_default();
        let id = Id::parse(&text);
        Ok(Self(id.ok_or_else(|| {
            ServiceError::not_found("sandbox or snapshot", &text)
        })?))
    }
}
