//! `bindgen FILE FOLDER NAME`: writes `FOLDER/NAME.js` and `FOLDER/NAME_bg.wasm` for a compiled
//! `frontend`. The version of wasm-bindgen is the one in Cargo.lock, which the two must share.

use std::env;
use std::error::Error;

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
