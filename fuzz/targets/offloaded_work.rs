//! Work that a guest leaves to the host, at pointers and of sizes that it forges: done as
//! plain loops have it and nowhere else in memory, or left with nothing done. What is honest
//! is done.
#![no_main]

mod plain;

use bytemuck::Pod;
use libfuzzer_sys::fuzz_target;
use memex_guest_python::{Sorted, Work};
use memex_natives::matrices::{Element, Factoring, Product};
use memex_runtime::fuzzing::{Offloaded, SHARED_WORDS, offloaded};
use plain::{Real, is_factored, is_same, is_sorted, numbers};
use std::ops::Range;

const MEMORY_BYTES: usize = 64 << 10;
/// Where the input is put: the arguments, and what they point to.
const INPUT_AT: usize = 128;
/// Where the numbers begin that no input has room for.
const NUMBERS_AT: usize = 8 << 10;
const WORK_MAX: u64 = 1 << 20;

/// The codes of calls, in the order of their names.
const CODES: [i32; 12] = [16, 17, 18, 19, 20, 21, 22, 23, 32, 33, 48, 49];

fuzz_target!(|bytes: &[u8]| {
    let Some(([code, kind, seed, a, b, c, d, e, f, g, h], rest)) = bytes.split_first_chunk() else {
        return;
    };
    let pointer = i32::from_le_bytes([*a, *b, *c, *d]);
    let count = i32::from_le_bytes([*e, *f, *g, *h]);
    let work = Work::of_call(-CODES[usize::from(*code) % CODES.len()]).expect("a work");
    let seed = u64::from(*seed) << 32 | 0x5eed;
    let mut memory = vec![0_u64; MEMORY_BYTES / 8];
    let place: &mut [u8] = bytemuck::cast_slice_mut(&mut memory);
    let count_of = |size: usize| (MEMORY_BYTES - NUMBERS_AT) / size;
    let is_double = match work {
        Work::Product { is_double, .. } | Work::Factor { is_double } => is_double,
        Work::Sort(sorted) => sorted == Sorted::Doubles,
    };
    match is_double {
        true => place[NUMBERS_AT..].copy_from_slice(bytemuck::cast_slice(&numbers::<f64>(
            count_of(8),
            *kind,
            seed,
        ))),
        false => place[NUMBERS_AT..].copy_from_slice(bytemuck::cast_slice(&numbers::<f32>(
            count_of(4),
            *kind,
            seed,
        ))),
    }
    let rest = &rest[..rest.len().min(4096)];
    place[INPUT_AT..INPUT_AT + rest.len()].copy_from_slice(rest);
    let mut after = memory.clone();
    let done = offloaded(&mut after, (work, pointer, count), WORK_MAX);
    let (before, after) = (bytemuck::cast_slice(&memory), bytemuck::cast_slice(&after));
    let case = Case {
        before,
        after,
        done,
    };
    match (work, is_double) {
        (Work::Product { .. }, true) => case.product::<f64>(work, pointer),
        (Work::Product { .. }, false) => case.product::<f32>(work, pointer),
        (Work::Factor { .. }, true) => case.factor::<f64>(pointer),
        (Work::Factor { .. }, false) => case.factor::<f32>(pointer),
        (Work::Sort(_), true) => case.sort::<u64>(pointer, count, f64::from_bits),
        (Work::Sort(_), false) => {
            case.sort::<u32>(pointer, count, |bits| f32::from_bits(bits as u32).into())
        }
    }
});

/// A memory before and after a call.
struct Case<'a> {
    before: &'a [u8],
    after: &'a [u8],
    done: Offloaded,
}

impl<'a> Case<'a> {
    /// What may be lent of a memory at an address.
    fn lent(&self, start: usize, length: usize) -> Option<Range<usize>> {
        let range = start..start.checked_add(length)?;
        let is_shared = SHARED_WORDS
            .iter()
            .any(|word| (*word as usize) < range.end && *word as usize + 4 > range.start);
        (range.end <= self.before.len() && !is_shared).then_some(range)
    }

    fn word(&self, pointer: i32, field: i32) -> Option<u32> {
        let start = pointer.wrapping_add(field).cast_unsigned() as usize;
        let bytes = self.before.get(self.lent(start, 4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn size(&self, pointer: i32, field: i32) -> Option<usize> {
        usize::try_from(self.word(pointer, field)?.cast_signed()).ok()
    }

    fn number<T: Pod>(&self, pointer: i32, field: i32) -> Option<T> {
        let start = self.word(pointer, field).filter(|start| *start != 0)?;
        let range = self.lent(start as usize, size_of::<T>())?;
        Some(bytemuck::pod_read_unaligned(&self.before[range]))
    }

    /// Where a matrix lies that is aligned.
    fn matrix<T>(&self, pointer: i32, field: i32, elements: usize) -> Option<Range<usize>> {
        let start = self.word(pointer, field)? as usize;
        let range = self.lent(start, elements.checked_mul(size_of::<T>())?)?;
        (start % size_of::<T>() == 0).then_some(range)
    }

    /// Nothing outside of these parts was written.
    fn only(&self, parts: &[&Range<usize>]) {
        let mut expected = self.before.to_vec();
        for part in parts {
            expected[part.start..part.end].copy_from_slice(&self.after[part.start..part.end]);
        }
        assert!(expected == self.after, "something else was written");
    }

    /// Whether it is to be compared: work that is not right is left, and what is left has
    /// changed nothing.
    fn is_done(&self, is_right: bool) -> bool {
        match self.done {
            Offloaded::Done(_) => assert!(is_right, "what is wrong was done"),
            Offloaded::Left => {
                assert!(!is_right, "what is right was left");
                self.only(&[]);
            }
            Offloaded::Ended => assert!(is_right, "what is wrong was begun"),
        }
        matches!(self.done, Offloaded::Done(_))
    }

    fn numbers<T: Pod>(&self, range: &Range<usize>) -> (&'a [T], &'a [T]) {
        let (before, after) = (self.before, self.after);
        (
            bytemuck::cast_slice(&before[range.clone()]),
            bytemuck::cast_slice(&after[range.clone()]),
        )
    }

    fn product<T: Real>(&self, work: Work, pointer: i32) {
        let Work::Product {
            first_transposed,
            second_transposed,
            ..
        } = work
        else {
            return;
        };
        let read = || {
            let asked = Product::<T> {
                rows: self.size(pointer, 24)?,
                columns: self.size(pointer, 28)?,
                inner: self.size(pointer, 32)?,
                first_transposed,
                second_transposed,
                alpha: self.number(pointer, 16)?,
                beta: match self.word(pointer, 20)? {
                    0 => <T as Element>::ONE,
                    _ => self.number(pointer, 20)?,
                },
                strides: [
                    self.size(pointer, 36)?,
                    self.size(pointer, 40)?,
                    self.size(pointer, 44)?,
                ],
            };
            let [first, second, result] = asked.extents()?;
            let first = self.matrix::<T>(pointer, 0, first)?;
            let second = self.matrix::<T>(pointer, 4, second)?;
            let result = self.matrix::<T>(pointer, 8, result)?;
            let is_apart =
                |part: &Range<usize>| part.start >= result.end || part.end <= result.start;
            (is_apart(&first) && is_apart(&second)).then_some((asked, first, second, result))
        };
        let read = read();
        if !self.is_done(read.is_some()) {
            return;
        }
        let Some((asked, first, second, result)) = read else {
            return;
        };
        self.only(&[&result]);
        let (before, after) = self.numbers::<T>(&result);
        let mut expected = before.to_vec();
        let (first, _) = self.numbers::<T>(&first);
        let (second, _) = self.numbers::<T>(&second);
        plain::product(&asked, first, second, &mut expected);
        let same = after.iter().zip(&expected).all(|(a, b)| is_same(*a, *b));
        assert!(same, "{asked:?}");
    }

    fn factor<T: Real>(&self, pointer: i32) {
        let read = || {
            let asked = Factoring {
                rows: self.size(pointer, 24)?,
                columns: self.size(pointer, 28)?,
                stride: self.size(pointer, 36)?,
            };
            let matrix = self.matrix::<T>(pointer, 0, asked.extent()?)?;
            let start = self.word(pointer, 8)? as usize;
            let pivots = self.lent(start, asked.pivots().checked_mul(4)?)?;
            let is_apart = matrix.start >= pivots.end || matrix.end <= pivots.start;
            is_apart.then_some((asked, matrix, pivots))
        };
        let read = read();
        if !self.is_done(read.is_some()) {
            return;
        }
        let Some((asked, matrix, pivots)) = read else {
            return;
        };
        self.only(&[&matrix, &pivots]);
        let chosen = self.after[pivots].as_chunks::<4>().0;
        let chosen: Vec<i32> = chosen
            .iter()
            .map(|word| i32::from_le_bytes(*word))
            .collect();
        let (before, after) = self.numbers::<T>(&matrix);
        let mut expected = before.to_vec();
        match plain::factor(asked, &mut expected) {
            Some((pivots, zero)) => {
                assert_eq!((chosen, self.done), (pivots, Offloaded::Done(zero)));
                let same = after.iter().zip(&expected).all(|(a, b)| is_same(*a, *b));
                assert!(same, "{asked:?}");
            }
            None => assert!(is_factored(asked, before, after, &chosen), "{asked:?}"),
        }
    }

    fn sort<B: Pod + Into<u64>>(&self, pointer: i32, count: i32, wide: fn(u64) -> f64) {
        let start = pointer.cast_unsigned() as usize;
        let read = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(size_of::<B>()))
            .and_then(|length| self.lent(start, length))
            .filter(|range| range.start % size_of::<B>() == 0);
        if !self.is_done(read.is_some()) {
            return;
        }
        let Some(range) = read else {
            return;
        };
        self.only(&[&range]);
        let (before, after) = self.numbers::<B>(&range);
        let words = |bits: &[B]| bits.iter().map(|bits| (*bits).into()).collect::<Vec<u64>>();
        assert!(is_sorted(&words(before), &words(after), wide));
    }
}
