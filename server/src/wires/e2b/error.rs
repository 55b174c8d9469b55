//! Refusals and failures, as each part of the wire words them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::connect::{Code, ConnectError};
use crate::error::{ErrorKind, ServiceError};

/// What a sandbox that is not there answers at its ports: clients look for these
/// words.
pub(super) const SANDBOX_NOT_FOUND: &str = "The sandbox was not found";

/// An error of the control plane and of files: `{"code", "message"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// The case, where clients know a name for it.
    pub(super) name: Option<&'static str>,
    pub(super) retry_after_s: Option<u64>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            name: None,
            retry_after_s: None,
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A sandbox that is gone or paused, asked at one of its ports.
    pub(super) fn sandbox_not_found() -> Self {
        Self::new(StatusCode::BAD_GATEWAY, SANDBOX_NOT_FOUND)
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        let status = match error.kind {
            ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            // Clients tell sandboxes that have ended by 404 too; the message says
            // why this one did.
            ErrorKind::NotFound | ErrorKind::Gone => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::Exhausted => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let name = match error.code {
            "idempotency-mismatch" => Some("idempotency_request_mismatch"),
            "idempotency-in-progress" => Some("idempotency_in_progress"),
            "quota-live" | "quota-sandboxes" => Some("sandbox_capacity_unavailable"),
            _ => None,
        };
        Self {
            status,
            name,
            retry_after_s: error.retry_after.map(|after| after.as_secs().max(1)),
            message: error.to_string(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            code: u16,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            error_code: Option<&'static str>,
        }
        let body = Body {
            code: self.status.as_u16(),
            message: &self.message,
            error_code: self.name,
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after_s {
            let value = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}

/// An error of the code interpreter: a text.
#[derive(Debug)]
pub(super) struct TextError(pub(super) ApiError);

impl From<ServiceError> for TextError {
    fn from(error: ServiceError) -> Self {
        Self(ApiError::from(error))
    }
}

impl From<ApiError> for TextError {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for TextError {
    fn into_response(self) -> Response {
        if self.0.status == StatusCode::BAD_GATEWAY {
            return self.0.into_response();
        }
        let mut response = (self.0.status, self.0.message).into_response();
        if let Some(seconds) = self.0.retry_after_s {
            let value = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}

/// An error of the service at a port of a sandbox: a sandbox that is not there is
/// none that answers.
pub(super) fn at_port(error: ServiceError) -> ApiError {
    let is_sandbox =
        matches!(error.code, "not-found" | "gone" | "paused") || error.kind == ErrorKind::Gone;
    match is_sandbox {
        true => ApiError::sandbox_not_found(),
        false => ApiError::from(error),
    }
}

impl From<ServiceError> for ConnectError {
    fn from(error: ServiceError) -> Self {
        let code = match error.kind {
            ErrorKind::Unauthenticated => Code::Unauthenticated,
            ErrorKind::Forbidden => Code::PermissionDenied,
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::Gone | ErrorKind::Unavailable => Code::Unavailable,
            ErrorKind::Conflict if error.code == "exists" => Code::AlreadyExists,
            ErrorKind::Conflict => Code::FailedPrecondition,
            ErrorKind::Invalid => Code::InvalidArgument,
            ErrorKind::TooLarge | ErrorKind::Exhausted | ErrorKind::NoSpace => {
                Code::ResourceExhausted
            }
            ErrorKind::Unsupported => Code::Unimplemented,
            ErrorKind::Internal => Code::Internal,
        };
        let is_sandbox = matches!(error.code, "not-found" | "paused") || code == Code::Unavailable;
        let mut made = match is_sandbox && error.kind != ErrorKind::Unavailable {
            true => Self::new(Code::Unavailable, SANDBOX_NOT_FOUND),
            false => Self::new(code, error.to_string()),
        };
        made.retry_after_s = error.retry_after.map(|after| after.as_secs().max(1));
        made
    }
}

impl From<ApiError> for ConnectError {
    fn from(error: ApiError) -> Self {
        let code = match error.status.as_u16() {
            400 => Code::InvalidArgument,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::NotFound,
            429 => Code::ResourceExhausted,
            502 | 503 => Code::Unavailable,
            _ => Code::Internal,
        };
        Self {
            code,
            message: error.message,
            retry_after_s: error.retry_after_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn error(kind: ErrorKind, code: &'static str) -> ServiceError {
        ServiceError::new(kind, code, "what", "remedy")
    }

    #[test]
    fn kinds_are_the_statuses_that_clients_branch_on() {
        for (kind, code, status) in [
            (ErrorKind::Unauthenticated, "key", 401),
            (ErrorKind::NotFound, "not-found", 404),
            (ErrorKind::Gone, "gone", 404),
            (ErrorKind::Conflict, "already-paused", 409),
            (ErrorKind::Exhausted, "quota-rate", 429),
            (ErrorKind::NoSpace, "no-space", 507),
            (ErrorKind::Unavailable, "draining", 503),
        ] {
            assert_eq!(ApiError::from(error(kind, code)).status, status, "{code}");
        }
        let busy = error(ErrorKind::Exhausted, "busy").retry_after(Duration::from_millis(10));
        let response = ApiError::from(busy).into_response();
        assert_eq!(response.headers()["retry-after"], "1");
    }

    /// A missing file is an answer of the sandbox, a missing sandbox is none.
    #[test]
    fn a_missing_sandbox_and_a_missing_file_differ_at_a_port() {
        let sandbox = error(ErrorKind::NotFound, "not-found");
        let file = error(ErrorKind::NotFound, "no-such-file");
        assert_eq!(at_port(sandbox.clone()).status, 502);
        assert_eq!(at_port(file.clone()).status, 404);
        assert_eq!(ConnectError::from(sandbox).code, Code::Unavailable);
        assert_eq!(ConnectError::from(file).code, Code::NotFound);
        let paused = error(ErrorKind::Conflict, "paused");
        assert_eq!(ConnectError::from(paused).message, SANDBOX_NOT_FOUND);
        let gone = ConnectError::from(error(ErrorKind::Gone, "gone"));
        assert_eq!(gone.message, SANDBOX_NOT_FOUND);
        let draining = ConnectError::from(error(ErrorKind::Unavailable, "draining"));
        assert!(draining.message.starts_with("what"));
    }
}
