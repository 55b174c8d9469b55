//! `C += alpha A B`, in blocks that fit into the caches.

use super::element::{Element, add_multiple};
use super::packing::{View, pack};
use crate::refusal::Refusal;
use crate::room::Room;
use pulp::{Simd, WithSimd};

/// Steps of the inner index that one chain of additions has. Part of the result: the
/// sums of two chains are rounded where they meet.
pub const INNER: usize = 256;
/// Rows of the first factor that are packed at a time: a multiple of every panel's.
const ROWS: usize = 240;
/// Columns of the second factor that are packed at a time: a multiple of every panel's.
const COLUMNS: usize = 1024;
/// Registers of a panel of the first factor.
const TALL: usize = 3;
/// Columns of a panel of the second factor, where there are 32 registers and where
/// there are fewer.
const WIDE: usize = 8;
const NARROW: usize = 4;

/// What a factor of a product lies in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a, T> {
    /// Memory of its own.
    Apart(&'a [T]),
    /// The same slice as the result, another part of it.
    Beside,
}

/// The result of a product: `rows` × `columns`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) offset: usize,
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// Room for the panels, taken once for many products.
#[derive(Debug)]
pub(super) struct Panels<T> {
    first: Vec<T>,
    second: Vec<T>,
}

impl<T: Element> Panels<T> {
    /// Room for products of at most this size.
    pub(super) fn for_products(
        (rows, columns, inner): (usize, usize, usize),
        room: &Room<'_>,
    ) -> Result<Self, Refusal> {
        // A panel may be wider than the matrix.
        let deep = inner.min(INNER);
        let first = rows.min(ROWS).next_multiple_of(48) * deep;
        let second = columns.min(COLUMNS).next_multiple_of(WIDE) * deep;
        let bytes = (first + second) * size_of::<T>();
        room.admit_working(bytes as u64)?;
        Ok(Self {
            first: zeros(first)?,
            second: zeros(second)?,
        })
    }
}

fn zeros<T: Element>(count: usize) -> Result<Vec<T>, Refusal> {
    let bytes = (count * size_of::<T>()) as u64;
    let mut zeros = Vec::new();
    zeros
        .try_reserve_exact(count)
        .map_err(|_| Refusal::WorkingBytes { bytes, limit: 0 })?;
    zeros.resize(count, T::ZERO);
    Ok(zeros)
}

/// A product to be added to `data` at `target`.
pub(super) struct Multiplying<'a, 'r, T> {
    pub(super) data: &'a mut [T],
    pub(super) target: Target,
    pub(super) inner: usize,
    pub(super) alpha: T,
    pub(super) first: (Source<'a, T>, View),
    pub(super) second: (Source<'a, T>, View),
    pub(super) panels: &'a mut Panels<T>,
    pub(super) room: &'a Room<'r>,
}

impl<T: Element> WithSimd for Multiplying<'_, '_, T> {
    type Output = Result<(), Refusal>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, WIDE>(simd)
        } else {
            self.run::<S, NARROW>(simd)
        }
    }
}

impl<T: Element> Multiplying<'_, '_, T> {
    #[inline(always)]
    fn run<S: Simd, const C: usize>(mut self, simd: S) -> Result<(), Refusal> {
        let tall = TALL * T::lanes::<S>();
        let target = self.target;
        for column in (0..target.columns).step_by(COLUMNS) {
            let columns = (target.columns - column).min(COLUMNS);
            for step in (0..self.inner).step_by(INNER) {
                let deep = (self.inner - step).min(INNER);
                let (source, view) = self.second;
                let slice = match source {
                    Source::Apart(slice) => slice,
                    Source::Beside => &*self.data,
                };
                let view = view.from(column, step);
                pack(slice, view, (columns, deep), C, &mut self.panels.second);
                for row in (0..target.rows).step_by(ROWS) {
                    let rows = (target.rows - row).min(ROWS);
                    let (source, view) = self.first;
                    let slice = match source {
                        Source::Apart(slice) => slice,
                        Source::Beside => &*self.data,
                    };
                    let view = view.from(row, step);
                    pack(slice, view, (rows, deep), tall, &mut self.panels.first);
                    let block = Target {
                        offset: target.offset + column * target.stride + row,
                        rows,
                        columns,
                        ..target
                    };
                    self.block::<S, C>(simd, block, deep)?;
                }
            }
        }
        Ok(())
    }

    /// The product of what is packed.
    #[inline(always)]
    fn block<S: Simd, const C: usize>(
        &mut self,
        simd: S,
        block: Target,
        deep: usize,
    ) -> Result<(), Refusal> {
        let lanes = T::lanes::<S>();
        let tall = TALL * lanes;
        let seconds = self.panels.second.chunks_exact(C * deep);
        for (column, second) in (0..block.columns).step_by(C).zip(seconds) {
            self.room.look()?;
            let columns = (block.columns - column).min(C);
            let (second, _) = second.as_chunks::<C>();
            let firsts = self.panels.first.chunks_exact(tall * deep);
            for (row, first) in (0..block.rows).step_by(tall).zip(firsts) {
                let rows = (block.rows - row).min(tall);
                let (first, _) = T::registers::<S>(first);
                let (first, _) = first.as_chunks::<TALL>();
                let sums = tile::<S, T, C>(simd, first, second);
                let offset = block.offset + column * block.stride + row;
                let target = self.data.get_mut(offset..).unwrap_or_default();
                let lines = target.chunks_mut(block.stride).take(columns);
                for (line, sums) in lines.zip(&sums) {
                    let line = line.get_mut(..rows).unwrap_or_default();
                    if rows == tall {
                        add_registers::<S, T>(simd, line, self.alpha, sums);
                    } else {
                        add_multiple(simd, line, self.alpha, bytemuck::cast_slice(sums));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The sums of a tile: for each column of the second panel, registers of rows.
type Sums<S, T, const C: usize> = [[<T as Element>::Register<S>; TALL]; C];

/// The product of two panels.
#[inline(always)]
fn tile<S: Simd, T: Element, const C: usize>(
    simd: S,
    first: &[[T::Register<S>; TALL]],
    second: &[[T; C]],
) -> Sums<S, T, C> {
    let mut sums = [[T::splat(simd, T::ZERO); TALL]; C];
    for (first, second) in first.iter().zip(second) {
        for (sums, factor) in sums.iter_mut().zip(second) {
            let factor = T::splat(simd, *factor);
            for (sum, first) in sums.iter_mut().zip(first) {
                *sum = T::fused_lanes(simd, *first, factor, *sum);
            }
        }
    }
    sums
}

/// `line += factor × sums`, for a line as long as the sums.
#[inline(always)]
fn add_registers<S: Simd, T: Element>(
    simd: S,
    line: &mut [T],
    factor: T,
    sums: &[T::Register<S>; TALL],
) {
    let factor = T::splat(simd, factor);
    let (registers, _) = T::registers_mut::<S>(line);
    for (register, sum) in registers.iter_mut().zip(sums) {
        *register = T::fused_lanes(simd, factor, *sum, *register);
    }
}
