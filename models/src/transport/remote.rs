//! A model behind HTTP.

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use url::Url;

use super::Transport;
use super::attempt::send;
use super::outgoing::Outgoing;
use super::retry::{Attempt, with_retries};
use crate::estimate::{estimate_request, with_usage};
use crate::protocols::WireOptions;
use crate::{ApiKey, DeltaSink, Model, ModelError, Protocol, Reply, Request, TimeoutPhase};

/// The header that names a request's conversation, if labels are sent.
pub const CONVERSATION_HEADER: &str = "x-memex-conversation";
/// The header that names a request's agent, if labels are sent.
pub const AGENT_HEADER: &str = "x-memex-agent";

/// The version of messages that is spoken.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// A model that a server answers for. Clones share the transport.
#[derive(Debug, Clone)]
pub struct RemoteModel {
    name: String,
    protocol: Protocol,
    url: Url,
    headers: HeaderMap,
    secrets: Vec<ApiKey>,
    wire: WireOptions,
    send_labels: bool,
    transport: Transport,
}

/// What a [`RemoteModel`] is made of.
pub(crate) struct RemoteParts<'a> {
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    pub(crate) base_url: &'a str,
    pub(crate) key: Option<ApiKey>,
    /// Their values count as secrets.
    pub(crate) headers: &'a [(String, ApiKey)],
    pub(crate) wire: WireOptions,
    pub(crate) send_labels: bool,
    pub(crate) transport: Transport,
}

impl RemoteModel {
    pub(crate) fn new(parts: RemoteParts<'_>) -> Result<Self, ModelError> {
        let url = url(parts.base_url, parts.protocol)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let kinds = if parts.wire.stream {
            "text/event-stream, application/json"
        } else {
            "application/json"
        };
        headers.insert(ACCEPT, HeaderValue::from_static(kinds));
        headers.insert(USER_AGENT, HeaderValue::from_static("memex"));
        if parts.protocol == Protocol::Messages {
            let version = HeaderValue::from_static(ANTHROPIC_VERSION);
            headers.insert("anthropic-version", version);
        }
        let mut secrets = Vec::new();
        if let Some(key) = parts.key {
            let (name, value) = match parts.protocol {
                Protocol::Messages => (
                    HeaderName::from_static("x-api-key"),
                    key.expose().to_owned(),
                ),
                _ => (AUTHORIZATION, format!("Bearer {}", key.expose())),
            };
            headers.insert(name, secret_value(&value, "the API key")?);
            secrets.push(key);
        }
        for (name, value) in parts.headers {
            let header = HeaderName::try_from(name).map_err(|_| ModelError::Setting {
                setting: "headers",
                what: format!("{name:?} is no name of a header"),
            })?;
            headers.insert(header, secret_value(value.expose(), "headers")?);
            secrets.push(value.clone());
        }
        Ok(Self {
            name: parts.name,
            protocol: parts.protocol,
            url,
            headers,
            secrets,
            wire: parts.wire,
            send_labels: parts.send_labels,
            transport: parts.transport,
        })
    }

    async fn answer(
        &self,
        request: &Request,
        sink: &mut dyn DeltaSink,
    ) -> Result<Reply, ModelError> {
        let body = self.protocol.encode(&self.name, request, &self.wire)?;
        let outgoing = Outgoing {
            protocol: self.protocol,
            url: &self.url,
            headers: self.headers_for(request)?,
            body: Bytes::from(body.to_string()),
            secrets: &self.secrets,
        };
        let shipment = Shipment {
            transport: &self.transport,
            outgoing,
            request,
        };
        let Transport {
            retry, timeouts, ..
        } = &self.transport;
        let reply = with_retries(retry, sink, &shipment);
        timeouts.wait(TimeoutPhase::Total, reply).await
    }

    fn headers_for(&self, request: &Request) -> Result<HeaderMap, ModelError> {
        let mut headers = self.headers.clone();
        let labels = [
            (CONVERSATION_HEADER, &request.conversation),
            (AGENT_HEADER, &request.agent),
        ];
        for (name, label) in labels.into_iter().filter(|_| self.send_labels) {
            let Some(label) = label else { continue };
            let value = HeaderValue::try_from(label).map_err(|_| ModelError::Request {
                what: format!("{label:?} cannot stand in a header; do not send labels"),
            })?;
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

/// A request on its way, perhaps several times.
struct Shipment<'r> {
    transport: &'r Transport,
    outgoing: Outgoing<'r>,
    request: &'r Request,
}

impl Attempt for Shipment<'_> {
    fn run<'a>(&'a self, sink: &'a mut dyn DeltaSink) -> BoxFuture<'a, Result<Reply, ModelError>> {
        async move {
            let tokens = estimate_request(self.request);
            let tokens = tokens.saturating_add(self.request.max_tokens.unwrap_or(0));
            let leave = self.transport.limiter.enter(tokens).await?;
            let reply = send(self.transport, &self.outgoing, sink).await?;
            let reply = with_usage(reply, self.request);
            leave.settle(reply.usage.total());
            Ok(reply)
        }
        .boxed()
    }
}

impl Model for RemoteModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
        sink: &'a mut dyn DeltaSink,
    ) -> BoxFuture<'a, Result<Reply, ModelError>> {
        self.answer(request, sink).boxed()
    }
}

fn secret_value(value: &str, setting: &'static str) -> Result<HeaderValue, ModelError> {
    let what = "holds characters that no header can carry".to_owned();
    let value = HeaderValue::try_from(value);
    let mut value = value.map_err(|_| ModelError::Setting { setting, what })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The address of a protocol behind a base URL.
fn url(base: &str, protocol: Protocol) -> Result<Url, ModelError> {
    let wrong = |what: &str| ModelError::Setting {
        setting: "base_url",
        what: what.to_owned(),
    };
    let mut url = Url::parse(base).map_err(|error| {
        wrong(&format!(
            "is no URL ({error}); write http://HOST:PORT/v1 or https://HOST/v1"
        ))
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("must begin with http:// or https:// and name a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not carry a password; hand in a key instead"));
    }
    url.path_segments_mut()
        .map_err(|()| wrong("has no path"))?
        .pop_if_empty()
        .extend(protocol.path().split('/'));
    Ok(url)
}
