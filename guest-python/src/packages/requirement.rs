//! Which package, in which version.

use std::fmt;

use crate::error::Error;

/// A text is no longer than this.
const TEXT_MAX_BYTES: usize = 200;

/// `NAME==VERSION`, or `NAME[EXTRA,…]==VERSION`. Two of the same meaning are
/// equal: names are kept in lower case with `-` between words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    name: String,
    extras: Vec<String>,
    version: String,
}

impl Requirement {
    /// Reads a requirement.
    ///
    /// # Errors
    /// [`Error::Requirement`] where a name or an exact version is missing.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refusal = |reason| Error::Requirement {
            text: text.chars().take(TEXT_MAX_BYTES).collect(),
            reason,
        };
        if text.len() > TEXT_MAX_BYTES {
            return Err(refusal("it is longer than 200 bytes"));
        }
        let Some((package, version)) = text.split_once("==") else {
            return Err(refusal(match text.contains(['<', '>', '~', '=', '!']) {
                true => "an image has exact versions only",
                false => "the version is missing",
            }));
        };
        let (name, extras) = match package.trim().split_once('[') {
            None => (package.trim(), ""),
            Some((name, rest)) => {
                let extras = rest.strip_suffix(']');
                let extras = extras.ok_or_else(|| refusal("a `]` is missing"))?;
                (name.trim(), extras)
            }
        };
        if !is_name(name) {
            return Err(refusal(
                "a name is made of ASCII letters, digits and `- _ .`, and begins and ends with one of the first two",
            ));
        }
        let mut extras: Vec<String> = extras
            .split(',')
            .map(str::trim)
            .filter(|extra| !extra.is_empty())
            .map(normal_name)
            .collect();
        if !extras.iter().all(|extra| is_name(extra)) {
            return Err(refusal("an extra is no name"));
        }
        extras.sort();
        extras.dedup();
        let version = version.trim();
        let is_version = version.starts_with(|c: char| c.is_ascii_alphanumeric())
            && version
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".+!-_".contains(c));
        if !is_version {
            return Err(refusal(match version.is_empty() {
                true => "the version is missing",
                false => "the version is none, such as 4.9.0",
            }));
        }
        Ok(Self {
            name: normal_name(name),
            extras,
            version: version.to_ascii_lowercase(),
        })
    }

    /// The package's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The exact version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.extras.is_empty() {
            write!(f, "[{}]", self.extras.join(","))?;
        }
        write!(f, "=={}", self.version)
    }
}

/// The one form of a name that package indexes go by.
pub(super) fn normal_name(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.push(c.to_ascii_lowercase()),
        }
    }
    normal
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(plain)
        && name.ends_with(plain)
        && name.chars().all(|c| plain(c) || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::Requirement;

    #[test]
    fn names_and_versions() {
        for (text, expected) in [
            ("humanize==4.9.0", Some("humanize==4.9.0")),
            (" Ruamel_.Yaml == 0.18 ", Some("ruamel-yaml==0.18")),
            ("a[Z,b_c,z]==1!2.0+local", Some("a[b-c,z]==1!2.0+local")),
            ("humanize", None),
            ("humanize>=4", None),
            ("humanize==", None),
            ("humanize==4.*", None),
            ("==4", None),
            ("-e==4", None),
            ("a[b==4", None),
            ("a==1; python_version > '3'", None),
            ("a @ https://example.com/a.whl==1", None),
            ("../a==1", None),
            ("a==-1", None),
        ] {
            let read = Requirement::parse(text).ok().map(|r| r.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
        let long = format!("{}==1", "a".repeat(200));
        assert!(Requirement::parse(&long).is_err());
    }
}
