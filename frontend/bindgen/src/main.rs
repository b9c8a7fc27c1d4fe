//! `bindgen FILE FOLDER NAME`: writes `FOLDER/NAME.js` and `FOLDER/NAME_bg.wasm` for a compiled
//! `frontend`. It uses the version of wasm-bindgen in Cargo.lock, which must match the version in
//! the wasm.

use std::{env, error::Error};

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, folder, name] = arguments.as_slice() else {
        return Err("usage: bindgen FILE FOLDER NAME".into());
    };
    Bindgen::new()
        .input_path(file)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .generate(folder)?;
    Ok(())
}
