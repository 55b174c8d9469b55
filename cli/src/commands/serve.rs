//! `memex serve`: sandboxes for other programs.

mod reloading;

use self::reloading::{Reloading, environment};
use crate::console::print_line;
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{at_place, usage};
use anyhow::{Context as _, Result};
use clap::Args;
use memex_server::config::{Config, DEFAULT_TENANT, TlsConfig};
use memex_server::error::{ErrorKind, ServiceError};
use memex_server::http::{ServeOptions, bind, serve};
use memex_server::keys::{KeyFile, NewKey};
use memex_server::service::Service;
use memex_server::tenants::Scope;
use memex_tls::Certificates;
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "\
The first line of standard output is {\"url\": …, \"key\": …}; the key is null unless --dev made
one. Logs are JSON lines on standard error. SIGTERM lets turns end, saves everything and exits;
a second one interrupts the turns. SIGHUP reads keys, tenants and the certificate again.

Examples:
  memex serve --dev                                   the loopback, a new key, any port
  memex serve --config /etc/memex.toml                with its table [serve]
  memex key add --tenant acme && memex serve --listen 0.0.0.0:8700
  memex serve --listen 0.0.0.0:443 --tls-certificate chain.pem --tls-key key.pem

docs/serve.md describes [serve] in the configuration and the API; a running server has /docs and /openapi.json.";

/// What the keys are called that --dev makes.
const DEV_LABEL: &str = "made by --dev";

/// Where a server keeps its keys, records and snapshots.
#[derive(Debug, Args)]
pub(super) struct DataArguments {
    /// The server's data directory. Default: that of the file, or `server` in memex's own
    #[arg(long, value_name = "DIR", env = "MEMEX_SERVE_DATA")]
    pub(super) data: Option<PathBuf>,
}

/// Serve sandboxes over HTTP
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArguments {
    /// Where to listen. Default: 127.0.0.1:8700; with --dev any free port
    #[arg(long, value_name = "ADDRESS:PORT", env = "MEMEX_SERVE_LISTEN")]
    listen: Option<SocketAddr>,
    /// For trying it: make a key, print it, and listen at the loopback
    #[arg(long)]
    dev: bool,
    /// Where snapshots are kept: a directory, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE", env = "MEMEX_SERVE_STORE")]
    store: Option<String>,
    /// Speak TLS with this chain of certificates, in PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        env = "MEMEX_SERVE_TLS_CERTIFICATE"
    )]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_certificate",
        env = "MEMEX_SERVE_TLS_KEY"
    )]
    tls_key: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
}

pub(super) fn execute(arguments: &ServeArguments, context: &Context) -> Result<ExitCode> {
    let mut config = context.configuration.serve.clone();
    if let Some(store) = &arguments.store {
        config.store = Some(store.clone());
    }
    let listen = address(arguments, &config)?;
    let data = data_directory(&arguments.data, config.data.as_deref(), context)?;
    config.data = Some(data.clone());
    let tls = tls_option(arguments);
    let certificates = certificates(tls.as_ref().or(config.tls.as_ref()))?;
    log_as_json();
    let tenants = config
        .tenants()
        .map_err(|what| usage(what, "correct [serve] in the configuration"))?;
    let agents = config.agents(&environment);
    let agents =
        agents.map_err(|what| usage(what, "correct [serve.agents] in the configuration"))?;
    let webhooks = config.webhooks(&environment);
    let webhooks = webhooks.map_err(|what| usage(what, "correct [[serve.webhooks]]"))?;
    let collector = config.collector();
    let collector = collector.map_err(|what| usage(what, "correct [serve.traces]"))?;
    end_dev_keys(&data)?;
    let key = match arguments.dev {
        false => None,
        true => Some(dev_key(
            &data,
            tenants
                .first()
                .map_or(DEFAULT_TENANT, |tenant| tenant.name()),
        )?),
    };
    let service = Service::open(config.service(&data), tenants, context.host()).map_err(told)?;
    service.set_agents(agents);
    service.set_webhooks(webhooks, None);
    service.set_collector(collector);
    let runtime = context.runtime()?;
    let (stop, hurry) = (CancellationToken::new(), CancellationToken::new());
    runtime.block_on(async {
        watch_signals(stop.clone(), hurry.clone())?;
        let listener = bind(&service, listen).await.map_err(told)?;
        let address = listener.local_addr().context("the address is not known")?;
        let reloading = Reloading {
            file: context.configuration_file.clone(),
            started_with: context.configuration.serve.clone(),
            tls,
            certificates: certificates.clone(),
            service: service.clone(),
        };
        reloading.on_signals(stop.clone())?;
        let scheme = certificates.as_ref().map_or("http", |_| "https");
        let url = format!("{scheme}://{address}");
        print_line(&json!({ "url": url, "key": key }).to_string());
        let options = ServeOptions {
            certificates,
            ..config.serving()
        };
        serve(service, listener, options, stop, hurry).await;
        anyhow::Ok(())
    })?;
    end_dev_keys(&data)?;
    Ok(ExitCode::SUCCESS)
}

fn tls_option(arguments: &ServeArguments) -> Option<TlsConfig> {
    Some(TlsConfig {
        certificate: arguments.tls_certificate.clone()?,
        key: arguments.tls_key.clone()?,
    })
}

fn certificates(tls: Option<&TlsConfig>) -> Result<Option<Arc<Certificates>>> {
    let Some(tls) = tls else {
        return Ok(None);
    };
    let opened = Certificates::open(&tls.certificate, &tls.key);
    opened.map(Some).map_err(|error| {
        usage(
            error.to_string(),
            "name the chain of certificates and its key, both in PEM and readable for the server",
        )
    })
}

fn address(arguments: &ServeArguments, config: &Config) -> Result<SocketAddr> {
    let standard = if arguments.dev { 0 } else { 8700 };
    let wanted = arguments.listen.or(config.listen);
    let address = wanted.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], standard)));
    if arguments.dev && !address.ip().is_loopback() {
        return Err(usage(
            format!("{address} can be reached from other machines, and --dev is for this one"),
            "make keys with `memex key add`, and serve without --dev",
        ));
    }
    Ok(address)
}

/// The data directory of a server.
pub(super) fn data_directory(
    arguments: &DataArguments,
    configured: Option<&Path>,
    context: &Context,
) -> Result<PathBuf> {
    let named = arguments
        .data
        .clone()
        .or_else(|| configured.map(Path::to_owned));
    let standard = || Some(context.data_directory()?.join("server"));
    named.or_else(standard).ok_or_else(|| {
        usage(
            "there is no data directory: neither HOME nor XDG_DATA_HOME is an absolute path",
            "name one with --data DIR",
        )
    })
}

/// A key for trying the server; it ends with the server.
fn dev_key(data: &Path, tenant: &str) -> Result<String> {
    let made = || -> std::io::Result<String> {
        let new = NewKey {
            tenant: tenant.to_owned(),
            scopes: Scope::ALL.to_vec(),
            expires_ms: None,
            label: Some(DEV_LABEL.to_owned()),
        };
        Ok(KeyFile::of(data)?.add(new)?.0)
    };
    made().map_err(|error| at_place(data, error, "name another data directory with --data"))
}

/// Ends the keys of earlier tries, of which one may have been killed.
fn end_dev_keys(data: &Path) -> Result<()> {
    let ended = || -> std::io::Result<()> {
        let file = KeyFile::of(data)?;
        for old in file.read()? {
            if old.label.as_deref() == Some(DEV_LABEL) {
                file.revoke(&old.id)?;
            }
        }
        Ok(())
    };
    ended().map_err(|error| at_place(data, error, "name another data directory with --data"))
}

/// The first SIGTERM or Ctrl-C stops the server, the second one its turns.
fn watch_signals(stop: CancellationToken, hurry: CancellationToken) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        for token in [stop, hurry] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(())
}

fn log_as_json() {
    let logs = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(std::io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO);
    // Nothing else in this process logs.
    let _set = logs.try_init();
}

fn told(error: ServiceError) -> anyhow::Error {
    match error.kind {
        ErrorKind::Internal => anyhow::Error::new(error),
        _ => usage(error.message, error.remedy),
    }
}
