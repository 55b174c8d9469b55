//! Sorting numbers, in the memory of the guest.
//!
//! By their digits, bytes of the numbers, from the last to the first: the time depends
//! on how many there are and hardly on what they are. What has more than fit into the
//! scratch is parted first: at the medians of samples, and once such a median parts badly, in
//! the middle of what its numbers range over. An order that is made for the samples then costs
//! two passes for each bit of a number at most.
//!
//! Floating-point numbers are compared by their bits, those of negative ones turned:
//! `-0.0` comes before `0.0`, which numpy takes for equal. What is no number comes last,
//! as it was.

use crate::refusal::Refusal;
use crate::room::Room;

/// Numbers that are sorted at once, in a scratch of as many.
const AT_ONCE: usize = 1 << 20;
/// Numbers that are passed over between two looks at the interrupt.
const LOOK_EVERY: usize = 1 << 16;
/// Numbers that a pivot is chosen from.
const SAMPLE: usize = 255;
/// Digits are bytes.
const VALUES: usize = 256;
/// A part that keeps more than so many eighths of the numbers was parted badly.
const KEPT_EIGHTHS_MAX: usize = 7;

/// What is sorted: an unsigned integer that ascends as the numbers do.
pub trait Key: Copy + Ord + Default {
    /// How many digits it has.
    const DIGITS: usize;
    /// One of its digits, counted from the last.
    fn digit(self, number: usize) -> u8;
    /// What is in the middle of two, rounded down.
    fn middle(self, other: Self) -> Self;
}

macro_rules! key {
    ($type:ty) => {
        impl Key for $type {
            const DIGITS: usize = size_of::<$type>();
            #[inline(always)]
            fn digit(self, number: usize) -> u8 {
                (self >> (8 * number)) as u8
            }
            fn middle(self, other: Self) -> Self {
                self.midpoint(other)
            }
        }
    };
}

key!(u32);
key!(u64);

macro_rules! sort {
    ($name:ident, $bits:ty, $infinite:literal, $what:literal) => {
        #[doc = concat!("Sorts numbers of ", $what, " bytes, given as their bits. Charges for one unit of work")]
        /// for each number and each bit of their count, and more where an order is made to be slow.
        ///
        /// # Errors
        /// A [`Refusal`]: before anything was done if the room is too small for it, else the
        /// numbers are in some order and not what they were.
        pub fn $name(values: &mut [$bits], room: &Room<'_>) -> Result<(), Refusal> {
            const SIGN: $bits = 1 << (<$bits>::BITS - 1);
            let mut scratch = scratch(values.len(), room)?;
            let rounds = u64::from((values.len() as u64).checked_ilog2().unwrap_or(0)) + 1;
            room.charge((values.len() as u64).saturating_mul(rounds))?;
            let is_number = |bits: &$bits| *bits & !SIGN <= $infinite;
            let count = match all(values, is_number, room)? {
                true => values.len(),
                false => parted(values, is_number, room)?,
            };
            let (values, _) = values.split_at_mut(count.min(values.len()));
            // All bits of a negative number, the sign of another.
            let spread = |bits: $bits| (bits >> (<$bits>::BITS - 1)).wrapping_neg();
            each(values, |bits| bits ^ (spread(bits) | SIGN), room)?;
            keys(values, &mut scratch, room)?;
            each(values, |bits| bits ^ (spread(!bits) | SIGN), room)
        }
    };
}

sort!(sort_singles, u32, 0x7f80_0000, "4");
sort!(sort_doubles, u64, 0x7ff0_0000_0000_0000, "8");

fn scratch<K: Key>(count: usize, room: &Room<'_>) -> Result<Vec<K>, Refusal> {
    let count = count.min(AT_ONCE);
    let bytes = (count * size_of::<K>()) as u64;
    room.admit_working(bytes)?;
    let mut scratch = Vec::new();
    scratch
        .try_reserve_exact(count)
        .map_err(|_| Refusal::WorkingBytes { bytes, limit: 0 })?;
    scratch.resize(count, K::default());
    Ok(scratch)
}

/// Where a part is parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// At the median of a sample.
    Sample,
    /// In the middle of its range, and all that comes of it.
    Range,
}

/// Sorts keys.
fn keys<K: Key>(values: &mut [K], scratch: &mut [K], room: &Room<'_>) -> Result<(), Refusal> {
    // A stack of its own: a hostile order must not make one of calls deep.
    let mut left = vec![(values, Way::Sample)];
    while let Some((part, way)) = left.pop() {
        if is_sorted(part, room)? {
            continue;
        }
        let count = part.len();
        if let Some(scratch) = scratch.get_mut(..count) {
            by_digits(part, scratch, room)?;
            continue;
        }
        let pivot = match way {
            Way::Sample => median_of_sample(part),
            Way::Range => {
                // More than what every sort is charged for.
                room.charge(2 * count as u64)?;
                Some(middle_of_range(part, room)?)
            }
        };
        let Some(pivot) = pivot else {
            continue;
        };
        let below = parted(part, |value| *value < pivot, room)?;
        let (low, rest) = part.split_at_mut(below.min(count));
        // What equals the pivot is in its place, however much it is.
        let equal = parted(rest, |value| *value == pivot, room)?;
        let (_, high) = rest.split_at_mut(equal.min(rest.len()));
        let kept = low.len().max(high.len());
        let way = match kept > count / 8 * KEPT_EIGHTHS_MAX {
            true => Way::Range,
            false => way,
        };
        left.push((low, way));
        left.push((high, way));
    }
    Ok(())
}

/// Sorts keys by one digit after the other, between them and a scratch of as many.
fn by_digits<K: Key>(values: &mut [K], scratch: &mut [K], room: &Room<'_>) -> Result<(), Refusal> {
    let mut counts = [[0_usize; VALUES]; 8];
    for chunk in values.chunks(LOOK_EVERY) {
        for value in chunk {
            for (number, counts) in counts.iter_mut().enumerate().take(K::DIGITS) {
                if let Some(count) = counts.get_mut(usize::from(value.digit(number))) {
                    *count += 1;
                }
            }
        }
        room.look()?;
    }
    let total = values.len();
    let mut is_in_scratch = false;
    for (number, counts) in counts.iter().enumerate().take(K::DIGITS) {
        if counts.contains(&total) {
            continue;
        }
        let (from, to) = match is_in_scratch {
            false => (&*values, &mut *scratch),
            true => (&*scratch, &mut *values),
        };
        pass(from, to, number, counts, room)?;
        is_in_scratch = !is_in_scratch;
    }
    if is_in_scratch {
        values.copy_from_slice(scratch);
    }
    Ok(())
}

/// Sorts by one digit, of whose values there are `counts`.
fn pass<K: Key>(
    from: &[K],
    to: &mut [K],
    number: usize,
    counts: &[usize; VALUES],
    room: &Room<'_>,
) -> Result<(), Refusal> {
    let mut places = [0_usize; VALUES];
    let mut before = 0_usize;
    for (place, count) in places.iter_mut().zip(counts) {
        *place = before;
        before = before.wrapping_add(*count);
    }
    for chunk in from.chunks(LOOK_EVERY) {
        for value in chunk {
            if let Some(place) = places.get_mut(usize::from(value.digit(number))) {
                if let Some(slot) = to.get_mut(*place) {
                    *slot = *value;
                }
                *place = place.wrapping_add(1);
            }
        }
        room.look()?;
    }
    Ok(())
}

fn each<K: Key>(values: &mut [K], change: impl Fn(K) -> K, room: &Room<'_>) -> Result<(), Refusal> {
    for chunk in values.chunks_mut(LOOK_EVERY) {
        chunk.iter_mut().for_each(|value| *value = change(*value));
        room.look()?;
    }
    Ok(())
}

fn all<K: Key>(values: &[K], is_so: impl Fn(&K) -> bool, room: &Room<'_>) -> Result<bool, Refusal> {
    for chunk in values.chunks(LOOK_EVERY) {
        if !chunk.iter().fold(true, |all, value| all & is_so(value)) {
            return Ok(false);
        }
        room.look()?;
    }
    Ok(true)
}

fn is_sorted<K: Key>(values: &[K], room: &Room<'_>) -> Result<bool, Refusal> {
    for begun in (0..values.len()).step_by(LOOK_EVERY) {
        room.look()?;
        // With the first of the next chunk.
        let end = begun.saturating_add(LOOK_EVERY + 1).min(values.len());
        if !values.get(begun..end).is_none_or(<[K]>::is_sorted) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is in the middle between the least and the greatest.
fn middle_of_range<K: Key>(values: &[K], room: &Room<'_>) -> Result<K, Refusal> {
    let first = values.first().copied().unwrap_or_default();
    let (mut least, mut greatest) = (first, first);
    for chunk in values.chunks(LOOK_EVERY) {
        for value in chunk {
            least = least.min(*value);
            greatest = greatest.max(*value);
        }
        room.look()?;
    }
    Ok(least.middle(greatest))
}

/// The median of a sample.
fn median_of_sample<K: Key>(values: &[K]) -> Option<K> {
    let step = (values.len() / SAMPLE).max(1);
    let mut sample: Vec<K> = values.iter().step_by(step).copied().collect();
    let middle = sample.len() / 2;
    sample.sort_unstable();
    sample.get(middle).copied()
}

/// Brings the numbers that belong before the others to the front. How many there are.
fn parted<K: Key>(
    values: &mut [K],
    belongs_before: impl Fn(&K) -> bool,
    room: &Room<'_>,
) -> Result<usize, Refusal> {
    let mut before = 0;
    let mut begun = 0;
    while begun < values.len() {
        let end = (begun + LOOK_EVERY).min(values.len());
        for at in begun..end {
            // Without a branch, which a random order would mislead every other time.
            let belongs = values.get(at).is_some_and(&belongs_before);
            if before <= at {
                values.swap(before, at);
            }
            before += usize::from(belongs);
        }
        begun = end;
        room.look()?;
    }
    Ok(before)
}

#[cfg(test)]
mod tests;
