//! The scratch of keys and values that sessions share.

use crate::directories::Access;
use crate::error::Error;
use crate::names::check_plain_name;
use crate::suggestions::quoted;

const NAME_MAX_CHARS: usize = 64;

/// A scratch of keys and values, by its name: every session whose policy names
/// it sees the same values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedScratchGrant {
    /// 1 to 64 ASCII letters, digits and `_ - .`, beginning with one of the
    /// first two.
    pub name: String,
    /// Whether values may be set and deleted.
    pub access: Access,
}

impl SharedScratchGrant {
    /// Whether all that `asked` permits is permitted by this grant.
    pub(crate) fn covers(&self, asked: &Self) -> bool {
        self.name == asked.name && self.access >= asked.access
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let name = &self.name;
        // Narrower than any plain name, since it occurs in commands too.
        let is_name = check_plain_name(name).is_ok()
            && name.len() <= NAME_MAX_CHARS
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        match is_name {
            true => Ok(()),
            false => Err(Error::Invalid {
                what: "shared scratch",
                value: quoted(name),
                reason: "a name has 1 to 64 ASCII letters, digits and `_ - .`, and begins with a letter or digit".to_owned(),
            }),
        }
    }

    /// Words for messages: `` `team`, read-only ``.
    pub(crate) fn describe(&self) -> String {
        format!("{}, {}", quoted(&self.name), self.access.name())
    }
}
