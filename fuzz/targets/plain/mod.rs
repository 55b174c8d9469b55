//! What the host does with matrices and numbers, as plain loops.
#![allow(dead_code, reason = "each target uses a part of it")]

use memex_natives::matrices::{Element, Factoring, INNER, Product};

/// Numbers that can be made of bits.
pub trait Real: Element + std::fmt::Debug {
    /// Any number there is.
    fn of_bits(bits: u64) -> Self;
    /// A small one.
    fn of_small(number: i8) -> Self;
    /// As one of 8 bytes.
    fn wide(self) -> f64;
}

impl Real for f64 {
    fn of_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }

    fn of_small(number: i8) -> Self {
        number.into()
    }

    fn wide(self) -> f64 {
        self
    }
}

impl Real for f32 {
    fn of_bits(bits: u64) -> Self {
        Self::from_bits(bits as u32)
    }

    fn of_small(number: i8) -> Self {
        number.into()
    }

    fn wide(self) -> f64 {
        self.into()
    }
}

/// So many numbers: small ones, any, or mostly zeros.
pub fn numbers<T: Real>(count: usize, kind: u8, seed: u64) -> Vec<T> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let number = |bits: u64| match kind % 3 {
        0 => T::of_small((bits >> 32) as i8 / 16),
        1 => T::of_bits(bits),
        _ if bits >> 61 == 0 => T::of_small((bits >> 32) as i8),
        _ => T::ZERO,
    };
    (0..count).map(|_| number(next())).collect()
}

/// The same bits; what is no number has many.
pub fn is_same<T: Real>(one: T, other: T) -> bool {
    let is_number = |value: T| value.partial_cmp(&value).is_some();
    bytemuck::bytes_of(&one) == bytemuck::bytes_of(&other) || !(is_number(one) || is_number(other))
}

/// `C = alpha A B + beta C`, element by element.
pub fn product<T: Real>(asked: &Product<T>, first: &[T], second: &[T], result: &mut [T]) {
    let [first_stride, second_stride, stride] = asked.strides;
    // What is empty may have any number of columns.
    if asked.rows == 0 {
        return;
    }
    for column in 0..asked.columns {
        for row in 0..asked.rows {
            let place = &mut result[column * stride + row];
            if asked.beta == T::ZERO {
                *place = T::ZERO;
            } else if asked.beta != T::ONE {
                *place = *place * asked.beta;
            }
            if asked.alpha == T::ZERO {
                continue;
            }
            for step in (0..asked.inner).step_by(INNER) {
                let mut sum = T::ZERO;
                for inner in step..asked.inner.min(step + INNER) {
                    let left = first[match asked.first_transposed {
                        true => row * first_stride + inner,
                        false => inner * first_stride + row,
                    }];
                    let right = second[match asked.second_transposed {
                        true => inner * second_stride + column,
                        false => column * second_stride + inner,
                    }];
                    sum = left.fused(right, sum);
                }
                *place = asked.alpha.fused(sum, *place);
            }
        }
    }
}

/// Columns up to which a factorization is done one by one, and so gives these bits.
const ONE_BY_ONE: usize = 16;

/// `A = P L U`, column by column; `None` if there are too many for these bits.
pub fn factor<T: Real>(asked: Factoring, data: &mut [T]) -> Option<(Vec<i32>, i32)> {
    let Factoring {
        rows,
        columns,
        stride,
    } = asked;
    let count = rows.min(columns);
    if count > ONE_BY_ONE {
        return None;
    }
    // What is empty may have any number of columns.
    if count == 0 {
        return Some((Vec::new(), 0));
    }
    let magnitude = |value: T| if value < T::ZERO { -value } else { value };
    let (mut pivots, mut zero) = (Vec::new(), 0);
    for at in 0..count {
        let mut chosen = at;
        for row in at..rows {
            if magnitude(data[at * stride + row]) > magnitude(data[at * stride + chosen]) {
                chosen = row;
            }
        }
        pivots.push(chosen as i32 + 1);
        (0..count).for_each(|column| data.swap(column * stride + at, column * stride + chosen));
        let head = data[at * stride + at];
        if head == T::ZERO {
            if zero == 0 {
                zero = at as i32 + 1;
            }
            continue;
        }
        for row in at + 1..rows {
            data[at * stride + row] = data[at * stride + row] / head;
        }
        for column in at + 1..count {
            let factor = -data[column * stride + at];
            for row in at + 1..rows {
                let below = data[at * stride + row];
                let place = &mut data[column * stride + row];
                *place = factor.fused(below, *place);
            }
        }
    }
    for column in count..columns {
        for (at, pivot) in pivots.iter().enumerate() {
            data.swap(column * stride + at, column * stride + *pivot as usize - 1);
        }
        for at in 0..count {
            let factor = -data[column * stride + at];
            for row in at + 1..count {
                let below = data[at * stride + row];
                let place = &mut data[column * stride + row];
                *place = factor.fused(below, *place);
            }
        }
    }
    Some((pivots, zero))
}

/// Whether `P L U` is `A`, as far as roundings permit. Of numbers that are not small and
/// whole, some may underflow, which permits anything.
pub fn is_factored<T: Real>(asked: Factoring, before: &[T], after: &[T], pivots: &[i32]) -> bool {
    let Factoring {
        rows,
        columns,
        stride,
    } = asked;
    let count = rows.min(columns);
    let mut order: Vec<usize> = (0..rows).collect();
    for (at, pivot) in pivots.iter().enumerate() {
        let chosen = usize::try_from(*pivot).unwrap_or(0);
        if chosen <= at || chosen > rows {
            return false;
        }
        order.swap(at, chosen - 1);
    }
    let is_small = |number: &T| number.wide().abs() <= 128.0 && number.wide().fract() == 0.0;
    if !before.iter().all(is_small) {
        return true;
    }
    let precision = match size_of::<T>() {
        4 => f64::from(f32::EPSILON),
        _ => f64::EPSILON,
    };
    for column in 0..columns {
        for row in 0..rows {
            let (mut value, mut size) = (0.0, 0.0);
            for inner in 0..count.min(row + 1).min(column + 1) {
                let lower = match inner == row {
                    true => 1.0,
                    false => after[inner * stride + row].wide(),
                };
                let upper = after[column * stride + inner].wide();
                value += lower * upper;
                size += (lower * upper).abs();
            }
            let expected = before[column * stride + order[row]].wide();
            let error = (value - expected).abs();
            let permitted = 4.0 * (count + 4) as f64 * precision * size + 1e-30;
            if error.is_finite() && permitted.is_finite() && error > permitted {
                return false;
            }
        }
    }
    true
}

/// Whether numbers, given as their bits, are those from before, in order and what is none
/// behind them.
pub fn is_sorted(before: &[u64], after: &[u64], wide: fn(u64) -> f64) -> bool {
    let is_number = |bits: &&u64| !wide(**bits).is_nan();
    let count = after.iter().filter(is_number).count();
    let (numbers, others) = after.split_at(count);
    let (mut one, mut other) = (before.to_vec(), after.to_vec());
    one.sort_unstable();
    other.sort_unstable();
    let ordered = |pair: &[u64]| wide(pair[0]).total_cmp(&wide(pair[1])).is_le();
    one == other
        && others.iter().all(|bits| wide(*bits).is_nan())
        && numbers.windows(2).all(ordered)
}
