//! A tenant.

use std::sync::Arc;
use std::time::Duration;

use memex_policies::Policy;
use tokio::sync::Semaphore;

use super::quota::Quota;
use super::usage::Usage;
use crate::names::check_tenant_name;

/// A tenant: what the code of its sandboxes may do at most, and how much they may use.
#[derive(Debug)]
pub struct Tenant {
    name: String,
    /// What its sandboxes may do at most.
    pub(crate) policy: Arc<Policy>,
    pub(crate) quota: Quota,
    /// Images that it may name, besides the default one.
    pub(crate) images: Vec<String>,
    /// How long a sandbox lives that does not say.
    pub(crate) lifetime: Duration,
    /// How long one may live at most.
    pub(crate) lifetime_max: Duration,
    pub(crate) usage: Usage,
    /// Places of packed uploads that are held unpacked.
    pub(crate) unpacking: Arc<Semaphore>,
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
            policy,
            usage: Usage::default(),
            unpacking: Arc::new(Semaphore::new(UNPACKED_MAX)),
            quota,
            images: Vec::new(),
            lifetime: LIFETIME,
            lifetime_max: LIFETIME_MAX,
        })
    }

    /// The same with images that it may name.
    #[must_use]
    pub fn images(mut self, images: Vec<String>) -> Self {
        self.images = images;
        self
    }

    /// The same with other lifetimes: of sandboxes that do not say, and the longest.
    #[must_use]
    pub fn lifetimes(mut self, lifetime: Duration, most: Duration) -> Self {
        self.lifetime = lifetime.min(most);
        self.lifetime_max = most;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How much it may use.
    #[must_use]
    pub fn quota(&self) -> &Quota {
        &self.quota
    }
}
