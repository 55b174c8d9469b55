//! The tools of a session: what its spec names, and what that becomes.

use crate::error::Error;
use crate::host::Host;
use crate::resolved::Resolved;
use crate::spec::ToolSources;
use memex_external::egress::{Egress, EgressRules, Fetch, HttpLimits};
use memex_external::{OutsideHost, OutsideTools, Secrets, ToolFile};
use memex_host_tools::{
    AuditDetail, AuditLog, Broker, BrokerBuilder, Budget, JsonLines, Tool, Toolbox,
};
use memex_memory::{Memory, Mode, Options};
use memex_policies::{Policy, SharedScratchGrant, ToolGrants};
use memex_sql::{
    Databases, ScratchFile, ScratchLimits, SqlLimits, scratch_read_tools, scratch_tools,
};
use rustix::process::geteuid;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Most bytes of a data file, and of the tables of a database on disk.
const DATA_MAX_BYTES: u64 = 16 << 30;
/// How long loading one data file may take.
const LOAD_TIMEOUT: Duration = Duration::from_secs(600);

/// The tools of a spec, started, and the gate to them. Servers of tool files
/// end with the last of these and of the tools in it.
#[derive(Clone)]
pub struct Tools {
    toolbox: Toolbox,
    grants: ToolGrants,
    budget: Budget,
    audit: Option<Arc<JsonLines>>,
    runtime: Handle,
    /// Servers end with this.
    _outside: Arc<Vec<OutsideTools>>,
}

/// No secrets: tool files that name one are refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn get(&self, _name: &str) -> Option<String> {
        None
    }
}

impl Resolved {
    /// Starts the tools of the spec; `None` when it has none. Waits for servers
    /// to be ready: call it from a thread that is not the runtime's own.
    ///
    /// # Errors
    /// What is wrong with a tool file, a secret, a database, a memory, a shared
    /// scratch or an audit file, each as its own variant of [`Error`].
    pub fn tools(&self, host: &Host, secrets: &dyn Secrets) -> Result<Option<Tools>, Error> {
        self.tools_and(Vec::new(), host, secrets)
    }

    /// As [`Resolved::tools`], with tools of the embedding program beside them.
    /// [`Resolved::granting_tools`] grants those.
    ///
    /// # Errors
    /// As [`Resolved::tools`]; two tools of one name are refused.
    pub fn tools_and(
        &self,
        own: Vec<Arc<dyn Tool>>,
        host: &Host,
        secrets: &dyn Secrets,
    ) -> Result<Option<Tools>, Error> {
        if !self.has_tools() && own.is_empty() {
            return Ok(None);
        }
        let (policy, sources) = (self.policy(), &self.spec().tools);
        let files = sources.files.iter().map(|path| ToolFile::read(path));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        let mut tools = own;
        add_databases(sources, &files, &mut tools)?;
        if let Some(directory) = &sources.memory {
            let memory = Memory::open(directory, Options::of(Mode::Extended))?;
            tools.extend(memex_memory::tools(&memory, None));
        }
        if policy.ask_user {
            tools.push(host.ask_user()?);
        }
        if let Some(grant) = &policy.shared_scratch {
            tools.extend(shared_scratch(host, grant)?);
        }
        if !policy.network.is_empty() {
            tools.push(Arc::new(Fetch::new(egress(policy, &files, secrets)?)));
        }
        let runtime = host.runtime()?;
        let surroundings = OutsideHost::new(NoSecrets)
            .environment(host.variables.clone())
            .progress(Arc::clone(&host.tool_progress));
        let surroundings = match &host.supervisor {
            Some(supervisor) => surroundings.supervisor(supervisor.clone()),
            None => surroundings,
        };
        let outside = files.into_iter().map(|file| {
            let opening = file.open_with(&surroundings, secrets);
            runtime.block_on(opening)
        });
        let outside = outside.collect::<Result<Vec<_>, _>>()?;
        tools.extend(outside.iter().flat_map(OutsideTools::tools));
        let toolbox = Toolbox::builder().tools(tools).build();
        let toolbox = toolbox.map_err(Error::Tools)?;
        let audit = sources.audit.as_ref().map(|audit| {
            let detail = match audit.arguments {
                true => AuditDetail::Content,
                false => AuditDetail::Digest,
            };
            JsonLines::open(&audit.path, detail).map(Arc::new)
        });
        Ok(Some(Tools {
            toolbox,
            grants: policy.tools.clone(),
            budget: Budget::from(&policy.limits),
            audit: audit.transpose().map_err(Error::Audit)?,
            runtime,
            _outside: Arc::new(outside),
        }))
    }
}

impl Tools {
    /// What answers the calls of one session, which audit records call so.
    #[must_use]
    pub fn broker(&self, session: &str) -> Broker {
        self.broker_builder(session).build()
    }

    /// The same, not built yet: a session that was saved while it waited has
    /// open calls to go on with.
    #[must_use]
    pub fn broker_builder(&self, session: &str) -> BrokerBuilder {
        let mut broker = Broker::builder(
            self.toolbox.clone(),
            self.grants.clone(),
            self.runtime.clone(),
        )
        .session(session)
        .budget(self.budget.clone());
        if let Some(audit) = self.audit_log() {
            broker = broker.audit(audit);
        }
        broker
    }

    /// What may be called of them.
    #[must_use]
    pub fn grants(&self) -> &ToolGrants {
        &self.grants
    }

    /// Where calls are recorded, if they are.
    #[must_use]
    pub fn audit_log(&self) -> Option<Arc<dyn AuditLog>> {
        let audit = self.audit.as_ref();
        audit.map(|audit| Arc::clone(audit) as Arc<dyn AuditLog>)
    }

    /// The tools.
    #[must_use]
    pub fn toolbox(&self) -> &Toolbox {
        &self.toolbox
    }

    /// Whether the code may call the tool called `name`.
    #[must_use]
    pub fn permits(&self, name: &str) -> bool {
        self.grants.permits(name)
    }
}

fn add_databases(
    sources: &ToolSources,
    files: &[ToolFile],
    tools: &mut Vec<Arc<dyn Tool>>,
) -> Result<(), Error> {
    if sources.sql.is_empty() && !files.iter().any(ToolFile::has_databases) {
        return Ok(());
    }
    let limits = SqlLimits {
        file_max_bytes: DATA_MAX_BYTES,
        disk_max_bytes: DATA_MAX_BYTES,
        load_timeout: LOAD_TIMEOUT,
        ..SqlLimits::default()
    };
    let mut builder = Databases::builder().limits(limits);
    for database in &sources.sql {
        builder = builder.path(&database.name, &database.path);
    }
    for file in files {
        builder = file.add_databases(builder);
    }
    tools.extend(builder.build()?.tools());
    Ok(())
}

/// The tools of a shared scratch: one file for each name, in the data directory.
fn shared_scratch(host: &Host, grant: &SharedScratchGrant) -> Result<Vec<Arc<dyn Tool>>, Error> {
    let folder = host
        .data()
        .ok_or(Error::NoScratchDirectory)?
        .join("scratch");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|source| Error::MakeDirectory {
            path: folder.clone(),
            source,
        })?;
    // It may have been there before.
    let owned = std::fs::symlink_metadata(&folder).is_ok_and(|found| {
        found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0
    });
    if !owned {
        return Err(Error::ScratchDirectory { path: folder });
    }
    let path = folder.join(format!("{}.sqlite", grant.name));
    let file = ScratchFile::open(&path, ScratchLimits::default());
    let file = file.map_err(|error| Error::SharedScratch {
        path,
        what: error.to_string(),
    })?;
    Ok(match grant.access {
        memex_policies::Access::ReadOnly => scratch_read_tools(file),
        memex_policies::Access::ReadWrite => scratch_tools(file),
    })
}

fn egress(policy: &Policy, files: &[ToolFile], secrets: &dyn Secrets) -> Result<Egress, Error> {
    let mut builder = Egress::builder(EgressRules::new(policy.network.iter().cloned()))
        .limits(HttpLimits::from(&policy.limits));
    for file in files {
        for credential in file.credentials(secrets).map_err(Error::Credential)? {
            builder = builder.secret(credential);
        }
    }
    Ok(builder.build()?)
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tools")
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}
