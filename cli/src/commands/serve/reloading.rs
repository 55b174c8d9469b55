//! What a running server reads again on SIGHUP: keys, tenants, agents, webhooks and the certificate.

use crate::configuration::Configuration;
use anyhow::Result;
use memex_server::config::{Config, TlsConfig};
use memex_server::service::Service;
use memex_tls::Certificates;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A variable of the environment, which holds the keys of models.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A server that runs, and where its settings come from.
pub(super) struct Reloading {
    /// The operator's file, where there is one.
    pub(super) file: Option<PathBuf>,
    /// What the file said when the server started.
    pub(super) started_with: Config,
    /// The certificate, where options of the command name it: they stand above the file.
    pub(super) tls: Option<TlsConfig>,
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) service: Service,
}

impl Reloading {
    /// Reads everything again whenever the signal comes, until `stop`. Belongs in a tokio runtime.
    pub(super) fn on_signals(self, stop: CancellationToken) -> std::io::Result<()> {
        let mut hangups = signal(SignalKind::hangup())?;
        let reloading = Arc::new(self);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    signal = hangups.recv() => if signal.is_none() { return },
                }
                let reloading = Arc::clone(&reloading);
                // It reads files and links code.
                let done = tokio::task::spawn_blocking(move || reloading.reload()).await;
                if done.is_err() {
                    tracing::error!("reading the settings again met a fault");
                }
            }
        });
        Ok(())
    }

    /// Reads everything again. What is wrong with one part is logged, and leaves that part
    /// as it was.
    fn reload(&self) {
        let config = match self.read() {
            Ok(config) => config,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "the configuration stays as it was");
                return;
            }
        };
        if config.fixed() != self.started_with.fixed() {
            tracing::warn!(
                "settings other than tenants, agents, webhooks and the certificate are taken up when the server starts again"
            );
        }
        self.reload_certificate(&config);
        match config.agents(&environment) {
            Err(error) => tracing::error!(error, "the agents stay as they were"),
            Ok(agents) => self.service.set_agents(agents),
        }
        match config.webhooks(&environment) {
            Err(error) => tracing::error!(error, "the webhooks stay as they were"),
            Ok(webhooks) => self.service.set_webhooks(webhooks, None),
        }
        match config.collector() {
            Err(error) => tracing::error!(error, "the traces stay as they were"),
            Ok(collector) => self.service.set_collector(collector),
        }
        match config.tenants() {
            Err(error) => tracing::error!(error, "the tenants stay as they were"),
            Ok(tenants) => match self.service.reconfigure(tenants) {
                Err(error) => tracing::error!(%error, "the tenants are not all taken up"),
                Ok(done) => tracing::info!(
                    added = done.added.join(","),
                    kept = done.kept.join(","),
                    retired = done.retired.join(","),
                    "the configuration was read again"
                ),
            },
        }
    }

    fn read(&self) -> Result<Config> {
        match &self.file {
            Some(file) => Ok(Configuration::read_if_there(file)?.serve),
            None => Ok(self.started_with.clone()),
        }
    }

    fn reload_certificate(&self, config: &Config) {
        match (
            &self.certificates,
            self.tls.as_ref().or(config.tls.as_ref()),
        ) {
            (Some(certificates), Some(tls)) => {
                match certificates.reload(&tls.certificate, &tls.key) {
                    Ok(()) => tracing::info!("the certificate was read again"),
                    Err(error) => tracing::error!(%error, "the certificate stays as it was"),
                }
            }
            (None, None) => {}
            _ => tracing::warn!("TLS is begun and ended when the server starts again"),
        }
    }
}
