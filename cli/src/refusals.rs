//! What is wrong with a session, in the words of the command line: each error of
//! `memex-sessions` with the option that puts it right.

use crate::failure::{is_of_the_place, usage, usage_as_told};
use memex_policies::Preset;
use memex_runtime::ImageSpec;
use memex_sessions::{Error, SpecPart};

/// The failure of the command that an error is.
pub(crate) fn refusal(error: Error) -> anyhow::Error {
    let text = error.to_string();
    match error {
        Error::Refused { part, error } => refused(part, &error),
        Error::Policy { .. } | Error::StorePlace(_) => usage_as_told(text),
        Error::Continue { name, source } => {
            refusal(*source).context(format!("cannot continue the session {name}"))
        }
        Error::Save { name, source } => {
            refusal(*source).context(format!("cannot save the session {name}"))
        }
        Error::Store(error) => error.into(),
        Error::Runtime(error) => error.into(),
        error => match remedy(&error) {
            Some(hint) => usage(text, hint),
            None => anyhow::Error::new(error),
        },
    }
}

/// The same for what keeps an agent from running. What a peer, the disk or this
/// program did is no fault of the caller's.
pub(crate) fn agent_refusal(error: memex_agent::Error) -> anyhow::Error {
    use memex_agent::Error as AgentError;
    match error {
        AgentError::Runtime(error) => error.into(),
        AgentError::Session(error) => refusal(error),
        error if is_of_the_caller(&error) => usage_as_told(error),
        error => anyhow::Error::new(error),
    }
}

/// Whether other arguments, or other files named by them, put an error right.
fn is_of_the_caller(error: &memex_agent::Error) -> bool {
    use memex_agent::Error;
    use memex_models::ModelError;
    use memex_suites::Error as SuiteError;
    use memex_trajectories::Error as TrajectoryError;
    match error {
        Error::Setting { .. }
        | Error::Schema { .. }
        | Error::Input { .. }
        | Error::Resume { .. }
        | Error::Format { .. }
        | Error::Tools(_) => true,
        Error::File { source, .. }
        | Error::Trajectory(TrajectoryError::Io { source, .. })
        | Error::Suite(SuiteError::Io { source, .. })
        | Error::Model(ModelError::File { source, .. }) => is_of_the_place(source),
        Error::Trajectory(error) => matches!(
            error,
            TrajectoryError::Malformed(_)
                | TrajectoryError::Version { .. }
                | TrajectoryError::UnknownFormat { .. }
                | TrajectoryError::TooLarge { .. }
                | TrajectoryError::InUse { .. }
        ),
        Error::Suite(error) => !matches!(error, SuiteError::Database { .. }),
        Error::Model(error) => matches!(
            error,
            ModelError::Unsupported { .. } | ModelError::Format { .. } | ModelError::Setting { .. }
        ),
        _ => false,
    }
}

/// What puts an error right, where the caller of the command can.
fn remedy(error: &Error) -> Option<String> {
    let hint = match error {
        Error::Spec { .. } | Error::SpecVersion { .. } => "write `version = 1`, and known fields",
        Error::PolicyFile { .. } => {
            let presets: Vec<_> = Preset::ALL.iter().map(|preset| preset.name()).collect();
            let presets = presets.join(", ");
            return Some(format!(
                "name a policy file or one of the presets {presets}"
            ));
        }
        Error::PresetNarrows { .. } => {
            "give a preset first; further policies are files that take away"
        }
        Error::Directory { .. } => "create it, or remove the grant",
        Error::Module { .. } => {
            "write it as in an import statement, such as `--preload scipy.stats`"
        }
        Error::Packages { .. } => "an image has one version of a package; name it once",
        Error::NameAndMore => "give --image alone, or --preload and --package without it",
        Error::SavedImage { image, .. } => {
            return Some(format!(
                "`memex image pull URL {image}` gets it from a store; `memex image build` makes \
                 it again, given the --preload, --package and --secret-file that it was built with"
            ));
        }
        Error::SecretFile { .. } => {
            "`head -c 32 /dev/urandom > FILE` makes a secret; name its file with --secret-file"
        }
        Error::BootTime { .. } => {
            return Some(format!(
                "write --boot-time or the configuration's boot_time in seconds, at most {}",
                ImageSpec::BOOT_UNIX_S_MAX
            ));
        }
        Error::NoCacheDirectory => {
            "set HOME or XDG_CACHE_HOME to an absolute path, or name one with --cache DIR or MEMEX_CACHE"
        }
        Error::NoStoreDirectory => "name a store with --store DIR",
        Error::NoScratchDirectory => "set HOME or XDG_DATA_HOME to an absolute path",
        Error::ToolFile(_) => "docs/tool-files.md describes tool files",
        Error::Credential(_) => "secrets are read from the environment, as MEMEX_SECRET_NAME",
        Error::Databases(_) => "write --sql NAME=PATH",
        Error::Memory(_) => "`memex mem init DIR` makes a memory",
        Error::Egress(_) => "correct the `[[credential]]` of the tool file",
        Error::Tools(memex_host_tools::Error::Schema { .. }) => {
            "correct the schema that the tool states"
        }
        Error::Tools(_) => "two sources may not give tools of one name",
        Error::Audit(_) => "name a file that can be written",
        Error::SharedScratch { .. } => "name another one, or remove the file",
        Error::Input { .. } => "inputs are JSON values under names of Python",
        Error::NoSession { .. } => "`memex session list` shows the names",
        Error::SessionExists { .. } => "choose another name, or remove it with `memex session rm`",
        Error::ScratchDirectory { .. } => "take it back with chown and chmod go-w, or remove it",
        Error::NoTurn { name, .. } => {
            return Some(format!("`memex session log {name}` shows what is saved"));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn refused(part: SpecPart, error: &memex_policies::Error) -> anyhow::Error {
    let option = match part {
        SpecPart::Mounts => "--mount",
        SpecPart::Limits => "--limit",
        SpecPart::Environment => "--env",
        SpecPart::Tools => return usage(error.to_string(), "`memex policy show` tells its rules"),
        SpecPart::AskUser | SpecPart::SharedScratch => {
            return usage(error.to_string(), "`memex policy show` tells it");
        }
    };
    match error.cause() {
        memex_policies::Error::NotPermitted {
            what,
            preset,
            remedy,
        } => usage(
            format!("{option}: the policy extends `{preset}`, which does not permit {what}"),
            format!("give `--policy {remedy}`, or a policy that extends it"),
        ),
        memex_policies::Error::LimitRange { .. } => usage(
            format!("{option}: {error}"),
            "`memex policy limits` lists every limit's range",
        ),
        _ => usage_as_told(format!("{option}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::agent_refusal;
    use crate::failure::{HOST_FAULT, INTERRUPTED, USAGE, status};
    use memex_agent::Error;
    use memex_models::ModelError;
    use std::io::{self, ErrorKind};
    use std::path::PathBuf;

    fn io(kind: ErrorKind) -> io::Error {
        io::Error::new(kind, "as the system says")
    }

    fn text() -> String {
        "something".to_owned()
    }

    fn file(kind: ErrorKind) -> Error {
        Error::File {
            path: PathBuf::from("f"),
            source: io(kind),
        }
    }

    fn trajectory(kind: ErrorKind) -> Error {
        Error::Trajectory(memex_trajectories::Error::Io {
            place: text(),
            source: io(kind),
        })
    }

    fn suite(kind: ErrorKind) -> Error {
        Error::Suite(memex_suites::Error::Io {
            place: text(),
            source: io(kind),
        })
    }

    fn model_file(kind: ErrorKind) -> Error {
        Error::Model(ModelError::File {
            path: PathBuf::from("f"),
            source: io(kind),
        })
    }

    /// Every variant, and of those that tell of the system both kinds.
    #[test]
    fn what_the_caller_did_is_told_from_faults_of_the_host() {
        let cases: Vec<(Error, u8)> = vec![
            (
                Error::Setting {
                    setting: text(),
                    what: text(),
                },
                USAGE,
            ),
            (Error::Schema { what: text() }, USAGE),
            (
                Error::Input {
                    name: text(),
                    from: text(),
                    what: text(),
                },
                USAGE,
            ),
            (
                Error::Resume {
                    path: PathBuf::from("f"),
                    what: text(),
                },
                USAGE,
            ),
            (Error::Worker { what: text() }, HOST_FAULT),
            (file(ErrorKind::NotFound), USAGE),
            (file(ErrorKind::PermissionDenied), USAGE),
            (file(ErrorKind::StorageFull), HOST_FAULT),
            (file(ErrorKind::Other), HOST_FAULT),
            (
                Error::Format {
                    place: text(),
                    what: text(),
                },
                USAGE,
            ),
            (Error::Reactor(io(ErrorKind::WouldBlock)), HOST_FAULT),
            (
                Error::Runtime(memex_runtime::Error::UnknownCpu {
                    name: text(),
                    known: text(),
                }),
                USAGE,
            ),
            (
                Error::Session(memex_sessions::Error::NoSession { name: text() }),
                USAGE,
            ),
            (trajectory(ErrorKind::NotFound), USAGE),
            (trajectory(ErrorKind::StorageFull), HOST_FAULT),
            (
                Error::Trajectory(memex_trajectories::Error::UnknownFormat { place: text() }),
                USAGE,
            ),
            (
                Error::Trajectory(memex_trajectories::Error::InUse { place: text() }),
                USAGE,
            ),
            (
                Error::Trajectory(memex_trajectories::Error::Poisoned { place: text() }),
                HOST_FAULT,
            ),
            (
                Error::Trajectory(memex_trajectories::Error::StepOrder {
                    place: text(),
                    expected: 1,
                    found: 2,
                }),
                HOST_FAULT,
            ),
            (
                Error::Model(ModelError::Connection {
                    peer: text(),
                    message: text(),
                }),
                HOST_FAULT,
            ),
            (
                Error::Model(ModelError::Setting {
                    setting: "model",
                    what: text(),
                }),
                USAGE,
            ),
            (model_file(ErrorKind::NotFound), USAGE),
            (model_file(ErrorKind::QuotaExceeded), HOST_FAULT),
            (Error::LongReply { bytes: 2, limit: 1 }, HOST_FAULT),
            (Error::Cancelled, INTERRUPTED),
            (Error::Lost, HOST_FAULT),
            (suite(ErrorKind::NotADirectory), USAGE),
            (suite(ErrorKind::StorageFull), HOST_FAULT),
            (
                Error::Suite(memex_suites::Error::Ungradable {
                    id: text(),
                    what: text(),
                }),
                USAGE,
            ),
        ];
        for (error, expected) in cases {
            let shown = format!("{error:?}");
            assert_eq!(status(&agent_refusal(error)), expected, "{shown}");
        }
    }

    #[test]
    fn folders_that_cannot_be_made_are_told_from_a_disk_that_is_full() {
        let place = std::path::Path::new("f");
        for (kind, expected) in [
            (ErrorKind::NotADirectory, USAGE),
            (ErrorKind::PermissionDenied, USAGE),
            (ErrorKind::StorageFull, HOST_FAULT),
        ] {
            let error = crate::failure::at_place(place, io(kind), "hint");
            assert_eq!(status(&error), expected, "{kind:?}");
        }
    }
}
