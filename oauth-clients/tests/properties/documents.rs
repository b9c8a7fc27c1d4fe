//! Addresses of metadata documents, held against the `url` crate, and whatever a strange web server
//! gives as a document.

use oauth::{ProtocolError as _, Timestamp, redirect::PrivateSchemes};
use oauth_clients::{
    client::{Authentication, Client, ClientSource},
    document::{self, DocumentPolicy, DocumentUrl},
    error::DocumentError,
};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};
use url::{Position, Url};

use crate::{
    readers,
    strategies::{address, assert_safe, more_often},
};

const ADDRESS: &str = "https://a.example/client.json";

/// Addresses, with pieces of paths that servers and browsers read differently.
fn document_address() -> impl Strategy<Value = String> {
    let tail = select(vec![
        "",
        "/",
        "/x",
        "/.",
        "/..",
        "/%2e%2E/x",
        "/a/../x",
        "//x",
        "/%2f",
        "\\x",
        "/x?y",
        "#",
        "/x y",
        "/\t",
        "/x:443",
    ]);
    (address(), tail).prop_map(|(address, tail)| address + tail)
}

fn read(body: &[u8]) -> Result<Client, DocumentError> {
    let url = DocumentUrl::parse(ADDRESS).expect("an address");
    document::read(
        &url,
        body,
        &PrivateSchemes::default(),
        Timestamp::from_seconds(1),
        Timestamp::from_seconds(2),
    )
}

/// What is read of a document is safe, and its own; a fault is told as one of a document.
fn assert_described(body: &[u8]) -> Result<(), TestCaseError> {
    match read(body) {
        Ok(client) => {
            prop_assert_eq!(client.id.as_str(), ADDRESS);
            prop_assert!(client.name.is_some_and(|name| !name.trim().is_empty()));
            prop_assert!(!client.redirect_uris.is_empty());
            for uri in &client.redirect_uris {
                assert_safe(uri.as_str())?;
            }
            prop_assert!(
                !matches!(client.authentication, Authentication::Secret(_)),
                "a secret that everybody can read"
            );
            prop_assert_eq!(
                client.source,
                ClientSource::Document {
                    fresh_until: Timestamp::from_seconds(2),
                    allowed: false
                }
            );
        }
        Err(reason) => {
            prop_assert_eq!(reason.code().as_str(), "invalid_client", "{:?}", reason);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(more_often(4))]

    #[test]
    fn r_c12_an_address_is_asked_for_as_it_is_written(text in document_address()) {
        let Ok(address) = DocumentUrl::parse(&text) else { return Ok(()) };
        prop_assert_eq!(address.as_str(), &text);
        let url = Url::parse(&text).expect("a URL");
        prop_assert_eq!(address.url(), &url);
        prop_assert_eq!(url.scheme(), "https");
        prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
        prop_assert!(url.path().len() > 1 && text.ends_with(&url[Position::BeforePath..]), "{} is not what was written", url);
        let begins_with_its_host = text.strip_prefix("https://").and_then(|rest| rest.strip_prefix(url.host_str()?)).is_some();
        prop_assert!(begins_with_its_host, "{}", url);
        prop_assert_eq!(Some(address.host().to_string()), url.host_str().map(str::to_owned));
    }

    #[test]
    fn t_e39_a_policy_lets_in_hosts_that_it_names(text in document_address(), rule in select(vec!["a.example", ".example", "localhost", "[::1]"])) {
        let Ok(address) = DocumentUrl::parse(&text) else { return Ok(()) };
        let host = address.url().host_str().unwrap_or_default();
        let named = match rule.strip_prefix('.') {
            Some(_) => host.ends_with(rule) && host.len() > rule.len(),
            None => host == rule,
        };
        prop_assert_eq!(DocumentPolicy::parse(rule).expect("a policy").allows(&address), named, "{} {}", rule, host);
    }

    #[test]
    fn r_c6_no_document_is_too_strange(body in any::<Vec<u8>>()) {
        assert_described(&body)?;
    }

    #[test]
    fn r_c6_what_a_document_describes_is_safe(mut document in readers::metadata(), more in prop_oneof![
        Just(Value::Null),
        select(vec![json!(["none"]), json!(["private_key_jwt"]), json!(["none", "private_key_jwt"]), json!(["x"]), json!([1])]),
    ]) {
        document["client_id"] = json!(ADDRESS);
        if document.get("client_name").is_none() {
            document["client_name"] = json!("App");
        }
        document["token_endpoint_auth_methods_supported"] = more;
        assert_described(document.to_string().as_bytes())?;
    }

    #[test]
    fn a_policy_and_caching_read_whatever_comes(text in any::<String>(), age in any::<String>()) {
        DocumentPolicy::parse(&text).ok();
        let fresh_for = document::fresh_for(Some(&text), Some(&age)).as_secs();
        prop_assert!((60..=24 * 3600).contains(&fresh_for));
    }
}
