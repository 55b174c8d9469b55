//! Spans on their way to a collector.

use std::sync::Arc;
use std::time::Duration;

use memex_external::egress::HttpRequest;
use parking_lot::RwLock;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::context::Span;
use super::settings::Collector;
use crate::operations::metrics::Metrics;

/// Spans that wait; further ones are dropped.
const QUEUE_MAX: usize = 4_096;
/// Spans of one request to the collector.
const BATCH_MAX: usize = 256;
/// How long the first span of a batch waits for others.
const BATCH_WAIT: Duration = Duration::from_millis(500);
/// The kind of a span that answers a request.
const KIND_SERVER: u8 = 2;
/// The status of a span that met a fault.
const STATUS_ERROR: u8 = 2;

/// The way to the collector, if there is one.
#[derive(Debug)]
pub(crate) struct Traces {
    line: RwLock<Option<Line>>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Line {
    queue: mpsc::Sender<Span>,
    task: JoinHandle<()>,
}

impl Traces {
    pub(crate) fn new(metrics: &Arc<Metrics>) -> Self {
        Self {
            line: RwLock::default(),
            metrics: Arc::clone(metrics),
        }
    }

    /// Takes another collector in place of the one before, or none.
    pub(crate) fn set(&self, collector: Option<Collector>, on: &Handle) {
        let line = collector.map(|collector| {
            let (queue, waiting) = mpsc::channel(QUEUE_MAX);
            let task = on.spawn(export(collector, waiting, Arc::clone(&self.metrics)));
            Line { queue, task }
        });
        *self.line.write() = line;
    }

    /// Whether anybody wants spans.
    pub(crate) fn is_on(&self) -> bool {
        self.line.read().is_some()
    }

    /// Sends a span. Never waits.
    pub(crate) fn push(&self, span: Span) {
        let line = self.line.read();
        if let Some(line) = &*line
            && line.queue.try_send(span).is_err()
        {
            self.metrics.spans_dropped.add(1);
        }
    }

    /// Gives what waits so much time, and ends.
    pub(crate) async fn end(&self, wait: Duration) {
        let line = self.line.write().take();
        let Some(Line { queue, task }) = line else {
            return;
        };
        drop(queue);
        let abort = task.abort_handle();
        if tokio::time::timeout(wait, task).await.is_err() {
            abort.abort();
        }
    }
}

/// Sends spans in batches. One that is not taken is dropped: newer ones matter more.
async fn export(collector: Collector, mut queue: mpsc::Receiver<Span>, metrics: Arc<Metrics>) {
    while let Some(first) = queue.recv().await {
        let mut batch = vec![first];
        let until = tokio::time::Instant::now() + BATCH_WAIT;
        while batch.len() < BATCH_MAX {
            match tokio::time::timeout_at(until, queue.recv()).await {
                Ok(Some(span)) => batch.push(span),
                Ok(None) | Err(_) => break,
            }
        }
        let spans = batch.len() as u64;
        let request = HttpRequest {
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body(&collector.service, &batch).to_string().into_bytes(),
            follow_redirects: false,
            ..HttpRequest::new("POST", collector.url.clone())
        };
        let sent = collector.egress.request("traces", request).await;
        if sent.is_ok_and(|answer| (200..300).contains(&answer.status)) {
            metrics.spans_sent.add(spans);
        } else {
            metrics.spans_dropped.add(spans);
        }
    }
}

/// A batch, as OTLP has it in JSON.
fn body(service: &str, spans: &[Span]) -> Value {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let spans: Vec<Value> = spans
        .iter()
        .map(|span| {
            let mut told = json!({
                "traceId": format!("{:032x}", span.at.trace),
                "spanId": format!("{:016x}", span.at.span),
                "name": span.method,
                "kind": KIND_SERVER,
                // 64 bits are texts in the JSON of protocol buffers.
                "startTimeUnixNano": span.began_ns.to_string(),
                "endTimeUnixNano": span.ended_ns.to_string(),
                "attributes": [
                    text("http.request.method", &span.method),
                    text("url.path", &span.path),
                    { "key": "http.response.status_code", "value": { "intValue": span.status.to_string() } },
                ],
            });
            if let (Some(parent), Some(told)) = (span.parent, told.as_object_mut()) {
                told.insert("parentSpanId".to_owned(), json!(format!("{parent:016x}")));
            }
            if span.status >= 500
                && let Some(told) = told.as_object_mut()
            {
                told.insert("status".to_owned(), json!({ "code": STATUS_ERROR }));
            }
            told
        })
        .collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": [text("service.name", service)] },
        "scopeSpans": [{
            "scope": { "name": "memex", "version": env!("CARGO_PKG_VERSION") },
            "spans": spans,
        }],
    }] })
}
