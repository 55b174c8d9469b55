//! The Python package client, run as a process of its own.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, PipeReader, Read};
use std::path::{Path, PathBuf, absolute};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::io::ioctl_fionbio;

use crate::error::Error;
use crate::fetch::options::FetchOptions;
use crate::manifest::Package;

/// Looked for on the search path, in this order.
const INTERPRETERS: [&str; 2] = ["python3", "python"];
/// How often the size of the download is looked at.
const TICK: Duration = Duration::from_millis(100);
/// How much of the client's output is looked at and shown.
const LOG_BYTES: usize = 64 << 10;
const DETAIL_LINES: usize = 3;
const DETAIL_CHARACTERS: usize = 600;

/// What the client is given of the environment: how to find programs and files,
/// its configuration, which may hold the password of its index, how to reach the
/// network, and the language. Keys of models and secrets of tools are no business
/// of what a package index or a build script may run.
const VARIABLES: [&str; 37] = [
    "ALL_PROXY",
    "CONDA_PREFIX",
    "CURL_CA_BUNDLE",
    "DYLD_LIBRARY_PATH",
    "FTP_PROXY",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "NETRC",
    "NO_PROXY",
    "PATH",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PYTHONHOME",
    "PYTHONIOENCODING",
    "PYTHONNOUSERSITE",
    "PYTHONPATH",
    "PYTHONUSERBASE",
    "PYTHONUTF8",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];
/// What their names begin with otherwise: the client's own options, and locales.
const VARIABLE_PREFIXES: [&str; 2] = ["PIP_", "LC_"];

/// Whether the package client is given a variable of this name: the search path,
/// its own configuration, proxies, certificates, the language.
#[must_use]
pub fn is_for_package_client(name: &str) -> bool {
    let mut prefixes = VARIABLE_PREFIXES.iter();
    VARIABLES.contains(&name) || prefixes.any(|prefix| name.starts_with(prefix))
}

/// Asks nothing, shows no bar, and runs no code of what it downloads.
const DOWNLOAD: [&str; 8] = [
    "download",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar",
    "off",
    // Only at this verbosity does the client say that it was the network, and what it passed over.
    "-vv",
    "--only-binary",
    ":all:",
];
const PURE: [&str; 6] = [
    "--platform",
    "any",
    "--implementation",
    "py",
    "--abi",
    "none",
];

/// One run of the client.
pub(crate) struct Call<'a> {
    /// Whose client is asked, and what of the environment it gets.
    pub(crate) options: &'a FetchOptions,
    /// Where it runs, and all that it may write to.
    pub(crate) folder: &'a Path,
    /// What is downloaded, and where to.
    pub(crate) arguments: &'a [&'a OsStr],
    /// Whether only wheels of Python code alone are taken, which run on any machine.
    pub(crate) are_pure: bool,
    /// How much the folder may hold.
    pub(crate) bytes_max: u64,
}

/// How a run ended.
pub(crate) enum Ended {
    /// By itself.
    Done(Said),
    /// It was ended: the folder held more than it may.
    TooLarge,
}

/// The output of the client.
pub(crate) struct Said {
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
}

impl Call<'_> {
    /// Runs the client with what of the caller's environment says where it finds
    /// its index, proxy and certificates, and nothing else.
    /// `progress` gets the size of the folder as it grows.
    pub(crate) fn run(&self, progress: &mut dyn FnMut(u64)) -> Result<Ended, Error> {
        let interpreters = match self.options.python.as_deref() {
            // A path is taken from here, since the client runs in another folder.
            Some(path) if path.components().count() > 1 => {
                vec![absolute(path).map_err(Error::io("find", path))?]
            }
            Some(name) => vec![name.to_owned()],
            None => INTERPRETERS.map(PathBuf::from).to_vec(),
        };
        let mut failure = Error::NoPython {
            tried: interpreters
                .iter()
                .map(|path| format!("`{}`", path.display()))
                .collect::<Vec<_>>()
                .join(", "),
        };
        for interpreter in &interpreters {
            match self.run_by(interpreter, progress)? {
                None => {}
                Some(Ended::Done(said))
                    if !said.status.success() && said.says("No module named pip") =>
                {
                    failure = Error::NoPip {
                        python: interpreter.display().to_string(),
                    };
                }
                Some(ended) => return Ok(ended),
            }
        }
        Err(failure)
    }

    /// Runs the client of one interpreter; nothing if there is no such
    /// interpreter.
    fn run_by(&self, python: &Path, progress: &mut dyn FnMut(u64)) -> Result<Option<Ended>, Error> {
        // A pipe, not a file: the disk may be what is full.
        let (reader, writer) = io::pipe().map_err(Error::io("open a pipe for", python))?;
        let writer_too = writer.try_clone();
        let writer_too = writer_too.map_err(Error::io("open a pipe for", python))?;
        ioctl_fionbio(&reader, true)
            .map_err(|error| Error::io("read from", python)(error.into()))?;
        let mut command = Command::new(python);
        command
            .args(["-m", "pip"])
            .args(DOWNLOAD)
            .args(self.are_pure.then_some(PURE).into_iter().flatten())
            .args(self.arguments)
            // `-m` looks in the current folder first: that must not be the caller's.
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(writer_too)
            .env_clear()
            .env("TMPDIR", self.folder);
        let variables = self.options.environment.iter();
        command.envs(variables.filter(|(name, _)| is_for_package_client(name)));
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("run", python)(error)),
        };
        // What the command holds of the pipe would keep it open.
        drop(command);
        let mut log = Log {
            reader,
            tail: Vec::new(),
        };
        let status = Client(child).wait(self, python, &mut log, progress)?;
        Ok(Some(match status {
            None => Ended::TooLarge,
            Some(status) => Ended::Done(Said {
                status,
                log: String::from_utf8_lossy(&log.tail).into_owned(),
            }),
        }))
    }
}

impl Said {
    /// The network error that the client tells of. One comes before a package
    /// that was not found, since the client says both then.
    pub(crate) fn network_error(&self) -> Option<String> {
        const NETWORK: [&str; 11] = [
            "NewConnectionError",
            "Failed to establish a new connection",
            "Max retries exceeded",
            "ConnectTimeout",
            "ReadTimeout",
            "NameResolutionError",
            "Name or service not known",
            "Temporary failure in name resolution",
            "ProxyError",
            "Network is unreachable",
            "Connection broken",
        ];
        self.line_with(&NETWORK)
    }

    /// Whether the disk was full.
    pub(crate) fn is_disk_full(&self) -> bool {
        self.says("No space left on device") || self.says("Disk quota exceeded")
    }

    pub(crate) fn says(&self, words: &str) -> bool {
        self.log.contains(words)
    }

    /// The first line with one of these words, shortened.
    pub(crate) fn line_with(&self, words: &[&str]) -> Option<String> {
        let has = |line: &&str| words.iter().any(|word| line.contains(word));
        let line = self.log.lines().find(has);
        line.map(|line| shortened(line.trim()))
    }

    /// The client's own errors, or the last it said if it names none.
    pub(crate) fn detail(&self) -> String {
        let all = || self.log.lines().map(str::trim).filter(|l| !l.is_empty());
        let mut lines: Vec<&str> = all().filter(|line| line.starts_with("ERROR:")).collect();
        if lines.is_empty() {
            lines = all().collect();
        }
        match lines.get(lines.len().saturating_sub(DETAIL_LINES)..) {
            None | Some([]) => "it said nothing".to_owned(),
            Some(last) => shortened(&last.join("; ")),
        }
    }
}

/// Why the client did not bring a pinned package, by what it said.
pub(crate) fn diagnose(said: &Said, package: &Package, scratch: &Path) -> Error {
    let detail = said.detail();
    let package_name = pinned(package);
    if said.is_disk_full() {
        Error::DiskFull {
            path: scratch.to_owned(),
        }
    } else if said.says("DO NOT MATCH THE HASHES") {
        Error::PackageDigest {
            package: package_name,
            expected: package.sha256,
            found: said.line_with(&["Got  "]).unwrap_or(detail),
        }
    } else if let Some(detail) = said.network_error() {
        Error::NoNetwork {
            package: package_name,
            detail,
        }
    } else if said.says("No matching distribution") || said.says("Could not find a version") {
        Error::NoPackage {
            package: package_name,
            detail,
        }
    } else {
        Error::ClientFailed {
            package: package_name,
            status: said.status.to_string(),
            detail,
        }
    }
}

/// `NAME==VERSION`.
pub(crate) fn pinned(package: &Package) -> String {
    format!("{}=={}", package.name, package.version)
}

/// The running client, ended when dropped.
struct Client(Child);

impl Client {
    /// Waits for the client, reporting how much it has downloaded and ending it
    /// when that is more than it may be.
    fn wait(
        mut self,
        call: &Call<'_>,
        python: &Path,
        log: &mut Log,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Option<ExitStatus>, Error> {
        loop {
            let ended = self.0.try_wait().map_err(Error::io("wait for", python))?;
            // Read after that, so that the last words are not missed.
            log.drain().map_err(Error::io("read from", python))?;
            if ended.is_some() {
                return Ok(ended);
            }
            let size = folder_bytes(call.folder);
            if size > call.bytes_max {
                return Ok(None);
            }
            progress(size);
            thread::sleep(TICK);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The bytes of all files below a folder. Files that go while this looks at
/// them count nothing.
pub(crate) fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(bytes).fold(0, u64::saturating_add)
}

/// The end of what the client writes.
struct Log {
    reader: PipeReader,
    tail: Vec<u8>,
}

impl Log {
    /// Takes what there is without waiting, so that the client never has to.
    fn drain(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match self.reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => self.tail.extend(buffer.iter().take(read)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            let excess = self.tail.len().saturating_sub(LOG_BYTES);
            self.tail.drain(..excess);
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(DETAIL_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
