//! Who asks, by the key of a request.

use axum::extract::FromRequestParts;
use axum::http::{header, request::Parts};

use super::problem::Refusal;
use crate::error::{ErrorKind, ServiceError};
use crate::service::Service;
use crate::tenants::{InFlight, Principal};

/// Who asks.
pub(crate) struct Who(pub(crate) Principal);

impl FromRequestParts<Service> for Who {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Refusal> {
        let key = bearer(parts).ok_or_else(|| {
            ServiceError::new(
                ErrorKind::Unauthenticated,
                "unauthenticated",
                "the request has no key",
                "send one as `Authorization: Bearer KEY`; `memex key add` makes one",
            )
        })?;
        let who = service.authenticate(key)?;
        InFlight::is_paid_by(parts, &who)?;
        Ok(Self(who))
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let mut headers = parts.headers.get_all(header::AUTHORIZATION).iter();
    let value = headers.next()?;
    // With two of them, which one counts is anybody's guess.
    if headers.next().is_some() {
        return None;
    }
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
