//! HTTP tools: a request for each call, made from its arguments.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use url::Url;

use super::answers;
use super::auth::{Auth, AuthDeclaration, check_header};
use super::body::{Body, templates};
use super::client::{HttpClient, HttpError, HttpRequest, HttpResponse};
use super::document::{Fields, list};
use super::error::OutsideError;
use super::secrets::Vault;
use super::template::{Template, check_parameters, scalar};
use super::trees::{Held, Trees, tree_max};
use super::url_template::UrlTemplate;
use crate::egress::cuts_answers;
use memex_host_tools::{Answer, PART_KEY, ToolError};
use memex_policies::nearest;

/// The fields of a declaration that say what to request.
pub(super) const ENDPOINT_FIELDS: &[&str] = &[
    "method", "url", "query", "headers", "body", "auth", "response", "pointer",
];

/// How many redirects within one server are followed.
pub const REDIRECTS_MAX: usize = 5;

const METHODS: &[&str] = &["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"];
const RESPONSES: &[&str] = &["bytes", "json", "text"];

/// What to request, and what of the response is the answer.
#[derive(Debug, Clone)]
pub(super) struct EndpointDeclaration {
    method: String,
    url: UrlTemplate,
    query: Vec<(String, Template)>,
    headers: Vec<(String, Template)>,
    body: Body,
    auth: Option<AuthDeclaration>,
    response: String,
    pointer: Option<String>,
    /// The parameters that URL, query and headers use.
    used: Vec<String>,
}

impl EndpointDeclaration {
    /// Reads the declaration of a tool with these `parameters`; without, of the
    /// endpoint of many tools.
    pub(super) fn parse(
        fields: &Fields<'_>,
        parameters: Option<&Value>,
    ) -> Result<Self, OutsideError> {
        let default = if parameters.is_some() { "GET" } else { "POST" };
        let method = choice(fields, "method", METHODS, default)?;
        let wrap = |key: &str, reason: String| fields.refusal(format!("field `{key}`: {reason}"));
        let url = fields.require("url", "where the tool is, such as https://example.com/{id}")?;
        let url = UrlTemplate::parse(url).map_err(|reason| wrap("url", reason))?;
        let query = templates(fields.pairs("query")?).map_err(|reason| wrap("query", reason))?;
        let headers =
            templates(fields.pairs("headers")?).map_err(|reason| wrap("headers", reason))?;
        let auth = AuthDeclaration::parse(fields)?;
        for (name, template) in &headers {
            check_header(name).map_err(|reason| wrap("headers", reason))?;
            let is_cutting = cuts_answers(name) || name.eq_ignore_ascii_case("accept-encoding");
            if auth.is_some() && is_cutting && template.parameters().next().is_some() {
                return Err(wrap(
                    "headers",
                    format!(
                        "a call may not choose `{name}` where `auth` sends a secret: a part of an answer could hold a part of it; write a fixed value"
                    ),
                ));
            }
            let taken = auth.as_ref().and_then(AuthDeclaration::header);
            if taken.is_some_and(|taken| taken.eq_ignore_ascii_case(name)) {
                return Err(wrap("headers", format!("`{name}` is set by `auth`")));
            }
        }
        let field = auth.as_ref().and_then(AuthDeclaration::query_field);
        if let Some((name, _)) = query.iter().find(|(name, _)| Some(name.as_str()) == field) {
            return Err(wrap("query", format!("`{name}` is set by `auth`")));
        }
        let response = choice(fields, "response", RESPONSES, "json")?;
        let pointer = fields.text("pointer")?.map(str::to_owned);
        if let Some(pointer) = &pointer {
            if response != "json" {
                return Err(fields.refusal("field `pointer` needs `response = \"json\"`"));
            }
            if !pointer.is_empty() && !pointer.starts_with('/') {
                return Err(wrap("pointer", "must begin with `/`".to_owned()));
            }
        }
        let body = Body::parse(fields, method)?;
        let in_address = url.path_parameters().chain(url.query_parameters());
        let in_head = query.iter().chain(&headers);
        let used = in_address
            .chain(in_head.flat_map(|(_, template)| template.parameters()))
            .map(str::to_owned)
            .collect();
        let declaration = Self {
            method: method.to_owned(),
            url,
            query,
            headers,
            body,
            auth,
            response: response.to_owned(),
            pointer,
            used,
        };
        declaration
            .check(parameters.unwrap_or(&json!({})), parameters.is_some())
            .map_err(|reason| fields.refusal(reason))?;
        Ok(declaration)
    }

    /// Checks that parameters and request fit each other.
    fn check(&self, schema: &Value, every: bool) -> Result<(), String> {
        let of_body = self.body.parameters();
        let used = self.used.iter().map(String::as_str);
        check_parameters(used.chain(of_body.iter().copied()), schema)?;
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let mut in_address = self
            .url
            .path_parameters()
            .chain(self.url.query_parameters());
        if let Some(name) = in_address.find(|name| !required.contains(name)) {
            return Err(format!(
                "`{{{name}}}` stands in the URL, so the schema must require it; optional parameters go into `query`"
            ));
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let unused = properties
            .into_iter()
            .flat_map(Map::keys)
            .find(|name| !self.used.contains(name) && !of_body.contains(&name.as_str()));
        match unused {
            Some(name) if every && !matches!(self.body, Body::Rest) => Err(format!(
                "the parameter `{name}` is not used by the request; put `{{{name}}}` into `url`, `query`, `headers` or `body`"
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn resolve(
        self,
        client: Arc<dyn HttpClient>,
        output_max_bytes: u64,
        vault: &mut Vault<'_>,
    ) -> Result<Endpoint, OutsideError> {
        let auth = match &self.auth {
            Some(auth) => auth.resolve(vault)?,
            None => Auth::default(),
        };
        Ok(Endpoint {
            declaration: Arc::new(self),
            client,
            auth,
            output_max_bytes,
        })
    }
}

fn choice<'f>(
    fields: &Fields<'f>,
    key: &str,
    all: &[&str],
    default: &'f str,
) -> Result<&'f str, OutsideError> {
    let word = fields.text(key)?.unwrap_or(default);
    if all.contains(&word) {
        return Ok(word);
    }
    let hint =
        nearest(word, all).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(fields.refusal(format!("field `{key}` must be one of {}{hint}", list(all))))
}

/// Sends a request for each call.
#[derive(Clone)]
pub(super) struct Endpoint {
    declaration: Arc<EndpointDeclaration>,
    client: Arc<dyn HttpClient>,
    auth: Auth,
    output_max_bytes: u64,
}

impl Endpoint {
    pub(super) async fn call(
        self,
        tool: &str,
        arguments: Map<String, Value>,
        trees: &Trees,
    ) -> Result<Held, ToolError> {
        let mut request = self.request(tool, &arguments)?;
        let origin = request.url.origin();
        for _ in 0..=REDIRECTS_MAX {
            let response = self
                .client
                .send(request.clone())
                .await
                .map_err(|error| failure(tool, error))?;
            let Some(target) = redirect(&request.url, &response) else {
                return self.answer(tool, response, trees).await;
            };
            // Elsewhere, neither the secrets nor the owner's words would apply.
            if target.origin() != origin {
                return Err(ToolError::new(
                    "RuntimeError",
                    format!("{tool}: the server redirects to another host, which is not followed"),
                )
                .with_detail(target.to_string()));
            }
            if matches!(response.status, 301..=303) && request.method != "HEAD" {
                request.method = "GET".to_owned();
                request.body = None;
                request
                    .headers
                    .retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            }
            request.url = target;
            self.authorise(&mut request.url);
        }
        Err(ToolError::new(
            "RuntimeError",
            format!("{tool}: the server redirects more than {REDIRECTS_MAX} times"),
        ))
    }

    fn request(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
    ) -> Result<HttpRequest, ToolError> {
        let declaration = &self.declaration;
        let mut url = declaration.url.render(tool, arguments)?;
        for (name, template) in &declaration.query {
            let items = template
                .alone()
                .and_then(|parameter| arguments.get(parameter)?.as_array());
            if let Some(items) = items {
                for item in items {
                    let text = scalar(tool, name, item)?;
                    url.query_pairs_mut().append_pair(name, &text);
                }
            } else if let Some(text) = template.render(tool, arguments)? {
                url.query_pairs_mut().append_pair(name, &text);
            }
        }
        self.authorise(&mut url);
        let mut headers = Vec::new();
        for (name, template) in &declaration.headers {
            let Some(text) = template.render(tool, arguments)? else {
                continue;
            };
            if text.chars().any(|c| c.is_control() && c != '\t') {
                let names: Vec<_> = template.parameters().collect();
                return Err(ToolError::new(
                    "ValueError",
                    format!(
                        "{tool}: {}: must not contain control characters",
                        names.join(", ")
                    ),
                ));
            }
            headers.push((name.clone(), text));
        }
        headers.extend(self.auth.header.clone());
        let body = declaration
            .body
            .render(tool, arguments, &declaration.used)?
            .map(|(kind, body)| {
                let set = headers
                    .iter()
                    .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                if !set {
                    headers.push(("Content-Type".to_owned(), kind.to_owned()));
                }
                body
            });
        Ok(HttpRequest {
            method: declaration.method.clone(),
            url,
            headers,
            body,
            response_max_bytes: self.output_max_bytes,
        })
    }

    fn authorise(&self, url: &mut Url) {
        if let Some((name, value)) = &self.auth.query {
            let present = url.query_pairs().any(|(key, _)| key == name.as_str());
            if !present {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
    }

    async fn answer(
        &self,
        tool: &str,
        response: HttpResponse,
        trees: &Trees,
    ) -> Result<Held, ToolError> {
        let HttpResponse { status, body, .. } = response;
        if !(200..300).contains(&status) {
            let text = String::from_utf8_lossy(&body);
            let text = text.trim();
            let separator = if text.is_empty() { "" } else { ": " };
            return Err(ToolError::new(
                "RuntimeError",
                format!("{tool}: HTTP status {status}{separator}{text}"),
            ));
        }
        match self.declaration.response.as_str() {
            "bytes" => Ok(Held::from(Answer {
                json: json!({PART_KEY: 0}),
                parts: vec![body],
            })),
            "text" => Ok(Held::from(Answer::json(Value::String(
                String::from_utf8_lossy(&body).into_owned(),
            )))),
            _ => {
                let taken = answers::check(tool, &body, tree_max(self.output_max_bytes))?;
                let room = trees.room(taken).await;
                let mut value = answers::parse(tool, &body)?;
                let found = match &self.declaration.pointer {
                    None => Some(&mut value),
                    Some(pointer) => value.pointer_mut(pointer),
                };
                match found {
                    Some(found) => Ok(Held {
                        answer: Answer::json(found.take()),
                        room,
                    }),
                    None => {
                        let pointer = self.declaration.pointer.as_deref().unwrap_or_default();
                        Err(ToolError::new(
                            "RuntimeError",
                            format!("{tool}: the answer has nothing at `{pointer}`"),
                        ))
                    }
                }
            }
        }
    }
}

/// Where a response points at, if it is a redirect.
fn redirect(from: &Url, response: &HttpResponse) -> Option<Url> {
    match response.status {
        301 | 302 | 303 | 307 | 308 => from.join(response.location.as_deref()?).ok(),
        _ => None,
    }
}

fn failure(tool: &str, error: HttpError) -> ToolError {
    let class = match error {
        HttpError::Connection { .. } => "ConnectionError",
        HttpError::Request { .. } => "ValueError",
        HttpError::TooLong { .. } | HttpError::Encoded => "RuntimeError",
    };
    let built = ToolError::new(class, format!("{tool}: {error}"));
    match error {
        HttpError::Connection { detail } => built.with_detail(detail),
        _ => built,
    }
}
