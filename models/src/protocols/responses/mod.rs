//! Responses: a list of items in, a list of items out, nothing kept there.

mod decode;
mod encode;
mod stream;

pub(super) use decode::decode;
pub(super) use encode::encode;
pub(super) use stream::Items;
