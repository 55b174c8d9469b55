//! `C = alpha A B + beta C`.

use super::element::Element;
use super::multiplying::{Multiplying, Panels, Source, Target};
use super::packing::View;
use crate::refusal::Refusal;
use crate::room::Room;
use pulp::Arch;

/// What is multiplied, besides the elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Product<T> {
    /// The rows of the result.
    pub rows: usize,
    /// The columns of the result.
    pub columns: usize,
    /// The columns of the first factor, and the rows of the second.
    pub inner: usize,
    /// Whether the first factor is given transposed.
    pub first_transposed: bool,
    /// Whether the second is.
    pub second_transposed: bool,
    /// By what the product is multiplied. At 0 the factors are not read.
    pub alpha: T,
    /// By what the result is multiplied before. At 0 it is not read.
    pub beta: T,
    /// From one column to the next of the first factor, the second and the result.
    pub strides: [usize; 3],
}

/// How many elements a matrix of this many rows and columns has in memory, gaps
/// included; `None` if columns overlap, or if that is no number. Columns that follow
/// one another at no distance are none, also where there are no elements: they could
/// not be told apart.
pub(super) fn extent(rows: usize, columns: usize, stride: usize) -> Option<usize> {
    if stride == 0 {
        return None;
    }
    if rows == 0 || columns == 0 {
        return Some(0);
    }
    if stride < rows {
        return None;
    }
    (columns - 1).checked_mul(stride)?.checked_add(rows)
}

impl<T: Element> Product<T> {
    /// How many elements the first factor, the second and the result have in memory;
    /// `None` if those are no matrices.
    #[must_use]
    pub fn extents(&self) -> Option<[usize; 3]> {
        let [first, second, result] = self.strides;
        let turned = |rows, columns, is_turned, stride| match is_turned {
            true => extent(columns, rows, stride),
            false => extent(rows, columns, stride),
        };
        Some([
            turned(self.rows, self.inner, self.first_transposed, first)?,
            turned(self.inner, self.columns, self.second_transposed, second)?,
            extent(self.rows, self.columns, result)?,
        ])
    }

    fn work(&self) -> u64 {
        let sides = [self.columns, self.inner.max(1)];
        let size = |side: usize| side as u64;
        sides.iter().fold(size(self.rows), |work, side| {
            work.saturating_mul(size(*side))
        })
    }
}

/// Multiplies. Charges for one unit of work for each multiplication.
///
/// # Errors
/// A [`Refusal`]: [`Refusal::Options`] if a slice is shorter than its matrix, and
/// nothing has been done; of those that come later, the result is half done.
pub fn product<T: Element>(
    asked: &Product<T>,
    first: &[T],
    second: &[T],
    result: &mut [T],
    room: &Room<'_>,
) -> Result<(), Refusal> {
    let given = [first.len(), second.len(), result.len()];
    let fits = (asked.extents())
        .is_some_and(|extents| extents.iter().zip(&given).all(|(needs, has)| needs <= has));
    if !fits {
        return Err(Refusal::Options("the matrices do not fit".to_owned()));
    }
    let sizes = (asked.rows, asked.columns, asked.inner);
    let mut panels = Panels::for_products(sizes, room)?;
    room.charge(asked.work())?;
    let [first_stride, second_stride, stride] = asked.strides;
    // What is empty has no columns to go through.
    if asked.rows == 0 || asked.columns == 0 {
        return Ok(());
    }
    scale(asked, result, room)?;
    if asked.alpha == T::ZERO {
        return Ok(());
    }
    let view = |side, inner| View {
        offset: 0,
        side,
        inner,
    };
    let first_view = match asked.first_transposed {
        true => view(first_stride, 1),
        false => view(1, first_stride),
    };
    let second_view = match asked.second_transposed {
        true => view(1, second_stride),
        false => view(second_stride, 1),
    };
    Arch::new().dispatch(Multiplying {
        data: result,
        target: Target {
            offset: 0,
            stride,
            rows: asked.rows,
            columns: asked.columns,
        },
        inner: asked.inner,
        alpha: asked.alpha,
        first: (Source::Apart(first), first_view),
        second: (Source::Apart(second), second_view),
        panels: &mut panels,
        room,
    })
}

/// `C = beta C`.
fn scale<T: Element>(asked: &Product<T>, result: &mut [T], room: &Room<'_>) -> Result<(), Refusal> {
    let [.., stride] = asked.strides;
    if asked.beta == T::ONE {
        return Ok(());
    }
    for column in result.chunks_mut(stride).take(asked.columns) {
        let column = column.get_mut(..asked.rows).unwrap_or_default();
        if asked.beta == T::ZERO {
            column.fill(T::ZERO);
        } else {
            column
                .iter_mut()
                .for_each(|element| *element = *element * asked.beta);
        }
        room.look()?;
    }
    Ok(())
}
