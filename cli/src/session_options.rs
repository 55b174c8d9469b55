//! The options that make a session, shared by `run` and `repl`.

use crate::context::Context;
use crate::progress::Bars;
use crate::refusals::refusal;
use crate::report::{DisplayFolder, Format, Reporter};
use crate::sandbox_options::SandboxArguments;
use anyhow::Result;
use clap::Args;
use memex_runtime::Sandbox;
use memex_sessions::{Resolved, SessionSpec, ToolSources};
use std::path::PathBuf;

/// What the code may do, what it starts from, and what is shown of it.
#[derive(Debug, Clone, Args)]
pub(crate) struct SessionArguments {
    #[command(flatten)]
    sandbox: SandboxArguments,

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
        self.sandbox.spec(context, tools)
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
}
