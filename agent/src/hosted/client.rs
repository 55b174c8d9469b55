//! The server's API, as far as a scope needs it.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use memex_host_tools::ToolSpec;
use memex_models::SecretText;
use reqwest::{Method, RequestBuilder, Response, header, redirect};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::events::{self, Step};
use super::failure::{Failure, failure};
use crate::Error;

/// How long nothing may come of an answer: a stream says every five seconds that it is there.
const SILENCE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server that cannot be reached, or has no room, is asked again.
const PATIENCE: Duration = Duration::from_secs(60);
/// The first pause before it is; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long the end of a sandbox is waited for.
const ENDING: Duration = Duration::from_secs(5);
/// The longest answer that is no stream.
const BODY_BYTES_MAX: usize = 16 << 20;
/// How long a sandbox lives that nobody uses any more.
const LIFETIME_S: u64 = 3_600;

/// A server of sandboxes, and the key that opens it.
#[derive(Debug, Clone)]
pub struct HostedServer {
    /// Where it is, as `http://HOST:PORT`.
    pub url: String,
    /// The key of a tenant.
    pub key: SecretText,
}

/// Asks the server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: SecretText,
    pub(super) runtime: Handle,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

impl Client {
    pub(crate) fn new(server: &HostedServer, runtime: Handle) -> Result<Self, Error> {
        let base = server.url.trim_end_matches('/').to_owned();
        let is_plain = base.starts_with("http://");
        if !is_plain && !base.starts_with("https://") {
            return Err(Error::setting(
                "server",
                "is no URL; write http://HOST:PORT",
            ));
        }
        let tls = match is_plain {
            true => memex_tls::plain_client_config(),
            false => memex_tls::client_config(),
        };
        let wrong = |what: String| Error::setting("server", what);
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.map_err(|error| wrong(error.to_string()))?)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .user_agent(concat!("memex/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            http: http.map_err(|error| wrong(error.without_url().to_string()))?,
            base,
            key: server.key.clone(),
            runtime,
        })
    }

    /// Makes a sandbox whose calls of these tools are answered here.
    pub(super) fn create(&self, key: &str, tools: &[ToolSpec]) -> Result<String, Failure> {
        let tools: Vec<Value> = tools
            .iter()
            .map(|tool| {
                json!({
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                    "returns": tool.returns,
                })
            })
            .collect();
        let body = json!({ "tools": tools, "metadata": { "made-by": "memex-agent" } });
        self.patiently(|| async {
            let request = self.request(Method::POST, "/v1/sandboxes");
            let request = request
                .header("idempotency-key", key)
                .body(body.to_string());
            let answer = checked(sent(request).await?).await?;
            let made: Made = read(answer).await?;
            Ok(made.id)
        })
    }

    /// Runs a block. The same key is the same turn.
    pub(super) fn turn(&self, sandbox: &str, key: &str, code: &str) -> Result<Step, Failure> {
        let path = format!("/v1/sandboxes/{sandbox}/turns");
        let body = json!({ "code": code }).to_string();
        self.patiently(|| async {
            let request = self.request(Method::POST, &path);
            let request = request.header("idempotency-key", key).body(body.clone());
            let answer = sent(request.header(header::ACCEPT, "text/event-stream"));
            events::last(checked(answer.await?).await?).await
        })
    }

    /// Answers calls of the turn that waits.
    pub(super) fn answer(&self, sandbox: &str, answers: &[Value]) -> Result<Step, Failure> {
        let path = format!("/v1/sandboxes/{sandbox}/answers");
        let request = self.request(Method::POST, &path);
        let request = request.body(json!({ "answers": answers }).to_string());
        self.runtime.block_on(async {
            let answer = sent(request.header(header::ACCEPT, "text/event-stream"));
            events::last(checked(answer.await?).await?).await
        })
    }

    /// Gives up the turn that waits.
    pub(super) fn give_up(&self, sandbox: &str) {
        let path = format!("/v1/sandboxes/{sandbox}/waiting");
        let request = self.request(Method::DELETE, &path);
        // The turn may have ended.
        let _gone = self.runtime.block_on(async { request.send().await });
    }

    /// Writes a file of the sandbox.
    pub(super) fn put(&self, sandbox: &str, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = format!("/v1/sandboxes/{sandbox}/files?path={path}");
        self.patiently(|| async {
            let request = self.request(Method::PUT, &path);
            let request = request.header(header::CONTENT_TYPE, "application/octet-stream");
            checked(sent(request.body(bytes.to_vec())).await?).await?;
            Ok(())
        })
    }

    /// The names of the scope as the guest tells them, and a line for each.
    pub(super) fn variables(&self, sandbox: &str) -> Result<Value, Failure> {
        let path = format!("/v1/sandboxes/{sandbox}/variables");
        self.patiently(|| async {
            let answer = checked(sent(self.request(Method::GET, &path)).await?).await?;
            read(answer).await
        })
    }

    /// Has the sandbox live on.
    pub(super) fn extend(&self, sandbox: &str) {
        let request = self.request(Method::PATCH, &format!("/v1/sandboxes/{sandbox}"));
        let request = request.body(json!({ "lifetime_s": LIFETIME_S }).to_string());
        // Where the operator allows less, it ends when it ends.
        let _told = self.runtime.block_on(async { request.send().await });
    }

    /// Interrupts the turn that runs, without waiting for it.
    pub(super) fn interrupt(&self, sandbox: &str, hard: bool) {
        let request = self.request(Method::POST, &format!("/v1/sandboxes/{sandbox}/interrupt"));
        let request = request.body(json!({ "hard": hard }).to_string());
        // A request needs the runtime from its beginning on, and this thread may be none of its.
        self.runtime.spawn(async move { request.send().await });
    }

    /// Ends the sandbox. Waits for the server a little, since the runtime, or the process, may
    /// end right after; a sandbox that is left ends when its time is over.
    pub(super) fn end(&self, sandbox: &str) {
        let request = self.request(Method::DELETE, &format!("/v1/sandboxes/{sandbox}"));
        let (answered, answer) = mpsc::sync_channel(1);
        // A request needs the runtime from its beginning on, and this thread may be none of its.
        self.runtime.spawn(async move {
            let _told = request.send().await;
            let _heard = answered.send(());
        });
        let _in_time = answer.recv_timeout(ENDING);
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .header(header::CONTENT_TYPE, "application/json")
            .bearer_auth(&self.key.0)
    }

    /// Asks again where the server cannot be reached or has no room, for a while.
    fn patiently<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, Failure> {
        self.runtime.block_on(async {
            let until = Instant::now() + PATIENCE;
            let mut pause = PAUSE;
            loop {
                let failure = match ask().await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => failure,
                };
                let wait = match &failure {
                    Failure::Busy(_, after) => after.unwrap_or(pause).min(PAUSE_MAX),
                    Failure::Broken(_) => pause,
                    Failure::Gone(_) | Failure::Refused(_) => return Err(failure),
                };
                if Instant::now() + wait > until {
                    return Err(failure);
                }
                tokio::time::sleep(wait).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        })
    }
}

async fn sent(request: RequestBuilder) -> Result<Response, Failure> {
    let sent = request.send().await;
    sent.map_err(|error| Failure::Broken(error.without_url().to_string()))
}

/// The answer, if it is none that refuses.
async fn checked(answer: Response) -> Result<Response, Failure> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let after = answer.headers().get(header::RETRY_AFTER);
    let after = after.and_then(|after| after.to_str().ok()?.parse().ok());
    let body = bytes(answer).await.unwrap_or_default();
    Err(failure(status, &body, after.map(Duration::from_secs)))
}

async fn read<T: for<'de> Deserialize<'de>>(answer: Response) -> Result<T, Failure> {
    let body = bytes(answer).await?;
    serde_json::from_slice(&body)
        .map_err(|error| Failure::Refused(format!("the server's answer cannot be read: {error}")))
}

async fn bytes(mut answer: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(piece)) if body.len().saturating_add(piece.len()) <= BODY_BYTES_MAX => {
                body.extend_from_slice(&piece);
            }
            Ok(Some(_)) => return Err(Failure::Refused("the server's answer is too long".into())),
            Err(error) => return Err(Failure::Broken(error.without_url().to_string())),
        }
    }
}
