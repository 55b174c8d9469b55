//! The tools of a session: which options name them, and what they become.

use crate::asking::at_the_terminal;
use crate::console::complain;
use crate::context::Context;
use crate::failure::usage;
use anyhow::{Context as _, Result};
use clap::Args;
use memex_host_tools::outside::{OutsideHost, OutsideProgress, OutsideTools, Secrets, ToolFile};
use memex_host_tools::{
    Access, AuditDetail, AuditLog, Broker, Budget, DataFiles, Databases, Egress, EgressRules,
    Fetch, HttpLimits, JsonLines, ScratchFile, ScratchLimits, Tool, Toolbox, scratch_read_tools,
    scratch_tools,
};
use memex_memory::{Memory, Mode, Options};
use memex_policies::{Policy, SharedScratchGrant, ToolGrants};
use memex_runtime::HostCalls;
use rustix::process::geteuid;
use std::env;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Variables of the environment with this prefix are the secrets of tool files.
const SECRET_PREFIX: &str = "MEMEX_SECRET_";

/// Which tools the code gets.
#[derive(Debug, Clone, Args)]
pub(crate) struct ToolArguments {
    /// Tool file: commands, HTTP endpoints, MCP servers, databases; see docs/tool-files.md
    #[arg(long, value_name = "FILE", help_heading = "Tools")]
    tools: Vec<PathBuf>,

    /// Let the code query a SQLite file, or the CSV, Parquet, Arrow and JSON lines files of
    /// a directory, read-only
    #[arg(long, value_name = "NAME=PATH", value_parser = parse_database, help_heading = "Tools")]
    sql: Vec<(String, PathBuf)>,

    /// Give the code a memory of Markdown files in this directory
    #[arg(long, value_name = "DIR", help_heading = "Tools")]
    memory: Option<PathBuf>,

    /// Let the code ask you questions at the terminal, with `ask_user(…)` and `input()`
    #[arg(long, help_heading = "Tools")]
    ask_user: bool,

    /// Give the code the keys and values of this name, which sessions share, also later ones
    #[arg(long, value_name = "NAME[:ro|rw]", value_parser = parse_shared, help_heading = "Tools")]
    shared_scratch: Option<SharedScratchGrant>,

    /// Record every call in this file, one JSON object per line
    #[arg(long, value_name = "FILE", help_heading = "Tools")]
    audit: Option<PathBuf>,

    /// Record what calls are given, not only its digest
    #[arg(long, requires = "audit", help_heading = "Tools")]
    audit_arguments: bool,
}

/// The tools of this run of the command, and where they run.
pub(crate) struct Toolset {
    toolbox: Toolbox,
    grants: ToolGrants,
    budget: Budget,
    audit: Option<Arc<JsonLines>>,
    /// Servers end with this.
    _outside: Vec<OutsideTools>,
    runtime: Runtime,
}

impl ToolArguments {
    /// Whether any option names a tool.
    fn names_tools(&self) -> bool {
        !self.tools.is_empty() || !self.sql.is_empty() || self.memory.is_some()
    }

    /// The policy with what these options grant.
    fn granted(&self, policy: &Policy) -> Result<Policy> {
        let refused =
            |error: memex_policies::Error| usage(error.to_string(), "`memex policy show` tells it");
        let mut policy = policy.clone();
        if self.ask_user {
            policy.set_ask_user(true).map_err(refused)?;
        }
        if let Some(grant) = &self.shared_scratch {
            policy
                .set_shared_scratch(Some(grant.clone()))
                .map_err(refused)?;
        }
        Ok(policy)
    }

    /// Starts the tools; `None` when there are none.
    ///
    /// Like a mounted directory, a tool that the command line names is granted
    /// by that, unless the policy denies it or its preset has no tools.
    pub(crate) fn open(&self, context: &Context, policy: &Policy) -> Result<Option<Toolset>> {
        let policy = &self.granted(policy)?;
        let by_policy =
            policy.ask_user || policy.shared_scratch.is_some() || !policy.network.is_empty();
        if !self.names_tools() && !by_policy {
            return Ok(None);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("tools")
            .enable_all()
            .build()
            .context("the threads of the tools cannot be started")?;
        let files = self.tools.iter().map(|path| ToolFile::read(path));
        let files = files
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| usage(error.to_string(), "docs/tool-files.md describes tool files"))?;
        let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
        self.add_databases(&files, &mut tools)?;
        if let Some(directory) = &self.memory {
            let memory = Memory::open(directory, Options::of(Mode::Extended))
                .map_err(|error| usage(error.to_string(), "`memex mem init DIR` makes a memory"))?;
            tools.extend(memex_memory::tools(&memory, None));
        }
        if policy.ask_user {
            tools.push(Arc::new(at_the_terminal()));
        }
        if let Some(grant) = &policy.shared_scratch {
            tools.extend(shared_scratch(context, grant)?);
        }
        if !policy.network.is_empty() {
            tools.push(Arc::new(Fetch::new(egress(policy, &files)?)));
        }
        let outside = files.into_iter().map(|file| {
            let host = OutsideHost::new(EnvironmentSecrets)
                .environment(env::vars_os().filter_map(named).collect())
                .progress(progress(context));
            let host = match crate::supervising::supervisor() {
                Some(supervisor) => host.supervisor(supervisor),
                None => host,
            };
            runtime.block_on(file.open(&host)).map_err(|error| {
                usage(error.to_string(), "docs/tool-files.md describes tool files")
            })
        });
        let outside = outside.collect::<Result<Vec<_>>>()?;
        tools.extend(outside.iter().flat_map(OutsideTools::tools));
        let toolbox = Toolbox::builder().tools(tools).build().map_err(|error| {
            let hint = match &error {
                memex_host_tools::Error::Schema { .. } => "correct the schema that the tool states",
                _ => "two sources may not give tools of one name",
            };
            usage(error.to_string(), hint)
        })?;
        let audit = match &self.audit {
            None => None,
            Some(path) => {
                let log = JsonLines::open(path, self.detail());
                Some(Arc::new(log.map_err(|error| {
                    usage(error.to_string(), "name a file that can be written")
                })?))
            }
        };
        Ok(Some(Toolset {
            grants: grants(policy)?,
            budget: Budget::from(&policy.limits),
            toolbox,
            audit,
            _outside: outside,
            runtime,
        }))
    }

    fn add_databases(&self, files: &[ToolFile], tools: &mut Vec<Arc<dyn Tool>>) -> Result<()> {
        if self.sql.is_empty() && !files.iter().any(ToolFile::has_databases) {
            return Ok(());
        }
        let mut builder = Databases::builder();
        for (name, path) in &self.sql {
            builder = match path.is_dir() {
                true => builder.files(name, DataFiles::directory(path)),
                false => builder.sqlite(name, path, Access::ReadOnly),
            };
        }
        for file in files {
            builder = file.add_databases(builder);
        }
        let databases = builder
            .build()
            .map_err(|error| usage(error.to_string(), "write --sql NAME=PATH"))?;
        tools.extend(databases.tools());
        Ok(())
    }

    fn detail(&self) -> AuditDetail {
        match self.audit_arguments {
            true => AuditDetail::Content,
            false => AuditDetail::Digest,
        }
    }
}

impl Toolset {
    /// What answers the calls of one session.
    pub(crate) fn calls(&self, session: &str) -> Box<dyn HostCalls> {
        let handle = self.runtime.handle().clone();
        let mut broker = Broker::builder(self.toolbox.clone(), self.grants.clone(), handle)
            .session(session)
            .budget(self.budget.clone());
        if let Some(audit) = &self.audit {
            broker = broker.audit(Arc::clone(audit) as Arc<dyn AuditLog>);
        }
        Box::new(broker.build())
    }

    /// What may be called of them.
    pub(crate) fn grants(&self) -> &ToolGrants {
        &self.grants
    }

    /// Where calls are recorded, if they are.
    pub(crate) fn audit_log(&self) -> Option<Arc<dyn AuditLog>> {
        let audit = self.audit.as_ref();
        audit.map(|audit| Arc::clone(audit) as Arc<dyn AuditLog>)
    }

    /// The tools.
    pub(crate) fn toolbox(&self) -> &Toolbox {
        &self.toolbox
    }

    /// Whether the code may call the tool called `name`.
    pub(crate) fn permits(&self, name: &str) -> bool {
        self.grants.permits(name)
    }
}

/// What may be called: all that was named here, and what the policy denies is
/// not. Granted hosts are of no use without `fetch`, which goes with them.
fn grants(policy: &Policy) -> Result<ToolGrants> {
    let wanted = ToolGrants {
        allow: vec!["*".to_owned()],
        deny: policy.tools.deny.clone(),
    };
    // The preset may have no tools at all.
    let mut resolved = policy.clone();
    resolved
        .set_tools(wanted)
        .map_err(|error| usage(error.to_string(), "`memex policy show` tells its rules"))?;
    Ok(resolved.tools)
}

/// The tools of a shared scratch: one file for each name, in the data directory.
fn shared_scratch(context: &Context, grant: &SharedScratchGrant) -> Result<Vec<Arc<dyn Tool>>> {
    let folder = context.data_directory().ok_or_else(|| {
        usage(
            "there is no data directory to keep a shared scratch in",
            "set HOME or XDG_DATA_HOME to an absolute path",
        )
    })?;
    let folder = folder.join("scratch");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    // It may have been there before.
    let owned = std::fs::symlink_metadata(&folder).is_ok_and(|found| {
        found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0
    });
    if !owned {
        return Err(usage(
            format!(
                "{} is not a directory that only you may write",
                folder.display()
            ),
            "take it back with chown and chmod go-w, or remove it",
        ));
    }
    let path = folder.join(format!("{}.sqlite", grant.name));
    let file = ScratchFile::open(&path, ScratchLimits::default()).map_err(|error| {
        usage(
            format!("the shared scratch {}: {error}", path.display()),
            "name another one, or remove the file",
        )
    })?;
    Ok(match grant.access {
        memex_policies::Access::ReadOnly => scratch_read_tools(file),
        memex_policies::Access::ReadWrite => scratch_tools(file),
    })
}

fn egress(policy: &Policy, files: &[ToolFile]) -> Result<Egress> {
    let mut builder = Egress::builder(EgressRules::new(policy.network.iter().cloned()))
        .limits(HttpLimits::from(&policy.limits));
    for file in files {
        let credentials = file.credentials(&EnvironmentSecrets).map_err(|error| {
            usage(
                error.to_string(),
                "secrets are read from the environment, as MEMEX_SECRET_NAME",
            )
        })?;
        for credential in credentials {
            builder = builder.secret(credential);
        }
    }
    builder.build().map_err(|error| {
        usage(
            error.to_string(),
            "correct the `[[credential]]` of the tool file",
        )
    })
}

/// Secrets of tool files: `[[credential]] secret = "x"` is `MEMEX_SECRET_x`.
struct EnvironmentSecrets;

impl Secrets for EnvironmentSecrets {
    fn get(&self, name: &str) -> Option<String> {
        env::var(format!("{SECRET_PREFIX}{name}")).ok()
    }
}

/// A variable that tools may be given: its name is text, and it is no secret.
fn named(
    (name, value): (std::ffi::OsString, std::ffi::OsString),
) -> Option<(String, std::ffi::OsString)> {
    let name = name.into_string().ok()?;
    (!name.starts_with(SECRET_PREFIX)).then_some((name, value))
}

fn progress(context: &Context) -> memex_host_tools::outside::ProgressCallback {
    let is_terminal = context.err.is_terminal;
    Arc::new(move |event| match event {
        OutsideProgress::Skipped {
            server,
            tool,
            reason,
        } => complain(&format!("note: {server}: {tool} is left out: {reason}")),
        OutsideProgress::Connected {
            server,
            tools,
            elapsed,
        } if is_terminal => complain(&format!(
            "{server}: {tools} tools in {} ms",
            elapsed.as_millis()
        )),
        _ => {}
    })
}

fn parse_shared(text: &str) -> Result<SharedScratchGrant, String> {
    let (name, access) = match text.split_once(':') {
        None | Some((_, "rw")) => (text, memex_policies::Access::ReadWrite),
        Some((_, "ro")) => (text, memex_policies::Access::ReadOnly),
        Some(_) => return Err("write NAME, NAME:ro or NAME:rw".to_owned()),
    };
    let name = name.split(':').next().unwrap_or_default().to_owned();
    Ok(SharedScratchGrant { name, access })
}

fn parse_database(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok((name.to_owned(), path.into()))
        }
        _ => Err("write NAME=PATH, such as shop=shop.sqlite".to_owned()),
    }
}
