//! An agent, as the operator writes it.

use std::path::Path;

use memex_agent::AgentConfig;
use memex_models::{ApiKey, ModelConfig, ModelOptions, ModelSpec, Prices};
use serde::Deserialize;

use super::catalogue::OperatedAgent;

/// Kinds of models that are files.
const FILES: [&str; 2] = ["script:", "replay:"];

/// An agent that clients may run, as the operator writes it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentSettings {
    /// What it is for, as clients are told.
    pub description: String,
    /// The model, as `--model` of `memex agent run` names it.
    pub model: String,
    /// How the model is spoken to.
    pub model_options: ModelOptions,
    /// The variable of the environment that holds the model's key. Default: as usual with
    /// the provider.
    pub key_variable: Option<String>,
    /// The settings of the agent, as in the file of `memex agent run --agent`.
    pub settings: toml::Table,
}

impl AgentSettings {
    /// The same, where the files of scripts and recordings are beside the operator's.
    #[must_use]
    pub fn anchored(mut self, folder: &Path) -> Self {
        for kind in FILES {
            if let Some(file) = self.model.strip_prefix(kind) {
                self.model = format!("{kind}{}", folder.join(file).display());
                break;
            }
        }
        self
    }

    /// The agent. `variable` reads the environment, which holds the keys of models.
    ///
    /// # Errors
    /// What is wrong with a setting.
    pub fn build(
        &self,
        name: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<OperatedAgent, String> {
        crate::names::check_tenant_name(name).map_err(|_| {
            format!("{name:?} is no name of an agent: 1 to 40 of a-z, 0-9 and - are one")
        })?;
        let place = format!("agents.{name}.settings");
        let mut config = AgentConfig::of_table(self.settings.clone(), &place)
            .map_err(|error| error.to_string())?;
        if config.backend != memex_agent::Backend::InProcess {
            return Err(format!("{place}: backend: is `in_process` in a server"));
        }
        // Its record is the server's; a scope beside it would be gigabytes for nobody.
        config.save_scope = false;
        let mut model = ModelConfig::parse(&self.model).map_err(|error| error.to_string())?;
        model.options = self.model_options.clone();
        let usual = match &model.spec {
            ModelSpec::Remote { provider, .. } => provider.key_variable(),
            ModelSpec::Script(_) | ModelSpec::Replay(_) => None,
        };
        let key = self.key_variable.as_deref().or(usual).and_then(variable);
        let model = model.build(key.map(ApiKey::new));
        Ok(OperatedAgent {
            name: name.to_owned(),
            description: self.description.clone(),
            model: model.map_err(|error| error.to_string())?,
            config,
            prices: Prices::built_in().map_err(|error| error.to_string())?,
        })
    }
}
