//! Calls of the tools, each on its session.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memex_runtime::{Errno, SessionFiles};
use memex_sessions::files::{self, FileKind};
use rmcp::model::{CallToolResult, JsonObject};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::arguments::{self, Fork, ListFiles, Python, ReadFile, Reset, WriteFile};
use super::content::{clipped, failure, of_file, of_turn, text};
use crate::scopes::{Running, ScopeError, Scopes, StopOnDrop};

/// What one reading of a file has.
const READ_BYTES_MAX: usize = 256 << 10;
/// A file that a client writes.
const WRITE_BYTES_MAX: usize = 16 << 20;

/// A call, before its arguments are read.
pub(super) struct Call<'a> {
    pub(super) scopes: &'a Scopes,
    /// The session of calls that name none.
    pub(super) session: &'a str,
    /// Said with the first result of that session, where its client cannot know its name.
    pub(super) note: Option<String>,
    pub(super) arguments: JsonObject,
}

/// What the caller reads of a call that did not do what it asked.
type Told = Result<CallToolResult, String>;

impl Call<'_> {
    pub(super) async fn python(
        self,
        listener: Option<mpsc::Sender<String>>,
        cancelled: CancellationToken,
    ) -> Told {
        let Python { code, session_id } = arguments::read(self.arguments)?;
        let note = self.note.filter(|_| session_id.is_none());
        let session = session_id.as_deref().unwrap_or(self.session);
        let running = Running::default();
        let _stop = StopOnDrop(running.clone());
        let work = self.scopes.run(session, code, running.clone(), listener);
        tokio::pin!(work);
        let ran = tokio::select! {
            ran = &mut work => ran,
            () = cancelled.cancelled() => {
                running.cancel().await;
                // The turn ends by its `KeyboardInterrupt`, or by the grace time; one that
                // waits for its session is over now.
                match running.has_begun() {
                    true => work.as_mut().await,
                    false => Err(ScopeError::Cancelled),
                }
            }
        };
        Ok(of_turn(&ran.map_err(told)?, note))
    }

    pub(super) async fn fork(self) -> Told {
        let Fork {
            session_id,
            new_session_id,
        } = arguments::read(self.arguments)?;
        let session = session_id.as_deref().unwrap_or(self.session);
        let forked = self.scopes.fork(session, &new_session_id).await;
        forked.map_err(told)?;
        Ok(text(format!(
            "{new_session_id} is a copy of {session}; both go on from here"
        )))
    }

    pub(super) async fn reset(self) -> Told {
        let Reset { session_id } = arguments::read(self.arguments)?;
        let session = session_id.as_deref().unwrap_or(self.session);
        self.scopes.reset(session).await.map_err(told)?;
        Ok(text(format!("{session} is empty")))
    }

    pub(super) async fn list_files(self) -> Told {
        let ListFiles { path, session_id } = arguments::read(self.arguments)?;
        let path = absolute(path.as_deref().unwrap_or("/home/user"))?;
        let folder = path.clone();
        let session = session_id.as_deref().unwrap_or(self.session);
        let listed = self.scopes.files(session, false, move |files| {
            files::listed(files, &folder, 1)
        });
        let listed = listed.await.map_err(told)?;
        let listed = listed.map_err(|error| refused(&path, error))?;
        if listed.is_empty() {
            return Ok(text(format!("{path} is empty")));
        }
        let lines = listed.iter().map(|entry| match entry.kind {
            FileKind::Folder => format!("{}/", entry.path),
            FileKind::Link => {
                let target = entry.target.as_deref().unwrap_or_default();
                format!("{} -> {target}", entry.path)
            }
            FileKind::File | FileKind::Other => format!("{}  {} bytes", entry.path, entry.bytes),
        });
        Ok(text(clipped(&lines.collect::<Vec<_>>().join("\n"))))
    }

    pub(super) async fn read_file(self) -> Told {
        let ReadFile {
            path,
            offset,
            session_id,
        } = arguments::read(self.arguments)?;
        let path = absolute(&path)?;
        let file = path.clone();
        let session = session_id.as_deref().unwrap_or(self.session);
        let read = self.scopes.files(session, false, move |files| {
            let size = files.stat(&file, true)?.size;
            Ok((files.read(&file, offset, READ_BYTES_MAX)?, size))
        });
        let (bytes, size) = read
            .await
            .map_err(told)?
            .map_err(|error| refused(&path, error))?;
        Ok(of_file(&path, &bytes, offset, size))
    }

    pub(super) async fn write_file(self) -> Told {
        let WriteFile {
            path,
            content,
            base64,
            session_id,
        } = arguments::read(self.arguments)?;
        let path = absolute(&path)?;
        let bytes = match base64 {
            false => content.into_bytes(),
            true => STANDARD
                .decode(content.trim())
                .map_err(|error| format!("the content is no base64: {error}"))?,
        };
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(format!(
                "the file has {} bytes, of {WRITE_BYTES_MAX} allowed\nhint: write it in parts, and \
                 join them in code",
                bytes.len()
            ));
        }
        let (file, count) = (path.clone(), bytes.len());
        let session = session_id.as_deref().unwrap_or(self.session);
        let written = self
            .scopes
            .files(session, true, move |files| write(files, &file, &bytes));
        let written = written.await.map_err(told)?;
        written.map_err(|error| refused(&path, error))?;
        Ok(text(format!("{path} has {count} bytes")))
    }
}

fn write(files: &mut SessionFiles<'_>, path: &str, bytes: &[u8]) -> Result<(), Errno> {
    files::folders_on_the_way(files, path)?;
    files.write(path, [bytes])
}

fn absolute(path: &str) -> Result<String, String> {
    files::absolute(path)
        .map_err(|error| format!("{error}\nhint: write a path such as /home/user/data.csv"))
}

fn told(error: ScopeError) -> String {
    error.to_string()
}

fn refused(path: &str, error: Errno) -> String {
    let path: String = path.chars().take(200).collect();
    let (what, hint) = match error {
        Errno::Noent => ("is not there", "list the folder it should be in"),
        Errno::Isdir => ("is a folder", "list it, or name a file in it"),
        Errno::Notdir => ("is no folder, or leads through a file", "name a folder"),
        Errno::Rofs | Errno::Acces | Errno::Notcapable => {
            ("may not be changed", "write below /home/user or /tmp")
        }
        Errno::Nospc | Errno::Dquot | Errno::Fbig | Errno::Mfile => {
            ("does not fit the session's limits", "remove files first")
        }
        _ => ("cannot be used so", "use a plain path below /home/user"),
    };
    format!("{path:?} {what}\nhint: {hint}")
}

/// A result of what a call came to.
pub(super) fn result(told: Told) -> CallToolResult {
    told.unwrap_or_else(failure)
}
