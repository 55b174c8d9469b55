//! The `memex` program.

use memex_cli::{Installation, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().skip(1), Installation::own()))
}
