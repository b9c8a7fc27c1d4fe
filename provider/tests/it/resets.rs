//! Reset links.

use std::time::Duration;

use oauth::Secret;
use provider::{AdministrationError, AuditAction, EnrolError, EnrolmentSource, Purpose};
use testkit::{
    Fault, FaultPlan, Recorder,
    direct::{
        ADA, Authenticator, ON_THE_WEB, PASSWORD, TestClient, TestProvider, settled, with_passkey,
    },
    race,
};

const ANOTHER: &str = "a second, longer password";
const GONE: EnrolError = EnrolError::LinkGone;

/// The result of using a link.
async fn used(server: &TestProvider, token: &str) -> Result<(), EnrolError> {
    server
        .provider
        .enrolment()
        .accept_with_password(&server.browser(), EnrolmentSource::Link(token), "", ANOTHER)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_reset_link_gives_a_new_password_and_ends_what_the_old_one_opened() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
    let refresh = client.connects(&server, &ada).await.refresh;
    let token = server.reset_token("ada@EXAMPLE.com").await;
    let invitation = server
        .provider
        .enrolment()
        .invitation(&token)
        .await
        .expect("a link");
    assert_eq!(
        (invitation.purpose, invitation.email.as_deref()),
        (Purpose::Reset, Some(ADA))
    );
    // Until it is used, everything goes on.
    let refresh = client
        .refreshes(&server, &refresh)
        .await
        .expect("tokens")
        .refresh_token
        .expect("one");
    assert!(server.user(&ada).await.is_some() && server.opens(ADA, PASSWORD).await);

    let browser = server.browser();
    let entry = EnrolmentSource::Link(&token);
    let signed_in = server
        .provider
        .enrolment()
        .accept_with_password(&browser, entry, "mallory@example.com", ANOTHER)
        .await
        .expect("reset");
    let account = server.account(&server.holding(&signed_in)).await;
    assert_eq!((account.email.as_str(), account.is_fresh), (ADA, true));
    assert!(server.user(&ada).await.is_none());
    assert!(client.refreshes(&server, &refresh).await.is_err());
    assert_eq!(
        (
            server.opens(ADA, PASSWORD).await,
            server.opens(ADA, ANOTHER).await
        ),
        (false, true)
    );
    assert_eq!(used(&server, &token).await, Err(GONE), "once");
    assert_eq!(
        server.provider.enrolment().invitation(&token).await,
        Err(GONE)
    );
    assert_eq!(
        server
            .audit_log()
            .await
            .iter()
            .filter(|event| event.event.action == AuditAction::AccountReset)
            .count(),
        1
    );
}

#[tokio::test]
async fn a_reset_link_gives_a_new_passkey_to_the_same_account() {
    let (server, _, ada) = with_passkey().await;
    let token = server.reset_token(ADA).await;
    let id = server.user(&ada).await.expect("signed in").account;
    let mut passkey = Authenticator::new(2);
    let signed_in = passkey
        .comes_in(
            &server,
            &server.browser(),
            EnrolmentSource::Link(&token),
            "",
        )
        .await
        .expect("reset");
    assert_eq!(
        server
            .user(&server.holding(&signed_in))
            .await
            .expect("signed in")
            .account,
        id
    );
    assert!(server.user(&ada).await.is_none());
    passkey
        .signs_in(&server, &server.browser())
        .await
        .expect("signed in");
    let again = Authenticator::new(3)
        .comes_in(
            &server,
            &server.browser(),
            EnrolmentSource::Link(&token),
            "",
        )
        .await;
    assert_eq!(again.err(), Some(GONE), "once");
}

#[tokio::test]
async fn a_ceremony_that_began_before_the_link_was_used_ends_in_nothing() {
    let (server, _, _) = with_passkey().await;
    let token = server.reset_token(ADA).await;
    let browser = server.browser();
    let ceremony = server
        .provider
        .enrolment()
        .start_accept_with_passkey(&browser, EnrolmentSource::Link(&token), "")
        .await
        .expect("begun");
    let credential = Authenticator::new(2).create(&ceremony.options);
    used(&server, &token).await.expect("reset");
    let late = server
        .provider
        .enrolment()
        .finish_accept_with_passkey(
            &browser,
            EnrolmentSource::Link(&token),
            &ceremony.id,
            &credential,
        )
        .await;
    assert_eq!(late.err(), Some(GONE));
}

#[tokio::test(flavor = "multi_thread")]
async fn t_f44_of_sixteen_who_use_a_reset_link_at_once_one_does() {
    let (server, _, _) = with_passkey().await;
    for two_links in [false, true, false, true] {
        let links = [server.reset_token(ADA).await, server.reset_token(ADA).await];
        let outcomes = race(16, |number| {
            let server = server.clone();
            let link = links[if two_links { number % 2 } else { 1 }].clone();
            async move {
                let mut passkey = Authenticator::new(2 + u8::try_from(number).expect("a few"));
                let outcome = passkey
                    .comes_in(&server, &server.browser(), EnrolmentSource::Link(&link), "")
                    .await;
                outcome.map(|signed_in| (signed_in, passkey))
            }
        })
        .await;
        let (winners, losers): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert!(
            losers
                .iter()
                .all(|outcome| outcome.as_ref().err() == Some(&GONE))
        );
        let (winner, mut passkey) = only(winners).expect("accepted");
        let ada = server.holding(&winner);
        assert_eq!(server.account(&ada).await.passkeys.len(), 2);
        let signed_in = passkey.signs_in(&server, &ada).await.expect("signed in");
        let ada = server.holding(&signed_in);
        let new = server.account(&ada).await.passkeys.pop().expect("two");
        server
            .provider
            .credentials()
            .remove_passkey(&ada, &new.id)
            .await
            .expect("removed, for the next round");
    }
}

fn only<T>(mut all: Vec<T>) -> T {
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[tokio::test]
async fn a_reset_link_dies_with_another_with_the_sessions_and_after_a_day() {
    let (server, mut passkey, ada) = with_passkey().await;
    let (one, other) = (server.reset_token(ADA).await, server.reset_token(ADA).await);
    assert_eq!(used(&server, &one).await, Err(GONE), "a newer one was made");
    used(&server, &other).await.expect("reset");
    assert!(server.user(&ada).await.is_none());

    let ada = server.holding(
        &passkey
            .signs_in(&server, &server.browser())
            .await
            .expect("signed in"),
    );
    let token = server.reset_token(ADA).await;
    let ada = server.holding_update(
        &server
            .provider
            .sessions()
            .end_other_sessions(&ada)
            .await
            .expect("ended"),
    );
    assert_eq!(
        used(&server, &token).await,
        Err(GONE),
        "whoever is afraid of it signs out everywhere"
    );

    let token = server.reset_token(ADA).await;
    server
        .provider
        .credentials()
        .change_password(&ada, PASSWORD)
        .await
        .expect("changed");
    assert_eq!(
        used(&server, &token).await,
        Err(GONE),
        "a new password was chosen"
    );

    for on_and_off in [false, true] {
        let token = server.reset_token(ADA).await;
        server
            .provider
            .terminal()
            .accounts()
            .disable_account(ADA)
            .await
            .expect("disabled");
        if on_and_off {
            server
                .provider
                .terminal()
                .accounts()
                .enable_account(ADA)
                .await
                .expect("enabled");
        }
        assert_eq!(used(&server, &token).await, Err(GONE), "disabled");
        server
            .provider
            .terminal()
            .accounts()
            .enable_account(ADA)
            .await
            .expect("enabled");
    }

    let token = server.reset_token(ADA).await;
    let day = Duration::from_hours(24);
    server.pass_almost(day);
    assert!(server.provider.enrolment().invitation(&token).await.is_ok());
    server.pass(Duration::from_secs(1));
    assert_eq!(used(&server, &token).await, Err(GONE), "a day has passed");

    let token = server.reset_token(ADA).await;
    server
        .provider
        .terminal()
        .accounts()
        .remove_account(ADA)
        .await
        .expect("removed");
    assert_eq!(
        used(&server, &token).await,
        Err(GONE),
        "the account is gone"
    );
}

#[tokio::test]
async fn signing_in_and_out_leaves_a_reset_link_good() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    let token = server.reset_token(ADA).await;
    server
        .provider
        .sessions()
        .sign_out(&ada)
        .await
        .expect("signed out");
    server.sign_in(ADA, PASSWORD).await;
    used(&server, &token).await.expect("reset");
}

#[tokio::test]
async fn nobody_gets_a_reset_link_for_an_account_that_is_disabled_or_not_there() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let admin = server.provider.terminal();
    admin
        .accounts()
        .disable_account(ADA)
        .await
        .expect("disabled");
    assert!(matches!(
        admin.accounts().reset_account(ADA).await,
        Err(AdministrationError::Conflict(_))
    ));
    assert!(matches!(
        admin.accounts().reset_account("nobody@example.com").await,
        Err(AdministrationError::NotFound(_))
    ));
    assert!(matches!(
        admin.accounts().reset_account("x").await,
        Err(AdministrationError::NotFound(_))
    ));
}

#[tokio::test]
async fn the_store_holds_a_digest_of_a_reset_link_and_not_the_link() {
    let (store, written) = Recorder::store().await;
    let server = TestProvider::over(store).await;
    settled(&server).await;
    let token = server.reset_token(ADA).await;
    assert_eq!(written.find(&token), Vec::<String>::new());
    let digest = Secret::decode(&token).expect("a secret").digest();
    let [link, account] = &written.find(digest.as_str())[..] else {
        panic!("the link, and the account that names it")
    };
    assert!(account.starts_with("account:"), "{account}");
    assert!(
        link.starts_with("invitation:") && link.contains("reset"),
        "{link}"
    );
}

/// Whichever step the store fails at: afterwards the link works, or the passkey that came of it
/// does.
#[tokio::test]
async fn a_reset_that_failed_half_way_can_be_repeated_or_was_done() {
    for fault in [Fault::NotDone, Fault::AnswerLost] {
        for step in 0.. {
            let (store, plan) = FaultPlan::store().await;
            let server = TestProvider::over(store).await;
            let ada = settled(&server).await.1;
            let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
            let refresh = client.connects(&server, &ada).await.refresh;
            let token = server.reset_token(ADA).await;
            let case = format!("{fault:?} {step}");
            let (mut first, mut second) = (Authenticator::new(2), Authenticator::new(3));
            plan.fail(step..step + 1, fault);
            let outcome = first
                .comes_in(
                    &server,
                    &server.browser(),
                    EnrolmentSource::Link(&token),
                    "",
                )
                .await
                .err();
            let failed = plan.mend();
            let again = second
                .comes_in(
                    &server,
                    &server.browser(),
                    EnrolmentSource::Link(&token),
                    "",
                )
                .await
                .err();
            assert!(
                matches!(outcome, None | Some(EnrolError::Unavailable)),
                "{case}: {outcome:?}"
            );
            assert!(
                again == Some(GONE) || (again.is_none() && outcome.is_some()),
                "{case}: {again:?}"
            );
            // One that has never seen the account has no name to give.
            let one =
                first.knows_somebody() && first.signs_in(&server, &server.browser()).await.is_ok();
            let other = second.knows_somebody()
                && second.signs_in(&server, &server.browser()).await.is_ok();
            assert_eq!(usize::from(one) + usize::from(other), 1, "{case}");
            assert!(server.user(&ada).await.is_none(), "{case}");
            assert!(
                client.refreshes(&server, &refresh).await.is_err(),
                "{case}: what was allowed goes on"
            );
            let noted = server
                .audit_log()
                .await
                .iter()
                .filter(|event| event.event.action == AuditAction::AccountReset)
                .count();
            // If the answer to the change itself was lost, nothing is recorded.
            assert!(
                noted == 1 || (noted == 0 && fault == Fault::AnswerLost),
                "{case}: {noted}"
            );
            if !failed {
                assert!(step > 7, "every step was tried");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_newer_link_ends_the_earlier_ones_and_an_administrator_withdraws_it() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(server.reset_token(ADA).await);
    }
    let open = async |tokens: &[String]| {
        let mut open = Vec::new();
        for token in tokens {
            open.push(server.provider.enrolment().invitation(token).await.is_ok());
        }
        open
    };
    assert_eq!(open(&tokens).await, [false, false, false, true]);
    assert_eq!(used(&server, &tokens[0]).await, Err(GONE));
    let until = async || {
        server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("a list")[0]
            .link_expires_at
    };
    assert_eq!(
        until().await,
        Some(
            server
                .provider
                .now()
                .after(server.provider.settings().lifetimes.invitation)
        )
    );
    server
        .provider
        .terminal()
        .accounts()
        .withdraw_link(ADA)
        .await
        .expect("withdrawn");
    assert_eq!((open(&tokens).await, until().await), (vec![false; 4], None));
    assert_eq!(used(&server, &tokens[3]).await, Err(GONE));
    assert!(
        server.opens(ADA, PASSWORD).await,
        "nothing else has changed"
    );
    assert!(
        server
            .audit_log()
            .await
            .iter()
            .any(|event| event.event.action == AuditAction::LinkWithdrawn)
    );
    // Another one works, and is not out any more once it was used or has expired.
    let next = server.reset_token(ADA).await;
    used(&server, &next).await.expect("used");
    assert_eq!(until().await, None);
    let invitation = server.enrolment_token("waits@example.com").await;
    server
        .provider
        .terminal()
        .accounts()
        .withdraw_link("waits@example.com")
        .await
        .expect("withdrawn");
    assert_eq!(
        server
            .provider
            .enrolment()
            .invitation(&invitation)
            .await
            .err(),
        Some(GONE)
    );
    server.enrolment_token("waits@example.com").await;
    server.pass(server.provider.settings().lifetimes.invitation);
    let accounts = server
        .provider
        .terminal()
        .accounts()
        .list()
        .await
        .expect("a list");
    assert!(
        accounts
            .iter()
            .all(|account| account.link_expires_at.is_none()),
        "expired"
    );
}

#[tokio::test]
async fn of_links_that_are_made_at_once_one_is_good() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let tokens = race(8, |_| {
        let server = server.clone();
        async move { server.reset_token(ADA).await }
    })
    .await;
    let mut good = 0;
    for token in &tokens {
        good += usize::from(server.provider.enrolment().invitation(token).await.is_ok());
    }
    assert_eq!(good, 1);
}
