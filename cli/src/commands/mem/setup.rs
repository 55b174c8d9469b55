//! `memex mem setup`: the server in the configuration of an MCP client.

use super::options::{MemoryArguments, ModelArguments};
use crate::console::{complain, print_line};
use crate::exit_code::ExitCode;
use crate::failure::usage;
use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use memex_escapes::line;
use serde_json::{Map, Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
The entry has absolute paths, and a key by the name of its environment variable: no key is
written. What else the file holds stays. Restart the client afterwards.

A model that was trained for the memory needs --compat.

Examples:
  memex mem setup claude-code --memory notes --model anthropic:claude-sonnet-4-5
  memex mem setup lm-studio --memory notes --model local:mem-agent@http://127.0.0.1:1234/v1 --compat
  memex mem setup cursor --memory notes --model openai:gpt-5-mini --print";

/// The longest configuration that is read.
const CONFIG_BYTES_MAX: u64 = 8 << 20;

/// Write the server into the configuration of an MCP client
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SetupArguments {
    client: Client,
    #[command(flatten)]
    memory: MemoryArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// What the client calls the server
    #[arg(long, value_name = "NAME", default_value = "memory")]
    name: String,
    /// The command that the client starts [default: this one]
    #[arg(long, value_name = "PATH")]
    command: Option<PathBuf>,
    /// The client's configuration, where it is not at its usual place
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print the entry and write nothing
    #[arg(long)]
    print: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Client {
    ClaudeDesktop,
    ClaudeCode,
    LmStudio,
    Cursor,
    Vscode,
    Windsurf,
    GeminiCli,
}

impl Client {
    /// Where its configuration lies: in the home directory, or in the project's.
    fn place(self) -> &'static str {
        match self {
            Self::ClaudeDesktop if cfg!(target_os = "macos") => {
                "~/Library/Application Support/Claude/claude_desktop_config.json"
            }
            Self::ClaudeDesktop => "~/.config/Claude/claude_desktop_config.json",
            Self::ClaudeCode => ".mcp.json",
            Self::LmStudio => "~/.lmstudio/mcp.json",
            Self::Cursor => "~/.cursor/mcp.json",
            Self::Vscode => ".vscode/mcp.json",
            Self::Windsurf => "~/.codeium/windsurf/mcp_config.json",
            Self::GeminiCli => "~/.gemini/settings.json",
        }
    }

    /// The key under which it has its servers.
    fn servers(self) -> &'static str {
        match self {
            Self::Vscode => "servers",
            _ => "mcpServers",
        }
    }

    /// How it refers to a variable of its environment; none if it cannot.
    fn reference(self, variable: &str) -> Option<String> {
        match self {
            Self::ClaudeDesktop | Self::LmStudio => None,
            Self::ClaudeCode => Some(format!("${{{variable}}}")),
            Self::Cursor | Self::Vscode | Self::Windsurf => Some(format!("${{env:{variable}}}")),
            Self::GeminiCli => Some(format!("${variable}")),
        }
    }
}

pub(super) fn execute(arguments: &SetupArguments) -> Result<ExitCode> {
    // What the client would meet is told now.
    arguments.memory.open()?;
    let entry = entry(arguments)?;
    let shown = json!({arguments.client.servers(): {arguments.name.as_str(): entry}});
    if arguments.print {
        print_line(&serde_json::to_string_pretty(&shown)?);
        return Ok(ExitCode::SUCCESS);
    }
    let path = match &arguments.file {
        Some(path) => path.clone(),
        None => usual_place(arguments.client)?,
    };
    write(&path, arguments, entry)?;
    print_line(&format!("wrote {}", line(&path.to_string_lossy())));
    if let Some(variable) = arguments.model.key_name()
        && arguments.client.reference(&variable).is_none()
    {
        complain(&format!(
            "hint: start the client where {variable} is set; it cannot refer to a variable itself"
        ));
    }
    if !arguments.memory.compat && is_trained(&arguments.model.model) {
        complain("hint: a model that was trained for the memory needs --compat");
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a model's name says that it was trained for the memory.
fn is_trained(model: &str) -> bool {
    model.to_ascii_lowercase().contains("mem-agent")
}

fn entry(arguments: &SetupArguments) -> Result<Value> {
    let absolute = |path: &Path| std::path::absolute(path).context("the path has no directory");
    let command = match &arguments.command {
        Some(command) => absolute(command)?,
        None => std::env::current_exe().context("the command does not know its own path")?,
    };
    let memory = absolute(&arguments.memory.memory)?;
    let mut given = vec!["mem".to_owned(), "serve".to_owned()];
    let mut option = |name: &str, value: &str| given.extend([name.to_owned(), value.to_owned()]);
    option("--memory", &memory.to_string_lossy());
    option("--model", &arguments.model.absolute_line()?);
    if let Some(path) = arguments.model.options_file() {
        option("--model-options", &absolute(path)?.to_string_lossy());
    }
    if let Some(variable) = arguments.model.own_key_variable() {
        option("--key-variable", variable);
    }
    if arguments.memory.compat {
        given.push("--compat".to_owned());
    }
    let mut entry = json!({"command": command.to_string_lossy(), "args": given});
    let variable = arguments.model.key_name();
    let reference = variable.as_deref().and_then(|name| {
        let reference = arguments.client.reference(name)?;
        Some((name.to_owned(), reference))
    });
    if let Some(fields) = entry.as_object_mut() {
        if matches!(arguments.client, Client::ClaudeCode | Client::Vscode) {
            fields.insert("type".to_owned(), "stdio".into());
        }
        if let Some((name, reference)) = reference {
            fields.insert("env".to_owned(), json!({name: reference}));
        }
    }
    Ok(entry)
}

fn usual_place(client: Client) -> Result<PathBuf> {
    let place = client.place();
    match place.strip_prefix("~/") {
        None => Ok(PathBuf::from(place)),
        Some(below) => {
            let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
            let home = home
                .ok_or_else(|| usage("there is no home directory", "name the file with --file"))?;
            Ok(PathBuf::from(home).join(below))
        }
    }
}

/// Adds the entry to the file, which is replaced as a whole.
fn write(path: &Path, arguments: &SetupArguments, entry: Value) -> Result<()> {
    let shown = path.display();
    let damaged = |why: String| {
        usage(
            format!("{shown}: {why}; it is left as it is"),
            "mend it, or add what --print shows by hand",
        )
    };
    let mut config = match std::fs::metadata(path) {
        Err(_) => Map::new(),
        Ok(metadata) if metadata.len() > CONFIG_BYTES_MAX => {
            return Err(damaged("is too large for a configuration".to_owned()));
        }
        Ok(_) => {
            let text = std::fs::read_to_string(path).map_err(|error| damaged(error.to_string()))?;
            match text.trim().is_empty() {
                true => Map::new(),
                false => match serde_json::from_str(&text) {
                    Ok(Value::Object(config)) => config,
                    Ok(_) => return Err(damaged("is no JSON object".to_owned())),
                    Err(error) => return Err(damaged(format!("is no JSON: {error}"))),
                },
            }
        }
    };
    let servers = config
        .entry(arguments.client.servers())
        .or_insert_with(|| json!({}));
    let Some(servers) = servers.as_object_mut() else {
        let key = arguments.client.servers();
        return Err(damaged(format!("`{key}` is no object")));
    };
    servers.insert(arguments.name.clone(), entry);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all((serde_json::to_string_pretty(&config)? + "\n").as_bytes())?;
    file.persist(path)?;
    Ok(())
}
