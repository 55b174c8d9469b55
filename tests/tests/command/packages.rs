//! Packages that are added to an image: from a folder of wheels, never an index.

use crate::memex::{Ran, command};
use std::path::Path;
use std::process::Command;

/// Writes wheels of Python alone, and one of native code. The same bytes each
/// time: the image that is made of them is built once.
const WHEELS: &str = r#"
import base64, hashlib, sys, zipfile

def wheel(name, version, files, requires=(), tag="py3-none-any"):
    info = f"{name}-{version}.dist-info/"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {one}\n" for one in requires)
    pure = "true" if tag.endswith("any") else "false"
    files = dict(files)
    files[info + "METADATA"] = metadata
    files[info + "WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    record = ""
    with zipfile.ZipFile(f"{sys.argv[1]}/{name}-{version}-{tag}.whl", "w") as archive:
        for path, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(text.encode())}\n"
            archive.writestr(zipfile.ZipInfo(path), text)
        archive.writestr(zipfile.ZipInfo(info + "RECORD"), record + info + "RECORD,,\n")

wheel("memex_toy", "1.2", {
    "memex_toy/__init__.py": "from memex_toy_words import word\nimport pathlib\n"
        "def hello(): return word() + ', ' + (pathlib.Path(__file__).parent / 'name.txt').read_text()\n",
    "memex_toy/name.txt": "world",
}, ["memex-toy-words>=2", "numpy>=1"])
wheel("memex_toy_words", "2.0", {"memex_toy_words.py": "def word(): return 'hello'\n"})
wheel("memex_toy_native", "1.0", {"memex_toy_native.py": ""}, tag="cp315-cp315-linux_x86_64")
wheel("torch", "1.0", {"torch.py": ""}, tag="cp315-cp315-linux_x86_64")
"#;

fn index(folder: &Path) {
    let made = Command::new("python3")
        .args(["-c", WHEELS])
        .arg(folder)
        .status();
    assert!(made.unwrap().success());
}

/// The command, with the package client shown the folder and nothing else.
fn with_index(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = command(arguments);
    command
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", folder);
    command.env("PIP_CONFIG_FILE", "/dev/null");
    command.output().unwrap().into()
}

/// The command where there is no package client at all.
fn offline(arguments: &[&str]) -> Ran {
    command(arguments)
        .env("PATH", "/nowhere")
        .output()
        .unwrap()
        .into()
}

#[test]
fn a_package_is_added_to_an_image() {
    let folder = tempfile::tempdir().unwrap();
    index(folder.path());
    let package = ["--package", "memex-toy==1.2"];
    let built = with_index(folder.path(), &[&["image", "build"][..], &package].concat());
    assert_eq!(built.status, 0, "{built:#?}");
    assert!(
        built.stderr.contains("memex-toy-words 2.0  sha256:"),
        "{built:#?}"
    );
    let path = built.stdout.trim();
    let key = Path::new(path).file_name().unwrap().to_str().unwrap();

    // From here on there is neither an index nor a client.
    drop(folder);
    let listed = offline(&["image", "list"]);
    assert_eq!(listed.status, 0, "{listed:#?}");
    let (_, of_image) = listed.stdout.split_once(key).unwrap();
    let lines: Vec<&str> = of_image.lines().skip(1).take(2).collect();
    assert!(
        lines[0].starts_with("    memex-toy 1.2  sha256:"),
        "{listed:#?}"
    );
    assert!(
        lines[1].starts_with("    memex-toy-words 2.0  sha256:"),
        "{listed:#?}"
    );
    let code = "import memex_toy\nmemex_toy.hello()";
    let install = "!pip install memex-toy numpy\n!pip install memex_toy==9.9";
    let absent = "!pip install memex-toy-native";
    let run = [
        &["run"][..],
        &package,
        &["-c", code, "-c", install, "-c", absent],
    ]
    .concat();
    let ran = offline(&run);
    assert_eq!(
        ran.stdout,
        "'hello, world'\nalready available: memex-toy, numpy\nalready available: memex_toy (1.2, not 9.9)\n",
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("--package NAME==VERSION"), "{ran:#?}");
    // By its key; read-only, behind the guest's own library.
    let code = "import memex_toy, sys\nmemex_toy.__file__, sys.path[-1]";
    let write = "open('/usr/local/lib/packages/memex_toy/name.txt', 'w')";
    let ran = offline(&["run", "--image", key, "-c", code, "-c", write]);
    assert_eq!(
        ran.stdout,
        "('/usr/local/lib/packages/memex_toy/__init__.py', '/usr/local/lib/packages')\n"
    );
    assert!(ran.stderr.contains("Error"), "{ran:#?}");
    let verified = offline(&["image", "verify", key]);
    assert_eq!(verified.status, 0, "{verified:#?}");
    // The control: the standard image does not have it.
    let ran = offline(&["run", "-c", "import memex_toy"]);
    assert!(ran.stderr.contains("ModuleNotFoundError"), "{ran:#?}");
}

#[test]
fn packages_that_cannot_be_added_are_errors_of_use() {
    let folder = tempfile::tempdir().unwrap();
    index(folder.path());
    for (packages, expected) in [
        (&["memex-toy"][..], "the version is missing"),
        (&["memex-toy>=1"], "exact versions only"),
        (&["memex-toy==7.0"], "has no version 7.0; there are 1.2"),
        (
            &["memex-nothing==1.0"],
            "there is no package `memex-nothing`",
        ),
        (&["memex-toy-native==1.0"], "native code"),
        (&["torch==1.0"], "hint: use scikit-learn"),
        (&["numpy==1.0"], "`numpy` is part of the guest"),
        (&["memex-toy==1.2", "memex-toy==1.3"], "are asked for"),
    ] {
        let options = packages.iter().flat_map(|package| ["--package", package]);
        for command in [&["image", "build"][..], &["run", "-c", "1"]] {
            let arguments: Vec<&str> = command.iter().copied().chain(options.clone()).collect();
            let ran = with_index(folder.path(), &arguments);
            assert_eq!(ran.status, 2, "{arguments:?}: {ran:#?}");
            assert!(
                ran.stderr.contains(expected) && ran.stderr.contains("hint:"),
                "{arguments:?}: {ran:#?}"
            );
        }
    }
    let ran = offline(&["image", "path", "--package", "memex-never==1.0"]);
    assert_eq!(ran.status, 2, "{ran:#?}");
    assert!(
        ran.stderr
            .contains("memex image build --package memex-never==1.0"),
        "{ran:#?}"
    );
}

#[test]
fn packages_are_read_from_a_requirements_file() {
    let folder = tempfile::tempdir().unwrap();
    index(folder.path());
    let file = folder.path().join("requirements.txt");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "# for the tests\nmemex-toy==1.2   # and words\n\n").unwrap();
    let built = with_index(folder.path(), &["image", "build", "--requirements", path]);
    assert_eq!(built.status, 0, "{built:#?}");
    assert!(
        built.stderr.contains("memex-toy 1.2  sha256:"),
        "{built:#?}"
    );
    let code = "import memex_toy\nmemex_toy.hello()";
    let ran = offline(&["run", "--requirements", path, "-c", code]);
    assert_eq!(ran.stdout, "'hello, world'\n", "{ran:#?}");
    for (text, expected) in [
        ("memex-toy>=1", "line 1: `memex-toy>=1` names no package"),
        (
            "\n-r other.txt",
            "line 2: `-r other.txt` is an option of pip",
        ),
        ("a==1; python_version < '3'", "has a condition"),
        ("torch==1.0", "native code"),
    ] {
        std::fs::write(&file, text).unwrap();
        let ran = with_index(folder.path(), &["image", "build", "--requirements", path]);
        assert_eq!(ran.status, 2, "{text}: {ran:#?}");
        assert!(ran.stderr.contains(expected), "{text}: {ran:#?}");
    }
    let ran = offline(&["run", "--requirements", "/nowhere.txt", "-c", "1"]);
    assert_eq!(ran.status, 2, "{ran:#?}");
}
