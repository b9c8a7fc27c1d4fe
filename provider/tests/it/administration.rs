//! Accounts and clients by hand.

use oauth::client::KeySource;
use provider::{AdministrationError, EnrolError};

use crate::{
    faulty::{Fault, Plan},
    house::{ADA, House, PASSWORD},
};

#[tokio::test]
async fn accounts_are_added_listed_and_removed() {
    let house = House::new().await;
    house.enrolment_token("bob@example.com").await;
    house.add(ADA).await;
    house.provider.disable_account("BOB@example.com").await.expect("disabled");
    let accounts = house.provider.accounts().await.expect("a list");
    let facts: Vec<_> = accounts.iter().map(|one| (one.email.as_str(), one.disabled, one.has_password, one.passkeys)).collect();
    assert_eq!(facts, [(ADA, false, true, 0), ("bob@example.com", true, false, 0)]);

    house.provider.remove_account(ADA).await.expect("removed");
    assert_eq!(house.provider.accounts().await.expect("a list").len(), 1);
    house.add("ADA@example.com").await;
    assert_eq!(house.provider.accounts().await.expect("a list")[0].email, "ADA@example.com", "the address was free again");
}

#[tokio::test]
async fn adding_again_renews_what_is_missing_only() {
    let house = House::new().await;
    let first = house.enrolment_token(ADA).await;
    let second = house.enrolment_token("ada@example.com").await;
    assert_ne!(first, second);
    assert_eq!(house.provider.accounts().await.expect("a list").len(), 1);
    house.provider.disable_account(ADA).await.expect("disabled");
    assert!(matches!(house.provider.add_account(ADA, None).await.err(), Some(AdministrationError::Conflict(_))), "disabled");
    house.provider.enable_account(ADA).await.expect("enabled");
    house.add(ADA).await;
    assert!(matches!(house.provider.add_account(ADA, None).await.err(), Some(AdministrationError::Conflict(_))), "has a password");
    assert_eq!(house.provider.invitation(&first).await, Err(EnrolError::LinkGone));
    house.provider.sign_in_with_password(&house.browser(), ADA, PASSWORD).await.expect("signed in");
}

#[tokio::test]
async fn faults_are_sentences() {
    let house = House::new().await;
    let of = |result: Result<(), AdministrationError>| result.expect_err("a fault").to_string();
    assert_eq!(of(house.provider.disable_account("x@example.com").await), "there is no account \"x@example.com\"");
    assert_eq!(of(house.provider.remove_account("x").await), "there is no account \"x\"");
    assert_eq!(of(house.provider.remove_client("vc_x").await), "there is no client \"vc_x\"");
    assert_eq!(of(house.provider.add_account("x", None).await.map(drop)), "\"x\" is not an e-mail address");
    assert_eq!(of(house.provider.add_account(ADA, Some("short")).await.map(drop)), "a password needs at least 8 characters");
    assert!(house.provider.accounts().await.expect("a list").is_empty());
}

#[tokio::test]
async fn clients_are_added_listed_and_removed() {
    let house = House::new().await;
    let uris = ["https://app.example/callback".to_owned(), "http://localhost/callback".to_owned()];
    let public = house.provider.add_client(" Notes ", &uris, false).await.expect("added");
    assert!(public.client_id.starts_with("vc_") && public.client_secret.is_none());
    let confidential = house.provider.add_client("Batch", &uris[..1], true).await.expect("added");
    assert!(confidential.client_secret.expect("a secret").starts_with("vcs_"));

    let keys = KeySource::at("https://service.example/keys.json".to_owned()).expect("an address");
    let keyed = house.provider.add_keyed_client("Service", &uris[..1], keys).await.expect("added");
    let clients = house.provider.clients().await.expect("a list");
    assert!(
        clients.iter().any(|client| client.client_id == keyed.client_id && client.confidential) && keyed.client_secret.is_none()
    );
    house.provider.remove_client(&keyed.client_id).await.expect("removed");

    let clients = house.provider.clients().await.expect("a list");
    let notes = clients.iter().find(|client| client.client_id == public.client_id).expect("it is listed");
    assert_eq!((notes.name.as_str(), notes.confidential, notes.redirect_uris.as_slice()), ("Notes", false, uris.as_slice()));
    assert_eq!(clients.len(), 2);
    house.provider.remove_client(&public.client_id).await.expect("removed");
    assert_eq!(house.provider.clients().await.expect("a list").len(), 1);

    for (name, uri) in
        [("", "https://app.example/"), ("a\nb", "https://app.example/"), ("x", "http://app.example/"), ("x", "javascript:alert(1)")]
    {
        let fault = house.provider.add_client(name, &[uri.to_owned()], false).await.err();
        assert!(matches!(fault, Some(AdministrationError::Invalid(_))), "{name:?} {uri}");
    }
    assert!(house.provider.add_client("x", &[], false).await.is_err());
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
            let outcome = house.provider.remove_account(ADA).await;
            let failed = plan.mend();
            assert_eq!(outcome.is_err(), failed, "{fault:?} {step}");
            let again = house.provider.remove_account(ADA).await;
            assert!(matches!(again, Ok(()) | Err(AdministrationError::NotFound(_))), "{fault:?} {step}");
            assert!(house.person(&ada).await.is_none(), "{fault:?} {step}");
            assert!(house.provider.accounts().await.expect("a list").is_empty(), "{fault:?} {step}");
            house.enrolment_token(ADA).await;
            if !failed {
                break;
            }
        }
    }
}
