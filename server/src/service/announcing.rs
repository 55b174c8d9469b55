//! What goes to the operator's webhooks and collector.

use std::time::Duration;

use super::entry::Entry;
use super::state::{Inner, Service};
use crate::operations::traces::{Collector, Traces};
use crate::operations::webhooks::{Kind, Notice, WebhookTarget};

/// How long notices have that wait when the server stops.
const WAIT: Duration = Duration::from_secs(3);

impl Service {
    /// Takes the targets of webhooks, in place of those before. `pause` is that after the
    /// first attempt that failed; by default a second.
    pub fn set_webhooks(&self, targets: Vec<WebhookTarget>, pause: Option<Duration>) {
        match self.inner.host.runtime() {
            Ok(runtime) => self.inner.webhooks.set(targets, pause, &runtime),
            Err(error) => tracing::error!(%error, "webhooks cannot be delivered"),
        }
    }

    /// Takes the collector of traces, in place of the one before.
    pub fn set_collector(&self, collector: Option<Collector>) {
        match self.inner.host.runtime() {
            Ok(runtime) => self.inner.traces.set(collector, &runtime),
            Err(error) => tracing::error!(%error, "traces cannot be sent"),
        }
    }

    /// What requests are traced to.
    pub(crate) fn traces(&self) -> &Traces {
        &self.inner.traces
    }

    /// Gives notices and spans that wait a moment.
    pub(crate) async fn end_telling(&self) {
        tokio::join!(self.inner.webhooks.end(WAIT), self.inner.traces.end(WAIT));
    }
}

impl Inner {
    /// Tells what happened to a sandbox.
    pub(super) fn announce(&self, kind: Kind, entry: &Entry, detail: Option<&str>) {
        self.webhooks.tell(&Notice {
            kind,
            tenant: entry.tenant.name().to_owned(),
            subject: entry.id.to_string(),
            detail: detail.map(str::to_owned),
        });
    }

    /// Tells how a run ended.
    pub(super) fn announce_run(&self, tenant: &str, run: &str, status: &str) {
        self.webhooks.tell(&Notice {
            kind: Kind::RunEnded,
            tenant: tenant.to_owned(),
            subject: run.to_owned(),
            detail: Some(status.to_owned()),
        });
    }
}
