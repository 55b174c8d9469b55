//! Making sandboxes.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use super::super::body::Json;
use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::request::Key;
use super::shapes::Sandbox;
use crate::error::ServiceError;
use crate::names::Id;
use crate::sandbox::{Create, Origin};
use crate::wires::reserved;

/// Images whose promise, a Python to run code with, the tenant's image keeps.
const OWN_IMAGES: [&str; 3] = ["code-interpreter", "python", "memex"];

/// What a client asks for. Limits of resources are upper bounds, and the sandbox's
/// are lower; entry points start daemons that are not needed; a network policy can
/// permit no more than there is, which is nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NewSandbox {
    image: Option<Image>,
    snapshot_id: Option<String>,
    template_id: Option<String>,
    timeout: Option<u64>,
    env: Option<BTreeMap<String, Option<String>>>,
    metadata: Option<BTreeMap<String, String>>,
    volumes: Option<Vec<Value>>,
    lifecycle: Option<Value>,
    credential_proxy: Option<CredentialProxy>,
}

#[derive(Debug, Deserialize)]
struct Image {
    uri: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CredentialProxy {
    enabled: bool,
}

pub(super) async fn create(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    Json(asked): Json<NewSandbox>,
) -> Result<Response, ApiError> {
    refuse(&asked)?;
    let (origin, template) = origin_of(&asked)?;
    let variables = asked.env.unwrap_or_default().into_iter();
    let is_from_image = !matches!(origin, Origin::Snapshot(_));
    let request = Create {
        origin,
        environment: variables
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        metadata: reserved::with(
            asked.metadata.unwrap_or_default(),
            [(reserved::TEMPLATE, template)],
        )?,
        lifetime: asked.timeout.map(Duration::from_secs),
        ..Create::default()
    };
    let view = state.service.create(&who, request).await?;
    if is_from_image {
        state.executions.fresh(view.id);
    }
    Ok((StatusCode::ACCEPTED, Answer(Sandbox::from(&view))).into_response())
}

pub(super) fn refuse(asked: &NewSandbox) -> Result<(), ApiError> {
    let is_there = |value: &Option<Value>| match value {
        None | Some(Value::Null) => false,
        Some(Value::Object(fields)) => fields.values().any(|value| !value.is_null()),
        Some(_) => true,
    };
    for (name, is_asked) in [
        (
            "volumes",
            asked.volumes.as_ref().is_some_and(|all| !all.is_empty()),
        ),
        ("lifecycle", is_there(&asked.lifecycle)),
        (
            "credentialProxy",
            asked.credential_proxy.as_ref().is_some_and(|it| it.enabled),
        ),
    ] {
        if is_asked {
            let message = format!("{name} is not supported\nhint: make the sandbox without it");
            return Err(ApiError::invalid(message));
        }
    }
    Ok(())
}

/// What it starts from, and what the client called that.
pub(super) fn origin_of(asked: &NewSandbox) -> Result<(Origin, String), ApiError> {
    if let Some(name) = asked
        .snapshot_id
        .as_deref()
        .or(asked.template_id.as_deref())
    {
        let id = Id::parse(name).ok_or_else(|| ServiceError::not_found("snapshot", name))?;
        return Ok((Origin::Snapshot(id), name.to_owned()));
    }
    let Some(image) = &asked.image else {
        return Err(ApiError::invalid(
            "the request names no image and no snapshot\nhint: image {\"uri\": \"memex\"}",
        ));
    };
    let origin = match OWN_IMAGES.contains(&repository_of(&image.uri)) {
        true => Origin::Default,
        false => Origin::Image(image.uri.clone()),
    };
    Ok((origin, image.uri.clone()))
}

/// The last part of an image's name, without tag and digest.
fn repository_of(uri: &str) -> &str {
    let name = uri.rsplit('/').next().unwrap_or(uri);
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    name.split_once(':').map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_with_a_python_are_the_tenants() {
        for (uri, expected) in [
            ("opensandbox/code-interpreter:v1.1.0", true),
            (
                "registry.test:5000/opensandbox/code-interpreter@sha256:00",
                true,
            ),
            ("python:3.13-slim", true),
            ("memex", true),
            ("ubuntu:22.04", false),
            ("python/other", false),
        ] {
            let asked = NewSandbox {
                image: Some(Image {
                    uri: uri.to_owned(),
                }),
                ..NewSandbox::default()
            };
            let (origin, template) = origin_of(&asked).unwrap();
            assert_eq!(origin == Origin::Default, expected, "{uri}");
            assert_eq!(template, uri);
        }
        assert!(origin_of(&NewSandbox::default()).is_err());
    }
}
