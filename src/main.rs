//! The command `overlapc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    overlapc::cli::run()
}
