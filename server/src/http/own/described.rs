//! The description of the API, with what holds for every route.

use std::sync::OnceLock;

use serde_json::{Value, json};
use utoipa::OpenApi as _;

use super::routes::Description;

/// What the identifiers of sandboxes, snapshots and runs look like.
const ID_PATTERN: &str = "^[a-z2-7]{20}$";

/// The description, as programs read it.
pub(crate) fn described() -> &'static Value {
    static DESCRIBED: OnceLock<Value> = OnceLock::new();
    DESCRIBED.get_or_init(|| {
        let mut api = serde_json::to_value(Description::openapi()).unwrap_or_default();
        let schemas = api.pointer("/components/schemas").cloned();
        let schemas = schemas.unwrap_or_default();
        let paths = api.get_mut("paths").and_then(Value::as_object_mut);
        let items = paths.into_iter().flat_map(|paths| paths.values_mut());
        for operations in items.filter_map(Value::as_object_mut) {
            for operation in operations.values_mut() {
                complete(operation, &schemas);
            }
        }
        api
    })
}

fn complete(operation: &mut Value, schemas: &Value) {
    // Any request may lack a key, and meet a server that is about to stop or a quota.
    if let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    {
        for (status, what) in [
            ("4XX", "It was refused."),
            ("5XX", "It failed, or cannot be done now."),
        ] {
            responses.entry(status).or_insert_with(|| {
                json!({
                    "description": what,
                    "content": { "application/problem+json": {
                        "schema": { "$ref": "#/components/schemas/Problem" },
                    } },
                })
            });
        }
    }
    for parameter in operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let is_id = parameter.get("name") == Some(&json!("id"));
        if let Some(schema) = parameter.get_mut("schema").filter(|_| is_id)
            && let Some(schema) = schema.as_object_mut()
        {
            schema.insert("pattern".to_owned(), json!(ID_PATTERN));
        }
    }
    // A body that needs no field need not be there.
    let schema = operation
        .pointer("/requestBody/content/application~1json/schema/$ref")
        .and_then(Value::as_str)
        .and_then(|name| name.rsplit('/').next())
        .and_then(|name| schemas.get(name));
    let needs_none = schema.is_some_and(|schema| schema.get("required").is_none());
    if let Some(body) = operation.get_mut("requestBody").filter(|_| needs_none)
        && let Some(body) = body.as_object_mut()
    {
        body.insert("required".to_owned(), json!(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_says_that_it_may_be_refused_and_bodies_that_need_nothing_are_optional() {
        let api = described();
        let paths = api["paths"].as_object().unwrap();
        let operations = paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values());
        let mut found = 0;
        for operation in operations {
            for status in ["4XX", "5XX"] {
                assert!(operation["responses"][status].is_object(), "{operation}");
            }
            found += 1;
        }
        assert!(found > 30);
        let required = |path: &str| &api["paths"][path]["post"]["requestBody"]["required"];
        assert_eq!(required("/v1/sandboxes"), false);
        assert_eq!(required("/v1/sandboxes/{id}/fork"), false);
        assert_eq!(required("/v1/sandboxes/{id}/turns"), true);
        let id = &api["paths"]["/v1/sandboxes/{id}"]["get"]["parameters"][0];
        assert_eq!(id["schema"]["pattern"], ID_PATTERN);
    }
}
