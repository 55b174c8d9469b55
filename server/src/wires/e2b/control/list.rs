//! Lists of sandboxes.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use memex_trajectories::Timestamp;

use super::super::error::ApiError;
use super::super::state::E2b;
use super::request::Key;
use super::shapes::{Listed, template_of};
use crate::service::{ListFilter, StateName};
use crate::tenants::Principal;

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 100;
const NEXT: HeaderName = HeaderName::from_static("x-next-token");

/// The newer list: running and paused ones, in pages.
pub(super) async fn all(
    State(state): State<E2b>,
    Key(who): Key,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked = Asked::read(query.as_deref().unwrap_or_default())?;
    let states = match asked.states.is_empty() {
        true => vec![StateName::Running, StateName::Paused],
        false => asked.states.clone(),
    };
    listed(&state, &who, asked, states).await
}

/// The older list: running ones.
pub(super) async fn running(
    State(state): State<E2b>,
    Key(who): Key,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let asked = Asked::read(query.as_deref().unwrap_or_default())?;
    listed(&state, &who, asked, vec![StateName::Running]).await
}

async fn listed(
    state: &E2b,
    who: &Principal,
    asked: Asked,
    states: Vec<StateName>,
) -> Result<Response, ApiError> {
    let filter = ListFilter {
        states,
        metadata: asked.metadata,
        limit: asked.limit,
        after: asked.after,
    };
    let page = state.service.list(who, filter).await?;
    let is_wanted = |view: &&crate::sandbox::SandboxView| {
        asked
            .started_after_ms
            .is_none_or(|after_ms| view.created_ms >= after_ms)
            && asked
                .template
                .as_ref()
                .is_none_or(|template| template_of(view) == *template)
    };
    let items: Vec<_> = page
        .items
        .iter()
        .filter(is_wanted)
        .map(Listed::new)
        .collect();
    let mut response = Json(items).into_response();
    if let Some(next) = page.next.and_then(|next| HeaderValue::from_str(&next).ok()) {
        response.headers_mut().insert(NEXT, next);
    }
    Ok(response)
}

/// What a list's query says.
#[derive(Debug)]
struct Asked {
    states: Vec<StateName>,
    metadata: BTreeMap<String, String>,
    limit: usize,
    after: Option<String>,
    template: Option<String>,
    started_after_ms: Option<u64>,
}

impl Asked {
    fn read(query: &str) -> Result<Self, ApiError> {
        let mut asked = Self {
            states: Vec::new(),
            metadata: BTreeMap::new(),
            limit: LIMIT_DEFAULT,
            after: None,
            template: None,
            started_after_ms: None,
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "state" => {
                    for state in value.split(',') {
                        asked.states.push(state_of(state)?);
                    }
                }
                // A query of its own, whose names and values are quoted once more.
                "metadata" => asked.metadata.extend(
                    url::form_urlencoded::parse(value.as_bytes())
                        .map(|(name, value)| (unquoted(&name), unquoted(&value))),
                ),
                "limit" => {
                    let limit = value.parse::<usize>().ok().filter(|limit| *limit >= 1);
                    let limit =
                        limit.ok_or_else(|| ApiError::invalid("limit is no number from 1"))?;
                    asked.limit = limit.min(LIMIT_MAX);
                }
                "nextToken" => asked.after = Some(value.into_owned()).filter(|it| !it.is_empty()),
                "template" => asked.template = Some(value.into_owned()),
                "startedAfter" => {
                    let time = Timestamp::parse(&value);
                    let time = time.ok_or_else(|| ApiError::invalid("startedAfter is no time"))?;
                    asked.started_after_ms = Some(time.unix_ms());
                }
                "order" if value == "desc" => {}
                "order" => {
                    return Err(ApiError::invalid(
                        "lists begin with the newest\nhint: leave out order, or sort the items",
                    ));
                }
                _ => {}
            }
        }
        Ok(asked)
    }
}

/// Takes percent escapes back; a plus sign stays one.
fn unquoted(text: &str) -> String {
    let escaped = text
        .replace('+', "%2B")
        .replace('=', "%3D")
        .replace('&', "%26");
    let mut pairs = url::form_urlencoded::parse(escaped.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(name, _)| name.into_owned())
}

fn state_of(name: &str) -> Result<StateName, ApiError> {
    match name {
        "running" => Ok(StateName::Running),
        "paused" => Ok(StateName::Paused),
        _ => Err(ApiError::invalid("state is running or paused")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_the_clients_write_them() {
        let asked = Asked::read(
            "metadata=user%3Dann%252526b%252Bc%26note%3Da%2520b&state=running%2Cpaused&state=paused&limit=500&nextToken=",
        )
        .unwrap();
        let metadata = [("note", "a b"), ("user", "ann&b+c")];
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(asked.metadata, BTreeMap::from(metadata));
        assert_eq!(asked.states.len(), 3);
        assert_eq!((asked.limit, asked.after), (LIMIT_MAX, None));
        for wrong in [
            "state=gone",
            "limit=0",
            "limit=x",
            "order=asc",
            "startedAfter=x",
        ] {
            assert_eq!(Asked::read(wrong).unwrap_err().status, 400, "{wrong}");
        }
    }
}
