//! The turns of `memex run`: blocks, files and standard input, in the order
//! in which they are given.

use crate::failure::usage;
use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// What is read of one source at most. A policy's `code_bytes` refuses far
/// smaller blocks; this only keeps an endless file from filling memory.
const SOURCE_MAX_BYTES: u64 = 1 << 30;

/// The source of one turn's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TurnSource {
    Code(OsString),
    File(OsString),
    Stdin,
}

/// The sources of a command line, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct TurnSources(Vec<TurnSource>);

/// A turn to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) code: String,
    /// The name of the file that it was read from, without its folders.
    pub(crate) file: Option<String>,
}

impl TurnSources {
    /// Whether nothing was given.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words that were given, if they could be names of files, and no file has one.
    pub(crate) fn words_without_files(&self) -> Option<Vec<String>> {
        let word = |source: &TurnSource| match source {
            TurnSource::File(name) if !Path::new(name).exists() => name.clone().into_string().ok(),
            _ => None,
        };
        self.0.iter().map(word).collect()
    }

    /// Reads every source, so that nothing runs when one cannot be read.
    pub(crate) fn read(&self) -> Result<Vec<Block>> {
        let sources = match self.0.as_slice() {
            [] if io::stdin().is_terminal() => {
                return Err(usage(
                    "there is nothing to run",
                    "give `-c CODE`, a file, or `-` for standard input; `memex repl` is a prompt",
                ));
            }
            [] => &[TurnSource::Stdin],
            sources => sources,
        };
        if sources
            .iter()
            .filter(|source| **source == TurnSource::Stdin)
            .count()
            > 1
        {
            return Err(usage(
                "`-` is given twice",
                "standard input can be read once",
            ));
        }
        let block = |source: &TurnSource| {
            Ok(Block {
                code: source.read()?,
                file: source.file_name(),
            })
        };
        sources.iter().map(block).collect()
    }
}

impl Block {
    /// Reads a file of code.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let source = TurnSource::File(path.into());
        Ok(Self {
            code: source.read()?,
            file: source.file_name(),
        })
    }
}

impl TurnSource {
    fn file_name(&self) -> Option<String> {
        match self {
            Self::File(name) => Some(Path::new(name).file_name()?.to_string_lossy().into_owned()),
            Self::Code(_) | Self::Stdin => None,
        }
    }

    fn read(&self) -> Result<String> {
        match self {
            Self::Code(code) => code.clone().into_string().map_err(|_| {
                usage(
                    "the block given with -c is not UTF-8",
                    "Python source is read as UTF-8",
                )
            }),
            Self::File(name) => {
                let path = Path::new(name);
                let told = |error: io::Error| {
                    let hint = match error.kind() {
                        io::ErrorKind::NotFound => {
                            "check the name; to run a block of code, write `-c CODE`"
                        }
                        io::ErrorKind::IsADirectory => {
                            "name a file in it; `--mount` grants a directory to the code"
                        }
                        _ => "the file has to be readable by you",
                    };
                    usage(format!("cannot read {}: {error}", path.display()), hint)
                };
                let file = File::open(path).map_err(told)?;
                if file.metadata().map_err(told)?.is_dir() {
                    return Err(told(io::ErrorKind::IsADirectory.into()));
                }
                text(file, &path.display().to_string())
            }
            Self::Stdin => text(io::stdin().lock(), "standard input"),
        }
    }
}

fn text(source: impl Read, name: &str) -> Result<String> {
    let mut bytes = Vec::new();
    source
        .take(SOURCE_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            usage(
                format!("cannot read {name}: {error}"),
                "the file has to be readable by you",
            )
        })?;
    if bytes.len() as u64 > SOURCE_MAX_BYTES {
        return Err(usage(
            format!("{name} is longer than {} GiB", SOURCE_MAX_BYTES >> 30),
            "code is bounded by the limit code_bytes; hand data over with --mount",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let valid = error.as_bytes().get(..at).unwrap_or_default();
        let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
        usage(
            format!("{name} is not UTF-8: byte {at}, on line {line}, does not fit"),
            "save it as UTF-8; other encodings are not read",
        )
    })
}

impl FromArgMatches for TurnSources {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut placed = Vec::new();
        for (id, is_code) in [("code", true), ("file", false)] {
            let values = matches.get_many::<OsString>(id).into_iter().flatten();
            let places = matches.indices_of(id).into_iter().flatten();
            for (place, value) in places.zip(values) {
                let source = match is_code {
                    true => TurnSource::Code(value.clone()),
                    false if value == "-" => TurnSource::Stdin,
                    false => TurnSource::File(value.clone()),
                };
                placed.push((place, source));
            }
        }
        placed.sort_by_key(|(place, _)| *place);
        Ok(Self(placed.into_iter().map(|(_, source)| source).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for TurnSources {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new("code")
                    .short('c')
                    .value_name("CODE")
                    .help("A block of code: one turn; may repeat, in order with files")
                    .value_parser(clap::value_parser!(OsString))
                    .allow_hyphen_values(true)
                    .action(ArgAction::Append),
            )
            .arg(
                Arg::new("file")
                    .value_name("FILE")
                    .help("A file of code, or `-` for standard input: one turn each")
                    .value_parser(clap::value_parser!(OsString))
                    .value_hint(clap::ValueHint::FilePath)
                    .num_args(0..)
                    .action(ArgAction::Append),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
