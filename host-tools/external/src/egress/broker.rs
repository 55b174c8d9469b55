//! The way out: everything that a session asks of the network goes through here.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

use super::budgets::{Budget, Budgets};
use super::connection::open;
use super::error::HttpError;
use super::exchange::{RawResponse, Reading, exchange};
use super::headers::{overriding_methods, text_of};
use super::hops::Hop;
use super::limits::HttpLimits;
use super::messages::{HttpRequest, HttpResponse};
use super::resolver::{Dial, Resolve};
use super::rules::EgressRules;
use super::secrets::Secret;
use super::tls::Tls;
use memex_scrubbing::Scrubber;

/// Makes requests for sessions, under rules.
///
/// ```text
///  request ─► normalise ─► rules ─► resolve ─► check addresses ─► connect to them
///     ▲                                                                 │
///     └── redirect: from the start ── limits, secrets out ◄── exchange ◄┘
/// ```
/// Clones share rules, limits and budgets. There is no proxy, no store of
/// cookies, and no connection that outlives its request. Nothing is read from
/// the environment, but by the system's trust store where its certificates are.
#[derive(Clone)]
pub struct Egress {
    shared: Arc<Shared>,
}

/// What all requests of an egress share.
pub(super) struct Shared {
    pub(super) rules: EgressRules,
    pub(super) limits: HttpLimits,
    pub(super) secrets: Vec<Secret>,
    pub(super) scrubber: Scrubber,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) dialer: Arc<dyn Dial>,
    pub(super) tls: Tls,
    pub(super) budgets: Budgets,
}

impl Egress {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Makes one request for a session and reads the whole answer.
    ///
    /// Dropping the future closes the connection. Polled inside a tokio runtime
    /// with I/O and time.
    ///
    /// # Errors
    /// [`HttpError`]; a status such as 404 or 500 is an answer, not an error.
    pub async fn request(
        &self,
        session: &str,
        request: HttpRequest,
    ) -> Result<HttpResponse, HttpError> {
        let started = Instant::now();
        let shared = &self.shared;
        let outcome = shared.answer(session, request).await;
        let outcome = outcome.map_err(|error| error.map_text(|t| shared.scrubber.clean_text(t)));
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &outcome {
            Ok(response) => tracing::info!(
                session,
                url = without_query(&response.url),
                status = response.status,
                body_bytes = response.body.len(),
                elapsed_ms,
                "http request"
            ),
            Err(error) => tracing::info!(
                session,
                %error,
                detail = error.detail(),
                elapsed_ms,
                "http request failed"
            ),
        }
        outcome
    }

    /// Forgets what a session has used; it is over.
    pub fn end_session(&self, session: &str) {
        self.shared.budgets.end(session);
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &HttpLimits {
        &self.shared.limits
    }
}

impl Shared {
    async fn answer(&self, session: &str, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let follows = request.follow_redirects;
        let within = self.time_for(&request);
        let hop = Hop::first(request, &self.limits)?;
        self.rules.permit(&hop.target, hop.method.as_str())?;
        hop.check_reserved(&self.secrets)?;
        let what = format!("{} {}", hop.method, hop.target.origin());
        let budget = self.budgets.of(session, &self.limits)?;
        let answer = async {
            let _turn = budget.turn(&self.limits).await?;
            self.follow(hop, follows, &budget).await
        };
        timeout(within, answer)
            .await
            .unwrap_or_else(|_| Err(timed_out(what, within)))
    }

    fn time_for(&self, request: &HttpRequest) -> Duration {
        let until_deadline = request
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        [request.timeout, until_deadline]
            .into_iter()
            .flatten()
            .fold(self.limits.total_timeout(), Duration::min)
    }

    async fn follow(
        &self,
        mut hop: Hop,
        follows: bool,
        budget: &Budget,
    ) -> Result<HttpResponse, HttpError> {
        let mut redirects = 0;
        loop {
            let response = self.hop(&hop, follows, budget).await?;
            if !(follows && response.is_redirect()) {
                return Ok(self.shown(&hop, response));
            }
            if redirects == self.limits.redirects_max {
                return Err(HttpError::Redirect {
                    origin: hop.target.origin(),
                    reason: format!("more often than `http_redirects` ({redirects})"),
                });
            }
            redirects += 1;
            hop = hop.redirected(&response, &self.scrubber, &self.limits)?;
        }
    }

    /// One request and its answer. Every check is made here, for every hop.
    async fn hop(
        &self,
        hop: &Hop,
        follows_redirects: bool,
        budget: &Budget,
    ) -> Result<RawResponse, HttpError> {
        let target = &hop.target;
        let reach = self.rules.permit(target, hop.method.as_str())?;
        for method in overriding_methods(&hop.headers) {
            self.rules.permit(target, &method)?;
        }
        hop.check_whole(&self.secrets)?;
        budget.spend(&self.limits)?;
        let within = self.limits.connect_timeout();
        let connect = async {
            let addresses = self.addresses(hop).await?;
            for address in &addresses {
                reach.admit(target, *address)?;
            }
            let tried = addresses.get(..self.limits.addresses_max);
            let tried = tried.unwrap_or(&addresses);
            open(self.dialer.as_ref(), &self.tls, target, tried).await
        };
        let stream = timeout(within, connect).await.unwrap_or_else(|_| {
            Err(timed_out(
                format!("connecting to {}", target.origin()),
                within,
            ))
        })?;
        let request = hop.request(&self.secrets)?;
        tracing::debug!(
            method = %hop.method,
            origin = target.origin(),
            body_bytes = hop.body_len(),
            "http hop"
        );
        let reading = Reading {
            target,
            limits: &self.limits,
            takes_unknown_encodings: self.scrubber.is_empty(),
            follows_redirects,
        };
        exchange(stream, request, reading).await
    }

    /// The addresses of the target. All of them are checked, so that a name
    /// that answers with a private one among public ones leads nowhere.
    async fn addresses(&self, hop: &Hop) -> Result<Vec<IpAddr>, HttpError> {
        if let Some(address) = hop.target.address() {
            return Ok(vec![address]);
        }
        let no_such_name = |detail: String| HttpError::Connection {
            origin: hop.target.origin(),
            reason: "the name cannot be resolved",
            detail,
        };
        let found = self.resolver.resolve(hop.target.host()).await;
        let found = found.map_err(|error| no_such_name(error.to_string()))?;
        if found.is_empty() {
            return Err(no_such_name("no address".to_owned()));
        }
        Ok(found.iter().map(IpAddr::to_canonical).collect())
    }

    /// The answer as the guest sees it.
    fn shown(&self, hop: &Hop, response: RawResponse) -> HttpResponse {
        let text = |bytes: &[u8]| text_of(&self.scrubber.clean(bytes.to_vec()));
        HttpResponse {
            status: response.status.as_u16(),
            reason: text(&response.reason),
            url: self.scrubber.clean_text(hop.target.url().as_str()),
            headers: response
                .headers
                .iter()
                .map(|(name, value)| (text(name.as_str().as_bytes()), text(value.as_bytes())))
                .collect(),
            body: self.scrubber.clean(response.body),
        }
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress")
            .field("rules", &self.shared.rules)
            .field("limits", &self.shared.limits)
            .field("secrets", &self.shared.secrets)
            .finish_non_exhaustive()
    }
}

fn timed_out(what: String, within: Duration) -> HttpError {
    HttpError::TimedOut {
        what,
        limit_ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
    }
}

/// A query often holds what is not for logs.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}
