//! Many tasks by one agent, several at a time.

use std::collections::VecDeque;
use std::sync::mpsc::channel;
use std::thread;

use parking_lot::Mutex;

use crate::scope::STACK_BYTES;
use crate::{Agent, Cancellation, Error, RunRequest, RunResult};

/// Runs every request, `jobs` of them at a time, and gives each result to
/// `done` as it comes, with the place of its request. A cancelled batch stops
/// its runs and begins no more.
pub fn run_batch(
    agent: &Agent,
    requests: Vec<RunRequest>,
    jobs: usize,
    cancellation: &Cancellation,
    mut done: impl FnMut(usize, Result<RunResult, Error>),
) {
    let queue: VecDeque<(usize, RunRequest)> = requests.into_iter().enumerate().collect();
    let threads = jobs.clamp(1, queue.len().max(1));
    let queue = Mutex::new(queue);
    let (tell, results) = channel();
    thread::scope(|scope| {
        for number in 0..threads {
            let (queue, tell) = (&queue, tell.clone());
            let work = move || {
                while !cancellation.is_cancelled() {
                    let Some((place, mut request)) = queue.lock().pop_front() else {
                        return;
                    };
                    request.cancellation = cancellation.child();
                    if tell.send((place, agent.run(request))).is_err() {
                        return;
                    }
                }
            };
            let thread = thread::Builder::new()
                .name(format!("memex-run-{number}"))
                .stack_size(STACK_BYTES);
            if let Err(error) = thread.spawn_scoped(scope, work)
                && number == 0
            {
                tracing::error!(target: "memex::agent", %error, "no thread for a batch");
            }
        }
        drop(tell);
        for (place, result) in results {
            done(place, result);
        }
    });
}
