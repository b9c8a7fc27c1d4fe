use serde_json::{Value, json};

use jose::KeySetError;

use super::*;
use oauth::error::{ProtocolError as _, RedirectUriError};

/// The fault of these words.
fn unacceptable(member: &'static str, why: &str) -> MetadataError {
    if let Some(fault) = KeySetError::ALL.iter().find(|fault| fault.words() == why) {
        assert_eq!(member, "jwks");
        return (*fault).into();
    }
    let fault = MemberFault::ALL.iter().find(|fault| fault.words() == why);
    super::unacceptable(member, *fault.expect("words of a fault"))
}

fn register(metadata: &Value) -> Result<(Client, Value), MetadataError> {
    let metadata =
        ClientMetadata::read(metadata.to_string().as_bytes(), &PrivateSchemes::default())?;
    let (client, information) = of(metadata);
    Ok((
        client,
        serde_json::to_value(information).expect("serialisable"),
    ))
}

#[test]
fn a_client_takes_8_kb_in_the_store_at_most() {
    let read = || {
        let body = br#"{"redirect_uris": ["https://a.example/cb"]}"#;
        ClientMetadata::read(body, &PrivateSchemes::default()).expect("accepted")
    };
    assert!(registered_with_size(read(), |_| 8192).is_ok());
    assert_eq!(
        registered_with_size(read(), |_| 8193).err(),
        Some(RegistrationError::TooLarge)
    );
}

fn of(metadata: ClientMetadata) -> (Client, ClientInformation) {
    registered_with_size(metadata, |_| 0).expect("it is small")
}

fn registered_with_size(
    metadata: ClientMetadata,
    size: StoredSize,
) -> Result<(Client, ClientInformation), RegistrationError> {
    let fresh = GeneratedSecrets {
        secret: Secret::new([0; 32]),
        token: Secret::new([1; 32]),
    };
    let issuer = Issuer::parse("https://auth.example.com").expect("a valid issuer");
    metadata.register(
        ClientId::of("id"),
        &fresh,
        &issuer,
        Timestamp::from_seconds(7),
        size,
    )
}

#[test]
fn a_public_native_client_gets_its_effective_metadata_and_nothing_null() {
    let (client, answer) = register(&json!({
        "redirect_uris": ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": [], "client_name": "Code", "application_type": "native", "scope": "", "logo_uri": null,
        "unknown": {"a": 1}
    }))
    .expect("accepted");
    assert_eq!(client.authentication, Authentication::None);
    assert!(client.may_refresh);
    let token = format!("vrat_{}", Secret::new([1; 32]).encode());
    let ClientSource::Registered(registration) = &client.source else {
        panic!("it registered itself")
    };
    assert_eq!(
        (&registration.token, client.used_at),
        (&Digest::of(token.as_bytes()), None)
    );
    assert_eq!(
        answer,
        json!({
            "client_id": "id", "client_id_issued_at": 7,
            "registration_access_token": token, "registration_client_uri": "https://auth.example.com/register/id",
            "redirect_uris": ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"], "client_name": "Code", "application_type": "native"
        })
    );
}

#[test]
fn a_confidential_client_gets_a_secret_that_does_not_expire() {
    let (client, answer) = register(
        &json!({"redirect_uris": ["https://a.example/cb"], "grant_types": ["authorization_code"]}),
    )
    .expect("accepted");
    let secret = answer["client_secret"].as_str().expect("a secret");
    assert_eq!(
        client.authentication,
        Authentication::Secret(client::secret_digest(secret))
    );
    assert_eq!(answer["client_secret_expires_at"], 0);
    assert_eq!(answer["token_endpoint_auth_method"], "client_secret_basic");
    assert!(!client.may_refresh);
}

fn with_keys(members: &Value) -> Value {
    let mut metadata = json!({
        "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["authorization_code"], "response_types": ["code"]
    });
    metadata
        .as_object_mut()
        .expect("an object")
        .extend(members.as_object().expect("an object").clone());
    metadata
}

#[test]
fn r_k15_a_client_registers_keys_or_where_they_are_and_gets_no_secret() {
    let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
    for (member, value) in [
        ("jwks", jwks),
        ("jwks_uri", json!("https://a.example/keys.json?v=1")),
    ] {
        let metadata = with_keys(&json!({ member: value }));
        let (client, mut answer) = register(&metadata).expect("accepted");
        let source: KeySource = serde_json::from_value(json!({ member: value })).expect("keys");
        assert_eq!(
            serde_json::to_value(&source).ok(),
            Some(json!({ member: value }))
        );
        assert_eq!(client.authentication, Authentication::Keys(source));
        let answer = answer.as_object_mut().expect("an object");
        answer.retain(|name, _| !name.contains("client_id") && !name.starts_with("registration_"));
        assert_eq!(json!(answer), metadata);
    }
    let (client, answer) = register(&json!({
        "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "none", "jwks_uri": "https://a.example/keys.json"
    }))
    .expect("accepted");
    assert_eq!(
        (client.authentication, answer.get("jwks_uri")),
        (Authentication::None, None),
        "keys that nobody asks for"
    );
}

#[test]
fn t_c21_keys_that_cannot_be_accepted_are_refused_by_their_name() {
    let key =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let uri = "it must be an https URL without user part or fragment";
    for (members, member, why) in [
        (
            json!({}),
            "jwks",
            "private_key_jwt requires jwks or jwks_uri",
        ),
        (
            json!({"jwks": {"keys": [key]}, "jwks_uri": "https://a.example/keys.json"}),
            "jwks_uri",
            "jwks and jwks_uri cannot be used together",
        ),
        (
            json!({"jwks": {"keys": []}}),
            "jwks",
            "it has no RSA key of 2048 to 4096 bits with the exponent 3 or 65537, no P-256 key and no Ed25519 key for signatures",
        ),
        (
            json!({"jwks": "{}"}),
            "jwks",
            "it is not an object with a list of keys",
        ),
        (
            json!({"jwks_uri": "http://a.example/keys.json"}),
            "jwks_uri",
            uri,
        ),
        (
            json!({"jwks_uri": "https://user@a.example/keys.json"}),
            "jwks_uri",
            uri,
        ),
        (
            json!({"jwks_uri": "https://a.example/keys.json#x"}),
            "jwks_uri",
            uri,
        ),
        (
            json!({"jwks_uri": "data:application/json,{}"}),
            "jwks_uri",
            uri,
        ),
        (json!({"jwks_uri": 1}), "jwks_uri", "it is not a string"),
    ] {
        assert_eq!(
            register(&with_keys(&members)).err(),
            Some(unacceptable(member, why)),
            "{members}"
        );
    }
}

#[test]
fn what_cannot_be_accepted_is_refused_by_its_name() {
    let uris = json!(["https://a.example/cb"]);
    for (metadata, code) in [
        (json!([]), "invalid_client_metadata"),
        (json!({}), "invalid_redirect_uri"),
        (json!({"redirect_uris": []}), "invalid_redirect_uri"),
        (
            json!({"redirect_uris": ["http://evil.example/cb"]}),
            "invalid_redirect_uri",
        ),
        (
            json!({"redirect_uris": ["http://a.example/cb", "javascript:x", 7]}),
            "invalid_redirect_uri",
        ),
        (
            json!({"redirect_uris": ["my-agent://a/cb"]}),
            "invalid_redirect_uri",
        ),
        (
            json!({"redirect_uris": vec!["https://a.example/cb"; 21]}),
            "invalid_redirect_uri",
        ),
        (
            json!({"redirect_uris": "https://a.example/cb"}),
            "invalid_client_metadata",
        ),
        (
            json!({"redirect_uris": uris, "token_endpoint_auth_method": "tls_client_auth"}),
            "invalid_client_metadata",
        ),
        (
            json!({"redirect_uris": uris, "token_endpoint_auth_method": "client_secret_jwt"}),
            "invalid_client_metadata",
        ),
        (
            json!({"redirect_uris": uris, "token_endpoint_auth_method": "private_key_jwt"}),
            "invalid_client_metadata",
        ),
        (
            json!({"redirect_uris": uris, "grant_types": ["client_credentials"]}),
            "invalid_client_metadata",
        ),
        (
            json!({"redirect_uris": uris, "response_types": ["token"]}),
            "invalid_client_metadata",
        ),
    ] {
        assert_eq!(
            register(&metadata)
                .map_err(|reason| reason.code().as_str())
                .err(),
            Some(code),
            "{metadata}"
        );
    }
    for body in [
        &b"{"[..],
        b"",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
    ] {
        assert_eq!(
            ClientMetadata::read(body, &PrivateSchemes::default()),
            Err(MetadataError::Malformed)
        );
    }
}

#[test]
fn what_a_client_can_do_without_is_dropped_and_said() {
    let url = "it is not a web address";
    let list = "it is not a list of strings";
    for (member, value, reason) in [
        (
            "logo_uri",
            json!("data:image/png;base64,AAAA"),
            unacceptable("logo_uri", url),
        ),
        (
            "logo_uri",
            json!("JavaScript:alert(1)"),
            unacceptable("logo_uri", url),
        ),
        (
            "client_uri",
            json!("java\tscript:alert(1)"),
            unacceptable("client_uri", url),
        ),
        (
            "policy_uri",
            json!("\u{1}https://a.example"),
            unacceptable("policy_uri", url),
        ),
        (
            "tos_uri",
            json!(["https://a.example"]),
            unacceptable("tos_uri", "it is not a string"),
        ),
        (
            "scope",
            json!(["read"]),
            unacceptable("scope", "it is not a string"),
        ),
        (
            "scope",
            json!("x".repeat(2049)),
            unacceptable("scope", "it is too long"),
        ),
        (
            "software_id",
            json!("x".repeat(201)),
            unacceptable("software_id", "it is too long"),
        ),
        (
            "application_type",
            json!("desktop"),
            unacceptable("application_type", "it is neither native nor web"),
        ),
        (
            "client_name",
            json!(["x"]),
            unacceptable("client_name", "it is not a string"),
        ),
    ] {
        let (answer, dropped) =
            accept(&json!({"redirect_uris": ["https://a.example/cb"], member: value}));
        assert_eq!(
            (answer.get(member), dropped),
            (None, vec![reason]),
            "{member}: {value}"
        );
    }
    let (answer, dropped) = accept(
        &json!({"redirect_uris": ["https://a.example/cb"], "grant_types": 1, "response_types": "code"}),
    );
    assert_eq!(
        answer["grant_types"],
        json!(["authorization_code", "refresh_token"]),
        "as without the member"
    );
    assert_eq!(
        dropped,
        [
            unacceptable("grant_types", list),
            unacceptable("response_types", list)
        ]
    );
    let long = "\u{e9}".repeat(150);
    let (answer, dropped) =
        accept(&json!({"redirect_uris": ["https://a.example/cb"], "client_name": long}));
    assert_eq!(
        answer["client_name"],
        "\u{e9}".repeat(100),
        "cut between two letters"
    );
    assert_eq!(
        dropped,
        [unacceptable(
            "client_name",
            "it is too long and was truncated"
        )]
    );
}

#[test]
fn t_a3_safe_redirect_uris_are_kept_and_no_other_is() {
    let uris = [
        "my-agent://a/cb",
        "https://a.example/cb",
        "javascript:alert(1)",
        "http://evil.example/cb",
        "http://localhost/cb",
    ];
    let (answer, dropped) = accept(&json!({"redirect_uris": uris}));
    assert_eq!(
        answer["redirect_uris"],
        json!(["https://a.example/cb", "http://localhost/cb"])
    );
    assert_eq!(dropped.len(), 3);
    assert_eq!(
        dropped[0],
        RedirectUriError::SchemeNotAllowed("my-agent".to_owned()).into()
    );
    let (answer, _) = accept(
        &json!({"redirect_uris": [null, 7, ["https://a.example/cb"], "https://a.example/cb"]}),
    );
    assert_eq!(answer["redirect_uris"], json!(["https://a.example/cb"]));
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let body = [
        &b"\xef\xbb\xbf"[..],
        br#"{"redirect_uris": ["https://a.example/cb"], "client_name": "A"}"#,
    ]
    .concat();
    let metadata = ClientMetadata::read(&body, &PrivateSchemes::default()).expect("accepted");
    assert_eq!(metadata.name(), Some("A"));
}

fn accept(metadata: &Value) -> (Value, Vec<MetadataError>) {
    let accepted =
        ClientMetadata::accept(metadata.to_string().as_bytes(), &PrivateSchemes::default());
    let (metadata, dropped) = accepted.expect("accepted");
    (
        serde_json::to_value(of(metadata).1).expect("serialisable"),
        dropped,
    )
}

#[test]
fn everything_that_may_be_registered_is_repeated() {
    let metadata = json!({
        "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "client_name": "x".repeat(200),
        "client_uri": "https://a.example", "logo_uri": "https://a.example/logo.png", "policy_uri": "http://a.example/policy",
        "tos_uri": "https://a.example/?terms#x", "scope": "read write", "application_type": "web", "software_id": "s", "software_version": "1"
    });
    let (client, mut answer) = register(&metadata).expect("accepted");
    assert_eq!(client.name, Some("x".repeat(200)));
    let answer = answer.as_object_mut().expect("an object");
    for made_here in [
        "client_id",
        "client_id_issued_at",
        "client_secret",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri",
    ] {
        assert!(answer.remove(made_here).is_some(), "{made_here}");
    }
    assert_eq!(json!(answer), metadata);
}

#[test]
fn a_refusal_says_what_is_wrong() {
    let uris = json!(["https://a.example/cb"]);
    for (metadata, code, description) in [
        (
            json!({}),
            "invalid_redirect_uri",
            "Invalid redirect URI: at least one is required.",
        ),
        (
            json!({"redirect_uris": vec![&uris[0]; 21]}),
            "invalid_redirect_uri",
            "Invalid redirect URI: there are too many.",
        ),
        (
            json!({"redirect_uris": ["my-agent://a/cb"]}),
            "invalid_redirect_uri",
            "Invalid redirect URI: the scheme my-agent is not allowed by the configuration.",
        ),
        (
            json!({"redirect_uris": uris, "grant_types": ["client_credentials"]}),
            "invalid_client_metadata",
            "The member grant_types is invalid: it does not include the authorization code flow.",
        ),
    ] {
        let reason = register(&metadata).expect_err("refused");
        assert_eq!(
            (reason.code().as_str(), reason.description().as_str()),
            (code, description)
        );
    }
    assert!(register(&json!({"redirect_uris": vec![&uris[0]; 20]})).is_ok());
}

#[test]
fn debug_output_of_an_answer_holds_no_secret() {
    let metadata = ClientMetadata::read(
        br#"{"redirect_uris": ["https://a.example/cb"]}"#,
        &PrivateSchemes::default(),
    );
    let (_, information) = of(metadata.expect("accepted"));
    assert_eq!(format!("{information:?}"), "ClientInformation(id)");
}
