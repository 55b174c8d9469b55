//! The threads that sessions run on.
//!
//! Their stacks have room for the deepest guest that a policy asks for by default, so that
//! no turn maps one: the pages of a stack that is new for each call fault anew, and after a
//! fault nothing is known of which pages of the guest have changed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::fair::{FairQueue, Share};
use crate::error::{ErrorKind, ServiceError};
use crate::tenants::Tenant;

/// Room for the guest's own stack limit.
const STACK_BYTES: usize = 64 << 20;

/// What the upkeep of a tenant's sandboxes gets.
const ASIDE: Share = Share {
    running_max: 1,
    waiting_max: 1_024,
};

type Work = Box<dyn FnOnce() + Send>;

/// Threads, and the work that waits for them. Dropping it ends the threads once what they
/// do is done; what waits is dropped.
pub(crate) struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: FairQueue<Work>,
    is_ending: bool,
}

impl Workers {
    /// Starts threads.
    pub(crate) fn start(count: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let threads = (0..count.max(1)).map(|_| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("memex-turns".into())
                .stack_size(STACK_BYTES)
                .spawn(move || shared.run())
        });
        Ok(Self {
            threads: threads.collect::<Result<_, _>>()?,
            shared,
        })
    }

    /// Has a thread do some work of a tenant when it is the tenant's turn.
    pub(crate) fn post(
        &self,
        tenant: &Tenant,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), ServiceError> {
        let quota = tenant.quota();
        let share = Share {
            running_max: quota.turns,
            waiting_max: quota.waiting,
        };
        self.push(tenant.name(), share, Box::new(work))
    }

    /// The same for the upkeep of a tenant's sandboxes, which takes no place of its turns.
    pub(crate) fn post_aside(
        &self,
        tenant: &Tenant,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), ServiceError> {
        // No tenant is called so.
        let lane = format!(".{}", tenant.name());
        self.push(&lane, ASIDE, Box::new(work))
    }

    fn push(&self, lane: &str, share: Share, work: Work) -> Result<(), ServiceError> {
        let mut state = self.shared.state.lock();
        if state.queue.push(lane, share, work).is_err() {
            return Err(ServiceError::new(
                ErrorKind::Exhausted,
                "quota-waiting",
                format!("{} turns of the tenant wait already", share.waiting_max),
                "send fewer at a time",
            )
            .retry_after(Duration::from_secs(1)));
        }
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Work that waits, and that runs.
    pub(crate) fn load(&self) -> (usize, usize) {
        let state = self.shared.state.lock();
        (state.queue.waiting(), state.queue.running())
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.state.lock();
        loop {
            if state.is_ending {
                return;
            }
            let Some((tenant, work)) = state.queue.pop() else {
                self.changed.wait(&mut state);
                continue;
            };
            drop(state);
            let began = Instant::now();
            // Whoever waits for it sees that its channel is gone.
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!("a turn's thread met a fault; the thread goes on");
            }
            state = self.state.lock();
            state.queue.done(&tenant, began.elapsed());
            // A place of the tenant is free: what waits for it may have been passed over.
            self.changed.notify_one();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.state.lock().is_ending = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // The last handle of the service may be dropped by one of them.
            if thread.thread().id() != std::thread::current().id() {
                let _ended = thread.join();
            }
        }
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers")
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}
