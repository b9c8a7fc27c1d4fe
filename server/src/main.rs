//! The command `vestibule`.

use std::process::ExitCode;

/// A tenth of a token request was spent in the system's allocator (docs/PERFORMANCE.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::commands::run()
}
