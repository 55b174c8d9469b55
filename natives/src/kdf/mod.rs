//! Keys from passwords: slow on purpose, and slower still in the guest.

mod pbkdf2;
mod romix;
mod scrypt;

pub(crate) use pbkdf2::{Pbkdf2, pbkdf2};
pub(crate) use scrypt::{Scrypt, scrypt};
