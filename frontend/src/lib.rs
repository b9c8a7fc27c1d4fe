//! What the browser loads: it wakes the islands of `app` and nothing else.

// Linked for the islands it exports; nothing here calls them by name.
extern crate app as _;

/// Called once by the page's script when the module has loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
