//! Which natives a session may use.

use crate::error::Error;
use crate::suggestions::{hint, quoted};

/// The families of natives there are: functions of the host that compute what the
/// guest lacks, bytes in, bytes out, without authority.
pub const NATIVE_FAMILIES: &[&str] = &[
    "jpeg", "kdf", "matrices", "parquet", "sorting", "webp", "zstd",
];

/// The natives a session may use: all families but those denied, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeGrants {
    /// Whether any may be used.
    pub enabled: bool,
    /// Families that may not be.
    pub deny: Vec<String>,
}

impl NativeGrants {
    /// Whether natives of `family` may be used.
    pub fn permits(&self, family: &str) -> bool {
        self.enabled && !self.deny.iter().any(|denied| denied == family)
    }

    /// Checks that each denial denies something, once.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !self.enabled && !self.deny.is_empty() {
            return Err(Error::Invalid {
                what: "key",
                value: "`natives.deny`".to_owned(),
                reason: "it means nothing where no natives are enabled".to_owned(),
            });
        }
        check_denials(&self.deny)
    }

    /// Denies further families, or all.
    pub(crate) fn narrow(&self, enabled: Option<bool>, deny: &[String]) -> Result<Self, Error> {
        check_denials(deny)?;
        if enabled == Some(true) && !self.enabled {
            return Err(Error::Widening {
                field: "natives.enabled".to_owned(),
                current: "false".to_owned(),
                asked: "true".to_owned(),
            });
        }
        if !self.enabled || enabled == Some(false) {
            return Ok(Self {
                enabled: false,
                deny: Vec::new(),
            });
        }
        let mut narrowed = self.clone();
        for family in deny {
            if !narrowed.deny.contains(family) {
                narrowed.deny.push(family.clone());
            }
        }
        Ok(narrowed)
    }
}

fn check_denials(deny: &[String]) -> Result<(), Error> {
    for (index, family) in deny.iter().enumerate() {
        if !NATIVE_FAMILIES.contains(&family.as_str()) {
            return Err(Error::UnknownChoice {
                key: "natives.deny".to_owned(),
                value: quoted(family),
                hint: hint(family, NATIVE_FAMILIES),
            });
        }
        if deny.iter().take(index).any(|earlier| earlier == family) {
            return Err(Error::Invalid {
                what: "native",
                value: quoted(family),
                reason: "it is listed twice".to_owned(),
            });
        }
    }
    Ok(())
}
