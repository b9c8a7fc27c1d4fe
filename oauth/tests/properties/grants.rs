//! The life of a grant under random events, held against a model that knows nothing of digests,
//! salts or windows in records.

use std::{collections::HashSet, sync::LazyLock, time::Duration};

use oauth::{
    Id, Parameters, Secret, Timestamp,
    client::ClientId,
    epoch::Epoch,
    error::{CodeError, RefreshTokenError, ResourceError, TokenRequestError},
    grant::{
        AuthorizationCode, Grant, GrantDetails, GrantKey, GrantState, IssuedTokens, RefreshToken,
        RevocationReason, TokenPolicy, Transition,
    },
    pkce::CodeChallenge,
    resource::{Resource, ResourceIdentifier},
    scope::Scopes,
    token::{CodeRequest, RefreshRequest},
};
use proptest::{collection::vec, prelude::*, sample::Index};

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
static CLIENT: LazyLock<ClientId> = LazyLock::new(|| ClientId::of("vc_client"));
static OTHER: LazyLock<ClientId> = LazyLock::new(|| ClientId::of("vc_other"));
const CODE_LIFETIME: u64 = 60;
/// Short, so that random steps in time reach it.
const REFRESH_LIFETIME: u64 = 200;
/// How many rotations of one window a record remembers.
const REMEMBERED: usize = 8;
const MOST_EVENTS: usize = 50;

static NOTES: LazyLock<Resource> = LazyLock::new(|| crate::resource(&["read", "write", "admin"]));

/// The challenge that [`VERIFIER`] answers.
pub(crate) fn challenge() -> CodeChallenge {
    let query =
        b"code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    CodeChallenge::read(&Parameters::parse(query)).expect("the challenge of RFC 7636")
}

/// What may happen to a grant.
#[derive(Clone, Debug)]
enum Event {
    /// The code, with everything right.
    Redeem,
    /// The code, with one thing wrong.
    RedeemWrongly(WrongCode),
    /// The live refresh token.
    RefreshCurrent,
    /// The token before it.
    RefreshLast,
    /// Any token that was ever issued.
    RefreshAny(Index),
    /// Any token, with one thing wrong.
    RefreshWrongly(Index, WrongRefresh),
    /// Time passes.
    Wait(u64),
    /// The user ends the grant.
    RevocationReason,
}

#[derive(Clone, Copy, Debug)]
enum WrongCode {
    Secret,
    Client,
    RedirectUri,
    Verifier,
    Resource,
}

#[derive(Clone, Copy, Debug)]
enum WrongRefresh {
    Family,
    Client,
    Resource,
    Scope,
}

fn event() -> impl Strategy<Value = Event> {
    use proptest::sample::select;
    let code = select(vec![
        WrongCode::Secret,
        WrongCode::Client,
        WrongCode::RedirectUri,
        WrongCode::Verifier,
        WrongCode::Resource,
    ]);
    let refresh = select(vec![
        WrongRefresh::Family,
        WrongRefresh::Client,
        WrongRefresh::Resource,
        WrongRefresh::Scope,
    ]);
    prop_oneof![
        1 => Just(Event::Redeem),
        4 => code.prop_map(Event::RedeemWrongly),
        12 => Just(Event::RefreshCurrent),
        8 => Just(Event::RefreshLast),
        2 => any::<Index>().prop_map(Event::RefreshAny),
        4 => (any::<Index>(), refresh).prop_map(|(which, wrong)| Event::RefreshWrongly(which, wrong)),
        8 => prop_oneof![4 => 0..3u64, 3 => 8..12u64, 1 => 25..70u64, 1 => 190..210u64].prop_map(Event::Wait),
        1 => Just(Event::RevocationReason),
    ]
}

/// What the model expects of an event.
#[derive(Debug, PartialEq)]
enum Expected {
    /// Refused, and nothing changes.
    Refused(TokenRequestError),
    /// Refused, and the grant ends.
    Ended(TokenRequestError),
    /// The first refresh token, or another successor.
    New,
    /// The token of this number again, and nothing changes.
    Again(usize),
}

/// A token and the time of its rotation.
struct Issued {
    token: RefreshToken,
    rotated_at: Option<u64>,
}

/// The grant under test beside what should be true of it.
struct Life {
    grant: Grant,
    code: AuthorizationCode,
    policy: TokenPolicy<'static>,
    now: u64,
    draws: u64,
    tokens: Vec<Issued>,
    expires_at: u64,
    redemptions: usize,
    ended: bool,
}

impl Life {
    fn new(window: u64) -> Self {
        let details = GrantDetails {
            client_id: CLIENT.clone(),
            redirect_uri: "http://127.0.0.1:5000/cb".to_owned(),
            challenge: challenge(),
            resource: ResourceIdentifier::parse("https://notes.example/mcp")
                .expect("a valid identifier"),
            scopes: Scopes::parse("read write"),
            may_refresh: true,
            allowed_at: Timestamp::from_seconds(0),
            epoch: Epoch::default(),
            withdrawal: Epoch::default(),
        };
        let key = GrantKey {
            account: Id::new([1; 16]),
            grant: Id::new([2; 16]),
        };
        let (grant, code) = Grant::issue_code(
            details,
            key,
            Secret::new([3; 32]),
            Timestamp::from_seconds(CODE_LIFETIME),
        );
        let policy = TokenPolicy {
            code: Duration::from_secs(CODE_LIFETIME),
            refresh_token: Duration::from_secs(REFRESH_LIFETIME),
            replay_window: Duration::from_secs(window),
            resource: &NOTES,
        };
        Self {
            grant,
            code,
            policy,
            now: 0,
            draws: 0,
            tokens: Vec::new(),
            expires_at: 0,
            redemptions: 0,
            ended: false,
        }
    }

    fn draw(&mut self) -> Secret {
        self.draws += 1;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.draws.to_be_bytes());
        Secret::new(bytes)
    }

    fn happen(&mut self, event: &Event) -> Result<(), TestCaseError> {
        let current = self.tokens.len().checked_sub(1);
        let any = |which: &Index| (!self.tokens.is_empty()).then(|| which.index(self.tokens.len()));
        match event {
            Event::Wait(seconds) => {
                self.now += seconds;
                Ok(())
            }
            Event::RevocationReason => self.end(),
            Event::Redeem => self.redeem(None),
            Event::RedeemWrongly(wrong) => self.redeem(Some(*wrong)),
            Event::RefreshCurrent => current.map_or(Ok(()), |number| self.refresh(number, None)),
            Event::RefreshLast => current
                .and_then(|number| number.checked_sub(1))
                .map_or(Ok(()), |number| self.refresh(number, None)),
            Event::RefreshAny(which) => {
                any(which).map_or(Ok(()), |number| self.refresh(number, None))
            }
            Event::RefreshWrongly(which, wrong) => {
                any(which).map_or(Ok(()), |number| self.refresh(number, Some(*wrong)))
            }
        }
    }

    fn end(&mut self) -> Result<(), TestCaseError> {
        match self.grant.clone().revoked(
            RevocationReason::Requested,
            Timestamp::from_seconds(self.now),
        ) {
            None => prop_assert!(self.ended),
            Some(next) => {
                prop_assert!(!self.ended);
                self.grant = next;
                self.ended = true;
            }
        }
        Ok(())
    }

    fn redeem(&mut self, wrong: Option<WrongCode>) -> Result<(), TestCaseError> {
        let mut code = self.code.clone();
        let mut client: &ClientId = &CLIENT;
        let mut request = CodeRequest {
            code: "",
            verifier: VERIFIER,
            redirect_uri: None,
            resource: None,
            scope: None,
        };
        match wrong {
            None => {}
            Some(WrongCode::Secret) => code.secret = Secret::new([9; 32]),
            Some(WrongCode::Client) => client = &OTHER,
            Some(WrongCode::RedirectUri) => request.redirect_uri = Some("http://127.0.0.1:5001/cb"),
            Some(WrongCode::Verifier) => {
                request.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK";
            }
            Some(WrongCode::Resource) => request.resource = Some("https://other.example/mcp"),
        }
        let fresh = [self.draw(), self.draw()];
        let outcome = self.grant.clone().redeem(
            &code,
            client,
            &request,
            Timestamp::from_seconds(self.now),
            fresh,
            self.policy,
        );
        let expected = match wrong {
            _ if self.ended => Expected::Refused(TokenRequestError::Code(CodeError::Unknown)),
            Some(WrongCode::Secret) => {
                Expected::Refused(TokenRequestError::Code(CodeError::Unknown))
            }
            Some(WrongCode::Client) => {
                Expected::Refused(TokenRequestError::Code(CodeError::OfAnotherClient))
            }
            Some(WrongCode::RedirectUri) => {
                Expected::Refused(TokenRequestError::Code(CodeError::RedirectUriMismatch))
            }
            Some(WrongCode::Verifier) => {
                Expected::Refused(TokenRequestError::Code(CodeError::VerifierMismatch))
            }
            Some(WrongCode::Resource) => {
                Expected::Refused(TokenRequestError::Resource(ResourceError::NotGranted))
            }
            None if self.redemptions > 0 => {
                Expected::Ended(TokenRequestError::Code(CodeError::Replayed))
            }
            None if self.now >= CODE_LIFETIME => {
                Expected::Refused(TokenRequestError::Code(CodeError::Expired))
            }
            None => Expected::New,
        };
        self.redemptions += usize::from(outcome.answer.is_ok());
        self.compare(outcome, &expected)
    }

    fn refresh(&mut self, number: usize, wrong: Option<WrongRefresh>) -> Result<(), TestCaseError> {
        let mut token = self.tokens[number].token.clone();
        let mut client: &ClientId = &CLIENT;
        let mut request = RefreshRequest {
            token: "",
            resource: None,
            scope: None,
        };
        match wrong {
            None => {}
            Some(WrongRefresh::Family) => token = of_another_family(&token),
            Some(WrongRefresh::Client) => client = &OTHER,
            Some(WrongRefresh::Resource) => request.resource = Some("https://other.example/mcp"),
            Some(WrongRefresh::Scope) => request.scope = Some("admin"),
        }
        let expected = self.expect_refresh(number, wrong);
        let salt = self.draw();
        let outcome = self.grant.clone().refresh(
            &token,
            client,
            &request,
            Timestamp::from_seconds(self.now),
            &salt,
            self.policy,
        );
        if expected == Expected::New {
            self.tokens[number].rotated_at = Some(self.now);
        }
        self.compare(outcome, &expected)
    }

    fn expect_refresh(&self, number: usize, wrong: Option<WrongRefresh>) -> Expected {
        let age = self.tokens[number].rotated_at.map(|at| self.now - at);
        let is_remembered = number + REMEMBERED + 1 >= self.tokens.len();
        let forgiven =
            is_remembered && age.is_some_and(|age| age < self.policy.replay_window.as_secs());
        match wrong {
            _ if self.ended => Expected::Refused(TokenRequestError::RefreshToken(
                RefreshTokenError::GrantRevoked,
            )),
            Some(WrongRefresh::Family) => {
                Expected::Refused(TokenRequestError::RefreshToken(RefreshTokenError::Unknown))
            }
            Some(WrongRefresh::Client) => Expected::Refused(TokenRequestError::RefreshToken(
                RefreshTokenError::OfAnotherClient,
            )),
            _ if age.is_some() && !forgiven => {
                Expected::Ended(TokenRequestError::RefreshToken(RefreshTokenError::Replayed))
            }
            _ if self.now >= self.expires_at => {
                Expected::Refused(TokenRequestError::RefreshToken(RefreshTokenError::Expired))
            }
            Some(WrongRefresh::Resource) => {
                Expected::Refused(TokenRequestError::Resource(ResourceError::NotGranted))
            }
            Some(WrongRefresh::Scope) => Expected::Refused(TokenRequestError::ScopeNotGranted),
            None if age.is_some() => Expected::Again(number + 1),
            None => Expected::New,
        }
    }

    fn compare(&mut self, outcome: Transition, expected: &Expected) -> Result<(), TestCaseError> {
        let Transition { next, answer } = outcome;
        let token = answer
            .as_ref()
            .ok()
            .and_then(|issue| issue.refresh_token.clone());
        match expected {
            Expected::Refused(reason) => {
                prop_assert_eq!(answer.as_ref(), Err(reason));
                prop_assert_eq!(next.as_ref(), None);
            }
            Expected::Ended(reason) => {
                prop_assert_eq!(answer.as_ref(), Err(reason));
                let ended = next
                    .as_ref()
                    .is_some_and(|grant| matches!(grant.state, GrantState::Revoked { .. }));
                prop_assert!(ended, "{:?}", next);
                self.ended = true;
            }
            Expected::Again(number) => {
                prop_assert_eq!(token.as_ref(), Some(&self.tokens[*number].token));
                prop_assert_eq!(next.as_ref(), None);
            }
            Expected::New => {
                let token = token.ok_or_else(|| TestCaseError::fail(format!("{answer:?}")))?;
                prop_assert!(self.tokens.iter().all(|issued| issued.token != token));
                prop_assert!(next.as_ref().is_some_and(Grant::is_live));
                self.tokens.push(Issued {
                    token,
                    rotated_at: None,
                });
                self.expires_at = self.now + REFRESH_LIFETIME;
            }
        }
        if let Ok(IssuedTokens {
            resource, scopes, ..
        }) = &answer
        {
            prop_assert_eq!(resource, &self.grant.details.resource);
            prop_assert_eq!(scopes, &self.grant.details.scopes);
        }
        self.grant = next.unwrap_or_else(|| self.grant.clone());
        Ok(())
    }

    /// What is true at every time, whatever has happened.
    fn assert_invariants(&self, details: &GrantDetails) -> Result<(), TestCaseError> {
        prop_assert_eq!(&self.grant.details, details);
        prop_assert!(self.redemptions <= 1, "a code yields one success");
        prop_assert_eq!(self.grant.is_live(), self.redemptions == 1 && !self.ended);
        let request = RefreshRequest {
            token: "",
            resource: None,
            scope: None,
        };
        let mut live = 0;
        let mut successors = HashSet::new();
        for (number, issued) in self.tokens.iter().enumerate() {
            let outcomes = [[7; 32], [8; 32]].map(|salt| {
                self.grant.clone().refresh(
                    &issued.token,
                    &CLIENT,
                    &request,
                    Timestamp::from_seconds(self.now),
                    &Secret::new(salt),
                    self.policy,
                )
            });
            let [Ok(one), Ok(other)] = outcomes.each_ref().map(|outcome| outcome.answer.as_ref())
            else {
                continue;
            };
            prop_assert!(!self.ended && self.now < self.expires_at);
            if outcomes[0].next.is_some() {
                live += 1;
                prop_assert_eq!(number, self.tokens.len() - 1);
            } else {
                prop_assert_eq!(
                    one,
                    other,
                    "the same successor, whatever the random bytes are"
                );
                prop_assert!(
                    successors.insert(one.refresh_token.as_ref().map(RefreshToken::encode))
                );
            }
        }
        prop_assert!(live <= 1, "one live refresh token");
        Ok(())
    }
}

/// The same token, but for the family secret, as someone might make it who knows the rest.
fn of_another_family(token: &RefreshToken) -> RefreshToken {
    let text = token.encode();
    let family = Secret::new([9; 32]).encode();
    RefreshToken::parse(&format!("{}{family}{}", &text[..48], &text[91..]))
        .expect("a well-formed token")
}

proptest! {
    /// R-O9, R-O14, T-B15, T-C17, T-C18.
    #[test]
    fn a_grant_lives_as_its_model_does(
        window in prop_oneof![1 => Just(0u64), 3 => 1..60u64],
        redeemed in prop::bool::weighted(0.9),
        events in vec(event(), 1..MOST_EVENTS),
    ) {
        let mut life = Life::new(window);
        let details = life.grant.details.clone();
        if redeemed {
            life.happen(&Event::Redeem)?;
        }
        for event in &events {
            life.happen(event)?;
            life.assert_invariants(&details)?;
        }
    }

    /// R-O15: what is guessed is not merely unlikely to be right, it changes nothing.
    #[test]
    fn a_guess_changes_nothing(guess in any::<[u8; 32]>(), rotations in 0..4usize) {
        let mut life = Life::new(30);
        life.happen(&Event::Redeem)?;
        for _ in 0..rotations {
            life.happen(&Event::RefreshCurrent)?;
        }
        let text = life.tokens[0].token.encode();
        let guess = Secret::new(guess).encode();
        let forged = RefreshToken::parse(&format!("{}{guess}{guess}", &text[..48])).expect("a well-formed token");
        let request = RefreshRequest { token: "", resource: None, scope: None };
        let outcome = life.grant.refresh(&forged, &CLIENT, &request, Timestamp::from_seconds(0), &Secret::new([0; 32]), life.policy);
        prop_assert_eq!(outcome, Transition { next: None, answer: Err(TokenRequestError::RefreshToken(RefreshTokenError::Unknown)) });
    }
}
