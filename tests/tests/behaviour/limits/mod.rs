//! Every limit: at the bound, one past it, what the outcome says, and the turn after.

mod counts;
mod depth;
mod endings;
mod fuel;
mod interrupts;
mod memory;
mod natives;
mod time;
