//! Products and factors of matrices, in the memory of the guest.
//!
//! ```text
//!  product ─┐                        ┌─ packing   (panels that lie in a row)
//!           ├─► multiplying (blocks) ┤
//!  factor  ─┘                        └─ element   (a register of the processor)
//! ```
//! The matrices are those of BLAS: columns one after the other, each `stride`
//! elements behind the one before.
//!
//! The same input gives the same bits on every machine. Each element of a product is
//! one chain of fused multiplications and additions, in the order of the inner index
//! and cut where [`INNER`] says; how many of them a processor does at a time changes
//! nothing, and one without the instruction computes the same more slowly.

mod element;
mod factor;
mod multiplying;
mod packing;
mod panel;
mod product;

pub use element::Element;
pub use factor::{Factoring, factor};
pub use multiplying::INNER;
pub use product::{Product, product};
