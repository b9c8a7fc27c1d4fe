//! What crosses between server and browser.

use serde::{Deserialize, Serialize};

/// A passkey ceremony that waits for the browser: its id in the server, and what the browser is
/// asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CeremonyOptions {
    /// Names the ceremony when its answer comes back.
    pub id: String,
    /// The options for `navigator.credentials`, as JSON.
    pub options: String,
}
