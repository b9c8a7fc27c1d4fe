//! Passkeys, with an authenticator made of software.

use std::time::Duration;

use provider::{AccountError, EnrolError, EnrolmentSource, SignInError};

use testkit::direct::{
    ADA, Authenticator, BOB, Browser, DEVICE, PASSWORD, TestProvider, with_passkey,
};

#[tokio::test]
async fn a_passkey_makes_the_first_account_and_signs_in() {
    let (server, mut authenticator, ada) = with_passkey().await;
    assert_eq!(server.user(&ada).await.expect("signed in").email, ADA);
    server.pass(Duration::from_mins(1));
    let browser = server.browser();
    for _ in 0..2 {
        let ceremony = server
            .provider
            .sign_in()
            .start_passkey_sign_in(&browser, false)
            .await
            .expect("begun");
        let credential = authenticator.get(&ceremony.options);
        let cookie = server
            .provider
            .sign_in()
            .finish_passkey_sign_in(&browser, &ceremony.id, &credential)
            .await
            .expect("signed in");
        let view = server
            .provider
            .sessions()
            .account(&server.holding(&cookie))
            .await
            .expect("the store answers")
            .expect("signed in");
        assert_eq!(
            (view.email.as_str(), view.has_password, view.passkeys.len()),
            (ADA, false, 1)
        );
        assert_eq!(view.passkeys[0].last_used_at, Some(server.provider.now()));
        let again = server
            .provider
            .sign_in()
            .finish_passkey_sign_in(&browser, &ceremony.id, &credential)
            .await
            .err();
        assert_eq!(
            again,
            Some(SignInError::WrongCredentials),
            "a ceremony is taken once"
        );
    }
}

#[tokio::test]
async fn a_ceremony_belongs_to_one_browser_one_time_and_one_purpose() {
    let (server, mut authenticator, _) = with_passkey().await;
    let browser = server.browser();
    let wrong = Some(SignInError::WrongCredentials);

    let ceremony = server
        .provider
        .sign_in()
        .start_passkey_sign_in(&browser, false)
        .await
        .expect("begun");
    let credential = authenticator.get(&ceremony.options);
    assert_eq!(
        server
            .provider
            .sign_in()
            .finish_passkey_sign_in(&server.browser(), &ceremony.id, &credential)
            .await
            .err(),
        wrong,
        "another browser"
    );
    assert_eq!(
        server
            .provider
            .sign_in()
            .finish_passkey_sign_in(&browser, &ceremony.id, &credential)
            .await
            .err(),
        wrong,
        "used by that"
    );

    let ceremony = server
        .provider
        .sign_in()
        .start_passkey_sign_in(&browser, false)
        .await
        .expect("begun");
    let other = server
        .provider
        .sign_in()
        .start_passkey_sign_in(&browser, false)
        .await
        .expect("begun");
    let credential = authenticator.get(&other.options);
    assert_eq!(
        server
            .provider
            .sign_in()
            .finish_passkey_sign_in(&browser, &ceremony.id, &credential)
            .await
            .err(),
        wrong,
        "another challenge"
    );

    let ceremony = server
        .provider
        .sign_in()
        .start_passkey_sign_in(&browser, false)
        .await
        .expect("begun");
    let credential = authenticator.get(&ceremony.options);
    server.pass(Duration::from_mins(5));
    assert_eq!(
        server
            .provider
            .sign_in()
            .finish_passkey_sign_in(&browser, &ceremony.id, &credential)
            .await
            .err(),
        wrong,
        "too late"
    );
    for id in ["", "nonsense", &"A".repeat(43)] {
        assert_eq!(
            server
                .provider
                .sign_in()
                .finish_passkey_sign_in(&browser, id, &credential)
                .await
                .err(),
            wrong,
            "{id}"
        );
    }
}

#[tokio::test]
async fn a_passkey_must_verify_the_person_at_this_origin_and_count_on() {
    let (server, mut authenticator, _) = with_passkey().await;
    let browser = server.browser();
    let changes: [fn(&mut Authenticator); 4] = [
        |passkey| passkey.verifies = false,
        |passkey| {
            (passkey.verifies, passkey.origin) = (true, "https://auth.example.com.evil.example");
        },
        |passkey| passkey.origin = testkit::direct::ISSUER,
        Authenticator::forget_a_use,
    ];
    let mut outcomes = Vec::new();
    for change in changes {
        change(&mut authenticator);
        let ceremony = server
            .provider
            .sign_in()
            .start_passkey_sign_in(&browser, false)
            .await
            .expect("begun");
        let credential = authenticator.get(&ceremony.options);
        outcomes.push(
            server
                .provider
                .sign_in()
                .finish_passkey_sign_in(&browser, &ceremony.id, &credential)
                .await
                .is_ok(),
        );
    }
    assert_eq!(outcomes, [false, false, true, false]);
}

#[tokio::test]
async fn a_passkey_of_a_disabled_or_unknown_account_signs_nobody_in() {
    let (server, mut authenticator, _) = with_passkey().await;
    let browser = server.browser();
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ADA)
        .await
        .expect("disabled");
    for mut passkey in [authenticator_of(&mut authenticator), Authenticator::new(9)] {
        let ceremony = server
            .provider
            .sign_in()
            .start_passkey_sign_in(&browser, false)
            .await
            .expect("begun");
        let credential = passkey.get(&ceremony.options);
        let refusal = server
            .provider
            .sign_in()
            .finish_passkey_sign_in(&browser, &ceremony.id, &credential)
            .await
            .err();
        assert_eq!(refusal, Some(SignInError::WrongCredentials));
    }
}

fn authenticator_of(authenticator: &mut Authenticator) -> Authenticator {
    std::mem::replace(authenticator, Authenticator::new(8))
}

#[tokio::test]
async fn a_signed_in_person_adds_passkeys() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    let mut authenticator = Authenticator::new(2);
    let ceremony = server
        .provider
        .credentials()
        .start_adding_passkey(&ada)
        .await
        .expect("begun");
    let credential = authenticator.create(&ceremony.options);
    server
        .provider
        .credentials()
        .finish_adding_passkey(&ada, &ceremony.id, &credential)
        .await
        .expect("added");
    let again = server
        .provider
        .credentials()
        .finish_adding_passkey(&ada, &ceremony.id, &credential)
        .await;
    assert_eq!(again, Err(AccountError::CeremonyFailed));

    let view = server
        .provider
        .sessions()
        .account(&ada)
        .await
        .expect("the store answers")
        .expect("signed in");
    assert_eq!(
        (
            view.has_password,
            view.passkeys.len(),
            view.passkeys[0].name.as_str()
        ),
        (true, 1, DEVICE)
    );
    let next = server
        .provider
        .credentials()
        .start_adding_passkey(&ada)
        .await
        .expect("begun");
    assert_eq!(
        next.options
            .public_key
            .exclude_credentials
            .as_ref()
            .map(Vec::len),
        Some(1)
    );

    let sign_in = server
        .provider
        .sign_in()
        .start_passkey_sign_in(&ada, false)
        .await
        .expect("begun");
    let proof = authenticator.get(&sign_in.options);
    server
        .provider
        .sign_in()
        .finish_passkey_sign_in(&ada, &sign_in.id, &proof)
        .await
        .expect("signed in");
}

#[tokio::test]
async fn nobody_adds_a_passkey_to_another_account() {
    let server = TestProvider::new().await;
    assert_eq!(
        server
            .provider
            .credentials()
            .start_adding_passkey(&server.browser())
            .await
            .err(),
        Some(AccountError::NotSignedIn)
    );
    server.add(ADA).await;
    server.add("bob@example.com").await;
    // One browser, in which one user signs in and then another.
    let mut browser = Browser::from(&server, 1);
    assert!(browser.signs_in(ADA, PASSWORD).await);
    let ada = browser.context();
    let ceremony = server
        .provider
        .credentials()
        .start_adding_passkey(&ada)
        .await
        .expect("begun");
    let credential = Authenticator::new(3).create(&ceremony.options);
    assert!(browser.signs_in("bob@example.com", PASSWORD).await);
    let bob = browser.context();
    let refusal = server
        .provider
        .credentials()
        .finish_adding_passkey(&bob, &ceremony.id, &credential)
        .await;
    assert_eq!(refusal, Err(AccountError::CeremonyFailed));

    let ceremony = server
        .provider
        .credentials()
        .start_adding_passkey(&bob)
        .await
        .expect("begun");
    let credential = Authenticator::new(3).create(&ceremony.options);
    server
        .provider
        .sessions()
        .sign_out(&bob)
        .await
        .expect("signed out");
    let refusal = server
        .provider
        .credentials()
        .finish_adding_passkey(&bob, &ceremony.id, &credential)
        .await;
    assert_eq!(refusal, Err(AccountError::NotSignedIn));
}

#[tokio::test]
async fn a_failed_ceremony_leaves_the_link_good() {
    let server = TestProvider::new().await;
    let browser = server.browser();
    let token = server.enrolment_token(ADA).await;
    let mut elsewhere = Authenticator::new(4);
    elsewhere.origin = "https://evil.example";
    let ceremony = server
        .provider
        .enrolment()
        .start_accept_with_passkey(&browser, EnrolmentSource::Link(&token), "")
        .await
        .expect("begun");
    let credential = elsewhere.create(&ceremony.options);
    for _ in 0..2 {
        let refusal = server
            .provider
            .enrolment()
            .finish_accept_with_passkey(
                &browser,
                EnrolmentSource::Link(&token),
                &ceremony.id,
                &credential,
            )
            .await
            .err();
        assert_eq!(refusal, Some(EnrolError::CeremonyFailed));
    }
    let ceremony = server
        .provider
        .enrolment()
        .start_accept_with_passkey(&browser, EnrolmentSource::Link(&token), "")
        .await
        .expect("begun");
    assert_eq!(ceremony.options.public_key.user.name, ADA);
    let credential = Authenticator::new(4).create(&ceremony.options);
    let cookie = server
        .provider
        .enrolment()
        .finish_accept_with_passkey(
            &browser,
            EnrolmentSource::Link(&token),
            &ceremony.id,
            &credential,
        )
        .await
        .expect("accepted");
    assert_eq!(
        server
            .user(&server.holding(&cookie))
            .await
            .expect("signed in")
            .email,
        ADA
    );
}

#[tokio::test]
async fn a_ceremony_of_one_link_does_not_accept_another() {
    let server = TestProvider::new().await;
    let browser = server.browser();
    let ada = server.enrolment_token(ADA).await;
    let bob = server.enrolment_token("bob@example.com").await;
    let ceremony = server
        .provider
        .enrolment()
        .start_accept_with_passkey(&browser, EnrolmentSource::Link(&ada), "")
        .await
        .expect("begun");
    let credential = Authenticator::new(5).create(&ceremony.options);
    let refusal = server
        .provider
        .enrolment()
        .finish_accept_with_passkey(
            &browser,
            EnrolmentSource::Link(&bob),
            &ceremony.id,
            &credential,
        )
        .await
        .err();
    assert_eq!(refusal, Some(EnrolError::CeremonyFailed));
}

#[tokio::test]
async fn starting_is_limited_per_browser_first() {
    let server = TestProvider::new().await;
    let browser = server.browser();
    for _ in 0..30 {
        server
            .provider
            .sign_in()
            .start_passkey_sign_in(&browser, false)
            .await
            .expect("begun");
    }
    let refusal = server
        .provider
        .sign_in()
        .start_passkey_sign_in(&browser, false)
        .await
        .err();
    assert!(matches!(refusal, Some(SignInError::TooManyAttempts { .. })));
    server
        .provider
        .sign_in()
        .start_passkey_sign_in(&browser, true)
        .await
        .expect("what the page does by itself is counted apart");
    server
        .provider
        .sign_in()
        .start_passkey_sign_in(&server.browser(), false)
        .await
        .expect("another browser");
}

#[tokio::test]
async fn a_confirmation_takes_no_passkey_but_the_person_s_own() {
    let (server, mut own, ada) = with_passkey().await;
    let mut foreign = Authenticator::new(2);
    let token = server.enrolment_token(BOB).await;
    foreign
        .comes_in(
            &server,
            &server.browser(),
            EnrolmentSource::Link(&token),
            "",
        )
        .await
        .expect("accepted");
    for (passkey, good) in [(&mut foreign, false), (&mut own, true)] {
        let ceremony = server
            .provider
            .sign_in()
            .start_passkey_sign_in(&ada, false)
            .await
            .expect("begun");
        let credential = passkey.get(&ceremony.options);
        let confirmed = server
            .provider
            .sign_in()
            .confirm_with_passkey(&ada, &ceremony.id, &credential)
            .await;
        assert_eq!(
            confirmed.as_ref().err(),
            (!good).then_some(&SignInError::WrongCredentials)
        );
        let browser =
            confirmed.map_or_else(|_| ada.clone(), |signed_in| server.holding(&signed_in));
        assert_eq!(server.user(&browser).await.expect("signed in").email, ADA);
    }
    let stranger = server.browser();
    let ceremony = server
        .provider
        .sign_in()
        .start_passkey_sign_in(&stranger, false)
        .await
        .expect("begun");
    let credential = own.get(&ceremony.options);
    let confirmed = server
        .provider
        .sign_in()
        .confirm_with_passkey(&stranger, &ceremony.id, &credential)
        .await;
    assert_eq!(
        confirmed.err(),
        Some(SignInError::WrongCredentials),
        "there is nobody to confirm"
    );
}

#[tokio::test]
async fn an_authenticator_shows_the_name_of_its_user() {
    let (server, _, ada) = with_passkey().await;
    let credentials = server.provider.credentials();
    for (name, shown) in [("", ADA), (" Ada  Lovelace ", "Ada Lovelace"), ("", ADA)] {
        credentials.change_name(&ada, name).await.expect("changed");
        let ceremony = credentials.start_adding_passkey(&ada).await.expect("begun");
        let user = ceremony.options.public_key.user;
        assert_eq!([&*user.name, &*user.display_name], [ADA, shown]);
    }
}

#[tokio::test]
async fn a_name_is_chosen_in_a_live_session_alone() {
    let (server, _, ada) = with_passkey().await;
    let credentials = server.provider.credentials();
    let unfit = credentials.change_name(&ada, "A\u{202e}da").await;
    assert_eq!(unfit, Err(AccountError::NameUnfit));
    let out = credentials.change_name(&server.browser(), "Ada").await;
    assert_eq!(out, Err(AccountError::NotSignedIn));
    let ended = server.provider.sessions().end_other_sessions(&ada).await;
    ended.expect("this session is continued by another");
    let late = credentials.change_name(&ada, "Ada").await;
    assert_eq!(late, Err(AccountError::NotSignedIn));
}
