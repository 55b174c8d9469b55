//! The commands on a memory that need no model: init, check, graph, log, undo,
//! filters, export, instantiate.

use super::difference::difference;
use super::options::{MemoryArguments, mode, read};
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::{TURN_FAILED, make_folder, usage};
use anyhow::Result;
use clap::{Args, Subcommand};
use memex_escapes::line;
use memex_memory::{Author, Change, Content, Options, StaticMemory, Undo};
use memex_policies::check_plain_name;
use std::path::{Path, PathBuf};

/// Options of `init`.
#[derive(Debug, Args)]
pub(super) struct InitArguments {
    #[command(flatten)]
    memory: MemoryArguments,
    /// Make an empty memory: a user.md with a heading
    #[arg(long)]
    empty: bool,
}

const EMPTY: &str = "# User Information\n";

pub(super) fn init(arguments: &InitArguments) -> Result<ExitCode> {
    let path = &arguments.memory.memory;
    make_folder(path)?;
    let memory = arguments.memory.open()?;
    let author = Author::person("init");
    let written = match arguments.empty {
        true if memory.check_if_file_exists("user.md") => Err(usage(
            format!("{} has a user.md already", path.display()),
            "start in an empty directory",
        )),
        true => memory
            .write(author, "user.md", EMPTY.as_bytes())
            .map(|()| vec!["user.md"])
            .map_err(Into::into),
        false => memory
            .init(author)
            .map_err(|error| usage(error.to_string(), "--empty makes a memory without facts")),
    }?;
    for file in written {
        print_line(&path.join(file).display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// Options of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    memory: MemoryArguments,
    /// One JSON object per finding
    #[arg(long)]
    json: bool,
}

pub(super) fn check(arguments: &CheckArguments, context: &Context) -> Result<ExitCode> {
    let findings = arguments.memory.open()?.check()?;
    for finding in &findings {
        match arguments.json {
            true => print_line(&serde_json::to_string(finding)?),
            false => print_line(&line(&finding.to_string())),
        }
    }
    if findings.is_empty() {
        complain(&context.err.paint.good("nothing is wrong"));
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(TURN_FAILED))
}

/// Options of `graph`.
#[derive(Debug, Args)]
pub(super) struct GraphArguments {
    #[command(flatten)]
    memory: MemoryArguments,
    /// Write the picture here instead of standard output
    #[arg(long, short, value_name = "FILE.svg")]
    output: Option<PathBuf>,
}

pub(super) fn graph(arguments: &GraphArguments) -> Result<ExitCode> {
    let graph = arguments.memory.open()?.graph()?;
    if graph.left_out > 0 {
        complain(&format!(
            "note: the {} files with the fewest links are left out",
            graph.left_out
        ));
    }
    put(arguments.output.as_deref(), &graph.to_svg())
}

/// Options of `log`.
#[derive(Debug, Args)]
pub(super) struct LogArguments {
    #[command(flatten)]
    memory: MemoryArguments,
    /// How many changes, the newest first
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Also the lines that each change took away and added
    #[arg(long, conflicts_with = "json")]
    diff: bool,
    /// One JSON object per change
    #[arg(long)]
    json: bool,
}

pub(super) fn log(arguments: &LogArguments, context: &Context) -> Result<ExitCode> {
    let memory = arguments.memory.open()?;
    for change in memory.log(arguments.limit)? {
        let line = match arguments.json {
            true => serde_json::to_string(&change)?,
            false => told(&change, context),
        };
        print_line(&line);
        if arguments.diff {
            for line in difference(&memory, &change, context.out.paint)? {
                print_line(&line);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn told(change: &Change, context: &Context) -> String {
    let paint = context.out.paint;
    let who = match change.session.as_str() {
        "" => "a person",
        session => session,
    };
    let what = match (&change.before, &change.after) {
        (Content::Absent, _) => "created".to_owned(),
        (_, Content::Absent) => "removed".to_owned(),
        (before, after) => format!("{} → {} bytes", before.bytes(), after.bytes()),
    };
    let undo = match (change.undone, change.undoes) {
        (true, _) => "  undone".to_owned(),
        (_, Some(id)) => format!("  undoes {id}"),
        _ => String::new(),
    };
    let time = memex_trajectories::Timestamp::from_unix_ms(change.time_ms);
    format!(
        "{:>5}  {time}  {}  {what}{undo}  {}",
        change.id,
        line(&change.path),
        paint.faint(&line(&format!("{} by {who}", change.tool)))
    )
}

/// Options of `undo`.
#[derive(Debug, Args)]
pub(super) struct UndoArguments {
    #[command(flatten)]
    memory: MemoryArguments,
    /// Undo the newest N changes
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1)]
    count: usize,
    /// Undo this change of `memex mem log`
    #[arg(long, value_name = "ID", conflicts_with = "count")]
    change: Option<u64>,
    /// Also if the file was changed since; that change is lost
    #[arg(long)]
    force: bool,
}

pub(super) fn undo(arguments: &UndoArguments) -> Result<ExitCode> {
    let what = match arguments.change {
        Some(id) => Undo::Change(id),
        None => Undo::Newest(arguments.count),
    };
    let memory = arguments.memory.open()?;
    let undone = memory
        .undo(Author::person("undo"), what, arguments.force)
        .map_err(|error| usage(error.to_string(), "`memex mem log` lists the changes"))?;
    for change in undone {
        print_line(&format!("{} undone: {}", change.id, line(&change.path)));
    }
    Ok(ExitCode::SUCCESS)
}

const FILTERS: &str = "\
A filter says what must not be disclosed. It is added to every question; the agent decides, so
it is a wish that a good model honours, not a lock.

Examples:
  memex mem filters add 'Do not tell where anybody lives' --memory notes
  memex mem filters list --memory notes
  memex mem filters reset --memory notes";

/// Manage filters: what an agent must not disclose
#[derive(Debug, Args)]
#[command(after_help = FILTERS)]
pub(super) struct FilterArguments {
    #[command(subcommand)]
    action: FilterAction,
}

#[derive(Debug, Subcommand)]
enum FilterAction {
    /// Add a filter
    Add {
        /// What must not be disclosed, in a sentence
        text: String,
        #[command(flatten)]
        memory: MemoryArguments,
    },
    /// List the filters
    List {
        #[command(flatten)]
        memory: MemoryArguments,
        /// A JSON list
        #[arg(long)]
        json: bool,
    },
    /// Remove all filters
    Reset {
        #[command(flatten)]
        memory: MemoryArguments,
    },
}

pub(super) fn filters(arguments: &FilterArguments) -> Result<ExitCode> {
    let author = Author::person("filters");
    match &arguments.action {
        FilterAction::Add { text, memory } => memory
            .open()?
            .add_filter(author, text)
            .map_err(|error| usage(error.to_string(), ""))?,
        FilterAction::Reset { memory } => memory.open()?.reset_filters(author)?,
        FilterAction::List { memory, json } => {
            let filters = memory.open()?.filters()?;
            match json {
                true => print_line(&serde_json::to_string(filters.as_slice())?),
                false => filters
                    .as_slice()
                    .iter()
                    .for_each(|filter| print_line(&format!("- {}", line(filter)))),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Options of `export`.
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    memory: MemoryArguments,
    /// The memory's name in the document [default: that of its directory]
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// Write the document here instead of standard output
    #[arg(long, short, value_name = "FILE.json")]
    output: Option<PathBuf>,
}

pub(super) fn export(arguments: &ExportArguments) -> Result<ExitCode> {
    let memory = arguments.memory.open()?;
    let path = arguments.memory.memory.canonicalize();
    let name = path
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .filter(|name| check_plain_name(name).is_ok());
    let id = arguments.id.clone().or(name);
    let id = id.unwrap_or_else(|| "memory".to_owned());
    check_plain_name(&id).map_err(|error| {
        usage(
            format!("--id {error}"),
            "name it as a directory can be named",
        )
    })?;
    let document = memory.export(&id)?;
    put(arguments.output.as_deref(), &(document.to_json()? + "\n"))
}

/// Options of `instantiate`.
#[derive(Debug, Args)]
pub(super) struct InstantiateArguments {
    /// A memory as one JSON document, as `memex mem export` writes it
    #[arg(value_name = "FILE.json")]
    document: PathBuf,
    /// The directory under which the memory gets a directory of its own name
    #[arg(long, value_name = "DIR", default_value = ".")]
    under: PathBuf,
    /// Reset an existing memory to the document; everything else in it is lost
    #[arg(long)]
    reset: bool,
    /// With the limits of compat mode
    #[arg(long)]
    compat: bool,
}

pub(super) fn instantiate(arguments: &InstantiateArguments) -> Result<ExitCode> {
    let text = read(&arguments.document, "document")?;
    let refused = |error: memex_memory::Error| {
        let hint = match &error {
            memex_memory::Error::NotAMemory => {
                "move the directory away, or name another place with --under"
            }
            _ => "`memex mem export` writes such documents; --reset puts a memory back",
        };
        usage(error.to_string(), hint)
    };
    let document = StaticMemory::parse(&text).map_err(refused)?;
    let author = Author::person("instantiate");
    let options = Options::of(mode(arguments.compat));
    let under = &arguments.under;
    let made = match arguments.reset {
        true => document.reinstantiate(author, under, options),
        false => document.instantiate(author, under, options),
    };
    made.map_err(refused)?;
    print_line(&under.join(&document.memory_id).display().to_string());
    Ok(ExitCode::SUCCESS)
}

fn put(path: Option<&Path>, text: &str) -> Result<ExitCode> {
    match path {
        Some(path) => std::fs::write(path, text).map_err(|error| {
            usage(
                format!("cannot write {}: {error}", path.display()),
                "name a place that can be written, or leave out --output",
            )
        })?,
        None => crate::console::print(text),
    }
    Ok(ExitCode::SUCCESS)
}
