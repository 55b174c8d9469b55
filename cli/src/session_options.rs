//! The options that make a session, shared by `run` and `repl`.

use crate::context::Context;
use crate::fonts::FontFolder;
use crate::grants::{Setting, parse_mount, parse_setting};
use crate::progress::Bars;
use crate::refusals::refusal;
use crate::report::{DisplayFolder, Format, Reporter};
use crate::requirements_file::{RequirementsFile, all_packages};
use anyhow::Result;
use clap::Args;
use memex_runtime::Sandbox;
use memex_sessions::{
    ImageSource, LimitValue, Mount, PolicySource, Resolved, SessionSpec, ToolSources,
};
use std::path::PathBuf;

/// What the code may do, what it starts from, and what is shown of it.
#[derive(Debug, Clone, Args)]
pub(crate) struct SessionArguments {
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

    /// One JSON object per turn on standard output, and nothing else there
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Write figures and displayed objects into this directory (files of the same name are replaced)
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,

    /// Show time, fuel, memory and pages after each turn [default: on a terminal]
    #[arg(long, overrides_with = "quiet", help_heading = "Output")]
    stats: bool,

    /// Show no figures, progress bars or hints
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

impl SessionArguments {
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

    /// The same, resolved: everything about the options that can be wrong is
    /// told here, before an image is built.
    pub(crate) fn resolve(&self, context: &Context, tools: ToolSources) -> Result<Resolved> {
        self.spec(context, tools)?.resolve().map_err(refusal)
    }

    /// How turns are reported.
    pub(crate) fn reporter(&self, context: &Context) -> Result<Reporter> {
        let folder = self.out.clone().map(DisplayFolder::open).transpose()?;
        let format = match self.json {
            true => Format::Json,
            false => Format::Human,
        };
        let by_default = context
            .configuration
            .stats
            .unwrap_or(context.err.is_terminal);
        let stats = self.stats || (by_default && !self.quiet);
        Ok(Reporter::new(format, context, folder, stats, self.quiet))
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether the options ask for what each turn shows.
    pub(crate) fn shows_turns(&self) -> bool {
        self.stats || self.out.is_some()
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Progress bars for this session's image.
    pub(crate) fn bars(&self, context: &Context) -> Bars {
        Bars::new(context, self.quiet)
    }

    /// Loads the image that a snapshot names, unless the options ask for one, and
    /// binds the policy to it.
    pub(crate) fn sandbox_on(
        &self,
        context: &Context,
        resolved: &Resolved,
        image: &str,
    ) -> Result<Sandbox> {
        let mut bars = self.bars(context);
        let sandbox = resolved.sandbox_on(context.host(), Some(image), &mut bars);
        sandbox.map_err(refusal)
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
