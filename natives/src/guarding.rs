//! Running other people's code on hostile bytes.

use crate::refusal::Refusal;
use crate::room::Room;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

/// What unwinds through a codec whose callbacks cannot fail.
struct GaveUp;

/// Panics of codecs in this process.
static PANICS: AtomicU64 = AtomicU64::new(0);
static HOOK: Once = Once::new();

thread_local! {
    /// Codecs that run on this thread, in one another.
    static RUNNING: Cell<u32> = const { Cell::new(0) };
}

/// How often a codec has panicked in this process. The guest was told that its input is
/// damaged; nothing was written about it anywhere, since what a panic says has bytes of the
/// input in it.
#[must_use]
pub fn codec_panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Runs a codec. A panic of it is damage of its input: its assertions are about
/// that. Once the turn was told to end, whatever the codec says means that.
pub(crate) fn guarded<R>(
    room: &Room<'_>,
    codec: impl FnOnce() -> Result<R, Refusal>,
) -> Result<R, Refusal> {
    HOOK.call_once(pass_over_codecs);
    let running = Running::begin();
    let result = catch_unwind(AssertUnwindSafe(codec));
    drop(running);
    if room.was_interrupted() {
        return Err(Refusal::Interrupted);
    }
    result.unwrap_or_else(|_| {
        Err(Refusal::Damaged(
            "they say what their decoder takes for impossible".to_owned(),
        ))
    })
}

/// Puts a hook before the process's own that passes panics of codecs over. Panics are
/// reported where they begin, and there is no other way to have one of them unreported.
fn pass_over_codecs() {
    // No hook can be set in a panic; then this one is told.
    if std::thread::panicking() {
        return;
    }
    let hook = take_hook();
    set_hook(Box::new(move |panic| match RUNNING.get() {
        0 => hook(panic),
        _ => {
            let _before = PANICS.fetch_add(1, Ordering::Relaxed);
        }
    }));
}

/// A codec that runs on this thread.
struct Running;

impl Running {
    fn begin() -> Self {
        RUNNING.set(RUNNING.get().saturating_add(1));
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(RUNNING.get().saturating_sub(1));
    }
}

/// Looks at the interrupt inside of a callback that cannot fail, and leaves the
/// codec if the turn was told to end. No panic is reported.
pub(crate) fn look_or_leave(room: &Room<'_>) {
    if room.look().is_err() {
        resume_unwind(Box::new(GaveUp));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;
    use crate::room::Bounds;
    use std::process::Command;

    const BOUNDS: Bounds = Bounds {
        bytes_max: 0,
        working_bytes_max: 0,
        work_max: None,
    };

    fn panics_in_a_codec() {
        let room = Room::new(BOUNDS, &|| false);
        let done: Result<(), Refusal> = guarded(&room, || panic!("said \u{9b}2J by a guest"));
        assert!(matches!(done, Err(Refusal::Damaged(_))), "{done:?}");
    }

    #[test]
    #[ignore = "runs in a process of its own: see a_codec_that_panics_writes_nothing"]
    fn codecs_panic_on_several_threads() {
        let before = codec_panics();
        panics_in_a_codec();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(panics_in_a_codec);
            }
        });
        assert_eq!(codec_panics() - before, 4);
        // The control: what is no codec's is reported, and is not counted.
        let other = catch_unwind(|| panic!("reported as before"));
        assert!(other.is_err());
        assert_eq!(codec_panics() - before, 4);
    }

    #[test]
    fn a_codec_that_panics_writes_nothing() {
        let name = "guarding::tests::codecs_panic_on_several_threads";
        let child = std::env::current_exe().map(Command::new);
        let output = child.and_then(|mut child| {
            child
                .args([name, "--exact", "--ignored", "--nocapture"])
                .output()
        });
        let output = output.unwrap_or_else(|error| panic!("{error}"));
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stdout.contains("1 passed"), "{stdout}{stderr}");
        assert!(stderr.contains("reported as before"), "{stderr}");
        assert!(!stderr.contains("by a guest"), "{stderr}");
    }
}
