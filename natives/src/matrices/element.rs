//! What matrices are made of.

use bytemuck::Pod;
use pulp::Simd;
use std::ops::{Div, Mul, Neg};

/// A number of a matrix: `f32` or `f64`.
pub trait Element:
    Pod + PartialOrd + Neg<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// As many of them as the processor computes with at a time.
    type Register<S: Simd>: Pod;
    /// Nothing.
    const ZERO: Self;
    /// One.
    const ONE: Self;

    /// `self × factor + added`, rounded once.
    #[must_use]
    fn fused(self, factor: Self, added: Self) -> Self;

    /// A register of which each lane is `value`.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Register<S>;

    /// [`Self::fused`] in each lane.
    fn fused_lanes<S: Simd>(
        simd: S,
        first: Self::Register<S>,
        second: Self::Register<S>,
        added: Self::Register<S>,
    ) -> Self::Register<S>;

    /// A slice as registers, and what is left of it.
    fn registers<S: Simd>(slice: &[Self]) -> (&[Self::Register<S>], &[Self]);

    /// The same, to be changed.
    fn registers_mut<S: Simd>(slice: &mut [Self]) -> (&mut [Self::Register<S>], &mut [Self]);

    /// How many a register holds.
    #[must_use]
    fn lanes<S: Simd>() -> usize {
        size_of::<Self::Register<S>>() / size_of::<Self>()
    }
}

macro_rules! element {
    ($type:ty, $register:ident, $splat:ident, $fused:ident, $registers:ident, $registers_mut:ident) => {
        impl Element for $type {
            type Register<S: Simd> = S::$register;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn fused(self, factor: Self, added: Self) -> Self {
                self.mul_add(factor, added)
            }

            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$register {
                simd.$splat(value)
            }

            #[inline(always)]
            fn fused_lanes<S: Simd>(
                simd: S,
                first: S::$register,
                second: S::$register,
                added: S::$register,
            ) -> S::$register {
                simd.$fused(first, second, added)
            }

            #[inline(always)]
            fn registers<S: Simd>(slice: &[Self]) -> (&[S::$register], &[Self]) {
                S::$registers(slice)
            }

            #[inline(always)]
            fn registers_mut<S: Simd>(slice: &mut [Self]) -> (&mut [S::$register], &mut [Self]) {
                S::$registers_mut(slice)
            }
        }
    };
}

element!(
    f32,
    f32s,
    splat_f32s,
    mul_add_f32s,
    as_simd_f32s,
    as_mut_simd_f32s
);
element!(
    f64,
    f64s,
    splat_f64s,
    mul_add_f64s,
    as_simd_f64s,
    as_mut_simd_f64s
);

/// `column += factor × added`, each element rounded once.
#[inline(always)]
pub(super) fn add_multiple<S: Simd, T: Element>(simd: S, column: &mut [T], factor: T, added: &[T]) {
    let length = column.len().min(added.len());
    let (column, _) = column.split_at_mut(length);
    let (added, _) = added.split_at(length);
    let (registers, rest) = T::registers_mut::<S>(column);
    let (added_registers, added_rest) = T::registers::<S>(added);
    let factors = T::splat(simd, factor);
    for (register, added) in registers.iter_mut().zip(added_registers) {
        *register = T::fused_lanes(simd, factors, *added, *register);
    }
    for (element, added) in rest.iter_mut().zip(added_rest) {
        *element = factor.fused(*added, *element);
    }
}
