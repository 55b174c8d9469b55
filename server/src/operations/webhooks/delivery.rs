//! Queues, attempts and pauses.

use std::sync::Arc;
use std::time::Duration;

use memex_external::egress::HttpRequest;
use parking_lot::RwLock;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::notice::Notice;
use super::settings::WebhookTarget;
use super::signature::signature;
use crate::clock::now_ms;
use crate::names::Id;
use crate::operations::metrics::Metrics;

/// Notices that wait for one target; further ones are dropped.
const QUEUE_MAX: usize = 1_000;
/// Attempts for one notice: the last one comes about four minutes after the first.
const ATTEMPTS_MAX: u32 = 8;
/// The pause after the first; each is twice the one before.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// All targets. Without any, a notice costs a look at an empty list.
#[derive(Debug)]
pub(crate) struct Webhooks {
    lines: RwLock<Vec<Line>>,
    metrics: Arc<Metrics>,
}

/// The way to one target.
#[derive(Debug)]
struct Line {
    target: Arc<WebhookTarget>,
    queue: mpsc::Sender<Waiting>,
    task: JoinHandle<()>,
}

/// A notice on its way.
#[derive(Debug)]
struct Waiting {
    id: Id,
    body: Vec<u8>,
    kind: &'static str,
}

impl Webhooks {
    pub(crate) fn new(metrics: &Arc<Metrics>) -> Self {
        Self {
            lines: RwLock::default(),
            metrics: Arc::clone(metrics),
        }
    }

    /// Takes other targets in place of those before, whose notices are still delivered.
    pub(crate) fn set(&self, targets: Vec<WebhookTarget>, pause: Option<Duration>, on: &Handle) {
        let pause = pause.unwrap_or(PAUSE);
        let fresh = targets.into_iter().map(|target| {
            let (queue, waiting) = mpsc::channel(QUEUE_MAX);
            let target = Arc::new(target);
            let metrics = Arc::clone(&self.metrics);
            let task = on.spawn(deliver(Arc::clone(&target), waiting, metrics, pause));
            Line {
                target,
                queue,
                task,
            }
        });
        let fresh = fresh.collect();
        *self.lines.write() = fresh;
    }

    /// Tells the targets that want to know. Never waits.
    pub(crate) fn tell(&self, notice: &Notice) {
        let lines = self.lines.read();
        let mut told: Option<(Id, Vec<u8>)> = None;
        for line in lines.iter().filter(|line| line.target.wants(notice)) {
            if told.is_none() {
                let Ok(id) = Id::random() else {
                    self.metrics.webhooks_dropped.add(1);
                    return;
                };
                let body = notice.body(&id, now_ms()).to_string().into_bytes();
                told = Some((id, body));
            }
            let Some((id, body)) = &told else { return };
            let waiting = Waiting {
                id: *id,
                body: body.clone(),
                kind: notice.kind.name(),
            };
            if line.queue.try_send(waiting).is_err() {
                self.metrics.webhooks_dropped.add(1);
            }
        }
    }

    /// Gives what waits so much time, and ends.
    pub(crate) async fn end(&self, wait: Duration) {
        let lines = std::mem::take(&mut *self.lines.write());
        let until = tokio::time::Instant::now() + wait;
        for Line { queue, task, .. } in lines {
            // Without a sender the task ends once the queue is empty.
            drop(queue);
            let abort = task.abort_handle();
            if tokio::time::timeout_at(until, task).await.is_err() {
                abort.abort();
            }
        }
    }
}

impl WebhookTarget {
    fn wants(&self, notice: &Notice) -> bool {
        let is_meant = self.tenants.as_ref();
        self.events.contains(&notice.kind)
            && is_meant.is_none_or(|tenants| tenants.contains(&notice.tenant))
    }
}

/// Delivers notices one after another.
async fn deliver(
    target: Arc<WebhookTarget>,
    mut queue: mpsc::Receiver<Waiting>,
    metrics: Arc<Metrics>,
    first_pause: Duration,
) {
    while let Some(notice) = queue.recv().await {
        let mut pause = first_pause;
        for attempt in 1..=ATTEMPTS_MAX {
            match attempted(&target, &notice).await {
                Ok(()) => {
                    metrics.webhooks_delivered.add(1);
                    break;
                }
                Err(error) if attempt == ATTEMPTS_MAX => {
                    metrics.webhooks_failed.add(1);
                    tracing::warn!(id = %notice.id, error, "a webhook is given up");
                }
                Err(error) => {
                    tracing::info!(id = %notice.id, attempt, error, "a webhook is tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }
}

async fn attempted(target: &WebhookTarget, notice: &Waiting) -> Result<(), String> {
    let signed = signature(&target.secret, now_ms() / 1_000, &notice.body);
    let signed = signed.ok_or("the secret cannot be used")?;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = HttpRequest {
        headers: vec![
            header("content-type", "application/json"),
            header("memex-event", notice.kind),
            header("memex-event-id", notice.id.as_str()),
            header("memex-signature", &signed),
        ],
        body: notice.body.clone(),
        follow_redirects: false,
        ..HttpRequest::new("POST", target.url.clone())
    };
    let answer = target.egress.request("webhook", request).await;
    let answer = answer.map_err(|error| error.to_string())?;
    match answer.status {
        200..300 => Ok(()),
        status => Err(format!("the target answered {status}")),
    }
}
