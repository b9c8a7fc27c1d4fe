//! Client metadata and credentials that arrive from outside: nothing panics, and what is accepted
//! keeps its promises.

use oauth::{
    Issuer, Parameters, ProtocolError as _, Secret, Timestamp,
    client::ClientId,
    redirect::{PrivateSchemes, RedirectUri},
};
use oauth_clients::{
    authentication::{CredentialCheck, Credentials},
    client::{Authentication, Client, secret_digest},
    error::{ClientAuthenticationError, RegistrationError},
    registration::{
        AuthenticatedRegistration, ClientInformation, ClientMetadata, GeneratedSecrets,
    },
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Number, Value, json};
use url::form_urlencoded;

use crate::strategies::{CHALLENGE, assert_safe, form, is_plain, more_often};

/// Any JSON, up to a few levels deep.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Number(Number::from(number))),
        any::<String>().prop_map(Value::String),
        select(vec![
            "",
            "https://a.example/cb",
            "authorization_code",
            "code",
            "none",
            "native"
        ])
        .prop_map(|text| Value::String(text.to_owned())),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            vec((any::<String>(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Client metadata, good or nearly so.
pub(crate) fn metadata() -> impl Strategy<Value = Value> {
    let member = select(vec![
        "redirect_uris",
        "token_endpoint_auth_method",
        "grant_types",
        "response_types",
        "client_name",
        "client_uri",
        "logo_uri",
        "policy_uri",
        "tos_uri",
        "scope",
        "application_type",
        "software_id",
        "software_version",
        "jwks",
        "jwks_uri",
        "contacts",
    ]);
    let value = prop_oneof![
        1 => anything(),
        4 => select(vec![
            json!(null), json!(""), json!("none"), json!("client_secret_post"), json!("web"), json!("native"), json!("https://a.example"), json!("read write"),
            json!(["authorization_code"]), json!(["authorization_code", "refresh_token", "device_code"]), json!(["code", "token"]), json!([null]), json!([]),
            json!(["http://localhost/cb", "cursor://a/cb"]), json!("javascript:alert(1)"),
            json!("private_key_jwt"), json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": CHALLENGE}, {"kty": "oct"}]}),
        ]),
    ];
    vec((member, value), 0..5).prop_map(|members| {
        let mut object =
            Map::from_iter([("redirect_uris".to_owned(), json!(["https://a.example/cb"]))]);
        object.extend(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        Value::Object(object)
    })
}

fn holds_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty() || values.iter().any(holds_nothing),
        Value::Object(members) => members.values().any(holds_nothing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What a client was told is what it may send back, and changes nothing (RFC 7592 section 2.2).
fn assert_update(
    client: &Client,
    information: &ClientInformation,
    fresh: &GeneratedSecrets,
    issuer: &Issuer,
) -> Result<(), TestCaseError> {
    let answer = serde_json::to_value(information)
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    let managed = AuthenticatedRegistration::authenticate(
        Some(client.clone()),
        answer["registration_access_token"].as_str(),
    );
    let managed = managed.map_err(|reason| TestCaseError::fail(reason.to_string()))?;
    let body = answer.to_string();
    let updated = managed.update(
        body.as_bytes(),
        &fresh.secret,
        &PrivateSchemes::default(),
        issuer,
        size,
    );
    prop_assert_eq!(updated.map(|(client, _)| client), Ok(client.clone()));
    Ok(())
}

/// Something like what a store would take.
fn size(client: &Client) -> usize {
    format!("{client:?}").len()
}

/// Checks a registration by its answer.
fn assert_registration(body: &[u8]) -> Result<(), TestCaseError> {
    let metadata = match ClientMetadata::read(body, &PrivateSchemes::default()) {
        Err(reason) => {
            prop_assert!(is_plain(&reason.description()));
            return Ok(());
        }
        Ok(metadata) => metadata,
    };
    let fresh = GeneratedSecrets {
        secret: Secret::new([7; 32]),
        token: Secret::new([8; 32]),
    };
    let issuer = Issuer::parse("https://auth.example.com").expect("an issuer");
    let (client, information) = match metadata.clone().register(
        ClientId::of("vc_new"),
        &fresh,
        &issuer,
        Timestamp::from_seconds(7),
        size,
    ) {
        Err(reason) => {
            prop_assert_eq!(reason, RegistrationError::TooLarge);
            return Ok(());
        }
        Ok(made) => made,
    };
    prop_assert!(size(&client) <= 8 * 1024);
    let told =
        serde_json::to_vec(&information).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let again = ClientMetadata::read(&told, &PrivateSchemes::default());
    prop_assert_eq!(
        again,
        Ok(metadata),
        "effective metadata can be registered again"
    );
    let debug = format!("{information:?}");
    prop_assert!(
        !debug.contains(&fresh.secret.encode()) && !debug.contains(&fresh.token.encode()),
        "{}",
        debug
    );
    assert_update(&client, &information, &fresh, &issuer)?;
    let answer = serde_json::to_value(&information)
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert!(!holds_nothing(&answer), "{}", answer);
    prop_assert!(!client.redirect_uris.is_empty());
    for uri in &client.redirect_uris {
        assert_safe(uri.as_str())?;
    }
    prop_assert_eq!(
        &answer["redirect_uris"],
        &json!(
            client
                .redirect_uris
                .iter()
                .map(RedirectUri::as_str)
                .collect::<Vec<_>>()
        )
    );
    prop_assert_eq!(
        client.may_refresh,
        answer["grant_types"] == json!(["authorization_code", "refresh_token"])
    );
    prop_assert!(client.may_refresh || answer["grant_types"] == json!(["authorization_code"]));
    match (&client.authentication, answer["client_secret"].as_str()) {
        (Authentication::None, None) => {
            prop_assert_eq!(answer.get("client_secret_expires_at"), None);
        }
        (Authentication::Secret(digest), Some(text)) => {
            prop_assert_eq!(digest, &secret_digest(text));
            prop_assert_eq!(&answer["client_secret_expires_at"], &json!(0));
        }
        (Authentication::Keys(_), None) => {
            prop_assert_eq!(&answer["token_endpoint_auth_method"], "private_key_jwt");
            prop_assert!(
                answer.get("jwks").is_some() != answer.get("jwks_uri").is_some(),
                "{}",
                answer
            );
        }
        other => return Err(TestCaseError::fail(format!("{other:?}"))),
    }
    prop_assert_eq!(
        client.authentication == Authentication::None,
        answer["token_endpoint_auth_method"] == "none"
    );
    Ok(())
}

proptest! {
    #![proptest_config(more_often(2))]

    #[test]
    fn credentials_are_read_from_any_header_and_prove_nothing_by_chance(form in form(), header in proptest::option::of(prop_oneof![any::<String>(), "[Bb]asic [A-Za-z0-9+/=]{0,24}"])) {
        let parameters = Parameters::parse(form.as_bytes());
        match Credentials::read(&parameters, header.as_deref()) {
            Err(reason) => prop_assert!(is_plain(&reason.description())),
            Ok(credentials) => {
                let mut known = crate::client(Vec::new());
                known.authentication = Authentication::Secret(secret_digest("vcs_never guessed"));
                prop_assert_eq!(credentials.check(Some(&known)), Err(ClientAuthenticationError::Failed { by_header: header.is_some() }));
                prop_assert_eq!(credentials.check(None), Err(credentials.refusal()));
                prop_assert_eq!(ClientId::parse(&credentials.client_id), Some(credentials.client_id));
            }
        }
    }

    #[test]
    fn a_secret_proves_a_client_however_it_is_sent(secret in "[!-~]{1,40}") {
        let mut known = crate::client(Vec::new());
        known.authentication = Authentication::Secret(secret_digest(&secret));
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let basic = |text: &str| {
            use base64::{Engine as _, engine::general_purpose::STANDARD};
            let header = format!("Basic {}", STANDARD.encode(format!("vc_client:{text}")));
            Credentials::read(&Parameters::default(), Some(&header)).is_ok_and(|credentials| credentials.check(Some(&known)) == Ok(CredentialCheck::Passed))
        };
        prop_assert!(basic(&secret) && basic(&encoded));
        let body = Parameters::parse(format!("client_id=vc_client&client_secret={encoded}").as_bytes());
        prop_assert!(Credentials::read(&body, None).is_ok_and(|credentials| credentials.check(Some(&known)) == Ok(CredentialCheck::Passed)));
    }

    #[test]
    fn any_json_can_be_registered_or_refused(value in anything(), metadata in metadata()) {
        assert_registration(value.to_string().as_bytes())?;
        assert_registration(metadata.to_string().as_bytes())?;
    }

    #[test]
    fn any_bytes_can_be_registered_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        assert_registration(&bytes)?;
    }
}
