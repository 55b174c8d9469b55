//! Reading files.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::error::{ApiError, at_port};
use super::super::signature::Operation;
use super::super::state::E2b;
use super::access::{Access, FileQuery};
use crate::service::FileKind;
use crate::wires::ranges::{Range, range_of};
use crate::wires::reading::Reading;

pub(super) async fn download(
    State(state): State<E2b>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _body) = request.into_parts();
    let query = FileQuery::of(&parts)?;
    let access = Access::to_files(&mut parts, &state, Operation::Read, &query).await?;
    let Some(path) = query.path.filter(|path| !path.is_empty()) else {
        return Err(ApiError::invalid("the query has no path"));
    };
    let stat = state.service.stat(&access.who, &access.id, &path);
    let entry = stat.await.map_err(at_port)?;
    if entry.kind == FileKind::Folder {
        let message = format!("path is a directory: {path}\nhint: list it");
        return Err(ApiError::invalid(message));
    }
    // Of a link, the length is the link's: its target is read to the end.
    let length = (entry.kind == FileKind::File).then_some(entry.bytes);
    let range = match (parts.headers.get(header::RANGE), length) {
        (Some(value), Some(length)) => range_of(value, length),
        _ => Range::Whole,
    };
    let (status, from, until) = match range {
        Range::Whole => (StatusCode::OK, 0, length),
        Range::Part { from, until } => (StatusCode::PARTIAL_CONTENT, from, Some(until)),
        Range::Unsatisfiable => return Ok(unsatisfiable(length)),
    };
    let reading = Reading {
        service: state.service,
        who: access.who,
        id: access.id,
        path,
        from,
        until,
    };
    let body = reading.body().await.map_err(at_port)?;
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(until) = until {
        let count = until.saturating_sub(from);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
        if let (StatusCode::PARTIAL_CONTENT, Some(length)) = (status, length) {
            let last = until.saturating_sub(1);
            let value = format!("bytes {from}-{last}/{length}");
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(header::CONTENT_RANGE, value);
            }
        }
    }
    Ok(response)
}

fn unsatisfiable(length: Option<u64>) -> Response {
    let error = ApiError::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "the file ends before this range",
    );
    let mut response = error.into_response();
    let value = format!("bytes */{}", length.unwrap_or_default());
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}
