//! The agents that one run spawned, and what all of a tree share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use memex_models::Model;
use memex_policies::ToolGrants;
use memex_trajectories::{Child, Status};
use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::outcome::Outcome;
use crate::agent::Inner;
use crate::harness::Board;
use crate::recorder::Recorder;
use crate::{Agent, Cancellation, Ledger};

/// State shared by a run and all runs below it.
pub(crate) struct Tree {
    pub(crate) board: Board,
    agents: AtomicU64,
    questions: AtomicU64,
}

impl Tree {
    fn new(inner: &Inner) -> Arc<Self> {
        let limits = &inner.config.agents;
        Arc::new(Self {
            board: Board::new(limits.object_max_bytes, limits.board_max_bytes),
            agents: AtomicU64::new(0),
            questions: AtomicU64::new(0),
        })
    }

    /// Counts an agent in, if one more may be.
    pub(crate) fn count_agent(&self, max: u64) -> bool {
        count(&self.agents, max)
    }

    /// Counts a question in, if one more may be.
    pub(crate) fn count_question(&self, max: u64) -> bool {
        count(&self.questions, max)
    }
}

fn count(counter: &AtomicU64, max: u64) -> bool {
    let one_more = |count| (count < max).then_some(count + 1);
    counter
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
        .is_ok()
}

/// A run, as the head of the family that it spawns: its place in the tree, and
/// everything of which its children get a part.
#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) agent: Agent,
    pub(crate) id: String,
    /// The id of the run above all others.
    pub(crate) root: String,
    pub(crate) depth: u64,
    pub(crate) model: Arc<dyn Model>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) cancellation: Cancellation,
    pub(crate) tree: Arc<Tree>,
    pub(crate) grants: ToolGrants,
}

impl Head {
    /// A run that no other spawned.
    pub(crate) fn first(
        agent: &Agent,
        id: String,
        ledger: Arc<Ledger>,
        cancellation: Cancellation,
    ) -> Self {
        let inner = &agent.inner;
        Self {
            agent: agent.clone(),
            root: id.clone(),
            id,
            depth: 0,
            model: Arc::clone(&inner.model),
            ledger,
            cancellation,
            tree: Tree::new(inner),
            grants: inner.policy.tools.clone(),
        }
    }
}

/// The agents that one run spawned.
pub(crate) struct Family {
    pub(crate) head: Head,
    recorder: Arc<Mutex<Recorder>>,
    members: Mutex<Members>,
    places: Arc<Places>,
}

#[derive(Default)]
struct Members {
    by_id: BTreeMap<String, Member>,
    /// Not yet reported to the step that spawned them.
    fresh: Vec<String>,
    disbanded: bool,
}

struct Member {
    outcome: watch::Receiver<Option<Outcome>>,
    cancellation: Cancellation,
    thread: Option<JoinHandle<()>>,
}

/// How many children of a run go on at once.
struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place that is given back when it is dropped.
pub(crate) struct PlaceHeld(Arc<Places>);

impl Family {
    pub(crate) fn new(head: Head, recorder: &Arc<Mutex<Recorder>>) -> Self {
        let parallel = head.agent.inner.config.agents.parallel;
        Self {
            head,
            recorder: Arc::clone(recorder),
            members: Mutex::default(),
            places: Arc::new(Places {
                free: Mutex::new(parallel),
                freed: Condvar::new(),
            }),
        }
    }

    /// An id for the next child, and the step that spawns it.
    pub(crate) fn next(&self) -> (String, u32) {
        let number = self.members.lock().by_id.len() + 1;
        (
            format!("{}.{number}", self.head.id),
            self.recorder.lock().next_step(),
        )
    }

    /// Takes a child in whose thread has been started.
    pub(crate) fn adopt(
        &self,
        id: String,
        outcome: watch::Receiver<Option<Outcome>>,
        cancellation: Cancellation,
        thread: JoinHandle<()>,
    ) {
        let mut members = self.members.lock();
        if members.disbanded {
            cancellation.cancel();
        }
        members.fresh.push(id.clone());
        let member = Member {
            outcome,
            cancellation,
            thread: Some(thread),
        };
        members.by_id.insert(id, member);
    }

    /// Children spawned since this was asked last.
    pub(crate) fn spawned_since_last(&self) -> Vec<String> {
        std::mem::take(&mut self.members.lock().fresh)
    }

    /// The outcome of a child.
    pub(crate) fn outcome(&self, id: &str) -> Option<watch::Receiver<Option<Outcome>>> {
        let members = self.members.lock();
        members.by_id.get(id).map(|member| member.outcome.clone())
    }

    /// Stops a child. `false` if there is none of that id.
    pub(crate) fn cancel(&self, id: &str) -> bool {
        let cancellation = {
            let members = self.members.lock();
            members
                .by_id
                .get(id)
                .map(|member| member.cancellation.clone())
        };
        cancellation
            .inspect(|cancellation| cancellation.cancel())
            .is_some()
    }

    /// Notes what became of a child in the trajectory. What cannot be written
    /// there is still known to the parent's code.
    pub(crate) fn record(&self, child: Child) {
        if let Err(error) = self.recorder.lock().child(child) {
            tracing::warn!(target: "memex::agent", %error, "a child's trajectory was not saved");
        }
    }

    /// Waits for a place to run; none if the child is stopped before that.
    pub(crate) fn place(&self, cancellation: &Cancellation) -> Option<PlaceHeld> {
        const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(100);
        let mut free = self.places.free.lock();
        while *free == 0 {
            if cancellation.is_cancelled() {
                return None;
            }
            self.places.freed.wait_for(&mut free, LOOK_AGAIN);
        }
        *free -= 1;
        Some(PlaceHeld(Arc::clone(&self.places)))
    }

    /// Ends the children that are still running, and waits for them: the
    /// parent's record is to be whole.
    pub(crate) fn disband(&self) {
        let threads: Vec<JoinHandle<()>> = {
            let mut members = self.members.lock();
            members.disbanded = true;
            let running = members.by_id.values_mut();
            running
                .filter_map(|member| {
                    if member.outcome.borrow().is_none() {
                        member.cancellation.cancel();
                    }
                    member.thread.take()
                })
                .collect()
        };
        for thread in threads {
            // A child that panicked has said so in its outcome.
            let _ended = thread.join();
        }
    }
}

impl Drop for PlaceHeld {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.freed.notify_one();
    }
}

/// The record of a running child.
pub(crate) fn running(id: &str, step: u32, task: &str) -> Child {
    Child {
        id: id.to_owned(),
        step: Some(step),
        task: task.to_owned(),
        status: Status::Unfinished,
        path: None,
        trajectory: None,
    }
}
