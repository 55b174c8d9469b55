//! The HTTP client of buckets: TLS as every other client of memex speaks it.
//!
//! The client that `object_store` would build needs a crypto library of its own, or
//! one installed for the whole process. This one takes ours. It obeys the client
//! options that it knows, and refuses the others instead of ignoring them.

use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest,
    HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{ClientOptions, Result};
use reqwest::redirect::Policy;

/// Options that would change how TLS or HTTP is spoken.
const REFUSED: &[(ClientConfigKey, &str)] = &[
    (
        ClientConfigKey::AllowInvalidCertificates,
        "allow_invalid_certificates",
    ),
    (
        ClientConfigKey::NoSystemCertificates,
        "disable_system_certificates",
    ),
    (ClientConfigKey::ProxyCaCertificate, "proxy_ca_certificate"),
    (ClientConfigKey::Http2Only, "http2_only"),
    (
        ClientConfigKey::Http2KeepAliveInterval,
        "http2_keep_alive_interval",
    ),
    (
        ClientConfigKey::Http2KeepAliveTimeout,
        "http2_keep_alive_timeout",
    ),
    (
        ClientConfigKey::Http2KeepAliveWhileIdle,
        "http2_keep_alive_while_idle",
    ),
    (ClientConfigKey::Http2MaxFrameSize, "http2_max_frame_size"),
];

/// As many as the client of `object_store` follows.
const REDIRECTS_MAX: usize = 10;

/// No response is longer: an object, or a page of a list with the longest names.
const RESPONSE_BYTES_MAX: usize = 32 << 20;
const _: () = assert!(RESPONSE_BYTES_MAX > crate::codec::SNAPSHOT_OBJECT_BYTES_MAX);

/// A client whose responses are bounded, and are not as long as they say before they are.
#[derive(Debug)]
struct Bounded(reqwest::Client);

type Answer<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Bounded {
    fn call<'client, 'answer>(&'client self, request: HttpRequest) -> Answer<'answer>
    where
        'client: 'answer,
        Self: 'answer,
    {
        Box::pin(async move {
            let response = self.0.call(request).await?;
            Ok(response.map(|body| {
                let limited = Limited::new(body, RESPONSE_BYTES_MAX);
                let failed = |error| HttpError::new_boxed(HttpErrorKind::Decode, error);
                HttpResponseBody::new(limited.map_err(failed))
            }))
        })
    }
}

/// Makes the clients of a bucket.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        for (key, name) in REFUSED {
            if !matches!(
                options.get_config_value(key).as_deref(),
                None | Some("false")
            ) {
                return Err(failed(format!(
                    "the option `{name}` is not supported; take it away"
                )));
            }
        }
        let tls = memex_tls::client_config()
            .map_err(|error| failed(format!("{error}; install the system's certificates")))?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(Policy::limited(REDIRECTS_MAX))
            .http1_only()
            .https_only(
                options
                    .get_config_value(&ClientConfigKey::AllowHttp)
                    .as_deref()
                    != Some("true"),
            );
        builder = match options.get_config_value(&ClientConfigKey::UserAgent) {
            Some(agent) => builder.user_agent(agent),
            None => builder.user_agent(concat!("memex/", env!("CARGO_PKG_VERSION"))),
        };
        if let Some(timeout) = duration(options, ClientConfigKey::Timeout)? {
            builder = builder.timeout(timeout);
        }
        if let Some(timeout) = duration(options, ClientConfigKey::ConnectTimeout)? {
            builder = builder.connect_timeout(timeout);
        }
        if let Some(timeout) = duration(options, ClientConfigKey::ReadTimeout)? {
            builder = builder.read_timeout(timeout);
        }
        if let Some(timeout) = duration(options, ClientConfigKey::PoolIdleTimeout)? {
            builder = builder.pool_idle_timeout(timeout);
        }
        if let Some(count) = options.get_config_value(&ClientConfigKey::PoolMaxIdlePerHost) {
            let count = count.parse().map_err(failed)?;
            builder = builder.pool_max_idle_per_host(count);
        }
        if let Some(proxy) = proxy(options)? {
            builder = builder.proxy(proxy);
        }
        Ok(HttpClient::new(Bounded(builder.build().map_err(failed)?)))
    }
}

fn duration(options: &ClientOptions, key: ClientConfigKey) -> Result<Option<Duration>> {
    let value = options.get_config_value(&key);
    value
        .map(|text| humantime::parse_duration(&text).map_err(failed))
        .transpose()
}

fn proxy(options: &ClientOptions) -> Result<Option<reqwest::Proxy>> {
    let Some(url) = options.get_config_value(&ClientConfigKey::ProxyUrl) else {
        return Ok(None);
    };
    let excluded = options.get_config_value(&ClientConfigKey::ProxyExcludes);
    let excluded = excluded.and_then(|hosts| reqwest::NoProxy::from_string(&hosts));
    // A proxy's URL may hold a password.
    let proxy = reqwest::Proxy::all(url).map_err(|error| failed(error.without_url()))?;
    Ok(Some(proxy.no_proxy(excluded)))
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> object_store::Error {
    object_store::Error::Generic {
        store: "S3",
        source: error.into(),
    }
}
