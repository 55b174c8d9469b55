//! All tasks of a benchmark, several folders at once.

use futures_util::StreamExt as _;
use futures_util::stream;

use super::episode::{Graded, Place, Setup, work};
use super::tasks::TaskFolder;

/// Works on all tasks; `jobs` folders at a time, each on a fresh copy of its
/// memory, its tasks one after the other. `told` hears of every task as it is
/// done; the grades come back in the order of the tasks.
pub async fn run(
    setup: &Setup,
    folders: &[TaskFolder],
    jobs: usize,
    told: &(dyn Fn(&Graded) + Sync),
) -> Vec<Graded> {
    let work = folders.iter().map(|folder| run_folder(setup, folder, told));
    let graded: Vec<Vec<Graded>> = stream::iter(work).buffered(jobs.max(1)).collect().await;
    graded.into_iter().flatten().collect()
}

async fn run_folder(
    setup: &Setup,
    folder: &TaskFolder,
    told: &(dyn Fn(&Graded) + Sync),
) -> Vec<Graded> {
    let place = Place::new(setup, folder);
    let mut all = Vec::with_capacity(folder.tasks.len());
    for task in &folder.tasks {
        let graded = match &place {
            Ok(place) => work(setup, place, task, folder.category).await,
            Err(error) => Graded::before(task, folder.category, Some(error.to_string())),
        };
        told(&graded);
        all.push(graded);
    }
    all
}
