//! Differences that are meant, each with its reason. Any other is a finding.

use crate::calls::{Answer, Call};

/// Error numbers of preview 1 that the table speaks of.
pub const NAMES: &[(i32, &str)] = &[
    (0, "ok"),
    (2, "acces"),
    (8, "badf"),
    (10, "busy"),
    (20, "exist"),
    (21, "fault"),
    (22, "fbig"),
    (25, "ilseq"),
    (27, "intr"),
    (28, "inval"),
    (29, "io"),
    (31, "isdir"),
    (32, "loop"),
    (33, "mfile"),
    (37, "nametoolong"),
    (44, "noent"),
    (51, "nospc"),
    (54, "notdir"),
    (55, "notempty"),
    (58, "notsup"),
    (61, "overflow"),
    (63, "perm"),
    (69, "rofs"),
    (70, "spipe"),
    (75, "xdev"),
    (76, "notcapable"),
];

/// The name of an error number.
pub fn name(errno: i32) -> String {
    let known = NAMES.iter().find(|(number, _)| *number == errno);
    known.map_or_else(|| errno.to_string(), |(_, name)| (*name).to_owned())
}

/// Why two answers to a call may differ; `None`: they may not.
pub fn reason(call: &Call, ours: &Answer, theirs: &Answer) -> Option<&'static str> {
    if ours.errno != 0 && theirs.errno != 0 {
        return Some("both refuse, and of several reasons another one is told");
    }
    let as_text = |path: &str| {
        path.starts_with('/') || path.split('/').any(|part| matches!(part, "." | ".."))
    };
    if call.paths().into_iter().any(as_text) {
        return Some(
            "`.`, `..` and a leading slash are resolved as text, before the host is asked",
        );
    }
    match (call, ours.errno, theirs.errno) {
        (Call::Clock(2 | 3) | Call::Resolution(2 | 3), 0, _) => {
            Some("the clocks of process and thread are the monotonic one; theirs are none")
        }
        (Call::Resolution(_), 0, 0) => Some("the resolution of a clock is told as 1 ns"),
        (Call::Allocate(..), 0, 58) => Some("files are allocated; theirs does not support it"),
        (Call::Sync(_) | Call::DataSync(_) | Call::SetFlags(..) | Call::SetTimes(..), 0, 8) => {
            Some("descriptors of directories are synced, take flags and times; theirs refuses")
        }
        (Call::Write(..) | Call::WriteAt(..) | Call::Read(..) | Call::ReadAt(..), 8, 0) => {
            Some("a file is read and written only with the right that it was opened with")
        }
        (Call::SetSize(..), 8, 0) => {
            Some("a file is read and written only with the right that it was opened with")
        }
        (Call::Open { oflags, .. }, 0, 31) if oflags & 2 != 0 => {
            Some("a directory that is asked for is opened, also with the right to write")
        }
        (Call::Advise(..), 0, 28) => Some("advice is ignored, wherever it is for"),
        (Call::SetPathTimes(.., 0), _, 0) => {
            Some("times of what is not there are refused, also where none is to be set")
        }
        (Call::Link(_, true, ..), 0, 28) => {
            Some("a file is linked also by a call that would follow a link")
        }
        (Call::Symlink(..), 76, 0) => Some("no link is made on the host but downward"),
        _ => None,
    }
}
