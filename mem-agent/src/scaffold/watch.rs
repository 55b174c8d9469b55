//! Seeing an agent at work.

use memex_agent::Watcher;
use memex_models::Delta;
use memex_trajectories::{Step, StepKind};

use super::stream::{BlockStream, Piece, Section};

/// The current activity of an agent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event<'e> {
    /// The model is called, for the so-many-th time, counted from 1.
    Asked(u32),
    /// The model writes.
    Written(Piece),
    /// The model starts its reply anew; what came of it does not count.
    Restarted,
    /// A block of Python begins.
    Runs(&'e str),
    /// It is over; this is sent to the model.
    Result(&'e str),
}

/// An observer of an agent.
pub trait Watch: Send {
    /// Takes the next event.
    fn event(&mut self, event: Event<'_>);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn event(&mut self, _: Event<'_>) {}
}

impl<F: FnMut(Event<'_>) + Send> Watch for F {
    fn event(&mut self, event: Event<'_>) {
        self(event);
    }
}

/// Tells a watcher of the loop, block by block of its replies. What a model
/// thinks apart from its text counts as its thoughts.
pub(super) struct Telling<'w> {
    watch: &'w mut dyn Watch,
    stream: BlockStream,
    is_reasoning: bool,
}

impl<'w> Telling<'w> {
    pub(super) fn new(watch: &'w mut dyn Watch) -> Self {
        Self {
            watch,
            stream: BlockStream::default(),
            is_reasoning: false,
        }
    }

    fn written(&mut self, piece: Piece) {
        self.watch.event(Event::Written(piece));
    }

    fn begin_reply(&mut self) {
        self.stream = BlockStream::default();
        self.is_reasoning = false;
    }
}

impl Watcher for Telling<'_> {
    fn asked(&mut self, number: u64) {
        self.begin_reply();
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.watch.event(Event::Asked(number));
    }

    fn delta(&mut self, delta: &Delta) {
        match delta {
            Delta::Reasoning(text) => {
                if !std::mem::replace(&mut self.is_reasoning, true) {
                    self.written(Piece::Begin(Section::Thoughts));
                }
                self.written(Piece::Text(Section::Thoughts, text.clone()));
            }
            Delta::Text(text) => {
                if std::mem::take(&mut self.is_reasoning) {
                    self.written(Piece::End(Section::Thoughts));
                }
                let pieces = self.stream.push(text);
                pieces.into_iter().for_each(|piece| self.written(piece));
            }
            Delta::Reset => {
                self.begin_reply();
                self.watch.event(Event::Restarted);
            }
            _ => {}
        }
    }

    fn runs(&mut self, code: &str) {
        self.watch.event(Event::Runs(code));
    }

    fn step(&mut self, step: &Step) {
        if step.kind == StepKind::Observation {
            self.watch.event(Event::Result(&step.text));
        }
    }
}
