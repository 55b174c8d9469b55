//! A prefix of a bucket: whole objects in, whole objects out.

use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use object_store::path::Path;
use object_store::{
    Error as ServiceError, ObjectMeta, ObjectStore as Service, ObjectStoreExt, PutMode, PutPayload,
    UpdateVersion,
};
use rustix::fs::OFlags;

use crate::Error;
use crate::remote::driver::Driver;
use crate::remote::listing;

/// Requests under way at once.
const CONCURRENCY: usize = 16;
/// No object of a store is larger; one that claims to be is not fetched.
const OBJECT_BYTES_MAX: u64 = crate::codec::SNAPSHOT_OBJECT_BYTES_MAX as u64;
/// No name of an object below its folder is longer.
const NAME_BYTES_MAX: usize = 256;

pub(super) struct Bucket {
    service: Arc<dyn Service>,
    prefix: Path,
    shown: String,
    driver: Driver,
    /// For a service without conditional replacement, which only a local
    /// directory is: the file to lock meanwhile.
    lock: Option<PathBuf>,
}

/// An object that a list names.
pub(super) struct Found {
    /// Its name below the folder that is listed.
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) modified_unix_ms: u64,
}

/// Whether a conditional write took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Yes,
    /// The object was not what it was said to be.
    No,
}

type Shared = Arc<dyn Service>;

impl Bucket {
    pub(super) fn new(
        service: Arc<dyn Service>,
        prefix: &str,
        shown: String,
        lock: Option<PathBuf>,
        driver: Driver,
    ) -> Result<Self, Error> {
        let prefix = Path::parse(prefix).map_err(|error| Error::Url {
            url: shown.clone(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            service,
            prefix,
            shown,
            driver,
            lock,
        })
    }

    pub(super) fn place(&self, name: &str) -> String {
        format!("{}{name}", self.shown)
    }

    pub(super) fn read(&self, name: &str) -> Result<Option<(Vec<u8>, UpdateVersion)>, Error> {
        let (service, path) = (Arc::clone(&self.service), self.path(name));
        let found = self
            .driver
            .run(async move { fetch(&service, &path).await })?;
        self.judge("read", name, found)?
            .map(|(bytes, version)| self.bounded(name, bytes).map(|bytes| (bytes, version)))
            .transpose()
    }

    pub(super) fn read_many(&self, names: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let found = self.each(&names, |service, path| async move {
            fetch(&service, &path).await
        })?;
        names
            .iter()
            .zip(found)
            .map(|(name, found)| {
                let found = self.judge("read", name, found)?;
                found
                    .map(|(bytes, _)| self.bounded(name, bytes))
                    .transpose()
            })
            .collect()
    }

    pub(super) fn present(&self, names: Vec<String>) -> Result<Vec<bool>, Error> {
        let found = self.each(&names, |service, path| async move {
            match service.head(&path).await {
                Ok(_) => Ok(true),
                Err(ServiceError::NotFound { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        })?;
        let pairs = names.iter().zip(found);
        pairs
            .map(|(name, found)| self.judge("look at", name, found))
            .collect()
    }

    pub(super) fn write_many(&self, objects: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        let (names, contents): (Vec<String>, Vec<Vec<u8>>) = objects.into_iter().unzip();
        let work: Vec<_> = names
            .iter()
            .map(|name| self.path(name))
            .zip(contents)
            .collect();
        let service = Arc::clone(&self.service);
        let results: Vec<_> = self.driver.run(async move {
            let requests = work.into_iter().map(|(path, bytes)| {
                let service = Arc::clone(&service);
                async move { service.put(&path, PutPayload::from(bytes)).await.map(drop) }
            });
            stream::iter(requests).buffered(CONCURRENCY).collect().await
        })?;
        let mut pairs = names.iter().zip(results);
        pairs.try_for_each(|(name, result)| self.judge("write", name, result))
    }

    pub(super) fn remove_many(&self, names: Vec<String>) -> Result<(), Error> {
        let results = self.each(&names, |service, path| async move {
            match service.delete(&path).await {
                Ok(()) | Err(ServiceError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })?;
        let mut pairs = names.iter().zip(results);
        pairs.try_for_each(|(name, result)| self.judge("remove", name, result))
    }

    /// What `wanted` makes of the objects under `directory`. What lies elsewhere, or has a
    /// longer name than any object of ours, is not asked about.
    pub(super) fn list<T: Send + 'static>(
        &self,
        directory: &str,
        wanted: impl Fn(Found) -> Option<T> + Send + 'static,
    ) -> Result<Vec<T>, Error> {
        let (service, path) = (Arc::clone(&self.service), self.path(directory));
        let listed = self.driver.run(async move {
            let below = path.clone();
            let list = service.list(Some(&path));
            let ours = move |meta: ObjectMeta| {
                let parts: Vec<_> = meta.location.prefix_match(&below)?.collect();
                let name: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
                let modified = u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0);
                let name = Some(name.join("/")).filter(|name| name.len() <= NAME_BYTES_MAX)?;
                wanted(Found {
                    name,
                    bytes: meta.size,
                    modified_unix_ms: modified,
                })
            };
            listing::collected(list, listing::Bounds::default(), ours).await
        })?;
        self.judge("list", directory, listed)
    }

    /// Writes an object if it is still at `version`; without one, if it is not
    /// there.
    pub(super) fn replace(
        &self,
        name: &str,
        version: Option<UpdateVersion>,
        bytes: Vec<u8>,
    ) -> Result<Written, Error> {
        let (service, path) = (Arc::clone(&self.service), self.path(name));
        let _alone = self.lock.as_ref().map(lock_file).transpose()?;
        let native = self.lock.is_none();
        let result = self.driver.run(async move {
            let mode = match version {
                None => PutMode::Create,
                Some(version) if native => PutMode::Update(version),
                Some(version) => {
                    let now = service.head(&path).await?;
                    if now.e_tag != version.e_tag {
                        return Ok(Written::No);
                    }
                    PutMode::Overwrite
                }
            };
            let put = service.put_opts(&path, PutPayload::from(bytes), mode.into());
            put.await.map(|_| Written::Yes)
        })?;
        match result {
            Err(
                ServiceError::AlreadyExists { .. }
                | ServiceError::Precondition { .. }
                | ServiceError::NotFound { .. },
            ) => Ok(Written::No),
            other => self.judge("write", name, other),
        }
    }

    /// One request for each name, several at once; results in order.
    fn each<T, F>(
        &self,
        names: &[String],
        request: impl Fn(Shared, Path) -> F + Send + 'static,
    ) -> Result<Vec<Result<T, ServiceError>>, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ServiceError>> + Send + 'static,
    {
        let paths: Vec<Path> = names.iter().map(|name| self.path(name)).collect();
        let service = Arc::clone(&self.service);
        let requests: Vec<F> = paths
            .into_iter()
            .map(|path| request(Arc::clone(&service), path))
            .collect();
        self.driver
            .run(async move { stream::iter(requests).buffered(CONCURRENCY).collect().await })
    }

    fn path(&self, name: &str) -> Path {
        let parts = name.split('/').map(object_store::path::PathPart::from);
        self.prefix.parts().chain(parts).collect()
    }

    fn bounded(&self, name: &str, bytes: Option<Vec<u8>>) -> Result<Vec<u8>, Error> {
        let flaw = crate::codec::Flaw::What("it is longer than such an object can be");
        bytes.ok_or_else(|| flaw.at(self.place(name)))
    }

    fn judge<T>(
        &self,
        action: &'static str,
        name: &str,
        result: Result<T, ServiceError>,
    ) -> Result<T, Error> {
        result.map_err(|error| Error::Remote {
            action,
            place: self.place(name),
            source: error.into(),
        })
    }
}

/// An object, if there is one; without bytes if it is too long.
async fn fetch(
    service: &Shared,
    path: &Path,
) -> Result<Option<(Option<Vec<u8>>, UpdateVersion)>, ServiceError> {
    let found = match service.get(path).await {
        Ok(found) => found,
        Err(ServiceError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let version = UpdateVersion {
        e_tag: found.meta.e_tag.clone(),
        version: found.meta.version.clone(),
    };
    if found.meta.size > OBJECT_BYTES_MAX {
        return Ok(Some((None, version)));
    }
    let bytes = found.bytes().await?;
    Ok(Some((Some(bytes.to_vec()), version)))
}

fn lock_file(path: &PathBuf) -> Result<std::fs::File, Error> {
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path);
    let locked = file.and_then(|file| file.lock().map(|()| file));
    locked.map_err(|error| Error::io("lock", path.display().to_string(), error))
}
