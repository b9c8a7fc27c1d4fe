//! The wasm module of the pages, which hydrates the islands of `app`.

// Linked for the islands that it exports.
extern crate app as _;

/// Called once by the page's script after the module has loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
