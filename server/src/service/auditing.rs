//! What goes to the audit log.

use super::state::Inner;
use crate::names::Id;
use crate::operations::Event;
use crate::tenants::Principal;

impl Inner {
    /// Records what was done, for the operator.
    pub(super) fn tell(
        &self,
        who: &Principal,
        action: &'static str,
        id: &Id,
        outcome: &str,
        code: Option<&str>,
    ) {
        self.tell_of(who, action, id.as_str(), outcome, code);
    }

    /// The same of something that has another name than an identifier.
    pub(super) fn tell_of(
        &self,
        who: &Principal,
        action: &'static str,
        subject: &str,
        outcome: &str,
        code: Option<&str>,
    ) {
        self.audit.record(&Event {
            tenant: who.tenant(),
            key: who.key(),
            action,
            subject,
            outcome,
            code,
        });
    }
}
