//! Accounts and clients by hand.

use std::time::Duration;

use oauth::client::KeySource;
use provider::{AdministrationError, EnrolError, NotAdministrator, Role};

use crate::{
    authenticator::{settled, with_passkey},
    client::{Client, ON_THE_WEB},
    faulty::{Fault, Plan},
    house::{ADA, BOB, House, PASSWORD, race},
};

#[tokio::test]
async fn accounts_are_added_listed_and_removed() {
    let house = House::new().await;
    house.enrolment_token("bob@example.com").await;
    house.add(ADA).await;
    house.provider.terminal().disable_account("BOB@example.com").await.expect("disabled");
    let accounts = house.provider.terminal().accounts().await.expect("a list");
    let facts: Vec<_> = accounts.iter().map(|one| (one.email.as_str(), one.disabled, one.has_password, one.passkeys)).collect();
    assert_eq!(facts, [(ADA, false, true, 0), ("bob@example.com", true, false, 0)]);

    house.provider.terminal().remove_account(ADA).await.expect("removed");
    assert_eq!(house.provider.terminal().accounts().await.expect("a list").len(), 1);
    house.add("ADA@example.com").await;
    assert_eq!(
        house.provider.terminal().accounts().await.expect("a list")[0].email,
        "ADA@example.com",
        "the address was free again"
    );
}

#[tokio::test]
async fn adding_again_renews_what_is_missing_only() {
    let house = House::new().await;
    let first = house.enrolment_token(ADA).await;
    let second = house.enrolment_token("ada@example.com").await;
    assert_ne!(first, second);
    assert_eq!(house.provider.terminal().accounts().await.expect("a list").len(), 1);
    house.provider.terminal().disable_account(ADA).await.expect("disabled");
    assert!(
        matches!(house.provider.terminal().add_account(ADA, None).await.err(), Some(AdministrationError::Conflict(_))),
        "disabled"
    );
    house.provider.terminal().enable_account(ADA).await.expect("enabled");
    house.add(ADA).await;
    assert!(
        matches!(house.provider.terminal().add_account(ADA, None).await.err(), Some(AdministrationError::Conflict(_))),
        "has a password"
    );
    assert_eq!(house.provider.invitation(&first).await, Err(EnrolError::LinkGone));
    house.provider.sign_in_with_password(&house.browser(), ADA, PASSWORD).await.expect("signed in");
}

#[tokio::test]
async fn faults_are_sentences() {
    let house = House::new().await;
    let of = |result: Result<(), AdministrationError>| result.expect_err("a fault").to_string();
    assert_eq!(of(house.provider.terminal().disable_account("x@example.com").await), "there is no account \"x@example.com\"");
    assert_eq!(of(house.provider.terminal().remove_account("x").await), "there is no account \"x\"");
    assert_eq!(of(house.provider.terminal().remove_client("vc_x").await), "there is no client \"vc_x\"");
    assert_eq!(of(house.provider.terminal().add_account("x", None).await.map(drop)), "\"x\" is not an e-mail address");
    assert_eq!(
        of(house.provider.terminal().add_account(ADA, Some("short")).await.map(drop)),
        "a password needs at least 8 characters"
    );
    assert!(house.provider.terminal().accounts().await.expect("a list").is_empty());
}

#[tokio::test]
async fn clients_are_added_listed_and_removed() {
    let house = House::new().await;
    let uris = ["https://app.example/callback".to_owned(), "http://localhost/callback".to_owned()];
    let public = house.provider.terminal().add_client(" Notes ", &uris, false).await.expect("added");
    assert!(public.client_id.starts_with("vc_") && public.client_secret.is_none());
    let confidential = house.provider.terminal().add_client("Batch", &uris[..1], true).await.expect("added");
    assert!(confidential.client_secret.expect("a secret").starts_with("vcs_"));

    let keys = KeySource::at("https://service.example/keys.json".to_owned()).expect("an address");
    let keyed = house.provider.terminal().add_keyed_client("Service", &uris[..1], keys).await.expect("added");
    let clients = house.provider.terminal().clients().await.expect("a list");
    assert!(
        clients.iter().any(|client| client.client_id == keyed.client_id && client.confidential) && keyed.client_secret.is_none()
    );
    house.provider.terminal().remove_client(&keyed.client_id).await.expect("removed");

    let clients = house.provider.terminal().clients().await.expect("a list");
    let notes = clients.iter().find(|client| client.client_id == public.client_id).expect("it is listed");
    assert_eq!((notes.name.as_str(), notes.confidential, notes.redirect_uris.as_slice()), ("Notes", false, uris.as_slice()));
    assert_eq!(clients.len(), 2);
    house.provider.terminal().remove_client(&public.client_id).await.expect("removed");
    assert_eq!(house.provider.terminal().clients().await.expect("a list").len(), 1);

    for (name, uri) in
        [("", "https://app.example/"), ("a\nb", "https://app.example/"), ("x", "http://app.example/"), ("x", "javascript:alert(1)")]
    {
        let fault = house.provider.terminal().add_client(name, &[uri.to_owned()], false).await.err();
        assert!(matches!(fault, Some(AdministrationError::Invalid(_))), "{name:?} {uri}");
    }
    assert!(house.provider.terminal().add_client("x", &[], false).await.is_err());
}

#[tokio::test]
async fn an_administrator_cannot_shut_themselves_out() {
    let (house, _, ada) = with_passkey().await;
    let admin = house.provider.administrator(&ada).await.expect("she is");
    for own in [ADA, "ada@EXAMPLE.com", " Ada@example.com "] {
        assert_eq!(admin.disable_account(own).await, Err(AdministrationError::Own), "{own}");
        assert_eq!(admin.remove_account(own).await, Err(AdministrationError::Own));
        for role in [Role::Person, Role::Administrator] {
            assert_eq!(admin.set_role(own, role).await, Err(AdministrationError::Own));
        }
    }
    assert!(house.provider.administrator(&ada).await.is_ok());
    admin.invite(BOB, Some(Role::Administrator)).await.expect("invited");
    admin.set_role(BOB, Role::Person).await.expect("changed");
    admin.disable_account(BOB).await.expect("disabled");
    admin.remove_account(BOB).await.expect("removed");
    house.provider.terminal().set_role(ADA, Role::Person).await.expect("the terminal can");
    assert_eq!(house.provider.administrator(&ada).await.err(), Some(NotAdministrator::WrongRole), "at once");
}

#[tokio::test]
async fn an_invitation_made_again_changes_the_role_only_when_one_is_named() {
    let house = House::new().await;
    let terminal = house.provider.terminal();
    let first = terminal.add_account(ADA, None).await.expect("invited").account;
    assert_eq!(first.role, Role::Administrator, "the first account");
    assert_eq!(terminal.add_account(ADA, None).await.expect("invited again").account.role, Role::Administrator);
    for role in [Role::Person, Role::Administrator] {
        assert_eq!(terminal.invite(ADA, Some(role)).await.expect("invited again").account.role, role);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_administrators_who_shut_each_other_out_leave_one() {
    let house = House::new().await;
    settled(&house).await;
    for round in 0..30 {
        let (ada, bob) = (house.ada().await, house.bob().await);
        for email in [ADA, BOB] {
            house.provider.terminal().set_role(email, Role::Administrator).await.expect("changed");
        }
        let ada = house.provider.administrator(&ada).await.expect("she is");
        let bob = house.provider.administrator(&bob).await.expect("he is");
        let outcomes = race(2, |number| {
            let (admin, other) = if number == 0 { (ada.clone(), BOB) } else { (bob.clone(), ADA) };
            async move {
                match round % 3 {
                    0 => admin.set_role(other, Role::Person).await,
                    1 => admin.disable_account(other).await,
                    _ => admin.remove_account(other).await,
                }
            }
        })
        .await;
        assert!(outcomes.iter().filter(|outcome| outcome.is_ok()).count() < 2, "{round} {outcomes:?}");
        let accounts = house.provider.terminal().accounts().await.expect("a list");
        let left = accounts.iter().filter(|one| one.role == Role::Administrator && !one.disabled).count();
        assert!(left > 0, "{round} {outcomes:?}");
        for account in accounts {
            house.provider.terminal().remove_account(&account.email).await.expect("removed");
        }
    }
}

#[tokio::test]
async fn whoever_is_no_administrator_administers_nothing() {
    let house = House::new().await;
    settled(&house).await;
    let bob = house.bob().await;
    for (visitor, why) in [(&house.browser(), NotAdministrator::NotSignedIn), (&bob, NotAdministrator::WrongRole)] {
        assert_eq!(house.provider.administrator(visitor).await.err(), Some(why));
    }
    house.pass(Duration::from_mins(10));
    assert_eq!(house.provider.administrator(&bob).await.err(), Some(NotAdministrator::WrongRole), "nothing to confirm");
    let bob = house.sign_in(BOB, PASSWORD).await;
    house.provider.terminal().set_role(BOB, Role::Administrator).await.expect("changed");
    assert!(house.provider.administrator(&bob).await.is_ok());
    house.provider.terminal().disable_account(BOB).await.expect("disabled");
    assert_eq!(house.provider.administrator(&bob).await.err(), Some(NotAdministrator::NotSignedIn));
}

#[tokio::test]
async fn c25_what_an_administrator_disables_or_removes_is_out_at_once() {
    let (house, _, ada) = with_passkey().await;
    let admin = house.provider.administrator(&ada).await.expect("she is");
    for removed in [false, true] {
        let bob = house.bob().await;
        let client = Client::added(&house, "Claude", ON_THE_WEB).await;
        let refresh = client.connects(&house, &bob).await.refresh;
        let refresh = client.refreshes(&house, &refresh).await.expect("tokens").refresh_token.expect("one");
        if removed {
            admin.remove_account(BOB).await.expect("removed");
        } else {
            admin.disable_account(BOB).await.expect("disabled");
        }
        assert!(house.person(&bob).await.is_none() && !house.opens(BOB, PASSWORD).await);
        assert!(client.refreshes(&house, &refresh).await.is_err());
        if !removed {
            admin.enable_account(BOB).await.expect("enabled");
            assert!(house.person(&bob).await.is_none() && house.opens(BOB, PASSWORD).await);
            assert!(client.refreshes(&house, &refresh).await.is_err(), "what ended stays ended");
        }
    }
}

/// Whichever step of a removal fails, it can be repeated, and nothing is left of the account.
#[tokio::test]
async fn a_removal_that_failed_can_be_repeated() {
    for fault in [Fault::NotDone, Fault::AnswerLost] {
        for step in 0.. {
            let (store, plan) = Plan::store().await;
            let house = House::over(store).await;
            let ada = house.ada().await;
            plan.fail(step..step + 1, fault);
            let outcome = house.provider.terminal().remove_account(ADA).await;
            let failed = plan.mend();
            assert!(failed || outcome.is_ok(), "{fault:?} {step}: {outcome:?}");
            let again = house.provider.terminal().remove_account(ADA).await;
            assert!(matches!(again, Ok(()) | Err(AdministrationError::NotFound(_))), "{fault:?} {step}");
            assert!(house.person(&ada).await.is_none(), "{fault:?} {step}");
            assert!(house.provider.terminal().accounts().await.expect("a list").is_empty(), "{fault:?} {step}");
            house.enrolment_token(ADA).await;
            if !failed {
                break;
            }
        }
    }
}
