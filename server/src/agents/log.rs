//! What happened in a run, for readers that come at any time.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

/// Bytes of events that a run keeps for readers; its record on disk has the rest.
const LOG_BYTES_MAX: usize = 16 << 20;
/// Events that it keeps.
const EVENTS_MAX: usize = 20_000;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEvent {
    /// Its number, from 0 on.
    pub number: usize,
    /// `asked`, `runs`, `step`, `dropped` or `done`.
    pub name: &'static str,
    /// More about it.
    pub data: Arc<str>,
}

/// The events of one run.
#[derive(Debug)]
pub(crate) struct RunLog {
    kept: Mutex<Kept>,
    grown: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Kept {
    events: Vec<RunEvent>,
    bytes: usize,
    is_full: bool,
    is_over: bool,
}

impl Default for RunLog {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            grown: watch::Sender::new(0),
        }
    }
}

impl RunLog {
    /// Adds an event. Once the log is full, one says so and further ones are left out.
    pub(crate) fn push(&self, name: &'static str, data: &Value) {
        let data: Arc<str> = data.to_string().into();
        let mut kept = self.kept.lock();
        if kept.is_full || kept.is_over {
            return;
        }
        let bytes = kept.bytes.saturating_add(data.len());
        match bytes > LOG_BYTES_MAX || kept.events.len() >= EVENTS_MAX {
            false => {
                kept.bytes = bytes;
                kept.add(name, data);
            }
            true => {
                kept.is_full = true;
                kept.add("dropped", "{}".into());
            }
        }
        self.grown.send_replace(kept.events.len());
    }

    /// Adds the last event.
    pub(crate) fn end(&self, data: &Value) {
        let mut kept = self.kept.lock();
        if !std::mem::replace(&mut kept.is_over, true) {
            kept.add("done", data.to_string().into());
        }
        self.grown.send_replace(kept.events.len());
    }

    /// The event of this number; none after the last one.
    async fn at(&self, number: usize) -> Option<RunEvent> {
        let mut grown = self.grown.subscribe();
        loop {
            {
                let kept = self.kept.lock();
                if let Some(event) = kept.events.get(number) {
                    return Some(event.clone());
                }
                if kept.is_over {
                    return None;
                }
            }
            grown.changed().await.ok()?;
        }
    }
}

impl Kept {
    fn add(&mut self, name: &'static str, data: Arc<str>) {
        let number = self.events.len();
        self.events.push(RunEvent { number, name, data });
    }
}

/// The events of a run, from one of them on.
#[derive(Debug)]
pub struct RunEvents {
    log: Arc<RunLog>,
    next: usize,
}

impl RunEvents {
    pub(crate) fn new(log: Arc<RunLog>, next: usize) -> Self {
        Self { log, next }
    }

    /// The next event; none after the last one.
    pub async fn next(&mut self) -> Option<RunEvent> {
        let event = self.log.at(self.next).await?;
        self.next = self.next.saturating_add(1);
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(log: &Arc<RunLog>, from: usize) -> Vec<&'static str> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut events = RunEvents::new(Arc::clone(log), from);
        let mut names = Vec::new();
        while let Some(event) = runtime.block_on(events.next()) {
            names.push(event.name);
        }
        names
    }

    #[test]
    fn a_reader_begins_anywhere_and_ends_with_the_run() {
        let log = Arc::new(RunLog::default());
        log.push("asked", &json!({}));
        log.push("step", &json!({}));
        log.end(&json!({}));
        log.push("step", &json!({}));
        log.end(&json!({}));
        assert_eq!(read(&log, 0), ["asked", "step", "done"]);
        assert_eq!(read(&log, 2), ["done"]);
        assert!(read(&log, 9).is_empty());
    }

    #[test]
    fn a_log_that_is_full_says_so_once_and_still_ends() {
        let log = Arc::new(RunLog::default());
        let large = json!("x".repeat(LOG_BYTES_MAX / 2));
        for _ in 0..4 {
            log.push("step", &large);
        }
        log.end(&json!({}));
        assert_eq!(read(&log, 0), ["step", "dropped", "done"]);
    }
}
