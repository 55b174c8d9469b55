//! From the text of a policy file to a resolved policy.

use crate::clock::{Clock, Randomness};
use crate::directories::DirectoryGrant;
use crate::document;
use crate::error::Error;
use crate::natives::NativeGrants;
use crate::policy::Policy;
use crate::presets::Preset;
use crate::sections::Sections;
use crate::tools::ToolGrants;

impl Policy {
    /// Parses, validates and resolves the text of a policy file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column. Nothing in the
    /// text is ever ignored: a key or grant that could have no effect is refused.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let tree = document::parse(text)?;
        let sections = Sections::read(text, &tree)?;
        let preset = sections.extends.map_or(Preset::default(), |p| p.value);
        let mut policy = Self::from_preset(preset);
        if let Some(name) = sections.name {
            policy
                .set_name(name.value.clone())
                .map_err(|error| name.refusal(error))?;
        }
        for limit in sections.limits {
            let (name, value) = limit.value;
            policy
                .set_limit(name, value)
                .map_err(|error| limit.refusal(error))?;
        }
        for grant in sections.directories.unwrap_or_default() {
            let DirectoryGrant {
                host,
                guest,
                access,
            } = grant.value.clone();
            policy
                .grant_directory(host, guest, access)
                .map_err(|error| grant.refusal(error))?;
        }
        if let Some(enabled) = sections.scratch {
            policy
                .set_scratch(enabled.value)
                .map_err(|error| enabled.refusal(error))?;
        }
        if let Some(section) = sections.natives {
            let natives = NativeGrants {
                enabled: section.value.enabled.unwrap_or(policy.natives.enabled),
                deny: section.value.deny.clone(),
            };
            policy
                .set_natives(natives)
                .map_err(|error| section.refusal(error))?;
        }
        for variable in sections.environment.unwrap_or_default() {
            let (name, value) = variable.value.clone();
            policy
                .set_variable(name, value)
                .map_err(|error| variable.refusal(error))?;
        }
        policy.clock = sections.clock.map_or(Clock::System, |c| c.value);
        policy.randomness = sections.randomness.map_or(Randomness::System, |r| r.value);
        if let Some(section) = sections.tools {
            let tools = ToolGrants {
                allow: section.value.allow.clone().unwrap_or_default(),
                deny: section.value.deny.clone(),
            };
            policy
                .set_tools(tools)
                .map_err(|error| section.refusal(error))?;
        }
        if let Some(enabled) = sections.ask_user {
            policy
                .set_ask_user(enabled.value)
                .map_err(|error| enabled.refusal(error))?;
        }
        if let Some(grant) = sections.shared_scratch {
            policy
                .set_shared_scratch(grant.value.clone())
                .map_err(|error| grant.refusal(error))?;
        }
        for grant in sections.network.unwrap_or_default() {
            policy
                .grant_host(grant.value.clone())
                .map_err(|error| grant.refusal(error))?;
        }
        Ok(policy)
    }
}
