//! The options that make a session, shared by `run` and `repl`.

use crate::configuration::OneOrMore;
use crate::context::Context;
use crate::failure::{usage, usage_as_told};
use crate::image_inputs::configure;
use crate::policy_files::{Mount, Setting, parse_mount, parse_setting, resolve};
use crate::progress::Bars;
use crate::report::{DisplayFolder, Format, Reporter};
use crate::toolsets::Toolset;
use anyhow::Result;
use clap::Args;
use memex_policies::Policy;
use memex_runtime::{
    Error, FetchOptions, Image, ImageSpec, Requirement, Runtime, Sandbox, Session, SessionOptions,
};
use std::path::PathBuf;
use std::sync::Arc;

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
    /// Everything about the options that can be wrong is told here, before an
    /// image is built.
    pub(crate) fn policy(&self, context: &Context) -> Result<Policy> {
        let references = match self.policy.is_empty() {
            true => context.configuration.policy.to_vec(),
            false => self.policy.clone(),
        };
        resolve(&references, &self.mount, &self.limit, &self.env)
    }

    /// How turns are told.
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

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Loads the image, building it with progress bars on first need, and
    /// binds the policy to it.
    pub(crate) fn sandbox(&self, context: &Context, policy: Policy) -> Result<Sandbox> {
        self.sandbox_on(context, policy, None)
    }

    /// As [`sandbox`](Self::sandbox), on the image that a snapshot names, unless
    /// the options ask for one.
    pub(crate) fn sandbox_on(
        &self,
        context: &Context,
        policy: Policy,
        named: Option<&str>,
    ) -> Result<Sandbox> {
        let mut bars = Bars::new(context, self.quiet);
        let cache = context.open_cache()?;
        let fetch = FetchOptions::default();
        let named = named.filter(|_| self.preload.is_empty() && self.package.is_empty());
        let image = match (&self.image, named) {
            (Some(name), _) => Image::open(&cache, name, &fetch, &mut bars)?,
            (None, Some(name)) => {
                Image::open(&cache, name, &fetch, &mut bars).map_err(|error| match error {
                    Error::NoImage { place, .. } => missing(name, &place),
                    other => other.into(),
                })?
            }
            (None, None) => {
                let spec = spec_of_options(context, &self.preload, &self.package)?;
                Image::load(&cache, &spec, &fetch, &mut bars)?
            }
        };
        let runtime = Runtime::new()?;
        Ok(Sandbox::new(&runtime, &image, Arc::new(policy), &mut bars)?)
    }
}

/// The image of a saved session is not here.
fn missing(name: &str, place: &str) -> anyhow::Error {
    usage(
        format!("the session was saved on the image {name}, which is not in {place}"),
        format!(
            "`memex image pull URL {name}` gets it from a store; `memex image build` makes it \
             again, given the --preload, --package and --secret-file that it was built with"
        ),
    )
}

/// A session that tells its output to the reporter and calls the tools.
pub(crate) fn session(
    sandbox: &Sandbox,
    reporter: &Reporter,
    tools: Option<&Toolset>,
) -> Result<Session> {
    Ok(sandbox.session(options(reporter, tools))?)
}

/// What a session gets so that its output reaches the reporter, and its calls
/// the tools.
pub(crate) fn options(reporter: &Reporter, tools: Option<&Toolset>) -> SessionOptions {
    SessionOptions {
        sink: reporter.sink(),
        calls: tools.map(|tools| tools.calls("main")),
        ..SessionOptions::default()
    }
}

/// The image that options ask for; where there are none, the configuration.
pub(crate) fn spec_of_options(
    context: &Context,
    preload: &[String],
    packages: &[String],
) -> Result<ImageSpec> {
    let or = |given: &[String], configured: &OneOrMore| match given.is_empty() {
        true => configured.to_vec(),
        false => given.to_vec(),
    };
    let configured = &context.configuration;
    let mut spec = spec_with(
        or(preload, &configured.preload),
        &or(packages, &configured.package),
    )?;
    configure(&mut spec, context)?;
    Ok(spec)
}

/// The standard image with more modules and packages.
fn spec_with(preload: Vec<String>, packages: &[String]) -> Result<ImageSpec> {
    let mut spec = ImageSpec::standard()?;
    for package in packages {
        let requirement = Requirement::parse(package).map_err(usage_as_told)?;
        if let Some(other) = spec
            .packages
            .iter()
            .find(|other| other.name() == requirement.name() && **other != requirement)
        {
            return Err(usage(
                format!("{other} and {requirement} are asked for"),
                "an image has one version of a package; name it once",
            ));
        }
        spec.packages.push(requirement);
    }
    for module in preload {
        let is_name = |part: &str| {
            part.chars().all(|c| c.is_alphanumeric() || c == '_')
                && part.chars().next().is_some_and(|c| !c.is_numeric())
        };
        if !module.split('.').all(is_name) {
            return Err(usage(
                format!("`{module}` is not the name of a module"),
                "write it as in an import statement, such as `--preload scipy.stats`",
            ));
        }
        if !spec.preload.contains(&module) {
            spec.preload.push(module);
        }
    }
    Ok(spec)
}
