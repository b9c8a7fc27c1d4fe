//! Addresses: one notion of them, those of earlier releases, and changing one.

use oauth::{Digest, Id};
use provider::{AccountError, AdministrationError, AuditAction, EnrolError, SignUpPolicy};
use store::{CasResult, Ttl};
use testkit::{
    Fault, FaultPlan,
    direct::{ADA, BOB, PASSWORD, TestProvider},
    race,
};

const NEW: &str = "lovelace@example.org";

fn key(folded: &str) -> String {
    format!("email:{}", Digest::of(folded.as_bytes()).as_str())
}

/// Makes of an account what an earlier release would have stored: the address as it was typed,
/// found by that in lower case.
async fn as_earlier(server: &TestProvider, id: Id, today: &str, typed: &str) {
    let record = format!("account:{id}");
    let bytes = server
        .store
        .get(&record)
        .await
        .expect("an answer")
        .expect("an account");
    let text = String::from_utf8(bytes.clone()).expect("text");
    let typed_json = serde_json::to_string(typed).expect("JSON");
    let next = text.replace(&serde_json::to_string(today).expect("JSON"), &typed_json);
    assert_ne!(text, next, "the address is replaced");
    let swap = server
        .store
        .compare_and_swap(&record, &bytes, next.as_bytes(), Ttl::Forever)
        .await
        .expect("an answer");
    assert_eq!(swap, CasResult::Done);
    let owner = server
        .store
        .take(&key(today))
        .await
        .expect("an answer")
        .expect("an owner");
    assert!(
        server
            .store
            .insert(&key(&typed.to_lowercase()), &owner, Ttl::Forever)
            .await
            .expect("an answer")
    );
}

#[tokio::test]
async fn accounts_of_earlier_releases_are_found_kept_apart_and_changed() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    for (today, typed, spellings) in [
        (
            "ada@xn--bcher-kva.example",
            "ada@B\u{fc}cher.example",
            &[
                "ada@b\u{fc}cher.example",
                "ADA@xn--bcher-kva.example",
                "ada@bu\u{308}cher.example",
            ][..],
        ),
        (
            "j\u{fc}rgen@example.com",
            "J\u{fc}rgen@example.com",
            &["j\u{fc}rgen@example.com", "ju\u{308}rgen@EXAMPLE.com"],
        ),
        (
            "x@x.example",
            "<img/src=x>\"'@x.example",
            &["<img/src=x>\"'@x.example", "<IMG/src=x>\"'@X.example"],
        ),
    ] {
        server.add(today).await;
        let accounts = server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("a list");
        let id = accounts
            .iter()
            .find(|one| one.email == today)
            .expect("listed")
            .id;
        as_earlier(&server, id, today, typed).await;
        for spelling in spellings {
            assert!(server.opens(spelling, PASSWORD).await, "{spelling}");
        }
        // No second account under another spelling.
        if !typed.starts_with('<') {
            let refused = server
                .provider
                .terminal()
                .accounts()
                .add_account(today, Some(PASSWORD))
                .await
                .err();
            assert!(
                matches!(refused, Some(AdministrationError::Conflict(_))),
                "{typed}"
            );
        }
        // It can get an address of today, and the old one is free.
        let new = format!("{id}@example.org");
        server
            .provider
            .terminal()
            .accounts()
            .change_email(typed, &new)
            .await
            .expect("changed");
        assert!(server.opens(&new, PASSWORD).await);
        for spelling in spellings {
            assert!(!server.opens(spelling, PASSWORD).await, "{spelling}");
        }
    }
}

#[tokio::test]
async fn a_person_changes_their_address_and_stays_signed_in() {
    let server = TestProvider::new().await;
    let ada = server.ada().await;
    server.add(BOB).await;
    let link = server.reset_token(ADA).await;
    server
        .provider
        .credentials()
        .change_email(&ada, " Lovelace@Example.org")
        .await
        .expect("changed");
    assert_eq!(
        server.account(&ada).await.email,
        "Lovelace@example.org",
        "the session goes on"
    );
    assert_eq!(
        (
            server.opens(ADA, PASSWORD).await,
            server.opens(NEW, PASSWORD).await
        ),
        (false, true)
    );
    assert_eq!(
        server.provider.enrolment().invitation(&link).await.err(),
        Some(EnrolError::LinkGone),
        "a link went to the old address"
    );
    let events = server.audit_log().await;
    let event = events
        .iter()
        .find(|event| event.event.action == AuditAction::EmailChanged)
        .expect("noted");
    assert_eq!(event.event.about.as_deref(), Some(ADA));
    // The old one is free, and that of another is not to be had.
    server.add(ADA).await;
    assert!(server.opens(ADA, PASSWORD).await);
    for (wrong, why) in [
        (BOB, AccountError::EmailUnavailable),
        ("x", AccountError::EmailInvalid),
        (ADA, AccountError::EmailUnavailable),
    ] {
        assert_eq!(
            server
                .provider
                .credentials()
                .change_email(&ada, wrong)
                .await,
            Err(why),
            "{wrong}"
        );
    }
    server
        .provider
        .credentials()
        .change_email(&ada, "LOVELACE@example.org")
        .await
        .expect("only spelled otherwise");
    assert!(server.opens(NEW, PASSWORD).await);
    server.pass(std::time::Duration::from_mins(5));
    assert_eq!(
        server
            .provider
            .credentials()
            .change_email(&ada, "c@example.org")
            .await,
        Err(AccountError::ConfirmFirst)
    );
    assert_eq!(
        server
            .provider
            .credentials()
            .change_email(&server.browser(), "c@example.org")
            .await,
        Err(AccountError::NotSignedIn)
    );
}

#[tokio::test]
async fn where_domains_are_named_nobody_leaves_them() {
    let server = TestProvider::set_up(|settings| {
        settings.sign_up = SignUpPolicy::Domains(vec!["b\u{fc}cher.example".to_owned()]);
    })
    .await;
    let ada = server.ada().await;
    assert_eq!(
        server
            .provider
            .credentials()
            .change_email(&ada, "ada@example.net")
            .await,
        Err(AccountError::EmailUnavailable)
    );
    server
        .provider
        .credentials()
        .change_email(&ada, "ada.l@example.com")
        .await
        .expect("the domain she has");
    server
        .provider
        .credentials()
        .change_email(&ada, "ada@B\u{dc}CHER.example")
        .await
        .expect("one of those named");
    assert_eq!(
        server.account(&ada).await.email,
        "ada@xn--bcher-kva.example"
    );
}

#[tokio::test]
async fn of_many_accounts_that_want_one_address_one_gets_it() {
    let server = TestProvider::new().await;
    server.add(ADA).await;
    let owners: Vec<_> = (0..8)
        .map(|number| format!("owner{number}@example.com"))
        .collect();
    for owner in &owners {
        server.add(owner).await;
    }
    let outcomes = race(9, |number| {
        let server = server.clone();
        let owner = owners.get(number).cloned();
        async move {
            match owner {
                Some(owner) => server
                    .provider
                    .terminal()
                    .accounts()
                    .change_email(&owner, NEW)
                    .await
                    .is_ok(),
                None => server
                    .provider
                    .terminal()
                    .accounts()
                    .add_account(NEW, Some(PASSWORD))
                    .await
                    .is_ok(),
            }
        }
    })
    .await;
    assert_eq!(
        outcomes.iter().filter(|done| **done).count(),
        1,
        "{outcomes:?}"
    );
    let accounts = server
        .provider
        .terminal()
        .accounts()
        .list()
        .await
        .expect("a list");
    assert_eq!(accounts.iter().filter(|one| one.email == NEW).count(), 1);
    assert!(server.opens(NEW, PASSWORD).await);
    for owner in owners
        .iter()
        .filter(|owner| accounts.iter().any(|one| one.email == **owner))
    {
        assert!(
            server.opens(owner, PASSWORD).await,
            "who came too late keeps theirs"
        );
    }
}

/// Whichever step the store fails at, and however: one of the two addresses opens the account, and
/// trying again helps.
#[tokio::test]
async fn a_failure_half_way_leaves_one_address() {
    for fault in [Fault::NotDone, Fault::AnswerLost] {
        for step in 0.. {
            let (store, plan) = FaultPlan::store().await;
            let server = TestProvider::over(store).await;
            server.add(ADA).await;
            plan.fail(step..step + 1, fault);
            let changed = server
                .provider
                .terminal()
                .accounts()
                .change_email(ADA, NEW)
                .await;
            if !plan.mend() {
                assert!(changed.is_ok());
                break;
            }
            let case = format!(
                "{fault:?} at {step}: {:?}",
                changed.map(|account| account.email)
            );
            let opens = [
                server.opens(ADA, PASSWORD).await,
                server.opens(NEW, PASSWORD).await,
            ];
            assert_eq!(opens.iter().filter(|opens| **opens).count(), 1, "{case}");
            if opens[0] {
                // No other account gets the new address before this step, and any account can afterwards.
                server
                    .provider
                    .terminal()
                    .accounts()
                    .change_email(ADA, NEW)
                    .await
                    .unwrap_or_else(|error| panic!("{case}: {error}"));
            }
            assert!(
                server.opens(NEW, PASSWORD).await && !server.opens(ADA, PASSWORD).await,
                "{case}"
            );
            server.add(ADA).await;
            assert!(
                server.opens(ADA, PASSWORD).await && server.opens(NEW, PASSWORD).await,
                "{case}: the old one is free"
            );
        }
    }
}
