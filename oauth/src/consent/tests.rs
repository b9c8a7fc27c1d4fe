use super::*;
use crate::{
    parameters::Parameters,
    pkce::CodeChallenge,
    redirect::{PrivateSchemes, RedirectUri},
};

const WEB: &str = "https://app.example/callback";
const DAY: u64 = 24 * 3600;
const LIFETIME: Duration = Duration::from_hours(90 * 24);
const ASK: Prompt = Prompt::Ask {
    sign_in: false,
    consent: false,
};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn id(byte: u8) -> Id {
    Id::new([byte; 16])
}

fn resource(text: &str) -> ResourceIdentifier {
    ResourceIdentifier::parse(text).expect("an identifier")
}

fn request(redirect_uri: &str, scopes: &str, prompt: Prompt) -> AuthorizationRequest {
    let challenge =
        b"code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    AuthorizationRequest {
        client_id: ClientId::of("vc_client"),
        redirect_uri: redirect_uri.to_owned(),
        state: None,
        challenge: CodeChallenge::read(&Parameters::parse(challenge)).expect("a challenge"),
        resource: resource("https://notes.example/mcp"),
        scopes: Scopes::parse(scopes),
        prompt,
    }
}

fn by(now: Timestamp) -> ConsentContext {
    ConsentContext {
        now,
        lifetime: LIFETIME,
        epoch: Epoch::default(),
    }
}

fn destination(redirect_uri: &str) -> ValidatedRedirectUri {
    let registered = RedirectUri::register(redirect_uri, &PrivateSchemes::default())
        .expect("a safe redirect URI");
    ValidatedRedirectUri::validate(&[registered], redirect_uri).expect("the same")
}

fn consent(redirect_uri: &str, scopes: &str) -> Consent {
    Consent::given(&request(redirect_uri, scopes, ASK), None, id(1), by(at(0)))
}

#[test]
fn t_d28_whatever_differs_is_another_consent() {
    let name = |client: &str, uri: &str, at: &str| {
        Consent::name(&ClientId::of(client), uri, &resource(at))
    };
    let client = "vc_client";
    let notes = "https://notes.example/mcp";
    let own = name(client, WEB, notes);
    assert_eq!(
        own,
        name(
            client,
            "https://app.example:443/elsewhere?x",
            "HTTPS://Notes.example/mcp"
        )
    );
    for other in [
        name("vc_other", WEB, notes),
        name(client, "https://app.example.evil/callback", notes),
        name(client, "https://app.example:8443/callback", notes),
        name(client, "http://localhost/callback", notes),
        name(client, "app.example:/callback", notes),
        name(client, WEB, "https://notes.example/other"),
        name(client, WEB, "https://notes.example"),
    ] {
        assert_ne!(own, other);
    }
    let local = |uri| name(client, uri, notes);
    assert_eq!(
        local("http://127.0.0.1:1/cb"),
        local("http://127.0.0.1:2/other"),
        "the port is the system's choice"
    );
    assert_ne!(
        local("http://127.0.0.1:1/cb"),
        local("http://localhost:1/cb")
    );
    assert_ne!(local("cursor://a/cb"), local("vscode://a/cb"));
}

#[test]
fn a_consent_grows_while_it_stands_and_begins_anew_when_it_has_lapsed() {
    let first = consent(WEB, "read");
    assert_eq!(
        (first.scopes.to_string().as_str(), first.expires_at),
        ("read", at(90 * DAY))
    );
    let wider = request(WEB, "write read", ASK);
    let grown = Consent::given(&wider, Some(first.clone()), id(2), by(at(90 * DAY - 1)));
    assert_eq!(
        (grown.id, grown.scopes.to_string().as_str()),
        (id(1), "read write")
    );
    assert_eq!(
        (grown.allowed_at, grown.expires_at),
        (at(90 * DAY - 1), at(180 * DAY - 1))
    );
    let anew = Consent::given(
        &request(WEB, "write", ASK),
        Some(first),
        id(2),
        by(at(90 * DAY)),
    );
    assert_eq!(
        (anew.id, anew.scopes.to_string().as_str()),
        (id(2), "write")
    );
}

#[test]
fn a_yes_to_little_keeps_nothing_more_alive() {
    let given = |scopes: &str, day: u64| {
        let earlier = Some(consent(WEB, "read write"));
        Consent::given(
            &request(WEB, scopes, ASK),
            earlier,
            id(2),
            by(at(day * DAY)),
        )
    };
    assert_eq!(given("read", 89).expires_at, at(90 * DAY));
    assert_eq!(
        given("read admin", 89).expires_at,
        at(90 * DAY),
        "nor what comes with it"
    );
    assert_eq!(given("write read", 89).expires_at, at(179 * DAY));
}

#[test]
fn a_lifetime_that_was_shortened_reaches_consents_of_before() {
    let allowed = consent(WEB, "read");
    let stands = |consent: &Consent, days: u64, seconds| {
        consent.is_valid(ConsentContext {
            lifetime: Duration::from_secs(days * DAY),
            ..by(at(seconds))
        })
    };
    assert!(stands(&allowed, 7, 7 * DAY - 1) && !stands(&allowed, 7, 7 * DAY));
    assert!(!stands(&allowed, 0, 0), "zero asks every time");
    assert!(
        !stands(&allowed, 900, 90 * DAY),
        "a longer one prolongs nothing"
    );
    // A yes to a part of it does not count for the rest.
    let partly = Consent::given(
        &request(WEB, "read", ASK),
        Some(consent(WEB, "read write")),
        id(2),
        by(at(5 * DAY)),
    );
    assert!(stands(&partly, 7, 7 * DAY - 1) && !stands(&partly, 7, 7 * DAY));
    // A record of an earlier release.
    let old = Consent {
        shown_at: None,
        ..allowed
    };
    assert!(stands(&old, 7, 7 * DAY - 1) && !stands(&old, 7, 7 * DAY));
}

#[test]
fn a_later_epoch_of_the_client_ends_a_consent_and_the_next_yes_begins_anew() {
    let allowed = consent(WEB, "read write");
    let epoch = Epoch::default().next(at(1));
    let later = ConsentContext { epoch, ..by(at(1)) };
    assert!(!allowed.is_valid(later) && !allowed.covers(&Scopes::parse("read"), later));
    let again = Consent::given(&request(WEB, "read", ASK), Some(allowed), id(2), later);
    assert_eq!(
        (again.id, again.scopes.to_string().as_str(), again.epoch),
        (id(2), "read", epoch)
    );
    assert!(again.is_valid(later), "in the same second");
}

#[test]
fn a_consent_covers_what_was_allowed_until_it_lapses() {
    let allowed = consent(WEB, "read write");
    for (scopes, covered) in [
        ("read", true),
        ("write read", true),
        ("read admin", false),
        ("read offline_access", false),
    ] {
        assert_eq!(
            allowed.covers(&Scopes::parse(scopes), by(at(90 * DAY - 1))),
            covered,
            "{scopes}"
        );
        assert!(
            !allowed.covers(&Scopes::parse(scopes), by(at(90 * DAY))),
            "{scopes}"
        );
    }
}

#[test]
fn r_a14_o19_the_page_is_left_out_for_a_host_of_the_web_alone() {
    let local = "http://127.0.0.1/cb";
    let private = "cursor://a/cb";
    let ask = |sign_in, consent| Prompt::Ask { sign_in, consent };
    let refuse = |reason| Some(Interaction::Error(reason));
    // Where to, prompt, signed in, what was allowed before, what follows: `None` is a pass.
    for (uri, prompt, signed_in, earlier, expected) in [
        (WEB, ASK, true, Some("read"), None),
        (WEB, ASK, true, Some("list read"), None),
        (WEB, ASK, true, Some("write"), Some(Interaction::Consent)),
        (WEB, ASK, true, None, Some(Interaction::Consent)),
        (WEB, ASK, false, Some("read"), Some(Interaction::Login)),
        (local, ASK, true, Some("read"), Some(Interaction::Consent)),
        (private, ASK, true, Some("read"), Some(Interaction::Consent)),
        (local, ASK, false, Some("read"), Some(Interaction::Login)),
        (
            WEB,
            ask(false, true),
            true,
            Some("read"),
            Some(Interaction::Consent),
        ),
        (
            WEB,
            ask(false, true),
            false,
            Some("read"),
            Some(Interaction::Login),
        ),
        (
            WEB,
            ask(true, false),
            true,
            Some("read"),
            Some(Interaction::Login),
        ),
        (WEB, ask(true, true), false, None, Some(Interaction::Login)),
        (WEB, Prompt::None, true, Some("read"), None),
        (
            WEB,
            Prompt::None,
            true,
            Some("write"),
            refuse(RedirectError::ConsentRequired),
        ),
        (
            WEB,
            Prompt::None,
            true,
            None,
            refuse(RedirectError::ConsentRequired),
        ),
        (
            WEB,
            Prompt::None,
            false,
            Some("read"),
            refuse(RedirectError::LoginRequired),
        ),
        (
            local,
            Prompt::None,
            true,
            Some("read"),
            refuse(RedirectError::InteractionRequired),
        ),
        (
            private,
            Prompt::None,
            true,
            None,
            refuse(RedirectError::InteractionRequired),
        ),
        (
            local,
            Prompt::None,
            false,
            None,
            refuse(RedirectError::LoginRequired),
        ),
    ] {
        let earlier = earlier.map(|scopes| consent(uri, scopes));
        let request = request(uri, "read", prompt);
        let destination = destination(uri);
        let expected =
            expected.unwrap_or_else(|| Interaction::None(earlier.as_ref().expect("a consent")));
        assert_eq!(
            interaction(
                &request,
                &destination,
                signed_in,
                earlier.as_ref(),
                by(at(5))
            ),
            expected,
            "{uri} {prompt:?} {signed_in}"
        );
        let late = interaction(
            &request,
            &destination,
            signed_in,
            earlier.as_ref(),
            by(at(90 * DAY)),
        );
        assert!(!matches!(late, Interaction::None(_)), "{uri} {prompt:?}");
    }
}
