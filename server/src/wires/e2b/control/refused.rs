//! Calls of families that this server does not have: each is told so in the shape of
//! an error that clients know.

use axum::http::{StatusCode, Uri};

use super::super::error::ApiError;
use super::request::Key;

/// Families of calls, and what there is instead.
const FAMILIES: [(&str, &str); 5] = [
    (
        "/secrets",
        "secrets stay with the operator, who grants them to tools",
    ),
    ("/volumes", "files are in the sandbox; copy them in and out"),
    (
        "/volumecontent",
        "files are in the sandbox; copy them in and out",
    ),
    (
        "/templates",
        "templates are images of the operator and snapshots of sandboxes",
    ),
    ("/teams", "tenants and keys are the operator's"),
];

pub(super) async fn template(Key(_who): Key, uri: Uri) -> ApiError {
    refusal(uri.path())
}

pub(super) async fn other(Key(_who): Key, uri: Uri) -> ApiError {
    refusal(uri.path())
}

fn refusal(path: &str) -> ApiError {
    let plain = ["/v1", "/v2", "/v3"]
        .iter()
        .find_map(|version| path.strip_prefix(version))
        .unwrap_or(path);
    let family = FAMILIES
        .iter()
        .find(|(prefix, _)| plain.starts_with(prefix));
    match family {
        Some((prefix, instead)) => ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            format!("calls of {prefix} are not supported\nhint: {instead}"),
        ),
        None => ApiError::new(
            StatusCode::NOT_FOUND,
            "there is no such call\nhint: docs/serve-e2b.md lists those that there are",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_that_is_not_there_is_told() {
        for path in ["/volumes", "/secrets/x", "/v3/templates", "/templates/x"] {
            assert_eq!(refusal(path).status, 501, "{path}");
        }
        assert_eq!(refusal("/v2/nothing").status, 404);
    }
}
