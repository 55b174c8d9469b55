//! How many agents run for each tenant, and what they have used.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::now_ms;
use crate::error::{ErrorKind, ServiceError};
use crate::tenants::Tenant;

const DAY_MS: u64 = 86_400_000;

/// What the agents of all tenants use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts(Arc<Mutex<HashMap<String, Used>>>);

/// What the agents of a tenant use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// Those that run.
    pub(crate) running: usize,
    /// Those that have begun since the server started.
    pub(crate) begun: u64,
    /// Tokens of this day of UTC, into and out of models.
    pub(crate) tokens: u64,
    day: u64,
}

/// A place among the agents of a tenant that run. Dropped, it is free.
#[derive(Debug)]
pub(crate) struct Place {
    counts: Counts,
    tenant: Arc<Tenant>,
    tokens: AtomicU64,
    cpu_us: AtomicU64,
}

impl Counts {
    /// A place for one more.
    ///
    /// # Errors
    /// When as many run as may, or the tokens of the day are used up.
    pub(crate) fn begin(&self, tenant: &Arc<Tenant>) -> Result<Place, ServiceError> {
        let quota = tenant.quota();
        let mut all = self.0.lock();
        let used = all.entry(tenant.name().to_owned()).or_default();
        used.turn_day(now_ms());
        if used.running >= quota.agents {
            return Err(ServiceError::new(
                ErrorKind::Exhausted,
                "quota-agents",
                format!(
                    "{} agents of the tenant run, as many as allowed",
                    used.running
                ),
                "wait for one to end, or cancel one",
            )
            .retry_after(Duration::from_secs(5)));
        }
        used.room(quota.agent_tokens_per_day)?;
        used.running += 1;
        used.begun += 1;
        Ok(Place {
            counts: self.clone(),
            tenant: Arc::clone(tenant),
            tokens: AtomicU64::new(0),
            cpu_us: AtomicU64::new(0),
        })
    }

    /// What a tenant's agents use.
    pub(crate) fn used(&self, tenant: &str) -> Used {
        let mut all = self.0.lock();
        all.get_mut(tenant).map_or_else(Used::default, |used| {
            used.turn_day(now_ms());
            *used
        })
    }
}

impl Used {
    fn turn_day(&mut self, now_ms: u64) {
        let day = now_ms / DAY_MS;
        if day != self.day {
            self.day = day;
            self.tokens = 0;
        }
    }

    fn room(&self, most: u64) -> Result<(), ServiceError> {
        if self.tokens < most {
            return Ok(());
        }
        let left = DAY_MS - now_ms() % DAY_MS;
        Err(ServiceError::new(
            ErrorKind::Exhausted,
            "quota-agent-tokens",
            format!(
                "the tenant's agents have used {} tokens today, of {most} allowed",
                self.tokens
            ),
            "wait for the next day of UTC, or ask the operator for a higher `agent_tokens_per_day`",
        )
        .retry_after(Duration::from_millis(left)))
    }
}

impl Place {
    /// The agent has used so many more tokens and so much more of the processor.
    ///
    /// # Errors
    /// When it is to end: a quota of the tenant's day is used up.
    pub(crate) fn spend(&self, tokens: u64, cpu_us: u64) -> Result<(), ServiceError> {
        let (quota, now) = (self.tenant.quota(), now_ms());
        self.tokens.fetch_add(tokens, Ordering::Relaxed);
        self.cpu_us.fetch_add(cpu_us, Ordering::Relaxed);
        self.tenant.usage.spend(cpu_us, now);
        {
            let mut all = self.counts.0.lock();
            let used = all.entry(self.tenant.name().to_owned()).or_default();
            used.turn_day(now);
            used.tokens = used.tokens.saturating_add(tokens);
            used.room(quota.agent_tokens_per_day)?;
        }
        self.tenant.usage.admit_turn(&quota, now)
    }
}

impl Place {
    /// The agent has ended, and has used so much in all, with the agents that it spawned:
    /// what was not counted yet is counted.
    pub(crate) fn settle(&self, tokens: u64, cpu_us: u64) {
        let tokens = tokens.saturating_sub(self.tokens.load(Ordering::Relaxed));
        let cpu_us = cpu_us.saturating_sub(self.cpu_us.load(Ordering::Relaxed));
        // It has ended already.
        let _over = self.spend(tokens, cpu_us);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.counts.0.lock();
        if let Some(used) = all.get_mut(self.tenant.name()) {
            used.running = used.running.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use memex_policies::Policy;

    use super::*;
    use crate::tenants::Quota;

    fn tenant(agents: usize, agent_tokens_per_day: u64) -> Arc<Tenant> {
        let quota = Quota {
            agents,
            agent_tokens_per_day,
            ..Quota::default()
        };
        Arc::new(Tenant::new("a", Arc::new(Policy::default()), quota).unwrap())
    }

    #[test]
    fn places_are_bounded_and_free_again_when_they_are_dropped() {
        let (counts, tenant) = (Counts::default(), tenant(2, 100));
        let held: Vec<Place> = (0..2).map(|_| counts.begin(&tenant).unwrap()).collect();
        assert_eq!(counts.begin(&tenant).unwrap_err().code, "quota-agents");
        drop(held);
        assert!(counts.begin(&tenant).is_ok());
        let used = counts.used("a");
        assert_eq!((used.running, used.begun), (0, 3));
    }

    #[test]
    fn tokens_are_bounded_at_the_bound_and_one_before() {
        let (counts, tenant) = (Counts::default(), tenant(2, 100));
        let place = counts.begin(&tenant).unwrap();
        assert!(place.spend(99, 0).is_ok());
        assert!(counts.begin(&tenant).is_ok());
        assert_eq!(place.spend(1, 0).unwrap_err().code, "quota-agent-tokens");
        assert_eq!(
            counts.begin(&tenant).unwrap_err().code,
            "quota-agent-tokens"
        );
        assert_eq!(counts.used("b"), Used::default());
        // Of what was counted while it ran, nothing is counted twice.
        place.settle(130, 5);
        assert_eq!(counts.used("a").tokens, 130);
        assert_eq!(tenant.usage.used().cpu_us, 5);
    }
}
