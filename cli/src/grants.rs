//! Grants and settings on the command line: `--mount`, `--limit`, `--env`.

use memex_policies::{Access, SharedScratchGrant};
use memex_sessions::Mount;
use std::path::PathBuf;

/// `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Reads `HOST:GUEST`, `HOST:GUEST:ro` or `HOST:GUEST:rw`.
pub(crate) fn parse_mount(text: &str) -> Result<Mount, String> {
    let (paths, access) = match text.rsplit_once(':') {
        Some((paths, "ro")) => (paths, Access::ReadOnly),
        Some((paths, "rw")) => (paths, Access::ReadWrite),
        _ => (text, Access::ReadOnly),
    };
    match paths.rsplit_once(':') {
        Some((host, guest)) if !host.is_empty() && guest.starts_with('/') => Ok(Mount {
            host: host.into(),
            guest: guest.to_owned(),
            access,
        }),
        _ => Err(
            "write HOST:GUEST or HOST:GUEST:rw, with an absolute GUEST, such as ./data:/data"
                .into(),
        ),
    }
}

/// Reads `NAME=VALUE`.
pub(crate) fn parse_setting(text: &str) -> Result<Setting, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(Setting {
            name: name.to_owned(),
            value: value.to_owned(),
        }),
        _ => Err("write NAME=VALUE".into()),
    }
}

/// Reads `NAME`, `NAME:ro` or `NAME:rw`.
pub(crate) fn parse_shared(text: &str) -> Result<SharedScratchGrant, String> {
    let (name, access) = match text.split_once(':') {
        None | Some((_, "rw")) => (text, Access::ReadWrite),
        Some((_, "ro")) => (text, Access::ReadOnly),
        Some(_) => return Err("write NAME, NAME:ro or NAME:rw".to_owned()),
    };
    let name = name.split(':').next().unwrap_or_default().to_owned();
    Ok(SharedScratchGrant { name, access })
}

/// Reads `NAME=PATH`.
pub(crate) fn parse_database(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok((name.to_owned(), path.into()))
        }
        _ => Err("write NAME=PATH, such as shop=shop.sqlite".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mount, parse_mount, parse_setting};
    use memex_policies::Access::{ReadOnly, ReadWrite};

    #[test]
    fn mounts() {
        let check = |text: &str, host: &str, guest: &str, access| {
            let expected = Mount {
                host: host.into(),
                guest: guest.into(),
                access,
            };
            assert_eq!(parse_mount(text), Ok(expected), "{text}");
        };
        check("data:/data", "data", "/data", ReadOnly);
        check("data:/data:ro", "data", "/data", ReadOnly);
        check("/a:b/c:/work:rw", "/a:b/c", "/work", ReadWrite);
        for text in ["data", "data:data", ":/data", "data:/data:wr", ""] {
            assert!(parse_mount(text).is_err(), "{text}");
        }
    }

    #[test]
    fn settings() {
        let setting = parse_setting("A=b=c").map(|s| (s.name, s.value));
        assert_eq!(setting, Ok(("A".into(), "b=c".into())));
        assert!(parse_setting("A").is_err() && parse_setting("=b").is_err());
    }
}
