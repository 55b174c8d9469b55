//! Starting a guest for the first time: the boot, and finding by experiment
//! where the interpreter keeps what the host must reach.
//!
//! No offset is taken from a header file. Each is found by trying in the guest
//! at hand, and the image's self-test proves it again through a session.

mod addresses;
mod calibrator;
mod hooks;
mod immortals;
mod report;
mod situations;
mod warming;

pub(super) use calibrator::Calibrator;
pub(super) use report::Report;
