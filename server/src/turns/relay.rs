//! Output on its way from a session's thread to whoever reads the turn.
//!
//! A session keeps its sink for life, through sleep; the reader changes with every turn.
//! What waits to be read is bounded: a reader that is too slow loses pieces of output,
//! which the outcome still has, and never holds the guest up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memex_runtime::{OutputSink, Stream};
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::event::TurnEvent;

/// Bytes of output that wait for a reader.
const UNREAD_BYTES_MAX: usize = 4 << 20;
/// What a piece takes besides its text.
const PIECE_BYTES: usize = 64;

/// Where a session's output goes. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Relay(Arc<Mutex<Line>>);

#[derive(Default)]
struct Line {
    reader: Option<UnboundedSender<TurnEvent>>,
    unread: Arc<AtomicUsize>,
    /// Beginnings of characters whose end has not come yet, by stream.
    carried: [Vec<u8>; 2],
    dropped_bytes: u64,
}

/// The reader's end.
pub(crate) struct Reader {
    events: UnboundedReceiver<TurnEvent>,
    unread: Arc<AtomicUsize>,
}

impl Relay {
    /// Has the output of the next turn go to a new reader.
    pub(crate) fn connect(&self) -> Reader {
        let (sender, events) = unbounded_channel();
        let unread = Arc::new(AtomicUsize::new(0));
        *self.0.lock() = Line {
            reader: Some(sender),
            unread: Arc::clone(&unread),
            ..Line::default()
        };
        Reader { events, unread }
    }

    /// Sends what is no output, and therefore never dropped.
    pub(crate) fn send(&self, event: TurnEvent) {
        let mut line = self.0.lock();
        for stream in [Stream::Stdout, Stream::Stderr] {
            line.flush(stream);
        }
        line.tell_dropped();
        let is_last = event.is_last();
        if let Some(reader) = &line.reader {
            // A reader that has gone has been told to the turn already.
            let _gone = reader.send(event);
        }
        if is_last {
            line.reader = None;
        }
    }
}

impl Line {
    fn push(&mut self, stream: Stream, bytes: &[u8]) {
        let carried = &mut self.carried[stream as usize];
        let mut whole = std::mem::take(carried);
        whole.extend_from_slice(bytes);
        // Of a character that is cut, the beginning waits for the rest.
        let cut = cut_character(&whole);
        let rest = whole.split_off(whole.len() - cut);
        *carried = rest;
        if !whole.is_empty() {
            self.deliver(stream, &whole);
        }
    }

    fn flush(&mut self, stream: Stream) {
        let carried = std::mem::take(&mut self.carried[stream as usize]);
        if !carried.is_empty() {
            self.deliver(stream, &carried);
        }
    }

    fn deliver(&mut self, stream: Stream, bytes: &[u8]) {
        let Some(reader) = &self.reader else {
            return;
        };
        let size = bytes.len().saturating_add(PIECE_BYTES);
        if self.unread.load(Ordering::Relaxed).saturating_add(size) > UNREAD_BYTES_MAX {
            self.dropped_bytes = self.dropped_bytes.saturating_add(bytes.len() as u64);
            return;
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        let event = match stream {
            Stream::Stdout => TurnEvent::Stdout(text),
            Stream::Stderr => TurnEvent::Stderr(text),
        };
        let reader = reader.clone();
        self.tell_dropped();
        self.unread.fetch_add(size, Ordering::Relaxed);
        let _gone = reader.send(event);
    }

    fn tell_dropped(&mut self) {
        let bytes = std::mem::take(&mut self.dropped_bytes);
        if let Some(reader) = self.reader.as_ref().filter(|_| bytes > 0) {
            let _gone = reader.send(TurnEvent::Dropped { bytes });
        }
    }
}

/// Bytes at the end that begin a character of UTF-8 and do not end it.
fn cut_character(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.len() - error.valid_up_to(),
        // Only the end matters: what is wrong before it is replaced.
        Err(_) => {
            let tail = bytes.len().saturating_sub(3);
            (tail..bytes.len())
                .map(|at| bytes.get(at..).unwrap_or_default())
                .find(|end| {
                    std::str::from_utf8(end)
                        .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
                })
                .map_or(0, <[u8]>::len)
        }
        Ok(_) => 0,
    }
}

impl OutputSink for Relay {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        self.0.lock().push(stream, bytes);
    }
}

impl Reader {
    /// The next event; none when the turn will say nothing more.
    pub(crate) fn poll(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<TurnEvent>> {
        let event = std::task::ready!(self.events.poll_recv(context));
        if let Some(TurnEvent::Stdout(text) | TurnEvent::Stderr(text)) = &event {
            let size = text.len().saturating_add(PIECE_BYTES);
            let mut unread = self.unread.load(Ordering::Relaxed);
            // Replaced bytes can make the text longer than what was counted.
            while let Err(now) = self.unread.compare_exchange_weak(
                unread,
                unread.saturating_sub(size),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                unread = now;
            }
        }
        std::task::Poll::Ready(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    fn read(reader: &mut Reader) -> Option<TurnEvent> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let polled = poll_fn(|context| std::task::Poll::Ready(reader.poll(context)));
        match runtime.block_on(polled) {
            std::task::Poll::Ready(event) => event,
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn a_character_that_comes_in_two_pieces_is_one() {
        let relay = Relay::default();
        let mut reader = relay.connect();
        let mut sink = relay.clone();
        let text = "aé€😀z".as_bytes();
        for byte in text {
            sink.write(Stream::Stdout, &[*byte]);
        }
        sink.write(Stream::Stdout, &[0xff, b'b', 0xe2]);
        relay.send(TurnEvent::Started);
        let mut said = String::new();
        while let Some(TurnEvent::Stdout(piece)) = read(&mut reader) {
            said.push_str(&piece);
        }
        assert_eq!(said, "aé€😀z\u{fffd}b\u{fffd}");
    }

    #[test]
    fn a_reader_that_reads_nothing_loses_output_and_nothing_else() {
        let relay = Relay::default();
        let mut reader = relay.connect();
        let mut sink = relay.clone();
        let piece = vec![b'x'; UNREAD_BYTES_MAX / 4];
        for _ in 0..10 {
            sink.write(Stream::Stdout, &piece);
        }
        relay.send(TurnEvent::Failed(crate::error::ServiceError::internal(
            "over",
        )));
        let (mut kept, mut dropped) = (0, 0);
        let last = loop {
            match read(&mut reader) {
                Some(TurnEvent::Stdout(text)) => kept += text.len(),
                Some(TurnEvent::Dropped { bytes }) => dropped += bytes,
                last => break last,
            }
        };
        assert!(matches!(last, Some(TurnEvent::Failed(_))));
        assert!(kept <= UNREAD_BYTES_MAX && kept > UNREAD_BYTES_MAX / 2);
        assert_eq!(kept as u64 + dropped, 10 * piece.len() as u64);
        // What was read makes room again.
        let mut again = relay.connect();
        sink.write(Stream::Stderr, b"more");
        assert_eq!(read(&mut again), Some(TurnEvent::Stderr("more".to_owned())));
    }
}
