//! Signing up, and who becomes an administrator.

use std::time::Duration;

use provider::{
    EnrolError, EnrolmentSource, NotAdministrator, PasswordError, Purpose, Role, Settings,
    SignUpPolicy,
};
use testkit::{
    direct::{ADA, Authenticator, BOB, PASSWORD, TestProvider, settled},
    race,
};

fn open(settings: &mut Settings) {
    settings.sign_up = SignUpPolicy::Open;
}

fn for_two_domains(settings: &mut Settings) {
    settings.sign_up =
        SignUpPolicy::Domains(vec!["example.com".to_owned(), "bücher.example".to_owned()]);
}

/// A server with an administrator.
async fn with(change: impl FnOnce(&mut Settings)) -> TestProvider {
    let server = TestProvider::set_up(change).await;
    settled(&server).await;
    server
}

/// The result of signing up with a passkey, from a chosen address.
async fn signs_up(server: &TestProvider, last_byte: u8, email: &str) -> Result<Role, EnrolError> {
    let signed_in = Authenticator::new(last_byte)
        .comes_in(
            server,
            &server.browser_from(last_byte),
            EnrolmentSource::SignUp,
            email,
        )
        .await?;
    Ok(server
        .user(&server.holding(&signed_in))
        .await
        .expect("signed in")
        .role)
}

#[tokio::test]
async fn nobody_signs_up_unless_the_settings_say_so() {
    let server = with(|_| {}).await;
    assert_eq!(server.provider.settings().sign_up, SignUpPolicy::Invitation);
    assert_eq!(signs_up(&server, 2, BOB).await, Err(EnrolError::Closed));
    let by_password = server
        .provider
        .enrolment()
        .accept_with_password(&server.browser(), EnrolmentSource::SignUp, BOB, PASSWORD)
        .await;
    assert_eq!(by_password.err(), Some(EnrolError::Closed));
    assert_eq!(
        server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("a list")
            .len(),
        1
    );
}

#[tokio::test]
async fn where_signing_up_is_open_everybody_can_and_nobody_becomes_an_administrator() {
    let server = with(open).await;
    assert_eq!(signs_up(&server, 2, BOB).await, Ok(Role::User));
    let browser = server.browser();
    let signed_in = server
        .provider
        .enrolment()
        .accept_with_password(&browser, EnrolmentSource::SignUp, "c@example.org", PASSWORD)
        .await
        .expect("made");
    let context = server.holding(&signed_in);
    assert!(!signed_in.offers_passkey || server.account(&context).await.passkeys.is_empty());
    assert_eq!(
        server.provider.administrator(&context).await.err(),
        Some(NotAdministrator::WrongRole)
    );
    assert!(server.opens("C@example.org", PASSWORD).await);
    for (email, refusal) in [
        ("x", EnrolError::EmailInvalid),
        ("", EnrolError::EmailInvalid),
        (BOB, EnrolError::EmailUnavailable),
    ] {
        assert_eq!(signs_up(&server, 3, email).await, Err(refusal), "{email}");
    }
    let short = server
        .provider
        .enrolment()
        .accept_with_password(
            &server.browser(),
            EnrolmentSource::SignUp,
            "d@example.org",
            "short",
        )
        .await;
    assert_eq!(
        short.err(),
        Some(EnrolError::Password(PasswordError::TooShort { minimum: 8 }))
    );
    let roles: Vec<_> = server
        .provider
        .terminal()
        .accounts()
        .list()
        .await
        .expect("a list")
        .iter()
        .map(|one| one.role)
        .collect();
    assert_eq!(roles, [Role::Administrator, Role::User, Role::User]);
}

/// The operator creates the first account: no other user can become the administrator by signing
/// up before.
#[tokio::test]
async fn nobody_signs_up_before_there_is_an_administrator() {
    let server = TestProvider::set_up(open).await;
    let token = server.first_account_token().await;
    assert_eq!(signs_up(&server, 2, BOB).await, Err(EnrolError::Closed));
    assert_eq!(
        server
            .provider
            .enrolment()
            .invitation(&token)
            .await
            .map(|one| one.purpose),
        Ok(Purpose::FirstAccount)
    );
    let signed_in = Authenticator::new(1)
        .comes_in(
            &server,
            &server.browser(),
            EnrolmentSource::Link(&token),
            ADA,
        )
        .await
        .expect("accepted");
    assert!(
        server
            .provider
            .administrator(&server.holding(&signed_in))
            .await
            .is_ok()
    );
    assert_eq!(signs_up(&server, 2, BOB).await, Ok(Role::User));
}

#[tokio::test]
async fn t_e39_a_domain_is_compared_by_label_and_without_case() {
    let server = with(for_two_domains).await;
    for (number, (email, welcome)) in (2..).zip([
        ("bob@example.com", true),
        ("C@EXAMPLE.Com", true),
        ("d@BÜCHER.example", true),
        ("e@evil-example.com", false),
        ("f@example.com.evil", false),
        ("g@sub.example.com", false),
        ("h@example.co", false),
        ("i@com", false),
        ("j@example.com.", false),
        ("k@.example.com", false),
        ("l@example.org", false),
        ("example.com@evil.example", false),
        ("m%example.com@evil.example", false),
        ("n@evil.example@example.com", false),
        ("o@evil.example,p@example.com", false),
        ("q@exаmple.com", false),
    ]) {
        let outcome = signs_up(&server, number, email).await;
        let refused = matches!(
            outcome,
            Err(EnrolError::EmailUnavailable | EnrolError::EmailInvalid)
        );
        assert_eq!(
            (outcome == Ok(Role::User), refused),
            (welcome, !welcome),
            "{email}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn t_f45_an_address_that_is_taken_is_answered_like_one_that_is_not_let_in() {
    let server = with(for_two_domains).await;
    server.enrolment_token("waits@example.com").await;
    server.add("off@example.com").await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account("off@example.com")
        .await
        .expect("disabled");
    for (number, email) in (2..).zip([
        ADA,
        "waits@example.com",
        "off@example.com",
        "nobody@example.org",
    ]) {
        let browser = server.browser_from(number);
        let begun = server
            .provider
            .enrolment()
            .start_accept_with_passkey(&browser, EnrolmentSource::SignUp, email)
            .await
            .err();
        assert_eq!(begun, Some(EnrolError::EmailUnavailable), "{email}");
        for password in [PASSWORD, "short"] {
            let by_password = server
                .provider
                .enrolment()
                .accept_with_password(&browser, EnrolmentSource::SignUp, email, password)
                .await
                .err();
            assert_eq!(by_password, Some(EnrolError::EmailUnavailable), "{email}");
        }
    }
    // A pending account is not given to another user, and a disabled one is not enabled.
    let accounts = server
        .provider
        .terminal()
        .accounts()
        .list()
        .await
        .expect("a list");
    let facts: Vec<_> = accounts
        .iter()
        .map(|one| {
            (
                one.email.as_str(),
                one.disabled,
                one.passkeys,
                one.has_password,
            )
        })
        .collect();
    assert_eq!(
        facts,
        [
            (ADA, false, 1, false),
            ("off@example.com", true, 0, true),
            ("waits@example.com", false, 0, false)
        ]
    );
}

#[tokio::test]
async fn t_f45_one_neighbourhood_asks_twenty_times_an_hour_whether_an_address_is_taken() {
    let server = with(open).await;
    for number in 0..20 {
        let browser = server.browser();
        let outcome = if number % 2 == 0 {
            server
                .provider
                .enrolment()
                .start_accept_with_passkey(&browser, EnrolmentSource::SignUp, ADA)
                .await
                .map(drop)
        } else {
            server
                .provider
                .enrolment()
                .accept_with_password(&browser, EnrolmentSource::SignUp, ADA, PASSWORD)
                .await
                .map(drop)
        };
        assert_eq!(outcome, Err(EnrolError::EmailUnavailable));
    }
    let refused = server
        .provider
        .enrolment()
        .accept_with_password(&server.browser(), EnrolmentSource::SignUp, BOB, PASSWORD)
        .await
        .err();
    let Some(EnrolError::TooManyAttempts { retry_after }) = refused else {
        panic!("{refused:?}")
    };
    assert!(!retry_after.is_zero() && retry_after <= Duration::from_hours(1));
    assert_eq!(
        signs_up(&server, 2, BOB).await,
        Ok(Role::User),
        "another neighbourhood"
    );
    let link = server.enrolment_token("c@example.com").await;
    let invited = Authenticator::new(3)
        .comes_in(&server, &server.browser(), EnrolmentSource::Link(&link), "")
        .await;
    assert!(invited.is_ok(), "whoever has a link is not counted");
    server.pass(retry_after);
    assert_eq!(signs_up(&server, 1, "d@example.com").await, Ok(Role::User));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_sign_up_with_the_same_address_at_once_one_does() {
    let server =
        with(|settings| (settings.sign_up, settings.rate_limits) = (SignUpPolicy::Open, false))
            .await;
    for round in 0..5 {
        let outcomes = race(8, |number| {
            let server = server.clone();
            let email = format!(
                "{}@example.com",
                if number % 2 == 0 { "r" } else { "R" }.repeat(round + 1)
            );
            async move {
                let mut passkey = Authenticator::new(2 + u8::try_from(number).expect("a few"));
                passkey
                    .comes_in(&server, &server.browser(), EnrolmentSource::SignUp, &email)
                    .await
            }
        })
        .await;
        let winners: Vec<_> = outcomes
            .iter()
            .filter_map(|outcome| outcome.as_ref().ok())
            .collect();
        assert_eq!(winners.len(), 1);
        assert!(server.user(&server.holding(winners[0])).await.is_some());
        assert_eq!(
            server
                .provider
                .terminal()
                .accounts()
                .list()
                .await
                .expect("a list")
                .len(),
            round + 2
        );
    }
}

#[tokio::test]
async fn a_ceremony_of_signing_up_serves_for_nothing_else() {
    let server = with(open).await;
    let browser = server.browser();
    let link = server.enrolment_token(BOB).await;
    let ceremony = server
        .provider
        .enrolment()
        .start_accept_with_passkey(&browser, EnrolmentSource::SignUp, "c@example.com")
        .await
        .expect("begun");
    let credential = Authenticator::new(2).create(&ceremony.options);
    let outcome = server
        .provider
        .enrolment()
        .finish_accept_with_passkey(
            &browser,
            EnrolmentSource::Link(&link),
            &ceremony.id,
            &credential,
        )
        .await;
    assert_eq!(outcome.err(), Some(EnrolError::CeremonyFailed));
    let ceremony = server
        .provider
        .enrolment()
        .start_accept_with_passkey(&browser, EnrolmentSource::Link(&link), "")
        .await
        .expect("begun");
    let credential = Authenticator::new(3).create(&ceremony.options);
    let outcome = server
        .provider
        .enrolment()
        .finish_accept_with_passkey(&browser, EnrolmentSource::SignUp, &ceremony.id, &credential)
        .await;
    assert_eq!(outcome.err(), Some(EnrolError::CeremonyFailed));
}

#[tokio::test]
async fn the_first_account_administers_and_an_invited_one_is_what_the_invitation_says() {
    for by_hand in [false, true] {
        let server = TestProvider::new().await;
        if by_hand {
            server
                .provider
                .terminal()
                .accounts()
                .add_account(ADA, Some(PASSWORD))
                .await
                .expect("added");
        } else {
            settled(&server).await;
        }
        for (email, role) in [(BOB, Role::User), ("c@example.com", Role::Administrator)] {
            let link = server
                .provider
                .terminal()
                .accounts()
                .invite(email, Some(role))
                .await
                .expect("invited")
                .enrolment_link
                .expect("a link");
            let token = link.rsplit('/').next().expect("a token");
            let mut passkey = Authenticator::new(2);
            let signed_in = passkey
                .comes_in(&server, &server.browser(), EnrolmentSource::Link(token), "")
                .await
                .expect("accepted");
            let administers = server
                .provider
                .administrator(&server.holding(&signed_in))
                .await;
            assert_eq!(
                administers.map(drop).err(),
                (role == Role::User).then_some(NotAdministrator::WrongRole)
            );
        }
        let roles: Vec<_> = server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("a list")
            .iter()
            .map(|one| one.role)
            .collect();
        assert_eq!(
            roles,
            [Role::Administrator, Role::User, Role::Administrator]
        );
    }
}

#[tokio::test]
async fn a_sign_up_that_has_begun_ends_where_the_settings_close_it() {
    let server = with(open).await;
    let closed = server
        .twin_with(|settings| settings.sign_up = SignUpPolicy::Invitation)
        .await;
    let elsewhere = server.twin_with(for_two_domains).await;
    for (other, email) in [(&closed, BOB), (&elsewhere, "bob@example.org")] {
        let browser = server.browser();
        let mut authenticator = Authenticator::new(7);
        let begun = server
            .provider
            .enrolment()
            .start_accept_with_passkey(&browser, EnrolmentSource::SignUp, email)
            .await
            .expect("begun");
        let credential = authenticator.create(&begun.options);
        let end = other
            .provider
            .enrolment()
            .finish_accept_with_passkey(&browser, EnrolmentSource::SignUp, &begun.id, &credential)
            .await;
        assert!(end.is_err(), "{email}");
    }
    assert_eq!(
        server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("a list")
            .len(),
        1
    );
}
