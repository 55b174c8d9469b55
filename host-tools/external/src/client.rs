//! The HTTP client behind HTTP tools.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{HeaderName, HeaderValue};
use url::Url;

use super::error::OutsideError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// A request of an HTTP tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: Url,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
    /// The longest body of the response that is read.
    pub response_max_bytes: u64,
}

/// The response to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Where the server points at with a redirect.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The server is not reached, or the connection breaks.
    #[error("the server cannot be reached")]
    Connection {
        /// For the host's log.
        detail: String,
    },
    /// The body is longer than the request allows.
    #[error("the answer is longer than {maximum} bytes")]
    TooLong {
        /// The bound.
        maximum: u64,
    },
    /// The body is compressed, which was not asked for.
    #[error("the answer is in an encoding that is not read here")]
    Encoded,
    /// The request cannot be made.
    #[error("{reason}")]
    Request {
        /// Why.
        reason: String,
    },
}

/// Sends the requests of HTTP tools: one request, one response.
///
/// An implementation follows no redirects, gives bodies without an encoding (in
/// a compressed one no secret is found), reads no more of the body than
/// [`HttpRequest::response_max_bytes`], and stops when its future is dropped.
pub trait HttpClient: Send + Sync + 'static {
    /// Sends one request.
    ///
    /// # Errors
    /// [`HttpError`]; a status that means failure is a response.
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse, HttpError>>;
}

/// The usual client: HTTP/1.1 and TLS by rustls, trusting the certificates that
/// the system trusts; no proxies, cookies or redirects.
#[derive(Debug, Clone)]
pub struct ReqwestClient {
    client: reqwest::Client,
}

impl ReqwestClient {
    /// Sets up the client. It connects on first use.
    ///
    /// # Errors
    /// [`OutsideError::Client`] if TLS cannot be set up.
    pub fn new() -> Result<Self, OutsideError> {
        let failed = |reason: String| OutsideError::Client { reason };
        let tls = memex_tls::client_config().map_err(|error| failed(error.to_string()))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("memex/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { client })
    }

    /// The client within, for MCP.
    pub(super) fn inner(&self) -> reqwest::Client {
        self.client.clone()
    }
}

impl HttpClient for ReqwestClient {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse, HttpError>> {
        let client = self.client.clone();
        Box::pin(async move {
            let maximum = request.response_max_bytes;
            let mut response = client
                .execute(build(request)?)
                .await
                .map_err(|error| broken(&error))?;
            // None was asked for, and in one that is not read no secret is found.
            let encoding = response.headers().get(reqwest::header::CONTENT_ENCODING);
            if encoding.is_some_and(|name| !name.as_bytes().eq_ignore_ascii_case(b"identity")) {
                return Err(HttpError::Encoded);
            }
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
                if body.len() as u64 + chunk.len() as u64 > maximum {
                    return Err(HttpError::TooLong { maximum });
                }
                body.extend_from_slice(&chunk);
            }
            let location = response.headers().get(reqwest::header::LOCATION);
            Ok(HttpResponse {
                status: response.status().as_u16(),
                location: location.and_then(|value| value.to_str().ok().map(str::to_owned)),
                body,
            })
        })
    }
}

fn build(request: HttpRequest) -> Result<reqwest::Request, HttpError> {
    let refuse = |reason: String| HttpError::Request { reason };
    let method = reqwest::Method::from_bytes(request.method.as_bytes())
        .map_err(|error| refuse(error.to_string()))?;
    let mut built = reqwest::Request::new(method, request.url);
    for (name, value) in &request.headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refuse(format!("`{name}` is no name of a header")))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            refuse(format!(
                "the value of header `{name}` has control characters"
            ))
        })?;
        built.headers_mut().append(header, value);
    }
    *built.body_mut() = request.body.map(reqwest::Body::from);
    Ok(built)
}

fn broken(error: &reqwest::Error) -> HttpError {
    use std::error::Error;
    let mut detail = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        detail.push_str(": ");
        detail.push_str(&source.to_string());
        cause = source.source();
    }
    HttpError::Connection { detail }
}
