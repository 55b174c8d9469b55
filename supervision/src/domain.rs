//! A domain of signals around all that is started for a tool, and the thread of the
//! host that is in it.

use super::confinement::Confined;
use std::io;
use std::sync::mpsc;
use std::thread;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The stack of the thread: it starts a process and sends a signal.
const STACK_BYTES: usize = 256 << 10;

/// All that a supervisor and its program have started, wherever it has gone, and whatever
/// has become of the supervisor. Dropping it ends all of that.
#[derive(Debug)]
pub struct Domain {
    orders: mpsc::Sender<oneshot::Sender<()>>,
}

impl Domain {
    /// Starts a supervisor in a domain of its own.
    ///
    /// # Errors
    /// If it is not started, or a thread cannot be confined.
    pub fn start(mut command: Command, runtime: &Handle) -> io::Result<(Child, Self)> {
        let (tell, told) = mpsc::sync_channel(1);
        let (orders, given) = mpsc::channel::<oneshot::Sender<()>>();
        let runtime = runtime.clone();
        // A restriction is of a thread, and of what that starts. The thread stays: no
        // other one can enter the domain later.
        thread::Builder::new()
            .name("memex-domain".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let confined = match Confined::here() {
                    Ok(confined) => confined,
                    Err(error) => {
                        let _ = tell.send(Err(error));
                        return;
                    }
                };
                let started = {
                    let _entered = runtime.enter();
                    command.spawn()
                };
                drop((command, runtime));
                let is_started = started.is_ok();
                let is_taken = tell.send(started).is_ok();
                while is_started
                    && is_taken
                    && let Ok(done) = given.recv()
                {
                    confined.end_all();
                    // Nobody need wait for it.
                    let _ = done.send(());
                }
                confined.end_all();
            })?;
        let child = told.recv().map_err(io::Error::other)??;
        Ok((child, Self { orders }))
    }

    /// Ends all of it, its supervisor too.
    pub async fn end(&self) {
        let (done, is_done) = oneshot::channel();
        if self.orders.send(done).is_ok() {
            let _ = is_done.await;
        }
    }
}
