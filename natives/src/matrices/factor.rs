//! `A = P L U`: a matrix as a permutation, a lower and an upper triangle.
//!
//! The left half of the columns is factored first, then what it leaves of the right
//! one, each in the same way; so nearly all work is products of matrices.

use super::element::Element;
use super::multiplying::{Multiplying, Panels, Source, Target};
use super::packing::View;
use super::panel::{FactoringPanel, SolvingCorner, exchange};
use super::product::extent;
use crate::refusal::Refusal;
use crate::room::Room;
use pulp::Arch;

/// Columns that are done one by one.
const FEW: usize = 16;
/// Rows of a triangle that are solved one by one.
const FEW_ROWS: usize = 16;
/// Columns without pivots that are done at a time, and columns whose rows are exchanged
/// between two looks at the interrupt.
const AT_A_TIME: usize = 1024;

/// The size of a matrix, and from one of its columns to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factoring {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// From one column to the next, at least the rows.
    pub stride: usize,
}

impl Factoring {
    /// How many elements the matrix has in memory; `None` if it is none, or if its rows
    /// or columns cannot be numbered.
    #[must_use]
    pub fn extent(&self) -> Option<usize> {
        i32::try_from(self.rows.max(self.columns)).ok()?;
        extent(self.rows, self.columns, self.stride)
    }

    /// How many pivots there are.
    #[must_use]
    pub fn pivots(&self) -> usize {
        self.rows.min(self.columns)
    }

    /// Multiplications: exact for a square, and more than enough for others.
    fn work(&self) -> u64 {
        let few = self.pivots() as u64;
        let many = self.rows.max(self.columns) as u64;
        let product = few.saturating_mul(few).saturating_mul(many);
        if few == many { product / 3 } else { product }
    }
}

/// Factors a matrix in its place. `pivots` becomes, for each column, the row that it
/// was exchanged with, counted from 1. Returns 0, or the number from 1 of the first
/// column whose pivot is exactly 0.
///
/// # Errors
/// A [`Refusal`]: [`Refusal::Options`] if a slice is too short, and nothing has been
/// done; of those that come later, the matrix is half done.
pub fn factor<T: Element>(
    asked: Factoring,
    data: &mut [T],
    pivots: &mut [i32],
    room: &Room<'_>,
) -> Result<i32, Refusal> {
    let misfit = || Refusal::Options("the matrix does not fit".to_owned());
    let extent = asked.extent().ok_or_else(misfit)?;
    let data = data.get_mut(..extent).ok_or_else(misfit)?;
    let pivots = pivots.get_mut(..asked.pivots()).ok_or_else(misfit)?;
    // What is empty has no columns to go through.
    if pivots.is_empty() {
        return Ok(0);
    }
    let sizes = (asked.rows, asked.columns, asked.pivots());
    let panels = Panels::for_products(sizes, room)?;
    room.charge(asked.work())?;
    let mut factors = Factors {
        arch: Arch::new(),
        data,
        stride: asked.stride,
        rows: asked.rows,
        panels,
        zero: 0,
        room,
    };
    let count = asked.pivots();
    factors.halves(0, count, pivots)?;
    // More columns than rows: those have no pivots.
    for from in (count..asked.columns).step_by(AT_A_TIME) {
        let to = asked.columns.min(from.saturating_add(AT_A_TIME));
        factors.exchange(from, to, 0, pivots)?;
        factors.solve((0, count), (from, to))?;
    }
    Ok(factors.zero)
}

/// A matrix on its way to its factors.
struct Factors<'a, 'r, T> {
    arch: Arch,
    data: &'a mut [T],
    stride: usize,
    rows: usize,
    panels: Panels<T>,
    zero: i32,
    room: &'a Room<'r>,
}

impl<T: Element> Factors<'_, '_, T> {
    /// Factors the columns from `first` on, with the rows from `first` on. `pivots` are
    /// those of these columns.
    fn halves(&mut self, first: usize, count: usize, pivots: &mut [i32]) -> Result<(), Refusal> {
        self.room.look()?;
        if count <= FEW {
            let zero = self.arch.dispatch(FactoringPanel {
                data: self.data,
                stride: self.stride,
                rows: self.rows,
                first,
                pivots,
                room: self.room,
            })?;
            if self.zero == 0 {
                self.zero = zero;
            }
            return Ok(());
        }
        // Blocks of whole panels leave the fewest edges.
        let half = (count / 2).next_multiple_of(FEW);
        let (end, middle) = (first + count, first + half);
        let (left, right) = pivots.split_at_mut(half.min(pivots.len()));
        self.halves(first, half, left)?;
        self.exchange(middle, end, first, left)?;
        self.solve((first, middle), (middle, end))?;
        self.subtract((middle, self.rows), (first, middle), (middle, end))?;
        self.halves(middle, count - half, right)?;
        self.exchange(first, middle, middle, right)
    }

    /// Exchanges rows of the columns from `from` to `to` as the pivots from `first` on say.
    fn exchange(
        &mut self,
        from: usize,
        to: usize,
        first: usize,
        pivots: &[i32],
    ) -> Result<(), Refusal> {
        let columns = self.data.chunks_mut(self.stride).skip(from);
        let columns = columns.take(to.saturating_sub(from));
        for (number, column) in columns.enumerate() {
            if number % AT_A_TIME == 0 {
                self.room.look()?;
            }
            exchange(column, first, pivots);
        }
        Ok(())
    }

    /// Solves with the unit lower triangle of these rows, for these columns.
    fn solve(&mut self, rows: (usize, usize), columns: (usize, usize)) -> Result<(), Refusal> {
        self.room.look()?;
        let (first, end) = rows;
        let count = end.saturating_sub(first);
        if count <= FEW_ROWS {
            self.arch.dispatch(SolvingCorner {
                data: self.data,
                stride: self.stride,
                first,
                count,
                columns,
            });
            return Ok(());
        }
        let middle = first + (count / 2).next_multiple_of(FEW_ROWS);
        self.solve((first, middle), columns)?;
        self.subtract((middle, end), (first, middle), columns)?;
        self.solve((middle, end), columns)
    }

    /// Subtracts from the elements at `rows` and `columns` the product of what is left
    /// of them, at `inner`, and what is above.
    fn subtract(
        &mut self,
        rows: (usize, usize),
        inner: (usize, usize),
        columns: (usize, usize),
    ) -> Result<(), Refusal> {
        let at = |row: usize, column: usize| column * self.stride + row;
        let target = Target {
            offset: at(rows.0, columns.0),
            stride: self.stride,
            rows: rows.1.saturating_sub(rows.0),
            columns: columns.1.saturating_sub(columns.0),
        };
        if target.rows == 0 || target.columns == 0 {
            return Ok(());
        }
        let first = View {
            offset: at(rows.0, inner.0),
            side: 1,
            inner: self.stride,
        };
        let second = View {
            offset: at(inner.0, columns.0),
            side: self.stride,
            inner: 1,
        };
        self.arch.dispatch(Multiplying {
            data: self.data,
            target,
            inner: inner.1.saturating_sub(inner.0),
            alpha: -T::ONE,
            first: (Source::Beside, first),
            second: (Source::Beside, second),
            panels: &mut self.panels,
            room: self.room,
        })
    }
}
