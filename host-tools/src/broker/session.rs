//! The broker of one session.

use super::awaited::{Awaited, End, Task};
use super::budget::Budget;
use super::client::{ClientCalls, Desk, Held, Key, Opening, Replay};
use super::head::Head;
use super::permission::{Admitted, Permission};
use super::plain;
use super::questions;
use super::running::{Ended, Running};
use super::settlement::{answer, refuse, settle};
use crate::audit::{Account, AuditLog, Outcome};
use crate::tool::{CallContext, ToolError};
use crate::toolbox::{ToolEntry, Toolbox};
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
    pub(super) permission: Permission,
    pub(super) awaited: Arc<Awaited>,
    /// The open calls of client tools, where the toolbox has any.
    pub(super) client: Option<ClientCalls>,
    runtime: Handle,
    pub(super) session: Arc<str>,
    pub(super) audit: Option<Arc<dyn AuditLog>>,
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

    /// The handle of whoever answers the calls of client tools; `None` where the toolbox
    /// has none.
    #[must_use]
    pub fn client_calls(&self) -> Option<ClientCalls> {
        self.client.clone()
    }

    fn call_tool(&mut self, frame: &Frame<'_>, turn: &dyn TurnHandle) -> Reply {
        let bytes = frame.parts.iter().map(|part| part.len()).sum::<usize>() + frame.head.len();
        let mut account = Account::open(self.audit.as_ref(), &self.session, bytes);
        let tree_max = self.permission.budget.tree_bytes();
        let head = match Head::parse(frame.head, tree_max) {
            Ok(head) => head,
            Err(error) => return refuse("", account, Outcome::Refused, &error),
        };
        account.awaited = head.awaited;
        let mut place = Place::default();
        if let Some(client) = &self.client {
            let mut desk = client.desk();
            let key = Key::of(frame);
            let entry = self.permission.toolbox.get(&head.tool);
            let is_client = entry.is_some_and(ToolEntry::is_client);
            let name = entry.map_or("", |entry| entry.spec().name.as_str());
            let mut replay = desk.replay(key, name);
            if matches!(replay, Replay::Ahead) && !is_client {
                // It would have its effects before anybody knows whether it belongs here.
                desk.diverge();
                replay = Replay::Diverged;
            }
            match replay {
                Replay::Reply(reply) => return reply,
                Replay::Open(number) => {
                    place.again = Some(number);
                    place.at = desk.place_of(number);
                }
                Replay::Anew(at) => place.at = Some(at),
                Replay::New | Replay::Ahead => {
                    place.at = desk.note(key, name, head.awaited);
                }
                Replay::Diverged => {
                    drop(desk);
                    let error = ToolError::new("RuntimeError", DIVERGED);
                    return refuse(name, account, Outcome::Refused, &error);
                }
            }
        }
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
        let call = Call {
            account,
            awaits,
            place,
        };
        match (&self.client, admitted.tool.client()) {
            (Some(client), Some(_)) => self.open(client, admitted, call, turn),
            _ => self.run(admitted, call, turn),
        }
    }

    /// Opens a call of a client tool.
    fn open(
        &self,
        client: &ClientCalls,
        admitted: Admitted,
        call: Call,
        turn: &dyn TurnHandle,
    ) -> Reply {
        let Admitted {
            tool,
            arguments,
            held_bytes,
            ..
        } = admitted;
        let budget = &self.permission.budget;
        let name = tool.spec().name.as_str();
        let Place { at, again } = call.place;
        let mut desk = client.desk();
        let opening = desk.open(&tool, arguments, again, at, turn.waker());
        let ended = match opening {
            Opening::Open(number) if !call.awaits => {
                drop(desk);
                let held = Held {
                    calls: client,
                    number,
                };
                held.wait(turn)
            }
            Opening::Answered(ended) if !call.awaits => {
                drop(desk);
                ended
            }
            opening => {
                let end = End {
                    tool: Arc::clone(&tool),
                    account: call.account,
                    budget: budget.clone(),
                };
                let cancelled = CancellationToken::new();
                let completion = self.awaited.take_call(None, held_bytes, cancelled, end);
                let ticket = completion.ticket();
                desk.expect(at, ticket);
                match opening {
                    Opening::Open(number) => desk.await_call(number, completion),
                    // The guest awaits it as in the first run, so that tasks beside this
                    // one come to their calls in the same order.
                    Opening::Answered(ended) => {
                        drop(desk);
                        completion.finish(ended);
                    }
                }
                return ticket_reply(budget, ticket);
            }
        };
        self.settle(name, call.account, call.place, ended)
    }

    fn run(&self, admitted: Admitted, call: Call, turn: &dyn TurnHandle) -> Reply {
        let Admitted {
            tool,
            arguments,
            held_bytes,
            time,
        } = admitted;
        let Call {
            account,
            awaits,
            place,
        } = call;
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
            Err(ended) => return self.settle(name, account, place, ended),
        };
        if !awaits {
            let ended = plain::wait_for(running, turn, deadline, time, &cancelled);
            return self.settle(name, account, place, ended);
        }
        // Many tools answer at once; the task polls the others anew.
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(ended) = running.poll(&mut context) {
            return self.settle(name, account, place, ended);
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
        if let Some(client) = &self.client {
            client.desk().expect(place.at, ticket);
        }
        ticket_reply(budget, ticket)
    }
}

impl Broker {
    /// Ends a call, and keeps what the guest sees of it for a second run of the turn.
    fn settle(&self, name: &str, account: Account, place: Place, ended: Ended) -> Reply {
        let is_answer = !matches!(ended, Ended::Cancelled);
        let reply = settle(&self.permission.budget, name, account, ended);
        if is_answer && let Some(client) = &self.client {
            client.desk().fill(place.at, &reply);
        }
        reply
    }
}

/// A call that was admitted.
struct Call {
    account: Account,
    awaits: bool,
    place: Place,
}

/// Where a call stands in the journal of its turn.
#[derive(Clone, Copy, Default)]
struct Place {
    at: Option<usize>,
    /// The number of a client's call that is open since the turn's first run.
    again: Option<u64>,
}

/// What a call gets that takes another way than in the turn's first run.
const DIVERGED: &str =
    "the block runs again after it was stopped, and made another call than the first time";

fn ticket_reply(budget: &Budget, ticket: Ticket) -> Reply {
    answer(budget, &json!({ "ticket": ticket }))
        .unwrap_or_else(|error| Reply::error(error.class, &error.message))
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
        if let Some(client) = &self.client {
            client.desk().begin_turn();
        }
        self.awaited.begin_turn();
    }

    fn roll_back(&mut self) {
        if let Some(client) = &self.client {
            let due = |look: &mut dyn FnMut(Ticket, &Reply)| self.awaited.look_at_due(look);
            client.desk().roll_back(due);
        }
        self.awaited.roll_back();
    }

    fn pending(&self) -> usize {
        self.awaited.pending()
    }

    fn has_answers(&self) -> bool {
        self.awaited.has_answers()
    }

    fn take_answers(&mut self) -> Vec<(Ticket, Reply)> {
        let answers = self.awaited.take();
        if let Some(client) = &self.client {
            let mut desk = client.desk();
            for (ticket, reply) in &answers {
                desk.taken(*ticket, reply);
            }
        }
        answers
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
        let journal_bytes = self.budget.held_bytes;
        let has_client_tools = self.toolbox.iter().any(ToolEntry::is_client);
        let mut permission = Permission::new(self.toolbox, self.grants, self.budget);
        permission.patience = self.patience;
        let awaited = Arc::new(Awaited::default());
        let client = has_client_tools.then(|| {
            let budget = permission.budget.clone();
            ClientCalls::new(Desk::new(journal_bytes), Arc::clone(&awaited), budget)
        });
        Broker {
            permission,
            awaited,
            client,
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
