use oauth::{issuer::Issuer, parameters::Parameters};

use super::*;
use crate::{
    authentication::Credentials,
    error::ClientAuthenticationError,
    registration::{ClientMetadata, GeneratedSecrets},
};

/// A client that was added, for the tests of its credentials too.
pub(crate) fn client(authentication: Authentication) -> Client {
    Client {
        id: ClientId::of("c"),
        name: None,
        redirect_uris: Vec::new(),
        authentication,
        may_refresh: true,
        source: ClientSource::Added,
        created_at: Timestamp::from_seconds(0),
        used_at: None,
    }
}

#[test]
fn its_identity_rests_on_the_hosts_of_its_document_and_its_answers() {
    let mut client = client(Authentication::None);
    client.redirect_uris = [
        "https://b.example/cb",
        "https://B.example:8443/cb",
        "http://127.0.0.1/cb",
        "cursor://a/cb",
    ]
    .map(RedirectUri::registered_before)
    .to_vec();
    assert_eq!(client.hosts(), ["b.example"]);
    client.id = ClientId::of("https://a.example/client.json");
    assert_eq!(client.hosts(), ["a.example", "b.example"]);
    client.redirect_uris.clear();
    client.id = ClientId::of("c");
    assert!(client.hosts().is_empty());
}

const DAY_SECONDS: u64 = 24 * 3600;

fn registered(used_at: Option<u64>) -> Client {
    let body = br#"{"redirect_uris": ["cursor://a/cb"], "token_endpoint_auth_method": "none"}"#;
    let metadata = ClientMetadata::read(body, &PrivateSchemes::default()).expect("accepted");
    let fresh = GeneratedSecrets {
        secret: Secret::new([0; 32]),
        token: Secret::new([1; 32]),
    };
    let issuer = Issuer::parse("https://auth.example.com").expect("an issuer");
    let made = metadata.register(
        ClientId::of("c"),
        &fresh,
        &issuer,
        Timestamp::from_seconds(0),
        |_| 0,
    );
    Client {
        used_at: used_at.map(Timestamp::from_seconds),
        ..made.expect("it is small").0
    }
}

fn stands(client: &Client, day: u64, refresh_days: u64) -> bool {
    let on_the_eve = Timestamp::from_seconds(day * DAY_SECONDS - 1);
    let on_the_day = Timestamp::from_seconds(day * DAY_SECONDS);
    let stands_at = |now| {
        client.is_valid(
            now,
            &PrivateSchemes::default(),
            DAY.saturating_mul(u32::try_from(refresh_days).expect("days")),
        )
    };
    assert!(stands_at(on_the_eve));
    stands_at(on_the_day)
}

#[test]
fn an_unused_client_lapses_after_7_days_and_a_used_one_180_days_after_its_last_use() {
    assert!(!stands(&registered(None), 7, 90));
    assert!(
        !stands(&registered(None), 7, 3650),
        "there is no refresh token yet"
    );
    assert!(stands(&registered(Some(0)), 30, 90) && !stands(&registered(Some(0)), 180, 90));
    assert!(!stands(&registered(Some(20 * DAY_SECONDS)), 200, 90));
    assert!(
        stands(&registered(Some(0)), 180, 365) && !stands(&registered(Some(0)), 365, 365),
        "its refresh token may live"
    );
    assert!(stands(&client(Authentication::None), 100_000, 90));
}

fn described(fresh_until: u64, allowed: bool) -> Client {
    let source = ClientSource::Document {
        fresh_until: Timestamp::from_seconds(fresh_until),
        allowed,
    };
    Client {
        source,
        ..client(Authentication::None)
    }
}

#[test]
fn r_c4_a_document_is_fresh_until_its_time_and_a_grace_beyond_it() {
    let is_fresh = |seconds, grace| {
        described(100, false).is_fresh(Timestamp::from_seconds(seconds), Duration::from_secs(grace))
    };
    assert!(is_fresh(99, 0) && !is_fresh(100, 0));
    assert!(is_fresh(109, 10) && !is_fresh(110, 10));
    assert!(
        client(Authentication::None).is_fresh(Timestamp::from_seconds(u64::MAX), Duration::ZERO),
        "there is nothing to ask for"
    );
}

#[test]
fn a_document_nobody_allowed_lapses_a_day_after_it_is_stale_and_another_180_days_after_it_was_fetched()
 {
    assert!(!stands(&described(DAY_SECONDS, false), 2, 90));
    assert!(
        stands(&described(DAY_SECONDS, true), 2, 90)
            && !stands(&described(DAY_SECONDS, true), 180, 90)
    );
    assert!(
        !stands(&described(DAY_SECONDS, true), 365, 365),
        "its refresh token may live"
    );
}

#[test]
fn what_was_allowed_stays_allowed_when_a_document_is_fetched_again() {
    let now = Timestamp::from_seconds(5);
    let used = |client| Client {
        used_at: Some(now),
        ..client
    };
    assert_eq!(
        described(1, false).touched(now),
        Some(used(described(1, true)))
    );
    assert_eq!(
        used(described(1, false)).touched(now),
        Some(used(described(1, true))),
        "what was not allowed yet"
    );
    for allowed in [false, true] {
        let earlier = used(described(1, allowed));
        assert_eq!(
            described(2, false).merged_with(Some(&earlier)),
            used(described(2, allowed))
        );
    }
    assert_eq!(described(2, false).merged_with(None), described(2, false));
    assert_eq!(
        registered(None).merged_with(Some(&described(1, true))),
        registered(None)
    );
}

#[test]
fn t_e38_a_client_that_could_not_register_today_is_not_known() {
    let none = PrivateSchemes::read([]).expect("no names");
    assert!(!registered(None).is_valid(Timestamp::from_seconds(0), &none, DAY));
    let added = Client {
        source: ClientSource::Added,
        ..registered(None)
    };
    assert!(!added.is_valid(Timestamp::from_seconds(0), &none, DAY) && stands(&added, 1000, 1));
}

#[test]
fn a_use_is_noted_once_a_day() {
    let at = |client: &Client, seconds| client.touched(Timestamp::from_seconds(seconds));
    for unused in [
        registered(None),
        described(1, true),
        client(Authentication::None),
    ] {
        let used_at = |seconds| Client {
            used_at: Some(Timestamp::from_seconds(seconds)),
            ..unused.clone()
        };
        let first = at(&unused, 5).expect("its first use");
        assert_eq!(first, used_at(5));
        assert_eq!(at(&first, 5 + DAY_SECONDS - 1), None);
        assert_eq!(at(&first, 5 + DAY_SECONDS), Some(used_at(5 + DAY_SECONDS)));
    }
}

#[test]
fn what_cannot_be_an_id_is_an_unknown_client() {
    for good in [
        "a",
        "a b",
        "https://a.example/client.json",
        &"a".repeat(2048),
    ] {
        assert!(ClientId::parse(good).is_some(), "{good}");
    }
    for bad in ["", "a\tb", "a\n", "é", "\u{7f}", &"a".repeat(2049)] {
        assert!(ClientId::parse(bad).is_none(), "{bad:?}");
    }
    let body = Parameters::parse(b"client_id=%0A");
    assert_eq!(
        Credentials::read(&body, None),
        Err(ClientAuthenticationError::Failed { by_header: false })
    );
}

#[test]
fn a_chosen_id_can_be_sent_and_is_no_address() {
    for good in [
        "billing",
        "billing agent",
        "vc_x",
        "urn:example:agent",
        "a:b",
        &"a".repeat(200),
    ] {
        assert_eq!(validate_chosen_id(good), Ok(()), "{good}");
    }
    for bad in [
        "",
        " a",
        "a ",
        "a\tb",
        "\u{e4}",
        "https://a.example/c.json",
        "HTTP:a",
        "x://y",
        &"a".repeat(201),
    ] {
        assert!(validate_chosen_id(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_secret_needs_no_escaping_and_is_not_shown() {
    let text = secret_text(&Secret::new([255; 32]));
    assert_eq!(text, format!("vcs_{}", Secret::new([255; 32]).encode()));
    assert!(
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    );
    let parameters = Parameters::parse(format!("client_id=c&client_secret={text}").as_bytes());
    assert_eq!(
        Credentials::read(&parameters, None).map(|credentials| format!("{credentials:?}")),
        Ok("Credentials(c)".to_owned())
    );
}
