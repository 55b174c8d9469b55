//! A policy written out as TOML.

use std::fmt::Write as _;

use crate::clock::{Clock, Randomness};
use crate::limits::{LimitField, Limits};
use crate::policy::Policy;

impl Policy {
    /// The policy as the text of a policy file, every limit spelled out, so
    /// that it means the same where defaults differ.
    ///
    /// For a valid policy, [`Policy::parse`] reads the text back to an equal one.
    pub fn to_toml(&self) -> String {
        let mut lines = vec![
            "version = 1".to_owned(),
            format!("name = {}", string(&self.name)),
            format!("extends = {}", string(self.preset.name())),
            "\n[limits]".to_owned(),
        ];
        let limits = Limits::fields().iter();
        lines.extend(limits.filter_map(|field| limit_line(field, &self.limits)));
        lines.push(format!("\n[scratch]\nenabled = {}", self.scratch.enabled));
        lines.push(match self.natives.enabled {
            true => format!(
                "\n[natives]\nenabled = true\ndeny = {}",
                array(&self.natives.deny)
            ),
            false => "\n[natives]\nenabled = false".to_owned(),
        });
        if !self.environment.is_empty() {
            lines.push("\n[environment]".to_owned());
            let variables = self.environment.iter();
            lines.extend(
                variables.map(|(name, value)| format!("{} = {}", string(name), string(value))),
            );
        }
        lines.push(match self.clock {
            Clock::System => "\n[clock]\nmode = \"system\"".to_owned(),
            Clock::Fixed { unix_ns, step_ns } => {
                format!("\n[clock]\nmode = \"fixed\"\nunix_ns = {unix_ns}\nstep_ns = {step_ns}")
            }
        });
        lines.push(match self.randomness {
            Randomness::System => "\n[randomness]\nmode = \"system\"".to_owned(),
            Randomness::Seeded { seed } => {
                format!("\n[randomness]\nmode = \"seeded\"\nseed = {seed}")
            }
        });
        lines.push(format!(
            "\n[tools]\nallow = {}\ndeny = {}",
            array(&self.tools.allow),
            array(&self.tools.deny)
        ));
        if self.ask_user {
            lines.push("\n[ask_user]\nenabled = true".to_owned());
        }
        if let Some(grant) = &self.shared_scratch {
            lines.push(format!(
                "\n[shared_scratch]\nname = {}\naccess = {}",
                string(&grant.name),
                string(grant.access.name())
            ));
        }
        lines.extend(self.directories.iter().map(|grant| {
            format!(
                "\n[[directories]]\nhost = {}\nguest = {}\naccess = {}",
                string(&grant.host.to_string_lossy()),
                string(&grant.guest),
                string(grant.access.name())
            )
        }));
        lines.extend(self.network.iter().map(|grant| {
            format!(
                "\n[[network]]\nhost = {}\nports = {:?}\nmethods = {}\npath_prefix = {}\nprivate_addresses = {}",
                string(&grant.host),
                grant.ports,
                array(&grant.methods),
                string(&grant.path_prefix),
                grant.private_addresses
            )
        }));
        lines.push(String::new());
        lines.join("\n")
    }
}

fn limit_line(field: &LimitField, limits: &Limits) -> Option<String> {
    let value = field.read(limits)?;
    let written = match field.unit.scaled(value) {
        Some(text) => string(&text),
        None => value.to_string(),
    };
    Some(format!("{} = {written}", field.name))
}

fn array(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| string(item)).collect();
    format!("[{}]", items.join(", "))
}

/// A TOML basic string, on one line whatever `text` holds.
fn string(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                written.push('\\');
                written.push(c);
            }
            c if c.is_control() => {
                // Writing to a `String` cannot fail.
                let _ = write!(written, "\\u{:04X}", u32::from(c));
            }
            c => written.push(c),
        }
    }
    written.push('"');
    written
}
