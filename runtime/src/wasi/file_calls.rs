//! What WASI's interface for files lacks, asked for through `host.call`.
//!
//! ```text
//! {"duplicate": fd}             {"fd": new}        {"errno": n}
//! {"duplicate": fd, "to": fd}   {"fd": to}         {"errno": n}
//! {"usage": true}               {"total": bytes, "used": bytes}
//! ```
//! It grants nothing: a descriptor has the rights of the one that it is made from.

use super::stdio::is_stream;
use crate::host::Host;
use memex_channel::{Frame, Reply};
use memex_filesystem::Errno;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(default)]
    duplicate: Option<i32>,
    #[serde(default)]
    to: Option<i32>,
    #[serde(default)]
    usage: bool,
}

/// Answers one request.
pub(super) fn answer(host: &mut Host, frame: &Frame<'_>) -> Reply {
    let request = match serde_json::from_slice::<Request>(frame.head) {
        Ok(request) => request,
        Err(error) => return Reply::error("ValueError", &format!("files head: {error}")),
    };
    let head = match request {
        Request {
            duplicate: Some(fd),
            to,
            usage: false,
        } => match duplicate(host, fd, to) {
            Ok(fd) => serde_json::json!({ "fd": fd }),
            Err(errno) => serde_json::json!({ "errno": errno as u16 }),
        },
        Request {
            duplicate: None,
            to: None,
            usage: true,
        } => {
            let usage = host.files().usage();
            serde_json::json!({ "total": usage.total_bytes, "used": usage.used_bytes })
        }
        _ => return Reply::error("ValueError", "files head: one request at a time"),
    };
    Reply::answer(head.to_string().into_bytes())
}

/// The standard streams belong to the host: they are neither copied nor replaced.
fn duplicate(host: &mut Host, fd: i32, to: Option<i32>) -> Result<u32, Errno> {
    if [Some(fd), to].into_iter().flatten().any(is_stream) {
        return Err(Errno::Notsup);
    }
    let from = u32::try_from(fd).map_err(|_| Errno::Badf)?;
    match to {
        None => host.files().fd_duplicate(from),
        Some(to) => {
            let to = u32::try_from(to).map_err(|_| Errno::Badf)?;
            host.files().fd_duplicate_to(from, to)?;
            Ok(to)
        }
    }
}
