//! Orders that are made to be sorted slowly.

use super::{Key, SAMPLE, keys, parted};
use crate::room::{Bounds, Room};
use std::cell::Cell;
use std::cmp::Ordering;

const WIDE: Bounds = Bounds {
    bytes_max: u64::MAX,
    working_bytes_max: u64::MAX,
    work_max: None,
};

thread_local! {
    static COMPARED: Cell<u64> = const { Cell::new(0) };
}

/// A key that counts how often it is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counted(u32);

impl PartialOrd for Counted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Counted {
    fn cmp(&self, other: &Self) -> Ordering {
        COMPARED.set(COMPARED.get() + 1);
        self.0.cmp(&other.0)
    }
}

impl Key for Counted {
    const DIGITS: usize = u32::DIGITS;

    fn digit(self, number: usize) -> u8 {
        self.0.digit(number)
    }

    fn middle(self, other: Self) -> Self {
        Self(self.0.middle(other.0))
    }
}

/// Numbers of which each sample has the least that are left: its median parts off half of a
/// sample and no more. `scratch` is how many are sorted at once.
fn killer(count: usize, scratch: usize) -> Vec<u32> {
    let room = Room::new(WIDE, &|| false);
    let mut places: Vec<u32> = (0..).take(count).collect();
    let mut values = vec![u32::MAX; count];
    let mut next = 0_u32;
    let mut begun = 0;
    while count - begun > scratch {
        let left = &mut places[begun..];
        let step = (left.len() / SAMPLE).max(1);
        let mut sample: Vec<u32> = left.iter().step_by(step).copied().collect();
        for place in &sample {
            let value = &mut values[*place as usize];
            if *value == u32::MAX {
                *value = next;
                next += 1;
            }
        }
        sample.sort_unstable_by_key(|place| values[*place as usize]);
        let pivot = values[sample[sample.len() / 2] as usize];
        let value = |place: &u32| values[*place as usize];
        let below = parted(left, |place| value(place) < pivot, &room).unwrap();
        let equal = parted(&mut left[below..], |place| value(place) == pivot, &room).unwrap();
        begun += below + equal;
    }
    for value in values.iter_mut().filter(|value| **value == u32::MAX) {
        *value = next;
        next += 1;
    }
    values
}

/// Comparisons for each number.
fn cost(values: &[u32], scratch: usize) -> u64 {
    let mut sorted: Vec<Counted> = values.iter().copied().map(Counted).collect();
    let mut scratch = vec![Counted::default(); scratch];
    COMPARED.set(0);
    keys(&mut sorted, &mut scratch, &Room::new(WIDE, &|| false)).unwrap();
    let compared = COMPARED.get();
    assert!(sorted.is_sorted());
    let mut all = values.to_vec();
    all.sort_unstable();
    assert!(sorted.iter().map(|value| value.0).eq(all));
    compared / values.len() as u64
}

#[test]
fn an_order_that_is_made_for_the_samples_costs_passes_for_its_bits_and_no_more() {
    const COUNT: usize = 1 << 17;
    const SCRATCH: usize = 1 << 12;
    let random: Vec<u32> = (0..COUNT as u32)
        .map(|number| number.wrapping_mul(2_654_435_761))
        .collect();
    let usual = cost(&random, SCRATCH);
    assert!(usual < 64, "{usual}");
    let hostile = killer(COUNT, SCRATCH);
    let attacked = cost(&hostile, SCRATCH);
    // At medians of samples alone there are as many parts as halves of samples, and each is
    // passed over: hundreds of passes.
    assert!(
        attacked < 3 * 32 + usual,
        "{attacked}, {usual} in a random order"
    );
    // Two clusters far from each other, each of them hostile.
    let clusters: Vec<u32> = hostile
        .iter()
        .map(|value| value | (value & 1) << 31)
        .collect();
    assert!(cost(&clusters, SCRATCH) < 4 * 32 + usual);
}

#[test]
fn parting_by_the_range_ends_at_equal_numbers() {
    let values: Vec<u32> = (0..1 << 15)
        .map(|number| u32::from(number % 7 == 0) * u32::MAX)
        .collect();
    assert!(cost(&values, 1 << 8) < 64);
    // Nearly all equal, with a few that are not: samples part badly.
    let mut values = vec![5_u32; 1 << 15];
    values[0] = u32::MAX;
    values[1] = 0;
    assert!(cost(&values, 1 << 8) < 64);
}
