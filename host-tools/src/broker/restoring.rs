//! The broker of a session that was saved: nothing that was saved is trusted.

use super::awaited::End;
use super::client::{
    ClientAnswer, ClientCalls, Entry, RestoredCall, SavedCalls, TURN_BEFORE_RESTORED, TURN_RESTORED,
};
use super::head::{
    ANSWER_DEPTH_MAX, ARGUMENTS_DEPTH_MAX, check_arguments, check_references, text_bytes,
    tree_bytes,
};
use super::session::{Broker, BrokerBuilder};
use super::settlement::{result_of, size};
use crate::Error;
use crate::audit::Account;
use crate::tool::ClientTool;
use memex_channel::{Reply, Ticket};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What an exception has at most, as JSON: see the bounds of settlement.
const ERROR_MAX_BYTES: usize = 128 << 10;
/// What the reply of a call takes that stayed behind, rounded up.
const LOST_REPLY_BYTES: usize = 512;

impl BrokerBuilder {
    /// The broker of a session that was saved while its turn waited for a client, or was
    /// stopped for one: with the same calls open. Calls that the host was running stay
    /// behind; the guest sees `ConnectionAbortedError` where it awaits them.
    ///
    /// # Errors
    /// When the calls were saved by another version, are damaged, or are of tools that
    /// this broker does not have or may not call, with the reason.
    pub fn restore(self, saved: &SavedCalls) -> Result<Broker, Error> {
        let refused = |reason| Error::SavedCalls { reason };
        saved.check().map_err(refused)?;
        let journal = saved.journal().map_err(refused)?;
        let mut broker = self.build();
        broker.permission.count(saved.last());
        let broker = broker;
        let Some(client) = &broker.client else {
            return Err(refused("this session has no client tools".to_owned()));
        };
        let lost = |ticket: &Ticket| {
            let message = "the call stayed behind when the session was restored; call it again";
            (*ticket, Reply::error("ConnectionAbortedError", message))
        };
        // Each is told in words, which take far more than its number.
        let told = saved.lost().len().saturating_mul(LOST_REPLY_BYTES);
        if told > broker.permission.budget.held_bytes {
            return Err(refused("too many calls stayed behind".to_owned()));
        }
        let due: Vec<(Ticket, Reply)> = saved.lost().iter().map(lost).collect();
        let turns = (TURN_RESTORED, TURN_BEFORE_RESTORED);
        broker.awaited.restore(saved.last_ticket(), turns, due);
        let mut held = 0_usize;
        for call in saved.open() {
            held = held.saturating_add(broker.reopen(client, call).map_err(refused)?);
            // Besides what is awaited there is the call that the turn was stopped for.
            let max = broker.permission.budget.held_bytes.saturating_mul(2);
            if held > max {
                return Err(refused(format!(
                    "the open calls hold more than the {max} bytes allowed together"
                )));
            }
        }
        for entry in &journal {
            broker.check_entry(entry).map_err(refused)?;
        }
        client.desk().restore(saved, journal).map_err(refused)?;
        Ok(broker)
    }
}

impl Broker {
    /// Opens a call of a session that was saved, if it could have been made: what
    /// [`Permission::admit`](super::permission::Permission::admit) checks is checked here.
    /// The bytes that it holds.
    fn reopen(&self, client: &ClientCalls, mut call: RestoredCall) -> Result<usize, String> {
        let permission = &self.permission;
        let entry = permission.toolbox.get(&call.tool);
        let Some(entry) = entry.filter(|entry| entry.is_client()) else {
            return Err(format!("there is no client tool called {:?}", call.tool));
        };
        if !permission.grants(&call.tool) {
            return Err(format!("the policy does not grant {:?}", call.tool));
        }
        let unfit =
            |reason: &str| format!("the open call of {:?} does not fit: {reason}", call.tool);
        let given = &call.arguments;
        // Before anything goes through them: their depth, and that no part counts twice.
        check_arguments(
            given.json.values(),
            given.parts.len(),
            None,
            ARGUMENTS_DEPTH_MAX,
        )
        .map_err(unfit)?;
        let arguments = serde_json::Value::Object(given.json.clone());
        entry
            .check(&arguments)
            .map_err(|error| format!("the open call does not fit its tool: {}", error.message))?;
        // First what bounds it: checking goes as deep as the value.
        call.answer = (call.answer).map(|answer| answer.bounded(&permission.budget, &call.tool));
        if let (Some(ClientAnswer::Value(answer)), Some(tool)) =
            (&call.answer, entry.tool().client())
        {
            let fits = tool.check(&answer.json);
            fits.map_err(|error| {
                format!(
                    "a saved answer of {:?} does not fit its tool: {}",
                    call.tool, error.message
                )
            })?;
        }
        let parts: usize = given.parts.iter().map(Vec::len).sum();
        let bytes = parts.saturating_add(text_bytes(&given.json));
        let budget = &permission.budget;
        if bytes > budget.answer_bytes {
            let max = budget.answer_bytes;
            return Err(unfit(&format!("it has {bytes} bytes, of {max} allowed")));
        }
        let usage = self.awaited.usage();
        if call.ticket.is_some() && usage.calls >= budget.awaited {
            let max = budget.awaited;
            return Err(format!("more calls are open than the {max} allowed"));
        }
        let held = parts.saturating_add(tree_bytes(&given.json));
        let max = budget.held_bytes;
        if usage.bytes.saturating_add(held) > max {
            return Err(format!(
                "the open calls hold more than the {max} bytes allowed"
            ));
        }
        let turn = match call.earlier {
            true => TURN_BEFORE_RESTORED,
            false => TURN_RESTORED,
        };
        let completion = call.ticket.map(|ticket| {
            let mut account = Account::open(self.audit.as_ref(), &self.session, parts);
            account.awaited = true;
            account.note(&call.arguments);
            let end = End {
                tool: Arc::clone(entry.tool()),
                account,
                budget: permission.budget.clone(),
            };
            let cancelled = CancellationToken::new();
            let known = Some((turn, ticket));
            self.awaited.take_call(known, held, cancelled, end)
        });
        client.desk().reopen(entry.tool(), call, completion);
        Ok(held)
    }

    /// Whether the reply of a saved call may be given to the guest: its tool is permitted,
    /// and it is what the tool says it returns.
    fn check_entry(&self, saved: &Entry) -> Result<(), String> {
        let Some(reply) = &saved.reply else {
            return Ok(());
        };
        let Some(entry) = self.permission.toolbox.get(&saved.tool) else {
            return Err(format!("there is no tool called {:?}", saved.tool));
        };
        if !self.permission.grants(&saved.tool) {
            return Err(format!("the policy does not grant {:?}", saved.tool));
        }
        let max = match reply.ok {
            true => self.permission.budget.answer_bytes,
            // An exception is told whatever an answer may have.
            false => self.permission.budget.answer_bytes.max(ERROR_MAX_BYTES),
        };
        if size(reply) > max {
            return Err(format!(
                "a saved reply of {:?} has more than the {max} bytes allowed",
                saved.tool
            ));
        }
        if !reply.ok {
            return Ok(());
        }
        let value = result_of(reply)
            .map_err(|reason| format!("a saved reply of {:?}: {reason}", saved.tool))?;
        match entry.tool().client() {
            Some(tool) => check_answer(tool, &value, reply.parts.len()),
            None => Ok(()),
        }
    }
}

/// Whether a value is what the tool says it returns, nested no deeper than an answer may be.
fn check_answer(tool: &ClientTool, value: &serde_json::Value, parts: usize) -> Result<(), String> {
    let unfit = |reason: &str| format!("a saved answer does not fit its tool: {reason}");
    check_references([value], parts, ANSWER_DEPTH_MAX).map_err(unfit)?;
    tool.check(value).map_err(|error| unfit(&error.message))
}
