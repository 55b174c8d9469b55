//! A turn, as its reader holds it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::Stream;
use memex_runtime::Interrupter;
use parking_lot::Mutex;

use super::event::TurnEvent;
use super::relay::Reader;

/// The events of a turn, in order. Dropped before the last one, the turn is interrupted,
/// unless it was [detached](TurnStream::detach): who asked has gone.
pub struct TurnStream {
    reader: Reader,
    control: TurnControl,
    ends_with_reader: bool,
    is_over: bool,
}

/// Stops a turn, which may not have begun yet.
#[derive(Clone, Default)]
pub(crate) struct TurnControl(Arc<Control>);

#[derive(Default)]
struct Control {
    is_cancelled: AtomicBool,
    interrupter: Mutex<Option<Interrupter>>,
}

impl TurnStream {
    pub(crate) fn new(reader: Reader, control: TurnControl) -> Self {
        Self {
            reader,
            control,
            ends_with_reader: true,
            is_over: false,
        }
    }

    /// The next event; none after the last one.
    pub async fn next(&mut self) -> Option<TurnEvent> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// The same, but the turn goes on when this is dropped.
    #[must_use]
    pub fn detach(mut self) -> Self {
        self.ends_with_reader = false;
        self
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<TurnEvent>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let event = std::task::ready!(self.reader.poll(context));
        self.is_over = event.as_ref().is_none_or(TurnEvent::is_last);
        Poll::Ready(event)
    }
}

impl Stream for TurnStream {
    type Item = TurnEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<TurnEvent>> {
        self.get_mut().poll(context)
    }
}

impl Drop for TurnStream {
    fn drop(&mut self) {
        if self.ends_with_reader && !self.is_over {
            self.control.cancel(false);
        }
    }
}

impl TurnControl {
    /// Interrupts the turn, or keeps it from beginning. Says whether it was running.
    pub(crate) fn cancel(&self, hard: bool) -> bool {
        self.0.is_cancelled.store(true, Ordering::SeqCst);
        let interrupter = self.0.interrupter.lock();
        interrupter.as_ref().is_some_and(|interrupter| match hard {
            true => interrupter.hard(),
            false => interrupter.soft(),
        })
    }

    /// Interrupts the turn again, if it was to be and runs on: the interrupt may have come
    /// just before it began.
    pub(crate) fn again(&self) {
        if self.is_cancelled() {
            self.cancel(false);
        }
    }

    /// The turn begins on a session; false if it is not to.
    pub(crate) fn begin(&self, interrupter: Interrupter) -> bool {
        *self.0.interrupter.lock() = Some(interrupter);
        !self.is_cancelled()
    }

    /// The turn is over: later interrupts are not for it.
    pub(crate) fn end(&self) {
        *self.0.interrupter.lock() = None;
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::SeqCst)
    }
}

impl std::fmt::Debug for TurnStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnStream")
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
