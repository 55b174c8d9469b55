//! The broker of one session.

use super::awaited::{Awaited, End, Task};
use super::budget::Budget;
use super::head::Head;
use super::permission::{Admitted, Permission};
use super::plain;
use super::questions;
use super::running::Running;
use super::settlement::{answer, refuse, settle};
use crate::audit::{Account, AuditLog, Outcome};
use crate::tool::{CallContext, ToolError};
use crate::toolbox::Toolbox;
use crate::validation::clipped;
use memex_channel::{Frame, HostCalls, OP_CALL, OP_TOOLBOX, Reply, Ticket, TurnHandle};
use memex_policies::ToolGrants;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Most characters of a name in a record.
const NAME_MAX_CHARS: usize = 128;

/// Answers the calls of one session: decides whether each is permitted, runs
/// it, and records it. Dropping it cancels the calls under way.
///
/// A plain call runs on the session's thread; when the turn is interrupted or
/// the time is over, its token is cancelled and its future dropped.
pub struct Broker {
    permission: Permission,
    awaited: Awaited,
    runtime: Handle,
    session: Arc<str>,
    audit: Option<Arc<dyn AuditLog>>,
}

/// Makes a [`Broker`]; cloning it makes the same for another session. Defaults: the session is called `session`, the budget is
/// [`Budget::default`], no tool has more time than that, and there is no audit log.
#[derive(Clone)]
pub struct BrokerBuilder {
    toolbox: Toolbox,
    grants: ToolGrants,
    runtime: Handle,
    session: Arc<str>,
    budget: Budget,
    patience: BTreeMap<String, Duration>,
    audit: Option<Arc<dyn AuditLog>>,
}

impl Broker {
    /// A broker of the tools that `grants` permits. Tools run on `runtime`,
    /// whose threads must go on while the session's thread waits, and whose
    /// timers must be enabled.
    #[must_use]
    pub fn builder(toolbox: Toolbox, grants: ToolGrants, runtime: Handle) -> BrokerBuilder {
        BrokerBuilder {
            toolbox,
            grants,
            runtime,
            session: "session".into(),
            budget: Budget::default(),
            patience: BTreeMap::new(),
            audit: None,
        }
    }

    fn call_tool(&mut self, frame: &Frame<'_>, turn: &dyn TurnHandle) -> Reply {
        let bytes = frame.parts.iter().map(|part| part.len()).sum::<usize>() + frame.head.len();
        let mut account = Account::open(self.audit.as_ref(), &self.session, bytes);
        let head = match Head::parse(frame.head) {
            Ok(head) => head,
            Err(error) => return refuse("", account, Outcome::Refused, &error),
        };
        account.awaited = head.awaited;
        let (awaits, name) = (head.awaited, head.tool.clone());
        let admitted = self.permission.admit(head, frame, || self.awaited.usage());
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(error) => {
                let name = clipped(&name, NAME_MAX_CHARS);
                return refuse(&name, account, Outcome::Refused, &error);
            }
        };
        account.note(&admitted.arguments);
        let _entered = self.runtime.enter();
        let span = tracing::debug_span!(
            target: "memex::tools", "tool", name = &*name, session = &*self.session
        );
        let _span = span.enter();
        self.run(admitted, account, awaits, turn)
    }

    fn run(
        &self,
        admitted: Admitted,
        account: Account,
        awaits: bool,
        turn: &dyn TurnHandle,
    ) -> Reply {
        let Admitted {
            tool,
            arguments,
            held_bytes,
            time,
        } = admitted;
        let budget = &self.permission.budget;
        let name = tool.spec().name.as_str();
        let cancelled = CancellationToken::new();
        // A time past what clocks can tell is no bound of any use.
        let deadline = account.started().checked_add(time);
        let deadline = deadline.unwrap_or_else(|| account.started() + Budget::default().tool_time);
        let context = CallContext {
            session: Arc::clone(&self.session),
            deadline,
            cancelled: cancelled.clone(),
        };
        let mut running = match Running::start(&*tool, context, arguments) {
            Ok(running) => running,
            Err(ended) => return settle(budget, name, account, ended),
        };
        if !awaits {
            let ended = plain::wait_for(running, turn, deadline, time, &cancelled);
            return settle(budget, name, account, ended);
        }
        // Many tools answer at once; the task polls the others anew.
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(ended) = running.poll(&mut context) {
            return settle(budget, name, account, ended);
        }
        let end = End {
            tool: Arc::clone(&tool),
            account,
            budget: budget.clone(),
        };
        let task = Task {
            running,
            cancelled,
            deadline,
            time,
            bytes: held_bytes,
            end,
        };
        let ticket = self.awaited.start(task, &self.runtime);
        answer(budget, &json!({ "ticket": ticket }))
            .unwrap_or_else(|error| Reply::error(error.class, &error.message))
    }
}

impl HostCalls for Broker {
    fn call(&mut self, frame: &Frame<'_>, turn: &dyn TurnHandle) -> Reply {
        match frame.op {
            OP_CALL => self.call_tool(frame, turn),
            OP_TOOLBOX => questions::ask(&self.permission, frame.head),
            op => {
                let error =
                    ToolError::new("PermissionError", format!("there is no operation {op}"));
                let bytes = frame.head.len();
                let account = Account::open(self.audit.as_ref(), &self.session, bytes);
                refuse("", account, Outcome::Refused, &error)
            }
        }
    }

    fn begin_turn(&mut self) {
        self.awaited.begin_turn();
    }

    fn roll_back(&mut self) {
        self.awaited.roll_back();
    }

    fn pending(&self) -> usize {
        self.awaited.pending()
    }

    fn has_answers(&self) -> bool {
        self.awaited.has_answers()
    }

    fn take_answers(&mut self) -> Vec<(Ticket, Reply)> {
        self.awaited.take()
    }

    fn wake_with(&mut self, waker: Waker) {
        self.awaited.wake_with(waker);
    }
}

impl BrokerBuilder {
    /// Names the session, for tools and records.
    #[must_use]
    pub fn session(mut self, name: &str) -> Self {
        self.session = name.into();
        self
    }

    /// Bounds what the session may use.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Gives the calls of a tool more time than the budget has: it waits for a
    /// person, or for a model.
    #[must_use]
    pub fn patience(mut self, tool: &str, more: Duration) -> Self {
        self.patience.insert(tool.to_owned(), more);
        self
    }

    /// Records every call.
    #[must_use]
    pub fn audit(mut self, log: Arc<dyn AuditLog>) -> Self {
        self.audit = Some(log);
        self
    }

    /// The broker.
    #[must_use]
    pub fn build(self) -> Broker {
        let mut permission = Permission::new(self.toolbox, self.grants, self.budget);
        permission.patience = self.patience;
        Broker {
            permission,
            awaited: Awaited::default(),
            runtime: self.runtime,
            session: self.session,
            audit: self.audit,
        }
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker")
            .field("session", &self.session)
            .field("tools", &self.permission.toolbox.len())
            .field("pending", &self.awaited.pending())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for BrokerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrokerBuilder")
            .field("session", &self.session)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
