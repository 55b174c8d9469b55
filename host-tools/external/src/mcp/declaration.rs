//! What a tool file says of an MCP server.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};

use super::super::auth::{AuthDeclaration, check_header};
use super::super::document::Fields;
use super::super::error::OutsideError;
use super::super::host::OutsideHost;
use super::super::process::{PROCESS_FIELDS, Process, ProcessDeclaration};
use super::super::secrets::Vault;

/// The longest message of a server, by default and at most.
const MESSAGE_MAX_BYTES: u64 = 16 << 20;
const START_TIMEOUT_MS: u64 = 30_000;
const CALL_TIMEOUT_MS: u64 = 60_000;
const TIMEOUT_MAX_MS: u64 = 3_600_000;
/// Headers that belong to the protocol.
const RESERVED_HEADERS: &[&str] = &[
    "accept",
    "content-type",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
];

#[derive(Debug, Clone)]
enum Peer {
    Process(ProcessDeclaration),
    Endpoint {
        url: String,
        headers: Vec<(String, String)>,
        auth: Option<AuthDeclaration>,
    },
}

/// A server as a tool file declares it.
#[derive(Debug, Clone)]
pub(in super::super) struct ServerDeclaration {
    pub(in super::super) name: String,
    place: String,
    peer: Peer,
    prefix: String,
    allow: Option<Vec<String>>,
    deny: Vec<String>,
    start_timeout: Duration,
    timeout: Duration,
    message_max_bytes: usize,
}

/// A server with its secrets.
#[derive(Clone)]
pub(in super::super) struct ServerPlan {
    pub(in super::super) name: String,
    pub(super) place: String,
    pub(super) address: Address,
    pub(super) prefix: String,
    pub(super) allow: Option<Vec<String>>,
    pub(super) deny: Vec<String>,
    pub(super) start_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) message_max_bytes: usize,
}

/// Where a server is.
#[derive(Clone)]
pub(super) enum Address {
    /// A process that speaks on its standard streams.
    Process(Process),
    /// An endpoint of streamable HTTP.
    Endpoint {
        url: String,
        headers: HashMap<HeaderName, HeaderValue>,
    },
}

impl ServerDeclaration {
    pub(in super::super) fn parse(fields: &Fields<'_>) -> Result<Self, OutsideError> {
        const COMMON: &[&str] = &[
            "name",
            "prefix",
            "allow",
            "deny",
            "start_timeout_ms",
            "timeout_ms",
            "output_max_bytes",
        ];
        const ENDPOINT: &[&str] = &["url", "headers", "auth"];
        let peer = match (fields.has("argv"), fields.has("url")) {
            (true, false) => {
                fields.expect(&[COMMON, PROCESS_FIELDS].concat())?;
                Peer::Process(ProcessDeclaration::parse(fields)?)
            }
            (false, true) => {
                fields.expect(&[COMMON, ENDPOINT].concat())?;
                endpoint(fields)?
            }
            (true, true) => {
                return Err(fields.refusal("fields `argv` and `url` exclude each other"));
            }
            (false, false) => {
                fields.expect(&[COMMON, PROCESS_FIELDS, ENDPOINT].concat())?;
                return Err(fields.refusal(
                    "field `argv` (a server to start) or `url` (a server to connect to) is missing",
                ));
            }
        };
        let name = fields.require("name", "what the server is called here")?;
        let milliseconds = |key, default| {
            fields
                .number(key, default, TIMEOUT_MAX_MS)
                .map(Duration::from_millis)
        };
        let bytes = fields.number("output_max_bytes", MESSAGE_MAX_BYTES, MESSAGE_MAX_BYTES)?;
        Ok(Self {
            prefix: fields
                .text("prefix")?
                .map_or_else(|| format!("{name}_"), str::to_owned),
            name: name.to_owned(),
            place: fields.place.clone(),
            peer,
            allow: fields.texts("allow")?,
            deny: fields.texts("deny")?.unwrap_or_default(),
            start_timeout: milliseconds("start_timeout_ms", START_TIMEOUT_MS)?,
            timeout: milliseconds("timeout_ms", CALL_TIMEOUT_MS)?,
            message_max_bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        })
    }

    pub(in super::super) fn resolve(
        self,
        host: &OutsideHost,
        vault: &mut Vault<'_>,
    ) -> Result<ServerPlan, OutsideError> {
        let address = match &self.peer {
            Peer::Process(process) => Address::Process(process.resolve(host, vault)?),
            Peer::Endpoint { url, headers, auth } => {
                let mut all = headers.clone();
                if let Some(auth) = auth {
                    all.extend(auth.resolve(vault)?.header);
                }
                Address::Endpoint {
                    url: url.clone(),
                    headers: header_map(&self.place, all)?,
                }
            }
        };
        Ok(ServerPlan {
            name: self.name,
            place: self.place,
            address,
            prefix: self.prefix,
            allow: self.allow,
            deny: self.deny,
            start_timeout: self.start_timeout,
            timeout: self.timeout,
            message_max_bytes: self.message_max_bytes,
        })
    }
}

fn endpoint(fields: &Fields<'_>) -> Result<Peer, OutsideError> {
    let text = fields.require("url", "where the server is")?;
    let url =
        url::Url::parse(text).map_err(|error| fields.refusal(format!("field `url`: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(fields.refusal("field `url` must begin with `https://` or `http://`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fields.refusal("field `url` holds no credentials; use `auth`"));
    }
    let headers = fields.pairs("headers")?;
    let auth = AuthDeclaration::parse(fields)?;
    if auth.as_ref().is_some_and(AuthDeclaration::is_query) {
        return Err(fields.refusal("field `auth`: a server takes no secret in its URL"));
    }
    let secret = auth.as_ref().and_then(AuthDeclaration::header);
    for name in headers.iter().map(|(name, _)| name.as_str()).chain(secret) {
        check_header(name).map_err(|reason| fields.refusal(reason))?;
        if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(fields.refusal(format!("the header `{name}` belongs to the protocol")));
        }
    }
    if let Some(secret) = secret
        && headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(secret))
    {
        return Err(fields.refusal(format!("the header `{secret}` is set by `auth`")));
    }
    Ok(Peer::Endpoint {
        url: url.to_string(),
        headers,
        auth,
    })
}

fn header_map(
    place: &str,
    headers: Vec<(String, String)>,
) -> Result<HashMap<HeaderName, HeaderValue>, OutsideError> {
    headers
        .into_iter()
        .map(|(name, value)| {
            let header = HeaderName::from_bytes(name.as_bytes()).ok();
            let value = HeaderValue::from_str(&value).ok().map(|mut value| {
                value.set_sensitive(true);
                value
            });
            header.zip(value).ok_or_else(|| OutsideError::Declaration {
                place: place.to_owned(),
                reason: format!("the header `{name}` takes only visible ASCII"),
            })
        })
        .collect()
}
