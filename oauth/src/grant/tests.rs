use std::sync::LazyLock;

use primitives::Id;

use super::{rotation::MOST_ROTATED, *};
use crate::{
    error::{CodeError, RefreshTokenError, ResourceError, TokenRequestError},
    parameters::Parameters,
    resource::{Resource, ScopeDescription},
    token::{CodeRequest, RefreshRequest},
};

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str =
    "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
static CLIENT: LazyLock<ClientId> = LazyLock::new(|| ClientId::of("vc_client"));
static NO_CLIENT: LazyLock<ClientId> = LazyLock::new(|| ClientId::of(""));
static OTHER: LazyLock<ClientId> = LazyLock::new(|| ClientId::of("vc_other"));
const REDIRECT_URI: &str = "http://127.0.0.1:5000/cb";
const DAY: u64 = 24 * 60 * 60;
const HOUR: Duration = Duration::from_hours(1);
static NOTES: LazyLock<Resource> = LazyLock::new(|| resource(&["read", "write", "admin"]));
/// When the user allowed it, in seconds.
const START: u64 = 1_000_000;

const CODE: CodeRequest<'_> = CodeRequest {
    code: "",
    verifier: VERIFIER,
    redirect_uri: None,
    resource: None,
    scope: None,
};
const REFRESH: RefreshRequest<'_> = RefreshRequest {
    token: "",
    resource: None,
    scope: None,
};

/// The point `seconds` after [`START`].
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(START + seconds)
}

fn secret(seed: u8) -> Secret {
    Secret::new([seed; 32])
}

fn key() -> GrantKey {
    GrantKey {
        account: Id::new([1; 16]),
        grant: Id::new([2; 16]),
    }
}

fn details() -> GrantDetails {
    GrantDetails {
        client_id: CLIENT.clone(),
        redirect_uri: REDIRECT_URI.to_owned(),
        challenge: CodeChallenge::read(&Parameters::parse(CHALLENGE.as_bytes()))
            .expect("the challenge of RFC 7636"),
        resource: ResourceIdentifier::parse("https://notes.example/mcp")
            .expect("a valid identifier"),
        scopes: Scopes::parse("read write"),
        may_refresh: true,
        allowed_at: at(0),
        epoch: Epoch::default(),
        withdrawal: Epoch::default(),
    }
}

fn resource(scopes: &[&str]) -> Resource {
    let scope = |name: &&str| ScopeDescription {
        name: (*name).to_owned(),
        sentence: String::new(),
        default: true,
    };
    Resource::new(
        ResourceIdentifier::parse("https://notes.example/mcp").expect("a valid identifier"),
        "Notes".to_owned(),
        scopes.iter().map(scope).collect(),
    )
}

fn policy() -> TokenPolicy<'static> {
    TokenPolicy {
        code: Duration::from_mins(1),
        refresh_token: Duration::from_secs(90 * DAY),
        replay_window: Duration::from_secs(30),
        resource: &NOTES,
    }
}

fn strict() -> TokenPolicy<'static> {
    TokenPolicy {
        replay_window: Duration::ZERO,
        ..policy()
    }
}

/// A grant whose code is good for 60 seconds.
fn offered() -> (Grant, AuthorizationCode) {
    Grant::issue_code(details(), key(), secret(3), at(60))
}

fn redeem(
    grant: &Grant,
    code: &AuthorizationCode,
    request: &CodeRequest<'_>,
    seconds: u64,
) -> Transition {
    grant.clone().redeem(
        code,
        &CLIENT,
        request,
        at(seconds),
        [secret(4), secret(5)],
        policy(),
    )
}

fn refresh(
    grant: &Grant,
    token: &RefreshToken,
    seconds: u64,
    salt: u8,
    policy: TokenPolicy<'_>,
) -> Transition {
    grant
        .clone()
        .refresh(token, &CLIENT, &REFRESH, at(seconds), &secret(salt), policy)
}

/// A grant that was redeemed at [`START`], its code and its first refresh token.
fn active() -> (Grant, AuthorizationCode, RefreshToken) {
    let (grant, code) = offered();
    let (grant, token) = granted(redeem(&grant, &code, &CODE, 0));
    (grant, code, token)
}

/// The next state and the refresh token of a transition that succeeds and changes something.
fn granted(outcome: Transition) -> (Grant, RefreshToken) {
    let token = outcome
        .answer
        .expect("a good answer")
        .refresh_token
        .expect("a refresh token");
    (outcome.next.expect("a next state"), token)
}

fn refused(reason: TokenRequestError) -> Transition {
    Transition {
        next: None,
        answer: Err(reason),
    }
}

fn end_of(outcome: &Transition) -> Option<(RevocationReason, Timestamp)> {
    match outcome.next.as_ref()?.state {
        GrantState::Revoked { reason, at } => Some((reason, at)),
        _ => None,
    }
}

fn expiry(grant: &Grant) -> Timestamp {
    match &grant.state {
        GrantState::Active {
            refresh: Some(rotation),
            ..
        } => rotation.expires_at,
        other => panic!("no refresh token in {other:?}"),
    }
}

#[test]
fn codes_and_refresh_tokens_are_read_back_and_nothing_else_is() {
    let (_, code, token) = active();
    assert_eq!(AuthorizationCode::parse(&code.encode()), Ok(code.clone()));
    assert_eq!(RefreshToken::parse(&token.encode()), Ok(token.clone()));
    let code = code.encode();
    let token = token.encode();
    for bad in [
        "",
        "vac_",
        "vrt_",
        &code[4..],
        &code[..90],
        &format!("{code}A"),
        &code.replace("vac_", "VAC_"),
        &token,
        &"é".repeat(50),
    ] {
        assert_eq!(
            AuthorizationCode::parse(bad),
            Err(CodeError::Unknown),
            "{bad}"
        );
    }
    for bad in [
        "",
        "vrt_",
        "vac_",
        &token[4..],
        &token[..133],
        &format!("{token}A"),
        &token.replace("vrt_", "VRT_"),
        &code,
        &"é".repeat(70),
    ] {
        assert_eq!(
            RefreshToken::parse(bad),
            Err(RefreshTokenError::Unknown),
            "{bad}"
        );
    }
}

#[test]
fn r_o9_a_code_is_good_until_the_second_in_which_it_expires() {
    let (grant, code) = offered();
    for seconds in [0, 59] {
        let outcome = redeem(&grant, &code, &CODE, seconds);
        assert_eq!(
            outcome
                .answer
                .as_ref()
                .map(|issue| issue.scopes.to_string()),
            Ok("read write".to_owned()),
            "{seconds}"
        );
        assert!(
            outcome.next.is_some_and(|grant| grant.is_live()),
            "{seconds}"
        );
    }
    for seconds in [60, 61, 90 * DAY] {
        assert_eq!(
            redeem(&grant, &code, &CODE, seconds),
            refused(TokenRequestError::Code(CodeError::Expired)),
            "{seconds}"
        );
    }
}

#[test]
fn r_o9_t_b15_a_failed_redemption_changes_nothing_before_or_after_the_valid_one() {
    let (offered, code) = offered();
    let (active, _, _) = active();
    let other_code = AuthorizationCode {
        secret: secret(9),
        ..code.clone()
    };
    for (code, client_id, request, reason) in [
        (
            &other_code,
            &CLIENT,
            CODE,
            TokenRequestError::Code(CodeError::Unknown),
        ),
        (
            &code,
            &OTHER,
            CODE,
            TokenRequestError::Code(CodeError::OfAnotherClient),
        ),
        (
            &code,
            &NO_CLIENT,
            CODE,
            TokenRequestError::Code(CodeError::OfAnotherClient),
        ),
        (
            &code,
            &CLIENT,
            CodeRequest {
                redirect_uri: Some("http://127.0.0.1:5001/cb"),
                ..CODE
            },
            TokenRequestError::Code(CodeError::RedirectUriMismatch),
        ),
        (
            &code,
            &CLIENT,
            CodeRequest {
                redirect_uri: Some("http://127.0.0.1/cb"),
                ..CODE
            },
            TokenRequestError::Code(CodeError::RedirectUriMismatch),
        ),
        (
            &code,
            &CLIENT,
            CodeRequest {
                verifier: "",
                ..CODE
            },
            TokenRequestError::Code(CodeError::MalformedVerifier),
        ),
        (
            &code,
            &CLIENT,
            CodeRequest {
                verifier: &VERIFIER[..42],
                ..CODE
            },
            TokenRequestError::Code(CodeError::MalformedVerifier),
        ),
        (
            &code,
            &CLIENT,
            CodeRequest {
                verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK",
                ..CODE
            },
            TokenRequestError::Code(CodeError::VerifierMismatch),
        ),
        (
            &code,
            &CLIENT,
            CodeRequest {
                resource: Some("https://other.example/mcp"),
                ..CODE
            },
            TokenRequestError::Resource(ResourceError::NotGranted),
        ),
    ] {
        for grant in [&offered, &active] {
            let outcome = grant.clone().redeem(
                code,
                client_id,
                &request,
                at(1),
                [secret(4), secret(5)],
                policy(),
            );
            assert_eq!(outcome, refused(reason.clone()));
        }
    }
    assert!(redeem(&offered, &code, &CODE, 2).answer.is_ok());
}

#[test]
fn r_o9_a_second_valid_use_of_a_code_ends_the_grant() {
    let (grant, code, token) = active();
    for seconds in [0, 1, 59, 60, 89 * DAY] {
        let outcome = redeem(&grant, &code, &CODE, seconds);
        assert_eq!(
            outcome.answer,
            Err(TokenRequestError::Code(CodeError::Replayed)),
            "{seconds}"
        );
        assert_eq!(
            end_of(&outcome),
            Some((RevocationReason::CodeReplayed, at(seconds)))
        );
        let ended = outcome.next.expect("an ended grant");
        assert_eq!(
            redeem(&ended, &code, &CODE, seconds),
            refused(TokenRequestError::Code(CodeError::Unknown))
        );
        assert_eq!(
            refresh(&ended, &token, seconds, 6, policy()),
            refused(TokenRequestError::RefreshToken(
                RefreshTokenError::GrantRevoked
            ))
        );
    }
}

#[test]
fn r_o10_the_redirect_uri_may_be_absent_or_the_same() {
    let (grant, code) = offered();
    for redirect_uri in [None, Some(REDIRECT_URI)] {
        assert!(
            redeem(
                &grant,
                &code,
                &CodeRequest {
                    redirect_uri,
                    ..CODE
                },
                0
            )
            .answer
            .is_ok(),
            "{redirect_uri:?}"
        );
    }
}

#[test]
fn r_o14_an_access_token_may_be_narrower_than_the_grant_which_keeps_its_scopes() {
    let (grant, code) = offered();
    for (scope, scopes) in [
        ("openid write", "write"),
        ("admin", "read write"),
        ("write read admin", "read write"),
    ] {
        let outcome = redeem(
            &grant,
            &code,
            &CodeRequest {
                scope: Some(scope),
                ..CODE
            },
            0,
        );
        assert_eq!(
            outcome.answer.map(|issue| issue.scopes.to_string()),
            Ok(scopes.to_owned()),
            "{scope}"
        );
    }
    let request = CodeRequest {
        scope: Some("write"),
        resource: Some("HTTPS://NOTES.example:443/mcp"),
        ..CODE
    };
    let outcome = redeem(&grant, &code, &request, 0);
    assert_eq!(
        outcome
            .answer
            .as_ref()
            .map(|issue| issue.scopes.to_string()),
        Ok("write".to_owned())
    );
    let (grant, token) = granted(outcome);
    assert_eq!(grant.details, details());

    let ask = |scope, resource| {
        grant.clone().refresh(
            &token,
            &CLIENT,
            &RefreshRequest {
                resource,
                scope,
                ..REFRESH
            },
            at(1),
            &secret(6),
            policy(),
        )
    };
    for (scope, scopes) in [
        (None, "read write"),
        (Some("read"), "read"),
        (Some("write read"), "write read"),
        (Some("read offline_access"), "read"),
        (Some("openid read"), "read"),
    ] {
        let outcome = ask(scope, None);
        assert_eq!(
            outcome
                .answer
                .as_ref()
                .map(|issue| issue.scopes.to_string()),
            Ok(scopes.to_owned())
        );
        assert_eq!(granted(outcome).0.details, details());
    }
    assert_eq!(
        ask(Some("read admin"), None),
        refused(TokenRequestError::ScopeNotGranted)
    );
    assert_eq!(
        ask(None, Some("https://notes.example/other")),
        refused(TokenRequestError::Resource(ResourceError::NotGranted))
    );
    assert!(ask(None, Some("https://notes.example/mcp")).answer.is_ok());
}

#[test]
fn r_o14_each_use_rotates_the_refresh_token_and_renews_its_expiry() {
    let (mut grant, _, mut token) = active();
    assert_eq!(expiry(&grant), at(90 * DAY));
    for round in 1..=5 {
        let now = round * DAY;
        let (next, successor) = granted(refresh(&grant, &token, now, 6, policy()));
        assert_ne!(successor, token);
        assert_eq!(successor.key, token.key);
        assert_eq!(expiry(&next), at(now + 90 * DAY));
        (grant, token) = (next, successor);
    }
}

#[test]
fn r_o14_a_refresh_token_is_good_until_the_second_in_which_it_expires() {
    let (grant, _, token) = active();
    let last = 90 * DAY - 1;
    let (grant, successor) = granted(refresh(&grant, &token, last, 6, policy()));
    for expired in [last + 90 * DAY, last + 91 * DAY] {
        assert_eq!(
            refresh(&grant, &successor, expired, 7, policy()),
            refused(TokenRequestError::RefreshToken(RefreshTokenError::Expired))
        );
    }
    assert!(
        refresh(&grant, &successor, last + 90 * DAY - 1, 7, policy())
            .answer
            .is_ok()
    );
}

#[test]
fn t_c18_a_rotated_token_gives_the_same_successor_inside_the_window_and_ends_the_grant_outside() {
    let (grant, _, token) = active();
    let (grant, successor) = granted(refresh(&grant, &token, 100, 6, policy()));
    for (seconds, salt) in [(100, 7), (101, 6), (129, 8)] {
        let again = refresh(&grant, &token, seconds, salt, policy());
        assert_eq!(again.next, None, "{seconds}");
        assert_eq!(
            again.answer.map(|issue| issue.refresh_token),
            Ok(Some(successor.clone())),
            "{seconds}"
        );
    }
    for seconds in [130, 131, 91 * DAY] {
        let replay = refresh(&grant, &token, seconds, 7, policy());
        assert_eq!(
            replay.answer,
            Err(TokenRequestError::RefreshToken(RefreshTokenError::Replayed)),
            "{seconds}"
        );
        assert_eq!(
            end_of(&replay),
            Some((RevocationReason::RefreshTokenReplayed, at(seconds)))
        );
        assert_eq!(
            refresh(
                &replay.next.expect("an ended grant"),
                &successor,
                seconds,
                7,
                policy()
            ),
            refused(TokenRequestError::RefreshToken(
                RefreshTokenError::GrantRevoked
            ))
        );
    }
    assert!(refresh(&grant, &successor, 131, 7, policy()).answer.is_ok());
}

#[test]
fn shorter_lifetimes_reach_what_was_issued_under_longer_ones() {
    let (grant, code) = offered();
    let quick = TokenPolicy {
        code: Duration::from_secs(10),
        ..policy()
    };
    let early = |seconds| {
        grant
            .clone()
            .redeem(
                &code,
                &CLIENT,
                &CODE,
                at(seconds),
                [secret(4), secret(5)],
                quick,
            )
            .answer
            .err()
    };
    assert_eq!(
        (early(9), early(10)),
        (None, Some(TokenRequestError::Code(CodeError::Expired)))
    );

    let (grant, _, token) = active();
    let (grant, token) = granted(refresh(&grant, &token, DAY, 6, policy()));
    let short = TokenPolicy {
        refresh_token: Duration::from_secs(7 * DAY),
        ..policy()
    };
    assert!(
        refresh(&grant, &token, 8 * DAY - 1, 7, short)
            .answer
            .is_ok()
    );
    assert_eq!(
        refresh(&grant, &token, 8 * DAY, 7, short),
        refused(TokenRequestError::RefreshToken(RefreshTokenError::Expired))
    );
    let long = TokenPolicy {
        refresh_token: Duration::from_secs(900 * DAY),
        ..policy()
    };
    assert_eq!(
        refresh(&grant, &token, 91 * DAY, 7, long),
        refused(TokenRequestError::RefreshToken(RefreshTokenError::Expired)),
        "nothing is prolonged"
    );

    let connected =
        |days, seconds| grant.is_connected(HOUR, Duration::from_secs(days * DAY), at(seconds));
    assert!(connected(7, 8 * DAY + 3599) && !connected(7, 8 * DAY + 3600));
    assert!(connected(90, 91 * DAY + 3599) && !connected(90, 91 * DAY + 3600));
}

#[test]
fn a_record_of_an_earlier_release_is_judged_by_its_last_use() {
    let (mut grant, _, token) = active();
    let GrantState::Active {
        refresh: Some(rotation),
        ..
    } = &mut grant.state
    else {
        panic!("it is active");
    };
    rotation.issued_at = None;
    let short = TokenPolicy {
        refresh_token: Duration::from_secs(7 * DAY),
        ..policy()
    };
    assert!(
        refresh(&grant, &token, 60 * DAY, 7, short).answer.is_ok(),
        "nobody knows when it was issued"
    );
    grant.last_use = Some(LastUse {
        at: at(DAY),
        from: "192.0.2.1".to_owned(),
        id: None,
    });
    assert!(
        refresh(&grant, &token, 8 * DAY - 1, 7, short)
            .answer
            .is_ok()
    );
    assert_eq!(
        refresh(&grant, &token, 8 * DAY, 7, short),
        refused(TokenRequestError::RefreshToken(RefreshTokenError::Expired))
    );
}

#[test]
fn scopes_that_the_resource_has_no_more_are_issued_no_more() {
    let (offered, code) = offered();
    let (grant, _, token) = active();
    for (scopes, expected) in [
        (vec!["read", "list"], Ok("read")),
        (vec!["list"], Err(TokenRequestError::GrantedScopesGone)),
    ] {
        let resource = resource(&scopes);
        let today = TokenPolicy {
            resource: &resource,
            ..policy()
        };
        let expected = expected.map(str::to_owned);
        let redeemed =
            offered
                .clone()
                .redeem(&code, &CLIENT, &CODE, at(0), [secret(4), secret(5)], today);
        assert_eq!(
            redeemed.answer.map(|issue| issue.scopes.to_string()),
            expected
        );
        assert_eq!(redeemed.next.is_some(), expected.is_ok());
        for scope in [None, Some("read write"), Some("write")] {
            let request = RefreshRequest { scope, ..REFRESH };
            let refreshed =
                grant
                    .clone()
                    .refresh(&token, &CLIENT, &request, at(1), &secret(6), today);
            assert_eq!(
                refreshed.answer.map(|issue| issue.scopes.to_string()),
                expected,
                "{scope:?}"
            );
            assert_eq!(
                refreshed.next.map(|next| next.details),
                expected.as_ref().ok().map(|_| details()),
                "the grant keeps them"
            );
        }
        let request = RefreshRequest {
            scope: Some("list"),
            ..REFRESH
        };
        let widened = grant
            .clone()
            .refresh(&token, &CLIENT, &request, at(1), &secret(6), today)
            .answer;
        assert_eq!(
            widened.err(),
            Some(if expected.is_ok() {
                TokenRequestError::ScopeNotGranted
            } else {
                TokenRequestError::GrantedScopesGone
            })
        );
    }
}

#[test]
fn r_o14_a_window_of_zero_is_strict() {
    let (grant, _, token) = active();
    let (grant, _) = granted(refresh(&grant, &token, 0, 6, strict()));
    assert_eq!(
        end_of(&refresh(&grant, &token, 0, 7, strict())),
        Some((RevocationReason::RefreshTokenReplayed, at(0)))
    );
}

#[test]
fn every_token_of_a_chain_inside_the_window_keeps_its_own_successor() {
    let (grant, _, first) = active();
    let (grant, second) = granted(refresh(&grant, &first, 0, 6, policy()));
    let (grant, third) = granted(refresh(&grant, &second, 10, 7, policy()));
    let (grant, fourth) = granted(refresh(&grant, &third, 20, 8, policy()));
    let again = |token, seconds| {
        refresh(&grant, token, seconds, 9, policy())
            .answer
            .map(|issue| issue.refresh_token)
    };
    for (token, successor, last) in [
        (&first, &second, 29),
        (&second, &third, 39),
        (&third, &fourth, 49),
    ] {
        assert_eq!(again(token, last), Ok(Some(successor.clone())));
        assert_eq!(
            again(token, last + 1),
            Err(TokenRequestError::RefreshToken(RefreshTokenError::Replayed))
        );
    }
}

#[test]
fn a_new_rotation_forgets_what_the_window_has_left_behind_and_remembers_the_latest() {
    let remembered = |grant: &Grant| match &grant.state {
        GrantState::Active {
            refresh: Some(rotation),
            ..
        } => rotation.rotated.len(),
        _ => 0,
    };
    let (grant, _, first) = active();
    let (grant, second) = granted(refresh(&grant, &first, 0, 6, policy()));
    let (grant, third) = granted(refresh(&grant, &second, 29, 7, policy()));
    assert_eq!(remembered(&grant), 2);
    let (grant, _) = granted(refresh(&grant, &third, 30, 8, policy()));
    assert_eq!(remembered(&grant), 2);

    let (mut grant, _, token) = active();
    let mut chain = vec![token];
    for round in 0..=MOST_ROTATED {
        let (next, successor) = granted(refresh(&grant, &chain[round], 1, 6, policy()));
        grant = next;
        chain.push(successor);
    }
    assert_eq!(remembered(&grant), MOST_ROTATED);
    assert_eq!(
        end_of(&refresh(&grant, &chain[0], 1, 7, policy())),
        Some((RevocationReason::RefreshTokenReplayed, at(1)))
    );
    for round in 1..=MOST_ROTATED {
        let again = refresh(&grant, &chain[round], 1, 7, policy());
        assert_eq!(
            again.answer.map(|issue| issue.refresh_token),
            Ok(Some(chain[round + 1].clone())),
            "{round}"
        );
    }
}

#[test]
fn a_token_of_another_family_ends_nothing_and_one_of_the_family_that_was_never_issued_does() {
    let (grant, _, token) = active();
    let stranger = RefreshToken {
        family: secret(9),
        ..token.clone()
    };
    assert_eq!(
        refresh(&grant, &stranger, 1, 6, policy()),
        refused(TokenRequestError::RefreshToken(RefreshTokenError::Unknown))
    );
    let relative = RefreshToken {
        secret: secret(9),
        ..token.clone()
    };
    assert_eq!(
        end_of(&refresh(&grant, &relative, 1, 6, policy())),
        Some((RevocationReason::RefreshTokenReplayed, at(1)))
    );
}

#[test]
fn t_c17_another_client_can_neither_use_nor_end_a_grant_by_a_token_it_has_seen() {
    let (grant, _, first) = active();
    let (grant, second) = granted(refresh(&grant, &first, 0, 6, policy()));
    for token in [&first, &second] {
        let outcome = grant
            .clone()
            .refresh(token, &OTHER, &REFRESH, at(DAY), &secret(7), policy());
        assert_eq!(
            outcome,
            refused(TokenRequestError::RefreshToken(
                RefreshTokenError::OfAnotherClient
            ))
        );
    }
}

#[test]
fn a_replay_is_not_excused_by_a_fault_in_what_else_is_asked() {
    let (grant, _, token) = active();
    let (grant, _) = granted(refresh(&grant, &token, 0, 6, policy()));
    let request = RefreshRequest {
        scope: Some("admin"),
        ..REFRESH
    };
    let ask = |seconds| {
        grant
            .clone()
            .refresh(&token, &CLIENT, &request, at(seconds), &secret(7), policy())
    };
    assert_eq!(ask(29), refused(TokenRequestError::ScopeNotGranted));
    assert_eq!(
        end_of(&ask(30)),
        Some((RevocationReason::RefreshTokenReplayed, at(30)))
    );
}

#[test]
fn a_client_without_the_refresh_grant_gets_no_refresh_token() {
    let (grant, code) = Grant::issue_code(
        GrantDetails {
            may_refresh: false,
            ..details()
        },
        key(),
        secret(3),
        at(60),
    );
    let outcome = redeem(&grant, &code, &CODE, 0);
    assert_eq!(outcome.answer.map(|issue| issue.refresh_token), Ok(None));
    let grant = outcome.next.expect("an active grant");
    assert!(grant.is_live());
    assert_eq!(grant.expires_at(HOUR), at(3600));
    let (_, _, token) = active();
    assert_eq!(
        refresh(&grant, &token, 1, 6, policy()),
        refused(TokenRequestError::RefreshToken(RefreshTokenError::Unknown))
    );
}

#[test]
fn only_a_redeemed_grant_can_be_refreshed_or_is_live_and_nothing_leads_out_of_the_end() {
    let (offered, code) = offered();
    let (active, _, token) = active();
    assert_eq!(
        refresh(&offered, &token, 1, 6, policy()),
        refused(TokenRequestError::RefreshToken(RefreshTokenError::Unknown))
    );
    assert!(!offered.is_live());
    assert!(active.is_live());
    for grant in [offered, active] {
        let ended = grant
            .revoked(RevocationReason::Requested, at(5))
            .expect("an ended grant");
        assert_eq!(
            ended.state,
            GrantState::Revoked {
                reason: RevocationReason::Requested,
                at: at(5)
            }
        );
        assert_eq!(ended.details, details());
        assert!(!ended.is_live());
        assert_eq!(
            redeem(&ended, &code, &CODE, 6),
            refused(TokenRequestError::Code(CodeError::Unknown))
        );
        assert_eq!(
            refresh(&ended, &token, 6, 6, policy()),
            refused(TokenRequestError::RefreshToken(
                RefreshTokenError::GrantRevoked
            ))
        );
        assert_eq!(ended.revoked(RevocationReason::CodeReplayed, at(7)), None);
    }
}

#[test]
fn a_record_is_of_use_until_its_last_access_token_has_expired() {
    let (offered, _) = offered();
    assert_eq!(offered.expires_at(HOUR), at(60));
    let (grant, _, token) = active();
    assert_eq!(grant.expires_at(HOUR), at(90 * DAY + 3600));
    let (grant, _) = granted(refresh(&grant, &token, DAY, 6, policy()));
    assert_eq!(grant.expires_at(HOUR), at(91 * DAY + 3600));
    assert_eq!(
        grant
            .clone()
            .revoked(RevocationReason::Requested, at(DAY))
            .map(|grant| grant.expires_at(HOUR)),
        Some(at(DAY + 3600))
    );
    // Longer, when its user should see why: and as long as access tokens live, if that is longer
    // still.
    for why in [
        RevocationReason::CodeReplayed,
        RevocationReason::RefreshTokenReplayed,
    ] {
        let ended = grant.clone().revoked(why, at(DAY)).expect("it was live");
        assert_eq!(ended.expires_at(HOUR), at(31 * DAY));
        assert_eq!(ended.expires_at(40 * 24 * HOUR), at(41 * DAY));
        assert_eq!(
            (
                ended.replayed_at(at(31 * DAY - 1)),
                ended.replayed_at(at(31 * DAY))
            ),
            (Some(at(DAY)), None)
        );
    }
    assert_eq!(grant.replayed_at(at(DAY)), None);
    assert_eq!(
        grant
            .revoked(RevocationReason::Requested, at(DAY))
            .and_then(|grant| grant.replayed_at(at(DAY))),
        None
    );
}

#[test]
fn a_grant_holds_digests_of_tokens_alone() {
    let (offered, code) = offered();
    let (grant, _, first) = active();
    let (active, second) = granted(refresh(&grant, &first, 0, 6, policy()));
    let ended = active
        .clone()
        .revoked(RevocationReason::Requested, at(1))
        .expect("an ended grant");
    for grant in [offered, active, ended] {
        let text = format!("{grant:?}");
        for secret in [&code.secret, &first.family, &first.secret, &second.secret] {
            assert!(!text.contains(&secret.encode()), "{text}");
        }
    }
}

#[test]
fn debug_output_of_codes_and_tokens_holds_no_secret() {
    let (_, code, token) = active();
    let text = format!("{code:?} {token:?}");
    for secret in [code.secret, token.family, token.secret] {
        assert!(!text.contains(&secret.encode()), "{text}");
    }
}

#[test]
fn a_client_ends_its_grant_by_any_token_of_it() {
    let (grant, _, first) = active();
    let (grant, second) = granted(refresh(&grant, &first, DAY, 6, policy()));
    let ended = Ok(grant
        .clone()
        .revoked(RevocationReason::Requested, at(2 * DAY)));
    for token in [None, Some(&second), Some(&first)] {
        assert_eq!(grant.clone().revoke(token, &CLIENT, at(2 * DAY)), ended);
        assert_eq!(
            grant.clone().revoke(token, &OTHER, at(2 * DAY)),
            Err(TokenRequestError::TokenOfAnotherClient)
        );
    }
}

#[test]
fn there_is_nothing_to_end_by_a_token_that_is_unknown_or_expired_or_of_a_grant_that_is_not_live() {
    let (offered, _) = offered();
    let (active, _, token) = active();
    let stranger = RefreshToken {
        family: secret(9),
        ..token.clone()
    };
    let ended = active
        .clone()
        .revoked(RevocationReason::Requested, at(1))
        .expect("an ended grant");
    let (silent, _) = Grant::issue_code(
        GrantDetails {
            may_refresh: false,
            ..details()
        },
        key(),
        secret(3),
        at(60),
    );
    let code = AuthorizationCode {
        key: key(),
        secret: secret(3),
    };
    let silent = redeem(&silent, &code, &CODE, 0)
        .next
        .expect("a grant without refresh tokens");
    for (grant, token, seconds) in [
        (&offered, None, 1),
        (&ended, None, 2),
        (&ended, Some(&token), 2),
        (&active, Some(&stranger), 1),
        (&active, Some(&token), 90 * DAY),
        (&silent, Some(&token), 1),
    ] {
        for client_id in [&CLIENT, &OTHER] {
            assert_eq!(
                grant.clone().revoke(token, client_id, at(seconds)),
                Ok(None),
                "{token:?} {seconds}"
            );
        }
    }
    assert!(
        silent
            .revoke(None, &CLIENT, at(1))
            .is_ok_and(|next| next.is_some())
    );
}

#[test]
fn r_o15_codes_and_refresh_tokens_carry_256_bits_of_the_chance_they_are_made_of() {
    let (_, code, token) = active();
    assert!(code.encode().ends_with(&secret(3).encode()));
    assert!(
        token
            .encode()
            .ends_with(&format!("{}{}", secret(4).encode(), secret(5).encode()))
    );
    for made_of in [3, 4, 5] {
        assert_eq!(
            Secret::decode(&secret(made_of).encode()),
            Some(Secret::new([made_of; 32]))
        );
    }
}
