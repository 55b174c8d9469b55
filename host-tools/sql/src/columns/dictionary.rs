//! Text of few distinct values, as codes.

use std::hash::{BuildHasher, RandomState};

/// Most distinct values; a column with more is plain text.
pub(super) const VALUES_MAX: usize = 4096;
/// Most bytes of all distinct values: they travel in the head.
const VALUES_MAX_BYTES: usize = 64 << 10;
/// From here on, distinct values must be fewer than one row in two.
const SAMPLE_ROWS: usize = 1024;
const SLOTS: usize = VALUES_MAX * 4;
/// Longest walk through the slots. Values chosen to collide make the column
/// plain text, not slow.
const PROBES_MAX: usize = 16;

/// Distinct values and the code of every row; -1 is NULL.
pub(super) struct Dictionary {
    /// Little-endian `i32`.
    pub(super) codes: Vec<u8>,
    values: Vec<u8>,
    /// Where each value ends in `values`.
    ends: Vec<usize>,
    /// The code of a value plus one; 0 is free.
    slots: Box<[u16]>,
    seed: u64,
}

impl Dictionary {
    pub(super) fn with_nulls(rows: usize) -> Self {
        Self {
            codes: vec![0xff; rows.saturating_mul(4)],
            values: Vec::new(),
            ends: Vec::new(),
            slots: vec![0; SLOTS].into_boxed_slice(),
            seed: RandomState::new().hash_one(0_u8),
        }
    }

    /// Adds a value, unless the column has too many distinct ones.
    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) -> bool {
        let mut slot = self.hash(value) as usize % SLOTS;
        for _ in 0..PROBES_MAX {
            match self.slots.get(slot).copied() {
                Some(0) => return self.insert(slot, value),
                Some(code) => {
                    let code = usize::from(code) - 1;
                    if self.value(code) == value {
                        self.push_code(code);
                        return true;
                    }
                }
                None => return false,
            }
            slot = (slot + 1) % SLOTS;
        }
        false
    }

    pub(super) fn push_null(&mut self) {
        self.codes.extend_from_slice(&[0xff; 4]);
    }

    /// The distinct values, by code.
    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map(|code| self.value(code))
    }

    /// The value of every row; `None` is NULL.
    pub(super) fn rows(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let codes = self.codes.as_chunks::<4>().0.iter();
        codes.map(|code| {
            let code = usize::try_from(i32::from_le_bytes(*code)).ok()?;
            Some(self.value(code))
        })
    }

    fn insert(&mut self, slot: usize, value: &[u8]) -> bool {
        let code = self.ends.len();
        let rows = self.codes.len() / 4;
        if code >= VALUES_MAX
            || self.values.len() + value.len() > VALUES_MAX_BYTES
            || (rows >= SAMPLE_ROWS && code >= rows / 2)
        {
            return false;
        }
        let (Some(slot), Ok(mark)) = (self.slots.get_mut(slot), u16::try_from(code + 1)) else {
            return false;
        };
        *slot = mark;
        self.values.extend_from_slice(value);
        self.ends.push(self.values.len());
        self.push_code(code);
        true
    }

    fn push_code(&mut self, code: usize) {
        // Below VALUES_MAX, which fits.
        self.codes.extend_from_slice(&(code as i32).to_le_bytes());
    }

    #[inline]
    fn value(&self, code: usize) -> &[u8] {
        let start = code
            .checked_sub(1)
            .map_or(Some(0), |before| self.ends.get(before).copied());
        match (start, self.ends.get(code)) {
            (Some(start), Some(end)) => self.values.get(start..*end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// A hash of eight bytes at a time: short texts are the common case, and
    /// collisions are bounded by [`PROBES_MAX`].
    #[inline]
    fn hash(&self, value: &[u8]) -> u64 {
        let mut hash = self.seed ^ value.len() as u64;
        let (words, rest) = value.as_chunks::<8>();
        for word in words {
            hash = folded(hash ^ u64::from_le_bytes(*word));
        }
        let mut last = 0;
        for byte in rest {
            last = last << 8 | u64::from(*byte);
        }
        folded(hash ^ last)
    }
}

/// Both halves of a product: every bit of the operand moves the low bits, which
/// choose the slot.
#[inline]
fn folded(value: u64) -> u64 {
    const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(value) * FACTOR;
    (product as u64) ^ ((product >> 64) as u64)
}
