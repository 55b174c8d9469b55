//! Functions whose work the host does, on the guest's memory.
//!
//! ```text
//! if the work is long:
//!     result = host.call(what, -code, 0 or a count, 0)
//!     if result >= 0: return result
//! the body, as it was
//! ```
//! No frame of a call has a negative length, so the host tells these calls from others.
//! It may leave the work to the guest; a host that knows nothing of them does.

use std::collections::HashMap;

use wasm_encoder::{BlockType, InstructionSink, MemArg, ValType};
use wasmparser::TypeRef;

use super::layout::Layout;
use crate::error::Error;

/// Multiplications below which a product stays in the guest.
const PRODUCT_MIN: i64 = 32 * 32 * 32;
/// Elements below which a factorization stays in the guest.
const FACTOR_MIN: i64 = 48 * 48;
/// Numbers below which sorting stays in the guest.
const SORT_MIN: i32 = 2048;

/// Work of the guest that the host can do. The letters of BLAS: `d` and `s` for numbers
/// of 8 and 4 bytes, `n` and `t` for factors as they are and transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A product of matrices: `interface(args, range_m, range_n, …)` of OpenBLAS.
    Product {
        /// Whether the numbers have 8 bytes, not 4.
        is_double: bool,
        /// Whether the first factor is transposed.
        first_transposed: bool,
        /// Whether the second is.
        second_transposed: bool,
    },
    /// The factors of a matrix, called in the same way.
    Factor {
        /// Whether the numbers have 8 bytes, not 4.
        is_double: bool,
    },
    /// Sorting: `quicksort(start, count)` of numpy, without a result.
    Sort(Sorted),
}

/// What is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sorted {
    /// `float64`.
    Doubles,
    /// `float32`.
    Singles,
}

const fn product(is_double: bool, first_transposed: bool, second_transposed: bool) -> Work {
    Work::Product {
        is_double,
        first_transposed,
        second_transposed,
    }
}

/// The name in a manifest and the code in a call of each.
const WORKS: &[(&str, i32, Work)] = &[
    ("dgemm_nn", 16, product(true, false, false)),
    ("dgemm_nt", 17, product(true, false, true)),
    ("dgemm_tn", 18, product(true, true, false)),
    ("dgemm_tt", 19, product(true, true, true)),
    ("sgemm_nn", 20, product(false, false, false)),
    ("sgemm_nt", 21, product(false, false, true)),
    ("sgemm_tn", 22, product(false, true, false)),
    ("sgemm_tt", 23, product(false, true, true)),
    ("dgetrf", 32, Work::Factor { is_double: true }),
    ("sgetrf", 33, Work::Factor { is_double: false }),
    ("sort_float64", 48, Work::Sort(Sorted::Doubles)),
    ("sort_float32", 49, Work::Sort(Sorted::Singles)),
];

impl Work {
    /// The work of a call with this length, if it is one.
    #[must_use]
    pub fn of_call(length: i32) -> Option<Self> {
        let code = length.checked_neg()?;
        let found = WORKS.iter().find(|(_, known, _)| *known == code);
        found.map(|(.., work)| *work)
    }

    /// The work with this name in a manifest.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = WORKS.iter().find(|(known, ..)| *known == name);
        found.map(|(.., work)| *work)
    }

    fn code(self) -> i32 {
        let found = WORKS.iter().find(|(.., work)| *work == self);
        found.map_or(0, |(_, code, _)| *code)
    }

    /// How many parameters and results a function has that does it.
    fn signature(self) -> (usize, usize) {
        match self {
            Self::Product { .. } | Self::Factor { .. } => (6, 1),
            Self::Sort(_) => (2, 0),
        }
    }
}

/// A function whose work the host does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offload {
    /// Its name in the name section.
    pub function: String,
    /// What it does.
    pub work: Work,
}

/// What goes before the body of each of these functions, by the body's position.
pub(super) fn prologues(
    layout: &Layout<'_>,
    offloads: &[Offload],
) -> Result<HashMap<usize, Vec<u8>>, Error> {
    offloads
        .iter()
        .map(|offload| {
            Ok((
                layout.body_of(&offload.function)?,
                prologue(layout, offload)?,
            ))
        })
        .collect()
}

fn prologue(layout: &Layout<'_>, offload: &Offload) -> Result<Vec<u8>, Error> {
    let refusal = |reason| Error::Wrap {
        name: offload.function.clone(),
        reason,
    };
    let ty = layout
        .function_type(layout.names.index(&offload.function)?)
        .ok_or_else(|| refusal("its type is unknown"))?;
    let int = wasmparser::ValType::I32;
    let (parameters, results) = offload.work.signature();
    let is_as_expected = ty.params() == vec![int; parameters] && ty.results() == vec![int; results];
    if !is_as_expected {
        return Err(refusal(
            "it is not called as a function that does this work",
        ));
    }
    let host_call = host_call(layout).ok_or_else(|| refusal("the module has no `host.call`"))?;
    let code = offload.work.code();
    let mut bytes = Vec::new();
    let mut sink = InstructionSink::new(&mut bytes);
    match offload.work {
        Work::Product { .. } => {
            // The whole of a product, of so many multiplications.
            whole(&mut sink);
            size(&mut sink, &[24, 28, 32], PRODUCT_MIN);
            call(&mut sink, code, host_call);
            sink.end().end();
        }
        Work::Factor { .. } => {
            whole(&mut sink);
            size(&mut sink, &[24, 28], FACTOR_MIN);
            call(&mut sink, code, host_call);
            sink.end().end();
        }
        Work::Sort(_) => {
            sink.local_get(1).i32_const(SORT_MIN).i32_ge_s();
            sink.if_(BlockType::Empty);
            sink.local_get(0).i32_const(-code).local_get(1).i32_const(0);
            sink.call(host_call).i32_const(0).i32_ge_s();
            sink.if_(BlockType::Empty).return_().end();
            sink.end();
        }
    }
    Ok(bytes)
}

/// Begins a block for calls without ranges: the parameters 1 and 2 are null.
fn whole(sink: &mut InstructionSink<'_>) {
    sink.local_get(1).local_get(2).i32_or().i32_eqz();
    sink.if_(BlockType::Empty);
}

/// Begins a block for work of at least `min`: the product of these words of the arguments.
fn size(sink: &mut InstructionSink<'_>, words: &[u64], min: i64) {
    sink.i64_const(1);
    for offset in words {
        let place = MemArg {
            offset: *offset,
            align: 2,
            memory_index: 0,
        };
        sink.local_get(0).i64_load32_u(place).i64_mul();
    }
    sink.i64_const(min).i64_ge_u();
    sink.if_(BlockType::Empty);
}

/// Calls, and returns what the host answers unless it left the work. The parameter 1
/// holds the answer meanwhile, and is null again.
fn call(sink: &mut InstructionSink<'_>, code: i32, host_call: u32) {
    sink.local_get(0).i32_const(-code).i32_const(0).i32_const(0);
    sink.call(host_call).local_tee(1).i32_const(0).i32_ge_s();
    sink.if_(BlockType::Empty).local_get(1).return_().end();
    sink.i32_const(0).local_set(1);
}

/// The import by which the guest calls the host.
fn host_call(layout: &Layout<'_>) -> Option<u32> {
    let is_function = |ty: &TypeRef| matches!(ty, TypeRef::Func(_) | TypeRef::FuncExact(_));
    let functions = layout
        .imports
        .iter()
        .filter(|import| is_function(&import.ty));
    let (index, _) = (0..)
        .zip(functions)
        .find(|(_, import)| import.module == "host" && import.name == "call")?;
    let ty = layout.function_type(index)?;
    let int = ValType::I32;
    let params: Vec<ValType> = (ty.params().iter())
        .filter_map(|param| ValType::try_from(*param).ok())
        .collect();
    (params == [int; 4] && ty.results() == [wasmparser::ValType::I32]).then_some(index)
}
