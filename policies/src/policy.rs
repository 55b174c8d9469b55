//! The resolved policy, and the checked ways to change it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::clock::{Clock, Randomness};
use crate::directories::{Access, DirectoryGrant, Scratch};
use crate::environment::check_variable;
use crate::error::Error;
use crate::limits::Limits;
use crate::lists::check_entries;
use crate::natives::NativeGrants;
use crate::network::HostGrant;
use crate::presets::{Capability, Preset};
use crate::shared::SharedScratchGrant;
use crate::suggestions::quoted;
use crate::tools::ToolGrants;

const NAME_MAX_CHARS: usize = 64;

/// What a session may do and use, resolved: every setting has its value.
///
/// Every constructor and method returns a valid policy. The fields are public
/// for reading; who writes them calls [`Policy::validate`] afterwards. The
/// policy says what is permitted; the runtime and the tools enforce it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The policy's name, for people; the preset's unless set.
    pub name: String,
    /// The preset it extends, which bounds what may be granted.
    pub preset: Preset,
    /// The bounds of a session.
    pub limits: Limits,
    /// The host directories the guest sees. None, unless granted.
    pub directories: Vec<DirectoryGrant>,
    /// The private file space. On, except in `deny-all`.
    pub scratch: Scratch,
    /// The natives. All, except in `deny-all`, where there are none.
    pub natives: NativeGrants,
    /// The environment variables added for the guest. None, unless set.
    pub environment: BTreeMap<String, String>,
    /// The clock. The host's, unless fixed.
    pub clock: Clock,
    /// The source of random bytes. The host's, unless seeded.
    pub randomness: Randomness,
    /// The tools. None, unless allowed.
    pub tools: ToolGrants,
    /// Whether code may ask the user. Not, unless granted.
    pub ask_user: bool,
    /// The keys and values that sessions share. None, unless granted.
    pub shared_scratch: Option<SharedScratchGrant>,
    /// The hosts that tools may reach. None, unless granted.
    pub network: Vec<HostGrant>,
}

impl Default for Policy {
    /// The `compute` preset.
    fn default() -> Self {
        Self::from_preset(Preset::default())
    }
}

impl Policy {
    /// The policy that `preset` is by itself, without any grant.
    pub fn from_preset(preset: Preset) -> Self {
        Self {
            name: preset.name().to_owned(),
            preset,
            limits: preset.limits(),
            directories: Vec::new(),
            scratch: Scratch {
                enabled: preset > Preset::DenyAll,
            },
            natives: NativeGrants {
                enabled: preset > Preset::DenyAll,
                deny: Vec::new(),
            },
            environment: BTreeMap::new(),
            clock: Clock::System,
            randomness: Randomness::System,
            tools: ToolGrants::default(),
            ask_user: false,
            shared_scratch: None,
            network: Vec::new(),
        }
    }

    /// Grants a directory of the host at a path of the guest.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where the preset forbids it, [`Error::Invalid`]
    /// where a path breaks the rules of [`DirectoryGrant`].
    pub fn grant_directory(
        &mut self,
        host: impl Into<PathBuf>,
        guest: impl Into<String>,
        access: Access,
    ) -> Result<(), Error> {
        let grant = DirectoryGrant {
            host: host.into(),
            guest: guest.into(),
            access,
        };
        self.permit_directory(&grant)?;
        check_entries("directories", self.directories.len() + 1)?;
        grant.check(&self.directories)?;
        self.directories.push(grant);
        Ok(())
    }

    /// Sets a limit, up or down, within its range and the preset's ceiling.
    ///
    /// # Errors
    /// [`Error::UnknownLimit`], [`Error::LimitRange`], or
    /// [`Error::NotPermitted`] above the preset's ceiling.
    pub fn set_limit(&mut self, name: &str, value: u64) -> Result<(), Error> {
        let field = Limits::field(name)?;
        field.check(value)?;
        self.permit_limit(field.name, value)?;
        self.limits.set(name, value)
    }

    /// This policy with a limit lowered.
    ///
    /// # Errors
    /// [`Error::Widening`] where `value` is above the current one, and all of
    /// [`Policy::set_limit`]'s.
    pub fn with_limit(&self, name: &str, value: u64) -> Result<Self, Error> {
        let field = Limits::field(name)?;
        field.check(value)?;
        if let Some(current) = field.read(&self.limits)
            && value > current
        {
            return Err(Error::Widening {
                field: format!("limits.{}", field.name),
                current: field.unit.format(current),
                asked: field.unit.format(value),
            });
        }
        let mut narrowed = self.clone();
        narrowed.set_limit(name, value)?;
        Ok(narrowed)
    }

    /// Checks every rule again, for a policy whose fields were written directly.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), Error> {
        let mut checked = Self::from_preset(self.preset);
        checked.set_name(self.name.clone())?;
        for field in Limits::fields() {
            if let Some(value) = field.read(&self.limits) {
                checked.set_limit(field.name, value)?;
            }
        }
        for grant in &self.directories {
            checked.grant_directory(&grant.host, &grant.guest, grant.access)?;
        }
        checked.set_scratch(self.scratch.enabled)?;
        checked.set_natives(self.natives.clone())?;
        for (name, value) in &self.environment {
            checked.set_variable(name.clone(), value.clone())?;
        }
        self.clock.check()?;
        checked.set_tools(self.tools.clone())?;
        checked.set_ask_user(self.ask_user)?;
        checked.set_shared_scratch(self.shared_scratch.clone())?;
        for grant in &self.network {
            checked.grant_host(grant.clone())?;
        }
        Ok(())
    }

    /// Sets the name: 1 to 64 characters, none of them a control character.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn set_name(&mut self, name: String) -> Result<(), Error> {
        let length = name.chars().count();
        if !(1..=NAME_MAX_CHARS).contains(&length) || name.contains(char::is_control) {
            return Err(Error::Invalid {
                what: "policy name",
                value: quoted(&name),
                reason: "it must have 1 to 64 characters, without control characters".to_owned(),
            });
        }
        self.name = name;
        Ok(())
    }

    /// Turns scratch on or off.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where the preset forbids it.
    pub fn set_scratch(&mut self, enabled: bool) -> Result<(), Error> {
        if enabled {
            self.preset
                .permit(Capability::Scratch, || "scratch".to_owned())?;
        }
        self.scratch.enabled = enabled;
        Ok(())
    }

    /// Sets the natives that may be used.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where the preset forbids it,
    /// [`Error::UnknownChoice`] or [`Error::Invalid`] for a denial that denies
    /// nothing.
    pub fn set_natives(&mut self, natives: NativeGrants) -> Result<(), Error> {
        if natives.enabled {
            self.preset
                .permit(Capability::Natives, || "natives".to_owned())?;
        }
        natives.check()?;
        self.natives = natives;
        Ok(())
    }

    /// Sets an environment variable of the guest.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where the preset forbids it, [`Error::Invalid`]
    /// for a name that could not take effect.
    pub fn set_variable(&mut self, name: String, value: String) -> Result<(), Error> {
        self.preset.permit(Capability::Environment, || {
            format!("the environment variable {}", quoted(&name))
        })?;
        check_variable(&name, &value)?;
        check_entries("environment", self.environment.len() + 1)?;
        self.environment.insert(name, value);
        Ok(())
    }

    /// Sets the tools that may be called.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where the preset forbids it, [`Error::Invalid`]
    /// for an entry that is no tool name or prefix.
    pub fn set_tools(&mut self, tools: ToolGrants) -> Result<(), Error> {
        if !tools.allow.is_empty() {
            self.preset
                .permit(Capability::Tools, || "tools".to_owned())?;
        }
        tools.check()?;
        self.tools = tools;
        Ok(())
    }

    /// Grants questions to the user, or takes them away.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where the preset forbids it.
    pub fn set_ask_user(&mut self, enabled: bool) -> Result<(), Error> {
        if enabled {
            self.preset
                .permit(Capability::Tools, || "ask_user".to_owned())?;
        }
        self.ask_user = enabled;
        Ok(())
    }

    /// Grants a scratch that sessions share, or takes it away.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where the preset forbids it, [`Error::Invalid`]
    /// for a name that is none.
    pub fn set_shared_scratch(&mut self, grant: Option<SharedScratchGrant>) -> Result<(), Error> {
        if let Some(grant) = &grant {
            self.preset.permit(Capability::Tools, || {
                format!("the shared scratch {}", quoted(&grant.name))
            })?;
            grant.check()?;
        }
        self.shared_scratch = grant;
        Ok(())
    }

    /// Grants a host.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where the preset forbids it, [`Error::Invalid`]
    /// or [`Error::UnknownChoice`] where the grant breaks a rule.
    pub fn grant_host(&mut self, grant: HostGrant) -> Result<(), Error> {
        self.preset.permit(Capability::Network, || {
            format!("the host {}", quoted(&grant.host))
        })?;
        check_entries("network", self.network.len() + 1)?;
        grant.check()?;
        if self.network.contains(&grant) {
            return Err(Error::Invalid {
                what: "host",
                value: quoted(&grant.host),
                reason: "the same grant is listed twice".to_owned(),
            });
        }
        self.network.push(grant);
        Ok(())
    }

    fn permit_directory(&self, grant: &DirectoryGrant) -> Result<(), Error> {
        let capability = match grant.access {
            Access::ReadOnly => Capability::ReadDirectory,
            Access::ReadWrite => Capability::WriteDirectory,
        };
        self.preset.permit(capability, || {
            format!(
                "{} access to the directory {}",
                grant.access.name(),
                quoted(&grant.guest)
            )
        })
    }

    fn permit_limit(&self, name: &'static str, value: u64) -> Result<(), Error> {
        let field = Limits::field(name)?;
        let ceiling = self.preset.ceiling(field);
        if value <= ceiling {
            return Ok(());
        }
        self.preset.permit(Capability::HigherLimits, || {
            format!(
                "`{name}` = {}; its maximum there is {}",
                field.unit.format(value),
                field.unit.format(ceiling)
            )
        })
    }
}
