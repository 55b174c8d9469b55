//! Command tools: a process for each call, JSON on its standard input and
//! output.

use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::answers;
use super::host::Surroundings;
use super::process::Process;
use super::trees::{Held, tree_max};
use memex_host_tools::{Answer, ToolError};
use memex_scrubbing::Scrubber;

/// The exit status with which a command says that the last line of its standard
/// error is a message for the guest.
pub const MESSAGE_EXIT_STATUS: i32 = 3;

/// The longest answer of a command that fails in which an error is looked for.
const STATED_MAX_BYTES: usize = 64 << 10;
/// How much of the end of standard error is kept.
const STDERR_MAX_BYTES: usize = 64 << 10;
/// How long output is awaited that others hold open once the process is gone.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
const READ_BYTES: usize = 64 << 10;

/// The exceptions that a command may name.
const CLASSES: &[&str] = &[
    "ConnectionError",
    "FileNotFoundError",
    "KeyError",
    "LookupError",
    "NotImplementedError",
    "PermissionError",
    "RuntimeError",
    "TimeoutError",
    "TypeError",
    "ValueError",
];

/// Runs a process for each call.
#[derive(Clone)]
pub(super) struct CommandExecutor {
    pub(super) process: Process,
    pub(super) output_max_bytes: u64,
}

struct Finished {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: String,
}

enum Broken {
    TooLong,
    Io(std::io::Error),
}

impl CommandExecutor {
    pub(super) async fn call(
        self,
        tool: &str,
        input: Value,
        surroundings: &Surroundings,
    ) -> Result<Held, ToolError> {
        let input = input.to_string().into_bytes();
        let finished = self.run(tool, input, &surroundings.scrubber).await?;
        tracing::debug!(target: "memex::tools", tool, status = %finished.status, "command ended");
        let stdout = answered(tool, &finished)?;
        let logged = |error: ToolError| error.with_detail(finished.stderr.clone());
        let taken = answers::check(tool, stdout, tree_max(self.output_max_bytes));
        let room = surroundings.trees.room(taken.map_err(logged)?).await;
        let answer = answers::parse(tool, stdout).map_err(logged)?;
        match stated_error(&answer) {
            Some((class, message)) => Err(failure(tool, class, message, &finished)),
            None => Ok(Held {
                answer: Answer::json(answer),
                room,
            }),
        }
    }

    async fn run(
        &self,
        tool: &str,
        input: Vec<u8>,
        scrubber: &Scrubber,
    ) -> Result<Finished, ToolError> {
        let failed = |what: &str, error: &std::io::Error| {
            ToolError::new("RuntimeError", format!("{tool}: the command {what}"))
                .with_detail(error.to_string())
        };
        let mut running = self
            .process
            .start()
            .map_err(|error| failed("could not be started", &error))?;
        let (stdin, stdout, stderr) = running.streams();
        let (mut answer, mut log) = (Vec::new(), Tail::new(scrubber.margin()));
        let mut streams = Box::pin(async {
            tokio::try_join!(
                async {
                    if let Some(mut stdin) = stdin {
                        // A command need not read what it is given.
                        let _ = stdin.write_all(&input).await;
                        let _ = stdin.shutdown().await;
                    }
                    Ok(())
                },
                read_capped(stdout, self.output_max_bytes, &mut answer),
                read_tail(stderr, &mut log),
            )
        });
        let ended = tokio::select! {
            read = &mut streams => match read {
                Ok(_) => running.wait().await.map_err(Broken::Io),
                Err(broken) => Err(broken),
            },
            // What the process left behind, and would hold its output open, is
            // ended too.
            status = running.wait() => {
                match tokio::time::timeout(DRAIN_TIMEOUT, &mut streams).await {
                    Ok(Err(broken)) => Err(broken),
                    Ok(Ok(_)) | Err(_) => status.map_err(Broken::Io),
                }
            }
        };
        drop(streams);
        drop(running);
        let stderr = log.text(scrubber);
        match ended {
            Ok(status) => Ok(Finished {
                status,
                stdout: answer,
                stderr,
            }),
            Err(Broken::TooLong) => Err(ToolError::new(
                "RuntimeError",
                format!(
                    "{tool}: the answer is longer than {} bytes",
                    self.output_max_bytes
                ),
            )
            .with_detail(stderr)),
            Err(Broken::Io(error)) => Err(failed("could not be followed", &error)),
        }
    }
}

async fn read_capped(
    stream: Option<impl AsyncRead + Unpin>,
    maximum: u64,
    into: &mut Vec<u8>,
) -> Result<(), Broken> {
    let Some(stream) = stream else { return Ok(()) };
    stream
        .take(maximum.saturating_add(1))
        .read_to_end(into)
        .await
        .map_err(Broken::Io)?;
    match into.len() as u64 > maximum {
        true => Err(Broken::TooLong),
        false => Ok(()),
    }
}

/// Reads to the end.
async fn read_tail(stream: Option<impl AsyncRead + Unpin>, into: &mut Tail) -> Result<(), Broken> {
    let Some(mut stream) = stream else {
        return Ok(());
    };
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = stream.read(&mut buffer).await.map_err(Broken::Io)?;
        if read == 0 {
            return Ok(());
        }
        into.push(buffer.get(..read).unwrap_or_default());
    }
}

/// The end of a log, with enough before it that a secret is found which the
/// beginning of that end cuts in two.
struct Tail {
    log: Vec<u8>,
    margin: usize,
}

impl Tail {
    fn new(margin: usize) -> Self {
        let log = Vec::new();
        Self { log, margin }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.log.extend_from_slice(bytes);
        let kept = STDERR_MAX_BYTES + self.margin;
        if self.log.len() > 2 * kept {
            self.log.drain(..self.log.len() - kept);
        }
    }

    /// The end without secrets, from a whole line on if there is one.
    fn text(self, scrubber: &Scrubber) -> String {
        let cut = self.log.len().saturating_sub(STDERR_MAX_BYTES);
        let end = scrubber.clean_part(&self.log, cut..self.log.len());
        let end = end.as_deref().or(self.log.get(cut..)).unwrap_or_default();
        let line = match cut {
            0 => 0,
            _ => memchr::memchr(b'\n', end).map_or(0, |at| at + 1),
        };
        String::from_utf8_lossy(end.get(line..).unwrap_or_default()).into_owned()
    }
}

/// The answer of a command that has not failed.
fn answered<'f>(tool: &str, finished: &'f Finished) -> Result<&'f [u8], ToolError> {
    let fail = |class, message: &str| Err(failure(tool, class, message, finished));
    match finished.status.code() {
        Some(0) => Ok(&finished.stdout),
        Some(MESSAGE_EXIT_STATUS) => {
            let mut lines = finished.stderr.lines().rev();
            let last = lines.find(|line| !line.trim().is_empty());
            fail(
                "RuntimeError",
                last.unwrap_or("the command failed without a message"),
            )
        }
        code => {
            // A command that fails may still say so in its answer.
            let stated = Some(&finished.stdout).filter(|said| said.len() <= STATED_MAX_BYTES);
            let stated = stated.and_then(|said| serde_json::from_slice(said).ok());
            if let Some((class, message)) = stated.as_ref().and_then(stated_error) {
                return fail(class, message);
            }
            match code {
                Some(code) => fail(
                    "RuntimeError",
                    &format!("the command failed with exit status {code}"),
                ),
                None => fail("RuntimeError", "the command was ended by a signal"),
            }
        }
    }
}

fn failure(tool: &str, class: &'static str, message: &str, finished: &Finished) -> ToolError {
    ToolError::new(class, format!("{tool}: {message}")).with_detail(finished.stderr.clone())
}

/// `{"error": "…"}` or `{"error": {"type": "…", "message": "…"}}`, with no other
/// key: results that merely have a field `error` stay results.
fn stated_error(answer: &Value) -> Option<(&'static str, &str)> {
    let map = answer.as_object().filter(|map| map.len() == 1)?;
    match map.get("error")? {
        Value::String(message) => Some(("RuntimeError", message)),
        Value::Object(error) => {
            let message = error.get("message")?.as_str()?;
            let class = error
                .get("type")
                .and_then(Value::as_str)
                .and_then(|name| CLASSES.iter().find(|class| **class == name));
            Some((class.copied().unwrap_or("RuntimeError"), message))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{STDERR_MAX_BYTES, Tail};
    use memex_scrubbing::{Scrubber, parts};

    #[test]
    fn a_secret_is_found_where_the_end_of_a_log_begins() {
        let secret = "plain-token-0123456789";
        let scrubber = Scrubber::new([("[secret]".to_owned(), parts(secret))]);
        for before in [10, 100_000, 1_000_000] {
            for behind in 0..=secret.len() {
                let after = STDERR_MAX_BYTES - secret.len() + behind;
                let text = format!("{}{secret}{}", "a".repeat(before), "b".repeat(after));
                let mut tail = Tail::new(scrubber.margin());
                text.as_bytes()
                    .chunks(50_001)
                    .for_each(|part| tail.push(part));
                let end = tail.text(&scrubber);
                let end = end.trim_matches(['a', 'b']);
                let whole = behind < secret.len();
                assert_eq!(end == "[secret]", whole, "{before} {behind}: {end:?}");
                assert!(whole || end.is_empty(), "{before} {behind}: {end:?}");
            }
        }
    }

    #[test]
    fn the_end_of_a_log_begins_with_a_whole_line() {
        let scrubber = Scrubber::default();
        let mut tail = Tail::new(scrubber.margin());
        tail.push(b"first\n");
        tail.push(b"second\n");
        let mut long = Tail::new(scrubber.margin());
        (0..100_000).for_each(|n| long.push(format!("line {n}\n").as_bytes()));
        assert_eq!(tail.text(&scrubber), "first\nsecond\n");
        let end = long.text(&scrubber);
        assert!(end.starts_with("line ") && end.ends_with("line 99999\n"));
        assert!(end.len() <= STDERR_MAX_BYTES && end.len() > STDERR_MAX_BYTES - 20);
    }
}
