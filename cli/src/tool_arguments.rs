//! The options that name tools.

use crate::grants::{parse_database, parse_shared};
use clap::Args;
use memex_policies::SharedScratchGrant;
use memex_sessions::{AuditFile, Database, ToolSources};
use std::path::PathBuf;

/// Which tools the code gets.
#[derive(Debug, Clone, Args)]
pub(crate) struct ToolArguments {
    /// Tool file: commands, HTTP endpoints, MCP servers, databases; a secret NAME in it is read
    /// from MEMEX_SECRET_NAME; see docs/tool-files.md
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

    /// Give the code keys and values that sessions share under this name and that persist
    #[arg(long, value_name = "NAME[:ro|rw]", value_parser = parse_shared, help_heading = "Tools")]
    shared_scratch: Option<SharedScratchGrant>,

    /// Record every call in this file, one JSON object per line
    #[arg(long, value_name = "FILE", help_heading = "Tools")]
    audit: Option<PathBuf>,

    /// Record the arguments of calls, not only their digest
    #[arg(long, requires = "audit", help_heading = "Tools")]
    audit_arguments: bool,
}

impl ToolArguments {
    /// The tools of a session's spec.
    pub(crate) fn sources(&self) -> ToolSources {
        let databases = self.sql.iter().cloned();
        ToolSources {
            files: self.tools.clone(),
            sql: databases
                .map(|(name, path)| Database { name, path })
                .collect(),
            memory: self.memory.clone(),
            ask_user: self.ask_user,
            shared_scratch: self.shared_scratch.clone().map(Into::into),
            audit: self.audit.clone().map(|path| AuditFile {
                path,
                arguments: self.audit_arguments,
            }),
        }
    }
}
