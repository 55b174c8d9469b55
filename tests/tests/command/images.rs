//! What an image is: the same for the same inputs, wherever it is built.

use crate::cache::{Copy, images, without_image};
use crate::memex::memex;
use crate::small::{SECRET, open, small, spec};
use memex_policies::{Access, DirectoryGrant, Policy};
use memex_runtime::{Image, ImageSpec, NoProgress, Runtime, Sandbox, SessionOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Gives the guest's files other inodes, times and order in their folders, as
/// on another machine.
fn refetch(directory: &Path) {
    for item in std::fs::read_dir(directory).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            refetch(&path);
        } else if !path.ends_with("python.wasm") {
            let aside = path.with_extension("aside");
            std::fs::copy(&path, &aside).unwrap();
            std::fs::remove_file(&path).unwrap();
            std::fs::rename(&aside, &path).unwrap();
        }
    }
}

fn sandbox(image: &Image, policy: Policy) -> Sandbox {
    let runtime = Runtime::new().unwrap();
    Sandbox::new(&runtime, image, Arc::new(policy), &mut NoProgress).unwrap()
}

fn value(sandbox: &Sandbox, code: &str) -> String {
    let mut session = sandbox.session(SessionOptions::default()).unwrap();
    let outcome = session.run(code).unwrap();
    outcome
        .value
        .unwrap_or_else(|| panic!("{code}: {:?}", outcome.error))
}

#[test]
fn two_builds_of_the_same_inputs_are_the_same_byte_for_byte() {
    let one = small();
    let copy = without_image();
    refetch(&copy.path().join("guests"));
    let cache = open(&copy);
    let other = Image::load(&cache, &spec(SECRET), &Default::default(), &mut NoProgress).unwrap();
    assert_ne!(one.path(), other.path());
    for file in ["memory.img", "image.json"] {
        let read = |image: &Image| std::fs::read(image.path().join(file)).unwrap();
        let (one, other) = (read(&one), read(&other));
        let pages = one.chunks(4096).zip(other.chunks(4096));
        let differing = pages.filter(|(a, b)| a != b).count();
        assert!(one == other, "{file}: {differing} pages differ");
    }
    assert_eq!(one.name(), other.name());
    assert_eq!(images(&copy), [one.name()]);

    // A state of one is a state of the other.
    let (one, other) = (
        sandbox(&one, Policy::default()),
        sandbox(&other, Policy::default()),
    );
    let mut session = one.session(SessionOptions::default()).unwrap();
    session.run("kept = {'a', 'b', 'c'}").unwrap();
    let snapshot = session.snapshot().unwrap();
    let (mut session, _) = other
        .restore(&snapshot, Default::default(), Default::default())
        .unwrap();
    let outcome = session.run("sorted(kept)").unwrap();
    assert_eq!(outcome.value.as_deref(), Some("['a', 'b', 'c']"));
    let hash = "hash('text'), list({'a', 'b', 'c', 'd'})";
    assert_eq!(value(&one, hash), value(&other, hash));
}

#[test]
#[ignore = "compiles the guest, which takes minutes"]
fn two_compilations_of_the_guest_are_the_same_byte_for_byte() {
    let copy = Copy::new();
    let code = copy.path().join("code");
    std::fs::remove_dir_all(&code).unwrap();
    let ran = copy.run(&["image", "build"]);
    assert_eq!(ran.status, 0, "{ran:#?}");
    let key = std::fs::read_dir(&code).unwrap().next().unwrap().unwrap();
    let first = memex_tests::cache_directory()
        .join("code")
        .join(key.file_name());
    for file in ["guest.cwasm", "segments.bin"] {
        let read = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert!(read(&first) == read(&key.path()), "{file} differs");
    }
}

#[test]
fn another_secret_and_another_time_make_another_image() {
    let one = small();
    let copy = Copy::new();
    let cache = open(&copy);
    let other = ImageSpec {
        boot_unix_s: ImageSpec::BOOT_UNIX_S + 1,
        ..spec(b"another secret of the suite, as long as the first")
    };
    let other = Image::load(&cache, &other, &Default::default(), &mut NoProgress).unwrap();
    assert_ne!(one.name(), other.name());
    let hash = "hash('text')";
    let hashes = [&one, &other].map(|image| value(&sandbox(image, Policy::default()), hash));
    assert_ne!(hashes[0], hashes[1]);
    // Each is found by what it was built from, and by its name.
    let found = Image::load(&cache, &spec(SECRET), &Default::default(), &mut NoProgress).unwrap();
    assert_eq!(found.name(), one.name());
    let short = &other.name()[..12];
    let found = Image::open(&cache, short, &Default::default(), &mut NoProgress).unwrap();
    assert_eq!(found.name(), other.name());
}

/// Only the boot is fixed: what a session sees of the world is its own.
#[test]
fn sessions_of_a_reproducible_image_have_the_world_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("five"), "12345").unwrap();
    let mut policy = Policy::default();
    policy.directories.push(DirectoryGrant {
        host: folder.path().to_owned(),
        guest: "/data".into(),
        access: Access::ReadOnly,
    });
    let sandbox = sandbox(&small(), policy);
    for draw in [
        "import random; random.getrandbits(64)",
        "import os; os.urandom(8)",
        "import uuid; uuid.uuid4()",
        "import secrets; secrets.token_hex()",
        "import tempfile; tempfile.mkdtemp()",
    ] {
        assert_ne!(value(&sandbox, draw), value(&sandbox, draw), "{draw}");
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let time: u64 = value(&sandbox, "import time; int(time.time())")
        .parse()
        .unwrap();
    assert!((now..now + 600).contains(&time), "{time}, and not {now}");
    let stat = "import os; s = os.stat('/data/five'); (s.st_size, int(s.st_mtime))";
    let (size, modified) = {
        let told = value(&sandbox, stat);
        let told = told.trim_matches(['(', ')']).to_owned();
        let (size, modified) = told.split_once(", ").unwrap();
        (size.to_owned(), modified.parse::<u64>().unwrap())
    };
    assert_eq!(size, "5");
    assert!((now - 600..now + 600).contains(&modified), "{modified}");
    // Of the guest's own files the size is real, and the time that of all machines.
    let stat = "s = os.stat('/usr/local/lib/python315.zip'); (s.st_size > 1 << 20, s.st_mtime)";
    let told = value(&sandbox, &format!("import os; {stat}"));
    assert_eq!(told, "(True, 315532800.0)");
}

/// A secret is in no listing, record or message; its tag is no way back to it.
#[test]
fn the_secret_is_told_nowhere() {
    let image = small();
    let secret = String::from_utf8(SECRET.to_vec()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.key");
    std::fs::write(&file, SECRET).unwrap();
    let file = file.to_str().unwrap();
    let mut told = String::new();
    for arguments in [
        &["image", "list", "--json"][..],
        &["image", "list"],
        &["image", "path", "--secret-file", file],
        &["image", "verify", image.name()],
        &["doctor", "--json"],
    ] {
        let ran = memex(arguments);
        told.push_str(&(ran.stdout + &ran.stderr));
    }
    for name in ["image.json", "entry.json"] {
        told.push_str(&std::fs::read_to_string(image.path().join(name)).unwrap());
    }
    told.push_str(&format!("{:?}", spec(SECRET)));
    assert!(told.contains(image.name()), "the control: it was listed");
    for part in [secret.as_str(), &secret[4..20]] {
        assert!(!told.contains(part), "{told}");
    }
    let hex: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!told.contains(&hex[..32]), "{told}");
}

#[test]
fn a_secret_that_cannot_be_one_is_told_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let path = file.to_str().unwrap().to_owned();
    let build = || memex(&["image", "build", "--secret-file", &path]);
    let missing = build();
    assert!(
        missing.status == 2 && missing.stderr.contains(&path) && missing.stderr.contains("hint:"),
        "{missing:#?}"
    );
    for (bytes, expected) in [(31, "too short"), (5000, "too long")] {
        std::fs::write(&file, "k".repeat(bytes)).unwrap();
        let ran = build();
        assert_eq!(ran.status, 2, "{ran:#?}");
        assert!(
            ran.stderr.contains(expected) && !ran.stderr.contains("kkk"),
            "{ran:#?}"
        );
    }
}

#[test]
fn a_secret_of_the_cache_is_private_and_stays() {
    use std::os::unix::fs::PermissionsExt;
    let copy = Copy::new();
    assert_eq!(copy.run(&["run", "-c", "1"]).status, 0);
    // Its own, not the linked one.
    let secret = copy.path().join("secret");
    let bytes = std::fs::read(&secret).unwrap();
    std::fs::remove_file(&secret).unwrap();
    std::fs::write(&secret, &bytes).unwrap();
    let mode = |mode| {
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o644);
    let ran = copy.run(&["run", "-c", "1"]);
    assert_eq!(ran.status, 3, "{ran:#?}");
    assert!(ran.stderr.contains("chmod 600"), "{ran:#?}");
    mode(0o600);
    let ran = copy.run(&["run", "-c", "1"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:#?}");
    std::fs::write(&secret, &bytes[..31]).unwrap();
    let ran = copy.run(&["run", "-c", "1"]);
    assert!(
        ran.status == 3 && ran.stderr.contains("secret") && ran.stderr.contains("damaged"),
        "{ran:#?}"
    );
}

#[test]
fn a_processor_that_this_machine_is_not_is_told() {
    let other = match std::env::consts::ARCH {
        "aarch64" => "x86-64-v3",
        _ => "aarch64",
    };
    let ran = memex(&["run", "--cpu", other, "-c", "1"]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    assert!(
        ran.stderr.contains(&format!("cannot run code for {other}"))
            && ran.stderr.contains(std::env::consts::ARCH)
            && ran.stderr.contains("hint:"),
        "{ran:#?}"
    );
    let ran = memex(&["run", "--cpu", "pentium", "-c", "1"]);
    assert!(
        ran.status == 2 && ran.stderr.contains("x86-64-v3"),
        "{ran:#?}"
    );
    let ran = memex(&["run", "--cpu", "native", "-c", "print(1)"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "1\n"), "{ran:#?}");
}
