//! What a signed-in person changes about the ways they sign in: when, and how far.

use std::time::Duration;

use provider::{AccountError, NotAdministrator, PasskeyView, PasswordError, SignInError, Visitor};

use crate::{
    authenticator::{Authenticator, settled, with_passkey},
    house::{ADA, BOB, House, PASSWORD, race},
};

const ANOTHER: &str = "a second, longer password";
const FIVE_MINUTES: Duration = Duration::from_mins(5);
const A_SECOND: Duration = Duration::from_secs(1);

async fn passkeys(house: &House, visitor: &Visitor) -> Vec<PasskeyView> {
    house.account(visitor).await.passkeys
}

#[tokio::test]
async fn f48_the_last_credential_is_never_removed() {
    let (house, mut passkey, ada) = with_passkey().await;
    let provider = &house.provider;
    let only = passkeys(&house, &ada).await[0].id.clone();
    // A passkey alone. Recovery codes are no way to sign in every day.
    provider.make_recovery_codes(&ada).await.expect("made");
    assert_eq!(
        provider.remove_passkey(&ada, &only).await,
        Err(AccountError::LastCredential)
    );
    passkey
        .signs_in(&house, &house.browser())
        .await
        .expect("it still does");
    // Beside a password one of the two can go, and then the other cannot.
    let ada = house.holding(
        &provider
            .change_password(&ada, PASSWORD)
            .await
            .expect("changed"),
    );
    provider.remove_passkey(&ada, &only).await.expect("removed");
    assert_eq!(
        provider.remove_password(&ada).await,
        Err(AccountError::LastCredential)
    );
    assert_eq!(
        passkey.signs_in(&house, &house.browser()).await.err(),
        Some(SignInError::WrongCredentials),
        "it opens nothing"
    );
    assert!(house.opens(ADA, PASSWORD).await);
    Authenticator::new(2)
        .is_added(&house, &ada)
        .await
        .expect("added");
    provider.remove_password(&ada).await.expect("removed");
    assert_eq!(
        provider.remove_password(&ada).await,
        Err(AccountError::Gone)
    );
    assert!(!house.opens(ADA, PASSWORD).await);
    assert_eq!(
        (
            house.account(&ada).await.has_password,
            passkeys(&house, &ada).await.len()
        ),
        (false, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f48_of_two_browsers_that_remove_the_last_two_passkeys_at_once_one_does() {
    let (house, mut passkey, one) = with_passkey().await;
    let other = house.holding(
        &passkey
            .signs_in(&house, &house.browser())
            .await
            .expect("signed in"),
    );
    for round in 0..100 {
        Authenticator::new(2 + round)
            .is_added(&house, &one)
            .await
            .expect("added");
        let ids: Vec<_> = passkeys(&house, &one)
            .await
            .into_iter()
            .map(|passkey| passkey.id)
            .collect();
        assert_eq!(ids.len(), 2);
        let outcomes = race(2, |number| {
            let (provider, browser, id) = (
                house.provider.clone(),
                if number == 0 {
                    one.clone()
                } else {
                    other.clone()
                },
                ids[number].clone(),
            );
            async move { provider.remove_passkey(&browser, &id).await }
        })
        .await;
        let lost = outcomes
            .iter()
            .position(|outcome| *outcome == Err(AccountError::LastCredential))
            .expect("one is refused");
        assert_eq!(outcomes[1 - lost], Ok(()), "the other is not");
        let left: Vec<_> = passkeys(&house, &one)
            .await
            .into_iter()
            .map(|passkey| passkey.id)
            .collect();
        assert_eq!(left, [ids[lost].clone()], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f48_of_two_browsers_that_remove_passkey_and_password_at_once_one_does() {
    let (house, _, mut ada) = with_passkey().await;
    for round in 0..24 {
        if !house.account(&ada).await.has_password {
            ada = house.holding(
                &house
                    .provider
                    .change_password(&ada, PASSWORD)
                    .await
                    .expect("changed"),
            );
        }
        if passkeys(&house, &ada).await.is_empty() {
            Authenticator::new(2 + round)
                .is_added(&house, &ada)
                .await
                .expect("added");
        }
        let id = passkeys(&house, &ada).await[0].id.clone();
        let other = house.sign_in(ADA, PASSWORD).await;
        let outcomes = race(2, |number| {
            let (provider, ada, other, id) = (
                house.provider.clone(),
                ada.clone(),
                other.clone(),
                id.clone(),
            );
            async move {
                if number == 0 {
                    provider.remove_passkey(&ada, &id).await
                } else {
                    provider.remove_password(&other).await
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
        let account = house.account(&ada).await;
        assert_eq!(
            account.passkeys.len() + usize::from(account.has_password),
            1,
            "round {round}"
        );
    }
}

/// What each change of a credential answers, and whether the pages of administration open.
async fn changes(house: &House, ada: &Visitor) -> Vec<Result<(), AccountError>> {
    let provider = &house.provider;
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
        provider.start_adding_passkey(ada).await.map(drop),
        provider.remove_passkey(ada, &gone).await,
        provider.remove_password(ada).await,
        provider.change_password(ada, "short").await.map(drop),
        provider.make_recovery_codes(ada).await.map(drop),
    ]
}

/// Answers of somebody who may change things, and asks for what cannot be in three of them.
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
async fn f48_each_change_and_administration_ask_for_a_sign_in_of_the_last_five_minutes() {
    let (house, mut passkey, ada) = with_passkey().await;
    house.pass_almost(FIVE_MINUTES);
    assert!(house.account(&ada).await.is_fresh);
    assert_eq!(changes(&house, &ada).await, MAY);
    let begun_in_time = house
        .provider
        .start_adding_passkey(&ada)
        .await
        .expect("begun");
    house.pass(A_SECOND);
    let before = house.account(&ada).await;
    assert!(!before.is_fresh);
    assert_eq!(
        changes(&house, &ada).await,
        [Err(AccountError::ConfirmFirst); 6]
    );
    assert_eq!(house.account(&ada).await, before, "nothing was done");
    // What was begun in time may end: a person looks for their key.
    let credential = Authenticator::new(2).create(&begun_in_time.options);
    house
        .provider
        .finish_adding_passkey(&ada, &begun_in_time.id, &credential)
        .await
        .expect("added");
    // Names, and ending things, ask for nothing.
    let id = before.passkeys[0].id.clone();
    house
        .provider
        .rename_passkey(&ada, &id, "Old")
        .await
        .expect("renamed");
    house
        .provider
        .decline_passkey(&ada)
        .await
        .expect("declined");
    house.provider.disconnect_all(&ada).await.expect("ended");
    // Whoever shows a credential again goes on, in this browser alone.
    let other = house.holding(
        &passkey
            .signs_in(&house, &house.browser())
            .await
            .expect("signed in"),
    );
    assert_eq!(
        changes(&house, &ada).await,
        [Err(AccountError::ConfirmFirst); 6]
    );
    assert_eq!(changes(&house, &other).await, MAY);
    let ada = house.holding(&passkey.signs_in(&house, &ada).await.expect("confirmed"));
    assert_eq!(changes(&house, &ada).await, MAY);
}

#[tokio::test]
async fn f48_nobody_changes_anything_who_is_not_signed_in_any_more() {
    let (house, mut passkey, ada) = with_passkey().await;
    let out = [Err(AccountError::NotSignedIn); 6];
    assert_eq!(changes(&house, &house.browser()).await, out);
    let other = house.holding(
        &passkey
            .signs_in(&house, &house.browser())
            .await
            .expect("signed in"),
    );
    house
        .provider
        .end_other_sessions(&other)
        .await
        .expect("ended");
    assert_eq!(changes(&house, &ada).await, out);
    assert_eq!(
        changes(&house, &other).await,
        out,
        "it goes on under a new secret"
    );
    for visitor in [&ada, &other, &house.browser()] {
        let (gone, provider) = ("A".repeat(43), &house.provider);
        assert_eq!(provider.rename_passkey(visitor, &gone, "x").await, out[0]);
        assert_eq!(provider.decline_passkey(visitor).await, out[0]);
        assert_eq!(provider.end_session(visitor, &gone).await, out[0]);
        assert_eq!(provider.end_other_sessions(visitor).await.map(drop), out[0]);
        assert_eq!(provider.disconnect_all(visitor).await, out[0]);
    }
}

#[tokio::test]
async fn f48_nobody_changes_a_passkey_of_another() {
    let house = House::new().await;
    let (_, ada) = settled(&house).await;
    let bob = house.bob().await;
    Authenticator::new(2)
        .is_added(&house, &bob)
        .await
        .expect("added");
    let (own, hers) = (passkeys(&house, &bob).await, passkeys(&house, &ada).await);
    for id in [hers[0].id.as_str(), "", "x"] {
        assert_eq!(
            house.provider.remove_passkey(&bob, id).await,
            Err(AccountError::Gone)
        );
        assert_eq!(
            house.provider.rename_passkey(&bob, id, "mine").await,
            Err(AccountError::Gone)
        );
    }
    assert_eq!(
        (passkeys(&house, &bob).await, passkeys(&house, &ada).await),
        (own, hers)
    );
}

#[tokio::test]
async fn a_passkey_has_a_name_that_can_be_read() {
    let (house, _, ada) = with_passkey().await;
    let id = passkeys(&house, &ada).await[0].id.clone();
    for (name, expected) in [
        ("  The blue one ", Ok("The blue one")),
        ("a\nb\u{0}c", Ok("abc")),
        ("", Err(AccountError::NameEmpty)),
        (" \t\n ", Err(AccountError::NameEmpty)),
        (&"é".repeat(80), Ok(&*"é".repeat(50))),
    ] {
        let renamed = house.provider.rename_passkey(&ada, &id, name).await;
        assert_eq!(renamed, expected.map(drop), "{name:?}");
        if let Ok(expected) = expected {
            assert_eq!(passkeys(&house, &ada).await[0].name, expected);
        }
    }
}

#[tokio::test]
async fn a_new_password_signs_every_other_browser_out() {
    let house = House::new().await;
    let ada = house.ada().await;
    let others = [
        house.sign_in(ADA, PASSWORD).await,
        house.sign_in(ADA, PASSWORD).await,
    ];
    let bob = house.bob().await;
    let here = house.holding(
        &house
            .provider
            .change_password(&ada, ANOTHER)
            .await
            .expect("changed"),
    );
    for gone in others.iter().chain([&ada]) {
        assert!(house.person(gone).await.is_none());
    }
    assert!(house.account(&here).await.is_fresh && house.person(&bob).await.is_some());
    assert_eq!(
        house.account(&here).await.password_set_at,
        Some(house.provider.now())
    );
    assert_eq!(
        (
            house.opens(ADA, PASSWORD).await,
            house.opens(ADA, ANOTHER).await
        ),
        (false, true)
    );
    assert!(house.opens(BOB, PASSWORD).await);
}

#[tokio::test]
async fn whoever_uses_a_password_is_offered_a_passkey_and_not_again_for_thirty_days() {
    let house = House::new().await;
    house.add(ADA).await;
    let offered = async || {
        let signed_in = house
            .provider
            .sign_in_with_password(&house.browser(), ADA, PASSWORD)
            .await
            .expect("signed in");
        (signed_in.offers_passkey, house.holding(&signed_in))
    };
    let (offers, _) = offered().await;
    assert!(offers);
    let (offers, ada) = offered().await;
    assert!(offers, "whoever looks away is asked again");
    house
        .provider
        .decline_passkey(&ada)
        .await
        .expect("declined");
    assert!(!offered().await.0);
    let thirty_days = Duration::from_hours(30 * 24);
    house.pass_almost(thirty_days);
    assert!(!offered().await.0);
    house.pass(A_SECOND);
    let (offers, ada) = offered().await;
    assert!(offers);
    let mut passkey = Authenticator::new(1);
    passkey.is_added(&house, &ada).await.expect("added");
    assert!(!offered().await.0, "there is one");
    assert!(
        !passkey
            .signs_in(&house, &ada)
            .await
            .expect("signed in")
            .offers_passkey
    );
}
