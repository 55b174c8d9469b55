//! The supervisor's side: it starts a program and ends what that leaves.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::Duration;

use super::confinement::{Confined, become_confined, confining};
use super::ending::{COLLECTED_MAX, end_below};
use super::supervisor::{CONFINED, UNCONFINED};
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

/// Runs a program until it ends or the host does, and gives the exit status for
/// this process to end with. The arguments are those that the host gives to a
/// [`Supervisor`](crate::Supervisor); streams, environment and directory are handed on.
///
/// Once the program has ended, the host is gone, or `SIGTERM` comes, everything
/// that the program has started is killed. A program that a signal ended ends this
/// process in the same way.
///
/// Where the host has put this process into a domain of signals, the program is kept from
/// sending any to processes that it did not start, this one among them; it is then started
/// by this process's own program, called once more.
///
/// # Errors
/// If the program is not started, or is to be confined and this process is not; this
/// process is to end with [`NOT_STARTED_EXIT_STATUS`].
pub fn supervise(arguments: impl IntoIterator<Item = OsString>) -> io::Result<u8> {
    let mut arguments = arguments.into_iter();
    let first = arguments.next();
    if first.as_deref() == Some(CONFINED.as_ref()) {
        let program = arguments.next().ok_or(io::ErrorKind::InvalidInput)?;
        let error = become_confined(&program, arguments);
        return Err(not_started(&program, &error));
    }
    let host = first.and_then(|number| number.to_str()?.parse().ok());
    let host = host.and_then(Pid::from_raw);
    let (Some(host), Some(order)) = (host, Order::read(arguments)) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    // Before it is watched: what the host's number stands for afterwards is the host.
    let watched = handle_of(host);
    if getppid() != Some(host) {
        return Err(io::Error::other("the host is gone"));
    }
    let domain = match order.confining {
        Some(_) => Some(Confined::apart_from(host)?),
        None => None,
    };
    adopt_orphans();
    hide_memory();
    // Before there is a program: a signal that comes earlier ends nothing but
    // this process.
    let mut watcher = Watcher::new();
    let child = order
        .command()
        .spawn()
        .map_err(|error| not_started(&order.program, &error))?;
    let child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let child = child.ok_or(io::ErrorKind::InvalidData)?;
    let _closed = close_streams();
    let ended = watcher.watch(host, watched, child);
    end_below(domain.as_ref());
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

/// What the host wants to have started.
struct Order {
    /// The arguments with which this process's program supervises, if it is to
    /// confine what it starts.
    confining: Option<Vec<OsString>>,
    program: OsString,
    arguments: Vec<OsString>,
}

impl Order {
    fn read(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let confining = match arguments.next()?.to_str()? {
            CONFINED => {
                let count: usize = arguments.next()?.to_str()?.parse().ok()?;
                Some(arguments.by_ref().take(count).collect())
            }
            UNCONFINED => None,
            _ => return None,
        };
        Some(Self {
            confining,
            program: arguments.next()?,
            arguments: arguments.collect(),
        })
    }

    fn command(&self) -> Command {
        let mut command = match &self.confining {
            Some(prefix) => confining(prefix, &self.program),
            None => Command::new(&self.program),
        };
        command.args(&self.arguments);
        command
    }
}

fn not_started(program: &OsString, error: &io::Error) -> io::Error {
    let program = program.display();
    io::Error::new(
        error.kind(),
        format!("{program} cannot be started: {error}"),
    )
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

/// Keeps other processes of this user from reading or writing this one's memory.
fn hide_memory() {
    #[cfg(target_os = "linux")]
    let _hidden =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
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

/// What waits for the end. Without a runtime it looks now and then, and signals
/// have their usual effect.
struct Watcher {
    runtime: Option<(Runtime, [SignalStream; 4], SignalStream)>,
}

impl Watcher {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.ok().and_then(|runtime| {
            let _entered = runtime.enter();
            // `SIGHUP` is what the system sends to a group that is stopped, and is left
            // without a parent.
            let asked = [
                signal(SignalKind::terminate()).ok()?,
                signal(SignalKind::hangup()).ok()?,
                signal(SignalKind::interrupt()).ok()?,
                signal(SignalKind::quit()).ok()?,
            ];
            // What has ended keeps its number until it is collected, and there are only so
            // many numbers for the whole machine.
            let child = signal(SignalKind::child()).ok()?;
            Some((runtime, asked, child))
        });
        Self { runtime }
    }

    fn watch(&mut self, host: Pid, watched: Option<OwnedFd>, child: Pid) -> Ended {
        let program = handle_of(child);
        let Some((runtime, [term, hangup, interrupt, quit], ended)) = &mut self.runtime else {
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
                    _ = term.recv() => return Ended::Host,
                    _ = hangup.recv() => return Ended::Host,
                    _ = interrupt.recv() => return Ended::Host,
                    _ = quit.recv() => return Ended::Host,
                    () = is_over(watched.as_ref()) => {}
                    () = is_over(program.as_ref()) => {}
                    _ = ended.recv() => {}
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
    for _ in 0..COLLECTED_MAX {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((ended, status))) if ended == child => return Some(Ended::Program(status)),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break,
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
