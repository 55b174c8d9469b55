//! Where a store may be.

use std::fs;

use memex_snapshots::{DirectoryStore, Error, ObjectStore, SnapshotStore};
use tempfile::TempDir;

use crate::common::{chain, is_whole};

#[test]
fn a_directory_is_a_store_or_becomes_one() {
    let root = TempDir::new().unwrap();
    let deep = root.path().join("a/b/store");
    let records = chain(&DirectoryStore::open(&deep).unwrap(), "a", 2);
    let again = DirectoryStore::open(&deep).unwrap();
    assert_eq!(again.path(), deep);
    assert!(is_whole(&again, &records[1].id));
    // Killed while it was being made: made again.
    fs::remove_file(deep.join("format")).unwrap();
    fs::remove_dir(deep.join("objects/00")).unwrap();
    assert!(is_whole(
        &DirectoryStore::open(&deep).unwrap(),
        &records[1].id
    ));
    assert!(deep.join("objects/00").is_dir());
}

#[test]
fn other_directories_are_left_alone() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("photos");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("one.jpg"), b"jpg").unwrap();
    let file = root.path().join("file");
    fs::write(&file, b"").unwrap();
    let later = root.path().join("later");
    fs::create_dir(&later).unwrap();
    fs::write(later.join("format"), b"memex store 2\n").unwrap();
    let strange = root.path().join("strange");
    fs::create_dir(&strange).unwrap();
    fs::write(strange.join("format"), b"A4").unwrap();
    let not = |path: &std::path::Path, reason: &str| {
        format!(
            "{} is not a store: {reason}; name a new or empty directory",
            path.display()
        )
    };
    let cases = [
        (&path, not(&path, "it holds other files")),
        (&file, not(&file, "it is not a directory")),
        (
            &strange,
            not(&strange, "its format file says something else"),
        ),
        (
            &later,
            format!(
                "{} has format version 2, this build reads 1; use the build that wrote it",
                later.display()
            ),
        ),
    ];
    for (path, message) in cases {
        assert_eq!(DirectoryStore::open(path).unwrap_err().to_string(), message);
    }
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
}

#[test]
fn urls_name_stores_or_say_why_not() {
    let root = TempDir::new().unwrap();
    let url = format!("file://{}/new/store", root.path().display());
    let records = chain(&ObjectStore::open(&url).unwrap(), "a", 2);
    assert!(is_whole(&ObjectStore::open(&url).unwrap(), &records[1].id));

    for (url, reason) in [
        ("nonsense", "relative URL without a base"),
        ("ftp://host/x", "its scheme is unknown"),
        ("s3:///prefix", "it names no bucket"),
        (
            "file://elsewhere/x",
            "it is not the path of a local directory",
        ),
        (
            "s3://key:secret@bucket/x",
            "it holds credentials; give them as options",
        ),
    ] {
        let error = ObjectStore::open(url).unwrap_err();
        assert!(
            matches!(&error, Error::Url { reason: found, .. } if found == reason),
            "{error}"
        );
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn a_bucket_in_a_directory_that_others_may_write_is_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let root = TempDir::new().unwrap();
    let bucket = root.path().join("bucket");
    let url = format!("file://{}", bucket.display());
    let records = chain(&ObjectStore::open(&url).unwrap(), "a", 1);
    let set = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let objects = bucket.join("objects");
    let below = fs::read_dir(&objects)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    set(&bucket, 0o755);
    for path in [&bucket, &objects, &below] {
        set(path, 0o775);
        let error = ObjectStore::open(&url).unwrap_err().to_string();
        let start = format!("{} may be written by others", path.display());
        assert!(error.starts_with(&start), "{error}");
        set(path, 0o755);
    }
    assert!(is_whole(&ObjectStore::open(&url).unwrap(), &records[0].id));
    // Where nobody else gets in, what lies below is nobody else's.
    set(&bucket, 0o700);
    set(&objects, 0o775);
    assert!(is_whole(&ObjectStore::open(&url).unwrap(), &records[0].id));
    set(&objects, 0o755);
    set(&bucket, 0o755);
    symlink("/tmp", bucket.join("link")).unwrap();
    let error = ObjectStore::open(&url).unwrap_err().to_string();
    assert!(error.contains("a part of it is a link"), "{error}");
}

#[cfg(feature = "s3")]
#[test]
fn a_bucket_that_cannot_be_reached_is_named() {
    // Nobody listens on the discard port; a refused connection is tried again
    // until the retries are spent, so this one is cut short.
    let options = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "hidden"),
        ("AWS_ENDPOINT", "http://127.0.0.1:9"),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-west-1"),
        ("HOME", "/nowhere"),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let store = ObjectStore::open_with("s3://bucket/some/prefix", options).unwrap();
    let error = store.session("work").unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("cannot read s3://bucket/some/prefix/sessions/work: "),
        "{text}"
    );
    assert!(!text.contains("hidden"), "{text}");
}

/// The positive control is the test above: the same options without these open.
#[cfg(feature = "s3")]
#[test]
fn options_that_a_bucket_cannot_obey_are_refused_by_name() {
    for (name, value) in [
        ("AWS_ALLOW_INVALID_CERTIFICATES", "true"),
        ("AWS_HTTP2_ONLY", "true"),
        ("AWS_PROXY_CA_CERTIFICATE", "text"),
    ] {
        let options = [
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "hidden"),
            (name, value),
        ];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let error = ObjectStore::open_with("s3://bucket/x", options).unwrap_err();
        let option = name.trim_start_matches("AWS_").to_ascii_lowercase();
        let expected = format!("the option `{option}` is not supported; take it away");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}
