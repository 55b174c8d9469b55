//! The service, and who may ask it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use memex_policies::Policy;
use memex_runtime::{NoProgress, Sandbox};
use memex_sessions::{Host, ImageSource, Pool, PoolOptions, PoolStats, Tools};
use memex_snapshots::{SessionLock, SnapshotStore};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::entry::{Entry, Use};
use super::options::ServiceOptions;
use super::registry::{Registry, gone, paused};
use super::running_agents::{Memories, RunningAgents};
use super::stores::stores;
use crate::error::{ErrorKind, ServiceError};
use crate::keys::{KeyFile, Ring, Tokens};
use crate::ledger::{Folder, Lifetime, Profile};
use crate::names::Id;
use crate::operations::traces::Traces;
use crate::operations::webhooks::Webhooks;
use crate::operations::{Audit, Metrics, Shown};
use crate::queue::Workers;
use crate::sandbox::{Durability, EndReason, Ended, OnTimeout, State};
use crate::tenants::{Principal, Scope, Scopes, Tenant};

/// Requests that wait for one sandbox.
const USERS_MAX: usize = 64;
/// Threads that wait for the store or the disk, besides those of turns.
const ASIDES_MAX: usize = 32;
/// The lock that says whose the store is.
const LOCK: &str = "memex-server";

/// Keeps the sandboxes of tenants. Cheap to clone; the last one that is dropped ends the
/// threads, and everything that was saved stays.
#[derive(Clone)]
pub struct Service {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) options: ServiceOptions,
    pub(super) host: Host,
    /// What the standard image is called.
    pub(super) image: String,
    pub(super) folder: Folder,
    /// What survives the end of the process.
    store: Arc<dyn SnapshotStore>,
    /// What survives a loss of power.
    durable: Arc<dyn SnapshotStore>,
    /// Whether both are on this machine.
    is_local: bool,
    pub(super) pool: Pool,
    pub(super) workers: Workers,
    pub(super) registry: Registry,
    pub(super) assembled: Mutex<Vec<(String, Arc<Assembled>)>>,
    /// Those of the operator's file, and those that it named before.
    pub(super) tenants: RwLock<Vec<Arc<Tenant>>>,
    /// Profiles of policies as tenants have them, the newest last.
    pub(super) standard: Mutex<Vec<Standard>>,
    keys: KeyFile,
    ring: RwLock<Ring>,
    pub(super) keys_changed: Mutex<Option<SystemTime>>,
    tokens: Tokens,
    pub(super) metrics: Arc<Metrics>,
    pub(super) audit: Audit,
    is_draining: AtomicBool,
    pub(super) is_collecting: AtomicBool,
    /// Names in the store that belonged to nobody at the last look.
    pub(super) ownerless: Mutex<HashSet<String>>,
    /// Held while a profile is written or removed.
    pub(super) profiles_on_disk: Mutex<()>,
    /// Whether the machine's clock is far from the service's.
    pub(super) is_apart: AtomicBool,
    /// Places for what is done aside.
    pub(super) asides: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
    pub(super) last_collection_ms: AtomicU64,
    pub(super) agents: RunningAgents,
    pub(super) memories: Memories,
    pub(super) webhooks: Webhooks,
    pub(super) traces: Traces,
    _lock: SessionLock,
}

/// What the sessions of a profile are made from.
pub(super) struct Assembled {
    pub(super) sandbox: Sandbox,
    pub(super) tools: Option<Tools>,
}

/// The profile of a policy without tools.
pub(super) struct Standard {
    pub(super) policy: Arc<Policy>,
    pub(super) profile: Arc<Profile>,
}

impl Service {
    /// Opens the data directory and the store, loads the standard image, and finds the
    /// sandboxes that are there. Blocks; the image is built when it is not there. `host`
    /// must have a tokio runtime, on which idle sandboxes are looked after until the
    /// service is dropped.
    ///
    /// # Errors
    /// What is wrong with the directory, the store or the image; also when another server
    /// has the store.
    pub fn open(
        options: ServiceOptions,
        tenants: Vec<Tenant>,
        host: &Host,
    ) -> Result<Self, ServiceError> {
        let failed = |what: &str, error: &dyn std::error::Error| -> ServiceError {
            ServiceError::internal(format!("cannot open {what}: {error}"))
        };
        let data = options.data.clone();
        let folder = Folder::open(&data).map_err(|e| failed("the data directory", &e))?;
        let stores = stores(&options, &folder, &data, host)?;
        let (store, durable) = (stores.store, stores.durable);
        let lock = store
            .lock_session(LOCK)
            .map_err(|e| failed("the store", &e))?;
        let images = host.images().map_err(|e| failed("the images", &e))?;
        let standard = images.image(&ImageSource::default(), &mut NoProgress);
        let standard = standard.map_err(|e| failed("the standard image", &e))?;
        let pool = Pool::new(PoolOptions {
            live_max: options.awake_max,
            memory_bytes: options.memory_bytes,
            wait: Duration::from_secs(60),
            ..PoolOptions::default()
        });
        let workers = Workers::start(options.threads).map_err(|e| failed("threads", &e))?;
        let keys = KeyFile::of(&data).map_err(|e| failed("the keys", &e))?;
        let tokens = Tokens::open(&data).map_err(|e| failed("the secret of tokens", &e))?;
        let audit = Audit::open(&data, options.audit_file_bytes)
            .map_err(|e| failed("the audit log", &e))?;
        let metrics: Arc<Metrics> = Arc::default();
        let service = Self {
            inner: Arc::new(Inner {
                image: standard.name().to_owned(),
                host: host.clone(),
                folder,
                store,
                durable,
                is_local: stores.is_local,
                pool,
                workers,
                registry: Registry::default(),
                assembled: Mutex::default(),
                standard: Mutex::default(),
                tenants: RwLock::new(tenants.into_iter().map(Arc::new).collect()),
                keys,
                ring: RwLock::default(),
                keys_changed: Mutex::new(None),
                tokens,
                metrics: Arc::clone(&metrics),
                audit,
                is_draining: AtomicBool::new(false),
                is_collecting: AtomicBool::new(false),
                ownerless: Mutex::default(),
                profiles_on_disk: Mutex::default(),
                is_apart: AtomicBool::new(false),
                asides: Arc::new(Semaphore::new(ASIDES_MAX)),
                stop: CancellationToken::new(),
                last_collection_ms: AtomicU64::new(crate::clock::now_ms()),
                options,
                agents: RunningAgents::default(),
                memories: Memories::default(),
                webhooks: Webhooks::new(&metrics),
                traces: Traces::new(&metrics),
                _lock: lock,
            }),
        };
        service
            .inner
            .read_keys()
            .map_err(|e| failed("the keys", &e))?;
        service
            .inner
            .find_sandboxes()
            .map_err(|e| failed("the sandboxes", &e))?;
        // The standard policy's code is linked before anybody waits for it.
        service.inner.warm()?;
        let runtime = host.runtime().map_err(|e| failed("the runtime", &e))?;
        service.inner.watch(&runtime);
        Ok(service)
    }

    /// Whose key this is. Takes the same time for every text that is no key.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`].
    pub fn authenticate(&self, key: &str) -> Result<Principal, ServiceError> {
        let inner = &self.inner;
        let found = {
            let ring = inner.ring.read();
            ring.find(key).map(|record| {
                (
                    record.id.clone(),
                    record.tenant.clone(),
                    record.scopes.clone(),
                )
            })
        };
        let Some((key, tenant, scopes)) = found else {
            inner.metrics.refused_keys.add(1);
            return Err(unauthenticated("the key is not valid"));
        };
        let tenant = inner
            .tenant(&tenant)
            .ok_or_else(|| unauthenticated("the key's tenant is not configured any more"))?;
        Ok(Principal {
            tenant,
            key,
            scopes: scopes.into_iter().collect(),
            only: None,
        })
    }

    /// The token of a sandbox, which permits running code and files in it alone, for as long
    /// as the key that asks for it is valid.
    ///
    /// # Errors
    /// When whoever asks may not do both, and when there is no such sandbox.
    pub fn access_token(&self, who: &Principal, id: &Id) -> Result<String, ServiceError> {
        who.require(Scope::Files)?;
        self.inner.entry(who, id, Scope::Run)?;
        Ok(self.inner.tokens.of(id, who.key()))
    }

    /// The tokens of a sandbox that something may be signed with, each with the name of its
    /// key: of one key, or of all that its tenant has.
    pub(crate) fn signing_tokens(&self, id: &Id, key: Option<&str>) -> Vec<(String, String)> {
        let Some(entry) = self.inner.registry.find_any(id) else {
            return Vec::new();
        };
        let ring = self.inner.ring.read();
        let keys = ring.of_tenant(entry.tenant.name());
        let keys = keys.filter(|record| key.is_none_or(|key| record.id == key));
        let tokens = keys.map(|record| (record.id.clone(), self.inner.tokens.of(id, &record.id)));
        tokens.collect()
    }

    /// Who shows the token of a sandbox.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`], also where there is no such sandbox.
    pub fn authenticate_token(&self, id: &Id, token: &str) -> Result<Principal, ServiceError> {
        let Some(key) = self.inner.tokens.key_of(id, token) else {
            self.inner.metrics.refused_keys.add(1);
            return Err(unauthenticated("the token is not that of the sandbox"));
        };
        self.signed_principal(id, key)
    }

    /// Whoever holds something that was signed with the token that a key got for a sandbox,
    /// once the caller has checked it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], and [`ErrorKind::Unauthenticated`] where the key has ended
    /// or does not permit any more what the token does.
    pub fn signed_principal(&self, id: &Id, key: &str) -> Result<Principal, ServiceError> {
        let entry = self.inner.registry.find_any(id);
        let entry = entry.ok_or_else(|| ServiceError::not_found("sandbox", id.as_str()))?;
        let permitted = [Scope::Run, Scope::Files];
        let ring = self.inner.ring.read();
        let record = ring.named(key).filter(|record| {
            record.tenant == entry.tenant.name()
                && entry.tenant.is_configured()
                && permitted.iter().all(|scope| record.scopes.contains(scope))
        });
        let Some(record) = record else {
            self.inner.metrics.refused_keys.add(1);
            return Err(unauthenticated(
                "the key that the token was given to is not valid any more",
            ));
        };
        Ok(Principal {
            tenant: Arc::clone(&entry.tenant),
            key: record.id.clone(),
            scopes: permitted.into_iter().collect::<Scopes>(),
            only: Some(*id),
        })
    }

    /// Whether a sandbox has ended, or was never there.
    pub(crate) fn is_gone(&self, id: &Id) -> bool {
        let entry = self.inner.registry.find_any(id);
        entry.is_none_or(|entry| entry.record.lock().ended.is_some())
    }

    /// Whether a sandbox takes requests, which is told without a key.
    #[must_use]
    pub fn is_running(&self, id: &Id) -> bool {
        self.inner.registry.find_any(id).is_some_and(|entry| {
            matches!(self.inner.view(&entry).state, State::Live | State::Asleep)
        })
    }

    /// Whether there is any key.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.inner.ring.read().len() > 0
    }

    /// Whether requests are taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.inner.is_draining()
    }

    /// What the service counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// How full the pool is, and how much work waits and runs.
    #[must_use]
    pub fn load(&self) -> (PoolStats, usize, usize) {
        let (waiting, running) = self.inner.workers.load();
        (self.inner.pool.stats(), waiting, running)
    }

    /// All figures, in the text format of Prometheus.
    #[must_use]
    pub fn figures(&self) -> String {
        let (pool, waiting, running) = self.load();
        let mut shown = Shown {
            waiting,
            running,
            sleeping_bytes: pool.memory_bytes,
            ..Shown::default()
        };
        for entry in self.inner.registry.all() {
            shown.stored_bytes = shown
                .stored_bytes
                .saturating_add(entry.stored_bytes.load(Ordering::Relaxed));
            match self.inner.view(&entry).state {
                State::Live => shown.live += 1,
                State::Asleep => shown.asleep += 1,
                State::Paused => shown.paused += 1,
                State::Gone(_) => {}
            }
        }
        self.inner.metrics.text(shown)
    }

    /// The tenants, by name.
    #[must_use]
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.inner.tenants.read().clone()
    }
}

impl Inner {
    pub(super) fn tenant(&self, name: &str) -> Option<Arc<Tenant>> {
        let tenants = self.tenants.read();
        let mut known = tenants.iter();
        known
            .find(|tenant| tenant.name() == name && tenant.is_configured())
            .cloned()
    }

    pub(super) fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.tenants.read().clone()
    }

    /// Where states of this durability go.
    pub(super) fn store(&self, durability: Durability) -> &Arc<dyn SnapshotStore> {
        match durability {
            Durability::Power => &self.durable,
            Durability::Process | Durability::Memory => &self.store,
        }
    }

    /// Whether something that is done in this way waits for no disk and no network, so that
    /// it needs no thread of its own.
    pub(super) fn is_quick(&self, durability: Durability) -> bool {
        self.is_local && durability != Durability::Power
    }

    /// Reads the file of keys, if it has changed.
    pub(super) fn read_keys(&self) -> std::io::Result<()> {
        let changed = self.keys.changed();
        let mut known = self.keys_changed.lock();
        if *known == changed && changed.is_some() {
            return Ok(());
        }
        let records = self.keys.read()?;
        *self.ring.write() = Ring::new(records);
        *known = changed;
        Ok(())
    }

    /// The sandbox that somebody may use in this way.
    pub(super) fn entry(
        &self,
        who: &Principal,
        id: &Id,
        scope: Scope,
    ) -> Result<Arc<Entry>, ServiceError> {
        who.require(scope)?;
        let entry = self.look(who, id)?;
        let ended = entry.record.lock().ended;
        match ended {
            Some(ended) => Err(gone(id, ended)),
            None => Ok(entry),
        }
    }

    /// The same, of sandboxes that have ended too.
    pub(super) fn look(&self, who: &Principal, id: &Id) -> Result<Arc<Entry>, ServiceError> {
        let is_meant = who.only.is_none_or(|only| only == *id);
        let entry = self.registry.find(who.tenant(), id).filter(|_| is_meant);
        entry.ok_or_else(|| ServiceError::not_found("sandbox", id.as_str()))
    }

    /// Counts a use of a sandbox, unless too many wait for it.
    pub(super) fn using(&self, entry: &Arc<Entry>) -> Result<Use, ServiceError> {
        self.check_ready()?;
        self.check_alive(entry)?;
        if entry.users.load(Ordering::SeqCst) >= USERS_MAX {
            return Err(ServiceError::new(
                ErrorKind::Exhausted,
                "busy",
                format!(
                    "{USERS_MAX} requests wait for the sandbox {} already",
                    entry.id
                ),
                "a sandbox runs one turn at a time; fork it, or wait for the turns before",
            )
            .retry_after(Duration::from_secs(1)));
        }
        Ok(entry.use_it())
    }

    /// Refuses the use of a sandbox whose end or pause is due, so that no use puts it off:
    /// uses that overlap would otherwise keep it from ever being free.
    fn check_alive(&self, entry: &Entry) -> Result<(), ServiceError> {
        let record = entry.record.lock();
        match record.lifetime {
            Lifetime::Until(at_ms) if record.lifetime.is_over(crate::clock::now_ms()) => {
                let reason = EndReason::Expired;
                Err(match record.on_timeout {
                    OnTimeout::Delete => gone(&entry.id, Ended { reason, at_ms }),
                    OnTimeout::Pause => paused(&entry.id),
                })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_ready(&self) -> Result<(), ServiceError> {
        match self.is_draining() {
            false => Ok(()),
            true => Err(ServiceError::new(
                ErrorKind::Unavailable,
                "draining",
                "the server is about to stop",
                "try again in a moment",
            )
            .retry_after(Duration::from_secs(1))),
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::SeqCst)
    }

    pub(super) fn begin_draining(&self) {
        self.is_draining.store(true, Ordering::SeqCst);
    }
}

fn unauthenticated(what: &str) -> ServiceError {
    ServiceError::new(
        ErrorKind::Unauthenticated,
        "unauthenticated",
        what,
        "make a key with `memex key add`, and send it as `Authorization: Bearer KEY`",
    )
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}
