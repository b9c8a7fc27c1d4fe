use oauth::{client::ClientId, error::RedirectUriError};
use primitives::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::{client::KeySource, registration::GeneratedSecrets};

fn issuer() -> Issuer {
    Issuer::parse("https://auth.example.com").expect("a valid issuer")
}

/// A registered client, its token, and its secret if it has one.
fn registered(method: &str) -> (Client, String, Option<String>) {
    let body = json!({ "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": method, "client_name": "A" });
    let metadata = ClientMetadata::read(body.to_string().as_bytes(), &PrivateSchemes::default())
        .expect("accepted");
    let fresh = GeneratedSecrets {
        secret: Secret::new([1; 32]),
        token: Secret::new([2; 32]),
    };
    let made = metadata.register(
        ClientId::of("vc_a"),
        &fresh,
        &issuer(),
        Timestamp::from_seconds(7),
        |_| 0,
    );
    let (client, information) = made.expect("it is small");
    (
        client,
        information.registration_access_token,
        information.client_secret,
    )
}

fn update(
    client: &Client,
    token: &str,
    body: &Value,
) -> Result<(Client, ClientInformation), RegistrationError> {
    let managed = AuthenticatedRegistration::authenticate(Some(client.clone()), Some(token))
        .expect("its own token");
    managed.update(
        body.to_string().as_bytes(),
        &Secret::new([9; 32]),
        &PrivateSchemes::default(),
        &issuer(),
        |_| 0,
    )
}

fn refused(
    member: &'static str,
) -> impl Fn(Result<(Client, ClientInformation), RegistrationError>) {
    move |result| {
        let reason = result.expect_err("refused");
        assert!(
            matches!(&reason, RegistrationError::Metadata(MetadataError::Unacceptable { member: own, .. }) if *own == member),
            "{reason:?}"
        );
    }
}

#[test]
fn t_e41_only_the_token_of_the_registration_proves_anything() {
    let (client, token, _) = registered("none");
    let prove = |client: Option<&Client>, token: Option<&str>| {
        AuthenticatedRegistration::authenticate(client.cloned(), token).map(|_| ())
    };
    assert_eq!(prove(Some(&client), Some(&token)), Ok(()));
    let added = Client {
        source: ClientSource::Added,
        ..client.clone()
    };
    for (client, token) in [
        (Some(&client), None),
        (Some(&client), Some("")),
        (Some(&client), Some(&token[1..])),
        (Some(&client), Some("vrat_x")),
        (Some(&added), Some(token.as_str())),
        (None, Some(token.as_str())),
    ] {
        assert_eq!(
            prove(client, token),
            Err(RegistrationError::TokenRefused),
            "{token:?}"
        );
    }
}

#[test]
fn a_client_reads_what_it_said_and_never_its_secret() {
    let (client, token, _) = registered("client_secret_basic");
    let managed =
        AuthenticatedRegistration::authenticate(Some(client), Some(&token)).expect("its own token");
    assert_eq!(format!("{managed:?}"), "Managed(vc_a)");
    assert_eq!(
        serde_json::to_value(managed.information(&issuer())).expect("serialisable"),
        json!({
            "client_id": "vc_a", "client_id_issued_at": 7, "registration_access_token": token,
            "registration_client_uri": "https://auth.example.com/register/vc_a",
            "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "client_name": "A"
        })
    );
}

#[test]
fn an_update_replaces_everything_but_the_identity() {
    let (client, token, _) = registered("none");
    let client = client
        .touched(Timestamp::from_seconds(99))
        .expect("its first use");
    let body = json!({ "client_id": "vc_a", "redirect_uris": ["https://b.example/cb"], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"] });
    let (after, information) = update(&client, &token, &body).expect("accepted");
    assert_eq!(
        (after.id.as_str(), after.name.as_deref(), after.may_refresh),
        ("vc_a", None, false)
    );
    assert_eq!(after.redirect_uris[0].as_str(), "https://b.example/cb");
    assert_eq!(after.created_at, Timestamp::from_seconds(7));
    assert!(
        matches!(after.source, ClientSource::Registered(_)),
        "still a registration"
    );
    assert_eq!(after.used_at, Some(Timestamp::from_seconds(99)));
    assert_eq!(information.registration_access_token, token, "it stays");
    assert!(AuthenticatedRegistration::authenticate(Some(after), Some(&token)).is_ok());
}

#[test]
fn an_update_names_its_own_client_and_chooses_no_secret() {
    let (client, token, secret) = registered("client_secret_post");
    let secret = secret.expect("a secret");
    let body = |id: Value, secret: Value| json!({ "client_id": id, "client_secret": secret, "redirect_uris": ["https://a.example/cb"] });
    for id in [Value::Null, json!(""), json!("vc_b"), json!(1)] {
        refused("client_id")(update(&client, &token, &body(id, Value::Null)));
    }
    for other in [json!("vcs_mine"), json!(1)] {
        refused("client_secret")(update(&client, &token, &body(json!("vc_a"), other)));
    }
    let (after, information) =
        update(&client, &token, &body(json!("vc_a"), json!(secret))).expect("accepted");
    assert_eq!(
        (&after.authentication, information.client_secret),
        (&client.authentication, None)
    );
    let (public, token, _) = registered("none");
    refused("client_secret")(update(&public, &token, &body(json!("vc_a"), json!(secret))));
}

#[test]
fn a_client_that_becomes_confidential_gets_a_secret_and_one_that_ceases_loses_it() {
    let body = |method: &str| json!({ "client_id": "vc_a", "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": method });
    let (public, token, _) = registered("none");
    let (after, information) =
        update(&public, &token, &body("client_secret_basic")).expect("accepted");
    let secret = information.client_secret.expect("a secret");
    assert_eq!(
        after.authentication,
        Authentication::Secret(client::secret_digest(&secret))
    );
    assert_eq!(information.client_secret_expires_at, Some(0));
    let (after, information) = update(&after, &token, &body("none")).expect("accepted");
    assert_eq!(
        (after.authentication, information.client_secret),
        (Authentication::None, None)
    );
}

#[test]
fn r_k15_an_update_replaces_keys_and_leaves_no_other_proof_behind() {
    let keys = |uri: &str| json!({ "client_id": "vc_a", "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri });
    let at = |uri: &str| Authentication::Keys(KeySource::At(uri.to_owned()));
    let (client, token, _) = registered("client_secret_basic");
    let (after, information) =
        update(&client, &token, &keys("https://a.example/1")).expect("accepted");
    assert_eq!(
        (&after.authentication, information.client_secret),
        (&at("https://a.example/1"), None)
    );
    let (after, _) = update(&after, &token, &keys("https://a.example/2")).expect("accepted");
    assert_eq!(after.authentication, at("https://a.example/2"));
    let body = json!({ "client_id": "vc_a", "redirect_uris": ["https://a.example/cb"], "jwks_uri": "https://a.example/2" });
    let (after, information) = update(&after, &token, &body).expect("accepted");
    let secret = information.client_secret.expect("a secret");
    assert_eq!(
        after.authentication,
        Authentication::Secret(client::secret_digest(&secret))
    );
}

#[test]
fn an_update_obeys_the_rules_of_a_registration() {
    let (client, token, _) = registered("none");
    let body = json!({ "client_id": "vc_a", "redirect_uris": ["http://evil.example/cb"] });
    assert!(matches!(
        update(&client, &token, &body),
        Err(RegistrationError::Metadata(MetadataError::RedirectUri(
            RedirectUriError::Unsafe(_)
        )))
    ));
    let managed = |client: &Client| {
        AuthenticatedRegistration::authenticate(Some(client.clone()), Some(&token))
            .expect("its own token")
    };
    let fresh = Secret::new([9; 32]);
    let schemes = PrivateSchemes::default();
    let broken = managed(&client).update(b"{", &fresh, &schemes, &issuer(), |_| 0);
    assert_eq!(broken.err(), Some(MetadataError::Malformed.into()));
    let body = json!({ "client_id": "vc_a", "redirect_uris": ["https://b.example/cb"] });
    let body = body.to_string();
    let large = managed(&client).update(body.as_bytes(), &fresh, &schemes, &issuer(), |_| 8193);
    assert_eq!(large.err(), Some(RegistrationError::TooLarge));
}

#[test]
fn an_update_replaces_what_is_stored_of_the_metadata_and_leaves_out_what_it_does_not_name() {
    let (client, token, _) = registered("none");
    let body = |uri: Option<&str>| json!({ "client_id": "vc_a", "redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "none", "client_uri": uri });
    let stored = |client: &Client| match &client.source {
        ClientSource::Registered(registration) => registration.details.client_uri.clone(),
        other => panic!("another source: {other:?}"),
    };
    let uri = "https://a.example/about";
    let (client, _) = update(&client, &token, &body(Some(uri))).expect("accepted");
    assert_eq!(stored(&client).as_deref(), Some(uri));
    let (client, _) = update(&client, &token, &body(None)).expect("accepted");
    assert_eq!(stored(&client), None);
}
