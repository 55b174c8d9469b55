//! Batches of episodes, several at once.

use futures_util::StreamExt as _;
use futures_util::stream;
use memex_trajectories::Trajectory;
use memex_trajectories::formats::rollout;
use serde::Serialize;
use serde_json::json;

use super::reward::{Reward, Weights, changes};
use crate::Error;
use crate::bench::{Graded, Place, Setup, Task, TaskFolder, work};

/// An episode: a task on a memory that was put back for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Episode {
    /// The task's id.
    pub task: String,
    /// Which attempt at the task, counted from 0.
    pub attempt: u32,
    /// Its reward.
    pub reward: Reward,
    /// The answer, and its judgment.
    pub grade: Graded,
    /// The files that it changed.
    pub changed: Vec<FileChange>,
    /// The runs.
    #[serde(skip)]
    pub runs: Vec<Trajectory>,
}

/// A file that an episode changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Its path in the memory.
    pub path: String,
    /// Its content before.
    pub before: Option<String>,
    /// Its content after.
    pub after: Option<String>,
}

/// What a batch is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batch {
    /// Attempts at each task. Default 1.
    pub attempts: u32,
    /// Episodes at once. Default 4.
    pub jobs: usize,
    /// The weights.
    pub weights: Weights,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            attempts: 1,
            jobs: 4,
            weights: Weights::default(),
        }
    }
}

/// Runs every attempt at every task, each on a memory put back to its
/// beginning. `done` gets the episodes in order, as soon as they can be told in
/// order; no more than `jobs` are held.
///
/// # Errors
/// The first error of `done`; the episodes under way are dropped.
pub async fn run(
    setup: &Setup,
    folders: &[TaskFolder],
    batch: Batch,
    mut done: impl FnMut(Episode) -> Result<(), Error>,
) -> Result<(), Error> {
    let tasks = folders
        .iter()
        .flat_map(|folder| folder.tasks.iter().map(move |task| (folder, task)));
    let attempts = tasks
        .flat_map(|(folder, task)| (0..batch.attempts).map(move |attempt| (folder, task, attempt)));
    let episodes = attempts
        .map(|(folder, task, attempt)| episode(setup, folder, task, attempt, batch.weights));
    let mut episodes = stream::iter(episodes).buffered(batch.jobs.max(1));
    while let Some(episode) = episodes.next().await {
        done(episode?)?;
    }
    Ok(())
}

async fn episode(
    setup: &Setup,
    folder: &TaskFolder,
    task: &Task,
    attempt: u32,
    weights: Weights,
) -> Result<Episode, Error> {
    let place = Place::new(setup, folder)?;
    // Each attempt is a conversation of its own.
    let own = Task {
        id: format!("{}#{attempt}", task.id),
        ..task.clone()
    };
    let mut grade = work(setup, &place, &own, folder.category).await;
    let memory = place.workplace.memory();
    let after = memory.export(&folder.memory.memory_id).ok();
    let before = sorted(&folder.memory);
    let reward = Reward::of(
        &grade.runs,
        &grade.judgment,
        task,
        &before,
        after.as_ref(),
        weights,
    );
    let changed = after.as_ref().map(|after| changes(&before, after));
    let changed = changed.unwrap_or_default().into_iter();
    Ok(Episode {
        task: task.id.clone(),
        attempt,
        reward,
        changed: changed
            .map(|(path, before, after)| FileChange {
                path: path.to_owned(),
                before: before.map(str::to_owned),
                after: after.map(str::to_owned),
            })
            .collect(),
        runs: std::mem::take(&mut grade.runs),
        grade,
    })
}

/// The document with its files in the order of an export.
fn sorted(document: &memex_memory::StaticMemory) -> memex_memory::StaticMemory {
    let mut document = document.clone();
    document
        .entities
        .sort_by(|a, b| a.entity_file_path.cmp(&b.entity_file_path));
    for entity in &mut document.entities {
        // Names are the exporter's to choose; contents and paths count.
        let name = entity
            .entity_file_path
            .rsplit('/')
            .next()
            .unwrap_or_default();
        entity.entity_name = name.strip_suffix(".md").unwrap_or(name).to_owned();
    }
    document
}

impl Episode {
    /// The episode's runs as lines `{"context_messages", "label"}`. The label
    /// is an object with the expected answer and the reward.
    ///
    /// # Errors
    /// None in practice; [`Error::Agent`] if a run cannot be written as JSON.
    pub fn lines(&self) -> Result<Vec<String>, Error> {
        let label = json!({
            "task": self.task,
            "attempt": self.attempt,
            "answer": self.grade.expected,
            "reward": self.reward.total,
            "rewards": self.reward,
        });
        let lines = self.runs.iter().map(|run| {
            let extent = rollout::RolloutExtent::Whole;
            let line = rollout::to_line(run, Some(&label), extent);
            Ok(line.map_err(memex_agent::Error::Trajectory)?)
        });
        lines.collect()
    }
}
