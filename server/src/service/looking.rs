//! The names of a sandbox's scope. No code of the sandbox runs, and no turn is counted.

use memex_runtime::Error;

use super::state::Service;
use crate::error::ServiceError;
use crate::names::Id;
use crate::tenants::{Principal, Scope};

const NAMES: &str = r#"{"op":"names"}"#;
const LINES: &str = r#"{"op":"describe"}"#;

/// What the dispatcher of a sandbox says of its scope. It is the guest's word: code of the
/// sandbox can change what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// JSON: the names, with what tells one value from another.
    pub names: Option<String>,
    /// JSON: a line for each name, as models are told of it.
    pub lines: Option<String>,
}

impl Service {
    /// The names of a sandbox's scope. A turn that runs is waited for.
    ///
    /// # Errors
    /// When the sandbox cannot be woken, and while a turn waits for answers.
    pub async fn variables(&self, who: &Principal, id: &Id) -> Result<Described, ServiceError> {
        let inner = &self.inner;
        let entry = inner.entry_for_work(who, id, Scope::Run)?;
        let looked = inner.on_thread(&entry, |inner, entry, body| {
            let asked = inner.with_session(entry, body, |session| -> Result<_, Error> {
                Ok(Described {
                    names: session.inspect(NAMES)?,
                    lines: session.inspect(LINES)?,
                })
            })?;
            asked.map_err(|error| {
                tracing::error!(sandbox = %entry.id, %error, "a scope cannot be looked at");
                ServiceError::internal("the names of the scope cannot be read")
            })
        });
        looked.await
    }
}
