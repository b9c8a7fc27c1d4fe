//! What a person allowed, remembered beyond the grants that came of it, and what that spares them
//! (R-A14, R-O19, T-D28).
//!
//! A remembered consent lets a request pass without the page only where the answer goes to a host
//! of the web: whoever has that host is who was allowed before. An application on the person's own
//! computer cannot be told from another one there, so for it the consent serves to mark what is
//! new, and the person is asked every time.

use std::time::Duration;

use crate::{
    authorize::AuthorizationRequest,
    client::ClientId,
    epoch::Epoch,
    error::RedirectError,
    id::Id,
    prompt::Prompt,
    redirect::{self, ValidatedRedirectUri},
    resource::ResourceIdentifier,
    scope::Scopes,
    secret::Digest,
    time::Timestamp,
};

/// What a person has allowed one client, answering at one origin, at one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Another one whenever a consent begins anew: who reads the same one twice knows that it stood
    /// in between.
    pub id: Id,
    /// The client.
    pub client_id: ClientId,
    /// Where the answer went the last time.
    pub redirect_uri: String,
    /// What it may use.
    pub resource: ResourceIdentifier,
    /// All that was ever allowed while it stood.
    pub scopes: Scopes,
    /// When the person last said yes.
    pub allowed_at: Timestamp,
    /// When it lapses, by the lifetime that was set when it was given.
    pub expires_at: Timestamp,
    /// When the person last said yes to all of it; of records of earlier releases, `allowed_at`
    /// stands in.
    pub shown_at: Option<Timestamp>,
    /// The client's epoch at that time: a later one ends it.
    pub epoch: Epoch,
}

/// What a remembered consent is judged by, here and now.
#[derive(Clone, Copy, Debug)]
pub struct ConsentContext {
    /// What time it is.
    pub now: Timestamp,
    /// How long a consent is remembered by the settings of today; zero remembers none.
    pub lifetime: Duration,
    /// The client's epoch.
    pub epoch: Epoch,
}

impl Consent {
    /// What a consent is found by: client, origin of the redirect, and resource. Whatever differs
    /// in one of them is another's (T-D28: installations of one application share its client id,
    /// and answer elsewhere).
    pub fn name(client_id: &ClientId, redirect_uri: &str, resource: &ResourceIdentifier) -> Digest {
        // None of the three can hold a line feed.
        let origin = redirect::origin(redirect_uri);
        Digest::of(format!("{client_id}\n{origin}\n{resource}").as_bytes())
    }

    /// What stands after a person allowed `request`: the scopes of `earlier` besides, if that still
    /// stands. `id` is fresh.
    ///
    /// It lapses anew only when the person was shown all of it: a yes to little keeps nothing more
    /// alive.
    #[must_use]
    pub fn given(
        request: &AuthorizationRequest,
        earlier: Option<Self>,
        id: Id,
        context: ConsentContext,
    ) -> Self {
        let ConsentContext {
            now,
            lifetime,
            epoch,
        } = context;
        let fresh = Self {
            id,
            client_id: request.client_id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            resource: request.resource.clone(),
            scopes: request.scopes.clone(),
            allowed_at: now,
            expires_at: now.after(lifetime),
            shown_at: Some(now),
            epoch,
        };
        let Some(earlier) = earlier.filter(|earlier| earlier.is_valid(context)) else {
            return fresh;
        };
        let was_shown_all = request.scopes.includes(&earlier.scopes);
        let (shown_at, expires_at) = if was_shown_all {
            (fresh.shown_at, fresh.expires_at)
        } else {
            (Some(earlier.shown_at()), earlier.expires_at)
        };
        Self {
            id: earlier.id,
            scopes: earlier.scopes.union(&request.scopes),
            shown_at,
            expires_at,
            ..fresh
        }
    }

    fn shown_at(&self) -> Timestamp {
        self.shown_at.unwrap_or(self.allowed_at)
    }

    /// Whether it has neither lapsed nor been ended with everything else of its client. A lifetime
    /// that was shortened counts from the yes.
    pub fn is_valid(&self, context: ConsentContext) -> bool {
        let end = self.shown_at().after(context.lifetime).min(self.expires_at);
        !end.has_passed(context.now) && !context.epoch.ends(self.epoch)
    }

    /// Whether all of `scopes` were allowed, and that still stands.
    pub fn covers(&self, scopes: &Scopes, context: ConsentContext) -> bool {
        self.is_valid(context) && self.scopes.includes(scopes)
    }
}

/// What follows an admitted authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction<'a> {
    /// The person signs in, then decides.
    Login,
    /// The person decides.
    Consent,
    /// The client gets a code: the person allowed all of it before.
    None(&'a Consent),
    /// The client gets an error.
    Error(RedirectError),
}

/// Decides how much the person has to be asked. `earlier` is what is remembered for this very
/// client, origin and resource.
pub fn interaction<'a>(
    request: &AuthorizationRequest,
    destination: &ValidatedRedirectUri,
    signed_in: bool,
    earlier: Option<&'a Consent>,
    context: ConsentContext,
) -> Interaction<'a> {
    let covering = earlier.filter(|consent| consent.covers(&request.scopes, context));
    let at_home = destination.targets_native_app();
    match (request.prompt, covering) {
        (Prompt::None, _) if !signed_in => Interaction::Error(RedirectError::LoginRequired),
        (Prompt::None, _) if at_home => Interaction::Error(RedirectError::InteractionRequired),
        (Prompt::None, None) => Interaction::Error(RedirectError::ConsentRequired),
        (Prompt::Ask { sign_in: true, .. }, _) => Interaction::Login,
        _ if !signed_in => Interaction::Login,
        (Prompt::Ask { consent: true, .. }, _) => Interaction::Consent,
        (_, Some(consent)) if !at_home => Interaction::None(consent),
        _ => Interaction::Consent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        parameters::Parameters,
        pkce::Challenge,
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
        let challenge = b"code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
        AuthorizationRequest {
            client_id: ClientId::of("vc_client"),
            redirect_uri: redirect_uri.to_owned(),
            state: None,
            challenge: Challenge::read(&Parameters::parse(challenge)).expect("a challenge"),
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
        let (client, notes) = ("vc_client", "https://notes.example/mcp");
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
        let (local, private) = ("http://127.0.0.1/cb", "cursor://a/cb");
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
            let (request, destination) = (request(uri, "read", prompt), destination(uri));
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
}
