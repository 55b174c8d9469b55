//! The broker of a session that was saved: nothing that was saved is trusted.

use super::awaited::End;
use super::client::{
    ClientAnswer, ClientCalls, Entry, RestoredCall, SavedCalls, TURN_BEFORE_RESTORED, TURN_RESTORED,
};
use super::head::tree_bytes;
use super::session::{Broker, BrokerBuilder};
use super::settlement::result_of;
use crate::Error;
use crate::audit::Account;
use crate::tool::ClientTool;
use memex_channel::{Reply, Ticket};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

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
        let broker = self.build();
        let Some(client) = &broker.client else {
            return Err(refused("this session has no client tools".to_owned()));
        };
        let lost = |ticket: &Ticket| {
            let message = "the call stayed behind when the session was restored; call it again";
            (*ticket, Reply::error("ConnectionAbortedError", message))
        };
        let due: Vec<(Ticket, Reply)> = saved.lost().iter().map(lost).collect();
        let turns = (TURN_RESTORED, TURN_BEFORE_RESTORED);
        broker.awaited.restore(saved.last_ticket(), turns, due);
        for call in saved.open() {
            broker.reopen(client, call).map_err(refused)?;
        }
        for entry in &journal {
            broker.check_entry(entry).map_err(refused)?;
        }
        client.desk().restore(saved, journal).map_err(refused)?;
        Ok(broker)
    }
}

impl Broker {
    /// Opens a call of a session that was saved.
    fn reopen(&self, client: &ClientCalls, call: RestoredCall) -> Result<(), String> {
        let permission = &self.permission;
        let entry = permission.toolbox.get(&call.tool);
        let Some(entry) = entry.filter(|entry| entry.is_client()) else {
            return Err(format!("there is no client tool called {:?}", call.tool));
        };
        if !permission.grants(&call.tool) {
            return Err(format!("the policy does not grant {:?}", call.tool));
        }
        let arguments = serde_json::Value::Object(call.arguments.json.clone());
        entry
            .check(&arguments)
            .map_err(|error| format!("the open call does not fit its tool: {}", error.message))?;
        if let (Some(ClientAnswer::Value(answer)), Some(tool)) =
            (&call.answer, entry.tool().client())
        {
            check_answer(tool, &answer.json)?;
        }
        let parts: usize = call.arguments.parts.iter().map(Vec::len).sum();
        let held = parts.saturating_add(tree_bytes(&call.arguments.json));
        let max = permission.budget.held_bytes;
        if self.awaited.usage().bytes.saturating_add(held) > max {
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
        Ok(())
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
        match (entry.tool().client(), reply.ok) {
            (Some(tool), true) => {
                let value = result_of(reply)
                    .map_err(|reason| format!("a saved reply of {:?}: {reason}", saved.tool))?;
                check_answer(tool, &value)
            }
            _ => Ok(()),
        }
    }
}

fn check_answer(tool: &ClientTool, value: &serde_json::Value) -> Result<(), String> {
    tool.check(value)
        .map_err(|error| format!("a saved answer does not fit its tool: {}", error.message))
}
