//! Policies by their names: presets, and files that the host's owner wrote.

use crate::error::Error;
use memex_policies::{POLICY_MAX_BYTES, Policy, Preset};
use std::io::Read;
use std::path::Path;

/// The policy that a preset or a file is by itself.
///
/// Relative directories in a file are relative to the file's folder.
///
/// # Errors
/// [`Error::PolicyFile`] and [`Error::Policy`].
pub fn load_policy(reference: &str) -> Result<Policy, Error> {
    let mut policy = load_as_written(reference)?;
    anchor(&mut policy, reference);
    Ok(policy)
}

/// The policy of several references: the first is the base, the others are
/// files that narrow it. Without any, the default preset.
///
/// # Errors
/// As [`load_policy`], and [`Error::PresetNarrows`].
pub fn resolve_policies(references: &[String]) -> Result<Policy, Error> {
    let Some((base, overlays)) = references.split_first() else {
        return Ok(Policy::default());
    };
    let mut policy = load_as_written(base)?;
    for overlay in overlays {
        policy = narrow(&policy, overlay)?;
    }
    anchor(&mut policy, base);
    Ok(policy)
}

/// Text of a policy file, with the checks that come before its syntax.
fn read(path: &Path) -> Result<String, Error> {
    let failed = |what: String| Error::PolicyFile {
        path: path.to_owned(),
        what,
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| {
            file.take(POLICY_MAX_BYTES as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8".into()))
}

fn load_as_written(reference: &str) -> Result<Policy, Error> {
    if let Ok(preset) = Preset::from_name(reference) {
        return Ok(Policy::from_preset(preset));
    }
    let text = read(Path::new(reference))?;
    Policy::parse(&text).map_err(|error| at(reference, error))
}

fn narrow(policy: &Policy, reference: &str) -> Result<Policy, Error> {
    if Preset::from_name(reference).is_ok() {
        return Err(Error::PresetNarrows {
            preset: reference.to_owned(),
        });
    }
    let text = read(Path::new(reference))?;
    policy.narrow(&text).map_err(|error| at(reference, error))
}

fn at(reference: &str, error: memex_policies::Error) -> Error {
    Error::Policy {
        place: reference.to_owned(),
        error,
    }
}

fn anchor(policy: &mut Policy, reference: &str) {
    let folder = Path::new(reference).parent().unwrap_or(Path::new(""));
    for grant in &mut policy.directories {
        grant.host = folder.join(&grant.host);
    }
}
