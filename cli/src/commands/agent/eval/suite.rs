//! Suites: making those that are built in, and what the tasks of one are asked of.

use crate::console::print_line;
use crate::exit_code::ExitCode;
use crate::failure::{make_folder, usage_as_told};
use anyhow::Result;
use clap::ValueEnum;
use memex_agent::evaluation::{document_tools, path_in_folder};
use memex_host_tools::Tool;
use memex_sql::{Access, Databases};
use memex_suites::{Task, reading, warehouse};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Suite {
    /// Grounded reading over table-heavy documents
    Reading,
    /// Structured retrieval over a SQLite workspace of many tables
    Warehouse,
}

/// Writes a suite into a folder.
pub(super) fn make(suite: Suite, seed: u64, folder: &Path) -> Result<ExitCode> {
    make_folder(folder)?;
    let count = match suite {
        Suite::Reading => {
            let corpus = reading::generate(seed, &reading::ReadingOptions::default());
            corpus.write(folder).map_err(usage_as_told)?;
            corpus.tasks.len()
        }
        Suite::Warehouse => {
            let options = warehouse::WarehouseOptions::default();
            warehouse::generate(seed, &options, folder)
                .map_err(usage_as_told)?
                .len()
        }
    };
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
