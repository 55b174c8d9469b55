//! The configuration file: defaults for options.

use crate::failure::usage;
use crate::paint::ColorChoice;
use anyhow::Result;
use serde::Deserialize;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const CONFIGURATION_MAX_BYTES: u64 = 1 << 20;
const KEYS: &str = "the keys are `policy`, `cache`, `color`, `cpu`, `preload`, `package`, \
    `secret_file`, `boot_time`, `stats`, and the table `serve`";

/// What the file may say. Unknown keys are refused: a setting that is ignored
/// is worse than none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    /// A preset or policy file, or several, as `--policy`.
    #[serde(default)]
    pub(crate) policy: OneOrMore,
    /// As `--cache`.
    pub(crate) cache: Option<PathBuf>,
    /// As `--color`.
    pub(crate) color: Option<ColorChoice>,
    /// As `--preload`.
    #[serde(default)]
    pub(crate) preload: OneOrMore,
    /// As `--package`.
    #[serde(default)]
    pub(crate) package: OneOrMore,
    /// As `--secret-file`.
    pub(crate) secret_file: Option<PathBuf>,
    /// As `--boot-time`.
    pub(crate) boot_time: Option<u64>,
    /// As `--cpu`.
    pub(crate) cpu: Option<String>,
    /// Whether figures are shown after each turn.
    pub(crate) stats: Option<bool>,
    /// The settings of `memex serve`.
    #[serde(default)]
    pub(crate) serve: memex_server::config::Config,
}

/// A text, or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(crate) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Default for OneOrMore {
    fn default() -> Self {
        Self::More(Vec::new())
    }
}

impl OneOrMore {
    pub(crate) fn to_vec(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::More(texts) => texts.clone(),
        }
    }
}

impl Configuration {
    /// Reads a file that has to be there.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let told = |error: io::Error| {
            usage(
                format!("cannot read the configuration {}: {error}", path.display()),
                "name another file with --config, or leave it out",
            )
        };
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| {
                file.take(CONFIGURATION_MAX_BYTES + 1)
                    .read_to_string(&mut text)
            })
            .map_err(told)?;
        if text.len() as u64 > CONFIGURATION_MAX_BYTES {
            // What would be cut off could be a policy.
            return Err(told(io::Error::other(format!(
                "it has more than {} MiB",
                CONFIGURATION_MAX_BYTES >> 20
            ))));
        }
        Self::parse(&text, path)
    }

    /// Reads a file that need not be there.
    pub(crate) fn read_if_there(path: &Path) -> Result<Self> {
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            _ => Self::read(path),
        }
    }

    /// Relative paths in the file are relative to the file.
    fn parse(text: &str, path: &Path) -> Result<Self> {
        let mut configuration: Self = memex_settings::read(text)
            .map_err(|misread| usage(format!("{}: {misread}", path.display()), KEYS))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        configuration.cache = configuration.cache.map(|cache| folder.join(cache));
        configuration.secret_file = configuration.secret_file.map(|file| folder.join(file));
        configuration.serve = configuration.serve.anchored(folder);
        let resolve = |name: String| match memex_policies::Preset::from_name(&name) {
            Ok(_) => name,
            Err(_) => folder.join(name).to_string_lossy().into_owned(),
        };
        let policies = configuration
            .policy
            .to_vec()
            .into_iter()
            .map(resolve)
            .collect();
        configuration.policy = OneOrMore::More(policies);
        Ok(configuration)
    }
}
