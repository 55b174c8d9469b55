//! Sorting, against the standard library's.

use crate::WIDE;
use memex_natives::sorting::{sort_doubles, sort_singles};
use memex_natives::{Bounds, Refusal, Room};
use proptest::prelude::*;

fn is_ordered(bits: &[u64]) -> bool {
    let numbers: Vec<f64> = bits.iter().map(|bits| f64::from_bits(*bits)).collect();
    numbers.is_sorted_by(|a, b| a <= b || b.is_nan())
}

fn all(bits: &[u64]) -> Vec<u64> {
    let mut all = bits.to_vec();
    all.sort_unstable();
    all
}

fn check(bits: &[u64]) {
    let mut sorted = bits.to_vec();
    sort_doubles(&mut sorted, &Room::new(WIDE, &|| false)).unwrap();
    assert!(is_ordered(&sorted));
    assert!(all(bits) == all(&sorted));
}

proptest! {
    #[test]
    fn doubles_ascend_and_all_are_there(bits in proptest::collection::vec(prop_oneof![
        any::<u64>(),
        (-9_i8..9).prop_map(|n| f64::from(n).to_bits()),
        Just(f64::NAN.to_bits()), Just((-f64::NAN).to_bits()), Just((-0.0_f64).to_bits()),
        Just(f64::INFINITY.to_bits()), Just(f64::NEG_INFINITY.to_bits()),
    ], 0..300)) {
        check(&bits);
    }

    #[test]
    fn singles_as_the_library_sorts(given in proptest::collection::vec(any::<f32>(), 0..300)) {
        let given: Vec<f32> = given.into_iter().filter(|number| !number.is_nan()).collect();
        let mut bits: Vec<u32> = given.iter().map(|number| number.to_bits()).collect();
        sort_singles(&mut bits, &Room::new(WIDE, &|| false)).unwrap();
        let mut expected = given;
        expected.sort_by(f32::total_cmp);
        prop_assert_eq!(bits, expected.iter().map(|number| number.to_bits()).collect::<Vec<_>>());
    }
}

fn spread(count: usize) -> Vec<u64> {
    let number = |n: usize| (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1;
    (0..count).map(number).collect()
}

/// More than are sorted at once: those are parted first, whatever their order.
#[test]
fn more_than_the_scratch_holds() {
    let count = (1 << 21) + 5;
    check(&spread(count));
    check(&(0..count as u64).rev().collect::<Vec<_>>());
    check(&vec![7; count]);
    check(&(0..count as u64).map(|n| n % 3).collect::<Vec<_>>());
}

#[test]
fn left_at_every_look() {
    let values = spread(1 << 18);
    let looks = |stop_at: u64| {
        let seen = std::cell::Cell::new(0);
        let interrupt = || {
            seen.set(seen.get() + 1);
            seen.get() > stop_at
        };
        let done = sort_doubles(&mut values.clone(), &Room::new(WIDE, &interrupt));
        (done, seen.get())
    };
    let (done, all) = looks(u64::MAX);
    assert!(done.is_ok() && all > 20, "{all}");
    for stop_at in [0, 1, all / 2, all - 1] {
        assert_eq!(looks(stop_at), (Err(Refusal::Interrupted), stop_at + 1));
    }
}

#[test]
fn nothing_is_done_without_room_or_fuel() {
    let values = spread(5000);
    let done = |bounds: Bounds| {
        let mut sorted = values.clone();
        let done = sort_doubles(&mut sorted, &Room::new(bounds, &|| false));
        (done, sorted == values)
    };
    let small = Bounds {
        working_bytes_max: 8 * 5000 - 1,
        ..WIDE
    };
    let refused = (
        Err(Refusal::WorkingBytes {
            bytes: 40_000,
            limit: 39_999,
        }),
        true,
    );
    assert_eq!(done(small), refused);
    let work = 5000 * 13;
    let fuel = |work| Bounds {
        work_max: Some(work),
        ..WIDE
    };
    assert_eq!(done(fuel(work - 1)), (Err(Refusal::Fuel), true));
    assert_eq!(done(fuel(work)), (Ok(()), false));
}
