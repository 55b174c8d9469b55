//! Chat completions: one list of messages in, one choice out.

mod decode;
mod encode;
mod stream;

pub(super) use decode::decode;
pub(super) use encode::encode;
pub(super) use stream::Chunks;
