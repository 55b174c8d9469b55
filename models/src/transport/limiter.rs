//! The limits that a client sets itself, so that the provider need not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::ModelError;

/// What a [`Limiter`] keeps to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests a minute. Default: no limit.
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute, read and written. Default: no limit.
    pub tokens_per_minute: Option<u64>,
    /// Requests under way at once. Default: 64.
    pub concurrent_max: usize,
    /// Requests that wait for their turn. Default: 10,000.
    pub waiting_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_minute: None,
            tokens_per_minute: None,
            concurrent_max: 64,
            waiting_max: 10_000,
        }
    }
}

/// Lets requests through no faster than its limits. Clones share them.
///
/// Each limit is a bucket that holds a minute's worth and fills evenly, so a
/// minute's worth may go at once after a pause. Who came first goes first.
#[derive(Debug, Clone)]
pub struct Limiter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    slots: Arc<Semaphore>,
    /// One permit: its holder is the next to proceed.
    turnstile: Semaphore,
    waiting: AtomicUsize,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    closed_until: Option<Instant>,
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    level: f64,
    filled: Instant,
}

/// A request's leave to go. Its place is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Leave {
    shared: Arc<Shared>,
    charged: u64,
    _slot: OwnedSemaphorePermit,
}

/// Counts a waiting request until the wait ends or is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limiter {
    /// A limiter of its own.
    pub fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let bucket = |capacity: f64| Bucket {
            capacity,
            level: capacity,
            filled: now,
        };
        let concurrent = limits.concurrent_max.clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            slots: Arc::new(Semaphore::new(concurrent)),
            turnstile: Semaphore::new(1),
            waiting: AtomicUsize::new(0),
            buckets: Mutex::new(Buckets {
                requests: limits
                    .requests_per_minute
                    .map(|limit| bucket(f64::from(limit.max(1)))),
                tokens: limits
                    .tokens_per_minute
                    .map(|limit| bucket(limit.max(1) as f64)),
                closed_until: None,
            }),
            limits,
        }))
    }

    /// Waits until a request of about so many tokens may go.
    pub(crate) async fn enter(&self, tokens: u64) -> Result<Leave, ModelError> {
        let shared = &self.0;
        let waiting = shared.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&shared.waiting);
        if waiting >= shared.limits.waiting_max {
            return Err(ModelError::Crowded { waiting });
        }
        let closed = |_| ModelError::Request {
            what: "the limiter is closed".to_owned(),
        };
        let slots = Arc::clone(&shared.slots);
        let slot = slots.acquire_owned().await.map_err(closed)?;
        let _next = shared.turnstile.acquire().await.map_err(closed)?;
        loop {
            let wait = shared.buckets.lock().take(tokens, Instant::now());
            match wait {
                None => break,
                Some(wait) => tokio::time::sleep(wait).await,
            }
        }
        Ok(Leave {
            shared: Arc::clone(shared),
            charged: tokens,
            _slot: slot,
        })
    }

    /// Blocks all requests for the time that the provider asks for.
    pub(crate) fn close_for(&self, wait: Duration) {
        let Some(until) = Instant::now().checked_add(wait) else {
            return;
        };
        let mut buckets = self.0.buckets.lock();
        buckets.closed_until = buckets.closed_until.max(Some(until));
    }
}

impl Leave {
    /// Charges what was used in place of what was guessed.
    pub(crate) fn settle(self, tokens: u64) {
        let mut buckets = self.shared.buckets.lock();
        if let Some(bucket) = &mut buckets.tokens {
            // Below zero is allowed: the next ones wait for it.
            let level = bucket.level + self.charged as f64 - tokens as f64;
            bucket.level = level.min(bucket.capacity);
        }
    }
}

impl Buckets {
    /// Takes one request and its tokens, or says how long to wait for them.
    fn take(&mut self, tokens: u64, now: Instant) -> Option<Duration> {
        let closed = self.closed_until.filter(|until| *until > now);
        if let Some(until) = closed {
            return Some(until - now);
        }
        let wants = [
            (self.requests.as_mut(), 1.0),
            (self.tokens.as_mut(), tokens as f64),
        ];
        let mut wait = 0.0_f64;
        let mut takes = Vec::with_capacity(wants.len());
        for (bucket, wanted) in wants {
            let Some(bucket) = bucket else { continue };
            bucket.fill(now);
            // A request larger than the bucket is admitted once it is full;
            // the level goes negative.
            let needed = wanted.min(bucket.capacity);
            wait = wait.max((needed - bucket.level) * 60.0 / bucket.capacity);
            takes.push((bucket, wanted));
        }
        if wait > 0.0 {
            // At least a tick, or rounding could spin.
            return Some(Duration::from_secs_f64(wait.clamp(0.001, 3_600.0)));
        }
        for (bucket, wanted) in takes {
            bucket.level -= wanted;
        }
        None
    }
}

impl Bucket {
    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        let level = self.level + passed * self.capacity / 60.0;
        self.level = level.min(self.capacity);
        self.filled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Poll;

    fn limiter(limits: Limits) -> Limiter {
        Limiter::new(limits)
    }

    async fn seconds(limiter: &Limiter, tokens: u64) -> u64 {
        let start = Instant::now();
        drop(limiter.enter(tokens).await.unwrap());
        start.elapsed().as_secs_f64().round() as u64
    }

    #[tokio::test(start_paused = true)]
    async fn requests_beyond_a_minutes_worth_wait() {
        let limiter = limiter(Limits {
            requests_per_minute: Some(3),
            ..Limits::default()
        });
        let other = limiter.clone();
        for (index, wait) in [0, 0, 0, 20, 20].into_iter().enumerate() {
            let used = if index % 2 == 0 { &limiter } else { &other };
            assert_eq!(seconds(used, 1).await, wait, "request {index}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_are_charged_as_guessed_and_settled_as_used() {
        let limiter = limiter(Limits {
            tokens_per_minute: Some(600),
            ..Limits::default()
        });
        limiter.enter(100).await.unwrap().settle(600);
        assert_eq!(seconds(&limiter, 100).await, 10);
        // More than ever fits waits for a full bucket, and then goes.
        assert_eq!(seconds(&limiter, 1_200).await, 60);
        assert_eq!(seconds(&limiter, 300).await, 90);
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_closes_it_for_everybody() {
        let limiter = limiter(Limits::default());
        limiter.close_for(Duration::from_secs(7));
        limiter.close_for(Duration::from_secs(2));
        assert_eq!(seconds(&limiter.clone(), 1).await, 7);
        assert_eq!(seconds(&limiter, 1).await, 0);
    }

    #[tokio::test]
    async fn places_are_limited_and_freed_by_dropping() {
        let limiter = limiter(Limits {
            concurrent_max: 1,
            waiting_max: 1,
            ..Limits::default()
        });
        let first = limiter.enter(1).await.unwrap();
        {
            let mut second = pin!(limiter.enter(1));
            poll_fn(|context| {
                assert!(second.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            let third = limiter.enter(1).await;
            assert!(matches!(third, Err(ModelError::Crowded { waiting: 1 })));
        }
        drop(first);
        limiter.enter(1).await.unwrap();
    }
}
