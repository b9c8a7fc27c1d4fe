//! The command `vestibule`.

use std::process::ExitCode;

use server::site::EmbeddedSite;

/// A tenth of a token request was spent in the system's allocator (docs/PERFORMANCE.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The pages' files, in a release.
#[cfg(feature = "embed-site")]
const SITE: Option<EmbeddedSite> = Some(include!("../../target/site.rs"));
#[cfg(not(feature = "embed-site"))]
const SITE: Option<EmbeddedSite> = None;

fn main() -> ExitCode {
    server::commands::run(SITE)
}
