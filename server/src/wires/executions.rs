//! Executions: a block in a context, with variables of its own, as steps for whoever
//! streams them to a client.
//!
//! ```text
//! line of the sandbox ─► turn before ─► the block's turn
//!                        (context)      (its variables are set and taken back around it;
//!                                        its events go to the client)
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use memex_sessions::Outcome;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::contexts::{self, Context, DEFAULT};
use super::lines::{Contexts, Known, Lines};
use super::shell::{self, Command};
pub(crate) use super::steps::{Block, Step, Steps, Task};
use super::steps::{
    default_context, dropped, failed, no_context, shell_turn, waits, was_stopped, with,
};
use crate::error::{ErrorKind, ServiceError};
use crate::names::Id;
use crate::sandbox::Durability;
use crate::service::Service;
use crate::tenants::{HeldBody, Principal};
use crate::turns::{TurnEvent, TurnRequest, TurnStream};

/// Steps that wait for a client that reads slowly. Past them, the turn's own buffer
/// fills, which loses output and never holds the guest up.
const STEPS_WAITING: usize = 64;

/// The executions of a wire.
#[derive(Clone)]
pub(crate) struct Executions {
    service: Service,
    lines: Arc<Lines>,
    running: Arc<Mutex<HashMap<String, Id>>>,
}

impl Executions {
    pub(crate) fn new(service: Service) -> Self {
        Self {
            service,
            lines: Arc::default(),
            running: Arc::default(),
        }
    }

    /// Tells that a sandbox was just made, from an image.
    pub(crate) fn fresh(&self, id: Id) {
        self.lines.fresh(id);
    }

    /// Tells that a sandbox has ended.
    pub(crate) fn forget(&self, id: Id) {
        self.lines.forget(id);
    }

    /// Starts a block or a command.
    ///
    /// # Errors
    /// When too much of the tenant's waits already, or the system has no random numbers.
    /// What goes wrong later is a step.
    pub(crate) fn start(
        &self,
        who: Principal,
        sandbox: Id,
        task: Task,
    ) -> Result<Steps, ServiceError> {
        let held = HeldBody::admit(&who.tenant, task.bytes())?;
        let id = Id::random().map_err(|error| ServiceError::internal(error.to_string()))?;
        let id = id.to_string();
        let (sender, receiver) = mpsc::channel(STEPS_WAITING);
        self.running.lock().insert(id.clone(), sandbox);
        let guard = Running {
            running: Arc::clone(&self.running),
            id: id.clone(),
        };
        let work = Work {
            executions: self.clone(),
            who,
            sandbox,
            sender,
            held: Mutex::new(Some(held)),
        };
        tokio::spawn(async move {
            let _running = guard;
            work.run(task).await;
        });
        Ok(Steps { id, receiver })
    }

    /// Interrupts the execution of an id, in a sandbox. Says whether it ran.
    ///
    /// # Errors
    /// The service's.
    pub(crate) async fn interrupt(
        &self,
        who: &Principal,
        sandbox: Id,
        execution: &str,
    ) -> Result<bool, ServiceError> {
        let is_its = self.running.lock().get(execution) == Some(&sandbox);
        match is_its {
            true => {
                // One that is about to begin is kept from it.
                self.service.interrupt(who, &sandbox, false).await?;
                Ok(true)
            }
            false => Ok(false),
        }
    }

    /// The contexts of a sandbox.
    ///
    /// # Errors
    /// The service's; when code in the session changed them.
    pub(crate) async fn contexts(
        &self,
        who: &Principal,
        sandbox: Id,
    ) -> Result<Vec<Context>, ServiceError> {
        let mut known = self.lines.enter(sandbox).await?;
        if known.contexts == Contexts::None {
            return Ok(vec![default_context()]);
        }
        let outcome = self.hidden(who, sandbox, contexts::ask()).await?;
        let found = contexts::read(&outcome.stdout)?;
        if known.contexts == Contexts::Unknown && found.len() == 1 {
            known.contexts = Contexts::None;
        }
        Ok(found)
    }

    /// Makes a context.
    ///
    /// # Errors
    /// The service's; when there are [`contexts::CONTEXTS_MAX`]; when there can be no
    /// such folder.
    pub(crate) async fn create_context(
        &self,
        who: &Principal,
        sandbox: Id,
        folder: &str,
    ) -> Result<Context, ServiceError> {
        let found = self.contexts(who, sandbox).await?;
        if found.len() >= contexts::CONTEXTS_MAX {
            return Err(ServiceError::new(
                ErrorKind::Exhausted,
                "too-many-contexts",
                format!("the sandbox has {} contexts", contexts::CONTEXTS_MAX),
                "remove one, or use another sandbox",
            ));
        }
        let id = Id::random().map_err(|error| ServiceError::internal(error.to_string()))?;
        let context = Context {
            id: id.to_string(),
            folder: folder.to_owned(),
        };
        let mut known = self.lines.enter(sandbox).await?;
        let code = contexts::create(&context.id, folder);
        self.hidden(who, sandbox, code).await?;
        if known.contexts == Contexts::None {
            known.contexts = Contexts::Current(DEFAULT.to_owned());
        }
        Ok(context)
    }

    /// Removes a context; of the default one, its names.
    ///
    /// # Errors
    /// The service's; when there is no such context.
    pub(crate) async fn remove_context(
        &self,
        who: &Principal,
        sandbox: Id,
        context: &str,
    ) -> Result<(), ServiceError> {
        self.change(who, sandbox, context, contexts::remove(context))
            .await
    }

    /// Empties a context.
    ///
    /// # Errors
    /// The service's; when there is no such context.
    pub(crate) async fn restart_context(
        &self,
        who: &Principal,
        sandbox: Id,
        context: &str,
    ) -> Result<(), ServiceError> {
        if context == DEFAULT {
            let mut known = self.lines.enter(sandbox).await?;
            if known.contexts == Contexts::None {
                // Alone in its session, it gets a new one.
                self.service.restart(who, &sandbox).await?;
                known.count = Some(0);
                known.has_shell = false;
                return Ok(());
            }
        }
        self.change(who, sandbox, context, contexts::restart(context))
            .await
    }

    async fn change(
        &self,
        who: &Principal,
        sandbox: Id,
        context: &str,
        code: String,
    ) -> Result<(), ServiceError> {
        let found = self.contexts(who, sandbox).await?;
        if !found.iter().any(|one| one.id == context) {
            return Err(no_context(context));
        }
        let mut known = self.lines.enter(sandbox).await?;
        self.hidden(who, sandbox, code).await?;
        // Which one is current now is asked for when it matters.
        known.contexts = Contexts::Unknown;
        Ok(())
    }

    /// Runs a turn of the wire's own, of which nothing needs to outlive the block's.
    async fn hidden(
        &self,
        who: &Principal,
        sandbox: Id,
        code: String,
    ) -> Result<Outcome, ServiceError> {
        let request = TurnRequest {
            code,
            durability: Some(Durability::Memory),
            ..TurnRequest::default()
        };
        match self.service.run(who, &sandbox, request).await? {
            TurnEvent::Done(outcome) if outcome.is_ok() => Ok(*outcome),
            TurnEvent::Done(outcome) => Err(failed(&outcome)),
            TurnEvent::Failed(error) => Err(error),
            _ => Err(waits()),
        }
    }
}

/// Takes an execution off the list when it is over.
struct Running {
    running: Arc<Mutex<HashMap<String, Id>>>,
    id: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.running.lock().remove(&self.id);
    }
}

/// An execution under way.
struct Work {
    executions: Executions,
    who: Principal,
    sandbox: Id,
    sender: mpsc::Sender<Step>,
    /// The room of the task, until it is that of its turn.
    held: Mutex<Option<HeldBody>>,
}

impl Work {
    async fn run(self, task: Task) {
        let last = match self.steps(task).await {
            Ok(Some(outcome)) => Step::Over(Box::new(outcome)),
            Ok(None) => return,
            Err(error) => Step::Failed(error),
        };
        let _gone = self.sender.send(last).await;
    }

    /// Runs all of it. `None` when the client has gone.
    async fn steps(&self, task: Task) -> Result<Option<Outcome>, ServiceError> {
        let entered = tokio::select! {
            entered = self.executions.lines.enter(self.sandbox) => entered?,
            () = self.sender.closed() => return Ok(None),
        };
        let mut known = entered;
        match task {
            Task::Block(block) => self.run_block(&mut known, block).await,
            Task::Command(command) => self.run_command(&mut known, &command).await,
        }
    }

    async fn run_block(
        &self,
        known: &mut Known,
        block: Block,
    ) -> Result<Option<Outcome>, ServiceError> {
        contexts::check(&block.variables)?;
        let count = self.count(known).await?;
        self.make_current(known, block.context.as_deref()).await?;
        // The variables are set, and taken back, with no other turn between: no state that
        // is saved has them.
        let request = TurnRequest {
            around: contexts::around(&block.variables),
            code: block.code,
            ..TurnRequest::default()
        };
        self.turn(request, &mut Some(count)).await
    }

    /// Runs a command, which is no execution that is counted.
    async fn run_command(
        &self,
        known: &mut Known,
        command: &Command,
    ) -> Result<Option<Outcome>, ServiceError> {
        shell::check(command)?;
        if !known.has_shell {
            self.load_shell(known).await?;
        }
        let mut count = Some(0);
        match self.turn(shell_turn(command), &mut count).await? {
            // It went back to a state from before it was loaded.
            Some(outcome) if shell::is_missing(&outcome) => {
                self.load_shell(known).await?;
                self.turn(shell_turn(command), &mut count).await
            }
            outcome => Ok(outcome),
        }
    }

    async fn load_shell(&self, known: &mut Known) -> Result<(), ServiceError> {
        let executions = &self.executions;
        let loaded = executions.hidden(&self.who, self.sandbox, shell::load());
        loaded.await?;
        known.has_shell = true;
        Ok(())
    }

    /// The number of this execution.
    async fn count(&self, known: &mut Known) -> Result<u64, ServiceError> {
        let so_far = match known.count {
            Some(count) => count,
            None => {
                let service = &self.executions.service;
                let view = service.get(&self.who, &self.sandbox).await?;
                view.turns.unwrap_or(0)
            }
        };
        let count = so_far.saturating_add(1);
        known.count = Some(count);
        Ok(count)
    }

    /// Makes a block's context current.
    async fn make_current(
        &self,
        known: &mut Known,
        context: Option<&str>,
    ) -> Result<(), ServiceError> {
        let wanted = context.unwrap_or(DEFAULT);
        let enter = match &known.contexts {
            Contexts::Current(current) if current == wanted => None,
            Contexts::None | Contexts::Unknown if wanted == DEFAULT => None,
            Contexts::None => return Err(no_context(wanted)),
            _ => Some(wanted),
        };
        if let Some(wanted) = enter {
            self.check_context(wanted).await?;
        } else if known.contexts == Contexts::Unknown {
            self.settle(known).await?;
        }
        if let Some(wanted) = enter {
            let code = contexts::enter(wanted);
            let executions = &self.executions;
            executions.hidden(&self.who, self.sandbox, code).await?;
            known.contexts = Contexts::Current(wanted.to_owned());
        }
        Ok(())
    }

    /// A context that is not there is told before anything runs.
    async fn check_context(&self, wanted: &str) -> Result<(), ServiceError> {
        let missing = || no_context(wanted);
        if !contexts::is_id(wanted) {
            return Err(missing());
        }
        let executions = &self.executions;
        let asked = executions.hidden(&self.who, self.sandbox, contexts::ask());
        let found = contexts::read(&asked.await?.stdout)?;
        match found.iter().any(|one| one.id == wanted) {
            true => Ok(()),
            false => Err(missing()),
        }
    }

    /// Makes the default context current in a sandbox of which nothing is known.
    async fn settle(&self, known: &mut Known) -> Result<(), ServiceError> {
        let executions = &self.executions;
        let settled = executions.hidden(&self.who, self.sandbox, contexts::settle());
        settled.await?;
        known.contexts = Contexts::Current(DEFAULT.to_owned());
        Ok(())
    }

    /// Runs a turn whose events are the client's. It has begun once it can be
    /// interrupted, which is told once.
    async fn turn(
        &self,
        request: TurnRequest,
        count: &mut Option<u64>,
    ) -> Result<Option<Outcome>, ServiceError> {
        let service = &self.executions.service;
        drop(self.held.lock().take());
        let mut turn = service
            .start_turn(&self.who, &self.sandbox, request)
            .await?;
        let mut displays = Vec::new();
        loop {
            let event = tokio::select! {
                event = turn.next() => event,
                // Dropping the turn interrupts it.
                () = self.sender.closed() => return Ok(None),
            };
            let step = match event {
                Some(TurnEvent::Stdout(text)) => Step::Stdout(text),
                Some(TurnEvent::Stderr(text)) => Step::Stderr(text),
                Some(TurnEvent::Dropped { bytes }) => Step::Stderr(dropped(bytes)),
                Some(TurnEvent::Display(display)) => {
                    displays.push(display);
                    continue;
                }
                Some(TurnEvent::Started) => match count.take() {
                    Some(count) => Step::Began { count },
                    None => continue,
                },
                Some(TurnEvent::Done(outcome)) => {
                    if was_stopped(&outcome) {
                        self.check_there().await?;
                    }
                    return Ok(Some(with(*outcome, displays)));
                }
                Some(TurnEvent::Failed(error)) => {
                    self.check_there().await?;
                    return Err(error);
                }
                Some(TurnEvent::Waiting(_)) => {
                    self.give_up_waiting(turn).await;
                    return Err(waits());
                }
                None => return Err(ServiceError::internal("a turn ended without an outcome")),
            };
            if self.sender.send(step).await.is_err() {
                return Ok(None);
            }
        }
    }

    /// A turn that was ended with its sandbox has no outcome that matters.
    ///
    /// The sandbox may still be about to end: whatever uses it waits until it has.
    async fn check_there(&self) -> Result<(), ServiceError> {
        let service = &self.executions.service;
        let looked = service.stat(&self.who, &self.sandbox, "/").await;
        match looked {
            Err(error) if matches!(error.kind, ErrorKind::Gone | ErrorKind::NotFound) => Err(error),
            _ => Ok(()),
        }
    }

    async fn give_up_waiting(&self, turn: TurnStream) {
        drop(turn);
        let service = &self.executions.service;
        let cancelled = service.cancel_waiting(&self.who, &self.sandbox).await;
        if let Err(error) = cancelled {
            tracing::debug!(%error, "a turn that waits for a client tool stays");
        }
    }
}
