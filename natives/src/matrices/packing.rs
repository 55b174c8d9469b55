//! Panels: parts of a matrix copied so that a product reads them from front to back.
//!
//! A panel holds `width` rows of the first factor, or columns of the second. For each
//! step along the inner index, the `width` elements lie side by side; what a matrix
//! has not is zero there, and the result of it is not used.

use super::element::Element;

/// How a matrix lies in a slice, as the side that panels cut (its rows, if it is the
/// first factor) and the inner index.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// Where it begins.
    pub(super) offset: usize,
    /// From one row (column) to the next.
    pub(super) side: usize,
    /// From one inner index to the next.
    pub(super) inner: usize,
}

impl View {
    /// A part of it.
    pub(super) fn from(self, side: usize, inner: usize) -> Self {
        let moved = (self.side.wrapping_mul(side)).wrapping_add(self.inner.wrapping_mul(inner));
        Self {
            offset: self.offset.wrapping_add(moved),
            ..self
        }
    }
}

/// Copies `side` rows (columns) of a view, `inner` steps deep, into panels of `width`.
pub(super) fn pack<T: Element>(
    slice: &[T],
    view: View,
    (side, inner): (usize, usize),
    width: usize,
    panels: &mut [T],
) {
    for (number, panel) in panels.chunks_mut(width * inner).enumerate() {
        let first = number * width;
        let here = side.saturating_sub(first).min(width);
        if here == 0 {
            return;
        }
        let part = view.from(first, 0);
        if view.side == 1 {
            rows(slice, part, here, width, panel);
        } else {
            columns(slice, part, here, width, inner, panel);
        }
    }
}

/// The elements of one step lie side by side in the matrix too.
fn rows<T: Element>(slice: &[T], view: View, here: usize, width: usize, panel: &mut [T]) {
    let mut start = view.offset;
    for step in panel.chunks_exact_mut(width) {
        let (given, lacking) = step.split_at_mut(here);
        if let Some(elements) = slice.get(start..start.wrapping_add(here)) {
            given.copy_from_slice(elements);
        }
        lacking.fill(T::ZERO);
        start = start.wrapping_add(view.inner);
    }
}

/// Steps go along a column, or with any other distance.
fn columns<T: Element>(
    slice: &[T],
    view: View,
    here: usize,
    width: usize,
    inner: usize,
    panel: &mut [T],
) {
    if here < width {
        panel.fill(T::ZERO);
    }
    for at in 0..here {
        let line = slice.get(view.from(at, 0).offset..).unwrap_or_default();
        let places = panel.iter_mut().skip(at).step_by(width);
        if view.inner == 1 {
            places
                .zip(line.iter().take(inner))
                .for_each(|(place, element)| *place = *element);
        } else {
            places
                .zip(line.iter().step_by(view.inner.max(1)))
                .for_each(|(place, element)| *place = *element);
        }
    }
}
