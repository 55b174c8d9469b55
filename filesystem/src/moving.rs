//! One session at a time moves names in a host directory, whichever process it
//! belongs to.
//!
//! A directory is looked through before it gets another parent
//! ([`confinement`](crate::confinement)). That is worth something only while no
//! other session moves names in it: sessions of this sandbox, of another one, or
//! of a worker in another process. So each locks the directory of its mount for
//! a move (`flock`), and shares a lock on the directories above it. Therefore a
//! mount that lies within another's directory excludes that one too.
//!
//! ```text
//!  /srv            shared        shared
//!  /srv/work       EXCLUSIVE ──► shared       waits for the first
//!  /srv/work/sub                 EXCLUSIVE
//! ```
//! Locks belong to open files, so that the system releases them when a process
//! ends. Directories above the mount that this user cannot read are left out: no
//! process of the user can mount and lock them.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use cap_std::fs::Dir;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, openat};
use rustix::io::Errno as Host;

use crate::errno::Errno;
use crate::host;
use crate::interrupt::Interrupt;

/// How long a move waits for those of other sessions.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Between two attempts to take the locks.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(1);
/// How many directories above a mount are locked.
const ABOVE_MAX: usize = 128;

/// No other session moves names in the directory while this exists.
#[derive(Debug)]
pub(crate) struct Alone {
    locked: Vec<OwnedFd>,
}

impl Alone {
    /// Waits until no other session moves names. None where the file system of
    /// the directory has no locks.
    ///
    /// # Errors
    /// `Intr` if the call is given up, `Busy` after [`WAIT_MAX`].
    pub(crate) fn wait(dir: &Dir, interrupt: &Interrupt) -> Result<Option<Self>, Errno> {
        let began = Instant::now();
        loop {
            match Self::attempt(dir)? {
                Attempt::Taken(alone) => return Ok(Some(alone)),
                Attempt::Impossible => return Ok(None),
                Attempt::Contended => {}
            }
            interrupt.check()?;
            if began.elapsed() >= WAIT_MAX {
                return Err(Errno::Busy);
            }
            std::thread::sleep(ATTEMPT_PAUSE);
        }
    }

    /// Takes all locks or none: whoever waited with some of them could wait for
    /// a session that waits for these.
    fn attempt(dir: &Dir) -> Result<Attempt, Errno> {
        let Ok(own) = host::readable(dir) else {
            return Ok(Attempt::Impossible);
        };
        let mut alone = Self { locked: Vec::new() };
        match flock(&own, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(error) if is_contended(error) => return Ok(Attempt::Contended),
            Err(_) => return Ok(Attempt::Impossible),
        }
        let mut below = host::identity(&fstat(&own)?);
        alone.locked.push(own);
        let mut path = String::from("..");
        for _ in 0..ABOVE_MAX {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            match openat(dir, path.as_str(), flags, Mode::empty()) {
                Ok(above) => {
                    let identity = host::identity(&fstat(&above)?);
                    if identity == below {
                        break;
                    }
                    below = identity;
                    match flock(&above, FlockOperation::NonBlockingLockShared) {
                        Ok(()) => alone.locked.push(above),
                        Err(error) if is_contended(error) => return Ok(Attempt::Contended),
                        // Nobody can lock it for moves either.
                        Err(_) => {}
                    }
                }
                Err(Host::ACCESS | Host::PERM) => {}
                Err(_) => break,
            }
            path.push_str("/..");
        }
        Ok(Attempt::Taken(alone))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        for locked in &self.locked {
            // Closing alone would not do while a process that is being started
            // has copies of the descriptors.
            let _ = flock(locked, FlockOperation::Unlock);
        }
    }
}

enum Attempt {
    Taken(Alone),
    /// Another session moves names.
    Contended,
    /// The directory cannot be locked.
    Impossible,
}

fn is_contended(error: Host) -> bool {
    matches!(error, Host::WOULDBLOCK | Host::INTR)
}
