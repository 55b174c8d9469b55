//! `memex mcp`: the server.

use crate::console::complain;
use crate::context::Context;
use crate::environment::EnvironmentSecrets;
use crate::exit_code::ExitCode;
use crate::failure::usage;
use crate::progress::Bars;
use crate::refusals::refusal;
use crate::sandbox_options::SandboxArguments;
use crate::tool_arguments::ToolArguments;
use anyhow::Result;
use clap::Args;
use memex_doors::mcp::{PATH, Pages, Server, serve_http, serve_stdio};
use memex_doors::{ScopeOptions, Scopes};
use memex_sessions::open_store;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// What is served, and where.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// Listen here for streamable HTTP, instead of standard streams
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// A name under which clients may call the server, besides those of this machine
    #[arg(long, value_name = "NAME", requires = "http")]
    allow_host: Vec<String>,
    /// Listen at an address that other machines can reach
    #[arg(long, requires = "http")]
    public: bool,
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
    if let Some(address) = arguments.http
        && !address.ip().is_loopback()
        && !arguments.public
    {
        return Err(usage(
            format!("{address} can be reached from other machines, and the server has no password"),
            "listen at 127.0.0.1, or say --public",
        ));
    }
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
    match arguments.http {
        None => runtime.block_on(serve_stdio(Server::alone(scopes)))?,
        Some(address) => {
            let stop = CancellationToken::new();
            let interrupted = stop.clone();
            ctrlc::set_handler(move || interrupted.cancel())?;
            let ready = |address: SocketAddr| complain(&format!("serving http://{address}{PATH}"));
            let each = move || Server::among_others(scopes.clone());
            let hosts = &arguments.allow_host;
            runtime.block_on(serve_http(each, address, hosts, Pages::Own, stop, ready))?;
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
