//! The cache: what was altered, cut or shared with others is never used.

use crate::memex::{Ran, command, memex};
use memex_tests::cache_directory;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A cache with the files of the suite's own: linked, so that it costs nothing.
pub(crate) struct Copy {
    root: TempDir,
}

impl Copy {
    pub(crate) fn new() -> Self {
        assert_eq!(
            memex(&["run", "-c", "1"]).status,
            0,
            "the suite's cache is built"
        );
        let cache = cache_directory();
        let root = tempfile::tempdir_in(cache.parent().unwrap()).unwrap();
        link(&cache, &root.path().join("cache"));
        Self { root }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        command(arguments)
            .env("MEMEX_CACHE", self.path())
            .output()
            .unwrap()
            .into()
    }

    /// The files of the image in use that have this name or ending.
    fn image_file(&self, ending: &str) -> PathBuf {
        let image = self.run(&["image", "path"]);
        let directory = PathBuf::from(image.stdout.trim());
        let mut files = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files
            .find(|path| path.to_str().unwrap().ends_with(ending))
            .unwrap_or_else(|| panic!("no {ending}"))
    }

    /// Makes a file this cache's own, and changes it.
    fn alter(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        assert!(path.starts_with(self.path()));
        let mut bytes = std::fs::read(path).unwrap();
        change(&mut bytes);
        let mode = std::fs::metadata(path).unwrap().permissions();
        std::fs::remove_file(path).unwrap();
        std::fs::write(path, bytes).unwrap();
        std::fs::set_permissions(path, mode).unwrap();
    }
}

fn link(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        // Another build may be at work in the cache, and its places come and go.
        if entry.path().is_dir() && entry.file_name() == "locks" {
            // Linked locks would be the same locks.
            continue;
        }
        if entry.path().is_dir() {
            link(&entry.path(), &target);
        } else if std::fs::hard_link(entry.path(), &target).is_err() {
            let _ = std::fs::copy(entry.path(), &target);
        }
    }
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn others_must_not_be_able_to_write() {
    let copy = Copy::new();
    assert_eq!(copy.run(&["run", "-c", "1"]).status, 0, "the control");
    let image = copy.image_file("entry.json");
    for (path, bad) in [
        (copy.path(), 0o777),
        (copy.path(), 0o770),
        (image.parent().unwrap().to_owned(), 0o777),
    ] {
        let good = std::fs::metadata(&path).unwrap().permissions().mode();
        mode(&path, bad);
        let ran = copy.run(&["run", "-c", "1"]);
        assert_eq!(ran.status, 3, "{path:?} {bad:o}: {ran:#?}");
        assert!(
            ran.stderr.contains(path.to_str().unwrap()) && ran.stderr.contains("chmod"),
            "{ran:#?}"
        );
        mode(&path, good);
    }
    // So is a file that others could have written.
    copy.alter(&image, |_| {});
    for bad in [0o666, 0o660] {
        mode(&image, bad);
        let ran = copy.run(&["run", "-c", "1"]);
        assert_eq!(ran.status, 3, "{bad:o}: {ran:#?}");
        assert!(
            ran.stderr.contains("entry.json") && ran.stderr.contains("chmod"),
            "{ran:#?}"
        );
    }
    mode(&image, 0o600);
    assert_eq!(copy.run(&["run", "-c", "1"]).status, 0, "the remedy");
}

/// A file that was cut or altered is told, or built anew; its bytes never run.
#[test]
fn damage_is_found() {
    for (ending, harm) in [
        ("entry.json", "nonsense"),
        (".mem", "cut"),
        (".mem", "grown"),
    ] {
        let copy = Copy::new();
        let ending = if ending == ".mem" {
            memory_file(&copy)
        } else {
            ending.to_owned()
        };
        let file = copy.image_file(&ending);
        copy.alter(&file, |bytes| match harm {
            "cut" => bytes.truncate(bytes.len() / 2),
            "grown" => bytes.extend_from_slice(&[1; 4096]),
            _ => *bytes = b"{\"version\": 1}".to_vec(),
        });
        let ran = copy.run(&["run", "-c", "print('ran')"]);
        let is_repaired = ran.status == 0 && ran.stdout == "ran\n";
        let is_refused = ran.status == 3 && ran.stderr.contains("hint:");
        assert!(is_repaired || is_refused, "{ending} {harm}: {ran:#?}");
        if is_refused {
            let ran = copy.run(&["image", "build", "--force"]);
            assert_eq!(ran.status, 0, "the remedy that was named: {ran:#?}");
            assert_eq!(copy.run(&["run", "-c", "print('ran')"]).stdout, "ran\n");
        }
    }
}

/// What costs too much to look at each time is found by `image verify`.
#[test]
fn a_single_altered_byte_is_found_by_verify() {
    let copy = Copy::new();
    assert_eq!(copy.run(&["image", "verify"]).status, 0, "the control");
    let name = memory_file(&copy);
    let file = copy.image_file(&name);
    copy.alter(&file, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    let ran = copy.run(&["image", "verify"]);
    let told = ran.stdout + &ran.stderr;
    assert!(told.contains("damaged") && told.contains(&name), "{told}");
    assert_eq!(copy.run(&["run", "-c", "1"]).status, 0, "it is built anew");
}

/// The largest file of an image is its memory.
fn memory_file(copy: &Copy) -> String {
    let entry = copy.image_file("entry.json");
    let files = std::fs::read_dir(entry.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap());
    let largest = files
        .max_by_key(|entry| entry.metadata().unwrap().len())
        .unwrap();
    largest.file_name().into_string().unwrap()
}

/// Images and what is left of builds in a cache.
pub(crate) fn images(copy: &Copy) -> Vec<String> {
    let items = std::fs::read_dir(copy.path().join("images")).unwrap();
    items
        .map(|item| item.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A cache with guest and code, and no image.
pub(crate) fn without_image() -> Copy {
    let copy = Copy::new();
    std::fs::remove_dir_all(copy.path().join("images")).unwrap();
    copy
}

#[test]
fn two_builds_at_once_make_one_image() {
    let copy = without_image();
    let start = || {
        command(&["run", "-c", "print('ran')"])
            .env("MEMEX_CACHE", copy.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let builds = [start(), start()];
    for build in builds {
        let ran: Ran = build.wait_with_output().unwrap().into();
        assert_eq!((ran.status, ran.stdout.as_str()), (0, "ran\n"), "{ran:#?}");
    }
    // The secret of the cache is that of the suite's own, and so is all else.
    assert_eq!(
        images(&copy),
        [standard()],
        "built again, to the same bytes"
    );
}

/// The name of the suite's image.
fn standard() -> String {
    let path = memex(&["image", "path"]).stdout;
    Path::new(path.trim())
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

/// A build that is killed leaves nothing that a later one would use.
#[test]
fn a_killed_build_is_swept_up() {
    let copy = without_image();
    let mut build = command(&["run", "-c", "print('ran')"])
        .env("MEMEX_CACHE", copy.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let locks = copy.path().join("locks");
    let has_begun = || {
        let items = std::fs::read_dir(&locks).into_iter().flatten().flatten();
        items
            .map(|item| item.file_name())
            .any(|name| name.to_string_lossy().starts_with("images-"))
    };
    while !has_begun() {
        assert!(build.try_wait().unwrap().is_none(), "it built nothing");
        std::thread::sleep(Duration::from_millis(5));
    }
    build.kill().unwrap();
    build.wait().unwrap();
    // What a build that was killed later would have left.
    let key = {
        let lock = std::fs::read_dir(&locks).unwrap().flatten();
        let names = lock.map(|item| item.file_name().into_string().unwrap());
        let mut keys = names.filter_map(|name| name.strip_prefix("images-").map(str::to_owned));
        keys.next().unwrap()
    };
    let left = copy.path().join("images").join(format!("{key}.tmp-1"));
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("memory.img"), b"half").unwrap();
    let ran = copy.run(&["run", "-c", "print('ran')"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "ran\n"), "{ran:#?}");
    assert_eq!(images(&copy), [standard()]);
}

/// A disk that takes no more of the image: told, and nothing half-written.
#[test]
fn a_full_disk_is_told() {
    let copy = without_image();
    // Files of at most 10,000 KiB, and a failing write instead of a signal.
    let script = "trap '' XFSZ; ulimit -f 10000; exec \"$0\" run -c \"print('ran')\"";
    let memex = command(&[]).get_program().to_owned();
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(&memex)
        .env("MEMEX_CACHE", copy.path())
        .output()
        .unwrap();
    let ran = Ran::from(output);
    assert_eq!(ran.status, 3, "{ran:#?}");
    assert!(ran.stderr.contains("memory.img"), "{ran:#?}");
    assert_eq!(images(&copy).len(), 0, "{:?}", images(&copy));
    let ran = copy.run(&["run", "-c", "print('ran')"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "ran\n"), "{ran:#?}");
}

/// What is in the cache needs no network; what is not says so.
#[test]
fn a_built_image_works_without_the_network() {
    let copy = Copy::new();
    let offline = |copy: &Copy| -> Ran {
        command(&["run", "-c", "print('ran')"])
            .env("MEMEX_CACHE", copy.path())
            .env("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("PIP_NO_CACHE_DIR", "1")
            .env("PIP_RETRIES", "0")
            .output()
            .unwrap()
            .into()
    };
    let ran = offline(&copy);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "ran\n"), "{ran:#?}");
    std::fs::remove_dir_all(copy.path().join("guests")).unwrap();
    std::fs::remove_dir_all(copy.path().join("images")).unwrap();
    let ran = offline(&copy);
    assert_eq!(ran.status, 3, "{ran:#?}");
    assert!(ran.stderr.contains("hint:"), "{ran:#?}");
}

/// Puts an image beside the one in use: whole, with a description that `change`
/// has changed, and named by that. Returns the name.
fn forge(copy: &Copy, change: impl FnOnce(String) -> String) -> String {
    let record = copy.image_file("entry.json");
    let image = record.parent().unwrap();
    let its_name = image.file_name().unwrap().to_str().unwrap();
    let read = |name: &str| std::fs::read_to_string(image.join(name)).unwrap();
    let its_description = read("image.json");
    let description = change(its_description.clone());
    assert_ne!(description, its_description);
    let digest = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    let name = digest(&description);
    let (_, body) = std::fs::read_to_string(&record)
        .map(|text| {
            text.split_once('\n')
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        })
        .unwrap()
        .unwrap();
    let body = body
        .trim_end()
        .replace(its_name, &name)
        .replace(&digest(&its_description), &digest(&description));
    let directory = image.with_file_name(&name);
    std::fs::create_dir(&directory).unwrap();
    mode(&directory, 0o700);
    std::fs::hard_link(image.join("memory.img"), directory.join("memory.img")).unwrap();
    let record = format!("{}\n{body}\n", digest(&body));
    for (file, text) in [("entry.json", record), ("image.json", description)] {
        std::fs::write(directory.join(file), text).unwrap();
        mode(&directory.join(file), 0o600);
    }
    name
}

#[test]
fn what_other_versions_left_is_told_and_removed() {
    let copy = Copy::new();
    let prune = || copy.run(&["image", "prune"]);
    assert_eq!(prune().status, 0);
    let kept = images(&copy);
    let again = prune();
    assert_eq!((again.status, again.stdout.as_str()), (0, ""), "{again:#?}");

    let other_form = forge(&copy, |text| text.replace("\"format\": 1", "\"format\": 0"));
    let other_version = forge(&copy, |text| {
        text.replace("\"memex\": \"", "\"memex\": \"0.0.1-")
    });
    // What it says of its inputs is not believed.
    let other_inputs = forge(&copy, |text| {
        text.replace("\"preload\": []", "\"preload\": [\"os\"]")
    });
    let left = copy
        .path()
        .join("images")
        .join(format!("{other_form}.tmp-1"));
    let code = copy.path().join("code").join("c".repeat(32));
    let guest = copy.path().join("guests").join("d".repeat(32));
    for directory in [&left, &code, &guest] {
        std::fs::create_dir(directory).unwrap();
        mode(directory, 0o700);
    }

    let list = copy.run(&["image", "list"]);
    assert_eq!(list.status, 0, "{list:#?}");
    for name in [&other_form, &other_version, &other_inputs] {
        let line = list
            .stdout
            .lines()
            .find(|line| line.starts_with(&name[..32]));
        assert!(
            line.is_some_and(|line| line.contains("  outdated  ")),
            "{list:#?}"
        );
    }
    assert!(list.stderr.contains("`memex image prune`"), "{list:#?}");

    let told = copy.run(&["image", "prune", "--dry-run"]);
    assert_eq!(
        (told.status, told.stdout.lines().count()),
        (0, 6),
        "{told:#?}"
    );
    assert!(left.exists() && code.exists() && guest.exists());

    let pruned = prune();
    assert_eq!(
        pruned.stdout.matches("  removed  ").count(),
        6,
        "{pruned:#?}"
    );
    assert_eq!(images(&copy), kept, "{pruned:#?}");
    assert!(!left.exists() && !code.exists() && !guest.exists());
    // What is left works, and nothing had to be built.
    let ran = copy.run(&["run", "-c", "print(6 * 7)"]);
    assert_eq!(
        (ran.status, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "42\n", "")
    );
}

#[test]
fn only_an_entry_of_the_cache_can_be_removed() {
    let root = tempfile::tempdir().unwrap();
    let cache = memex_runtime::Cache::open(root.path().join("cache")).unwrap();
    std::fs::create_dir(root.path().join("precious")).unwrap();
    std::os::unix::fs::symlink("../../precious", cache.root().join("images/link")).unwrap();
    for kind in ["images", "code", "packages", "guests"] {
        std::fs::create_dir_all(cache.root().join(kind).join("entry")).unwrap();
        for key in [
            "",
            ".",
            "..",
            "../code",
            "../../precious",
            "entry/..",
            "entry/",
            "a\\b",
            "/",
        ] {
            let refused = cache.discard(kind, key).unwrap_err().to_string();
            assert!(
                refused.contains("names no entry of"),
                "{kind} {key:?}: {refused}"
            );
        }
        assert!(cache.discard(kind, "entry").unwrap(), "{kind}");
        assert!(!cache.root().join(kind).join("entry").exists());
        assert!(cache.discard(kind, "entry").unwrap(), "{kind}");
    }
    for kind in ["", ".", "..", "locks", "../precious", "images/.."] {
        let refused = cache.discard(kind, "entry").unwrap_err().to_string();
        assert!(refused.contains("names no entry of"), "{kind:?}: {refused}");
    }
    let _ = cache.discard("images", "link");
    assert!(root.path().join("precious").is_dir());
    for kind in ["images", "code", "packages", "guests"] {
        assert!(cache.root().join(kind).is_dir(), "{kind}");
    }
}
