//! Overlays: a second text that may only take away.

use crate::clock::{Clock, Randomness};
use crate::directories::DirectoryGrant;
use crate::document::{self, Placed};
use crate::error::Error;
use crate::network::HostGrant;
use crate::policy::Policy;
use crate::sections::Sections;
use crate::shared::SharedScratchGrant;
use crate::suggestions::quoted;

impl Policy {
    /// This policy, narrowed by the text of an overlay.
    ///
    /// An overlay has the shape of a policy file, without `extends`. A section
    /// it leaves out stays as it is. A list it has (directories, environment,
    /// `tools.allow`, network) replaces the current one, of which it must be a
    /// part; an empty list takes everything away. `tools.deny` and `natives.deny`
    /// add denials.
    /// A clock may become fixed and randomness seeded, never the reverse.
    ///
    /// # Errors
    /// [`Error::Widening`] for each thing that is not granted already, naming
    /// the field, what it is and what was asked; and all of [`Policy::parse`]'s.
    pub fn narrow(&self, overlay_text: &str) -> Result<Self, Error> {
        let tree = document::parse(overlay_text)?;
        let overlay = Sections::read(overlay_text, &tree)?;
        let mut policy = self.clone();
        if let Some(preset) = overlay.extends {
            return Err(preset.refusal(Error::Invalid {
                what: "key",
                value: "`extends`".to_owned(),
                reason: "an overlay narrows the policy it is given, and extends none; remove it"
                    .to_owned(),
            }));
        }
        if let Some(name) = overlay.name {
            policy
                .set_name(name.value.clone())
                .map_err(|error| name.refusal(error))?;
        }
        for limit in overlay.limits {
            let (name, value) = limit.value;
            policy = policy
                .with_limit(name, value)
                .map_err(|error| limit.refusal(error))?;
        }
        if let Some(grants) = overlay.directories {
            policy.narrow_directories(&grants)?;
        }
        if let Some(enabled) = overlay.scratch {
            if enabled.value && !policy.scratch.enabled {
                return Err(enabled.refusal(widening("scratch.enabled", "false", "true")));
            }
            policy.scratch.enabled = enabled.value;
        }
        if let Some(section) = overlay.natives {
            policy.natives = policy
                .natives
                .narrow(section.value.enabled, &section.value.deny)
                .map_err(|error| section.refusal(error))?;
        }
        if let Some(variables) = overlay.environment {
            policy.narrow_environment(&variables)?;
        }
        if let Some(clock) = overlay.clock {
            if policy.clock != Clock::System && policy.clock != clock.value {
                let (current, asked) = (clock_words(policy.clock), clock_words(clock.value));
                return Err(clock.refusal(widening("clock", &current, &asked)));
            }
            policy.clock = clock.value;
        }
        if let Some(randomness) = overlay.randomness {
            if policy.randomness != Randomness::System && policy.randomness != randomness.value {
                let current = randomness_words(policy.randomness);
                let asked = randomness_words(randomness.value);
                return Err(randomness.refusal(widening("randomness", &current, &asked)));
            }
            policy.randomness = randomness.value;
        }
        if let Some(section) = overlay.tools {
            policy.tools = policy
                .tools
                .narrow(section.value.allow.clone(), section.value.deny.clone())
                .map_err(|error| section.refusal(error))?;
        }
        if let Some(enabled) = overlay.ask_user {
            if enabled.value && !policy.ask_user {
                return Err(enabled.refusal(widening("ask_user.enabled", "false", "true")));
            }
            policy.ask_user = enabled.value;
        }
        if let Some(asked) = overlay.shared_scratch {
            policy.narrow_shared_scratch(&asked)?;
        }
        if let Some(grants) = overlay.network {
            policy.narrow_network(grants)?;
        }
        Ok(policy)
    }

    fn narrow_directories(&mut self, grants: &[Placed<'_, DirectoryGrant>]) -> Result<(), Error> {
        let granted = std::mem::take(&mut self.directories);
        for grant in grants {
            let asked = &grant.value;
            // The host path must be the same text: whether one directory lies
            // in another is known only to who opens them.
            let current = granted
                .iter()
                .find(|g| g.guest == asked.guest && g.host == asked.host);
            if current.is_none_or(|current| asked.access > current.access) {
                let words = |grant: &DirectoryGrant| {
                    format!(
                        "{} at {} {}",
                        quoted(&grant.host.to_string_lossy()),
                        quoted(&grant.guest),
                        grant.access.name()
                    )
                };
                let current = list(granted.iter().map(words));
                return Err(grant.refusal(widening("directories", &current, &words(asked))));
            }
            self.grant_directory(&asked.host, &asked.guest, asked.access)
                .map_err(|error| grant.refusal(error))?;
        }
        Ok(())
    }

    fn narrow_environment(
        &mut self,
        variables: &[Placed<'_, (String, String)>],
    ) -> Result<(), Error> {
        let granted = std::mem::take(&mut self.environment);
        for variable in variables {
            let (name, value) = &variable.value;
            if granted.get(name) != Some(value) {
                let current = granted
                    .get(name)
                    .map_or_else(|| "not set".to_owned(), |value| quoted(value));
                let field = format!("environment.{name}");
                return Err(variable.refusal(widening(&field, &current, &quoted(value))));
            }
            self.environment.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    fn narrow_shared_scratch(
        &mut self,
        asked: &Placed<'_, Option<SharedScratchGrant>>,
    ) -> Result<(), Error> {
        let current = self.shared_scratch.take();
        if let Some(grant) = &asked.value
            && current
                .as_ref()
                .is_none_or(|current| !current.covers(grant))
        {
            let current = list(current.iter().map(SharedScratchGrant::describe));
            let refusal = widening("shared_scratch", &current, &grant.describe());
            return Err(asked.refusal(refusal));
        }
        self.shared_scratch = asked.value.clone();
        Ok(())
    }

    fn narrow_network(&mut self, grants: Vec<Placed<'_, HostGrant>>) -> Result<(), Error> {
        let granted = std::mem::take(&mut self.network);
        for grant in grants {
            if !granted.iter().any(|current| current.covers(&grant.value)) {
                let current = list(granted.iter().map(HostGrant::describe));
                let asked = grant.value.describe();
                return Err(grant.refusal(widening("network", &current, &asked)));
            }
            self.grant_host(grant.value.clone())
                .map_err(|error| grant.refusal(error))?;
        }
        Ok(())
    }
}

pub(crate) fn clock_words(clock: Clock) -> String {
    match clock {
        Clock::System => "the system clock".to_owned(),
        Clock::Fixed { unix_ns, step_ns } => format!("fixed at {unix_ns} ns, {step_ns} ns a step"),
    }
}

pub(crate) fn randomness_words(randomness: Randomness) -> String {
    match randomness {
        Randomness::System => "the system generator".to_owned(),
        Randomness::Seeded { seed } => format!("seeded with {seed}"),
    }
}

fn list(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join("; ")
    }
}

fn widening(field: &str, current: &str, asked: &str) -> Error {
    Error::Widening {
        field: field.to_owned(),
        current: current.to_owned(),
        asked: asked.to_owned(),
    }
}
