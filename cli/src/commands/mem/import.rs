//! `memex mem import`: what other services know, as a memory.

use super::live::{Network, Service};
use super::options::MemoryArguments;
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, usage};
use anyhow::Result;
use clap::{Args, Subcommand};
use memex_connectors::{ImportReport, Importer, Skipped};
use memex_escapes::line;
use memex_memory::{Author, Error, Memory};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Everything stays a draft for you to edit: pages become entities, what an export says as a
fact becomes a fact. Importing again updates what is there and keeps what you edited. What is
not taken in is named on standard error, and the exit status is then 1.

Live imports reach the hosts of their service and no other. The token goes to the API alone,
and is in no output, error or file of the memory.

Examples:
  memex mem import chatgpt export.zip --memory notes
  memex mem import claude ~/Downloads/claude-export --memory notes
  memex mem import obsidian ~/vault --memory notes
  memex mem import notion pages.zip --memory notes
  memex mem import github . --memory notes                         a checked-out repository
  GITHUB_TOKEN=… memex mem import github --live rust-lang/book --memory notes
  memex mem import gdocs plan.docx minutes.html --memory notes
  GOOGLE_TOKEN=… memex mem import gdocs --live DOCUMENT-ID --memory notes";

/// Fill a memory from the exports of other services
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportArguments {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    memory: MemoryArguments,
    /// A JSON object with what was created, updated and skipped
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Source {
    /// A ChatGPT export: the .zip, the folder it unpacks to, or its conversations.json
    Chatgpt {
        export: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// A Claude export: the .zip, the folder it unpacks to, or its conversations.json
    Claude {
        export: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// An Obsidian vault: its folder, or a .zip of it
    Obsidian {
        vault: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// A Notion export: a .zip of Markdown and CSV, or the folder it unpacks to
    Notion {
        export: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// A Nuclino export: a .zip of Markdown, or the folder it unpacks to
    Nuclino {
        export: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// A GitHub repository: a folder, the .zip that GitHub makes, or live
    Github {
        /// A folder or a .zip; with --live OWNER/NAME
        repository: PathBuf,
        /// Ask GitHub itself, with the token in GITHUB_TOKEN if there is one
        #[arg(long)]
        live: bool,
        /// Where the API is, such as https://HOST/api/v3 for GitHub Enterprise [default:
        /// `https://api.github.com`]
        #[arg(long, value_name = "URL", requires = "live")]
        api: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Google Docs: downloaded documents, or live
    Gdocs {
        /// .docx, .html, .md, .txt or .zip files; with --live ids or addresses of documents
        /// [default with --live: all]
        #[arg(required_unless_present = "live")]
        documents: Vec<PathBuf>,
        /// Ask Google itself, with the token in GOOGLE_TOKEN
        #[arg(long)]
        live: bool,
        /// Where the API is [default: `https://www.googleapis.com`]
        #[arg(long, value_name = "URL", requires = "live")]
        api: Option<String>,
        #[command(flatten)]
        common: Common,
    },
}

pub(super) fn execute(arguments: &ImportArguments, context: &Context) -> Result<ExitCode> {
    let source = &arguments.source;
    let common = match source {
        Source::Chatgpt { common, .. }
        | Source::Claude { common, .. }
        | Source::Obsidian { common, .. }
        | Source::Notion { common, .. }
        | Source::Nuclino { common, .. }
        | Source::Github { common, .. }
        | Source::Gdocs { common, .. } => common,
    };
    let memory = common.memory.open()?;
    let report = report(source, &memory, context)?
        .map_err(|error| usage(error.to_string(), source.wanted()))?;
    tell(&report, common.json);
    Ok(match report.is_complete() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(TURN_FAILED),
    })
}

impl Source {
    /// What this source takes, for those who gave something else.
    fn wanted(&self) -> &'static str {
        match self {
            Self::Chatgpt { .. } | Self::Claude { .. } => {
                "give the export as it was sent, a .zip, or the folder it unpacks to, or its conversations.json; what was written before stays"
            }
            Self::Notion { .. } | Self::Nuclino { .. } => {
                "export as Markdown and give the .zip, or the folder it unpacks to; what was written before stays"
            }
            Self::Obsidian { .. } => {
                "give the folder of the vault, or a .zip of it; what was written before stays"
            }
            Self::Github { live: false, .. } => {
                "give a folder or a .zip, or OWNER/NAME with --live; what was written before stays"
            }
            Self::Gdocs { live: false, .. } => {
                "give .docx, .html, .md, .txt or .zip files; what was written before stays"
            }
            Self::Github { .. } | Self::Gdocs { .. } => "what was written before stays",
        }
    }
}

fn report(
    source: &Source,
    memory: &Memory,
    context: &Context,
) -> Result<Result<ImportReport, Error>> {
    let importer = Importer::new(memory, Author::person("import"));
    Ok(match source {
        Source::Chatgpt { export, .. } => importer.chatgpt(export),
        Source::Claude { export, .. } => importer.claude(export),
        Source::Obsidian { vault, .. } => importer.obsidian(vault),
        Source::Notion { export, .. } => importer.notion(export),
        Source::Nuclino { export, .. } => importer.nuclino(export),
        Source::Github {
            repository,
            live: false,
            ..
        } => importer.github(repository),
        Source::Github {
            repository, api, ..
        } => {
            let runtime = context.runtime()?;
            let network = Network::new(&Service::GITHUB, api.as_deref(), runtime)?;
            let name = repository.to_string_lossy();
            importer
                .with_secret(network.token())
                .github_live(&network, network.api(), &name)
        }
        Source::Gdocs {
            documents,
            live: false,
            ..
        } => importer.google_docs(documents),
        Source::Gdocs { documents, api, .. } => {
            let runtime = context.runtime()?;
            let network = Network::new(&Service::GOOGLE, api.as_deref(), runtime)?;
            let ids: Vec<_> = documents.iter().map(|id| id.to_string_lossy()).collect();
            let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
            importer
                .with_secret(network.token())
                .google_docs_live(&network, network.api(), &ids)
        }
    })
}

fn tell(report: &ImportReport, as_json: bool) {
    if as_json {
        let listed = |places: &[Skipped]| -> Vec<_> {
            let places = places.iter();
            places
                .map(|one| json!({"place": one.place, "why": one.why}))
                .collect()
        };
        let object = json!({
            "created": report.created,
            "updated": report.updated,
            "unchanged": report.unchanged,
            "left": listed(&report.left),
            "skipped": listed(&report.skipped),
            "skipped_unnamed": report.skipped_unnamed,
        });
        print_line(&object.to_string());
        return;
    }
    for (what, files) in [("created", &report.created), ("updated", &report.updated)] {
        for file in files {
            print_line(&format!("{what} {}", line(file)));
        }
    }
    print_line(&format!(
        "{} created, {} updated, {} unchanged",
        report.created.len(),
        report.updated.len(),
        report.unchanged
    ));
    for left in &report.left {
        let place = line(&left.place);
        print_line(&format!("left {place}: {}", line(&left.why)));
    }
    for skipped in &report.skipped {
        let place = line(&skipped.place);
        complain(&format!("skipped {place}: {}", line(&skipped.why)));
    }
    if report.skipped_unnamed > 0 {
        complain(&format!("and {} more were skipped", report.skipped_unnamed));
    }
}
