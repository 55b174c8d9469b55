//! A saved session, in memory.

use crate::state::{RestState, Streak};
use memex_filesystem::scratch_files;

/// The whole state of a session at the end of a turn: heap, files, clocks and
/// what it has used of its limits. Immutable; cloning shares everything.
///
/// What it does not hold: the contents of granted directories (they are the
/// host's), tools, and the policy. A session that starts from it gets those
/// from the sandbox that restores it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) image: [u8; 32],
    pub(crate) turn: u64,
    pub(crate) monotonic_ns: u64,
    pub(crate) random_position: u64,
    /// Whether calls were under way that only this session can be answered.
    pub(crate) awaits_calls: bool,
    /// How the session's last turns ended.
    pub(crate) streak: Streak,
    pub(crate) state: RestState,
}

/// What becomes of the random generators when a state is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Generators {
    /// Every session draws numbers of its own: `random`'s and numpy's default
    /// generators get fresh state. The default.
    #[default]
    Fresh,
    /// The generators go on where the snapshot was taken, for replay.
    /// `os.urandom`, `secrets` and `uuid` stay fresh.
    Keep,
}

impl Snapshot {
    /// Turns the session had run.
    #[must_use]
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// The name of the image it belongs to.
    #[must_use]
    pub fn image_digest(&self) -> String {
        blake3::Hash::from_bytes(self.image).to_hex().to_string()
    }

    /// Pages that differ from the image, of [`PAGE_BYTES`](crate::PAGE_BYTES)
    /// bytes.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.state.heap.pages.len() as u64
    }

    /// Pages whose content is not shared with `earlier`, a state of the same session:
    /// what the turns between the two changed, of [`PAGE_BYTES`](crate::PAGE_BYTES) bytes
    /// each. A page that was changed and changed back is not counted.
    #[must_use]
    pub fn pages_changed_since(&self, earlier: &Self) -> u64 {
        self.state.heap.pages_changed_since(&earlier.state.heap)
    }

    /// Bytes that it keeps in memory, shared ones counted in full.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        self.state.heap.resident_bytes() + self.state.files.scratch_bytes()
    }

    /// The files of the session's private scratch, with their sizes.
    #[must_use]
    pub fn scratch_files(&self) -> Vec<(String, u64)> {
        scratch_files(&self.state.files)
    }
}
