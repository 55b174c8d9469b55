//! `memex mem serve`: the agent for MCP clients.

use super::options::{AgentArguments, MemoryArguments, ModelArguments, run_id};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::http_arguments::{HttpArguments, announce, until_interrupted};
use anyhow::Result;
use clap::Args;
use memex_doors::mcp::{Pages, serve_http, serve_stdio};
use memex_mem_agent::server::Service;

const EXAMPLES: &str = "\
The server `memory-agent-server` has the tool `use_memory_agent(question)`. Each call is
answered by a fresh agent on the same memory; clients that ask for progress get its steps.
A client of standard streams starts the command itself:

  {\"mcpServers\": {\"memory\": {\"command\": \"memex\",
     \"args\": [\"mem\", \"serve\", \"--memory\", \"/home/me/notes\", \"--model\", \"openai:gpt-5-mini\"]}}}

Over HTTP there is no password: anyone who reaches the port can read and change the memory.

Examples:
  memex mem serve --memory notes --model anthropic:claude-sonnet-4-5
  memex mem serve --memory notes --model local:mem-agent@http://127.0.0.1:8000/v1 --compat
  memex mem serve --memory notes --model openai:gpt-5-mini --http 127.0.0.1:8765 --tools";

/// Serve the agent to MCP clients, over standard streams or HTTP
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    memory: MemoryArguments,
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    agent: AgentArguments,
    #[command(flatten)]
    http: HttpArguments,
    /// Offer the ten tools of the memory too
    #[arg(long)]
    tools: bool,
}

pub(super) fn execute(arguments: &ServeArguments, context: &Context) -> Result<ExitCode> {
    let address = arguments.http.address()?;
    let memory = arguments.memory.open()?;
    let model = arguments.model.build()?;
    let options = arguments.agent.options(arguments.memory.mode())?;
    let runtime = context.runtime()?;
    let workplace = arguments.agent.workplace(context, &memory)?;
    let service = Service::new(
        &workplace,
        model,
        options,
        arguments.tools,
        &run_id("serve"),
    );
    match address {
        None => runtime.block_on(serve_stdio(service))?,
        Some(address) => {
            let stop = until_interrupted()?;
            let hosts = &arguments.http.allow_host;
            let each = move || service.clone();
            runtime.block_on(serve_http(
                each,
                address,
                hosts,
                Pages::Loopback,
                stop,
                announce,
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
