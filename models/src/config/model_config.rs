//! The way from words to a working model.

use std::sync::Arc;

use super::{ModelOptions, ModelSpec, Provider};
use crate::transport::RemoteParts;
use crate::{
    ApiKey, MaxTokensField, Model, ModelError, RemoteModel, Replay, Script, ScriptedModel,
    Transport,
};

/// A model that can be built: where it is, and how it is spoken to.
///
/// ```no_run
/// use memex_models::{ApiKey, ModelConfig};
///
/// # fn key() -> String { String::new() }
/// let config = ModelConfig::parse("openai:gpt-5")?;
/// let model = config.build(Some(ApiKey::new(key())))?;
/// assert_eq!(model.name(), "gpt-5");
/// # Ok::<(), memex_models::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelConfig {
    /// The provider, and its address.
    pub spec: ModelSpec,
    /// How it is spoken to.
    pub options: ModelOptions,
}

impl ModelConfig {
    /// A model by its line, with the default options.
    ///
    /// # Errors
    /// [`ModelError::Setting`], if the line names none.
    pub fn parse(line: &str) -> Result<Self, ModelError> {
        Ok(Self {
            spec: line.parse()?,
            options: ModelOptions::default(),
        })
    }

    /// Connections, waits and limits of its own. Models of one account should
    /// share one.
    ///
    /// # Errors
    /// As [`Transport::new`].
    pub fn transport(&self) -> Result<Transport, ModelError> {
        let base_url = self.base_url().unwrap_or("");
        let options = &self.options;
        let plain = base_url.get(..7);
        let plain = plain.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
        Transport::new(
            options.timeouts.clone(),
            options.retry.clone(),
            options.limits.clone(),
            options.proxy.as_ref().map(|proxy| proxy.0.as_str()),
            !plain,
        )
    }

    /// The model, with a transport of its own.
    ///
    /// # Errors
    /// As [`Self::build_on`] and [`Self::transport`].
    pub fn build(&self, key: Option<ApiKey>) -> Result<Arc<dyn Model>, ModelError> {
        match self.spec {
            ModelSpec::Remote { .. } => self.build_on(&self.transport()?, key),
            _ => self.build_offline(),
        }
    }

    /// The model on a transport that it shares with others. The transport's
    /// timeouts, attempts and limits count, not those of these options.
    ///
    /// # Errors
    /// [`ModelError::Setting`], if a setting is missing or wrong, and what
    /// reading a script or a recording may say.
    pub fn build_on(
        &self,
        transport: &Transport,
        key: Option<ApiKey>,
    ) -> Result<Arc<dyn Model>, ModelError> {
        let ModelSpec::Remote {
            provider, model, ..
        } = &self.spec
        else {
            return self.build_offline();
        };
        let Some(base_url) = self.base_url() else {
            return Err(ModelError::Setting {
                setting: "base_url",
                what: format!("is missing; write local:{model}@http://HOST:PORT/v1"),
            });
        };
        let own_address = provider.base_url() == Some(base_url);
        if let (None, true, Some(variable)) = (&key, own_address, provider.key_variable()) {
            return Err(ModelError::Setting {
                setting: "the API key",
                what: format!("{} wants one, as usually in {variable}", provider.name()),
            });
        }
        let mut wire = self.options.wire.clone();
        if *provider == Provider::Local {
            wire.max_tokens_field
                .get_or_insert(MaxTokensField::MaxTokens);
        }
        let headers = self.options.headers.iter();
        let headers: Vec<(String, ApiKey)> = headers
            .map(|(name, value)| (name.clone(), ApiKey::new(&value.0)))
            .collect();
        Ok(Arc::new(RemoteModel::new(RemoteParts {
            name: model.clone(),
            protocol: provider.protocol(),
            base_url,
            key,
            headers: &headers,
            wire,
            send_labels: self.options.send_labels,
            transport: transport.clone(),
        })?))
    }

    fn build_offline(&self) -> Result<Arc<dyn Model>, ModelError> {
        match &self.spec {
            ModelSpec::Replay(path) => Ok(Arc::new(Replay::read(path, self.options.replay)?)),
            ModelSpec::Script(path) => {
                let name = self.options.name.as_deref().unwrap_or("script");
                let model = ScriptedModel::new(name, Script::read(path)?);
                Ok(Arc::new(model.with_retry(self.options.retry.clone())))
            }
            ModelSpec::Remote { model, .. } => Err(ModelError::Setting {
                setting: "model",
                what: format!("{model} is behind a network and needs a transport"),
            }),
        }
    }

    fn base_url(&self) -> Option<&str> {
        let ModelSpec::Remote {
            provider, base_url, ..
        } = &self.spec
        else {
            return None;
        };
        let told = base_url.as_deref().or(self.options.base_url.as_deref());
        told.or(provider.base_url())
    }
}
