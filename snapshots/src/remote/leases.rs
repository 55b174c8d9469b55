//! Locks that end by themselves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crate::codec::Lease;
use crate::lock::Hold;
use crate::record::unix_ms;
use crate::remote::bucket::{Bucket, Written};
use crate::{Error, SessionLock};

/// How long a session's lock holds without being renewed.
const SESSION_LEASE: Duration = Duration::from_secs(60);
/// How often a live holder renews it.
const RENEWAL: Duration = Duration::from_secs(15);

/// Takes the lease on a session, if it is free.
pub(super) fn lock_session(bucket: &Arc<Bucket>, name: &str) -> Result<SessionLock, Error> {
    let path = format!("locks/{name}");
    match take(bucket, &path, SESSION_LEASE)? {
        Taken::Ours(lease) => {
            let holding = Holding::start(Arc::clone(bucket), path, lease)?;
            Ok(SessionLock::new(name, holding))
        }
        Taken::Theirs(lease) => Err(Error::SessionInUse {
            name: name.to_owned(),
            pid: u32::try_from(lease.pid).ok(),
            holder: lease.holder,
        }),
    }
}

/// The outcome of asking for a lease.
pub(super) enum Taken {
    Ours(Lease),
    Theirs(Lease),
}

/// Takes a lease if it is free or has ended.
pub(super) fn take(bucket: &Bucket, path: &str, lasting: Duration) -> Result<Taken, Error> {
    loop {
        let (current, version) = read_versioned(bucket, path)?.unzip();
        if let Some(current) = current.as_ref().filter(|lease| is_active(lease)) {
            return Ok(Taken::Theirs(current.clone()));
        }
        let lease = Lease {
            holder: holder(),
            pid: u64::from(std::process::id()),
            token: getrandom::u64().map_err(|error| {
                Error::io(
                    "draw random numbers for",
                    path,
                    std::io::Error::other(error.to_string()),
                )
            })?,
            generation: current.map_or(0, |lease| lease.generation).wrapping_add(1),
            expires_unix_ms: from_now(lasting),
        };
        if bucket.replace(path, version, lease.encode())? == Written::Yes {
            return Ok(Taken::Ours(lease));
        }
        // Another process was faster, or our answer was lost.
        match read(bucket, path)? {
            Some(now) if now == lease => return Ok(Taken::Ours(lease)),
            Some(now) if is_active(&now) => return Ok(Taken::Theirs(now)),
            _ => {}
        }
    }
}

/// Moves the end of a lease that is still ours. Says whether it was.
pub(super) fn extend(
    bucket: &Bucket,
    path: &str,
    lease: &Lease,
    until: u64,
) -> Result<bool, Error> {
    let Some((current, version)) = read_versioned(bucket, path)? else {
        return Ok(false);
    };
    if current.token != lease.token {
        return Ok(false);
    }
    let renewed = Lease {
        expires_unix_ms: until,
        ..current
    };
    let written = bucket.replace(path, Some(version), renewed.encode())?;
    Ok(written == Written::Yes || read(bucket, path)? == Some(renewed))
}

pub(super) fn read(bucket: &Bucket, path: &str) -> Result<Option<Lease>, Error> {
    Ok(read_versioned(bucket, path)?.map(|(lease, _)| lease))
}

pub(super) fn is_active(lease: &Lease) -> bool {
    lease.expires_unix_ms > from_now(Duration::ZERO)
}

fn read_versioned(
    bucket: &Bucket,
    path: &str,
) -> Result<Option<(Lease, object_store::UpdateVersion)>, Error> {
    let Some((bytes, version)) = bucket.read(path)? else {
        return Ok(None);
    };
    let lease = Lease::decode(&bytes).map_err(|flaw| flaw.at(bucket.place(path)))?;
    Ok(Some((lease, version)))
}

fn from_now(lasting: Duration) -> u64 {
    unix_ms(SystemTime::now() + lasting)
}

fn holder() -> String {
    let system = rustix::system::uname();
    let host: String = system
        .nodename()
        .to_string_lossy()
        .chars()
        .take(64)
        .collect();
    format!("another process (pid {} on {host})", std::process::id())
}

/// A lease that is renewed until dropped.
struct Holding {
    bucket: Arc<Bucket>,
    path: String,
    lease: Lease,
    held: Arc<AtomicBool>,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Holding {
    fn start(bucket: Arc<Bucket>, path: String, lease: Lease) -> Result<Self, Error> {
        let held = Arc::new(AtomicBool::new(true));
        let (stop, stopped) = mpsc::channel::<()>();
        let renewal = {
            let (bucket, path, lease) = (Arc::clone(&bucket), path.clone(), lease.clone());
            let held = Arc::clone(&held);
            move || {
                let mut until = lease.expires_unix_ms;
                while stopped.recv_timeout(RENEWAL) == Err(mpsc::RecvTimeoutError::Timeout) {
                    let next = from_now(SESSION_LEASE);
                    match extend(&bucket, &path, &lease, next) {
                        Ok(true) => until = next,
                        Ok(false) => return held.store(false, Ordering::Release),
                        // The service may come back before the lease ends.
                        Err(_) if from_now(Duration::ZERO) < until => {}
                        Err(_) => return held.store(false, Ordering::Release),
                    }
                }
            }
        };
        let spawned = std::thread::Builder::new()
            .name("memex-lease".to_owned())
            .spawn(renewal);
        let thread = spawned.map_err(|error| Error::io("start a thread for", &path, error))?;
        Ok(Self {
            bucket,
            path,
            lease,
            held,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Hold for Holding {
    fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // If this fails, the lease ends by itself.
        let _ = extend(&self.bucket, &self.path, &self.lease, 0);
    }
}
