//! Where the tasks of an evaluation come from, and the tools to answer them with.

use super::suite::tools_of;
use crate::console::complain;
use crate::context::Context;
use crate::failure::{usage, usage_as_told};
use crate::refusals::agent_refusal;
use anyhow::Result;
use clap::{Args, ValueEnum};
use memex_agent::evaluation::TextCorpus;
use memex_host_tools::Tool;
use memex_suites::{Grader, Task, officeqa, read_tasks};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A suite whose questions and texts are the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Public {
    /// OfficeQA: questions over a treasury's bulletins
    Officeqa,
}

/// Tasks and tools.
#[derive(Debug, Clone, Args)]
pub(super) struct SourceArguments {
    /// The file of tasks
    #[arg(
        value_name = "TASKS",
        required_unless_present_any = ["make", "suite"],
        conflicts_with_all = ["make", "suite"]
    )]
    tasks: Option<PathBuf>,

    /// A public benchmark, whose questions and texts you have
    #[arg(
        long,
        value_name = "SUITE",
        requires_all = ["questions", "corpus"],
        help_heading = "Public benchmarks"
    )]
    suite: Option<Public>,

    /// Its file of questions, as CSV
    #[arg(
        long,
        value_name = "FILE",
        requires = "suite",
        help_heading = "Public benchmarks"
    )]
    questions: Option<PathBuf>,

    /// A folder of texts that is searched, of a benchmark or of a suite of bulletins
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,

    /// The index of these texts, made on first need [default: one in the cache]
    #[arg(long, value_name = "FILE", requires = "corpus")]
    index: Option<PathBuf>,

    /// How far off numbers may be, as a part of the answer
    #[arg(
        long,
        value_name = "PART",
        default_value_t = 0.0,
        requires = "suite",
        help_heading = "Public benchmarks"
    )]
    tolerance: f64,

    /// Run only tasks that have this tag, such as easy; several are all wanted
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,

    /// Run only the first tasks
    #[arg(long, value_name = "COUNT")]
    first: Option<usize>,
}

/// What an evaluation runs.
pub(super) struct Source {
    /// The suite's name.
    pub(super) name: String,
    /// The folder that files of tasks are named from.
    pub(super) folder: PathBuf,
    pub(super) tasks: Vec<Task>,
    pub(super) tools: Vec<Arc<dyn Tool>>,
}

impl SourceArguments {
    pub(super) fn read(&self, context: &Context) -> Result<Source> {
        let path = self.tasks.as_deref().or(self.questions.as_deref());
        let path = path.unwrap_or(Path::new(""));
        let mut tasks = match self.suite {
            Some(Public::Officeqa) => {
                if !(0.0..=1.0).contains(&self.tolerance) {
                    return Err(usage(
                        "--tolerance is between 0 and 1",
                        "0.01 is one per cent",
                    ));
                }
                officeqa::read_questions(path, self.tolerance).map_err(usage_as_told)?
            }
            None => read_tasks(path).map_err(usage_as_told)?,
        };
        if tasks.is_empty() {
            return Err(usage(
                format!("{} has no tasks", path.display()),
                "`memex agent eval --make` makes suites",
            ));
        }
        tasks.retain(|task| self.tags.iter().all(|tag| task.tags.contains(tag)));
        tasks.truncate(self.first.unwrap_or(usize::MAX));
        if tasks.is_empty() {
            return Err(usage(
                format!("{} has no such tasks", path.display()),
                "--tag and --first choose among tasks",
            ));
        }
        let tools = match &self.corpus {
            Some(corpus) => self.corpus_tools(corpus, context)?,
            None => tools_of(path, &tasks)?,
        };
        Ok(Source {
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            tasks,
            tools,
        })
    }

    fn corpus_tools(&self, corpus: &Path, context: &Context) -> Result<Vec<Arc<dyn Tool>>> {
        let index = match &self.index {
            Some(index) => index.clone(),
            None => {
                let place = std::path::absolute(corpus)?;
                let digest = blake3::hash(place.as_os_str().as_encoded_bytes()).to_hex();
                let name = format!("{}.sqlite", digest.get(..16).unwrap_or(&digest));
                context.cache_directory()?.join("corpora").join(name)
            }
        };
        let is_told = context.err.is_terminal;
        let progress = |number: usize, all: usize| {
            if number == 0 || (is_told && number.is_multiple_of(50)) {
                complain(&format!(
                    "indexing {}: {number} of {all} texts",
                    corpus.display()
                ));
            }
        };
        let corpus = TextCorpus::open(corpus, &index, progress).map_err(agent_refusal)?;
        Ok(corpus.tools())
    }
}

/// Refuses tasks that only a model can judge where there is none, before anything is paid.
pub(super) fn check_judge(tasks: &[Task], has_judge: bool) -> Result<()> {
    let needs = |task: &&Task| matches!(task.grader, Grader::Judge { .. });
    match tasks.iter().find(needs).filter(|_| !has_judge) {
        None => Ok(()),
        Some(task) => Err(usage(
            format!("the task {} takes a model that judges", task.id),
            "name one with --judge",
        )),
    }
}
