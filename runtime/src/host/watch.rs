//! Copies of a range of guest memory, taken at each call of the host while an
//! image is built.

use std::ops::Range;

/// What calibration wants to see of a guest that runs.
#[derive(Debug)]
pub(crate) struct Watch {
    range: Range<u32>,
    looks: Vec<(u8, Vec<u8>)>,
}

impl Watch {
    pub(crate) fn new(range: Range<u32>) -> Self {
        Self {
            range,
            looks: Vec::new(),
        }
    }

    /// Copies the range; `mark` is what the guest called with.
    pub(crate) fn look(&mut self, mark: u8, memory: &[u8]) {
        let range = self.range.start as usize..self.range.end as usize;
        let bytes = memory.get(range).unwrap_or_default();
        self.looks.push((mark, bytes.to_vec()));
    }

    pub(crate) fn into_looks(self) -> Vec<(u8, Vec<u8>)> {
        self.looks
    }
}
