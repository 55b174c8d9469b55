//! Output as it comes, for the call that asked to hear of it.

use std::sync::Arc;

use memex_runtime::{OutputSink, Stream};
use parking_lot::Mutex;
use tokio::sync::mpsc;

/// Who hears of a session's output; nobody, most of the time.
#[derive(Clone, Default)]
pub(super) struct Listener(Arc<Mutex<Option<mpsc::Sender<String>>>>);

impl Listener {
    pub(super) fn set(&self, sender: Option<mpsc::Sender<String>>) {
        *self.0.lock() = sender;
    }

    pub(super) fn sink(&self) -> Box<dyn OutputSink> {
        Box::new(Sink(self.clone()))
    }
}

struct Sink(Listener);

impl OutputSink for Sink {
    fn write(&mut self, _stream: Stream, bytes: &[u8]) {
        if let Some(sender) = self.0.0.lock().as_ref() {
            // Who does not keep up misses pieces; the result has all of them.
            let _full = sender.try_send(String::from_utf8_lossy(bytes).into_owned());
        }
    }
}
