//! What the host computes for the guest, through the ordinary names of Python.

mod columns;
mod compression;
mod images;
mod keys;
mod offload;
mod stand_ins;
mod switches;
