//! Reading replies: what a model wants done.
//!
//! | reply | what is done |
//! |---|---|
//! | code, whatever stands around it | it runs |
//! | several blocks, or several calls of `python` | the first runs; the model gets a notice about the others |
//! | a block that is not closed | nothing runs; the model gets a notice, also when its reply was cut off |
//! | arguments that are no JSON, or not those of `python` | the call fails with what is wrong |
//! | calls of tools, in tools space | each is made |
//! | a block beside no call, where code comes in calls | it runs; the model is told once |
//! | thoughts in the text | they are no answer, and no code in them runs |
//! | calls written as text | they are made |
//! | text alone | the answer; with an output schema, a hint to submit |
//! | nothing | a hint |
//! | a refusal | the run ends as failed |

mod action;
mod blocks;
mod calls;
mod fences;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod replies;
mod texts;
mod thoughts;
mod unwrapping;
mod written_calls;

pub use action::{Action, RequestedCall};
pub use blocks::{Blocks, blocks};
pub(crate) use calls::CODE_TOOL;
pub use replies::read;
pub(crate) use replies::understood;
