//! Suites: making those that are built in, and what the tasks of one are asked of.

use crate::console::print_line;
use crate::exit_code::ExitCode;
use crate::failure::{make_folder, usage_as_told};
use anyhow::Result;
use clap::{Args, ValueEnum};
use memex_agent::evaluation::{document_tools, path_in_folder};
use memex_host_tools::Tool;
use memex_sql::{Access, Databases};
use memex_suites::bulletins::{self, Difficulty};
use memex_suites::{Task, reading, warehouse};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// Grounded reading over table-heavy documents
    Reading,
    /// Structured retrieval over a SQLite workspace of many tables
    Warehouse,
    /// Reading in a large corpus: monthly bulletins with revised figures
    Bulletins,
}

/// How much has to be found out for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    /// One figure
    Easy,
    /// Revised figures, too
    Medium,
    /// Sums and comparisons of revised figures
    Hard,
}

/// Making a suite.
#[derive(Debug, Clone, Args)]
pub(super) struct MakeArguments {
    /// Write one of the built-in suites, and exit
    #[arg(
        long,
        value_name = "SUITE",
        requires = "into",
        help_heading = "Making suites"
    )]
    make: Option<Suite>,

    /// The folder that --make writes
    #[arg(long, value_name = "DIR", help_heading = "Making suites")]
    into: Option<PathBuf>,

    /// The seed of --make: a suite is its seed, size and difficulty
    #[arg(long, default_value_t = 1, help_heading = "Making suites")]
    seed: u64,

    /// How large it is: documents of `reading` [default: 16], customers of `warehouse` [default: 200],
    /// megabytes of `bulletins` [default: 2]
    #[arg(long, value_name = "COUNT", help_heading = "Making suites")]
    size: Option<usize>,

    /// How hard the questions over bulletins are
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "medium",
        help_heading = "Making suites"
    )]
    difficulty: Level,

    /// The number of tasks
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 40,
        help_heading = "Making suites"
    )]
    tasks_max: usize,
}

impl MakeArguments {
    pub(super) fn is_asked(&self) -> bool {
        self.make.is_some()
    }
}

/// Writes a suite into a folder.
pub(super) fn make(arguments: &MakeArguments) -> Result<ExitCode> {
    let (Some(suite), Some(folder)) = (arguments.make, &arguments.into) else {
        return Ok(ExitCode::SUCCESS);
    };
    make_folder(folder)?;
    let (seed, tasks) = (arguments.seed, arguments.tasks_max);
    let count = match suite {
        Suite::Reading => {
            let mut options = reading::ReadingOptions {
                tasks,
                ..reading::ReadingOptions::default()
            };
            if let Some(documents) = arguments.size {
                // As many years as companies, at first.
                options.years = documents.isqrt().clamp(2, 12);
                options.companies = documents.div_ceil(options.years);
            }
            let corpus = reading::generate(seed, &options);
            corpus.write(folder).map_err(usage_as_told)?;
            corpus.tasks.len()
        }
        Suite::Warehouse => {
            let mut options = warehouse::WarehouseOptions {
                tasks,
                ..warehouse::WarehouseOptions::default()
            };
            options.customers = arguments.size.unwrap_or(options.customers);
            warehouse::generate(seed, &options, folder)
                .map_err(usage_as_told)?
                .len()
        }
        Suite::Bulletins => {
            let options = bulletins::BulletinOptions::default();
            let options = bulletins::BulletinOptions {
                megabytes: arguments.size.unwrap_or(options.megabytes),
                tasks,
                difficulty: match arguments.difficulty {
                    Level::Easy => Difficulty::Easy,
                    Level::Medium => Difficulty::Medium,
                    Level::Hard => Difficulty::Hard,
                },
            };
            bulletins::generate(seed, &options, folder)
                .map_err(usage_as_told)?
                .len()
        }
    };
    if suite == Suite::Bulletins {
        print_line(&format!(
            "search the texts with --corpus {}",
            folder.join(bulletins::TEXTS).display()
        ));
    }
    print_line(&format!(
        "{count} tasks in {}",
        folder.join("tasks.jsonl").display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// The documents and databases that the tasks are asked of.
pub(super) fn tools_of(path: &Path, tasks: &[Task]) -> Result<Vec<Arc<dyn Tool>>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let files: BTreeSet<String> = tasks
        .iter()
        .flat_map(|task| task.files.iter().cloned())
        .collect();
    let files: Vec<String> = files.into_iter().collect();
    let mut tools = document_tools(folder, &files).map_err(usage_as_told)?;
    let databases: BTreeSet<&String> = tasks
        .iter()
        .filter_map(|task| task.database.as_ref())
        .collect();
    if !databases.is_empty() {
        let mut builder = Databases::builder();
        for database in databases {
            let file = path_in_folder(folder, database).map_err(usage_as_told)?;
            let name = file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            builder = builder.sqlite(&name, &file, Access::ReadOnly);
        }
        tools.extend(builder.build().map_err(usage_as_told)?.tools());
    }
    Ok(tools)
}
