//! Changes to the code and data of a guest's module.

use std::fmt;

use serde::Deserialize;

use super::refusals::{refusal, rule};
use crate::error::Error;
use crate::rewrite::{FloatLoops, IndexCall, Narrowing, Offload, Patch, Place, Work};

/// Bytes of the module that are replaced by as many others.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BytePatch {
    /// The function, by its name in the name section. Its instructions are
    /// searched for the bytes.
    #[serde(default)]
    pub function: Option<String>,
    /// In the place of a function: the address of data that holds the bytes.
    #[serde(default)]
    pub address: Option<u32>,
    /// The bytes that are there: whole instructions of the function.
    pub find: HexBytes,
    /// The bytes that take their place, as many.
    pub replace: HexBytes,
    /// How often the function has them.
    #[serde(default = "once")]
    pub times: usize,
    /// A Python expression that is true in an image if the patch took effect.
    pub proof: String,
}

/// A call that decides whether an array may be cast, and that is to accept
/// integers that fit into a pointer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NarrowingCall {
    /// The function that calls.
    pub function: String,
    /// The function called: `PyArray_CanCastArrayTo`.
    pub calls: String,
    /// A Python expression that is true in an image if integers are accepted.
    pub proof: String,
}

/// Calls of a function that takes an index apart: the arrays in it are narrowed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexingCall {
    /// The functions that call it.
    pub functions: Vec<String>,
    /// The function called.
    pub calls: String,
    /// A Python expression that is true in an image of the changed module.
    pub proof: String,
}

/// Inner loops of numpy whose results are looked at: what is not finite, and no argument
/// explains, is recorded as hardware would have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberLoops {
    /// The loops.
    pub functions: Vec<String>,
    /// How many arrays they read: 1 or 2.
    pub arguments: u32,
    /// The bytes of a number: 4 or 8.
    pub bytes: u32,
    /// Which infinities are divisions by zero: none (0), for one argument all (1), for two
    /// those of a first (1) or second (2) argument that is zero.
    pub pole: u32,
    /// The address of the C library's word of exceptions.
    pub status_address: u32,
    /// A Python expression that is true in an image of the changed module.
    pub proof: String,
}

/// Functions whose work the host does on the guest's memory, where the policy permits it
/// and there is much of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffloadedFunctions {
    /// The functions, by their names in the name section.
    pub functions: Vec<String>,
    /// What each of them does: `dgemm_nn`, `dgetrf`, `sort_float64` and so on.
    pub work: String,
    /// A Python expression that is true in an image if the host did the work.
    pub proof: String,
}

/// Bytes, written as pairs of hexadecimal digits; blanks between them mean nothing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HexBytes(pub Vec<u8>);

impl TryFrom<String> for HexBytes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refusal = || format!("`{text}` is not bytes: write pairs of hexadecimal digits");
        let digits: Option<Vec<u32>> = text
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| c.to_digit(16))
            .collect();
        let digits = digits.ok_or_else(refusal)?;
        let bytes = digits.chunks(2).map(|pair| match pair {
            [high, low] => u8::try_from(high << 4 | low).ok(),
            _ => None,
        });
        bytes.collect::<Option<_>>().map(Self).ok_or_else(refusal)
    }
}

impl fmt::Debug for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::rewrite::hex(&self.0))
    }
}

const fn once() -> usize {
    1
}

impl BytePatch {
    pub(super) fn validate(&self) -> Result<(), Error> {
        self.place()?;
        let (find, replace) = (&self.find.0, &self.replace.0);
        rule(
            !find.is_empty() && find.len() == replace.len() && find != replace,
            "module.patch.replace",
            format!("{:?}", self.replace),
            "as many bytes as `find`, and others",
        )?;
        let times = self.times;
        let counted = times > 0 && (times == 1 || self.address.is_none());
        rule(
            counted,
            "module.patch.times",
            times,
            "above 0, and 1 for data",
        )?;
        expression("module.patch.proof", &self.proof)
    }

    fn place(&self) -> Result<Place, Error> {
        match (&self.function, self.address) {
            (Some(function), None) => Ok(Place::Function(function.clone())),
            (None, Some(address)) => Ok(Place::Data(address)),
            _ => Err(refusal(
                "module.patch",
                format!("{:?}", self.find),
                "either `function` or `address`",
            )),
        }
    }

    /// The patch for a rewrite; `None` never happens after [`Self::validate`].
    pub(crate) fn patch(&self) -> Option<Patch> {
        Some(Patch {
            place: self.place().ok()?,
            find: self.find.0.clone(),
            replace: self.replace.0.clone(),
            times: self.times,
        })
    }
}

impl NarrowingCall {
    pub(super) fn validate(&self) -> Result<(), Error> {
        expression("module.narrowing.proof", &self.proof)
    }

    pub(crate) fn narrowing(&self) -> Narrowing {
        Narrowing {
            function: self.function.clone(),
            calls: self.calls.clone(),
        }
    }
}

impl IndexingCall {
    pub(super) fn validate(&self) -> Result<(), Error> {
        expression("module.indexing.proof", &self.proof)
    }

    pub(crate) fn call(&self) -> IndexCall {
        IndexCall {
            functions: self.functions.clone(),
            calls: self.calls.clone(),
        }
    }
}

impl NumberLoops {
    pub(super) fn validate(&self) -> Result<(), Error> {
        let is_known = matches!(self.arguments, 1 | 2)
            && matches!(self.bytes, 4 | 8)
            && self.pole <= self.arguments
            && self.status_address.is_multiple_of(4);
        rule(
            is_known,
            "module.floats",
            format!("{self:?}"),
            "1 or 2 arguments of 4 or 8 bytes, a pole among them, an address that is a multiple of 4",
        )?;
        expression("module.floats.proof", &self.proof)
    }

    pub(crate) fn loops(&self) -> FloatLoops {
        FloatLoops {
            functions: self.functions.clone(),
            arguments: self.arguments,
            bytes: self.bytes,
            pole: self.pole,
            status_address: self.status_address,
        }
    }
}

impl OffloadedFunctions {
    pub(super) fn validate(&self) -> Result<(), Error> {
        rule(
            !self.functions.is_empty() && Work::named(&self.work).is_some(),
            "module.offload.work",
            &self.work,
            "work that the host does, such as `dgemm_nn`, `dgetrf` or `sort_float64`, and functions that do it",
        )?;
        expression("module.offload.proof", &self.proof)
    }

    /// The offloads for a rewrite; work without a name never comes after [`Self::validate`].
    pub(crate) fn offloads(&self) -> Vec<Offload> {
        let work = Work::named(&self.work);
        let offloads = self.functions.iter().zip(work.into_iter().cycle());
        offloads
            .map(|(function, work)| Offload {
                function: function.clone(),
                work,
            })
            .collect()
    }
}

fn expression(field: &str, proof: &str) -> Result<(), Error> {
    let one_line = !proof.trim().is_empty() && !proof.contains('\n');
    rule(one_line, field, proof, "a Python expression on one line")
}
