//! Passkey options and answers as they travel: JSON, with base64url where the browser wants bytes.
//!
//! By hand, since the typed conversions of webauthn-rs-proto would be a quarter of all the script a
//! page loads. What is read here comes from our own server, and what is written is parsed and
//! checked there.

use js_sys::{Array, ArrayBuffer, JSON, Object, Reflect, Uint8Array};
use leptos::prelude::window;
use wasm_bindgen_futures::wasm_bindgen::{JsCast, JsValue};
use web_sys::PublicKeyCredential;

/// The options for `navigator.credentials`, from JSON.
pub(super) fn options<T: JsCast>(json: &str) -> Result<T, JsValue> {
    let options = JSON::parse(json)?;
    let public_key = get(&options, "publicKey")?;
    into_bytes(&public_key, "challenge")?;
    let user = get(&public_key, "user")?;
    if user.is_object() {
        into_bytes(&user, "id")?;
    }
    for list in ["allowCredentials", "excludeCredentials"] {
        let credentials = get(&public_key, list)?;
        for credential in credentials
            .dyn_ref::<Array>()
            .into_iter()
            .flat_map(Array::iter)
        {
            into_bytes(&credential, "id")?;
        }
    }
    Ok(options.unchecked_into())
}

/// The authenticator's answer, as JSON.
pub(super) fn answer(credential: &PublicKeyCredential) -> Result<String, JsValue> {
    let response = get(credential, "response")?;
    let told = Object::new();
    for name in [
        "clientDataJSON",
        "attestationObject",
        "authenticatorData",
        "signature",
        "userHandle",
    ] {
        set(&told, name, &from_bytes(&get(&response, name)?)?)?;
    }
    let extensions = Object::new();
    set(
        &extensions,
        "credProps",
        &get(&credential.get_client_extension_results(), "credProps")?,
    )?;
    let answer = Object::new();
    set(&answer, "id", &get(credential, "id")?)?;
    set(&answer, "rawId", &from_bytes(&get(credential, "rawId")?)?)?;
    set(&answer, "type", &get(credential, "type")?)?;
    set(&answer, "response", &told)?;
    set(&answer, "extensions", &extensions)?;
    JSON::stringify(&answer).map(String::from)
}

/// Replaces base64url in a field by its bytes.
fn into_bytes(object: &JsValue, name: &str) -> Result<(), JsValue> {
    let text = get(object, name)?
        .as_string()
        .unwrap_or_default()
        .replace('-', "+")
        .replace('_', "/");
    // `atob` gives a character for each byte.
    let bytes: Vec<u8> = window()
        .atob(&text)?
        .chars()
        .filter_map(|letter| u8::try_from(letter).ok())
        .collect();
    set(object, name, &Uint8Array::from(bytes.as_slice()))
}

/// A buffer as base64url; anything else as nothing.
fn from_bytes(buffer: &JsValue) -> Result<JsValue, JsValue> {
    let Some(buffer) = buffer.dyn_ref::<ArrayBuffer>() else {
        return Ok(JsValue::NULL);
    };
    let letters: String = Uint8Array::new(buffer)
        .to_vec()
        .into_iter()
        .map(char::from)
        .collect();
    let text = window().btoa(&letters)?.replace('+', "-").replace('/', "_");
    Ok(text.trim_end_matches('=').into())
}

fn get(object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    Reflect::get(object, &name.into())
}

/// Sets a field of an object.
pub(super) fn set(object: &JsValue, name: &str, value: &JsValue) -> Result<(), JsValue> {
    Reflect::set(object, &name.into(), value).map(drop)
}
