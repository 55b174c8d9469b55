//! How far an image is, told to Python.

use std::sync::mpsc::Sender;

use memex_runtime::{Progress, Stage};

/// One thing to report.
pub(crate) enum Event {
    /// A stage begins: its name, and its total where that is known.
    Begin(&'static str, Option<u64>),
    /// So much of it is done.
    Advance(u64),
    /// It is over.
    End,
    /// Something worth a line.
    Note(String),
}

/// Sends what happens to the thread that waits for the image.
pub(crate) struct Sent(pub(crate) Sender<Event>);

impl Sent {
    fn send(&self, event: Event) {
        // Who waited may have been interrupted; the build goes on.
        let _gone = self.0.send(event);
    }
}

impl Progress for Sent {
    fn begin(&mut self, stage: Stage, total: Option<u64>) {
        self.send(Event::Begin(stage.label(), total));
    }

    fn advance(&mut self, done: u64) {
        self.send(Event::Advance(done));
    }

    fn end(&mut self) {
        self.send(Event::End);
    }

    fn note(&mut self, text: &str) {
        self.send(Event::Note(text.to_owned()));
    }
}
