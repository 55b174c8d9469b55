//! The way to the hosts of one service, and to no other.

use crate::failure::usage;
use anyhow::Result;
use memex_connectors::{Fetch, FetchError, FetchRequest, Fetched, GITHUB_API, GOOGLE_API};
use memex_external::egress::{Egress, EgressRules, HttpLimits, HttpRequest, Secret};
use memex_policies::HostGrant;
use std::net::IpAddr;
use tokio::runtime::Handle;

/// What an answer may be long; repositories come in one archive.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// How long an answer may take.
const ANSWER_TIME_MS: u64 = 600_000;
/// Requests of one import.
const REQUESTS_MAX: u64 = 20_000;

/// A service that imports can ask.
pub(super) struct Service {
    name: &'static str,
    api: &'static str,
    /// Where its API sends requests on to. No token goes there.
    others: &'static [&'static str],
    token_variable: &'static str,
    /// What to do where a token is needed and none is there.
    needs_token: Option<&'static str>,
}

impl Service {
    pub(super) const GITHUB: Self = Self {
        name: "GitHub",
        api: GITHUB_API,
        others: &["codeload.github.com"],
        token_variable: "GITHUB_TOKEN",
        needs_token: None,
    };
    pub(super) const GOOGLE: Self = Self {
        name: "Google",
        api: GOOGLE_API,
        others: &[],
        token_variable: "GOOGLE_TOKEN",
        needs_token: Some("set it to an OAuth access token that may read Drive"),
    };
}

/// Requests to one service, through the egress broker.
pub(super) struct Network {
    egress: Egress,
    runtime: Handle,
    api: String,
    token: Option<String>,
}

impl Network {
    /// A way to the service, at its usual place or at `api`.
    pub(super) fn new(service: &Service, api: Option<&str>, runtime: Handle) -> Result<Self> {
        let token = token(service)?;
        let api_url = api.unwrap_or(service.api);
        let place = Place::parse(api_url).ok_or_else(|| {
            usage(
                format!("{api_url:?} is no address of an API"),
                format!("write it as {}", service.api),
            )
        })?;
        let mut grants = vec![HostGrant {
            ports: vec![place.port],
            // Only where the caller names the host may it be one of their own.
            private_addresses: api.is_some(),
            ..HostGrant::new(&place.host)
        }];
        match api {
            None => grants.extend(service.others.iter().map(|host| HostGrant::new(*host))),
            Some(_) => grants.push(HostGrant {
                private_addresses: true,
                ..HostGrant::new(format!("codeload.{}", place.host))
            }),
        }
        let limits = HttpLimits {
            response_body_max_bytes: ANSWER_BYTES_MAX,
            total_timeout_ms: ANSWER_TIME_MS,
            requests_per_session_max: REQUESTS_MAX,
            ..HttpLimits::default()
        };
        let mut builder = Egress::builder(EgressRules::new(grants)).limits(limits);
        if let Some(token) = &token {
            builder = builder.secret(place.secret(service, token)?);
        }
        let egress = builder.build().map_err(|error| {
            let variable = service.token_variable;
            usage(error.to_string(), format!("look at {variable} and --api"))
        })?;
        Ok(Self {
            egress,
            runtime,
            api: api_url.to_owned(),
            token,
        })
    }

    /// What must stand in no file: the broker takes it out of answers as they
    /// are sent, and cannot look into archives and base64.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Where the API is.
    pub(super) fn api(&self) -> &str {
        &self.api
    }
}

impl Fetch for Network {
    fn get(&self, request: &FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let mut asked = HttpRequest::new("GET", request.url);
        asked.headers = vec![
            ("accept".to_owned(), request.accept.to_owned()),
            ("user-agent".to_owned(), "memex".to_owned()),
        ];
        let answered = self.runtime.block_on(self.egress.request("import", asked));
        let response = answered.map_err(|error| FetchError(error.to_string()))?;
        if response.body.len() as u64 > request.bytes_max {
            let what = format!("the answer is longer than {} bytes", request.bytes_max);
            return Err(FetchError(what));
        }
        Ok(Fetched {
            status: response.status,
            body: response.body,
        })
    }
}

fn token(service: &Service) -> Result<Option<String>> {
    let variable = service.token_variable;
    let token = std::env::var(variable).unwrap_or_default();
    let token = token.trim();
    match (token.is_empty(), service.needs_token) {
        (false, _) => Ok(Some(token.to_owned())),
        (true, None) => Ok(None),
        (true, Some(remedy)) => Err(usage(
            format!("the environment variable {variable} holds no token"),
            remedy,
        )),
    }
}

/// Where an API listens.
struct Place {
    host: String,
    port: u16,
    is_plain: bool,
}

impl Place {
    /// Out of `http[s]://HOST[:PORT][/PATH]`.
    fn parse(url: &str) -> Option<Self> {
        let (is_plain, rest) = match url.strip_prefix("https://") {
            Some(rest) => (false, rest),
            None => (true, url.strip_prefix("http://")?),
        };
        if rest.contains(['@', '?', '#', '\\']) || rest.contains(char::is_whitespace) {
            return None;
        }
        let authority = rest.split('/').next()?;
        let usual = if is_plain { 80 } else { 443 };
        // The last colon of `[::1]` is none of a port.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty() && port != 0).then(|| Self {
            host: host.to_ascii_lowercase(),
            port,
            is_plain,
        })
    }

    /// The token as this place's secret.
    fn secret(&self, service: &Service, token: &str) -> Result<Secret> {
        let value = format!("Bearer {token}");
        let secret = Secret::header(&self.host, "authorization", value).ports([self.port]);
        match (self.is_plain, self.is_this_machine()) {
            (false, _) => Ok(secret),
            (true, true) => Ok(secret.over_plain_http()),
            (true, false) => Err(usage(
                format!(
                    "the token for {} would go to {} in the clear",
                    service.name, self.host
                ),
                format!("write https://, or unset {}", service.token_variable),
            )),
        }
    }

    fn is_this_machine(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}
