//! The store itself: its opening, and its side of the backend.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::bucket::{Bucket, Written};
use super::driver::Driver;
use super::gate::{RemotePass, RemoteSweep};
use super::registers::Registers;
use super::{gate, leases, location};
use crate::backend::{Backend, Judge, Key, Listed};
use crate::{Error, SessionLock, check_session_name};

/// A store in a bucket, for any number of machines.
///
/// Made for services with conditional writes, as S3 has: they are what keeps
/// two writers of one session apart. Requests that fail for a passing reason
/// are tried again. Calls block; they may be made from asynchronous code's
/// threads, but hold those up.
///
/// [`lock_session`](crate::SnapshotStore::lock_session) takes a lease of a
/// minute that a live holder renews; a holder that died blocks the session
/// until its lease ends. Leases compare clocks, so those of all machines must
/// agree within seconds. A lost lease costs double work, never lost work.
///
/// While a collection removes objects, saves wait; a collection that died does
/// not hold them up for more than two minutes.
pub struct ObjectStore {
    pub(super) bucket: Arc<Bucket>,
}

/// How often a pointer's replacement is tried.
const ATTEMPTS_MAX: usize = 10;

impl ObjectStore {
    /// Opens the store at `url`: `s3://BUCKET/PREFIX`, `file:///DIRECTORY` or
    /// `memory://`. The last is a new, empty one each time.
    ///
    /// # Errors
    /// [`Error::Url`] if it names none.
    pub fn open(url: &str) -> Result<Self, Error> {
        Self::open_with(url, [])
    }

    /// As [`open`](Self::open), with options for an S3 service by the names of
    /// the environment variables that others read them from, such as
    /// `AWS_ACCESS_KEY_ID`, `AWS_REGION` and `AWS_ENDPOINT`. This reads no
    /// environment; names that mean nothing to it are passed over.
    ///
    /// # Errors
    /// [`Error::Url`] if the URL or an option's value cannot be used.
    pub fn open_with(
        url: &str,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        let bucket = location::open(url, options.into_iter().collect(), Driver::start()?)?;
        Ok(Self {
            bucket: Arc::new(bucket),
        })
    }

    /// As [`open_with`](Self::open_with), with requests on a tokio runtime that
    /// the process has already, instead of a thread of the store's own. It must
    /// have I/O and time enabled, run on threads other than those that call the
    /// store, and outlive it.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open_on(
        url: &str,
        options: impl IntoIterator<Item = (String, String)>,
        runtime: &Handle,
    ) -> Result<Self, Error> {
        let driver = Driver::on(runtime.clone());
        let bucket = location::open(url, options.into_iter().collect(), driver)?;
        Ok(Self {
            bucket: Arc::new(bucket),
        })
    }

    /// A store over any service that the `object_store` crate speaks to, under
    /// `prefix`. It must support conditional writes.
    ///
    /// # Errors
    /// [`Error::Url`] if the prefix cannot be used.
    pub fn over(service: Arc<dyn object_store::ObjectStore>, prefix: &str) -> Result<Self, Error> {
        let bucket = Bucket::new(
            service,
            prefix,
            format!("{prefix}/"),
            None,
            Driver::start()?,
        )?;
        Ok(Self {
            bucket: Arc::new(bucket),
        })
    }

    /// Objects beside the store's own, under names that it does not use.
    #[must_use]
    pub fn registers(&self) -> Registers {
        Registers {
            bucket: Arc::clone(&self.bucket),
        }
    }
}

impl std::fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectStore")
            .field("place", &self.bucket.place(""))
            .finish_non_exhaustive()
    }
}

fn object(key: &Key) -> String {
    let (directory, file) = key.parts();
    format!("objects/{directory}/{file}")
}

fn pointer(name: &str) -> String {
    format!("sessions/{name}")
}

impl Backend for ObjectStore {
    type Pass<'a> = RemotePass;
    type Sweep<'a> = RemoteSweep;

    fn enter(&self) -> Result<RemotePass, Error> {
        gate::enter(&self.bucket)
    }

    fn intact(&self, pass: &RemotePass) -> Result<bool, Error> {
        gate::intact(&self.bucket, pass)
    }

    fn sweep(&self) -> Result<RemoteSweep, Error> {
        gate::sweep(&self.bucket)
    }

    fn sweep_lasts(&self, sweep: &RemoteSweep) -> bool {
        sweep.lasts()
    }

    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        let found = self.bucket.read(&object(key))?;
        Ok(found.map(|(bytes, _)| bytes))
    }

    fn read_many(&self, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.bucket.read_many(keys.iter().map(object).collect())
    }

    fn present(&self, keys: &[Key]) -> Result<Vec<bool>, Error> {
        self.bucket.present(keys.iter().map(object).collect())
    }

    fn write(&self, objects: &[(Key, Vec<u8>)]) -> Result<(), Error> {
        let objects = objects
            .iter()
            .map(|(key, bytes)| (object(key), bytes.clone()));
        self.bucket.write_many(objects.collect())
    }

    fn remove(&self, keys: &[Key]) -> Result<(), Error> {
        self.bucket.remove_many(keys.iter().map(object).collect())
    }

    fn list(&self) -> Result<Vec<Listed>, Error> {
        self.bucket.list("objects", |found| {
            let (directory, file) = found.name.split_once('/')?;
            Some(Listed {
                key: Key::from_parts(directory, file)?,
                bytes: found.bytes,
                modified_unix_ms: found.modified_unix_ms,
            })
        })
    }

    fn place(&self, key: &Key) -> String {
        self.bucket.place(&object(key))
    }

    fn read_pointer(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let found = self.bucket.read(&pointer(name))?;
        Ok(found.map(|(bytes, _)| bytes))
    }

    fn list_pointers(&self) -> Result<Vec<String>, Error> {
        let mut names = self.bucket.list("sessions", |found| {
            check_session_name(&found.name).ok().map(|()| found.name)
        })?;
        names.sort();
        Ok(names)
    }

    fn swap_pointer(&self, name: &str, judge: Judge<'_>) -> Result<(), Error> {
        let path = pointer(name);
        let mut written = None;
        for _ in 0..ATTEMPTS_MAX {
            let (current, version) = self.bucket.read(&path)?.unzip();
            // A write whose answer was lost looks like another process's.
            if current.is_some() && current == written {
                return Ok(());
            }
            let new = judge(current.as_deref())?;
            if self.bucket.replace(&path, version, new.clone())? == Written::Yes {
                return Ok(());
            }
            written = Some(new);
        }
        Err(Error::Busy {
            place: self.bucket.place(&path),
            what: "others kept moving the session",
        })
    }

    fn remove_pointer(&self, name: &str) -> Result<bool, Error> {
        let path = pointer(name);
        let was = self.bucket.read(&path)?.is_some();
        if was {
            self.bucket.remove_many(vec![path])?;
        }
        Ok(was)
    }

    fn place_pointer(&self, name: &str) -> String {
        self.bucket.place(&pointer(name))
    }

    fn lock(&self, name: &str) -> Result<SessionLock, Error> {
        leases::lock_session(&self.bucket, name)
    }

    /// Uploads that were not finished leave nothing that can be seen.
    fn remove_leftovers(&self, _: u64) -> Result<u64, Error> {
        Ok(0)
    }
}
