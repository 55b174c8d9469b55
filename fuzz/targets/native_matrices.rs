//! Products and factors of matrices of hostile sizes: refused, and nothing was done, or as
//! plain loops have them. What lies between columns stays as it is.
#![no_main]

mod plain;

use libfuzzer_sys::fuzz_target;
use memex_natives::matrices::{Factoring, Product, factor, product};
use memex_natives::{Bounds, Refusal, Room};
use plain::{Real, is_factored, is_same, numbers};
use std::cell::Cell;

const WORK_MAX: u64 = 1 << 20;
const ELEMENTS_MAX: usize = 1 << 15;

/// Takes numbers off the front.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u64 {
        u64::from_le_bytes([(); 8].map(|()| self.byte()))
    }

    /// Mostly small; some as large as can be.
    fn size(&mut self) -> usize {
        match self.byte() {
            small @ 0..=127 => usize::from(small),
            128..=223 => usize::from(self.byte()) * 3,
            224..=239 => usize::MAX - usize::from(self.byte()),
            _ => self.word() as usize,
        }
    }

    fn number<T: Real>(&mut self) -> T {
        match self.byte() {
            0..=63 => T::ONE,
            64..=95 => T::ZERO,
            small @ 96..=223 => T::of_small(small.cast_signed()),
            _ => T::of_bits(self.word()),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    match input.byte() % 4 {
        0 => multiply::<f64>(&mut input),
        1 => multiply::<f32>(&mut input),
        2 => factored::<f64>(&mut input),
        _ => factored::<f32>(&mut input),
    }
});

/// Calls with a room in which the turn is told to end after so many looks.
fn within<R>(looks: u8, call: impl FnOnce(&Room<'_>) -> R) -> R {
    let bounds = Bounds {
        bytes_max: u64::MAX,
        working_bytes_max: 16 << 20,
        work_max: Some(WORK_MAX),
    };
    let left = Cell::new(match looks {
        0..=199 => u32::MAX,
        looks => u32::from(looks - 200),
    });
    let interrupt = || {
        left.set(left.get().saturating_sub(1));
        left.get() == 0
    };
    call(&Room::new(bounds, &interrupt))
}

/// As many numbers as a matrix has, or some that are too few.
fn lying<T: Real>(input: &mut Input<'_>, extent: Option<usize>) -> Vec<T> {
    let lacking = input.byte() / 240;
    let extent = extent.filter(|extent| *extent <= ELEMENTS_MAX).unwrap_or(7);
    let count = extent.saturating_sub(lacking.into());
    numbers(count, input.byte(), input.word())
}

fn multiply<T: Real>(input: &mut Input<'_>) {
    let turned = input.byte();
    let asked = Product::<T> {
        rows: input.size(),
        columns: input.size(),
        inner: input.size(),
        first_transposed: turned & 1 == 1,
        second_transposed: turned & 2 == 2,
        alpha: input.number(),
        beta: input.number(),
        strides: [input.size(), input.size(), input.size()],
    };
    let extents = asked.extents();
    let extent = |at: usize| extents.map(|extents| extents[at]);
    let first: Vec<T> = lying(input, extent(0));
    let second: Vec<T> = lying(input, extent(1));
    let before: Vec<T> = lying(input, extent(2));
    let mut after = before.clone();
    let looks = input.byte();
    let done = within(looks, |room| {
        product(&asked, &first, &second, &mut after, room)
    });
    let fits = extents.is_some_and(|[one, other, result]| {
        one <= first.len() && other <= second.len() && result <= before.len()
    });
    match done {
        Ok(()) => {
            assert!(fits, "{asked:?}");
            let mut expected = before;
            plain::product(&asked, &first, &second, &mut expected);
            let same = after.iter().zip(&expected).all(|(a, b)| is_same(*a, *b));
            assert!(same, "{asked:?}");
        }
        Err(Refusal::Interrupted) => assert!(fits && looks >= 200),
        Err(refusal) => {
            assert!(!fits || refusal == Refusal::Fuel, "{refusal}: {asked:?}");
            let same = after.iter().zip(&before).all(|(a, b)| is_same(*a, *b));
            assert!(same, "something was done: {asked:?}");
        }
    }
}

fn factored<T: Real>(input: &mut Input<'_>) {
    let asked = Factoring {
        rows: input.size(),
        columns: input.size(),
        stride: input.size(),
    };
    let extent = asked.extent();
    let before: Vec<T> = lying(input, extent);
    let mut after = before.clone();
    let mut pivots = vec![0; asked.pivots().min(1 << 10)];
    let looks = input.byte();
    let done = within(looks, |room| factor(asked, &mut after, &mut pivots, room));
    let fits =
        extent.is_some_and(|extent| extent <= before.len()) && asked.pivots() <= pivots.len();
    match done {
        Ok(zero) => {
            assert!(fits, "{asked:?}");
            let mut expected = before.clone();
            match plain::factor(asked, &mut expected) {
                Some((chosen, first_zero)) => {
                    assert_eq!((&chosen, first_zero), (&pivots, zero), "{asked:?}");
                    let same = after.iter().zip(&expected).all(|(a, b)| is_same(*a, *b));
                    assert!(same, "{asked:?}");
                }
                None => assert!(is_factored(asked, &before, &after, &pivots), "{asked:?}"),
            }
            for (at, (after, before)) in after.iter().zip(&before).enumerate() {
                let is_between = at % asked.stride.max(1) >= asked.rows;
                assert!(!is_between || is_same(*after, *before), "{at}: {asked:?}");
            }
        }
        Err(Refusal::Interrupted) => assert!(fits && looks >= 200),
        Err(refusal) => {
            assert!(!fits || refusal == Refusal::Fuel, "{refusal}: {asked:?}");
            let same = after.iter().zip(&before).all(|(a, b)| is_same(*a, *b));
            assert!(same, "something was done: {asked:?}");
        }
    }
}
