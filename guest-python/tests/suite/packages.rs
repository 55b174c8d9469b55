//! Resolving and unpacking packages, with the real package client and a folder
//! of wheels in place of an index.

use std::fs::{self, Permissions};
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use memex_guest_python::{
    Error, FetchOptions, GuestFiles, Manifest, Requirement, Sha256Digest, Unpacked, Wheel,
    check_packages, compare_packages, resolve_packages, unpack_packages,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A wheel under construction; its record is right unless it is made wrong.
struct Making {
    file: String,
    members: Vec<(String, Vec<u8>, Option<u32>)>,
    record: Vec<String>,
}

impl Making {
    fn new(name: &str, version: &str, tag: &str, requires: &[&str]) -> Self {
        let mut making = Self {
            file: format!("{name}-{version}-{tag}.whl"),
            members: Vec::new(),
            record: Vec::new(),
        };
        let mut metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        for requirement in requires {
            metadata.push_str(&format!("Requires-Dist: {requirement}\n"));
        }
        let pure = tag.ends_with("none-any");
        let wheel = format!("Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tag}\n");
        making = making.with(&format!("{name}-{version}.dist-info/METADATA"), &metadata);
        making.with(&format!("{name}-{version}.dist-info/WHEEL"), &wheel)
    }

    fn with(self, member: &str, text: &str) -> Self {
        self.with_kind(member, text, None)
    }

    /// A member with a Unix mode, recorded as it is.
    fn with_kind(mut self, member: &str, text: &str, mode: Option<u32>) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let digest = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
        self.record
            .push(format!("{member},sha256={digest},{}", text.len()));
        self.members.push((member.to_owned(), text.into(), mode));
        self
    }

    /// Changes a member after it was recorded.
    fn altered(mut self, member: &str, text: &str) -> Self {
        for (name, bytes, _) in &mut self.members {
            if name == member {
                *bytes = text.into();
            }
        }
        self
    }

    fn unrecorded(mut self, member: &str, text: &str) -> Self {
        self.members.push((member.to_owned(), text.into(), None));
        self
    }

    fn write(&self, folder: &Path) {
        let info = self.members[0].0.split('/').next().unwrap().to_owned();
        let mut record = self.record.join("\n");
        record.push_str(&format!("\n{info}/RECORD,,\n"));
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes, mode) in &self.members {
            let mut options = SimpleFileOptions::default();
            if let Some(mode) = mode {
                options = options.unix_permissions(*mode);
            }
            match mode {
                Some(mode) if mode & 0o170_000 == 0o120_000 => {
                    let target = String::from_utf8_lossy(bytes);
                    writer.add_symlink(name, target, options).unwrap();
                }
                _ => {
                    writer.start_file(name, options).unwrap();
                    writer.write_all(bytes).unwrap();
                }
            }
        }
        writer
            .start_file(format!("{info}/RECORD"), SimpleFileOptions::default())
            .unwrap();
        writer.write_all(record.as_bytes()).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        fs::write(folder.join(&self.file), bytes).unwrap();
    }
}

fn pure(name: &str, version: &str, requires: &[&str]) -> Making {
    Making::new(name, version, "py3-none-any", requires)
        .with(&format!("{name}/__init__.py"), "value = 1\n")
}

/// A guest that has `table` 2.0, an index of wheels, and the package client.
struct Fixture {
    folder: TempDir,
    manifest: Manifest,
    guest: GuestFiles,
    python: PathBuf,
}

impl Fixture {
    fn new(wheels: &[Making]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("index")).unwrap();
        for wheel in wheels {
            wheel.write(&at("index"));
        }
        let mut library = ZipWriter::new(Cursor::new(Vec::new()));
        for member in ["os.pyc", "table-2.0.dist-info/METADATA"] {
            library
                .start_file(member, SimpleFileOptions::default())
                .unwrap();
        }
        let stdlib = at("python315.zip");
        fs::write(&stdlib, library.finish().unwrap().into_inner()).unwrap();
        let digest = Sha256Digest::of(b"");
        let manifest = format!(
            r#"
version = 1
name = "small"
argv0 = "/python"
package = {{ name = "small", version = "1.0", wheel = "small-1.0.whl", sha256 = "{digest}", bytes = 1 }}
files = [
  {{ role = "module", member = "m.wasm", sha256 = "{digest}", bytes = 1 }},
  {{ role = "stdlib", member = "s.zip", sha256 = "{digest}", bytes = 1, guest_path = "/lib/python315.zip" }},
]
module = {{ shadow_stack_bytes = 64, interrupt_flag_address = 16, imports = [], exports = [] }}
"#
        );
        let python = at("python");
        let script = format!(
            "#!/bin/sh\nexport PIP_NO_INDEX=1 PIP_FIND_LINKS='{}' PIP_CONFIG_FILE=/dev/null\nexec python3 \"$@\"\n",
            at("index").display()
        );
        fs::write(&python, script).unwrap();
        fs::set_permissions(&python, Permissions::from_mode(0o700)).unwrap();
        Self {
            manifest: Manifest::parse(&manifest).unwrap(),
            guest: GuestFiles {
                module: at("m.wasm"),
                stdlib,
                data: Vec::new(),
            },
            folder,
            python,
        }
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("packages")
    }

    fn resolve(&self, requirements: &[&str]) -> Result<Vec<Wheel>, Error> {
        let requirements = requirements.iter().map(|text| Requirement::parse(text));
        let requirements: Vec<Requirement> = requirements.collect::<Result<_, _>>()?;
        let place = self.place();
        // What an earlier case left, if it was refused.
        let _absent = fs::remove_dir_all(&place);
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, Permissions::from_mode(0o700)).unwrap();
        let options = FetchOptions {
            python: Some(self.python.clone()),
            ..FetchOptions::default()
        };
        resolve_packages(
            &self.manifest,
            &self.guest,
            &requirements,
            &[],
            &options,
            &place,
            &mut |_| {},
        )
    }

    fn unpack(&self, wheels: &[Wheel]) -> Result<Unpacked, Error> {
        unpack_packages(wheels, &self.place(), &self.place().join("site"))
    }
}

fn names(wheels: &[Wheel]) -> Vec<String> {
    let told = |wheel: &Wheel| format!("{} {}", wheel.name, wheel.version);
    wheels.iter().map(told).collect()
}

#[test]
fn what_is_needed_comes_along_and_what_the_guest_has_does_not() {
    let fixture = Fixture::new(&[
        pure("greeting", "1.0", &["words>=2", "table>=1"]),
        pure("words", "1.0", &[]),
        pure("words", "2.5", &[]),
        pure("table", "3.0", &[]),
    ]);
    let wheels = fixture.resolve(&["Greeting==1.0"]).unwrap();
    assert_eq!(names(&wheels), ["greeting 1.0", "words 2.5"]);
    for wheel in &wheels {
        let bytes = fs::read(fixture.place().join(&wheel.file)).unwrap();
        assert_eq!(wheel.sha256, Sha256Digest::of(&bytes));
    }
    let unpacked = fixture.unpack(&wheels).unwrap();
    let site = fixture.place().join("site");
    assert_eq!(
        fs::read_to_string(site.join("words/__init__.py")).unwrap(),
        "value = 1\n"
    );
    assert!(site.join("greeting-1.0.dist-info/METADATA").is_file());
    check_packages(&site, unpacked).unwrap();
    compare_packages(&wheels, &fixture.place(), &site).unwrap();
    // What the guest has in this version is nothing to add.
    assert_eq!(fixture.resolve(&["table==2.0"]).unwrap(), []);
}

#[test]
fn what_cannot_be_added_is_said() {
    let fixture = Fixture::new(&[
        pure("greeting", "1.0", &["words==2.0"]),
        pure("words", "2.0", &[]),
        pure("words", "2.5", &[]),
        pure("old", "1.0", &["table<2"]),
        pure("orphan", "1.0", &["nowhere>=1"]),
        pure("wrapper", "1.0", &["native"]),
        Making::new("native", "1.0", "cp315-cp315-linux_x86_64", &[]),
    ]);
    for (requirements, expected) in [
        (&["absent==1.0"][..], "there is no package `absent`"),
        (
            &["words==3.0"],
            "`words` has no version 3.0; there are 2.5, 2.0",
        ),
        (
            &["native==1.0"],
            "`native==1.0` is native code, or a source distribution: it has no pure-Python wheel for Python 3.15",
        ),
        (&["wrapper==1.0"], "which wrapper needs"),
        (
            &["orphan==1.0"],
            "there is no package `nowhere`, which orphan needs",
        ),
        (
            &["table==3.0"],
            "`table` is part of the guest, in version 2.0",
        ),
        (
            &["greeting==1.0", "words==2.5"],
            "the packages do not go together",
        ),
        (&["old==1.0"], "table<2"),
        (&["greeting"], "the version is missing"),
        (&["greeting>=1"], "exact versions only"),
    ] {
        let error = fixture.resolve(requirements).unwrap_err();
        assert!(error.is_about_packages(), "{requirements:?}: {error}");
        let told = error.to_string();
        assert!(told.contains(expected), "{requirements:?}: {told}");
    }
    // The control: the same client and folder do resolve.
    let wheels = fixture.resolve(&["greeting==1.0"]).unwrap();
    assert_eq!(names(&wheels), ["greeting 1.0", "words 2.0"]);
}

#[test]
fn wheels_that_lie_are_not_unpacked() {
    const LINK: u32 = 0o120_777;
    let evil = || pure("evil", "1.0", &[]);
    for (wheel, expected) in [
        (evil().with("../escaped.py", "x"), "plain relative path"),
        (evil().with("/tmp/escaped.py", "x"), "plain relative path"),
        (evil().with("a\\..\\escaped.py", "x"), "plain relative path"),
        (
            evil().with_kind("evil/link", "/etc/passwd", Some(LINK)),
            "plain relative path",
        ),
        (evil().with("evil/fast.so", "x"), "is native code"),
        (
            evil().altered("evil/__init__.py", "value = 2\n"),
            "SHA-256 digest",
        ),
        (evil().unrecorded("evil/more.py", "x"), "SHA-256 digest"),
    ] {
        let fixture = Fixture::new(&[wheel]);
        let wheels = fixture.resolve(&["evil==1.0"]).unwrap();
        let error = fixture.unpack(&wheels).unwrap_err();
        assert!(matches!(error, Error::PackageWheel { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        let escaped = fixture.folder.path().join("packages/escaped.py");
        assert!(!escaped.exists() && !Path::new("/tmp/escaped.py").exists());
    }
    // The control: the same wheel without a lie.
    let fixture = Fixture::new(&[evil().with("evil/deep/more.py", "x = 1\n")]);
    let wheels = fixture.resolve(&["evil==1.0"]).unwrap();
    assert_eq!(fixture.unpack(&wheels).unwrap().files, 5);
}

#[test]
fn two_packages_share_no_file_unless_it_is_the_same() {
    let shared = |text: &str| {
        [
            pure("one", "1.0", &["two"]).with("space/__init__.py", "same"),
            pure("two", "1.0", &[]).with("space/__init__.py", text),
        ]
    };
    let fixture = Fixture::new(&shared("same"));
    let wheels = fixture.resolve(&["one==1.0"]).unwrap();
    fixture.unpack(&wheels).unwrap();
    let fixture = Fixture::new(&shared("other"));
    let wheels = fixture.resolve(&["one==1.0"]).unwrap();
    let error = fixture.unpack(&wheels).unwrap_err();
    assert!(error.to_string().contains("another package"), "{error}");
}

#[test]
fn what_was_altered_after_unpacking_is_found() {
    let fixture = Fixture::new(&[pure("one", "1.0", &[])]);
    let wheels = fixture.resolve(&["one==1.0"]).unwrap();
    let unpacked = fixture.unpack(&wheels).unwrap();
    let site = fixture.place().join("site");
    let module = site.join("one/__init__.py");
    fs::write(&module, "value = 7\n").unwrap();
    // As many bytes: only the comparison sees it.
    check_packages(&site, unpacked).unwrap();
    let compared = compare_packages(&wheels, &fixture.place(), &site);
    assert!(matches!(compared, Err(Error::Altered { .. })));
    fs::write(site.join("one/extra.py"), "").unwrap();
    let checked = check_packages(&site, unpacked);
    assert!(matches!(checked, Err(Error::Altered { .. })));
    fs::remove_file(site.join("one/extra.py")).unwrap();
    fs::set_permissions(&module, Permissions::from_mode(0o666)).unwrap();
    let checked = check_packages(&site, unpacked);
    assert!(matches!(checked, Err(Error::Untrusted { .. })));
    // A wheel that is another one than was recorded.
    fs::write(fixture.place().join(&wheels[0].file), "other").unwrap();
    let again = unpack_packages(&wheels, &fixture.place(), &site.join("new"));
    assert!(matches!(again, Err(Error::Altered { .. })));
}
