//! The shape of a policy file: which sections and keys there are.
//!
//! A file and an overlay have the same shape. What a section may say is
//! decided where it is applied: in `Policy::parse` against the preset, in
//! `Policy::narrow` against the policy that is narrowed.

use toml::de::DeTable;

use crate::clock::{Clock, Randomness};
use crate::directories::{Access, DirectoryGrant};
use crate::document::{Item, Placed, Table};
use crate::error::Error;
use crate::limits::Limits;
use crate::network::{HostGrant, canonical_host};
use crate::presets::Preset;
use crate::shared::SharedScratchGrant;
use crate::suggestions::{hint, quoted};

const VERSION: u64 = 1;

const SECTIONS: &[&str] = &[
    "version",
    "name",
    "extends",
    "limits",
    "directories",
    "scratch",
    "natives",
    "environment",
    "clock",
    "randomness",
    "tools",
    "ask_user",
    "shared_scratch",
    "network",
];

/// What a policy text says; absent sections are `None` or empty.
#[derive(Debug, Default)]
pub(crate) struct Sections<'a> {
    pub(crate) name: Option<Placed<'a, String>>,
    pub(crate) extends: Option<Placed<'a, Preset>>,
    pub(crate) limits: Vec<Placed<'a, (&'static str, u64)>>,
    pub(crate) directories: Option<Vec<Placed<'a, DirectoryGrant>>>,
    pub(crate) scratch: Option<Placed<'a, bool>>,
    pub(crate) natives: Option<Placed<'a, NativeSection>>,
    pub(crate) environment: Option<Vec<Placed<'a, (String, String)>>>,
    pub(crate) clock: Option<Placed<'a, Clock>>,
    pub(crate) randomness: Option<Placed<'a, Randomness>>,
    pub(crate) tools: Option<Placed<'a, ToolSection>>,
    pub(crate) ask_user: Option<Placed<'a, bool>>,
    /// `None` inside: it is taken away.
    pub(crate) shared_scratch: Option<Placed<'a, Option<SharedScratchGrant>>>,
    pub(crate) network: Option<Vec<Placed<'a, HostGrant>>>,
}

#[derive(Debug)]
pub(crate) struct ToolSection {
    pub(crate) allow: Option<Vec<String>>,
    pub(crate) deny: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct NativeSection {
    pub(crate) enabled: Option<bool>,
    pub(crate) deny: Vec<String>,
}

impl<'a> Sections<'a> {
    /// Reads the syntax tree of `text`, as the document parser made it.
    pub(crate) fn read(text: &'a str, tree: &'a DeTable<'a>) -> Result<Self, Error> {
        let root = Table::root(text, tree);
        check_version(&root)?;
        let name = optional(&root, "name", |item| {
            Ok(item.placed(item.string()?.to_owned()))
        })?;
        let extends = optional(&root, "extends", |item| {
            Ok(item.placed(item.choice(Preset::from_name)?))
        })?;
        Ok(Self {
            name,
            extends,
            limits: optional(&root, "limits", read_limits)?.unwrap_or_default(),
            directories: optional(&root, "directories", read_directories)?,
            scratch: optional(&root, "scratch", read_switch)?,
            natives: optional(&root, "natives", read_natives)?,
            environment: optional(&root, "environment", read_environment)?,
            clock: optional(&root, "clock", read_clock)?,
            randomness: optional(&root, "randomness", read_randomness)?,
            tools: optional(&root, "tools", read_tools)?,
            ask_user: optional(&root, "ask_user", read_switch)?,
            shared_scratch: optional(&root, "shared_scratch", read_shared_scratch)?,
            network: optional(&root, "network", read_network)?,
        })
    }
}

/// The version comes before the keys: a later version may have other keys.
fn check_version(root: &Table<'_>) -> Result<(), Error> {
    if let Some(item) = root.get("version") {
        let found = item.number()?;
        if found != VERSION {
            return Err(item.placed(()).refusal(Error::Version { found }));
        }
    }
    root.expect_keys(SECTIONS)?;
    root.require("version", "write `version = 1` as the first line")?;
    Ok(())
}

fn optional<'a, T>(
    table: &Table<'a>,
    name: &str,
    read: impl FnOnce(&Item<'a>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    table.get(name).map(read).transpose()
}

fn read_limits<'a>(item: &Item<'a>) -> Result<Vec<Placed<'a, (&'static str, u64)>>, Error> {
    let table = item.table(&Limits::names())?;
    let mut limits = Vec::new();
    for (key, item) in table.entries() {
        let field = Limits::field(key.value)?;
        limits.push(item.placed((field.name, item.quantity(field.unit)?)));
    }
    Ok(limits)
}

fn read_directories<'a>(item: &Item<'a>) -> Result<Vec<Placed<'a, DirectoryGrant>>, Error> {
    let mut grants = Vec::new();
    for entry in item.tables(&["host", "guest", "access"])? {
        let table = &entry.value;
        let host = table.require(
            "host",
            "write the directory on the host, as `host = \"data\"`",
        )?;
        let guest = table.require(
            "guest",
            "write the path in the guest, as `guest = \"/data\"`",
        )?;
        let grant = DirectoryGrant {
            host: host.string()?.into(),
            guest: guest.string()?.to_owned(),
            access: optional(table, "access", |item| item.choice(Access::from_name))?
                .unwrap_or_default(),
        };
        // Where the guest path stands, the grant can be told from the others.
        grants.push(guest.placed(grant));
    }
    Ok(grants)
}

/// A section with `enabled` alone.
fn read_switch<'a>(item: &Item<'a>) -> Result<Placed<'a, bool>, Error> {
    let table = item.table(&["enabled"])?;
    let enabled = table.require("enabled", "write `enabled = true` or `enabled = false`")?;
    Ok(enabled.placed(enabled.boolean()?))
}

fn read_shared_scratch<'a>(
    item: &Item<'a>,
) -> Result<Placed<'a, Option<SharedScratchGrant>>, Error> {
    let table = item.table(&["enabled", "name", "access"])?;
    if let Some(enabled) = table.get("enabled")
        && !enabled.boolean()?
    {
        // A name beside it would mean nothing.
        item.table(&["enabled"])?;
        return Ok(item.placed(None));
    }
    let name = table.require("name", "write its name, as `name = \"team\"`")?;
    let grant = SharedScratchGrant {
        name: name.string()?.to_owned(),
        // A scratch that no session may write to stays empty.
        access: optional(&table, "access", |item| item.choice(Access::from_name))?
            .unwrap_or(Access::ReadWrite),
    };
    Ok(name.placed(Some(grant)))
}

fn read_environment<'a>(item: &Item<'a>) -> Result<Vec<Placed<'a, (String, String)>>, Error> {
    let table = item.open_table()?;
    let mut variables = Vec::new();
    for (key, item) in table.entries() {
        variables.push(item.placed((key.value.to_owned(), item.string()?.to_owned())));
    }
    Ok(variables)
}

fn read_clock<'a>(item: &Item<'a>) -> Result<Placed<'a, Clock>, Error> {
    let keys: &[&str] = &["mode", "unix_ns", "step_ns"];
    let table = item.table(keys)?;
    let fixed = read_mode(&table, "fixed", keys)?;
    let clock = if fixed {
        let start = table.require("unix_ns", "write the first reading, as `unix_ns = 0`")?;
        Clock::Fixed {
            unix_ns: start.number()?,
            step_ns: optional(&table, "step_ns", Item::number)?.unwrap_or_default(),
        }
    } else {
        Clock::System
    };
    let placed = item.placed(clock);
    clock.check().map_err(|error| placed.refusal(error))?;
    Ok(placed)
}

fn read_randomness<'a>(item: &Item<'a>) -> Result<Placed<'a, Randomness>, Error> {
    let keys: &[&str] = &["mode", "seed"];
    let table = item.table(keys)?;
    let randomness = if read_mode(&table, "seeded", keys)? {
        let seed = table.require("seed", "write a number, as `seed = 1`")?;
        Randomness::Seeded {
            seed: seed.number()?,
        }
    } else {
        Randomness::System
    };
    Ok(item.placed(randomness))
}

/// Whether `mode` is `special` rather than `system`; the other `keys` have a
/// meaning only then.
fn read_mode(table: &Table<'_>, special: &'static str, keys: &[&str]) -> Result<bool, Error> {
    let mode = table.require("mode", "write `mode = \"system\"`, or the mode for replay")?;
    let is_special = mode.choice(|word| match word {
        "system" => Ok(false),
        word if word == special => Ok(true),
        _ => Err(Error::UnknownChoice {
            key: mode.path().to_owned(),
            value: quoted(word),
            hint: hint(word, &["system", special]),
        }),
    })?;
    for key in keys.iter().filter(|key| **key != "mode") {
        if let Some(item) = table.get(key)
            && !is_special
        {
            return Err(item.placed(()).refusal(Error::Invalid {
                what: "key",
                value: quoted(item.path()),
                reason: format!("it means nothing unless `mode = \"{special}\"`"),
            }));
        }
    }
    Ok(is_special)
}

fn read_tools<'a>(item: &Item<'a>) -> Result<Placed<'a, ToolSection>, Error> {
    let table = item.table(&["allow", "deny"])?;
    let section = ToolSection {
        allow: optional(&table, "allow", read_strings)?,
        deny: optional(&table, "deny", read_strings)?.unwrap_or_default(),
    };
    Ok(item.placed(section))
}

fn read_natives<'a>(item: &Item<'a>) -> Result<Placed<'a, NativeSection>, Error> {
    let table = item.table(&["enabled", "deny"])?;
    let enabled = optional(&table, "enabled", Item::boolean)?;
    if enabled == Some(false) {
        // Denials beside it would mean nothing.
        item.table(&["enabled"])?;
    }
    let section = NativeSection {
        enabled,
        deny: optional(&table, "deny", read_strings)?.unwrap_or_default(),
    };
    Ok(item.placed(section))
}

fn read_network<'a>(item: &Item<'a>) -> Result<Vec<Placed<'a, HostGrant>>, Error> {
    let mut grants = Vec::new();
    let keys = [
        "host",
        "ports",
        "methods",
        "path_prefix",
        "private_addresses",
    ];
    for entry in item.tables(&keys)? {
        let table = &entry.value;
        let host = table.require("host", "write the name, as `host = \"api.example.org\"`")?;
        let mut grant = HostGrant::new(canonical_host(host.string()?));
        if let Some(ports) = optional(table, "ports", read_ports)? {
            grant.ports = ports;
        }
        if let Some(methods) = optional(table, "methods", read_strings)? {
            grant.methods = methods;
        }
        if let Some(prefix) = optional(table, "path_prefix", Item::string)? {
            prefix.clone_into(&mut grant.path_prefix);
        }
        grant.private_addresses =
            optional(table, "private_addresses", Item::boolean)?.unwrap_or_default();
        grants.push(host.placed(grant));
    }
    Ok(grants)
}

fn read_strings(item: &Item<'_>) -> Result<Vec<String>, Error> {
    let items = item.items()?;
    items
        .iter()
        .map(|item| Ok(item.string()?.to_owned()))
        .collect()
}

fn read_ports(item: &Item<'_>) -> Result<Vec<u16>, Error> {
    let read = |item: &Item<'_>| {
        let number = item.number()?;
        u16::try_from(number).map_err(|_| {
            item.placed(()).refusal(Error::Invalid {
                what: "port",
                value: number.to_string(),
                reason: "ports go from 1 to 65535".to_owned(),
            })
        })
    };
    item.items()?.iter().map(read).collect()
}
