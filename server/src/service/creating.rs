//! Making sandboxes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use memex_runtime::Generators;
use memex_sessions::{check_inputs, fork, put_inputs};
use serde_json::Value;

use super::asking::{check_sizes, narrowed};
use super::assembling::no_room;
use super::entry::{Entry, snapshot_name, store_name};
use super::registry::Known;
use super::running::check_key;
use super::state::{Inner, Service};
use super::waking::store_failed;
use crate::clock::{millis, now_ms};
use crate::error::{ErrorKind, ServiceError};
use crate::json::taken;
use crate::ledger::{Lifetime, Profile, Record, VERSION};
use crate::names::Id;
use crate::operations::webhooks::Kind as Notified;
use crate::sandbox::{Create, Durability, Narrowing, Origin, SandboxView};
use crate::tenants::{HeldBody, Principal, Scope, Tenant};

impl Service {
    /// Makes a sandbox. An equal request with the same key gets the same sandbox.
    ///
    /// # Errors
    /// What is wrong with the request, and which quota is in the way.
    pub async fn create(
        &self,
        who: &Principal,
        request: Create,
    ) -> Result<SandboxView, ServiceError> {
        let inner = &self.inner;
        who.require(Scope::Create)?;
        inner.check_ready()?;
        let mut asked = None;
        if let Some(key) = request.idempotency_key.clone() {
            check_key(&key)?;
            let tenant = who.tenant().to_owned();
            let digest = blake3::hash(format!("{request:?}").as_bytes())
                .to_hex()
                .to_string();
            if let Known::Made(id) = inner.registry.ask(&tenant, &key, &digest)? {
                return inner.look(who, &id).map(|entry| inner.view(&entry));
            }
            asked = Some(Asked {
                inner: Arc::clone(inner),
                tenant,
                key,
                digest,
                made: None,
            });
        }
        if asked.is_none() && inner.is_plain(&request) {
            // It is made before anybody could go away.
            return inner.create(who, request, None).await;
        }
        // Who asked may go away in the middle: it is made all the same, or taken back.
        let (inner, who) = (Arc::clone(inner), who.clone());
        let making = tokio::spawn(async move {
            let keyed = asked.as_ref();
            let keyed = keyed.map(|asked| (asked.key.clone(), asked.digest.clone()));
            let made = inner.create(&who, request, keyed).await?;
            if let Some(asked) = &mut asked {
                asked.made = Some(made.id);
            }
            Ok(made)
        });
        let made = making.await;
        made.unwrap_or_else(|_| Err(ServiceError::internal("making the sandbox met a fault")))
    }
}

/// A request that is being worked on; dropped, it is told what came of it.
struct Asked {
    inner: Arc<Inner>,
    tenant: String,
    key: String,
    digest: String,
    made: Option<Id>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Self {
            tenant,
            key,
            digest,
            made,
            ..
        } = self;
        self.inner.registry.tell(tenant, key, digest, made.take());
    }
}

impl Inner {
    async fn create(
        self: &Arc<Self>,
        who: &Principal,
        mut request: Create,
        keyed: Option<(String, String)>,
    ) -> Result<SandboxView, ServiceError> {
        let tenant = &who.tenant;
        check_sizes(&request)?;
        check_inputs(&request.inputs).map_err(|error| input_refused(&error))?;
        let lifetime = self.lifetime(tenant, request.lifetime)?;
        let held = match request.inputs.is_empty() {
            true => None,
            false => Some(HeldBody::admit(tenant, taken(&request.inputs))?),
        };
        // Nothing is written for a request that a quota refuses.
        tenant.usage.admit(&tenant.quota(), 1)?;
        let admitted = Admitted(tenant, 1);
        let inputs = std::mem::take(&mut request.inputs);
        let own = Arc::clone(tenant);
        let entry = match self.is_plain(&request) {
            true => self.begun(&own, request, lifetime)?,
            false => {
                self.aside(move |inner| inner.begun(&own, request, lifetime))
                    .await?
            }
        };
        admitted.stays();
        let mut made = self.prepare(&entry, inputs, held).await;
        if let (Ok(()), Some(keyed)) = (&made, keyed) {
            // A server that is killed before this leaves no answer to an equal request.
            let own = Arc::clone(&entry);
            made = self
                .aside(move |inner| inner.change(&own, |record| record.request = Some(keyed)))
                .await;
        }
        if let Err(error) = made {
            self.abandon(&entry).await;
            return Err(error);
        }
        self.metrics.created.add(1);
        self.announce(Notified::Created, &entry, None);
        self.tell(who, "create", &entry.id, "ok", None);
        Ok(self.view(&entry))
    }

    /// Whether making a sandbox is one short write: it starts as those of its tenant do, and
    /// nothing waits for the disk.
    fn is_plain(&self, request: &Create) -> bool {
        let durability = request.durability.unwrap_or(self.options.durability);
        self.is_quick(durability)
            && matches!(request.origin, Origin::Default)
            && request.narrowing == Narrowing::default()
            && request.environment.is_empty()
            && request.tools.is_empty()
    }

    /// Writes down what a request asks for.
    fn begun(
        &self,
        tenant: &Arc<Tenant>,
        request: Create,
        lifetime: Duration,
    ) -> Result<Arc<Entry>, ServiceError> {
        let (profile, parent) = self.profile_of(tenant, &request)?;
        let id = Id::random().map_err(|error| no_room(&error))?;
        let durability = request.durability.unwrap_or(self.options.durability);
        if let Origin::Snapshot(snapshot) = request.origin {
            self.copy_state(
                tenant.name(),
                &snapshot_name(tenant.name(), &snapshot),
                &id,
                None,
            )?;
        }
        let now = now_ms();
        let record = Record {
            version: VERSION,
            id,
            created_ms: now,
            profile: profile.name.clone(),
            parent,
            metadata: request.metadata,
            lifetime: Lifetime::Until(now.saturating_add(millis(lifetime))),
            granted_ms: millis(lifetime),
            on_timeout: request.on_timeout,
            durability,
            request: None,
            ended: None,
        };
        self.enter(tenant, profile, record)
    }

    /// Gives a sandbox to the registry, once its record is on disk.
    pub(super) fn enter(
        &self,
        tenant: &Arc<Tenant>,
        profile: Arc<Profile>,
        record: Record,
    ) -> Result<Arc<Entry>, ServiceError> {
        let durable = record.durability == Durability::Power;
        let written = self.folder.write_record(tenant.name(), &record, durable);
        written.map_err(|error| no_room(&error))?;
        let entry = Arc::new(Entry::new(Arc::clone(tenant), profile, record));
        self.registry.insert(Arc::clone(&entry));
        Ok(entry)
    }

    /// What can only be refused by trying: the image, the tools and the inputs.
    async fn prepare(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        inputs: BTreeMap<String, Value>,
        held: Option<HeldBody>,
    ) -> Result<(), ServiceError> {
        let is_known = {
            let assembled = self.assembled.lock();
            assembled
                .iter()
                .any(|(name, _)| *name == entry.profile.name)
        };
        if is_known && inputs.is_empty() {
            return Ok(());
        }
        let prepared = self.on_thread(entry, move |inner, entry, body| {
            let _held = held;
            inner.assemble(&entry.profile)?;
            if inputs.is_empty() {
                return Ok(());
            }
            let put =
                inner.with_session(entry, body, move |session| put_inputs(session, &inputs))?;
            put.map_err(|error| input_refused(&error))?;
            inner.save_now(entry, body, "inputs")
        });
        prepared.await
    }

    /// Takes a sandbox back that could not be made.
    async fn abandon(self: &Arc<Self>, entry: &Arc<Entry>) {
        // One that has ended meanwhile was counted then.
        let Ok(mut body) = self.body(entry).await else {
            return;
        };
        let used = Arc::clone(entry);
        let abandoned = self.aside(move |inner| {
            inner.forget_session(&used, &mut body);
            body.is_gone = true;
            inner.registry.remove(&used.id);
            used.set_stored(0);
            used.tenant.usage.left(1);
            let _absent = inner
                .store(Durability::Process)
                .remove_session(&used.store_name());
            let removed = inner.folder.remove_record(used.tenant.name(), &used.id);
            removed.map_err(|error| no_room(&error))
        });
        if let Err(error) = abandoned.await {
            tracing::warn!(sandbox = %entry.id, %error, "a record stays that nobody needs");
        }
    }

    /// How long a sandbox is to live.
    pub(super) fn lifetime(
        &self,
        tenant: &Tenant,
        wanted: Option<Duration>,
    ) -> Result<Duration, ServiceError> {
        let lifetime = wanted.unwrap_or(tenant.lifetime());
        match lifetime <= tenant.lifetime_max() {
            true => Ok(lifetime),
            false => Err(ServiceError::invalid(
                format!(
                    "a sandbox lives for {} s at most, and {} s were asked for",
                    tenant.lifetime_max().as_secs(),
                    lifetime.as_secs()
                ),
                "ask for less, and extend it while it is used",
            )),
        }
    }

    fn profile_of(
        &self,
        tenant: &Tenant,
        request: &Create,
    ) -> Result<(Arc<Profile>, Option<Id>), ServiceError> {
        let mut tools = request.tools.clone();
        let (image, base, parent) = match &request.origin {
            Origin::Default => (self.image.clone(), tenant.policy(), None),
            Origin::Image(name) if *name == self.image || tenant.may_name(name) => {
                (name.clone(), tenant.policy(), None)
            }
            Origin::Image(name) => {
                let name: String = name.chars().take(100).collect();
                return Err(ServiceError::new(
                    ErrorKind::Invalid,
                    "unknown-image",
                    format!("there is no image {name:?} for this tenant"),
                    "leave it out for the standard image, or ask the operator to permit it",
                ));
            }
            Origin::Snapshot(id) => {
                let snapshot = self.snapshot_record(tenant.name(), id)?;
                let profile = self.profile_named(&snapshot.profile)?;
                self.check_policy(tenant, &profile)?;
                if tools.is_empty() {
                    tools.clone_from(&profile.tools);
                }
                (
                    profile.image.clone(),
                    Arc::clone(&profile.policy),
                    Some(snapshot.id),
                )
            }
        };
        let is_plain = request.narrowing == Narrowing::default() && request.environment.is_empty();
        if is_plain && tools.is_empty() {
            return Ok((self.standard_profile(&image, &base)?, parent));
        }
        let policy = match is_plain {
            true => base,
            false => Arc::new(narrowed(&base, request)?),
        };
        Ok((self.profile(&image, policy, tools)?, parent))
    }

    /// The profile that a record names.
    pub(super) fn profile_named(&self, name: &str) -> Result<Arc<Profile>, ServiceError> {
        if let Some(known) = self.registry.profile(name) {
            return Ok(known);
        }
        let _writing = self.profiles_on_disk.lock();
        let read = self.folder.profile(name).map_err(|error| no_room(&error))?;
        Ok(self.registry.share(read))
    }

    /// Gives a saved state to a sandbox, with random generators of its own.
    pub(super) fn copy_state(
        &self,
        tenant: &str,
        from: &str,
        to: &Id,
        turn: Option<u64>,
    ) -> Result<(), ServiceError> {
        let store = self.store(Durability::Process).as_ref();
        let copied = fork(
            store,
            from,
            &store_name(tenant, to),
            turn,
            Generators::Fresh,
        );
        copied.map(|_| ()).map_err(|error| match error {
            memex_sessions::Error::Store(error) => store_failed(&error),
            memex_sessions::Error::NoTurn { turn, newest, .. } => no_turn(turn, newest),
            error => ServiceError::internal(error.to_string()),
        })
    }
}

/// A turn that the history does not have.
pub(super) fn no_turn(turn: u64, newest: u64) -> ServiceError {
    ServiceError::new(
        ErrorKind::NotFound,
        "no-turn",
        format!("there is no saved turn {turn}; the newest is {newest}"),
        "the sandbox's history lists the turns that can be gone back to",
    )
}

/// Sandboxes that were admitted, and are given back unless they stay.
pub(super) struct Admitted<'a>(pub(super) &'a Tenant, pub(super) usize);

impl Admitted<'_> {
    pub(super) fn stays(self) {
        std::mem::forget(self);
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.0.usage.left(self.1);
    }
}

fn input_refused(error: &memex_sessions::Error) -> ServiceError {
    ServiceError::invalid(
        error.to_string(),
        "send a smaller value under a Python name",
    )
}
