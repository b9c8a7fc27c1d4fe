//! How a signed-in user changes credentials.

use std::time::Duration;

use provider::{
    AccountError, BrowserContext, NotAdministrator, PasskeyView, PasswordError, SignInError,
};
use testkit::{
    direct::{ADA, Authenticator, BOB, PASSWORD, TestProvider, settled, with_passkey},
    race,
};

const ANOTHER: &str = "a second, longer password";
const FIVE_MINUTES: Duration = Duration::from_mins(5);
const A_SECOND: Duration = Duration::from_secs(1);

async fn passkeys(server: &TestProvider, context: &BrowserContext) -> Vec<PasskeyView> {
    server.account(context).await.passkeys
}

#[tokio::test]
async fn t_f48_the_last_credential_is_never_removed() {
    let (server, mut passkey, ada) = with_passkey().await;
    let provider = &server.provider;
    let only = passkeys(&server, &ada).await[0].id.clone();
    // A passkey alone. Recovery codes are no way to sign in every day.
    provider
        .credentials()
        .make_recovery_codes(&ada)
        .await
        .expect("made");
    assert_eq!(
        provider.credentials().remove_passkey(&ada, &only).await,
        Err(AccountError::LastCredential)
    );
    passkey
        .signs_in(&server, &server.browser())
        .await
        .expect("it still does");
    // Beside a password one of the two can go, and then the other cannot.
    let ada = server.holding(
        &provider
            .credentials()
            .change_password(&ada, PASSWORD)
            .await
            .expect("changed"),
    );
    provider
        .credentials()
        .remove_passkey(&ada, &only)
        .await
        .expect("removed");
    assert_eq!(
        provider.credentials().remove_password(&ada).await,
        Err(AccountError::LastCredential)
    );
    assert_eq!(
        passkey.signs_in(&server, &server.browser()).await.err(),
        Some(SignInError::WrongCredentials),
        "it opens nothing"
    );
    assert!(server.opens(ADA, PASSWORD).await);
    Authenticator::new(2)
        .is_added(&server, &ada)
        .await
        .expect("added");
    provider
        .credentials()
        .remove_password(&ada)
        .await
        .expect("removed");
    assert_eq!(
        provider.credentials().remove_password(&ada).await,
        Err(AccountError::Gone)
    );
    assert!(!server.opens(ADA, PASSWORD).await);
    assert_eq!(
        (
            server.account(&ada).await.has_password,
            passkeys(&server, &ada).await.len()
        ),
        (false, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t_f48_of_two_browsers_that_remove_the_last_two_passkeys_at_once_one_does() {
    let (server, mut passkey, one) = with_passkey().await;
    let other = server.holding(
        &passkey
            .signs_in(&server, &server.browser())
            .await
            .expect("signed in"),
    );
    for round in 0..100 {
        Authenticator::new(2 + round)
            .is_added(&server, &one)
            .await
            .expect("added");
        let ids: Vec<_> = passkeys(&server, &one)
            .await
            .into_iter()
            .map(|passkey| passkey.id)
            .collect();
        assert_eq!(ids.len(), 2);
        let outcomes = race(2, |number| {
            let provider = server.provider.clone();
            let browser = if number == 0 {
                one.clone()
            } else {
                other.clone()
            };
            let id = ids[number].clone();
            async move { provider.credentials().remove_passkey(&browser, &id).await }
        })
        .await;
        let lost = outcomes
            .iter()
            .position(|outcome| *outcome == Err(AccountError::LastCredential))
            .expect("one is refused");
        assert_eq!(outcomes[1 - lost], Ok(()), "the other is not");
        let left: Vec<_> = passkeys(&server, &one)
            .await
            .into_iter()
            .map(|passkey| passkey.id)
            .collect();
        assert_eq!(left, [ids[lost].clone()], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_f48_of_two_browsers_that_remove_passkey_and_password_at_once_one_does() {
    let (server, _, mut ada) = with_passkey().await;
    for round in 0..24 {
        if !server.account(&ada).await.has_password {
            ada = server.holding(
                &server
                    .provider
                    .credentials()
                    .change_password(&ada, PASSWORD)
                    .await
                    .expect("changed"),
            );
        }
        if passkeys(&server, &ada).await.is_empty() {
            Authenticator::new(2 + round)
                .is_added(&server, &ada)
                .await
                .expect("added");
        }
        let id = passkeys(&server, &ada).await[0].id.clone();
        let other = server.sign_in(ADA, PASSWORD).await;
        let outcomes = race(2, |number| {
            let provider = server.provider.clone();
            let ada = ada.clone();
            let other = other.clone();
            let id = id.clone();
            async move {
                if number == 0 {
                    provider.credentials().remove_passkey(&ada, &id).await
                } else {
                    provider.credentials().remove_password(&other).await
                }
            }
        })
        .await;
        assert_eq!(
            outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
            1,
            "{outcomes:?}"
        );
        assert!(
            outcomes.contains(&Err(AccountError::LastCredential)),
            "{outcomes:?}"
        );
        let account = server.account(&ada).await;
        assert_eq!(
            account.passkeys.len() + usize::from(account.has_password),
            1,
            "round {round}"
        );
    }
}

/// What each change of a credential answers, and whether the pages of administration open.
async fn changes(server: &TestProvider, ada: &BrowserContext) -> Vec<Result<(), AccountError>> {
    let provider = &server.provider;
    let gone = "A".repeat(43);
    let administration = provider
        .administrator(ada)
        .await
        .map(drop)
        .map_err(|why| match why {
            NotAdministrator::ConfirmFirst => AccountError::ConfirmFirst,
            NotAdministrator::NotSignedIn => AccountError::NotSignedIn,
            NotAdministrator::WrongRole | NotAdministrator::Unavailable => {
                AccountError::Unavailable
            }
        });
    vec![
        administration,
        provider
            .credentials()
            .start_adding_passkey(ada)
            .await
            .map(drop),
        provider.credentials().remove_passkey(ada, &gone).await,
        provider.credentials().remove_password(ada).await,
        provider
            .credentials()
            .change_password(ada, "short")
            .await
            .map(drop),
        provider
            .credentials()
            .make_recovery_codes(ada)
            .await
            .map(drop),
    ]
}

/// The answers to a user with a recent sign-in; three of the requests are invalid.
const MAY: [Result<(), AccountError>; 6] = [
    Ok(()),
    Ok(()),
    Err(AccountError::Gone),
    Err(AccountError::Gone),
    Err(AccountError::Password(PasswordError::TooShort {
        minimum: 8,
    })),
    Ok(()),
];

#[tokio::test]
async fn t_f48_each_change_and_administration_ask_for_a_sign_in_of_the_last_five_minutes() {
    let (server, mut passkey, ada) = with_passkey().await;
    server.pass_almost(FIVE_MINUTES);
    assert!(server.account(&ada).await.is_fresh);
    assert_eq!(changes(&server, &ada).await, MAY);
    let begun_in_time = server
        .provider
        .credentials()
        .start_adding_passkey(&ada)
        .await
        .expect("begun");
    server.pass(A_SECOND);
    let before = server.account(&ada).await;
    assert!(!before.is_fresh);
    assert_eq!(
        changes(&server, &ada).await,
        [Err(AccountError::ConfirmFirst); 6]
    );
    assert_eq!(server.account(&ada).await, before, "nothing was done");
    // A ceremony that was started in time may end later: the user may have to look for the key.
    let credential = Authenticator::new(2).create(&begun_in_time.options);
    server
        .provider
        .credentials()
        .finish_adding_passkey(&ada, &begun_in_time.id, &credential)
        .await
        .expect("added");
    // Names, and ending things, ask for nothing.
    let id = before.passkeys[0].id.clone();
    server
        .provider
        .credentials()
        .rename_passkey(&ada, &id, "Old")
        .await
        .expect("renamed");
    server
        .provider
        .credentials()
        .decline_passkey(&ada)
        .await
        .expect("declined");
    server
        .provider
        .connections()
        .disconnect_all(&ada)
        .await
        .expect("ended");
    // A user who shows a credential again can continue, in this browser alone.
    let other = server.holding(
        &passkey
            .signs_in(&server, &server.browser())
            .await
            .expect("signed in"),
    );
    assert_eq!(
        changes(&server, &ada).await,
        [Err(AccountError::ConfirmFirst); 6]
    );
    assert_eq!(changes(&server, &other).await, MAY);
    let ada = server.holding(&passkey.signs_in(&server, &ada).await.expect("confirmed"));
    assert_eq!(changes(&server, &ada).await, MAY);
}

#[tokio::test]
async fn t_f48_nobody_changes_anything_who_is_not_signed_in_any_more() {
    let (server, mut passkey, ada) = with_passkey().await;
    let out = [Err(AccountError::NotSignedIn); 6];
    assert_eq!(changes(&server, &server.browser()).await, out);
    let other = server.holding(
        &passkey
            .signs_in(&server, &server.browser())
            .await
            .expect("signed in"),
    );
    server
        .provider
        .sessions()
        .end_other_sessions(&other)
        .await
        .expect("ended");
    assert_eq!(changes(&server, &ada).await, out);
    assert_eq!(
        changes(&server, &other).await,
        out,
        "it goes on under a new secret"
    );
    for context in [&ada, &other, &server.browser()] {
        let gone = "A".repeat(43);
        let provider = &server.provider;
        assert_eq!(
            provider
                .credentials()
                .rename_passkey(context, &gone, "x")
                .await,
            out[0]
        );
        assert_eq!(
            provider.credentials().decline_passkey(context).await,
            out[0]
        );
        assert_eq!(
            provider.sessions().end_session(context, &gone).await,
            out[0]
        );
        assert_eq!(
            provider
                .sessions()
                .end_other_sessions(context)
                .await
                .map(drop),
            out[0]
        );
        assert_eq!(provider.connections().disconnect_all(context).await, out[0]);
    }
}

#[tokio::test]
async fn t_f48_nobody_changes_a_passkey_of_another() {
    let server = TestProvider::new().await;
    let (_, ada) = settled(&server).await;
    let bob = server.bob().await;
    Authenticator::new(2)
        .is_added(&server, &bob)
        .await
        .expect("added");
    let own = passkeys(&server, &bob).await;
    let hers = passkeys(&server, &ada).await;
    for id in [hers[0].id.as_str(), "", "x"] {
        assert_eq!(
            server.provider.credentials().remove_passkey(&bob, id).await,
            Err(AccountError::Gone)
        );
        assert_eq!(
            server
                .provider
                .credentials()
                .rename_passkey(&bob, id, "mine")
                .await,
            Err(AccountError::Gone)
        );
    }
    assert_eq!(
        (passkeys(&server, &bob).await, passkeys(&server, &ada).await),
        (own, hers)
    );
}

#[tokio::test]
async fn a_passkey_has_a_name_that_can_be_read() {
    let (server, _, ada) = with_passkey().await;
    let id = passkeys(&server, &ada).await[0].id.clone();
    for (name, expected) in [
        ("  The blue one ", Ok("The blue one")),
        ("a\nb\u{0}c", Ok("abc")),
        ("", Err(AccountError::NameEmpty)),
        (" \t\n ", Err(AccountError::NameEmpty)),
        (&"é".repeat(80), Ok(&*"é".repeat(50))),
    ] {
        let renamed = server
            .provider
            .credentials()
            .rename_passkey(&ada, &id, name)
            .await;
        assert_eq!(renamed, expected.map(drop), "{name:?}");
        if let Ok(expected) = expected {
            assert_eq!(passkeys(&server, &ada).await[0].name, expected);
        }
    }
}

#[tokio::test]
async fn a_new_password_signs_every_other_browser_out() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    let others = [
        server.sign_in(ADA, PASSWORD).await,
        server.sign_in(ADA, PASSWORD).await,
    ];
    let bob = server.bob().await;
    let here = server.holding(
        &server
            .provider
            .credentials()
            .change_password(&ada, ANOTHER)
            .await
            .expect("changed"),
    );
    for gone in others.iter().chain([&ada]) {
        assert!(server.user(gone).await.is_none());
    }
    assert!(server.account(&here).await.is_fresh && server.user(&bob).await.is_some());
    assert_eq!(
        server.account(&here).await.password_set_at,
        Some(server.provider.now())
    );
    assert_eq!(
        (
            server.opens(ADA, PASSWORD).await,
            server.opens(ADA, ANOTHER).await
        ),
        (false, true)
    );
    assert!(server.opens(BOB, PASSWORD).await);
}

#[tokio::test]
async fn whoever_uses_a_password_is_offered_a_passkey_and_not_again_for_thirty_days() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let offered = async || {
        let signed_in = server
            .provider
            .sign_in()
            .sign_in_with_password(&server.browser(), ADA, PASSWORD)
            .await
            .expect("signed in");
        (signed_in.offers_passkey, server.holding(&signed_in))
    };
    let (offers, _) = offered().await;
    assert!(offers);
    let (offers, ada) = offered().await;
    assert!(offers, "whoever looks away is asked again");
    server
        .provider
        .credentials()
        .decline_passkey(&ada)
        .await
        .expect("declined");
    assert!(!offered().await.0);
    let thirty_days = Duration::from_hours(30 * 24);
    server.pass_almost(thirty_days);
    assert!(!offered().await.0);
    server.pass(A_SECOND);
    let (offers, ada) = offered().await;
    assert!(offers);
    let mut passkey = Authenticator::new(1);
    passkey.is_added(&server, &ada).await.expect("added");
    assert!(!offered().await.0, "there is one");
    assert!(
        !passkey
            .signs_in(&server, &ada)
            .await
            .expect("signed in")
            .offers_passkey
    );
}
