//! The parts of a factorization that are too small for products of matrices.

use super::element::{Element, add_multiple};
use crate::refusal::Refusal;
use crate::room::Room;
use pulp::{Simd, WithSimd};

/// Most rows of a corner.
const CORNER: usize = 16;

/// Factors a few columns, one by one. Gives 0, or the number from 1 of the first
/// column whose pivot is exactly 0.
pub(super) struct FactoringPanel<'a, 'r, T> {
    pub(super) data: &'a mut [T],
    pub(super) stride: usize,
    pub(super) rows: usize,
    /// The first row and column.
    pub(super) first: usize,
    pub(super) pivots: &'a mut [i32],
    /// It may have many rows: it looks at the interrupt before each column.
    pub(super) room: &'a Room<'r>,
}

impl<T: Element> WithSimd for FactoringPanel<'_, '_, T> {
    type Output = Result<i32, Refusal>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Result<i32, Refusal> {
        let (first, count) = (self.first, self.pivots.len());
        let start = first.saturating_mul(self.stride);
        let columns = self.data.get_mut(start..).unwrap_or_default();
        let mut zero = 0;
        for (at, pivot) in self.pivots.iter_mut().enumerate() {
            self.room.look()?;
            let row = first + at;
            let column = columns.get(at * self.stride..).unwrap_or_default();
            let column = column.get(row..self.rows).unwrap_or_default();
            let chosen = row + largest(column);
            *pivot = number(chosen);
            for column in columns.chunks_mut(self.stride).take(count) {
                swap(column, row, chosen);
            }
            let next = ((at + 1) * self.stride).min(columns.len());
            let (left, right) = columns.split_at_mut(next);
            let column = left.get_mut(at * self.stride..).unwrap_or_default();
            let column = column.get_mut(row..self.rows).unwrap_or_default();
            let Some((head, below)) = column.split_first_mut() else {
                continue;
            };
            if *head == T::ZERO {
                if zero == 0 {
                    zero = number(row);
                }
                continue;
            }
            let head = *head;
            below
                .iter_mut()
                .for_each(|element| *element = *element / head);
            for other in right.chunks_mut(self.stride).take(count - at - 1) {
                let other = other.get_mut(row..self.rows).unwrap_or_default();
                if let Some((head, rest)) = other.split_first_mut() {
                    add_multiple(simd, rest, -*head, below);
                }
            }
        }
        Ok(zero)
    }
}

/// `B = L⁻¹ B` for a small `L`, with ones on its diagonal and nothing above.
pub(super) struct SolvingCorner<'a, T> {
    pub(super) data: &'a mut [T],
    pub(super) stride: usize,
    /// The first row and column of `L`, and the first row of `B`.
    pub(super) first: usize,
    /// Its rows, at most as many as a corner has.
    pub(super) count: usize,
    /// The columns of `B`, all of them behind those of `L`.
    pub(super) columns: (usize, usize),
}

impl<T: Element> WithSimd for SolvingCorner<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Whole columns of a fixed length: zeros above the diagonal change nothing.
        let mut corner = [[T::ZERO; CORNER]; CORNER];
        let rows = self.first..self.first + self.count.min(CORNER);
        let lower = self.data.chunks(self.stride).skip(self.first);
        for (at, (kept, column)) in corner.iter_mut().zip(lower.take(self.count)).enumerate() {
            let column = column.get(rows.clone()).unwrap_or_default();
            for (kept, element) in kept.iter_mut().zip(column).skip(at + 1) {
                *kept = *element;
            }
        }
        let (from, to) = self.columns;
        let columns = self.data.chunks_mut(self.stride).skip(from);
        for column in columns.take(to.saturating_sub(from)) {
            let Some(column) = column.get_mut(rows.clone()) else {
                continue;
            };
            let mut solved = [T::ZERO; CORNER];
            for (solved, element) in solved.iter_mut().zip(column.iter()) {
                *solved = *element;
            }
            for (at, factors) in corner.iter().enumerate().take(self.count) {
                let value = solved.get(at).copied().unwrap_or(T::ZERO);
                below::<S, T>(simd, &mut solved, at, value, factors);
            }
            for (element, solved) in column.iter_mut().zip(solved) {
                *element = solved;
            }
        }
    }
}

/// Subtracts `value × factors` below the row `at`.
#[inline(always)]
fn below<S: Simd, T: Element>(
    simd: S,
    solved: &mut [T; CORNER],
    at: usize,
    value: T,
    factors: &[T; CORNER],
) {
    // Rows on and above it stay as they are, also where `value` is infinite.
    let rest = solved.get_mut(at + 1..).unwrap_or_default();
    let factors = factors.get(at + 1..).unwrap_or_default();
    add_multiple(simd, rest, -value, factors);
}

/// Exchanges elements of a column as the pivots of the rows from `first` on say.
pub(super) fn exchange<T: Element>(column: &mut [T], first: usize, pivots: &[i32]) {
    for (at, pivot) in (first..).zip(pivots) {
        swap(
            column,
            at,
            (pivot.unsigned_abs() as usize).saturating_sub(1),
        );
    }
}

fn swap<T: Element>(column: &mut [T], row: usize, other: usize) {
    if row != other && row < column.len() && other < column.len() {
        column.swap(row, other);
    }
}

/// The place of the element of the largest magnitude, the first of them. What is no
/// number counts only if it comes first.
#[inline(always)]
fn largest<T: Element>(column: &[T]) -> usize {
    let magnitude = |value: T| if value < T::ZERO { -value } else { value };
    let mut found = (0, T::ZERO);
    for (row, value) in column.iter().enumerate() {
        let value = magnitude(*value);
        if row == 0 || value > found.1 {
            found = (row, value);
        }
    }
    found.0
}

/// The number of a row, from 1; the matrix has no more than fit.
fn number(row: usize) -> i32 {
    i32::try_from(row + 1).unwrap_or(i32::MAX)
}
