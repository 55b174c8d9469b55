//! A program of the host that renames and replaces what the guest works on.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use fastrand::Rng;

/// What no read may ever give.
pub const SECRET: &[u8] = b"the secret beside the root";

/// The racing program, and the directory beside the root that it points to.
pub struct Racer {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    outside: PathBuf,
}

impl Racer {
    /// Begins to rename names in `root`, and to put links in their place that
    /// lead to `outside`.
    pub fn start(root: &Path, outside: &Path, seed: u64) -> Self {
        std::fs::create_dir_all(outside).expect("a directory can be made");
        for name in ["a", "b", "f", "g", "l", "deep", "none"] {
            std::fs::write(outside.join(name), SECRET).expect("a file can be made");
        }
        let done = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&done);
        let (root, target) = (root.to_owned(), outside.to_owned());
        let thread = std::thread::spawn(move || {
            let mut rng = Rng::with_seed(seed);
            while !stop.load(Ordering::Relaxed) {
                act(&mut rng, &root, &target);
            }
        });
        Self {
            done,
            thread: Some(thread),
            outside: outside.to_owned(),
        }
    }

    /// Stops, and says what was changed outside of the root.
    pub fn stop(mut self) -> Vec<String> {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the racer does not panic");
        }
        let mut changed = Vec::new();
        let mut count = 0;
        for entry in std::fs::read_dir(&self.outside)
            .expect("it is there")
            .flatten()
        {
            count += 1;
            if std::fs::read(entry.path()).ok().as_deref() != Some(SECRET) {
                changed.push(entry.path().display().to_string());
            }
        }
        if count != 7 {
            changed.push(format!("{count} files instead of 7"));
        }
        changed
    }
}

/// One change. Whether it succeeds depends on what is there.
fn act(rng: &mut Rng, root: &Path, outside: &Path) {
    let names = ["a", "b", "f", "g", "l", "deep", "none"];
    // One name alone: a path through a link that was put there would be this
    // program's own way out.
    let mut at = || root.join(names[rng.usize(0..names.len())]);
    let (one, other) = (at(), at());
    let _ = match rng.u8(0..8) {
        0 => std::fs::rename(&one, &other),
        1 => symlink(outside, &one),
        2 => symlink(outside.join("f"), &one),
        3 => symlink("..", &one),
        4 => symlink("../outside", &one),
        5 => std::fs::create_dir(&one),
        6 => std::fs::remove_file(&one),
        _ => std::fs::File::create_new(&one)
            .map(drop)
            .and(std::fs::remove_file(&other)),
    };
}
