//! Keeps collections and saves apart, where nothing can be locked.
//!
//! A removing collection holds a lease. Saves wait while it is held, and look
//! afterwards whether it was taken meanwhile; if so they check their objects
//! and write again what was removed. So a save does not return before its
//! objects are seen by every later collection.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::Error;
use crate::codec::Lease;
use crate::record::unix_ms;
use crate::remote::bucket::Bucket;
use crate::remote::leases::{Taken, extend, is_active, read, take};

/// Session names cannot start with a dot.
const PATH: &str = "locks/.collection";
/// How long a collection that died holds up saves.
const SWEEP_LEASE: Duration = Duration::from_mins(2);
/// When a collection renews its lease.
const SWEEP_RENEWAL: Duration = Duration::from_secs(30);
/// When it is too late for that: a removal under way must not outlive it.
const SWEEP_LASTS: Duration = Duration::from_secs(75);
const WAIT_MAX: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_millis(50);
/// What a collection leaves to saves before each sweep.
const BREATHER: Duration = Duration::from_millis(250);

/// Where the gate stood when a save began.
pub struct RemotePass {
    generation: u64,
}

/// The lease of a removing collection.
pub struct RemoteSweep {
    bucket: Arc<Bucket>,
    lease: Lease,
    /// When the lease was taken or last renewed.
    taken: Mutex<Instant>,
}

pub(super) fn enter(bucket: &Bucket) -> Result<RemotePass, Error> {
    let began = Instant::now();
    loop {
        match read(bucket, PATH)? {
            Some(lease) if is_active(&lease) => wait(bucket, began)?,
            other => {
                let generation = other.map_or(0, |lease| lease.generation);
                return Ok(RemotePass { generation });
            }
        }
    }
}

pub(super) fn intact(bucket: &Bucket, pass: &RemotePass) -> Result<bool, Error> {
    let generation = read(bucket, PATH)?.map_or(0, |lease| lease.generation);
    Ok(generation == pass.generation)
}

pub(super) fn sweep(bucket: &Arc<Bucket>) -> Result<RemoteSweep, Error> {
    let began = Instant::now();
    if read(bucket, PATH)?.is_some() {
        sleep(BREATHER);
    }
    loop {
        let taken = Instant::now();
        match take(bucket, PATH, SWEEP_LEASE)? {
            Taken::Theirs(_) => wait(bucket, began)?,
            Taken::Ours(lease) => {
                return Ok(RemoteSweep {
                    bucket: Arc::clone(bucket),
                    lease,
                    taken: Mutex::new(taken),
                });
            }
        }
    }
}

impl RemoteSweep {
    /// A lease that ended is not renewed, even if it was not taken: saves may have
    /// passed in between that did not see the collection.
    pub(super) fn lasts(&self) -> bool {
        let mut taken = self.taken.lock();
        let age = taken.elapsed();
        if age < SWEEP_RENEWAL {
            return true;
        }
        let now = Instant::now();
        let until = unix_ms(SystemTime::now() + SWEEP_LEASE);
        let renewed = age < SWEEP_LASTS
            && extend(&self.bucket, PATH, &self.lease, until).is_ok_and(|ours| ours);
        if renewed {
            *taken = now;
        }
        renewed
    }
}

impl Drop for RemoteSweep {
    fn drop(&mut self) {
        // If this fails, the lease ends by itself.
        let _ = extend(&self.bucket, PATH, &self.lease, 0);
    }
}

fn wait(bucket: &Bucket, began: Instant) -> Result<(), Error> {
    if began.elapsed() > WAIT_MAX {
        return Err(Error::Busy {
            place: bucket.place(PATH),
            what: "collections kept it",
        });
    }
    sleep(PAUSE);
    Ok(())
}
