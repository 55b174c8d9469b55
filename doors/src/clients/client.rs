//! The clients that are known: where their configuration is, and what it calls servers.

use std::path::{Path, PathBuf};

/// A client whose configuration is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Claude Code, for all projects of the user.
    ClaudeCode,
    /// Claude Desktop.
    ClaudeDesktop,
    /// Cursor, for all projects of the user.
    Cursor,
    /// Gemini's command line.
    GeminiCli,
    /// LM Studio.
    LmStudio,
    /// Visual Studio Code, for the user's default profile.
    VsCode,
    /// Windsurf.
    Windsurf,
}

/// Where programs of the user keep their settings.
#[derive(Debug, Clone)]
pub struct Directories {
    /// The user's home.
    pub home: PathBuf,
    /// Settings of programs: `~/.config`, or `~/Library/Application Support`.
    pub settings: PathBuf,
}

impl Client {
    /// All of them, by name.
    pub const ALL: [Self; 7] = [
        Self::ClaudeCode,
        Self::ClaudeDesktop,
        Self::Cursor,
        Self::GeminiCli,
        Self::LmStudio,
        Self::VsCode,
        Self::Windsurf,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Cursor => "cursor",
            Self::GeminiCli => "gemini-cli",
            Self::LmStudio => "lm-studio",
            Self::VsCode => "vscode",
            Self::Windsurf => "windsurf",
        }
    }

    /// Its configuration.
    #[must_use]
    pub fn file(self, directories: &Directories) -> PathBuf {
        let Directories { home, settings } = directories;
        let below = |folder: &Path, path: &str| folder.join(path);
        match self {
            Self::ClaudeCode => below(home, ".claude.json"),
            Self::ClaudeDesktop => below(settings, "Claude/claude_desktop_config.json"),
            Self::Cursor => below(home, ".cursor/mcp.json"),
            Self::GeminiCli => below(home, ".gemini/settings.json"),
            Self::LmStudio => below(home, ".lmstudio/mcp.json"),
            Self::VsCode => below(settings, "Code/User/mcp.json"),
            Self::Windsurf => below(home, ".codeium/windsurf/mcp_config.json"),
        }
    }

    /// What the configuration calls its servers.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::VsCode => "servers",
            _ => "mcpServers",
        }
    }

    /// Whether an entry says that it is a server of standard streams.
    pub(super) fn names_the_type(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::VsCode)
    }

    /// How an entry in this configuration refers to a variable of the client's environment;
    /// none if it cannot.
    #[must_use]
    pub fn reference(self, file: &Path, variable: &str) -> Option<String> {
        match self {
            // In a project's file alone.
            Self::ClaudeCode => {
                (file.file_name()? == ".mcp.json").then(|| format!("${{{variable}}}"))
            }
            Self::Cursor | Self::VsCode | Self::Windsurf => Some(format!("${{env:{variable}}}")),
            Self::GeminiCli => Some(format!("${variable}")),
            Self::ClaudeDesktop | Self::LmStudio => None,
        }
    }

    /// What makes the client look at it.
    #[must_use]
    pub fn next(self) -> &'static str {
        match self {
            Self::ClaudeCode => "start `claude` anew; `/mcp` lists its servers",
            Self::ClaudeDesktop => "quit Claude Desktop and start it again",
            Self::Cursor => "open Cursor's settings, Tools & MCP, and switch the server on",
            Self::GeminiCli => "start `gemini` anew; `/mcp` lists its servers",
            Self::LmStudio => "LM Studio loads it at once; switch it on beside the chat",
            Self::VsCode => "VS Code asks whether to trust the server when it starts it",
            Self::Windsurf => "open Windsurf's MCP settings and refresh",
        }
    }
}
