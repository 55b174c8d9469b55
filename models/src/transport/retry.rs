//! Second attempts.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{Delta, DeltaSink, ModelError, Reply};

/// How often to try again, and when.
///
/// The wait before attempt *n* is drawn evenly from the upper half of
/// `base_ms · 2ⁿ⁻²`, at most `wait_max_ms`; a wait that the provider asks for
/// takes its place. Tried again are HTTP 408, 409, 429 and 5xx, lost or refused
/// connections, timeouts of one attempt, cut and unreadable answers; never what
/// the request itself is to blame for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Attempts in all; 1 is no second one. Default: 5.
    pub attempts_max: u32,
    /// The first wait. Default: 500 ms.
    pub base_ms: u64,
    /// The longest wait of its own. Default: 30 s.
    pub wait_max_ms: u64,
    /// The longest wait that a provider may ask for; if it asks for more, its
    /// answer stands. Default: 2 minutes.
    pub retry_after_max_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 5,
            base_ms: 500,
            wait_max_ms: 30_000,
            retry_after_max_ms: 120_000,
        }
    }
}

impl RetryPolicy {
    /// One attempt, whatever comes of it.
    pub fn never() -> Self {
        Self {
            attempts_max: 1,
            ..Self::default()
        }
    }

    /// How long to wait before the attempt after this many, or `None` if there
    /// is none. `spread` is between 0 and 1.
    fn wait(&self, attempts: u32, error: &ModelError, spread: f64) -> Option<Duration> {
        if attempts >= self.attempts_max || !error.is_retryable() {
            return None;
        }
        if let Some(asked) = error.retry_after_ms() {
            let bearable = asked <= self.retry_after_max_ms;
            return bearable.then(|| Duration::from_millis(asked));
        }
        let doublings = attempts.saturating_sub(1).min(32);
        let wait = self.base_ms.saturating_mul(1 << doublings);
        let wait = wait.min(self.wait_max_ms) as f64;
        Some(Duration::from_millis((wait * (0.5 + spread / 2.0)) as u64))
    }
}

/// Records whether anything was passed on, so that it can be withdrawn.
struct Told<'a> {
    sink: &'a mut dyn DeltaSink,
    any: bool,
}

impl DeltaSink for Told<'_> {
    fn delta(&mut self, delta: Delta) {
        self.any = true;
        self.sink.delta(delta);
    }
}

/// What is tried.
pub(crate) trait Attempt: Sync {
    /// Tries it once.
    fn run<'a>(&'a self, sink: &'a mut dyn DeltaSink) -> BoxFuture<'a, Result<Reply, ModelError>>;
}

/// Tries until it succeeds or nothing speaks for a further attempt.
pub(crate) async fn with_retries(
    policy: &RetryPolicy,
    sink: &mut dyn DeltaSink,
    attempt: &dyn Attempt,
) -> Result<Reply, ModelError> {
    let mut attempts = 0;
    let mut told = Told { sink, any: false };
    loop {
        let error = match attempt.run(&mut told).await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        attempts += 1;
        let Some(wait) = policy.wait(attempts, &error, fastrand::f64()) else {
            if attempts == 1 {
                return Err(error);
            }
            let last = Box::new(error);
            return Err(ModelError::GaveUp { attempts, last });
        };
        if std::mem::take(&mut told.any) {
            told.sink.delta(Delta::Reset);
        }
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(retryable: bool, retry_after_ms: Option<u64>) -> ModelError {
        ModelError::Status {
            peer: "peer".into(),
            status: 500,
            code: None,
            message: String::new(),
            retryable,
            retry_after_ms,
        }
    }

    #[test]
    fn waits_double_between_half_and_whole() {
        let policy = RetryPolicy {
            attempts_max: 40,
            base_ms: 100,
            wait_max_ms: 1_000,
            ..RetryPolicy::default()
        };
        for (attempts, spread, wait_ms) in [
            (1, 0.0, Some(50)),
            (1, 1.0, Some(100)),
            (2, 1.0, Some(200)),
            (4, 0.0, Some(400)),
            (5, 1.0, Some(1_000)),
            (39, 1.0, Some(1_000)),
            (40, 1.0, None),
        ] {
            let wait = policy.wait(attempts, &status(true, None), spread);
            assert_eq!(wait, wait_ms.map(Duration::from_millis), "{attempts}");
        }
    }

    #[test]
    fn a_provider_may_ask_for_a_bearable_wait() {
        let policy = RetryPolicy::default();
        let wait = |error| policy.wait(1, &error, 0.5);
        assert_eq!(
            wait(status(true, Some(120_000))),
            Some(Duration::from_secs(120))
        );
        assert_eq!(wait(status(true, Some(120_001))), None);
        assert_eq!(wait(status(false, Some(1))), None);
    }
}
