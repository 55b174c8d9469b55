//! How often a server's streams are asked for again.
//!
//! The library asks at once for a stream that broke, and after as long as the server says,
//! which may be nothing, for one that ended. So the end of a stream is reported some time
//! after its beginning at the earliest, and a server that only ever ends them loses its
//! connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use rmcp::transport::common::client_side_sse::{ExponentialBackoff, SseRetryPolicy};
use sse_stream::{Error, Sse};
use tokio::time::Instant;

pub(super) type Events = BoxStream<'static, Result<Sse, Error>>;

/// The longest wait until a connection that keeps failing is tried again.
pub const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// The least time from one beginning of a stream to the next.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest that follows from a row of streams that come to nothing.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A server may answer late by ending streams until it has an answer: so many cost no more
/// than the least pause.
const PATIENCE: u32 = 30;
/// Streams in a row that end early and bring nothing.
pub(super) const FRUITLESS_MAX: u32 = 120;
/// Attempts to have a stream back for which the server does not answer.
const ATTEMPTS_MAX: usize = 10;

/// When the library tries again to have a stream back.
pub(super) fn policy() -> Arc<dyn SseRetryPolicy> {
    let mut policy = ExponentialBackoff::default();
    policy.max_times = Some(ATTEMPTS_MAX);
    policy.max_delay = Some(BACKOFF_MAX);
    Arc::new(policy)
}

/// What came of the streams of one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Resuming {
    fruitless: Arc<AtomicU32>,
}

struct Lasting {
    resuming: Resuming,
    events: Events,
    begun: Instant,
    is_fruitful: bool,
    has_ended: bool,
}

impl Resuming {
    /// Whether the server has ended too many streams for nothing.
    pub(super) fn is_over(&self) -> bool {
        self.fruitless.load(Ordering::Relaxed) > FRUITLESS_MAX
    }

    /// The same events; their end comes late enough.
    pub(super) fn lasting(&self, events: Events) -> Events {
        let lasting = Lasting {
            resuming: self.clone(),
            events,
            begun: Instant::now(),
            is_fruitful: false,
            has_ended: false,
        };
        stream::unfold(lasting, |mut lasting| async {
            let event = lasting.next().await?;
            Some((event, lasting))
        })
        .boxed()
    }

    fn pause(&self) -> Duration {
        let fruitless = self.fruitless.load(Ordering::Relaxed);
        let doublings = fruitless.saturating_sub(PATIENCE).min(16);
        PAUSE_MIN.saturating_mul(1 << doublings).min(PAUSE_MAX)
    }
}

impl Lasting {
    async fn next(&mut self) -> Option<Result<Sse, Error>> {
        match self.events.next().await {
            Some(Ok(mut event)) => {
                if event
                    .data
                    .as_deref()
                    .is_some_and(|data| !data.trim().is_empty())
                {
                    self.is_fruitful = true;
                    self.resuming.fruitless.store(0, Ordering::Relaxed);
                }
                event.retry = event.retry.map(|asked| {
                    let most = u64::try_from(BACKOFF_MAX.as_millis()).unwrap_or(u64::MAX);
                    asked.min(most)
                });
                Some(Ok(event))
            }
            end => {
                self.end().await;
                end
            }
        }
    }

    async fn end(&mut self) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        if !self.is_fruitful && self.begun.elapsed() < PAUSE_MAX {
            self.resuming.fruitless.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep_until(self.begun + self.resuming.pause()).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lost() -> Result<Sse, Error> {
        Err(Error::Body(Box::new(std::io::Error::other("lost"))))
    }

    fn says(data: &str) -> Result<Sse, Error> {
        Ok(Sse {
            data: Some(data.to_owned()),
            retry: Some(u64::MAX),
            ..Sse::default()
        })
    }

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let resuming = Resuming::default();
        let mut last = Duration::ZERO;
        for fruitless in 0..=FRUITLESS_MAX {
            resuming.fruitless.store(fruitless, Ordering::Relaxed);
            let pause = resuming.pause();
            assert!(pause >= last.max(PAUSE_MIN) && pause <= PAUSE_MAX);
            assert!(fruitless > PATIENCE || pause == PAUSE_MIN);
            assert!(!resuming.is_over());
            last = pause;
        }
        assert_eq!(last, PAUSE_MAX);
    }

    #[tokio::test]
    async fn streams_in_a_row_that_bring_nothing_are_counted_and_none_ends_at_once() {
        let resuming = Resuming::default();
        for (events, counted) in [
            (vec![], 1),
            // An event without a message is the beginning of a stream.
            (vec![says("")], 2),
            (vec![lost()], 3),
            (vec![says("{}"), lost()], 0),
        ] {
            let (begun, many) = (Instant::now(), events.len());
            let stream = resuming.lasting(stream::iter(events).boxed());
            let found: Vec<_> = stream.collect().await;
            assert_eq!(found.len(), many);
            assert!(begun.elapsed() >= PAUSE_MIN);
            assert_eq!(resuming.fruitless.load(Ordering::Relaxed), counted);
            for event in found.into_iter().flatten() {
                assert!(event.retry.unwrap() <= 60_000);
            }
        }
        let fruitless = FRUITLESS_MAX;
        resuming.fruitless.store(fruitless, Ordering::Relaxed);
        assert!(!resuming.is_over());
        let mut stream = resuming.lasting(stream::empty().boxed());
        let _ = tokio::time::timeout(Duration::from_millis(10), stream.next()).await;
        assert!(resuming.is_over());
    }
}
