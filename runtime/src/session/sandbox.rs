//! An image bound to a policy: what sessions are made from.

use super::live::{Live, NotInstantiated};
use super::reply::ERROR_ANSWER_BYTES_MAX;
use crate::engine::Metering;
use crate::error::Error;
use crate::host::{Clock, Equipment, Host, HostParts, Random};
use crate::image::{Image, LoadedCode, Progress};
use crate::interrupt::{Interrupter, Pulse};
use crate::memory::MemoryImage;
use crate::runtime::{Population, Runtime};
use crate::state::HeapState;
use cap_std::fs::Dir;
use memex_filesystem::{FileSystem, Namespace, Quota};
use memex_policies::{Access, Policy};
use std::sync::Arc;

/// Makes sessions of one image under one policy.
///
/// The policy's directories are opened here, once: a session never looks up a
/// path of the host again. Cheap to clone, safe to share between threads.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: Runtime,
    image: Image,
    policy: Arc<Policy>,
    population: Arc<Population>,
    code: Arc<LoadedCode>,
    namespace: Arc<Namespace>,
    /// The state that a session starts from: the image's, or that of a guest
    /// that was told about the policy.
    origin: HeapState,
}

impl Sandbox {
    /// Binds an image to a policy.
    ///
    /// A policy with fuel needs code of its own, which is compiled here when
    /// the cache does not have it.
    ///
    /// # Errors
    /// When a granted directory cannot be opened, or the code cannot be had.
    pub fn new(
        runtime: &Runtime,
        image: &Image,
        policy: Arc<Policy>,
        progress: &mut dyn Progress,
    ) -> Result<Self, Error> {
        let (image_bytes, limit) = (image.memory_bytes(), policy.limits.memory_bytes);
        if image_bytes > limit {
            return Err(Error::ImageTooLarge { image_bytes, limit });
        }
        let metering = if policy.limits.fuel.is_some() {
            Metering::Fuel
        } else {
            Metering::Deadline
        };
        Self::with_metering(runtime, image, policy, metering, progress)
    }

    /// Like [`Sandbox::new`] on code of the caller's choice, whatever the
    /// policy says: for measuring what the limits cost.
    ///
    /// # Errors
    /// As [`Sandbox::new`].
    #[doc(hidden)]
    pub fn with_metering(
        runtime: &Runtime,
        image: &Image,
        policy: Arc<Policy>,
        metering: Metering,
        progress: &mut dyn Progress,
    ) -> Result<Self, Error> {
        let stack_bytes = usize::try_from(policy.limits.wasm_stack_bytes).unwrap_or(usize::MAX);
        let code = image.code(metering, stack_bytes, progress)?;
        let namespace = Arc::new(namespace(image, &policy)?);
        let origin = HeapState::of_image(image.pool().image(), image.map().stack_pointer);
        let mut inner = Inner {
            runtime: runtime.clone(),
            image: image.clone(),
            population: runtime.population(&policy),
            policy,
            code,
            namespace,
            origin,
        };
        if let Some(request) = configuration(&inner.policy) {
            inner.origin = inner.configured(&request)?;
        }
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.inner.policy
    }

    /// The image.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.inner.image
    }

    /// Sessions alive that count against the policy's `live_sessions`: those of this
    /// sandbox, and of others of the same runtime whose policies are equal.
    #[must_use]
    pub fn live_sessions(&self) -> u64 {
        self.inner.population.live()
    }

    /// The same number for all sandboxes whose sessions count against one limit of
    /// `live_sessions`, and for no other as long as one of them lives.
    #[must_use]
    pub fn limits_key(&self) -> usize {
        Arc::as_ptr(&self.inner.population).addr()
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.inner.runtime
    }

    pub(crate) fn population(&self) -> &Arc<Population> {
        &self.inner.population
    }

    pub(crate) fn origin(&self) -> &HeapState {
        &self.inner.origin
    }

    pub(crate) fn memory_image(&self) -> &MemoryImage {
        self.inner.image.pool().image()
    }

    pub(crate) fn namespace(&self) -> &Arc<Namespace> {
        &self.inner.namespace
    }

    pub(crate) fn quota(&self) -> Quota {
        quota(&self.inner.policy)
    }

    pub(crate) fn is_metered(&self) -> bool {
        self.inner.code.is_metered()
    }

    /// The host's side of a new session.
    pub(crate) fn host(&self, pulse: Arc<Pulse>, equipment: Equipment) -> Host {
        self.inner.host(pulse, equipment)
    }

    /// A guest in the image's state.
    pub(crate) fn instantiate(&self, host: Host) -> Result<Live, NotInstantiated> {
        let mut live = self.inner.instantiate(host)?;
        self.allow_forks(&mut live);
        Ok(live)
    }

    /// Lets a guest be forked from inside of its calls.
    pub(super) fn allow_forks(&self, live: &mut Live) {
        let image = &self.inner.image;
        live.allow_forks(image.name_bytes(), image.pool().image());
    }
}

impl Inner {
    fn host(&self, pulse: Arc<Pulse>, equipment: Equipment) -> Host {
        let policy = &self.policy;
        Host::new(HostParts {
            files: FileSystem::new(Arc::clone(&self.namespace), quota(policy)),
            clock: Clock::new(policy.clock, 0),
            random: Random::new(policy.randomness),
            interrupter: Interrupter {
                pulse,
                watchdog: Arc::clone(self.runtime.watchdog()),
            },
            equipment,
            limits: policy.limits.clone(),
            natives: policy.natives.clone(),
        })
    }

    fn instantiate(&self, host: Host) -> Result<Live, NotInstantiated> {
        Live::new(
            &self.code,
            self.image.pool(),
            self.image.map(),
            self.runtime.dirty_tracking(),
            host,
        )
    }

    /// The state of a guest that was told about the policy.
    fn configured(&self, request: &str) -> Result<HeapState, Error> {
        let host = self.host(Arc::new(Pulse::default()), Equipment::default());
        let mut live = self.instantiate(host)?;
        let configure = self.image.map().entries.configure;
        let answer = live.call(
            configure,
            &[request.as_bytes()],
            ERROR_ANSWER_BYTES_MAX,
            <[u8]>::to_vec,
        );
        let answer = answer.map_err(|e| Error::Calibration(format!("configure: {e}")))?;
        if !answer.is_empty() {
            let text = String::from_utf8_lossy(&answer).into_owned();
            return Err(Error::Calibration(format!("configure: {text}")));
        }
        let mut state = self.origin.clone();
        live.refresh(&mut state, self.image.pool().image())?;
        live.retire(self.image.pool());
        Ok(state)
    }
}

fn quota(policy: &Policy) -> Quota {
    let limits = &policy.limits;
    Quota {
        open_files: limits.open_files,
        file_bytes: limits.file_bytes,
        files: limits.files,
    }
}

/// Opens what the policy grants.
fn namespace(image: &Image, policy: &Policy) -> Result<Namespace, Error> {
    let mut builder = image.library()?.scratch(policy.scratch.enabled);
    for grant in &policy.directories {
        let directory =
            Dir::open_ambient_dir(&grant.host, cap_std::ambient_authority()).map_err(|source| {
                Error::Grant {
                    path: grant.host.clone(),
                    guest: grant.guest.clone(),
                    source,
                }
            })?;
        let access = match grant.access {
            Access::ReadOnly => memex_filesystem::Access::ReadOnly,
            Access::ReadWrite => memex_filesystem::Access::ReadWrite,
        };
        builder = builder.directory(&grant.guest, directory, access);
    }
    Ok(builder.build()?)
}

/// Where a grant holds fonts for figures.
const FONTS: &str = "/fonts";

/// What the guest has to be told about a policy, if it differs from what the
/// image was warmed with.
fn configuration(policy: &Policy) -> Option<String> {
    let defaults = memex_policies::Limits::default();
    let limits = &policy.limits;
    let has_fonts = policy.directories.iter().any(|grant| grant.guest == FONTS);
    if limits.recursion_depth == defaults.recursion_depth
        && limits.value_bytes == defaults.value_bytes
        && policy.environment.is_empty()
        && !has_fonts
    {
        return None;
    }
    let request = serde_json::json!({
        "recursion_depth": limits.recursion_depth,
        "value_bytes": limits.value_bytes,
        "environment": policy.environment,
        "fonts": has_fonts.then_some(FONTS),
    });
    Some(request.to_string())
}
