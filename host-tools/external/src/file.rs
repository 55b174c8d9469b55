//! Tool files: what a host's owner declares.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::built_in::{CredentialDeclaration, DatabaseDeclaration};
use super::client_servers;
use super::command::CommandExecutor;
use super::definitions::{anthropic_tool_specs, check_name, nothing, openai_tool_specs};
use super::document::{Fields, TOOL_FILE_VERSION, ToolFileFormat, parse, read};
use super::endpoint::{ENDPOINT_FIELDS, EndpointDeclaration};
use super::error::OutsideError;
use super::host::{OutsideHost, Surroundings};
use super::mcp::{Server, ServerDeclaration};
use super::process::{PROCESS_FIELDS, ProcessDeclaration};
use super::secrets::{Secrets, Vault};
use super::tools::{Executor, OutsideTools};
use crate::egress::Secret;
use memex_host_tools::ToolSpec;
use memex_host_tools::{SchemaProblem, check_parameters, check_schema};
use memex_sql::DatabasesBuilder;

/// The most declarations of a tool file.
pub const DECLARATIONS_MAX: usize = 2_000;
/// The most MCP servers of a tool file.
pub const SERVERS_MAX: usize = 64;

const TIMEOUT_MS: u64 = 30_000;
const TIMEOUT_MAX_MS: u64 = 3_600_000;
const OUTPUT_BYTES: u64 = 8 << 20;
const OUTPUT_MAX_BYTES: u64 = 256 << 20;

/// The declarations of a tool file, checked as far as a text can be.
///
/// Parse it, then [`open`](Self::open) it on a host.
#[derive(Debug, Clone)]
pub struct ToolFile {
    origin: String,
    tools: Vec<Declaration>,
    servers: Vec<ServerDeclaration>,
    databases: Vec<DatabaseDeclaration>,
    credentials: Vec<CredentialDeclaration>,
}

#[derive(Debug, Clone)]
struct Declaration {
    place: String,
    specs: Vec<ToolSpec>,
    means: Means,
    /// Whether the executor is told which tool is called.
    named: bool,
    timeout: Duration,
    output_max_bytes: u64,
}

#[derive(Debug, Clone)]
enum Means {
    Command(ProcessDeclaration),
    Endpoint(Box<EndpointDeclaration>),
}

impl ToolFile {
    /// Reads the file at `path`: JSON if its name ends in `.json`, else TOML.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and if a file cannot be read.
    pub fn read(path: &Path) -> Result<Self, OutsideError> {
        let text = read(path)?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let directory = match directory.as_os_str().is_empty() {
            true => Path::new("."),
            false => directory,
        };
        // Processes work elsewhere: what they are given must not depend on it.
        let directory =
            std::path::absolute(directory).map_err(|error| OutsideError::Unreadable {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        let origin = path.display().to_string();
        Self::parse(&text, ToolFileFormat::of(path), &origin, &directory)
    }

    /// Reads a tool file's `text`. `origin` stands in messages; the files that
    /// it names are looked for in `directory`. The `mcp.json` of an MCP client is one too:
    /// a tool file with its servers.
    ///
    /// # Errors
    /// Names the file, the tool and the field, and says what to write.
    pub fn parse(
        text: &str,
        format: ToolFileFormat,
        origin: &str,
        directory: &Path,
    ) -> Result<Self, OutsideError> {
        let mut document = parse(text, format, origin)?;
        if format == ToolFileFormat::Json {
            let fields = Fields::open(origin, directory, &document)?;
            if let Some(servers) = client_servers::tool_file(&document, &fields)? {
                document = servers;
            }
        }
        let root = Fields::open(origin, directory, &document)?;
        match root.value("version").map(Value::as_u64) {
            Some(Some(TOOL_FILE_VERSION)) => {}
            Some(_) => {
                return Err(root.refusal(format!("`version` must be {TOOL_FILE_VERSION}")));
            }
            None => {
                return Err(root.refusal(format!(
                    "field `version` is missing; write `version = {TOOL_FILE_VERSION}`"
                )));
            }
        }
        root.expect(&[
            "version",
            "command",
            "http",
            "mcp",
            "openai",
            "anthropic",
            "sql",
            "credential",
        ])?;
        let mut tools = Vec::new();
        for fields in root.tables("command")? {
            tools.push(command(&fields)?);
        }
        for fields in root.tables("http")? {
            tools.push(http(&fields)?);
        }
        for (key, specs) in [
            ("openai", openai_tool_specs as fn(&Value) -> _),
            ("anthropic", anthropic_tool_specs),
        ] {
            for fields in root.tables(key)? {
                tools.push(definitions(&fields, specs)?);
            }
        }
        if tools.len() > DECLARATIONS_MAX {
            return Err(root.refusal(format!("more than {DECLARATIONS_MAX} declarations")));
        }
        let servers = root
            .tables("mcp")?
            .iter()
            .map(ServerDeclaration::parse)
            .collect::<Result<Vec<_>, _>>()?;
        if servers.len() > SERVERS_MAX {
            return Err(root.refusal(format!("more than {SERVERS_MAX} MCP servers")));
        }
        let databases = root.tables("sql")?;
        let databases = databases.iter().map(DatabaseDeclaration::parse);
        let credentials = root.tables("credential")?;
        let credentials = credentials.iter().map(CredentialDeclaration::parse);
        let file = Self {
            origin: origin.to_owned(),
            tools,
            servers,
            databases: databases.collect::<Result<_, _>>()?,
            credentials: credentials.collect::<Result<_, _>>()?,
        };
        file.check_names()?;
        Ok(file)
    }

    /// What the file's own tools are; those of MCP servers are not known yet.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.tools.iter().flat_map(|tool| &tool.specs)
    }

    /// The names of its MCP servers.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.servers.iter().map(|server| server.name.as_str())
    }

    /// Adds the file's databases to those of the tool `sql`.
    #[must_use]
    pub fn add_databases(&self, builder: DatabasesBuilder) -> DatabasesBuilder {
        let databases = self.databases.iter();
        databases.fold(builder, |builder, database| database.add_to(builder))
    }

    /// Whether the file declares databases.
    #[must_use]
    pub fn has_databases(&self) -> bool {
        !self.databases.is_empty()
    }

    /// The credentials that the tool `fetch` adds to requests.
    ///
    /// # Errors
    /// A secret that is not there.
    pub fn credentials(&self, secrets: &dyn Secrets) -> Result<Vec<Secret>, OutsideError> {
        let mut vault = Vault::new(secrets);
        let credentials = self.credentials.iter();
        credentials
            .map(|credential| credential.resolve(&mut vault))
            .collect()
    }

    /// Finds programs, looks secrets up, connects to the servers at once, and
    /// waits until all have listed their tools.
    ///
    /// Everything that the tools do later happens on the tokio runtime that
    /// polls this; it must have I/O and time enabled and keep running.
    ///
    /// # Errors
    /// A program, directory or secret that is not there; a server that is not
    /// ready in time; two tools of one name.
    pub async fn open(self, host: &OutsideHost) -> Result<OutsideTools, OutsideError> {
        self.open_with(host, host.secrets.as_ref()).await
    }

    /// As [`open`](Self::open), with secrets of the caller's instead of the
    /// host's. They are looked up before this is done, and never later.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(
        self,
        host: &OutsideHost,
        secrets: &dyn Secrets,
    ) -> Result<OutsideTools, OutsideError> {
        let mut vault = Vault::new(secrets);
        let client = match self.tools.iter().any(Declaration::is_endpoint) {
            true => Some(host.http_client()?),
            false => None,
        };
        let mut executors = Vec::with_capacity(self.tools.len());
        for tool in self.tools {
            let executor = match tool.means {
                Means::Command(process) => Executor::Command(CommandExecutor {
                    process: process.resolve(host, &mut vault)?,
                    output_max_bytes: tool.output_max_bytes,
                }),
                Means::Endpoint(endpoint) => {
                    let client = match &client {
                        Some(client) => client.clone(),
                        None => host.http_client()?,
                    };
                    Executor::Endpoint(endpoint.resolve(
                        client,
                        tool.output_max_bytes,
                        &mut vault,
                    )?)
                }
            };
            executors.push((tool.specs, executor, tool.named, tool.timeout));
        }
        let plans = self
            .servers
            .into_iter()
            .map(|server| server.resolve(host, &mut vault))
            .collect::<Result<Vec<_>, _>>()?;
        let surroundings = Surroundings::here(vault.scrubber());
        let starting = plans
            .into_iter()
            .map(|plan| Server::start(plan, surroundings.clone(), host.progress.clone()));
        let servers = futures_util::future::try_join_all(starting).await?;
        let tools = OutsideTools::new(executors, servers, surroundings);
        tools.check_names(&self.origin)?;
        Ok(tools)
    }

    fn check_names(&self) -> Result<(), OutsideError> {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for declaration in &self.tools {
            for spec in &declaration.specs {
                if let Some(other) = seen.insert(&spec.name, &declaration.place) {
                    return Err(OutsideError::Declaration {
                        place: declaration.place.clone(),
                        reason: format!("the tool `{}` is declared by {other} too", spec.name),
                    });
                }
            }
        }
        let mut names = std::collections::BTreeSet::new();
        match self.servers().find(|name| !names.insert(*name)) {
            None => Ok(()),
            Some(name) => Err(OutsideError::Declaration {
                place: self.origin.clone(),
                reason: format!("two MCP servers are called `{name}`"),
            }),
        }
    }
}

impl Declaration {
    fn is_endpoint(&self) -> bool {
        matches!(self.means, Means::Endpoint(_))
    }
}

const TOOL_FIELDS: &[&str] = &["name", "description", "parameters", "returns"];
const BOUND_FIELDS: &[&str] = &["timeout_ms", "output_max_bytes"];

fn command(fields: &Fields<'_>) -> Result<Declaration, OutsideError> {
    fields.expect(&[TOOL_FIELDS, BOUND_FIELDS, PROCESS_FIELDS].concat())?;
    let spec = spec(fields)?;
    let process = ProcessDeclaration::parse(fields)?;
    declaration(fields, vec![spec], Means::Command(process), false)
}

fn http(fields: &Fields<'_>) -> Result<Declaration, OutsideError> {
    fields.expect(&[TOOL_FIELDS, BOUND_FIELDS, ENDPOINT_FIELDS].concat())?;
    let spec = spec(fields)?;
    let endpoint = EndpointDeclaration::parse(fields, Some(&spec.parameters))?;
    declaration(
        fields,
        vec![spec],
        Means::Endpoint(Box::new(endpoint)),
        false,
    )
}

/// An array of definitions, bound to one executor for all.
fn definitions(
    fields: &Fields<'_>,
    specs: fn(&Value) -> Result<Vec<ToolSpec>, super::definitions::DefinitionError>,
) -> Result<Declaration, OutsideError> {
    const ENDPOINT: &[&str] = &["url", "headers", "auth", "response", "pointer"];
    let means = match (fields.has("argv"), fields.has("url")) {
        (true, false) => {
            fields.expect(&[&["name", "tools"], BOUND_FIELDS, PROCESS_FIELDS].concat())?;
            Means::Command(ProcessDeclaration::parse(fields)?)
        }
        (false, true) => {
            fields.expect(&[&["name", "tools"], BOUND_FIELDS, ENDPOINT].concat())?;
            Means::Endpoint(Box::new(EndpointDeclaration::parse(fields, None)?))
        }
        (both, _) => {
            fields
                .expect(&[&["name", "tools"], BOUND_FIELDS, PROCESS_FIELDS, ENDPOINT].concat())?;
            return Err(fields.refusal(match both {
                true => "fields `argv` and `url` exclude each other",
                false => "field `argv` or `url` is missing: what answers the calls",
            }));
        }
    };
    let tools = fields.value_or_file("tools")?.ok_or_else(|| {
        fields.refusal("field `tools` is missing: a list of definitions, or the name of its file")
    })?;
    let specs = specs(&tools).map_err(|error| fields.refusal(error.to_string()))?;
    declaration(fields, specs, means, true)
}

fn declaration(
    fields: &Fields<'_>,
    mut specs: Vec<ToolSpec>,
    means: Means,
    named: bool,
) -> Result<Declaration, OutsideError> {
    let timeout = fields.number("timeout_ms", TIMEOUT_MS, TIMEOUT_MAX_MS)?;
    let timeout = Duration::from_millis(timeout);
    for spec in &mut specs {
        spec.timeout = Some(timeout);
    }
    Ok(Declaration {
        place: fields.place.clone(),
        specs,
        means,
        named,
        timeout,
        output_max_bytes: fields.number("output_max_bytes", OUTPUT_BYTES, OUTPUT_MAX_BYTES)?,
    })
}

fn spec(fields: &Fields<'_>) -> Result<ToolSpec, OutsideError> {
    let name = fields.require("name", "what the tool is called")?;
    check_name(name).map_err(|reason| fields.refusal(reason))?;
    let wrong = |key: &str, reason: SchemaProblem| OutsideError::Schema {
        place: fields.place.clone(),
        reason: format!("field `{key}`: {reason}"),
    };
    let parameters = match fields.value_or_file("parameters")? {
        Some(found) => {
            check_parameters(&found).map_err(|reason| wrong("parameters", reason))?;
            found
        }
        None => nothing(),
    };
    let returns = fields.value_or_file("returns")?;
    if let Some(found) = &returns {
        check_schema(found).map_err(|reason| wrong("returns", reason))?;
    }
    Ok(ToolSpec {
        name: name.to_owned(),
        description: fields.text("description")?.unwrap_or_default().to_owned(),
        parameters,
        returns,
        timeout: None,
    })
}
