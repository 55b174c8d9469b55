//! `memex mcp`: the server.

use crate::context::Context;
use crate::environment::EnvironmentSecrets;
use crate::exit_code::ExitCode;
use crate::failure::usage;
use crate::http_arguments::{HttpArguments, announce, until_interrupted};
use crate::progress::Bars;
use crate::refusals::refusal;
use crate::sandbox_options::SandboxArguments;
use crate::tool_arguments::ToolArguments;
use anyhow::Result;
use clap::Args;
use memex_doors::mcp::{Pages, Server, serve_http, serve_stdio};
use memex_doors::{ScopeOptions, Scopes};
use memex_sessions::open_store;
use std::path::PathBuf;

/// What is served, and where.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    http: HttpArguments,
    /// Save sessions under their session_id, in this directory or at s3://BUCKET/PREFIX, and
    /// find them again after a restart
    #[arg(long, value_name = "DIR|URL", help_heading = "Saved sessions")]
    store: Option<String>,
    /// Sessions at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000), help_heading = "Saved sessions")]
    sessions: u16,
    /// An mcp.json of a client: the tools of its servers become functions of the code
    #[arg(long, value_name = "FILE", help_heading = "Tools")]
    servers: Vec<PathBuf>,
    #[command(flatten)]
    sandbox: SandboxArguments,
    #[command(flatten)]
    tools: ToolArguments,
}

pub(super) fn execute(arguments: &ServeArguments, context: &Context) -> Result<ExitCode> {
    let address = arguments.http.address()?;
    let scopes = scopes(arguments, context)?;
    let runtime = context.runtime()?;
    // Clients wait seconds for the first answer, and the image may take longer.
    let warming = scopes.clone();
    let mut bars = Bars::new(context, !context.err.is_terminal);
    runtime.spawn_blocking(move || {
        // The first call tells what is wrong.
        let _told_later = warming.warm(&mut bars);
    });
    let ended = scopes.clone();
    match address {
        None => runtime.block_on(serve_stdio(Server::alone(scopes)))?,
        Some(address) => {
            let stop = until_interrupted()?;
            let each = move || Server::among_others(scopes.clone());
            let hosts = &arguments.http.allow_host;
            runtime.block_on(serve_http(each, address, hosts, Pages::Own, stop, announce))?;
        }
    }
    ended.stop();
    Ok(ExitCode::SUCCESS)
}

/// Everything that the options can get wrong is told here, before a client is answered.
fn scopes(arguments: &ServeArguments, context: &Context) -> Result<Scopes> {
    let mut sources = arguments.tools.sources();
    if sources.ask_user {
        return Err(usage(
            "--ask-user asks at the terminal, and standard input is the client's",
            "leave it out",
        ));
    }
    sources.files.extend(arguments.servers.iter().cloned());
    let spec = arguments.sandbox.spec(context, sources)?;
    let resolved = spec.resolve().map_err(refusal)?;
    let host = context.host();
    let store = arguments
        .store
        .as_deref()
        .map(|place| open_store(Some(place), host));
    let store = store.transpose().map_err(refusal)?;
    let tools = resolved.tools(host, &EnvironmentSecrets).map_err(refusal)?;
    let options = ScopeOptions {
        sessions_max: usize::from(arguments.sessions),
        ..ScopeOptions::default()
    };
    Ok(Scopes::new(resolved, host.clone(), tools, store, options))
}
