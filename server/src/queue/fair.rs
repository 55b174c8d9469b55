//! The order in which work of several tenants is done.
//!
//! Of the tenants that may run more, the one goes next that has had the least time of
//! threads so far. One that comes back after a pause has no credit from it: it begins
//! where the least served of the others stands.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How much one tenant may have in the queue and run at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) running_max: usize,
    pub(crate) waiting_max: usize,
}

/// Work of tenants, in order.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    tenants: BTreeMap<String, Lane<T>>,
}

#[derive(Debug)]
struct Lane<T> {
    waiting: VecDeque<T>,
    running: usize,
    running_max: usize,
    served: Duration,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self {
            tenants: BTreeMap::new(),
        }
    }
}

impl<T> FairQueue<T> {
    /// Adds work, or gives it back where as much waits as may. What could run at once, and
    /// only has not been taken yet, does not wait.
    pub(crate) fn push(&mut self, tenant: &str, share: Share, work: T) -> Result<(), T> {
        let least = self.tenants.values().map(|lane| lane.served).min();
        let lane = match self.tenants.get_mut(tenant) {
            Some(lane) => lane,
            None => self.tenants.entry(tenant.to_owned()).or_insert(Lane {
                waiting: VecDeque::new(),
                running: 0,
                running_max: share.running_max,
                served: least.unwrap_or_default(),
            }),
        };
        lane.running_max = share.running_max.max(1);
        let free = lane.running_max.saturating_sub(lane.running);
        if lane.waiting.len() >= share.waiting_max.saturating_add(free) {
            return Err(work);
        }
        lane.waiting.push_back(work);
        Ok(())
    }

    /// The next work, with its tenant; it runs until [`done`](Self::done).
    pub(crate) fn pop(&mut self) -> Option<(String, T)> {
        let ready = self.tenants.iter_mut();
        let ready =
            ready.filter(|(_, lane)| !lane.waiting.is_empty() && lane.running < lane.running_max);
        let (tenant, lane) = ready.min_by_key(|(_, lane)| (lane.served, lane.running))?;
        let work = lane.waiting.pop_front()?;
        lane.running += 1;
        Some((tenant.clone(), work))
    }

    /// Work of a tenant is done, and took so long.
    pub(crate) fn done(&mut self, tenant: &str, took: Duration) {
        let Some(lane) = self.tenants.get_mut(tenant) else {
            return;
        };
        lane.running = lane.running.saturating_sub(1);
        lane.served = lane.served.saturating_add(took);
        if lane.running == 0 && lane.waiting.is_empty() {
            self.tenants.remove(tenant);
        }
    }

    /// Work that waits.
    pub(crate) fn waiting(&self) -> usize {
        self.tenants.values().map(|lane| lane.waiting.len()).sum()
    }

    /// Work that runs.
    pub(crate) fn running(&self) -> usize {
        self.tenants.values().map(|lane| lane.running).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: Share = Share {
        running_max: 2,
        waiting_max: 4,
    };
    const TICK: Duration = Duration::from_millis(1);

    #[test]
    fn a_tenant_with_much_work_does_not_keep_others_waiting() {
        let mut queue = FairQueue::default();
        for n in 0..4 {
            queue.push("a", SHARE, n).unwrap();
        }
        queue.push("b", SHARE, 10).unwrap();
        queue.push("b", SHARE, 11).unwrap();
        let mut order = Vec::new();
        while let Some((tenant, work)) = queue.pop() {
            queue.done(&tenant, TICK);
            order.push(work);
        }
        assert_eq!(order, [0, 10, 1, 11, 2, 3]);
    }

    #[test]
    fn time_counts_and_not_the_number_of_turns() {
        let mut queue = FairQueue::default();
        for n in 0..4 {
            queue.push("long", SHARE, n).unwrap();
            queue.push("short", SHARE, 10 + n).unwrap();
        }
        let mut order = Vec::new();
        while let Some((tenant, work)) = queue.pop() {
            queue.done(&tenant, if tenant == "long" { 3 * TICK } else { TICK });
            order.push(work);
        }
        assert_eq!(order, [0, 10, 11, 12, 1, 13, 2, 3]);
    }

    #[test]
    fn both_bounds_hold_at_the_bound_and_one_past_it() {
        let mut queue = FairQueue::default();
        for n in 0..6 {
            queue.push("a", SHARE, n).unwrap();
        }
        // Whether they have been taken yet changes nothing.
        assert_eq!(queue.push("a", SHARE, 6), Err(6));
        assert!(queue.pop().is_some());
        assert_eq!(queue.push("a", SHARE, 6), Err(6));
        assert!(queue.pop().is_some());
        assert_eq!(queue.pop(), None, "two run");
        assert_eq!((queue.waiting(), queue.running()), (4, 2));
        assert_eq!(queue.push("a", SHARE, 6), Err(6));
        queue.done("a", TICK);
        queue.push("a", SHARE, 6).unwrap();
        assert!(queue.pop().is_some());
    }

    #[test]
    fn a_pause_gives_no_credit() {
        let mut queue = FairQueue::default();
        for n in 0..3 {
            queue.push("a", SHARE, n).unwrap();
        }
        let (tenant, _) = queue.pop().unwrap();
        queue.done(&tenant, 100 * TICK);
        queue.push("b", SHARE, 10).unwrap();
        queue.push("b", SHARE, 11).unwrap();
        let mut order = Vec::new();
        while let Some((tenant, work)) = queue.pop() {
            queue.done(&tenant, 100 * TICK);
            order.push(work);
        }
        assert_eq!(order, [1, 10, 2, 11]);
    }
}
