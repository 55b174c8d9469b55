//! Writing files: one from the whole body, or several from a form.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::Serialize;

use super::super::error::{ApiError, at_port};
use super::super::signature::Operation;
use super::super::state::E2b;
use super::access::{Access, FileQuery};
use crate::pieces::{Pieces, broken, collected, media_type};
use crate::wires::uploads::{UPLOAD_MAX_BYTES, unpacked};

/// Files of one form.
const FILES_MAX: usize = 1_000;

/// A file that was written.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    path: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

pub(super) async fn upload(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<Vec<Written>>, ApiError> {
    let (mut parts, body) = request.into_parts();
    let query = FileQuery::of(&parts)?;
    let access = Access::to_files(&mut parts, &state, Operation::Write, &query).await?;
    refuse_metadata(&parts.headers)?;
    let path = query.path.filter(|path| !path.is_empty());
    let request = Request::from_parts(parts, body);
    let written = match media_type(request.headers()).as_deref() {
        Some("multipart/form-data") => form(&state, &access, path, request).await?,
        Some("application/octet-stream") | None => {
            let Some(path) = path else {
                return Err(ApiError::invalid("the query has no path"));
            };
            vec![whole(&state, &access, path, request).await?]
        }
        Some(other) => {
            let message = format!(
                "the content type is {other}\nhint: send multipart/form-data or \
                 application/octet-stream"
            );
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
    };
    state.watchers.touched(access.id);
    Ok(Json(written))
}

/// The body is the file.
async fn whole(
    state: &E2b,
    access: &Access,
    path: String,
    request: Request<Body>,
) -> Result<Written, ApiError> {
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    let encoding = encoding.map(|value| value.to_str().unwrap_or("?").to_ascii_lowercase());
    let body = request.into_body().into_data_stream();
    let pieces = match encoding.as_deref() {
        None | Some("identity") => collected(body, UPLOAD_MAX_BYTES).await?,
        Some("gzip") => unpacked(body, &access.who.tenant.unpacking).await?,
        Some(other) => {
            let message = format!("the body is packed with {other}\nhint: use gzip, or nothing");
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
    };
    write(state, access, path, pieces).await
}

/// Each field `file` is a file: its name is the path, unless the query has one for
/// the only one.
async fn form(
    state: &E2b,
    access: &Access,
    path: Option<String>,
    request: Request<Body>,
) -> Result<Vec<Written>, ApiError> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|error| ApiError::invalid(error.body_text()))?;
    // All of the form is read before anything is written.
    let mut files = Vec::new();
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        if field.name() != Some("file") {
            return Err(ApiError::invalid(
                "the form has a field that is no file\nhint: name each field \"file\"",
            ));
        }
        if files.len() >= FILES_MAX || (path.is_some() && !files.is_empty()) {
            return Err(ApiError::invalid(
                "the form has too many files\nhint: at most 1000; one if the query has a path",
            ));
        }
        let own = field.file_name().map(str::to_owned);
        let Some(path) = path.clone().or(own).filter(|path| !path.is_empty()) else {
            return Err(ApiError::invalid(
                "a file of the form has no name\nhint: its file name is the path",
            ));
        };
        let mut pieces = Pieces::new(UPLOAD_MAX_BYTES);
        while let Some(piece) = field.chunk().await.map_err(broken)? {
            pieces.push(piece)?;
        }
        files.push((path, pieces.into_body()));
    }
    if files.is_empty() {
        return Err(ApiError::invalid("the form has no file"));
    }
    let mut written = Vec::new();
    for (path, pieces) in files {
        written.push(write(state, access, path, pieces).await?);
    }
    Ok(written)
}

async fn write(
    state: &E2b,
    access: &Access,
    path: String,
    pieces: Vec<axum::body::Bytes>,
) -> Result<Written, ApiError> {
    let write = state
        .service
        .write_file(&access.who, &access.id, &path, pieces);
    let entry = write.await.map_err(at_port)?;
    Ok(Written {
        path: entry.path,
        name: entry.name,
        kind: "file",
    })
}

/// Files here have no attributes of their own: a client that sends some is told,
/// instead of losing them.
fn refuse_metadata(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers
        .keys()
        .any(|name| name.as_str().starts_with("x-metadata-"))
    {
        false => Ok(()),
        true => Err(ApiError::invalid(
            "files in a sandbox keep no metadata\nhint: write it into a file beside them",
        )),
    }
}
