//! The options that say which image is meant, beside its modules and packages.

use crate::context::Context;
use crate::refusals::refusal;
use crate::requirements_file::{RequirementsFile, all_packages};
use anyhow::Result;
use clap::Args;
use memex_runtime::ImageSpec;
use memex_sessions::ImageDefaults;
use std::path::PathBuf;

/// Which image.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ImageChoice {
    /// A module that the image has imported besides the standard ones
    #[arg(long, value_name = "MODULE")]
    pub(crate) preload: Vec<String>,

    /// A pure-Python package that the image has, with what it needs
    #[arg(long, value_name = "NAME==VERSION")]
    pub(crate) package: Vec<String>,

    /// A file with such packages, one a line, as pip's requirements files have them
    #[arg(long, value_name = "FILE", value_parser = RequirementsFile::read)]
    requirements: Vec<RequirementsFile>,

    /// File of 32 bytes or more that the guest's hash secret follows from: builds with the
    /// same file give the same image [default: a secret of this cache]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// What the guest's clock shows while it boots, in seconds since 1970 [default: 1767225600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=ImageSpec::BOOT_UNIX_S_MAX))]
    boot_time: Option<u64>,
}

impl ImageChoice {
    /// The specification; what is not given here is as the configuration has it.
    pub(crate) fn spec(&self, context: &Context) -> Result<ImageSpec> {
        let configured = context.image_defaults();
        let defaults = ImageDefaults {
            secret_file: self.secret_file.clone().or(configured.secret_file),
            boot_unix_s: self.boot_time.or(configured.boot_unix_s),
            ..configured
        };
        let spec = defaults.spec(
            &self.preload,
            &all_packages(&self.package, &self.requirements),
        );
        spec.map_err(refusal)
    }

    /// The options that ask for the same image, for messages.
    pub(crate) fn as_options(&self, spec: &ImageSpec) -> String {
        let modules = spec.preload.iter().map(|name| format!(" --preload {name}"));
        let packages = spec
            .packages
            .iter()
            .map(|name| format!(" --package {name}"));
        let secret = self.secret_file.iter();
        let secret = secret.map(|path| format!(" --secret-file {}", path.display()));
        let time = self
            .boot_time
            .iter()
            .map(|time| format!(" --boot-time {time}"));
        modules.chain(packages).chain(secret).chain(time).collect()
    }
}
