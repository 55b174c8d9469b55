//! Files of a sandbox.

use axum::Json as Answer;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::FileBody;
use crate::error::ServiceError;
use crate::http::auth::Who;
use crate::http::body::{Json, Named, Query};
use crate::http::problem::{Problem, Refusal};
use crate::names::Id;
use crate::pieces::collected;
use crate::service::{FileKind, Service};
use crate::tenants::Principal;

type Result<T> = std::result::Result<T, Refusal>;

/// The piece in which a file is read.
const PIECE_BYTES: usize = 1 << 20;
/// The largest file that one request writes; the listener's bound is lower by default.
const UPLOAD_BYTES_MAX: usize = 1 << 30;

/// Links that are followed to a file.
const LINKS_MAX: usize = 16;

/// A path of the sandbox; relative ones begin at `/home/user`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct PathQuery {
    /// The path.
    path: String,
}

/// Reads a file; with `Range: bytes=FROM-TO`, a part of it.
#[utoipa::path(
    get, path = "/v1/sandboxes/{id}/files", tag = "files", params(("id" = String, Path), PathQuery),
    responses((status = 200, description = "Its bytes.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "Some of its bytes.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn read(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Query(query): Query<PathQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let path = query.path;
    let mut entry = service.stat(&who, &id, &path).await?;
    for followed in 0.. {
        // A read follows links, and finds what they lead to.
        if entry.kind != FileKind::Link {
            break;
        }
        if followed == LINKS_MAX {
            let what = format!("{:?} leads to too many links", entry.path);
            return Err(ServiceError::invalid(what, "name the file itself").into());
        }
        let target = entry.target.clone().unwrap_or_default();
        let folder = entry.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let place = if target.starts_with('/') {
            target
        } else {
            format!("{folder}/{target}")
        };
        entry = service.stat(&who, &id, &place).await?;
    }
    if entry.kind == FileKind::Folder {
        let what = format!("{:?} is a folder", entry.path);
        return Err(ServiceError::invalid(what, "list it with /folders").into());
    }
    let length = entry.bytes;
    let (status, from, to) = match range(&headers, length) {
        None => (StatusCode::OK, 0, length),
        Some(Some((from, to))) => (StatusCode::PARTIAL_CONTENT, from, to),
        Some(None) => {
            let all = format!("bytes */{length}");
            return Ok((
                StatusCode::RANGE_NOT_SATISFIABLE,
                [(header::CONTENT_RANGE, all)],
            )
                .into_response());
        }
    };
    let body = Body::from_stream(content(service, who, id, entry.path, from, to));
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(to - from));
    // What code wrote is not to be run by a browser that is shown it.
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {from}-{}/{length}", to - 1);
        if let Ok(range) = HeaderValue::try_from(range) {
            headers.insert(header::CONTENT_RANGE, range);
        }
    }
    Ok(response)
}

/// The content of a file, piece by piece. Where the file gets shorter meanwhile, the
/// answer breaks off, which its length shows.
fn content(
    service: Service,
    who: Principal,
    id: Id,
    path: String,
    from: u64,
    to: u64,
) -> impl futures_util::Stream<Item = std::result::Result<Bytes, ServiceError>> {
    stream::unfold(Some((service, who, path, from)), move |state| async move {
        let (service, who, path, at) = state?;
        let left = to.saturating_sub(at);
        if left == 0 {
            return None;
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
        match service.read_file(&who, &id, &path, at, most).await {
            Ok(piece) if piece.is_empty() => Some((
                Err(ServiceError::internal(
                    "the file got shorter while it was read",
                )),
                None,
            )),
            Ok(piece) => {
                let at = at.saturating_add(piece.len() as u64);
                Some((Ok(Bytes::from(piece)), Some((service, who, path, at))))
            }
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// The range that is asked for: none, one that there is not, or from and up to where.
/// Several ranges, and other units, count as none.
fn range(headers: &HeaderMap, length: u64) -> Option<Option<(u64, u64)>> {
    let text = headers.get(header::RANGE)?.to_str().ok()?;
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from.trim(), to.trim()) {
        ("", last) => {
            let last: u64 = last.parse().ok()?;
            (length.saturating_sub(last), length)
        }
        (from, "") => (from.parse().ok()?, length),
        (from, to) => {
            let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
            if to < from {
                return None;
            }
            (from, to.saturating_add(1).min(length))
        }
    };
    Some((from < to).then_some((from, to)))
}

/// Writes a file, whole or not at all; folders on the way are made.
#[utoipa::path(
    put, path = "/v1/sandboxes/{id}/files", tag = "files", params(("id" = String, Path), PathQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The file.", body = FileBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "It does not fit.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn write(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Query(query): Query<PathQuery>,
    body: Body,
) -> Result<Answer<FileBody>> {
    let content = collected(body.into_data_stream(), UPLOAD_BYTES_MAX).await?;
    Ok(Answer(
        service
            .write_file(&who, &id, &query.path, content)
            .await?
            .into(),
    ))
}

/// Removes a file, a link, or a folder with everything in it.
#[utoipa::path(
    delete, path = "/v1/sandboxes/{id}/files", tag = "files", params(("id" = String, Path), PathQuery),
    responses((status = 204, description = "It is gone."),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn remove(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Query(query): Query<PathQuery>,
) -> Result<StatusCode> {
    service.remove_file(&who, &id, &query.path).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What there is of a path.
#[utoipa::path(
    get, path = "/v1/sandboxes/{id}/files/info", tag = "files", params(("id" = String, Path), PathQuery),
    responses((status = 200, description = "It.", body = FileBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn info(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Query(query): Query<PathQuery>,
) -> Result<Answer<FileBody>> {
    Ok(Answer(service.stat(&who, &id, &query.path).await?.into()))
}

/// Two paths.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveBody {
    from: String,
    to: String,
}

/// Gives a file or a folder another name.
#[utoipa::path(
    post, path = "/v1/sandboxes/{id}/files/move", tag = "files", params(("id" = String, Path)), request_body = MoveBody,
    responses((status = 200, description = "It.", body = FileBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn rename(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Json(body): Json<MoveBody>,
) -> Result<Answer<FileBody>> {
    Ok(Answer(
        service
            .move_file(&who, &id, &body.from, &body.to)
            .await?
            .into(),
    ))
}

/// A folder.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct FolderQuery {
    /// The path.
    path: String,
    /// How deep the list goes. Default: 1, the folder alone.
    #[serde(default)]
    depth: Option<u32>,
}

/// Lists a folder.
#[utoipa::path(
    get, path = "/v1/sandboxes/{id}/folders", tag = "files", params(("id" = String, Path), FolderQuery),
    responses((status = 200, description = "What lies in it.", body = Vec<FileBody>),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Query(query): Query<FolderQuery>,
) -> Result<Answer<Vec<FileBody>>> {
    let depth = query.depth.unwrap_or(1);
    let entries = service.list_folder(&who, &id, &query.path, depth).await?;
    Ok(Answer(entries.into_iter().map(Into::into).collect()))
}

/// Whether a folder is new.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeBody {
    made: bool,
}

/// Makes a folder, with those on the way.
#[utoipa::path(
    put, path = "/v1/sandboxes/{id}/folders", tag = "files", params(("id" = String, Path), PathQuery),
    responses((status = 200, description = "Whether it is new.", body = MadeBody),
        (status = "4XX", description = "It was refused.", body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn make_folder(
    State(service): State<Service>,
    Who(who): Who,
    Named(id): Named,
    Query(query): Query<PathQuery>,
) -> Result<Answer<MadeBody>> {
    let made = service.make_folder(&who, &id, &query.path).await?;
    Ok(Answer(MadeBody { made }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_within_the_file_or_none() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static(text));
            range(&headers, 10)
        };
        assert_eq!(range(&HeaderMap::new(), 10), None);
        for (text, want) in [
            ("bytes=0-3", Some(Some((0, 4)))),
            ("bytes=4-", Some(Some((4, 10)))),
            ("bytes=-3", Some(Some((7, 10)))),
            ("bytes=-30", Some(Some((0, 10)))),
            ("bytes=9-99", Some(Some((9, 10)))),
            ("bytes=10-", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=3-1", None),
            ("bytes=0-1,3-4", None),
            ("bytes=a-b", None),
            ("lines=0-3", None),
            (
                "bytes=18446744073709551615-18446744073709551615",
                Some(None),
            ),
        ] {
            assert_eq!(of(text), want, "{text}");
        }
    }
}
