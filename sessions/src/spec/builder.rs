//! Building specs in code.

use std::path::PathBuf;

use memex_policies::Access;
use serde_json::Value;

use super::image::ImageSource;
use super::policy::PolicySource;
use super::session_spec::{LimitValue, Mount, SessionSpec};
use super::store::StoreSource;
use super::tools::{Database, ToolSources};

/// Makes a [`SessionSpec`].
///
/// Without any call, the spec is that of a session of the preset `compute` on
/// the standard image: no directory, no variable, no tool, no input, the
/// preset's limits, and saved nowhere. Nothing is checked before
/// [`SessionSpec::resolve`].
#[derive(Debug, Clone, Default)]
pub struct SessionSpecBuilder {
    spec: SessionSpec,
}

impl SessionSpecBuilder {
    /// What the code may do: a preset, policy files, or a policy written out.
    /// Default: the narrowest preset that permits the mounts.
    #[must_use]
    pub fn policy(mut self, policy: impl Into<PolicySource>) -> Self {
        self.spec.policy = policy.into();
        self
    }

    /// Adds a directory of the host. Default: none.
    #[must_use]
    pub fn mount(
        mut self,
        host: impl Into<PathBuf>,
        guest: impl Into<String>,
        access: Access,
    ) -> Self {
        self.spec.mounts.push(Mount {
            host: host.into(),
            guest: guest.into(),
            access,
        });
        self
    }

    /// Sets a limit, in its own unit or as a text such as `"2s"`. Default: the
    /// policy's.
    #[must_use]
    pub fn limit(mut self, name: impl Into<String>, value: impl Into<LimitValue>) -> Self {
        self.spec.limits.insert(name.into(), value.into());
        self
    }

    /// Sets an environment variable of the guest. Default: none.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.spec.environment.insert(name.into(), value.into());
        self
    }

    /// What the session starts from. Default: the standard image.
    #[must_use]
    pub fn image(mut self, image: ImageSource) -> Self {
        self.spec.image = image;
        self
    }

    /// The tools that the code gets. Default: none.
    #[must_use]
    pub fn tools(mut self, tools: ToolSources) -> Self {
        self.spec.tools = tools;
        self
    }

    /// Adds a database of the tool `sql`. Default: none.
    #[must_use]
    pub fn database(mut self, name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.spec.tools.sql.push(Database {
            name: name.into(),
            path: path.into(),
        });
        self
    }

    /// Where the session is saved, and continued from. Default: nowhere.
    #[must_use]
    pub fn store(mut self, store: StoreSource) -> Self {
        self.spec.store = Some(store);
        self
    }

    /// Adds a value that the code finds under a name. Default: none.
    #[must_use]
    pub fn input(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.spec.inputs.insert(name.into(), value.into());
        self
    }

    /// The spec.
    #[must_use]
    pub fn build(self) -> SessionSpec {
        self.spec
    }
}

impl SessionSpec {
    /// A builder of a spec in which every field has its default.
    #[must_use]
    pub fn builder() -> SessionSpecBuilder {
        SessionSpecBuilder::default()
    }
}
