//! The options that make a sandbox: what code may do, and what it starts from.

use crate::context::Context;
use crate::fonts::FontFolder;
use crate::grants::{Setting, parse_mount, parse_setting};
use crate::requirements_file::{RequirementsFile, all_packages};
use anyhow::Result;
use clap::Args;
use memex_sessions::{ImageSource, LimitValue, Mount, PolicySource, SessionSpec, ToolSources};
use std::path::PathBuf;

/// What the code may do, and what it starts from.
#[derive(Debug, Clone, Args)]
pub(crate) struct SandboxArguments {
    /// Policy file or preset; the first is the base, further files narrow it
    #[arg(
        long,
        value_name = "FILE|PRESET",
        env = "MEMEX_POLICY",
        help_heading = "Policy"
    )]
    policy: Vec<String>,

    /// Let the code read (or with :rw also write) a directory; without --policy this
    /// implies the preset read-files, or workspace
    #[arg(long, value_name = "HOST:GUEST[:ro|rw]", value_parser = parse_mount, help_heading = "Policy")]
    mount: Vec<Mount>,

    /// Set a limit, such as guest_time_ms=20s; `memex policy limits` lists them
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting, help_heading = "Policy")]
    limit: Vec<Setting>,

    /// A font file that figures use for characters that their own fonts lack; in the guest
    /// at /fonts
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    font: Vec<PathBuf>,

    #[arg(skip)]
    fonts: FontFolder,

    /// Set an environment variable of the guest
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting, help_heading = "Policy")]
    env: Vec<Setting>,

    /// Start from this image of `memex image list`, by name or its beginning
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "preload",
        help_heading = "Image"
    )]
    image: Option<String>,

    /// Start from an image that has imported this module too; built on first need
    #[arg(long, value_name = "MODULE", help_heading = "Image")]
    preload: Vec<String>,

    /// Start from an image with this pure-Python package and what it needs; fetched on first
    /// need
    #[arg(
        long,
        value_name = "NAME==VERSION",
        conflicts_with = "image",
        help_heading = "Image"
    )]
    package: Vec<String>,

    /// A file with such packages, one a line, as pip's requirements files have them
    #[arg(
        long,
        value_name = "FILE",
        value_parser = RequirementsFile::read,
        conflicts_with = "image",
        help_heading = "Image"
    )]
    requirements: Vec<RequirementsFile>,
}

impl SandboxArguments {
    /// The spec of a session with these options and tools.
    pub(crate) fn spec(&self, context: &Context, tools: ToolSources) -> Result<SessionSpec> {
        let limits = self.limit.iter().cloned();
        let environment = self.env.iter().cloned();
        let fonts = self.fonts.mount(&self.font)?;
        Ok(SessionSpec {
            policy: policy_source(context, &self.policy),
            mounts: self.mount.iter().cloned().chain(fonts).collect(),
            limits: limits
                .map(|Setting { name, value }| (name, LimitValue::Text(value)))
                .collect(),
            environment: environment
                .map(|Setting { name, value }| (name, value))
                .collect(),
            image: self.image(),
            tools,
            ..SessionSpec::default()
        })
    }

    /// The image that the options ask for. What is not among them is as the
    /// configuration has it, which the host of sessions knows.
    fn image(&self) -> ImageSource {
        ImageSource {
            name: self.image.clone(),
            preload: self.preload.clone(),
            packages: all_packages(&self.package, &self.requirements),
        }
    }
}

/// The policies that options name; where there are none, the configuration.
pub(crate) fn policy_source(context: &Context, given: &[String]) -> PolicySource {
    PolicySource::Files(match given.is_empty() {
        true => context.configuration.policy.to_vec(),
        false => given.to_vec(),
    })
}
