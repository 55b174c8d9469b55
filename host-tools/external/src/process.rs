//! Child processes: declared without a shell, started in a group of their own,
//! ended with everything they started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;

use super::document::Fields;
use super::error::OutsideError;
use super::host::OutsideHost;
use super::secrets::Vault;
use memex_supervision::{Domain, Mark, Supervisor, clear_below, confines_signals};

/// The fields of a declaration that say which process to start.
pub(super) const PROCESS_FIELDS: &[&str] =
    &["argv", "cwd", "env", "env_set", "env_secrets", "unconfined"];

/// How long a supervisor may take to end what it has started before the host does so.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// A program, its arguments and surroundings.
#[derive(Debug, Clone)]
pub(super) struct ProcessDeclaration {
    argv: Vec<String>,
    /// The tool file's directory.
    beside: PathBuf,
    /// Where the process works.
    directory: PathBuf,
    environment_names: Vec<String>,
    environment_set: Vec<(String, String)>,
    environment_secrets: Vec<(String, String)>,
    is_confined: bool,
    place: String,
}

impl ProcessDeclaration {
    pub(super) fn parse(fields: &Fields<'_>) -> Result<Self, OutsideError> {
        let argv = fields.texts("argv")?.unwrap_or_default();
        if argv.first().is_none_or(String::is_empty) {
            return Err(fields.refusal(
                "field `argv` is missing: the program and its arguments, as a list of texts; no shell reads them",
            ));
        }
        if argv.iter().any(|argument| argument.contains('\0')) {
            return Err(fields.refusal("field `argv` contains NUL"));
        }
        let declaration = Self {
            beside: fields.directory.clone(),
            directory: fields.text("cwd")?.map_or_else(
                || fields.directory.clone(),
                |cwd| fields.directory.join(cwd),
            ),
            environment_names: fields.texts("env")?.unwrap_or_default(),
            environment_set: fields.pairs("env_set")?,
            environment_secrets: fields.pairs("env_secrets")?,
            is_confined: !fields.flag("unconfined")?,
            place: fields.place.clone(),
            argv,
        };
        let names = declaration.environment_names.iter();
        let set = declaration.environment_set.iter().map(|(name, _)| name);
        let secret = declaration.environment_secrets.iter().map(|(name, _)| name);
        match names
            .chain(set)
            .chain(secret)
            .find(|name| name.is_empty() || name.contains(['=', '\0']))
        {
            None => Ok(declaration),
            Some(name) => Err(fields.refusal(format!(
                "{name:?} cannot be the name of an environment variable"
            ))),
        }
    }

    /// Finds the program and opens the secrets.
    pub(super) fn resolve(
        &self,
        host: &OutsideHost,
        vault: &mut Vault<'_>,
    ) -> Result<Process, OutsideError> {
        let mut variables: BTreeMap<String, OsString> = BTreeMap::new();
        let allowed = self.environment_names.iter().map(String::as_str);
        for name in allowed.chain(["PATH"]) {
            if let Some(value) = host.environment.get(name) {
                variables.insert(name.to_owned(), value.clone());
            }
        }
        for (name, value) in &self.environment_set {
            variables.insert(name.clone(), value.into());
        }
        for (name, secret) in &self.environment_secrets {
            let value = vault.open(&self.place, secret)?;
            if value.contains('\0') {
                return Err(self.refusal(format!(
                    "the secret `{secret}` contains NUL, which no environment takes"
                )));
            }
            variables.insert(name.clone(), value.into());
        }
        if !self.directory.is_dir() {
            return Err(self.refusal(format!("{} is no directory", self.directory.display())));
        }
        let (name, arguments) = self.argv.split_first().unwrap_or((&self.place, &[]));
        Ok(Process {
            program: self.find(name, variables.get("PATH"))?,
            arguments: arguments.to_vec(),
            directory: self.directory.clone(),
            variables,
            supervisor: host.supervisor.clone(),
            is_confined: self.is_confined,
        })
    }

    /// A name with a `/` is a path beside the tool file; others are looked for
    /// in `PATH`.
    fn find(&self, name: &str, path: Option<&OsString>) -> Result<PathBuf, OutsideError> {
        if name.contains('/') {
            let program = self.beside.join(name);
            return match program.is_file() {
                true => Ok(program),
                false => Err(self.refusal(format!("{} is no program", program.display()))),
            };
        }
        path.into_iter()
            .flat_map(std::env::split_paths)
            .map(|directory| directory.join(name))
            .find(|program| is_executable(program))
            .ok_or_else(|| {
                self.refusal(format!(
                    "the program `{name}` is not in PATH; write where it is"
                ))
            })
    }

    fn refusal(&self, reason: String) -> OutsideError {
        OutsideError::Declaration {
            place: self.place.clone(),
            reason,
        }
    }
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// A process that can be started, again and again.
#[derive(Clone)]
pub(super) struct Process {
    program: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
    variables: BTreeMap<String, OsString>,
    supervisor: Option<Supervisor>,
    is_confined: bool,
}

impl Process {
    /// Starts the process with pipes for its three streams.
    pub(super) fn start(&self) -> std::io::Result<RunningProcess> {
        let is_confined = self.is_confined && self.supervisor.is_some() && confines_signals();
        let mut command = match &self.supervisor {
            Some(supervisor) => supervisor.command(&self.program, is_confined),
            None => Command::new(&self.program),
        };
        let mark = Mark::another();
        let (name, value) = mark.variable();
        let runtime = Handle::current();
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(&self.variables)
            .env(name, value)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            // A supervisor is asked for the end: once it is killed, nobody knows
            // what has left its group.
            .kill_on_drop(self.supervisor.is_none());
        let (child, domain) = match is_confined {
            true => {
                let (child, domain) = Domain::start(command, &runtime)?;
                (child, Some(domain))
            }
            false => (command.spawn()?, None),
        };
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        Ok(RunningProcess {
            child: Some(child),
            group,
            mark,
            domain,
            is_supervised: self.supervisor.is_some(),
            runtime,
        })
    }
}

/// A child process. Dropping it ends it with whatever it started; tokio collects
/// the child.
pub(super) struct RunningProcess {
    child: Option<Child>,
    group: Option<Pid>,
    /// Around its supervisor, if that confines it.
    domain: Option<Domain>,
    mark: Mark,
    is_supervised: bool,
    runtime: Handle,
}

impl RunningProcess {
    /// Its standard streams, once.
    pub(super) fn streams(
        &mut self,
    ) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        match &mut self.child {
            Some(child) => (child.stdin.take(), child.stdout.take(), child.stderr.take()),
            None => (None, None, None),
        }
    }

    /// Waits for the end of the process. What it started is ended then: by the
    /// supervisor, or where that was killed or there is none, in its domain, or in its group
    /// and by its mark.
    pub(super) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        let Some(child) = &mut self.child else {
            return Err(std::io::ErrorKind::NotFound.into());
        };
        if let Some(supervisor) = self.group {
            // One that was stopped would not come to its end.
            let _ = kill_process(supervisor, Signal::CONT);
        }
        let status = child.wait().await?;
        kill_group(&mut self.group);
        match self.domain.take() {
            Some(domain) => domain.end().await,
            None if self.is_supervised && status.signal().is_none() => {}
            None => clear(self.mark.clone()).await,
        }
        Ok(status)
    }
}

impl Drop for RunningProcess {
    fn drop(&mut self) {
        // It has ended, and was waited for.
        let Some(supervisor) = self.group else { return };
        let mut group = self.group.take();
        let domain = self.domain.take();
        let mark = self.mark.clone();
        let (Some(mut child), true) = (self.child.take(), self.is_supervised) else {
            kill_group(&mut group);
            self.runtime.spawn(clear(mark));
            return;
        };
        // It may have ended by itself meanwhile. One that was stopped is to go on.
        let _ = kill_process(supervisor, Signal::TERM);
        let _ = kill_process(supervisor, Signal::CONT);
        self.runtime.spawn(async move {
            // As long as the supervisor is not collected, no other process and no
            // other group has its number.
            let ended = tokio::time::timeout(END_TIMEOUT, child.wait()).await;
            if let Some(domain) = domain {
                domain.end().await;
                let _ = child.wait().await;
                return;
            }
            if let Ok(Ok(status)) = ended
                && status.signal().is_none()
            {
                return;
            }
            if ended.is_ok() {
                // As where it is waited for: what stayed in the group of one that was killed.
                kill_group(&mut group);
            } else {
                let below = tokio::task::spawn_blocking(move || clear_below(supervisor));
                let _ = below.await;
                kill_group(&mut group);
                let _ = child.wait().await;
            }
            clear(mark).await;
        });
    }
}

/// Ends what has a mark, beside the runtime's own work.
async fn clear(mark: Mark) {
    // A runtime that ends takes no more work; nothing is left to report to then.
    let _ = tokio::task::spawn_blocking(move || mark.clear()).await;
}

/// Kills a group. Once only: later the number may belong to others.
fn kill_group(group: &mut Option<Pid>) {
    if let Some(group) = group.take() {
        // A group that is gone already needs no killing.
        let _ = kill_process_group(group, Signal::KILL);
    }
}
