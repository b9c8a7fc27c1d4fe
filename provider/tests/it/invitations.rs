//! One-time links.

use std::time::Duration;

use provider::{EnrolError, EnrolmentSource, PasswordError, Purpose};
use testkit::{
    Fault, FaultPlan,
    direct::{ADA, PASSWORD, TestProvider},
};

#[tokio::test]
async fn the_first_account_is_made_once() {
    let server = TestProvider::new().await;
    let (one, other) = (
        server.first_account_token().await,
        server.first_account_token().await,
    );
    let invitation = server
        .provider
        .enrolment()
        .invitation(&one)
        .await
        .expect("a link");
    assert_eq!(
        (invitation.purpose, invitation.email),
        (Purpose::FirstAccount, None)
    );

    let cookie = server
        .provider
        .enrolment()
        .accept_with_password(
            &server.browser(),
            EnrolmentSource::Link(&one),
            ADA,
            PASSWORD,
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
    for token in [one, other] {
        assert_eq!(
            server.provider.enrolment().invitation(&token).await,
            Err(EnrolError::LinkGone)
        );
        let again = server
            .provider
            .enrolment()
            .accept_with_password(
                &server.browser(),
                EnrolmentSource::Link(&token),
                "b@example.com",
                PASSWORD,
            )
            .await
            .err();
        assert_eq!(again, Some(EnrolError::LinkGone));
    }
    assert_eq!(
        server
            .provider
            .enrolment()
            .first_account_link()
            .await
            .expect("the store answers"),
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_makes_the_first_account() {
    for same_address in [false, true] {
        let server = TestProvider::new().await;
        let token = server.first_account_token().await;
        let racers: Vec<_> = (0..8)
            .map(|number| {
                let provider = server.provider.clone();
                let browser = server.browser();
                let token = token.clone();
                let email = format!("{}@example.com", if same_address { 0 } else { number });
                tokio::spawn(async move {
                    provider
                        .enrolment()
                        .accept_with_password(
                            &browser,
                            EnrolmentSource::Link(&token),
                            &email,
                            PASSWORD,
                        )
                        .await
                })
            })
            .collect();
        let mut winners = 0;
        for racer in racers {
            match racer.await.expect("finishes") {
                Ok(cookie) => {
                    winners += 1;
                    assert!(server.user(&server.holding(&cookie)).await.is_some());
                }
                Err(error) => {
                    assert!(
                        error == EnrolError::LinkGone
                            || (same_address && error == EnrolError::EmailUnavailable),
                        "{error:?}"
                    );
                }
            }
        }
        assert_eq!(
            (
                winners,
                server
                    .provider
                    .terminal()
                    .accounts()
                    .list()
                    .await
                    .expect("a list")
                    .len()
            ),
            (1, 1)
        );
    }
}

#[tokio::test]
async fn an_account_made_by_hand_is_the_first_account_too() {
    let server = TestProvider::new().await;
    let token = server.first_account_token().await;
    server.add("b@example.com").await;
    assert_eq!(
        server.provider.enrolment().invitation(&token).await,
        Err(EnrolError::LinkGone)
    );
    assert_eq!(
        server
            .provider
            .enrolment()
            .first_account_link()
            .await
            .expect("the store answers"),
        None
    );
}

#[tokio::test]
async fn an_enrolment_gives_an_account_its_first_credential_and_no_other() {
    let server = TestProvider::new().await;
    let other = server.enrolment_token(ADA).await;
    let one = server.enrolment_token(ADA).await;
    assert_eq!(
        server.provider.enrolment().invitation(&other).await,
        Err(EnrolError::LinkGone),
        "a newer one takes its place"
    );
    let invitation = server
        .provider
        .enrolment()
        .invitation(&one)
        .await
        .expect("a link");
    assert_eq!(
        (invitation.purpose, invitation.email.as_deref()),
        (Purpose::Enrolment, Some(ADA))
    );

    let accept = |token: String, email: &'static str| {
        let provider = server.provider.clone();
        let browser = server.browser();
        async move {
            provider
                .enrolment()
                .accept_with_password(&browser, EnrolmentSource::Link(&token), email, PASSWORD)
                .await
        }
    };
    let cookie = accept(one.clone(), "mallory@example.com")
        .await
        .expect("accepted");
    assert_eq!(
        server
            .user(&server.holding(&cookie))
            .await
            .expect("signed in")
            .email,
        ADA,
        "the address is fixed"
    );
    assert_eq!(accept(one, ADA).await.err(), Some(EnrolError::LinkGone));
    assert_eq!(
        accept(other, ADA).await.err(),
        Some(EnrolError::LinkGone),
        "nor by an older link"
    );
}

#[tokio::test]
async fn links_expire_and_follow_their_account() {
    let server = TestProvider::new().await;
    let setup = server.first_account_token().await;
    let enrolment = server.enrolment_token(ADA).await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ADA)
        .await
        .expect("disabled");
    assert_eq!(
        server.provider.enrolment().invitation(&enrolment).await,
        Err(EnrolError::LinkGone)
    );
    server
        .provider
        .terminal()
        .accounts()
        .enable_account(ADA)
        .await
        .expect("enabled");
    assert_eq!(
        server.provider.enrolment().invitation(&enrolment).await,
        Err(EnrolError::LinkGone),
        "what ended stays ended"
    );
    let enrolment = server.enrolment_token(ADA).await;
    assert!(
        server
            .provider
            .enrolment()
            .invitation(&enrolment)
            .await
            .is_ok()
    );
    server.pass(server.provider.settings().lifetimes.invitation);
    for token in [
        setup.as_str(),
        enrolment.as_str(),
        "",
        "nonsense",
        &"A".repeat(43),
    ] {
        assert_eq!(
            server.provider.enrolment().invitation(token).await,
            Err(EnrolError::LinkGone),
            "{token}"
        );
    }
}

#[tokio::test]
async fn a_mistake_does_not_use_the_link_up() {
    let server = TestProvider::new().await;
    let token = server.first_account_token().await;
    let too_long = "x".repeat(1025);
    for (email, password, refusal) in [
        ("ada", PASSWORD, EnrolError::EmailInvalid),
        (
            ADA,
            "eleven77777",
            EnrolError::Password(PasswordError::TooShort { minimum: 12 }),
        ),
        (
            ADA,
            "Password1234",
            EnrolError::Password(PasswordError::Common),
        ),
        (
            ADA,
            "Ada@example.com",
            EnrolError::Password(PasswordError::FromName),
        ),
        (
            ADA,
            &too_long,
            EnrolError::Password(PasswordError::TooLong { maximum: 1024 }),
        ),
    ] {
        let refused = server
            .provider
            .enrolment()
            .accept_with_password(
                &server.browser(),
                EnrolmentSource::Link(&token),
                email,
                password,
            )
            .await
            .err();
        assert_eq!(refused, Some(refusal));
    }
    server
        .provider
        .enrolment()
        .accept_with_password(
            &server.browser(),
            EnrolmentSource::Link(&token),
            ADA,
            "éèêëàâäùîïôö",
        )
        .await
        .expect("twelve characters");
}

/// Whichever step the store fails at, and however: once it works again, the user can accept, or
/// sign in with the password they chose, and there is one account.
#[tokio::test]
async fn a_failure_half_way_leaves_nothing_unusable() {
    for (fault, only_once) in [
        (Fault::NotDone, true),
        (Fault::NotDone, false),
        (Fault::AnswerLost, true),
    ] {
        for enrolment in [true, false] {
            let mut step = 0;
            while fails_at(step, only_once, fault, enrolment).await {
                step += 1;
            }
            assert!(step > 7, "every step was tried");
        }
    }
}

/// Whether there was such a step.
async fn fails_at(step: usize, only_once: bool, fault: Fault, enrolment: bool) -> bool {
    let (store, plan) = FaultPlan::store().await;
    let server = TestProvider::over(store).await;
    let token = if enrolment {
        server.enrolment_token(ADA).await
    } else {
        server.first_account_token().await
    };
    plan.fail(step..if only_once { step + 1 } else { usize::MAX }, fault);
    let outcome = server
        .provider
        .enrolment()
        .accept_with_password(
            &server.browser(),
            EnrolmentSource::Link(&token),
            ADA,
            PASSWORD,
        )
        .await;
    if !plan.mend() {
        assert!(outcome.is_ok());
        return false;
    }
    server.pass(Duration::from_mins(1));
    let case = format!("step {step}, {fault:?}, once {only_once}, enrolment {enrolment}");
    let signed_in = match outcome {
        Ok(cookie) => Ok(cookie),
        Err(error) => {
            assert_eq!(error, EnrolError::Unavailable, "{case}");
            server
                .provider
                .enrolment()
                .accept_with_password(
                    &server.browser(),
                    EnrolmentSource::Link(&token),
                    ADA,
                    PASSWORD,
                )
                .await
        }
    };
    if let Err(error) = signed_in {
        assert!(
            matches!(error, EnrolError::LinkGone | EnrolError::EmailUnavailable),
            "{case}: {error:?}"
        );
        server
            .provider
            .sign_in()
            .sign_in_with_password(&server.browser(), ADA, PASSWORD)
            .await
            .expect(&case);
    }
    assert!(
        server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("a list")
            .len()
            <= 1,
        "{case}"
    );
    true
}
