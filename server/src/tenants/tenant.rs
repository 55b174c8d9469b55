//! A tenant.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use memex_policies::Policy;
use parking_lot::RwLock;
use tokio::sync::Semaphore;

use super::quota::Quota;
use super::usage::Usage;
use crate::names::check_tenant_name;

/// A tenant: what the code of its sandboxes may do at most, and how much they may use.
/// What it uses stays when its settings are read again.
#[derive(Debug)]
pub struct Tenant {
    name: String,
    settings: RwLock<Settings>,
    /// Counts the settings that it has had.
    generation: AtomicU64,
    /// Whether the operator's file names it.
    is_configured: AtomicBool,
    pub(crate) usage: Usage,
    /// Places of packed uploads that are held unpacked.
    pub(crate) unpacking: Arc<Semaphore>,
}

/// What the operator decides for a tenant.
#[derive(Debug, Clone)]
struct Settings {
    policy: Arc<Policy>,
    quota: Quota,
    images: Arc<[String]>,
    /// The agents that it may run; none: all of the operator's.
    agents: Option<Arc<[String]>>,
    lifetime: Duration,
    lifetime_max: Duration,
}

/// Packed uploads of a tenant that are held unpacked at a time.
const UNPACKED_MAX: usize = 2;
/// How long sandboxes live that do not say.
pub(crate) const LIFETIME: Duration = Duration::from_hours(1);
/// How long they may ask for.
pub(crate) const LIFETIME_MAX: Duration = Duration::from_hours(24 * 30);

impl Tenant {
    /// A tenant of this policy. Its sandboxes live for an hour unless they say, and for
    /// thirty days at most.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn new(name: &str, policy: Arc<Policy>, quota: Quota) -> Result<Self, String> {
        check_tenant_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            settings: RwLock::new(Settings {
                policy,
                quota,
                images: Arc::new([]),
                agents: None,
                lifetime: LIFETIME,
                lifetime_max: LIFETIME_MAX,
            }),
            generation: AtomicU64::new(1),
            is_configured: AtomicBool::new(true),
            usage: Usage::default(),
            unpacking: Arc::new(Semaphore::new(UNPACKED_MAX)),
        })
    }

    /// The same with images that it may name.
    #[must_use]
    pub fn images(mut self, images: Vec<String>) -> Self {
        self.settings.get_mut().images = images.into();
        self
    }

    /// The same with the agents that it may run; by default it may run all.
    #[must_use]
    pub fn agents(mut self, agents: Option<Vec<String>>) -> Self {
        self.settings.get_mut().agents = agents.map(Into::into);
        self
    }

    /// The same with other lifetimes: of sandboxes that do not say, and the longest.
    #[must_use]
    pub fn lifetimes(mut self, lifetime: Duration, most: Duration) -> Self {
        let settings = self.settings.get_mut();
        settings.lifetime = lifetime.min(most);
        settings.lifetime_max = most;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How much it may use.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.settings.read().quota
    }

    /// What its sandboxes may do at most.
    pub(crate) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.settings.read().policy)
    }

    /// Whether it may name an image, besides the standard one.
    pub(crate) fn may_name(&self, image: &str) -> bool {
        let images = Arc::clone(&self.settings.read().images);
        images.iter().any(|known| known == image)
    }

    /// Whether it may run an agent.
    pub(crate) fn may_run(&self, agent: &str) -> bool {
        let agents = self.settings.read().agents.clone();
        agents.is_none_or(|agents| agents.iter().any(|known| known == agent))
    }

    /// How long a sandbox lives that does not say.
    pub(crate) fn lifetime(&self) -> Duration {
        self.settings.read().lifetime
    }

    /// How long one may live at most.
    pub(crate) fn lifetime_max(&self) -> Duration {
        self.settings.read().lifetime_max
    }

    /// Changes with its settings, so that what was checked against them is checked again.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether the operator's file names it. The keys of one that it does not are void.
    pub(crate) fn is_configured(&self) -> bool {
        self.is_configured.load(Ordering::Acquire)
    }

    /// Takes the settings of another one, as the operator's file has them now.
    pub(crate) fn adopt(&self, fresh: &Self) {
        let settings = fresh.settings.read().clone();
        *self.settings.write() = settings;
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.is_configured.store(true, Ordering::Release);
    }

    /// The operator's file names it no more.
    pub(crate) fn retire(&self) {
        self.is_configured.store(false, Ordering::Release);
    }
}
