//! Calls about files.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request, State};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::connect::{Code, ConnectError, unary_request};
use super::super::state::E2b;
use super::access::Access;
use super::entries::Entry;
use crate::error::ErrorKind;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Path {
    path: String,
    depth: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Move {
    source: String,
    destination: String,
}

#[derive(Debug, Serialize)]
pub(super) struct One {
    entry: Entry,
}

#[derive(Debug, Serialize)]
pub(super) struct Many {
    entries: Vec<Entry>,
}

/// What a call brings, and who makes it.
pub(super) struct Asked<T> {
    pub(super) access: Access,
    pub(super) message: T,
}

/// Who calls is looked at first: a stranger's message is not read.
pub(super) async fn asked<T: DeserializeOwned>(
    state: &E2b,
    request: Request<Body>,
) -> Result<Asked<T>, ConnectError> {
    let (access, request) = admitted(state, request).await?;
    let call = unary_request(request).await?;
    Ok(Asked {
        access,
        message: call.message,
    })
}

/// The caller of a request.
pub(super) async fn admitted(
    state: &E2b,
    request: Request<Body>,
) -> Result<(Access, Request<Body>), ConnectError> {
    let (mut parts, body) = request.into_parts();
    let access = Access::from_request_parts(&mut parts, state).await?;
    Ok((access, Request::from_parts(parts, body)))
}

pub(super) async fn stat(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<One>, ConnectError> {
    let asked: Asked<Path> = asked(&state, request).await?;
    let Access { who, id } = asked.access;
    let entry = state.service.stat(&who, &id, &asked.message.path).await?;
    Ok(Json(One {
        entry: entry.into(),
    }))
}

pub(super) async fn make_dir(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<One>, ConnectError> {
    let asked: Asked<Path> = asked(&state, request).await?;
    let Access { who, id } = asked.access;
    let path = &asked.message.path;
    if !state.service.make_folder(&who, &id, path).await? {
        let message = format!("there is a folder already: {path}");
        return Err(ConnectError::new(Code::AlreadyExists, message));
    }
    state.watchers.touched(id);
    let entry = state.service.stat(&who, &id, path).await?;
    Ok(Json(One {
        entry: entry.into(),
    }))
}

pub(super) async fn move_entry(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<One>, ConnectError> {
    let asked: Asked<Move> = asked(&state, request).await?;
    let Access { who, id } = asked.access;
    let Move {
        source,
        destination,
    } = &asked.message;
    let moved = state.service.move_file(&who, &id, source, destination);
    let entry = moved.await?;
    state.watchers.touched(id);
    Ok(Json(One {
        entry: entry.into(),
    }))
}

pub(super) async fn list_dir(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<Many>, ConnectError> {
    let asked: Asked<Path> = asked(&state, request).await?;
    let Access { who, id } = asked.access;
    let Path { path, depth } = &asked.message;
    let found = state.service.list_folder(&who, &id, path, (*depth).max(1));
    let entries = found.await?.into_iter().map(Entry::from).collect();
    Ok(Json(Many { entries }))
}

/// Removing what is not there is no error, as elsewhere with this protocol.
pub(super) async fn remove(
    State(state): State<E2b>,
    request: Request,
) -> Result<Json<Value>, ConnectError> {
    let asked: Asked<Path> = asked(&state, request).await?;
    let Access { who, id } = asked.access;
    match state
        .service
        .remove_file(&who, &id, &asked.message.path)
        .await
    {
        Ok(()) => state.watchers.touched(id),
        Err(error) if error.kind == ErrorKind::NotFound && error.code == "no-such-file" => {}
        Err(error) => return Err(error.into()),
    }
    Ok(Json(json!({})))
}
