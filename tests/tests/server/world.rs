//! A server in this process, with two tenants and a key for each.

use crate::client::Client;
use memex_journal::{Journal, Options};
use memex_server::config::Config;
use memex_server::http::{bind, serve};
use memex_server::keys::{KeyFile, NewKey};
use memex_server::service::{Service, ServiceOptions};
use memex_server::tenants::Scope;
use memex_sessions::Host;
use memex_snapshots::JournaledStore;
use memex_tests::cache_directory;
use memex_tls::Certificates;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Tenants `a` and `b` of the same standing, and `small`, whose quotas are.
const TENANTS: &str = "
[tenants.a]
[tenants.b]
[tenants.small.quota]
sandboxes = 4
turns = 1
waiting = 2
snapshots = 1
watchers = 2
[tenants.tight.quota]
turns = 1
body_bytes = 1_000
[tenants.poor.quota]
cpu_s_per_day = 0
[tenants.slow.quota]
creates_per_s = 0.1
";

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().unwrap()
    })
}

/// The images of the suite, loaded once.
fn host() -> Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    let host = HOST.get_or_init(|| {
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        let variables: BTreeMap<_, _> = std::env::vars_os().filter_map(named).collect();
        Host::new(runtime().handle().clone())
            .cache_directory(Some(cache_directory()))
            .variables(variables)
    });
    host.clone()
}

/// A running server.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) service: Service,
    stop: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A server with other options.
    pub(crate) fn with(change: impl FnOnce(&mut ServiceOptions)) -> Self {
        Self::on(tempfile::tempdir().unwrap(), change)
    }

    /// A server on a data directory that is there.
    pub(crate) fn on(folder: TempDir, change: impl FnOnce(&mut ServiceOptions)) -> Self {
        Self::of_tenants(TENANTS, folder, change)
    }

    /// The same with other tenants.
    pub(crate) fn of_tenants(
        tenants: &str,
        folder: TempDir,
        change: impl FnOnce(&mut ServiceOptions),
    ) -> Self {
        Self::serving(tenants, folder, change, None)
    }

    /// A server that speaks TLS.
    pub(crate) fn secure(certificates: Arc<Certificates>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::serving(TENANTS, folder, |_| {}, Some(certificates))
    }

    fn serving(
        tenants: &str,
        folder: TempDir,
        change: impl FnOnce(&mut ServiceOptions),
        certificates: Option<Arc<Certificates>>,
    ) -> Self {
        let config = Config::read(tenants).unwrap();
        let mut options = config.service(folder.path());
        options.threads = 8;
        change(&mut options);
        let service = Service::open(options, config.tenants().unwrap(), &host()).unwrap();
        let stop = CancellationToken::new();
        let listener = runtime()
            .block_on(bind(&service, SocketAddr::from(([127, 0, 0, 1], 0))))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = config.serving();
        serving.grace = Duration::from_secs(5);
        serving.certificates = certificates;
        let serving = runtime().spawn(serve(
            service.clone(),
            listener,
            serving,
            stop.clone(),
            CancellationToken::new(),
        ));
        Self {
            folder,
            address,
            service,
            stop,
            serving: Some(serving),
        }
    }

    /// A new key of a tenant, which the server knows already.
    pub(crate) fn key(&self, tenant: &str) -> String {
        self.key_for(tenant, &[Scope::Create, Scope::Run, Scope::Files])
    }

    pub(crate) fn key_for(&self, tenant: &str, scopes: &[Scope]) -> String {
        let new = NewKey {
            tenant: tenant.to_owned(),
            scopes: scopes.to_vec(),
            ..NewKey::default()
        };
        let (key, _) = self.keys().add(new).unwrap();
        eventually(|| self.service.authenticate(&key).is_ok());
        key
    }

    pub(crate) fn keys(&self) -> KeyFile {
        KeyFile::of(self.folder.path()).unwrap()
    }

    /// A client with a new key of a tenant.
    pub(crate) fn client(&self, tenant: &str) -> Client {
        Client::new(self.address, &self.key(tenant))
    }

    pub(crate) fn client_with(&self, key: &str) -> Client {
        Client::new(self.address, key)
    }

    /// Stops the server as SIGTERM does, and returns what it leaves.
    pub(crate) fn stopped(mut self) -> TempDir {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            runtime().block_on(serving).unwrap();
        }
        let Self {
            folder, service, ..
        } = self;
        let path = folder.path().to_owned();
        drop(service);
        // Threads that end hold the store for a moment.
        eventually(|| is_free(&path));
        folder
    }
}

fn is_free(data: &Path) -> bool {
    Journal::open(&data.join("ledger"), Options::default()).is_ok()
}

/// The states that a stopped server has left.
pub(crate) fn states(data: &Path) -> JournaledStore {
    let journal = Journal::open(&data.join("ledger"), Options::default()).unwrap();
    JournaledStore::open(Arc::new(journal), &data.join("store")).unwrap()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "it did not come to be"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
