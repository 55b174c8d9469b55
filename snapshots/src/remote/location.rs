//! From a URL to a bucket.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use url::Url;

use crate::Error;
use crate::directory::check_private;
use crate::remote::bucket::Bucket;
use crate::remote::driver::Driver;

pub(super) fn open(
    text: &str,
    options: Vec<(String, String)>,
    driver: Driver,
) -> Result<Bucket, Error> {
    let url = Url::parse(text).map_err(|error| refused(text, &error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        let mut url = url;
        let _ = (url.set_username(""), url.set_password(None));
        return Err(refused(
            url.as_str(),
            "it holds credentials; give them as options",
        ));
    }
    match url.scheme() {
        "memory" => Bucket::new(
            Arc::new(InMemory::new()),
            "",
            "memory:///".to_owned(),
            None,
            driver,
        ),
        "file" => open_directory(&url, driver),
        "s3" => open_s3(&url, options, driver),
        _ => Err(refused(text, "its scheme is unknown")),
    }
}

fn open_directory(url: &Url, driver: Driver) -> Result<Bucket, Error> {
    let path = url
        .to_file_path()
        .map_err(|()| refused(url.as_str(), "it is not the path of a local directory"))?;
    let failed = |error| Error::io("create", path.display().to_string(), error);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&path)
        .map_err(failed)?;
    check_directory(&path, DIRECTORIES_DEPTH)?;
    let service = LocalFileSystem::new_with_prefix(&path)
        .map_err(|error| refused(url.as_str(), &error.to_string()))?
        .with_fsync(true);
    let shown = format!("{}/", path.display());
    Bucket::new(
        Arc::new(service),
        "",
        shown,
        Some(path.join(".conditional-writes")),
        driver,
    )
}

/// How deep the directories of a bucket lie below its own: `objects/ab`.
const DIRECTORIES_DEPTH: usize = 2;

/// Refuses a directory that others may write, or in which they may write. The
/// service makes directories as the process's umask says, which does no harm
/// in a directory that other users cannot enter.
fn check_directory(path: &Path, depth: usize) -> Result<(), Error> {
    let failed = |error| Error::io("look at", path.display().to_string(), error);
    let metadata = fs::symlink_metadata(path).map_err(failed)?;
    if metadata.is_symlink() && depth == DIRECTORIES_DEPTH {
        // Where the caller says that the bucket is.
        let real = fs::canonicalize(path).map_err(failed)?;
        return check_directory(&real, depth);
    }
    check_private(path, &metadata)?;
    let is_open = metadata.permissions().mode() & 0o011 != 0;
    if depth == 0 || !is_open {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            check_directory(&entry.path(), depth - 1)?;
        } else if kind.is_symlink() {
            return Err(refused(
                &format!("file://{}", path.display()),
                "a part of it is a link",
            ));
        }
    }
    Ok(())
}

#[cfg(feature = "s3")]
fn open_s3(url: &Url, options: Vec<(String, String)>, driver: Driver) -> Result<Bucket, Error> {
    use object_store::RetryConfig;
    use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

    let bucket = url.host_str().unwrap_or_default();
    if bucket.is_empty() {
        return Err(refused(url.as_str(), "it names no bucket"));
    }
    let retry = RetryConfig {
        max_retries: 6,
        retry_timeout: std::time::Duration::from_secs(60),
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_http_connector(super::connector::Connector)
        .with_retry(retry);
    for (name, value) in options {
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    let service = builder
        .build()
        .map_err(|error| refused(url.as_str(), &error.to_string()))?;
    let prefix = url.path().trim_matches('/');
    let shown = match prefix {
        "" => format!("s3://{bucket}/"),
        prefix => format!("s3://{bucket}/{prefix}/"),
    };
    Bucket::new(Arc::new(service), prefix, shown, None, driver)
}

#[cfg(not(feature = "s3"))]
fn open_s3(url: &Url, _: Vec<(String, String)>, _: Driver) -> Result<Bucket, Error> {
    Err(refused(url.as_str(), "this build was made without S3"))
}

fn refused(url: &str, reason: &str) -> Error {
    Error::Url {
        url: url.to_owned(),
        reason: reason.to_owned(),
    }
}
