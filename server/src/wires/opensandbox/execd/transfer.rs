//! Files on their way in and out.

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::access::Access;
use crate::error::{ErrorKind, ServiceError};
use crate::names::Id;
use crate::pieces::{Pieces, broken};
use crate::service::FileKind;
use crate::tenants::{HeldBody, Principal};
use crate::wires::ranges::{Range, range_of};
use crate::wires::reading::Reading;
use crate::wires::uploads::UPLOAD_MAX_BYTES;

/// Bytes of a file that is worked on as a whole.
const WHOLE_MAX_BYTES: u64 = 32 << 20;
const FILES_MAX: usize = 1_000;
const METADATA_MAX_BYTES: usize = 64 << 10;
const PIECE_BYTES: usize = 1 << 20;

#[derive(Debug, Deserialize)]
pub(super) struct Download {
    path: String,
    /// The first line, from 1.
    offset: Option<usize>,
    /// How many lines.
    limit: Option<usize>,
}

/// What comes before each file of a form. Owner and mode say nothing here.
#[derive(Debug, Deserialize)]
struct Metadata {
    path: String,
}

pub(super) async fn upload(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    request: Request<Body>,
) -> Result<StatusCode, ApiError> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| ApiError::invalid(error.body_text()))?;
    let mut path: Option<String> = None;
    let mut count = 0_usize;
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("metadata") => {
                let mut text = Vec::new();
                while let Some(piece) = field.chunk().await.map_err(broken)? {
                    text.extend_from_slice(&piece);
                    if text.len() > METADATA_MAX_BYTES {
                        return Err(ApiError::invalid("the metadata of a file is too large"));
                    }
                }
                let metadata: Metadata = serde_json::from_slice(&text).map_err(|error| {
                    ApiError::invalid(format!("the metadata of a file cannot be read: {error}"))
                })?;
                path = Some(metadata.path);
            }
            Some("file") => {
                let Some(path) = path.take().filter(|path| !path.is_empty()) else {
                    return Err(ApiError::invalid(
                        "a file of the form has no metadata before it, or no path in it",
                    ));
                };
                count += 1;
                if count > FILES_MAX {
                    return Err(ApiError::invalid("the form has more than 1000 files"));
                }
                let mut pieces = Pieces::new(UPLOAD_MAX_BYTES);
                while let Some(piece) = field.chunk().await.map_err(broken)? {
                    pieces.push(piece)?;
                }
                let body = pieces.into_body();
                state.service.write_file(&who, &id, &path, body).await?;
            }
            _ => {
                return Err(ApiError::invalid(
                    "the form has a field that is neither metadata nor a file",
                ));
            }
        }
    }
    match count {
        0 => Err(ApiError::invalid("the form has no file")),
        _ => Ok(StatusCode::OK),
    }
}

pub(super) async fn download(
    State(state): State<OpenSandbox>,
    Access { who, id }: Access,
    Query(asked): Query<Download>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let range = headers.get(header::RANGE);
    if asked.offset.is_some() || asked.limit.is_some() {
        if range.is_some() {
            return Err(ApiError::invalid(
                "lines and a range cannot be asked for at once",
            ));
        }
        let first = asked.offset.unwrap_or(1).saturating_sub(1);
        let mut reading = Reading {
            service: state.service,
            who,
            id,
            path: asked.path,
            from: 0,
            until: None,
        };
        reading.only_lines(first, asked.limit).await?;
        return Ok(octets(StatusCode::OK, reading.body().await?));
    }
    let entry = state.service.stat(&who, &id, &asked.path).await?;
    if entry.kind == FileKind::Folder {
        return Err(ApiError::invalid(format!(
            "path is a directory: {}",
            asked.path
        )));
    }
    // Of a link, the length is the link's: its target is read to the end.
    let length = (entry.kind == FileKind::File).then_some(entry.bytes);
    let range = match (range, length) {
        (Some(value), Some(length)) => range_of(value, length),
        _ => Range::Whole,
    };
    let (status, from, until) = match range {
        Range::Whole => (StatusCode::OK, 0, length),
        Range::Part { from, until } => (StatusCode::PARTIAL_CONTENT, from, Some(until)),
        Range::Unsatisfiable => {
            return Err(ApiError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "INVALID_RANGE",
                "the file ends before this range",
            ));
        }
    };
    let reading = Reading {
        service: state.service,
        who,
        id,
        path: asked.path,
        from,
        until,
    };
    let mut response = octets(status, reading.body().await?);
    if let Some(until) = until {
        let count = HeaderValue::from(until.saturating_sub(from));
        response.headers_mut().insert(header::CONTENT_LENGTH, count);
        if let (StatusCode::PARTIAL_CONTENT, Some(length)) = (status, length) {
            let value = format!("bytes {from}-{}/{length}", until.saturating_sub(1));
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(header::CONTENT_RANGE, value);
            }
        }
    }
    Ok(response)
}

fn octets(status: StatusCode, body: Body) -> Response {
    let head = [(header::CONTENT_TYPE, "application/octet-stream")];
    (status, head, body).into_response()
}

/// A whole file, if it is not too large for that, and its room in what is held for the tenant.
pub(super) async fn read_whole(
    state: &OpenSandbox,
    who: &Principal,
    id: Id,
    path: &str,
) -> Result<(Vec<u8>, HeldBody), ServiceError> {
    let mut whole = Vec::new();
    let mut held = HeldBody::admit(&who.tenant, 0)?;
    loop {
        let at = whole.len() as u64;
        if at > WHOLE_MAX_BYTES {
            return Err(ServiceError::new(
                ErrorKind::TooLarge,
                "file-too-large",
                "the file is too large for this call",
                "download it, or work on it with code",
            ));
        }
        let piece = state
            .service
            .read_file(who, &id, path, at, PIECE_BYTES)
            .await?;
        if piece.is_empty() {
            return Ok((whole, held));
        }
        held.grow(piece.len())?;
        whole.extend_from_slice(&piece);
    }
}
