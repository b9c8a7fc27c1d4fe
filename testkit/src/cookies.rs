//! The cookies of a browser.

use std::collections::BTreeMap;

/// Values by name. All cookies have the same path and host.
pub type CookieJar = BTreeMap<String, String>;

/// The value of the `Cookie` header (RFC 6265 section 4.2); `None` without cookies.
pub fn header(jar: &CookieJar) -> Option<String> {
    let pairs: Vec<_> = jar
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join("; "))
}

/// Stores the cookie of a `Set-Cookie` header, or removes it if its `Max-Age` is 0.
pub fn store(jar: &mut CookieJar, set_cookie: &str) {
    let mut parts = set_cookie.split("; ");
    let (name, value) = parts
        .next()
        .and_then(|pair| pair.split_once('='))
        .expect("a cookie has a name and a value");
    if parts.any(|attribute| attribute == "Max-Age=0") {
        jar.remove(name);
    } else {
        jar.insert(name.to_owned(), value.to_owned());
    }
}
