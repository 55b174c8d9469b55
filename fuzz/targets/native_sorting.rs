//! Sorting numbers of any bits: they are those from before, in order, and what is no number
//! comes last.
#![no_main]

mod plain;

use libfuzzer_sys::fuzz_target;
use memex_natives::sorting::{sort_doubles, sort_singles};
use memex_natives::{Bounds, Refusal, Room};
use plain::is_sorted;

fuzz_target!(|bytes: &[u8]| {
    let Some(([kind, times], rest)) = bytes.split_first_chunk() else {
        return;
    };
    let repeated = |count: usize| (1 + usize::from(*times)).min(1 + (1 << 12) / count.max(1));
    let bounds = Bounds {
        bytes_max: u64::MAX,
        working_bytes_max: 16 << 20,
        work_max: Some(1 << 30),
    };
    let room = Room::new(bounds, &|| false);
    if kind % 2 == 0 {
        let (words, _) = rest.as_chunks::<8>();
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let before = words.repeat(repeated(words.len()));
        let mut after = before.clone();
        sort_doubles(&mut after, &room).expect("there is room for it");
        assert!(is_sorted(&before, &after, f64::from_bits));
    } else {
        let (words, _) = rest.as_chunks::<4>();
        let words: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let before = words.repeat(repeated(words.len()));
        let mut after = before.clone();
        sort_singles(&mut after, &room).expect("there is room for it");
        let wide = |words: &[u32]| {
            words
                .iter()
                .map(|word| u64::from(*word))
                .collect::<Vec<_>>()
        };
        assert!(is_sorted(&wide(&before), &wide(&after), |bits| {
            f32::from_bits(bits as u32).into()
        }));
    }
    // Nothing is done that is too much.
    let narrow = Bounds {
        work_max: Some(0),
        ..bounds
    };
    let mut numbers = [3_u64, 1, 2];
    let refused = sort_doubles(&mut numbers, &Room::new(narrow, &|| false));
    assert_eq!((refused, numbers), (Err(Refusal::Fuel), [3, 1, 2]));
});
