//! Who asks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::tenant::Tenant;
use crate::error::{ErrorKind, ServiceError};
use crate::names::Id;

/// Who asks: a tenant, by one of its keys or by the token of one of its sandboxes.
#[derive(Debug, Clone)]
pub struct Principal {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) key: String,
    pub(crate) scopes: Scopes,
    /// The one sandbox that a token is for.
    pub(crate) only: Option<Id>,
}

/// Something that a key permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Making, ending and listing sandboxes and snapshots.
    Create,
    /// Running code.
    Run,
    /// Reading and writing files.
    Files,
    /// What the operator sees: metrics and the use of all tenants.
    Admin,
}

/// Some scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 4] = [Self::Create, Self::Run, Self::Files, Self::Admin];

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Run => "run",
            Self::Files => "files",
            Self::Admin => "admin",
        }
    }
}

impl Scopes {
    /// What a client needs: all but [`Scope::Admin`].
    pub const CLIENT: Self = Self(0b0111);

    /// Whether a scope is among them.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Those that are there, in order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let bits = scopes.into_iter();
        Self(bits.fold(0, |bits, scope| bits | 1 << scope as u8))
    }
}

impl Principal {
    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        self.tenant.name()
    }

    /// Which key it used, as the audit log names it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Checks that it may do this.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`].
    pub fn require(&self, scope: Scope) -> Result<(), ServiceError> {
        match self.scopes.has(scope) {
            true => Ok(()),
            false => Err(ServiceError::new(
                ErrorKind::Forbidden,
                "missing-scope",
                format!("the key does not permit `{}`", scope.name()),
                format!("use a key with the scope `{}`", scope.name()),
            )),
        }
    }
}
