//! A process between the host and a tool's process, which ends with the host
//! however the host ends.
//!
//! ```text
//!  host ──► supervisor ──► program ──► whatever it starts
//!   ▲            │
//!   └─ watched ──┘     the program has ended, the host is gone, or it asks for
//!                      the end (`SIGTERM`): all below is killed
//! ```
//! A host that is killed runs no code, so that another process has to notice. The
//! supervisor holds a handle of the host's process, which no other can take the
//! number of. On Linux it is also the one to which the system gives processes that
//! have lost their parent: those that left their process group or their session
//! too. Elsewhere only the group is ended.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpgrp, getpid, getppid, kill_current_process_group,
    kill_process, wait,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};

/// The exit status of a supervisor that could not start the program.
pub const NOT_STARTED_EXIT_STATUS: u8 = 126;

/// Between two looks for children of the program that have ended, and at the
/// host where the system has no handles of processes.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// Between two rounds of killing.
const KILL_PAUSE: Duration = Duration::from_millis(5);
/// Rounds of killing after which what still starts processes is left to itself.
const KILL_ROUNDS: u32 = 2_000;

/// How the host starts a supervisor: a program that calls [`supervise`] with the
/// arguments that come after these.
#[derive(Debug, Clone)]
pub struct Supervisor {
    /// The program.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<OsString>,
}

impl Supervisor {
    /// A command that starts `program` below a supervisor.
    pub(super) fn command(&self, program: &std::path::Path) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(&self.arguments)
            .arg(std::process::id().to_string())
            .arg(program);
        command
    }
}

/// Runs a program until it ends or the host does, and gives the exit status for
/// this process to end with. The arguments are the number of the host's process, the program,
/// and its arguments; streams, environment and directory are handed on.
///
/// Once the program has ended, the host is gone, or `SIGTERM` comes, everything
/// that the program has started is killed. A program that a signal ended ends this
/// process in the same way.
///
/// # Errors
/// If the program is not started; this process is to end with
/// [`NOT_STARTED_EXIT_STATUS`].
pub fn supervise(arguments: impl IntoIterator<Item = OsString>) -> io::Result<u8> {
    let mut arguments = arguments.into_iter();
    let host = arguments.next();
    let host = host.and_then(|number| number.to_str()?.parse().ok());
    let (Some(host), Some(program)) = (host.and_then(Pid::from_raw), arguments.next()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    // Before it is watched: what the host's number stands for afterwards is the host.
    let watched = handle_of(host);
    if getppid() != Some(host) {
        return Err(io::Error::other("the host is gone"));
    }
    adopt_orphans();
    // Before there is a program: a `SIGTERM` that comes earlier ends nothing but
    // this process.
    let mut watcher = Watcher::new();
    let mut command = Command::new(&program);
    command.args(arguments);
    let child = command.spawn().map_err(|error| {
        let program = program.display();
        io::Error::new(
            error.kind(),
            format!("{program} cannot be started: {error}"),
        )
    })?;
    let child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let child = child.ok_or(io::ErrorKind::InvalidData)?;
    let _closed = close_streams();
    let ended = watcher.watch(host, watched, child);
    end_children();
    match ended {
        Ended::Program(status) => Ok(finish(status)),
        Ended::Host => {
            // What is left of the group that the host made for this process,
            // itself included.
            if getpgrp() == getpid() {
                let _ = kill_current_process_group(Signal::KILL);
            }
            Ok(0)
        }
    }
}

/// A handle that tells of the end of a process, where the system has such.
#[cfg(target_os = "linux")]
fn handle_of(process: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn handle_of(_process: Pid) -> Option<OwnedFd> {
    None
}

/// Becomes the parent of what the program leaves behind. Without it, only what
/// stays in this process's group is found.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    let _adopts = rustix::process::set_child_subreaper(Some(getpid()));
}

/// The program alone holds its pipes from now on: their other ends have to see
/// when it closes them.
fn close_streams() -> io::Result<()> {
    let nothing = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok(())
}

enum Ended {
    Program(WaitStatus),
    /// The host is gone, or wants the end.
    Host,
}

/// What waits for the end. Without a runtime it looks now and then, and `SIGTERM`
/// has its usual effect.
struct Watcher {
    runtime: Option<(Runtime, SignalStream)>,
}

impl Watcher {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.ok().and_then(|runtime| {
            let _entered = runtime.enter();
            let asked = signal(SignalKind::terminate()).ok()?;
            Some((runtime, asked))
        });
        Self { runtime }
    }

    fn watch(&mut self, host: Pid, watched: Option<OwnedFd>, child: Pid) -> Ended {
        let program = handle_of(child);
        let Some((runtime, asked)) = &mut self.runtime else {
            loop {
                if let Some(ended) = look(host, child) {
                    return ended;
                }
                std::thread::sleep(LOOK_PAUSE);
            }
        };
        runtime.block_on(async {
            #[expect(
                deprecated,
                reason = "its successor is unsafe, and asks for what is so here: the descriptor is owned"
            )]
            let handle = |descriptor: Option<OwnedFd>| {
                AsyncFd::with_interest(descriptor?, Interest::READABLE).ok()
            };
            let (watched, program) = (handle(watched), handle(program));
            loop {
                if let Some(ended) = look(host, child) {
                    return ended;
                }
                tokio::select! {
                    _ = asked.recv() => return Ended::Host,
                    () = is_over(watched.as_ref()) => {}
                    () = is_over(program.as_ref()) => {}
                    () = tokio::time::sleep(LOOK_PAUSE) => {}
                }
            }
        })
    }
}

/// Waits for the end of a process; for ever where there is no handle of it.
async fn is_over(process: Option<&AsyncFd<OwnedFd>>) {
    if let Some(process) = process
        && process.readable().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// Collects what has ended.
fn look(host: Pid, child: Pid) -> Option<Ended> {
    while let Ok(Some((ended, status))) = wait(WaitOptions::NOHANG) {
        if ended == child {
            return Some(Ended::Program(status));
        }
    }
    // A process whose parent is gone gets another.
    (getppid() != Some(host)).then_some(Ended::Host)
}

fn finish(status: WaitStatus) -> u8 {
    if status.terminating_signal().is_some() {
        let _ = kill_process(getpid(), Signal::KILL);
    }
    let code = status
        .exit_status()
        .and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(u8::MAX)
}

/// Kills children until there are none: those of a child that was killed are
/// this process's, and their turn comes next. A child keeps its number until it
/// is collected here, so that no other process is met.
fn end_children() {
    for _ in 0..KILL_ROUNDS {
        for child in children() {
            // One that has ended already is collected below.
            let _ = kill_process(child, Signal::KILL);
        }
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Err(Errno::CHILD) => return,
                Ok(None) | Err(_) => break,
            }
        }
        std::thread::sleep(KILL_PAUSE);
    }
}

/// The children of this process.
fn children() -> Vec<Pid> {
    let own = getpid().as_raw_nonzero().to_string();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = processes.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse::<i32>().ok()
    });
    numbers
        .filter(|number| parent_of(*number).as_deref() == Some(&own))
        .filter_map(Pid::from_raw)
        .collect()
}

fn parent_of(process: i32) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of a program may hold spaces and parentheses.
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_whitespace().nth(1).map(str::to_owned)
}
