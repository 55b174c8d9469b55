//! From a spec to a policy with every grant in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memex_policies::{Access, Limits, Policy, Preset, ToolGrants};

use crate::error::{Error, SpecPart};
use crate::inputs::check_inputs;
use crate::policy_files::resolve_policies;
use crate::spec::{ImageSource, LimitValue, Mount, PolicySource, SessionSpec};

/// A spec whose policy is known: every file of it was read, and every grant is
/// permitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    pub(crate) spec: SessionSpec,
    policy: Arc<Policy>,
}

impl SessionSpec {
    /// Reads the policy that the spec names, adds what the spec grants and sets,
    /// and checks what can be checked before anything is opened.
    ///
    /// # Errors
    /// [`Error::Refused`] for what the policy forbids, [`Error::Policy`] and its
    /// like for policies that cannot be had, [`Error::Directory`] for a grant of
    /// what is no directory, [`Error::Input`] for a name that is none.
    pub fn resolve(&self) -> Result<Resolved, Error> {
        check_inputs(&self.inputs)?;
        let mut policy = self.base()?;
        for mount in &self.mounts {
            policy
                .grant_directory(&mount.host, &mount.guest, mount.access)
                .map_err(Error::refused(SpecPart::Mounts))?;
        }
        for (name, value) in &self.limits {
            set_limit(&mut policy, name, value).map_err(Error::refused(SpecPart::Limits))?;
        }
        for (name, value) in &self.environment {
            policy
                .set_variable(name.clone(), value.clone())
                .map_err(Error::refused(SpecPart::Environment))?;
        }
        check_directories(&policy)?;
        self.grant_tools(&mut policy)?;
        Ok(Resolved {
            spec: self.clone(),
            policy: Arc::new(policy),
        })
    }

    fn base(&self) -> Result<Policy, Error> {
        match &self.policy {
            PolicySource::Named(name) => resolve_policies(std::slice::from_ref(name)),
            PolicySource::Files(names) if names.is_empty() => {
                Ok(Policy::from_preset(implied_preset(&self.mounts)))
            }
            PolicySource::Files(names) => resolve_policies(names),
            PolicySource::Written(table) => {
                let text = toml::to_string(table).map_err(Error::spec)?;
                Policy::parse(&text).map_err(|error| Error::Policy {
                    place: "policy".to_owned(),
                    // The place is one in a text that nobody wrote.
                    error: error.cause().clone(),
                })
            }
        }
    }

    /// Like a mounted directory, a tool that the spec names is granted by that,
    /// unless the policy denies it or its preset has no tools. Granted hosts are
    /// of no use without `fetch`, which goes with them.
    fn grant_tools(&self, policy: &mut Policy) -> Result<(), Error> {
        if self.tools.ask_user {
            policy
                .set_ask_user(true)
                .map_err(Error::refused(SpecPart::AskUser))?;
        }
        if let Some(shared) = &self.tools.shared_scratch {
            policy
                .set_shared_scratch(Some(shared.into()))
                .map_err(Error::refused(SpecPart::SharedScratch))?;
        }
        if !self.tools.names_tools() && !has_tools(policy) {
            return Ok(());
        }
        grant_all(policy)
    }
}

/// Every tool that the policy does not deny, unless its preset has no tools.
fn grant_all(policy: &mut Policy) -> Result<(), Error> {
    let wanted = ToolGrants {
        allow: vec!["*".to_owned()],
        deny: policy.tools.deny.clone(),
    };
    policy
        .set_tools(wanted)
        .map_err(Error::refused(SpecPart::Tools))
}

impl Resolved {
    /// What the code may do, with everything that the spec grants.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The spec that was resolved.
    #[must_use]
    pub fn spec(&self) -> &SessionSpec {
        &self.spec
    }

    /// The same under another policy, for who adds grants of its own.
    ///
    /// # Errors
    /// [`Error::Policy`] for a policy that breaks its own rules.
    pub fn with_policy(mut self, policy: Policy) -> Result<Self, Error> {
        policy.validate().map_err(|error| Error::Policy {
            place: "policy".to_owned(),
            error,
        })?;
        self.policy = Arc::new(policy);
        Ok(self)
    }

    /// The same with tools of the embedding program granted, as those are that the
    /// spec names.
    ///
    /// # Errors
    /// [`Error::Refused`] where the policy's preset has no tools.
    pub fn granting_tools(mut self) -> Result<Self, Error> {
        let mut policy = Policy::clone(&self.policy);
        grant_all(&mut policy)?;
        self.policy = Arc::new(policy);
        Ok(self)
    }

    /// The same on the image of this name, for who has it already: another
    /// process then needs nothing of what it was built from.
    #[must_use]
    pub fn on_image(mut self, name: &str) -> Self {
        self.spec.image = ImageSource {
            name: Some(name.to_owned()),
            ..ImageSource::default()
        };
        self
    }

    /// Whether there are tools to open.
    #[must_use]
    pub fn has_tools(&self) -> bool {
        self.spec.tools.names_tools() || has_tools(&self.policy)
    }

    /// The spec of the same sandbox for another process: the policy written
    /// out, directories absolute, and nothing of tools, store and inputs, which
    /// stay with the process that has the session's broker.
    ///
    /// # Errors
    /// [`Error::Spec`] when there is no working directory to make paths absolute
    /// with.
    pub fn pinned(&self) -> Result<SessionSpec, Error> {
        let mut policy = Policy::clone(&self.policy);
        for grant in &mut policy.directories {
            grant.host = absolute(&grant.host)?;
        }
        Ok(SessionSpec {
            policy: PolicySource::of(&policy)?,
            image: self.spec.image.clone(),
            ..SessionSpec::default()
        })
    }
}

/// Whether the policy alone brings tools.
fn has_tools(policy: &Policy) -> bool {
    policy.ask_user || policy.shared_scratch.is_some() || !policy.network.is_empty()
}

fn set_limit(
    policy: &mut Policy,
    name: &str,
    value: &LimitValue,
) -> Result<(), memex_policies::Error> {
    let value = match value {
        LimitValue::Number(value) => *value,
        LimitValue::Text(text) => Limits::field(name)?.parse(text)?,
    };
    policy.set_limit(name, value)
}

/// Without a policy, the mounts are the policy: the narrowest preset that
/// permits them.
fn implied_preset(mounts: &[Mount]) -> Preset {
    match mounts.iter().map(|mount| mount.access).max() {
        None => Preset::default(),
        Some(Access::ReadOnly) => Preset::ReadFiles,
        Some(Access::ReadWrite) => Preset::Workspace,
    }
}

/// A grant that cannot be opened is refused before an image is built for it.
fn check_directories(policy: &Policy) -> Result<(), Error> {
    for grant in &policy.directories {
        let what = match std::fs::metadata(&grant.host) {
            Ok(metadata) if metadata.is_dir() => continue,
            Ok(_) => "it is not a directory".to_owned(),
            Err(error) => error.to_string(),
        };
        return Err(Error::Directory {
            host: grant.host.clone(),
            guest: grant.guest.clone(),
            what,
        });
    }
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|error| Error::spec(format!("{}: {error}", path.display())))
}
