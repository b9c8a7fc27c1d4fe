//! The button that copies a text, which runs in the browser.

pub(crate) const COPY: &str = "Copy";
pub(crate) const COPIED: &str = "Copied";
