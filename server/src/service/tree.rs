//! Files of a sandbox, in the errors of the service.

use memex_runtime::Errno;

use super::running::waits;
use crate::error::{ErrorKind, ServiceError};

/// The path as it is from `/` on, without `.` and doubled slashes.
pub(super) fn absolute(path: &str) -> Result<String, ServiceError> {
    memex_sessions::files::absolute(path).map_err(|error| {
        ServiceError::invalid(
            error.to_string(),
            "send a path of the sandbox, such as /home/user/data.csv",
        )
    })
}

/// What is said of a path that cannot be used so.
pub(super) fn refused(path: &str, error: Errno) -> ServiceError {
    let shown: String = path.chars().take(200).collect();
    let told = |kind, code, what: &str, remedy: &str| {
        ServiceError::new(kind, code, format!("{shown:?} {what}"), remedy)
    };
    match error {
        Errno::Noent => told(
            ErrorKind::NotFound,
            "no-such-file",
            "is not there",
            "list the folder that it should be in",
        ),
        Errno::Isdir => told(
            ErrorKind::Invalid,
            "is-folder",
            "is a folder",
            "name a file in it, or list it",
        ),
        Errno::Notdir => told(
            ErrorKind::Invalid,
            "not-a-folder",
            "is no folder, or leads through a file",
            "name a folder",
        ),
        Errno::Exist | Errno::Notempty => told(
            ErrorKind::Conflict,
            "exists",
            "is there already",
            "remove it first",
        ),
        Errno::Rofs | Errno::Acces | Errno::Notcapable | Errno::Busy | Errno::Xdev => told(
            ErrorKind::Forbidden,
            "read-only",
            "may not be changed",
            "write below /home/user or /tmp",
        ),
        Errno::Nospc | Errno::Dquot | Errno::Fbig | Errno::Mfile => told(
            ErrorKind::NoSpace,
            "no-space",
            "does not fit: the sandbox's files are as large or as many as its policy allows",
            "remove files, or make a sandbox with higher `file_bytes` and `files`",
        ),
        Errno::Nametoolong | Errno::Inval | Errno::Ilseq | Errno::Loop => told(
            ErrorKind::Invalid,
            "invalid-path",
            "is no path that can be used",
            "shorten it, or list less",
        ),
        Errno::Perm => waits(),
        error => ServiceError::internal(format!("{shown:?}: {error}")),
    }
}
