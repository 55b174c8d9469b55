//! One task from a fresh memory to a judgment.

use std::sync::Arc;

use memex_memory::{Author, Memory, Mode, Options, StaticMemory};
use memex_models::Model;
use memex_trajectories::Trajectory;
use serde::Serialize;

use super::{Category, Judge, Judgment, Task, TaskFolder, Verdict};
use crate::{Agent, AgentOptions, Error, NoWatch, Workplace};

/// The agent that works on the tasks, and the judge.
#[derive(Clone)]
pub struct Setup {
    /// The sandbox. Its own memory is not touched.
    pub workplace: Workplace,
    /// The model under test.
    pub model: Arc<dyn Model>,
    /// How the agent goes about its work.
    pub options: AgentOptions,
    /// The judge.
    pub judge: Judge,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("model", &self.model.name())
            .field("options", &self.options)
            .field("judge", &self.judge)
            .finish_non_exhaustive()
    }
}

/// A task that was worked on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Graded {
    /// The task's id.
    pub id: String,
    /// Its category.
    pub category: Category,
    /// The question.
    pub question: String,
    /// The expected answer.
    pub expected: String,
    /// The answer.
    pub reply: String,
    /// The judge's verdict.
    pub judgment: Judgment,
    /// Why the task could not be worked on to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The runs: one, or the update and the question after it.
    #[serde(skip)]
    pub runs: Vec<Trajectory>,
}

impl Graded {
    /// A task that was not run, and why, if that is known.
    pub(super) fn before(task: &Task, category: Category, failure: Option<String>) -> Self {
        Self {
            id: task.id.clone(),
            category,
            question: task.question.clone(),
            expected: task.answer.clone(),
            reply: String::new(),
            judgment: Judgment {
                verdict: Verdict::Incorrect,
                reason: String::new(),
            },
            failure,
            runs: Vec::new(),
        }
    }

    /// Whether the answer is right.
    #[must_use]
    pub fn is_correct(&self) -> bool {
        self.judgment.verdict == Verdict::Correct
    }
}

/// A memory of its own in a directory that goes with it.
pub(crate) struct Place {
    pub(crate) workplace: Workplace,
    _directory: tempfile::TempDir,
}

impl Place {
    /// A fresh copy of a folder's memory.
    pub(crate) fn new(setup: &Setup, folder: &TaskFolder) -> Result<Self, Error> {
        let directory = tempfile::tempdir()
            .map_err(Error::file("make a directory in", &std::env::temp_dir()))?;
        let memory = copy(
            &folder.memory,
            &folder.filters,
            &directory,
            setup.options.mode,
        )?;
        Ok(Self {
            workplace: setup.workplace.beside(&memory)?,
            _directory: directory,
        })
    }
}

fn copy(
    document: &StaticMemory,
    filters: &[String],
    under: &tempfile::TempDir,
    mode: Mode,
) -> Result<Memory, Error> {
    let author = Author::person("bench");
    let memory = document.instantiate(author, under.path(), Options::of(mode))?;
    for filter in filters {
        memory.add_filter(author, filter)?;
    }
    Ok(memory)
}

/// Works on one task. What goes wrong is part of the grade.
pub(crate) async fn work(setup: &Setup, place: &Place, task: &Task, category: Category) -> Graded {
    let mut graded = Graded::before(task, category, None);
    if let Err(error) = attempt(setup, place, task, &mut graded).await {
        graded.failure = Some(error.to_string());
        graded.judgment.reason = format!("{}: {error}", error.class());
    }
    for run in &mut graded.runs {
        run.task_id = Some(task.id.clone());
        let verdict = serde_json::to_value(&graded.judgment).unwrap_or_default();
        run.metadata.insert("judgment".to_owned(), verdict);
        let expected = task.answer.clone().into();
        run.metadata.insert("expected".to_owned(), expected);
    }
    graded
}

async fn attempt(
    setup: &Setup,
    place: &Place,
    task: &Task,
    graded: &mut Graded,
) -> Result<(), Error> {
    if let Some(update) = &task.update {
        let id = format!("{}/update", task.id);
        ask(setup, place, &id, update, graded).await?;
    }
    graded.reply = ask(setup, place, &task.id, &task.question, graded).await?;
    graded.judgment = setup.judge.judge(task, &graded.reply, &task.id).await?;
    Ok(())
}

/// Asks a fresh agent.
async fn ask(
    setup: &Setup,
    place: &Place,
    id: &str,
    question: &str,
    graded: &mut Graded,
) -> Result<String, Error> {
    let model = Arc::clone(&setup.model);
    let mut agent = Agent::new(&place.workplace, model, setup.options.clone(), id);
    let answered = agent.ask(question, &mut NoWatch).await;
    graded.runs.push(agent.finish()?);
    Ok(answered?.reply)
}
