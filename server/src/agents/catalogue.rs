//! The agents that clients may run.

use std::sync::Arc;

use memex_agent::AgentConfig;
use memex_models::{Model, Prices};

use crate::error::ServiceError;
use crate::tenants::Tenant;

/// An agent that clients may run: a model and settings, which the operator chose.
pub struct OperatedAgent {
    /// What clients call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its model.
    pub model: Arc<dyn Model>,
    /// Its settings. A request may lower the budgets.
    pub config: AgentConfig,
    /// What tokens cost.
    pub prices: Prices,
}

impl std::fmt::Debug for OperatedAgent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperatedAgent")
            .field("name", &self.name)
            .field("model", &self.model.name())
            .finish_non_exhaustive()
    }
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(Arc<[Arc<OperatedAgent>]>);

impl FromIterator<OperatedAgent> for Catalogue {
    fn from_iter<I: IntoIterator<Item = OperatedAgent>>(agents: I) -> Self {
        Self(agents.into_iter().map(Arc::new).collect())
    }
}

impl Catalogue {
    /// Those that a tenant may run.
    pub(crate) fn of<'c>(
        &'c self,
        tenant: &'c Tenant,
    ) -> impl Iterator<Item = &'c Arc<OperatedAgent>> + 'c {
        let agents = self.0.iter();
        agents.filter(|agent| tenant.may_run(&agent.name))
    }

    /// The one of a name, or the only one.
    pub(crate) fn find(
        &self,
        tenant: &Tenant,
        name: Option<&str>,
    ) -> Result<Arc<OperatedAgent>, ServiceError> {
        let mut permitted = self.of(tenant);
        match name {
            Some(name) => permitted
                .find(|agent| agent.name == name)
                .cloned()
                .ok_or_else(|| ServiceError::not_found("agent", name)),
            None => match (permitted.next(), permitted.next()) {
                (Some(only), None) => Ok(Arc::clone(only)),
                (None, _) => Err(ServiceError::not_found("agent", "default")),
                (Some(_), Some(_)) => Err(ServiceError::invalid(
                    "there are several agents, and none is named",
                    "name one of those that GET /v1/agents lists",
                )),
            },
        }
    }
}
