use oauth::redirect::RedirectUri;
use serde_json::{Value, json};

use super::*;
use crate::{client::KeySource, error::DocumentError};

const ADDRESS: &str = "https://app.example/client.json";

/// A document that says the least, with changes; null removes a member.
fn document(changes: &Value) -> Value {
    let mut document = json!({
        "client_id": ADDRESS,
        "client_name": "App",
        "redirect_uris": ["https://app.example/callback", "http://localhost/callback"],
    });
    for (member, value) in changes.as_object().expect("an object") {
        document[member] = value.clone();
    }
    document
}

fn read_at(address: &str, document: &Value) -> Result<Client, DocumentError> {
    let url = DocumentUrl::parse(address).expect("an address");
    read(
        &url,
        document.to_string().as_bytes(),
        &PrivateSchemes::default(),
        Timestamp::from_seconds(7),
        Timestamp::from_seconds(9),
    )
}

fn with(changes: &Value) -> Result<Client, DocumentError> {
    read_at(ADDRESS, &document(changes))
}

fn authentication_of(changes: &Value) -> Result<Authentication, DocumentError> {
    with(changes).map(|client| client.authentication)
}

fn public_key() -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})
}

/// The fault of these words.
fn unacceptable(member: &'static str, why: &str) -> DocumentError {
    if let Some(fault) = KeySetError::ALL.iter().find(|fault| fault.words() == why) {
        assert_eq!(member, "jwks");
        return (*fault).into();
    }
    let fault = MemberFault::ALL.iter().find(|fault| fault.words() == why);
    super::unacceptable(member, *fault.expect("words of a fault"))
}

/// What the log says of a faulty member.
fn sentence(member: &str, why: &str) -> String {
    format!("the member {member} of the client metadata document is invalid: {why}")
}

#[test]
fn r_c6_the_least_document_describes_a_public_client() {
    let client = with(&json!({})).expect("accepted");
    assert_eq!(
        (client.id.as_str(), client.name.as_deref()),
        (ADDRESS, Some("App"))
    );
    assert_eq!(
        client
            .redirect_uris
            .iter()
            .map(RedirectUri::as_str)
            .collect::<Vec<_>>(),
        ["https://app.example/callback", "http://localhost/callback"]
    );
    assert_eq!(
        (client.authentication, client.may_refresh),
        (Authentication::None, true)
    );
    assert_eq!(
        (&client.source, client.created_at),
        (
            &ClientSource::Document {
                fresh_until: Timestamp::from_seconds(9),
                allowed: false
            },
            Timestamp::from_seconds(7)
        )
    );
}

#[test]
fn r_c3_the_document_names_its_own_address_byte_for_byte() {
    let why = "it does not exactly match the URL of the document";
    for other in [
        json!("https://app.example/client.json/"),
        json!("https://app.example:443/client.json"),
        json!("https://APP.example/client.json"),
        json!("https://app.example/client%2Ejson"),
        json!("https://other.example/client.json"),
        json!(""),
        Value::Null,
    ] {
        assert_eq!(
            with(&json!({"client_id": other})),
            Err(unacceptable("client_id", why)),
            "{other}"
        );
    }
    assert_eq!(
        with(&json!({"client_id": 1})),
        Err(unacceptable("client_id", "it is not a string"))
    );
    let with_port = "https://app.example:443/client.json";
    assert!(read_at(with_port, &document(&json!({"client_id": with_port}))).is_ok());
}

#[test]
fn r_c6_what_is_missing_or_malformed_is_named() {
    let url = DocumentUrl::parse(ADDRESS).expect("an address");
    for body in ["", "[]", "null", "{", "<html>", "\"x\""] {
        let read = read(
            &url,
            body.as_bytes(),
            &PrivateSchemes::default(),
            Timestamp::from_seconds(7),
            Timestamp::from_seconds(9),
        );
        assert_eq!(read, Err(DocumentError::Malformed), "{body}");
    }
    for (changes, member, why) in [
        (json!({"client_name": null}), "client_name", "it is missing"),
        (json!({"client_name": ""}), "client_name", "it is missing"),
        (json!({"client_name": "  "}), "client_name", "it is missing"),
        (
            json!({"client_name": ["App"]}),
            "client_name",
            "it is not a string",
        ),
        (
            json!({"redirect_uris": null}),
            "redirect_uris",
            "at least one is required",
        ),
        (
            json!({"redirect_uris": []}),
            "redirect_uris",
            "at least one is required",
        ),
        (
            json!({"redirect_uris": "https://app.example/callback"}),
            "redirect_uris",
            "it is not a list of strings",
        ),
        (
            json!({"redirect_uris": ["javascript:alert(1)", "http://evil.example/callback"]}),
            "redirect_uris",
            "its scheme is not allowed",
        ),
        (
            json!({"redirect_uris": vec!["https://app.example/callback"; 21]}),
            "redirect_uris",
            "there are too many",
        ),
        (
            json!({"redirect_uris": ["https://app.example/callback?iss=x"]}),
            "redirect_uris",
            "its query contains a parameter of the response",
        ),
        (
            json!({"grant_types": ["client_credentials"]}),
            "grant_types",
            "it does not include the authorization code flow",
        ),
        (
            json!({"response_types": ["token"]}),
            "response_types",
            "it does not include the authorization code flow",
        ),
    ] {
        assert_eq!(
            with(&changes).err().map(|error| error.to_string()),
            Some(sentence(member, why)),
            "{changes}"
        );
    }
}

#[test]
fn a_document_holds_no_secret() {
    let public = "a public document must not contain a client secret";
    let shared = "client secrets are not supported in client metadata documents";
    let spent =
        "it contains a private or shared key; create a new key and publish only its public part";
    for (changes, member, why) in [
        (json!({"client_secret": "s"}), "client_secret", public),
        (
            json!({"client_secret_expires_at": 0}),
            "client_secret_expires_at",
            public,
        ),
        (
            json!({"token_endpoint_auth_method": "client_secret_post"}),
            "token_endpoint_auth_method",
            shared,
        ),
        (
            json!({"token_endpoint_auth_method": "client_secret_basic"}),
            "token_endpoint_auth_method",
            shared,
        ),
        (
            json!({"token_endpoint_auth_method": "client_secret_jwt"}),
            "token_endpoint_auth_method",
            shared,
        ),
    ] {
        assert_eq!(
            with(&changes).err().map(|error| error.to_string()),
            Some(sentence(member, why)),
            "{changes}"
        );
        let mut negotiable = document(&changes);
        negotiable["token_endpoint_auth_methods_supported"] = json!(["none"]);
        assert_eq!(
            read_at(ADDRESS, &negotiable),
            Err(unacceptable(member, why)),
            "a list does not heal it: {changes}"
        );
    }
    assert!(
        with(&json!({"client_secret": null})).is_ok(),
        "null is absent"
    );
    for member in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        let mut keys = public_key();
        keys["keys"][0][member] = json!("AA");
        let refused = Err(unacceptable("jwks", spent));
        assert_eq!(
            with(&json!({"jwks": keys})),
            refused,
            "{member}, though no key is ever used"
        );
    }
    let symmetric = json!({"keys": [{"kty": "oct", "k": "AA"}]});
    assert_eq!(
        with(&json!({"jwks": symmetric})),
        Err(unacceptable("jwks", spent))
    );
}

#[test]
fn refreshing_is_allowed_unless_the_document_leaves_it_out() {
    let may_refresh =
        |grants: Value| with(&json!({"grant_types": grants})).map(|client| client.may_refresh);
    assert_eq!(may_refresh(Value::Null), Ok(true));
    assert_eq!(
        may_refresh(json!(["authorization_code", "refresh_token"])),
        Ok(true)
    );
    assert_eq!(
        may_refresh(json!([
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:jwt-bearer"
        ])),
        Ok(true)
    );
    assert_eq!(may_refresh(json!(["authorization_code"])), Ok(false));
}

#[test]
fn sep_3149_what_both_sides_can_do_is_done() {
    let at = "https://app.example/jwks.json";
    let keys = KeySource::At(at.to_owned());
    let both = json!(["none", "private_key_jwt"]);
    let document = |one: Value, several: Value| {
        authentication_of(&json!({
            "token_endpoint_auth_method": one, "token_endpoint_auth_methods_supported": several, "jwks_uri": at,
        }))
    };
    for (one, several, expected) in [
        (Value::Null, Value::Null, Ok(Authentication::None)),
        (json!(""), json!([]), Ok(Authentication::None)),
        (json!("none"), Value::Null, Ok(Authentication::None)),
        (
            json!("private_key_jwt"),
            Value::Null,
            Ok(Authentication::Keys(keys.clone())),
        ),
        (
            json!("private_key_jwt"),
            both.clone(),
            Ok(Authentication::KeysOrNone(keys.clone())),
        ),
        (
            json!("none"),
            both,
            Ok(Authentication::KeysOrNone(keys.clone())),
        ),
        (
            Value::Null,
            json!(["private_key_jwt"]),
            Ok(Authentication::Keys(keys.clone())),
        ),
        (
            json!("none"),
            json!(["private_key_jwt"]),
            Ok(Authentication::Keys(keys)),
        ),
        (
            json!("private_key_jwt"),
            json!(["none"]),
            Ok(Authentication::None),
        ),
        (
            json!("tls_client_auth"),
            json!(["tls_client_auth", "none"]),
            Ok(Authentication::None),
        ),
        (
            Value::Null,
            json!(["client_secret_basic", "none"]),
            Ok(Authentication::None),
        ),
        (
            json!("none"),
            json!(["tls_client_auth"]),
            Err(DocumentError::NoCommonAuthentication),
        ),
        (
            json!("tls_client_auth"),
            Value::Null,
            Err(DocumentError::NoCommonAuthentication),
        ),
        (
            Value::Null,
            json!(["client_secret_basic"]),
            Err(DocumentError::NoCommonAuthentication),
        ),
    ] {
        assert_eq!(
            document(one.clone(), several.clone()),
            expected,
            "{one} {several}"
        );
    }
    let list = "it is not a list of strings";
    assert_eq!(
        authentication_of(&json!({"token_endpoint_auth_methods_supported": "none"})),
        Err(unacceptable("token_endpoint_auth_methods_supported", list))
    );
}

#[test]
fn keys_are_needed_by_who_insists_on_them_alone() {
    let insisting = |keys: Value| {
        let mut changes = json!({"token_endpoint_auth_method": "private_key_jwt"});
        for (member, value) in keys.as_object().expect("an object") {
            changes[member] = value.clone();
        }
        authentication_of(&changes)
    };
    assert!(matches!(
        insisting(json!({"jwks": public_key()})),
        Ok(Authentication::Keys(KeySource::Inline(_)))
    ));
    for (keys, member, why) in [
        (
            json!({}),
            "jwks_uri",
            "private_key_jwt requires jwks_uri or jwks",
        ),
        (
            json!({"jwks": public_key(), "jwks_uri": "https://a.example/x"}),
            "jwks_uri",
            "jwks and jwks_uri cannot be used together",
        ),
        (
            json!({"jwks": {"keys": []}}),
            "jwks",
            "it has no RSA key of 2048 to 4096 bits with the exponent 3 or 65537, no P-256 key and no Ed25519 key for signatures",
        ),
        (
            json!({"jwks_uri": "http://a.example/x"}),
            "jwks_uri",
            "it must be an https URL without user part or fragment",
        ),
        (
            json!({"jwks_uri": "https://u@a.example/x"}),
            "jwks_uri",
            "it must be an https URL without user part or fragment",
        ),
        (
            json!({"jwks_uri": "file:///x"}),
            "jwks_uri",
            "it must be an https URL without user part or fragment",
        ),
        (json!({"jwks_uri": 1}), "jwks_uri", "it is not a string"),
    ] {
        assert_eq!(
            insisting(keys.clone()),
            Err(unacceptable(member, why)),
            "{keys}"
        );
    }
    // Who can do without is not turned away for keys that nobody can use.
    let either = json!({"token_endpoint_auth_methods_supported": ["none", "private_key_jwt"], "jwks": {"keys": []}});
    assert_eq!(authentication_of(&either), Ok(Authentication::None));
}

#[test]
fn what_a_client_can_do_without_refuses_no_document() {
    let accepted = |changes: &Value| {
        let url = DocumentUrl::parse(ADDRESS).expect("an address");
        let body = [
            &b"\xef\xbb\xbf"[..],
            document(changes).to_string().as_bytes(),
        ]
        .concat();
        let moment = Timestamp::from_seconds(7);
        accept(&url, &body, &PrivateSchemes::default(), moment, moment).expect("accepted")
    };
    for links in [
        json!({"logo_uri": "data:image/png,x"}),
        json!({"client_uri": 7}),
        json!({"tos_uri": "javascript:alert(1)"}),
    ] {
        let (client, dropped) = accepted(&links);
        assert_eq!(
            (client, dropped),
            accepted(&json!({})),
            "links are not read: {links}"
        );
    }
    let uris = json!([
        "my-agent://a/cb",
        "https://app.example/callback",
        "javascript:alert(1)",
        7
    ]);
    let (client, dropped) = accepted(
        &json!({"redirect_uris": uris, "client_name": "x".repeat(201), "response_types": "code"}),
    );
    assert_eq!(
        client
            .redirect_uris
            .iter()
            .map(RedirectUri::as_str)
            .collect::<Vec<_>>(),
        ["https://app.example/callback"]
    );
    assert_eq!(client.name, Some("x".repeat(200)));
    let dropped: Vec<_> = dropped.iter().map(ToString::to_string).collect();
    assert_eq!(
        dropped,
        [
            sentence("client_name", "it is too long and was truncated"),
            DocumentError::SchemeNotAllowed("my-agent".to_owned()).to_string(),
            sentence("redirect_uris", "its scheme is not allowed"),
            sentence("redirect_uris", "it is not a string"),
            sentence("response_types", "it is not a list of strings"),
        ]
    );
    assert_eq!(
        with(&json!({"redirect_uris": ["my-agent://a/cb"]})),
        Err(DocumentError::SchemeNotAllowed("my-agent".to_owned()))
    );
}
