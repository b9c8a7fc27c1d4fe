//! Accounts and clients by hand.

use std::time::Duration;

use oauth_clients::client::KeySource;
use provider::{
    AddedAccount, AdministrationError, ClientChanges, ClientProof, EnrolError, InvalidInput,
    MissingTarget, NewClient, NotAdministrator, PasswordError, Role, StateConflict,
};
use store::{Store, StoreLocation};
use testkit::{
    Fault, FaultPlan, RedisServer,
    direct::{ADA, BOB, ON_THE_WEB, PASSWORD, TestClient, TestProvider, settled, with_passkey},
    race,
};

#[tokio::test]
async fn accounts_are_added_listed_and_removed() {
    let server = TestProvider::new().await;
    server.enrolment_token("bob@example.com").await;
    server.add(ADA).await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account("BOB@example.com")
        .await
        .expect("disabled");
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
                one.has_password,
                one.passkeys,
            )
        })
        .collect();
    assert_eq!(
        facts,
        [(ADA, false, true, 0), ("bob@example.com", true, false, 0)]
    );

    server
        .provider
        .terminal()
        .accounts()
        .remove_account(ADA)
        .await
        .expect("removed");
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
    server.add("ADA@example.com").await;
    assert_eq!(
        server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("a list")[0]
            .email,
        "ADA@example.com",
        "the address was free again"
    );
}

#[tokio::test]
async fn adding_again_renews_what_is_missing_only() {
    let server = TestProvider::new().await;
    let first = server.enrolment_token(ADA).await;
    let second = server.enrolment_token("ada@example.com").await;
    assert_ne!(first, second);
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
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ADA)
        .await
        .expect("disabled");
    assert!(
        matches!(
            server
                .provider
                .terminal()
                .accounts()
                .add_account(ADA, None)
                .await
                .err(),
            Some(AdministrationError::Conflict(_))
        ),
        "disabled"
    );
    server
        .provider
        .terminal()
        .accounts()
        .enable_account(ADA)
        .await
        .expect("enabled");
    server.add(ADA).await;
    assert!(
        matches!(
            server
                .provider
                .terminal()
                .accounts()
                .add_account(ADA, None)
                .await
                .err(),
            Some(AdministrationError::Conflict(_))
        ),
        "has a password"
    );
    assert_eq!(
        server.provider.enrolment().invitation(&first).await,
        Err(EnrolError::LinkGone)
    );
    server
        .provider
        .sign_in()
        .sign_in_with_password(&server.browser(), ADA, PASSWORD)
        .await
        .expect("signed in");
}

#[tokio::test]
async fn errors_name_what_they_are_about() {
    let server = TestProvider::new().await;
    let of = |result: Result<(), AdministrationError>| result.expect_err("a fault");
    assert_eq!(
        of(server
            .provider
            .terminal()
            .accounts()
            .disable_account("x@example.com")
            .await),
        MissingTarget::Account("x@example.com".to_owned()).into()
    );
    assert_eq!(
        of(server
            .provider
            .terminal()
            .accounts()
            .remove_account("x")
            .await),
        MissingTarget::Account("x".to_owned()).into()
    );
    assert_eq!(
        of(server
            .provider
            .terminal()
            .clients()
            .remove_client("vc_x")
            .await),
        MissingTarget::Client("vc_x".to_owned()).into()
    );
    assert_eq!(
        of(server
            .provider
            .terminal()
            .accounts()
            .add_account("x", None)
            .await
            .map(drop)),
        InvalidInput::Email("x".to_owned()).into()
    );
    assert_eq!(
        of(server
            .provider
            .terminal()
            .accounts()
            .add_account(ADA, Some("short"))
            .await
            .map(drop)),
        InvalidInput::Password(PasswordError::TooShort { minimum: 12 }).into()
    );
    assert!(
        server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("a list")
            .is_empty()
    );
}

#[tokio::test]
async fn clients_are_added_listed_and_removed() {
    let server = TestProvider::new().await;
    let uris = [
        "https://app.example/callback".to_owned(),
        "http://localhost/callback".to_owned(),
    ];
    let public = server
        .provider
        .terminal()
        .clients()
        .add_client(" Notes ", &uris, false)
        .await
        .expect("added");
    assert!(public.client_id.starts_with("vc_") && public.client_secret.is_none());
    let confidential = server
        .provider
        .terminal()
        .clients()
        .add_client("Batch", &uris[..1], true)
        .await
        .expect("added");
    assert!(
        confidential
            .client_secret
            .expect("a secret")
            .starts_with("vcs_")
    );

    let keys = KeySource::at("https://service.example/keys.json".to_owned()).expect("an address");
    let keyed = server
        .provider
        .terminal()
        .clients()
        .add_keyed_client("Service", &uris[..1], keys)
        .await
        .expect("added");
    let clients = server
        .provider
        .terminal()
        .clients()
        .list()
        .await
        .expect("a list");
    assert!(
        clients
            .iter()
            .any(|client| client.client_id == keyed.client_id && client.confidential)
            && keyed.client_secret.is_none()
    );
    server
        .provider
        .terminal()
        .clients()
        .remove_client(&keyed.client_id)
        .await
        .expect("removed");

    let clients = server
        .provider
        .terminal()
        .clients()
        .list()
        .await
        .expect("a list");
    let notes = clients
        .iter()
        .find(|client| client.client_id == public.client_id)
        .expect("it is listed");
    assert_eq!(
        (
            notes.name.as_str(),
            notes.confidential,
            notes.redirect_uris.as_slice()
        ),
        ("Notes", false, uris.as_slice())
    );
    assert_eq!(clients.len(), 2);
    server
        .provider
        .terminal()
        .clients()
        .remove_client(&public.client_id)
        .await
        .expect("removed");
    assert_eq!(
        server
            .provider
            .terminal()
            .clients()
            .list()
            .await
            .expect("a list")
            .len(),
        1
    );

    for (name, uri) in [
        ("", "https://app.example/"),
        ("a\nb", "https://app.example/"),
        ("x", "http://app.example/"),
        ("x", "javascript:alert(1)"),
    ] {
        let fault = server
            .provider
            .terminal()
            .clients()
            .add_client(name, &[uri.to_owned()], false)
            .await
            .err();
        assert!(
            matches!(fault, Some(AdministrationError::Invalid(_))),
            "{name:?} {uri}"
        );
    }
    assert!(
        server
            .provider
            .terminal()
            .clients()
            .add_client("x", &[], false)
            .await
            .is_err()
    );
}

/// A client as a script describes it.
fn described(id: &str, name: &str, uris: &[&str], proof: ClientProof) -> NewClient {
    let redirect_uris = uris.iter().map(ToString::to_string).collect();
    NewClient {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        redirect_uris,
        proof,
    }
}

const ONE: &str = "https://app.example/1";
const TWO: &str = "https://app.example/2";

async fn a_client_that_is_added_again_is_the_same_or_an_error(store: Store) {
    let server = TestProvider::over(store).await;
    let terminal = server.provider.terminal();
    let new = described("billing", "Billing", &[ONE, TWO], ClientProof::Secret);
    let added = terminal
        .clients()
        .create_client(new.clone())
        .await
        .expect("added");
    assert!(added.client_id == "billing" && added.client_secret.is_some() && !added.unchanged);
    for uris in [[ONE, TWO], [TWO, ONE]] {
        let again = terminal
            .clients()
            .create_client(described(
                "billing",
                " Billing ",
                &uris,
                ClientProof::Secret,
            ))
            .await
            .expect("the same");
        assert!(again.unchanged && again.client_secret.is_none());
    }
    let keys = KeySource::at("https://app.example/keys.json".to_owned()).expect("an address");
    for other in [
        NewClient {
            name: "Other".to_owned(),
            ..new.clone()
        },
        NewClient {
            redirect_uris: vec![ONE.to_owned()],
            ..new.clone()
        },
        NewClient {
            proof: ClientProof::None,
            ..new.clone()
        },
        NewClient {
            proof: ClientProof::Keys(keys),
            ..new
        },
    ] {
        let fault = terminal
            .clients()
            .create_client(other)
            .await
            .err()
            .expect("it differs");
        assert!(
            matches!(
                &fault,
                AdministrationError::Conflict(StateConflict::ClientDiffers(_))
            ),
            "{fault}"
        );
    }
    let clients = terminal.clients().list().await.expect("a list");
    assert_eq!(clients.len(), 1);
    assert_eq!(
        (
            clients[0].name.as_str(),
            clients[0].redirect_uris.as_slice()
        ),
        ("Billing", &[ONE.to_owned(), TWO.to_owned()][..])
    );

    // An identifier of the server's own making names one client and no other.
    let made = terminal
        .clients()
        .add_client("Notes", &[ONE.to_owned()], false)
        .await
        .expect("added")
        .client_id;
    assert!(
        terminal
            .clients()
            .create_client(described(&made, "Notes", &[ONE], ClientProof::None))
            .await
            .expect("the same")
            .unchanged
    );
    for id in [
        "vc_mine",
        "https://app.example/client.json",
        "HTTP:x",
        "",
        " x",
        "x\n",
        "\u{e4}",
    ] {
        let fault = terminal
            .clients()
            .create_client(described(id, "X", &[ONE], ClientProof::None))
            .await
            .err();
        assert!(
            matches!(fault, Some(AdministrationError::Invalid(_))),
            "{id:?}"
        );
    }
    assert_eq!(terminal.clients().list().await.expect("a list").len(), 2);
    let events = [
        "client_added | terminal | - | - | Billing | -",
        "client_added | terminal | - | - | Notes | -",
    ];
    assert_eq!(
        crate::audit::lines(&server).await,
        events,
        "adding again is no event"
    );
}

async fn of_many_who_add_one_client_at_once_one_gets_its_secret(store: Store) {
    let server = TestProvider::over(store).await;
    let added = race(16, |_| {
        let terminal = server.provider.terminal();
        async move {
            terminal
                .clients()
                .create_client(described("one", "One", &[ONE], ClientProof::Secret))
                .await
                .expect("the same")
        }
    });
    let added = added.await;
    assert_eq!(
        added
            .iter()
            .filter(|one| one.client_secret.is_some())
            .count(),
        1
    );
    assert_eq!(added.iter().filter(|one| one.unchanged).count(), 15);
}

async fn a_client_that_was_added_can_be_changed(store: Store) {
    let server = TestProvider::over(store).await;
    let terminal = server.provider.terminal();
    terminal
        .clients()
        .create_client(described("app", "App", &[ONE], ClientProof::None))
        .await
        .expect("added");
    let set = |changes: ClientChanges| async {
        server
            .provider
            .terminal()
            .clients()
            .change_client("app", changes)
            .await
    };
    let name = |name: &str| ClientChanges {
        name: Some(name.to_owned()),
        ..ClientChanges::default()
    };
    let proof = |proof| ClientChanges {
        proof: Some(proof),
        ..ClientChanges::default()
    };
    assert_eq!(
        set(name("Application")).await.expect("changed").changed,
        ["name"]
    );
    assert!(
        set(name("Application"))
            .await
            .expect("so already")
            .changed
            .is_empty()
    );
    let uris = ClientChanges {
        redirect_uris: Some(vec![TWO.to_owned(), TWO.to_owned()]),
        ..ClientChanges::default()
    };
    assert_eq!(set(uris).await.expect("changed").changed, ["redirect_uris"]);
    assert!(
        matches!(
            terminal.clients().renew_client_secret("app").await.err(),
            Some(AdministrationError::Conflict(_))
        ),
        "it is public"
    );

    let confidential = set(proof(ClientProof::Secret)).await.expect("changed");
    let first = confidential.client_secret.expect("a secret");
    let again = set(proof(ClientProof::Secret)).await.expect("so already");
    assert!(
        again.changed.is_empty() && again.client_secret.is_none(),
        "the secret stays"
    );
    let second = terminal
        .clients()
        .renew_client_secret("app")
        .await
        .expect("renewed")
        .client_secret
        .expect("a secret");
    assert_ne!(first, second);
    assert_eq!(
        set(proof(ClientProof::None))
            .await
            .expect("changed")
            .client_secret,
        None
    );

    for changes in [
        ClientChanges::default(),
        name(""),
        ClientChanges {
            redirect_uris: Some(Vec::new()),
            ..name("x")
        },
    ] {
        assert!(matches!(
            set(changes).await.err(),
            Some(AdministrationError::Invalid(_))
        ));
    }
    for id in ["nobody", "", "https://app.example/client.json"] {
        let fault = terminal.clients().change_client(id, name("x")).await.err();
        assert!(
            matches!(fault, Some(AdministrationError::NotFound(_))),
            "{id:?}"
        );
        assert!(
            matches!(
                terminal.clients().renew_client_secret(id).await.err(),
                Some(AdministrationError::NotFound(_))
            ),
            "{id:?}"
        );
    }
    let clients = terminal.clients().list().await.expect("a list");
    assert_eq!(
        (
            clients[0].name.as_str(),
            clients[0].redirect_uris.as_slice()
        ),
        ("Application", &[TWO.to_owned()][..])
    );
    let expected = [
        "client_added | terminal | - | - | App | -",
        "client_changed | terminal | - | - | Application | name",
        "client_changed | terminal | - | - | Application | redirect_uris",
        "client_changed | terminal | - | - | Application | authentication",
        "client_secret_made | terminal | - | - | Application | -",
        "client_changed | terminal | - | - | Application | authentication",
    ];
    assert_eq!(crate::audit::lines(&server).await, expected);
}

/// A script may add again what an administrator removed.
async fn a_client_that_comes_back_under_its_id_gets_nothing_of_before(store: Store) {
    let server = TestProvider::over(store).await;
    let terminal = server.provider.terminal();
    let ada = server.ada().await;
    let new = described("app", "App", &[ON_THE_WEB], ClientProof::None);
    terminal
        .clients()
        .create_client(new.clone())
        .await
        .expect("added");
    let client = TestClient::known("app", ON_THE_WEB);
    let tokens = client.connects(&server, &ada).await;
    terminal
        .clients()
        .remove_client("app")
        .await
        .expect("removed");
    assert!(
        !terminal
            .clients()
            .create_client(new)
            .await
            .expect("added")
            .unchanged
    );
    assert!(client.refreshes(&server, &tokens.refresh).await.is_err());
    // Its user is asked again.
    client.waits(&server, &ada).await;
}

async fn adding_never_changes_an_account(store: Store) {
    let server = TestProvider::over(store).await;
    let terminal = server.provider.terminal();
    let ada = server.ada().await;
    for again in [
        terminal
            .accounts()
            .add_account(ADA, Some("another good one"))
            .await,
        terminal
            .accounts()
            .add_account("ada@EXAMPLE.com", None)
            .await,
        terminal
            .accounts()
            .add_pending_account(ADA, Some(Role::User))
            .await,
    ] {
        let fault = again.err().expect("she has an account");
        assert_eq!(fault, StateConflict::AccountExists(ADA.to_owned()).into());
    }
    assert!(server.user(&ada).await.is_some() && server.opens(ADA, PASSWORD).await);

    // A pending account gets another link, and neither a role nor a password.
    let first = terminal
        .accounts()
        .add_pending_account(BOB, None)
        .await
        .expect("added");
    let again = terminal
        .accounts()
        .add_pending_account(BOB, Some(Role::User))
        .await
        .expect("the same");
    assert!(
        !first.invited_again
            && again.invited_again
            && again.link_expires_at > Some(server.provider.now())
    );
    let token = |added: &AddedAccount| {
        added
            .enrolment_link
            .as_ref()
            .and_then(|link| link.rsplit('/').next())
            .expect("a link")
            .to_owned()
    };
    assert_eq!(
        server.provider.enrolment().invitation(&token(&first)).await,
        Err(EnrolError::LinkGone)
    );
    assert!(
        terminal
            .accounts()
            .add_pending_account(BOB, Some(Role::Administrator))
            .await
            .is_err(),
        "another role"
    );
    assert!(
        terminal
            .accounts()
            .add_account(BOB, Some(PASSWORD))
            .await
            .is_err(),
        "a password"
    );
    server
        .provider
        .enrolment()
        .invitation(&token(&again))
        .await
        .expect("what was refused ended no link");
    let bob = terminal
        .accounts()
        .list()
        .await
        .expect("a list")
        .into_iter()
        .find(|one| one.email == BOB)
        .expect("he is there");
    assert!(bob.role == Role::User && !bob.has_password);

    terminal
        .accounts()
        .set_account_password(BOB, PASSWORD)
        .await
        .expect("set");
    assert!(server.opens(BOB, PASSWORD).await);
    assert_eq!(
        server.provider.enrolment().invitation(&token(&again)).await,
        Err(EnrolError::LinkGone)
    );
    terminal
        .accounts()
        .set_account_password(ADA, "another good one")
        .await
        .expect("set");
    assert!(
        server.user(&ada).await.is_none(),
        "a new password ends sessions"
    );
    assert!(matches!(
        terminal.accounts().set_account_password(ADA, "short").await,
        Err(AdministrationError::Invalid(_))
    ));
    assert!(matches!(
        terminal
            .accounts()
            .set_account_password("c@example.com", PASSWORD)
            .await,
        Err(AdministrationError::NotFound(_))
    ));
}

/// Makes of each case, a function of a store, one test for each engine.
macro_rules! on_both_engines {
    ($($case:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(Store::open(&StoreLocation::Memory).await.expect("a store")).await;
            })*
            use super::{StoreLocation, Store};
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let redis = RedisServer::start();
                super::$case(Store::open(&StoreLocation::Redis(redis.url())).await.expect("a store")).await;
            })*
            use super::{StoreLocation, RedisServer, Store};
        }
    };
}

on_both_engines!(
    a_client_that_is_added_again_is_the_same_or_an_error,
    of_many_who_add_one_client_at_once_one_gets_its_secret,
    a_client_that_was_added_can_be_changed,
    a_client_that_comes_back_under_its_id_gets_nothing_of_before,
    adding_never_changes_an_account,
);

#[tokio::test]
async fn an_administrator_cannot_shut_themselves_out() {
    let (server, _, ada) = with_passkey().await;
    let admin = server.provider.administrator(&ada).await.expect("she is");
    for own in [ADA, "ada@EXAMPLE.com", " Ada@example.com "] {
        assert_eq!(
            admin.accounts().disable_account(own).await,
            Err(AdministrationError::Own),
            "{own}"
        );
        assert_eq!(
            admin.accounts().remove_account(own).await,
            Err(AdministrationError::Own)
        );
        for role in [Role::User, Role::Administrator] {
            assert_eq!(
                admin.accounts().set_role(own, role).await,
                Err(AdministrationError::Own)
            );
        }
    }
    assert!(server.provider.administrator(&ada).await.is_ok());
    admin
        .accounts()
        .invite(BOB, Some(Role::Administrator))
        .await
        .expect("invited");
    admin
        .accounts()
        .set_role(BOB, Role::User)
        .await
        .expect("changed");
    admin
        .accounts()
        .disable_account(BOB)
        .await
        .expect("disabled");
    admin.accounts().remove_account(BOB).await.expect("removed");
    server
        .provider
        .terminal()
        .accounts()
        .set_role(ADA, Role::User)
        .await
        .expect("the terminal can");
    assert_eq!(
        server.provider.administrator(&ada).await.err(),
        Some(NotAdministrator::WrongRole),
        "at once"
    );
}

#[tokio::test]
async fn an_invitation_made_again_changes_the_role_only_when_one_is_named() {
    let server = TestProvider::new().await;
    let terminal = server.provider.terminal();
    let first = terminal
        .accounts()
        .add_account(ADA, None)
        .await
        .expect("invited")
        .account;
    assert_eq!(first.role, Role::Administrator, "the first account");
    assert_eq!(
        terminal
            .accounts()
            .add_account(ADA, None)
            .await
            .expect("invited again")
            .account
            .role,
        Role::Administrator
    );
    for role in [Role::User, Role::Administrator] {
        assert_eq!(
            terminal
                .accounts()
                .invite(ADA, Some(role))
                .await
                .expect("invited again")
                .account
                .role,
            role
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_administrators_who_shut_each_other_out_leave_one() {
    let server = TestProvider::new().await;
    settled(&server).await;
    for round in 0..30 {
        let ada = server.ada().await;
        let bob = server.bob().await;
        for email in [ADA, BOB] {
            server
                .provider
                .terminal()
                .accounts()
                .set_role(email, Role::Administrator)
                .await
                .expect("changed");
        }
        let ada = server.provider.administrator(&ada).await.expect("she is");
        let bob = server.provider.administrator(&bob).await.expect("he is");
        let outcomes = race(2, |number| {
            let (admin, other) = if number == 0 {
                (ada.clone(), BOB)
            } else {
                (bob.clone(), ADA)
            };
            async move {
                match round % 3 {
                    0 => admin.accounts().set_role(other, Role::User).await,
                    1 => admin.accounts().disable_account(other).await,
                    _ => admin.accounts().remove_account(other).await,
                }
            }
        })
        .await;
        assert!(
            outcomes.iter().filter(|outcome| outcome.is_ok()).count() < 2,
            "{round} {outcomes:?}"
        );
        let accounts = server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("a list");
        let left = accounts
            .iter()
            .filter(|one| one.role == Role::Administrator && !one.disabled)
            .count();
        assert!(left > 0, "{round} {outcomes:?}");
        for account in accounts {
            server
                .provider
                .terminal()
                .accounts()
                .remove_account(&account.email)
                .await
                .expect("removed");
        }
    }
}

#[tokio::test]
async fn whoever_is_no_administrator_administers_nothing() {
    let server = TestProvider::new().await;
    settled(&server).await;
    let bob = server.bob().await;
    for (context, why) in [
        (&server.browser(), NotAdministrator::NotSignedIn),
        (&bob, NotAdministrator::WrongRole),
    ] {
        assert_eq!(
            server.provider.administrator(context).await.err(),
            Some(why)
        );
    }
    server.pass(Duration::from_mins(10));
    assert_eq!(
        server.provider.administrator(&bob).await.err(),
        Some(NotAdministrator::WrongRole),
        "nothing to confirm"
    );
    let bob = server.sign_in(BOB, PASSWORD).await;
    server
        .provider
        .terminal()
        .accounts()
        .set_role(BOB, Role::Administrator)
        .await
        .expect("changed");
    assert!(server.provider.administrator(&bob).await.is_ok());
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(BOB)
        .await
        .expect("disabled");
    assert_eq!(
        server.provider.administrator(&bob).await.err(),
        Some(NotAdministrator::NotSignedIn)
    );
}

#[tokio::test]
async fn t_c25_what_an_administrator_disables_or_removes_is_out_at_once() {
    let (server, _, ada) = with_passkey().await;
    let admin = server.provider.administrator(&ada).await.expect("she is");
    for removed in [false, true] {
        let bob = server.bob().await;
        let client = TestClient::added(&server, "Claude", ON_THE_WEB).await;
        let refresh = client.connects(&server, &bob).await.refresh;
        let refresh = client
            .refreshes(&server, &refresh)
            .await
            .expect("tokens")
            .refresh_token
            .expect("one");
        if removed {
            admin.accounts().remove_account(BOB).await.expect("removed");
        } else {
            admin
                .accounts()
                .disable_account(BOB)
                .await
                .expect("disabled");
        }
        assert!(server.user(&bob).await.is_none() && !server.opens(BOB, PASSWORD).await);
        assert!(client.refreshes(&server, &refresh).await.is_err());
        if !removed {
            admin.accounts().enable_account(BOB).await.expect("enabled");
            assert!(server.user(&bob).await.is_none() && server.opens(BOB, PASSWORD).await);
            assert!(
                client.refreshes(&server, &refresh).await.is_err(),
                "what ended stays ended"
            );
        }
    }
}

/// Whichever step of a removal fails, it can be repeated, and nothing is left of the account.
#[tokio::test]
async fn a_removal_that_failed_can_be_repeated() {
    for fault in [Fault::NotDone, Fault::AnswerLost] {
        for step in 0.. {
            let (store, plan) = FaultPlan::store().await;
            let server = TestProvider::over(store).await;
            let ada = server.ada().await;
            plan.fail(step..step + 1, fault);
            let outcome = server
                .provider
                .terminal()
                .accounts()
                .remove_account(ADA)
                .await;
            let failed = plan.mend();
            assert!(failed || outcome.is_ok(), "{fault:?} {step}: {outcome:?}");
            let again = server
                .provider
                .terminal()
                .accounts()
                .remove_account(ADA)
                .await;
            assert!(
                matches!(again, Ok(()) | Err(AdministrationError::NotFound(_))),
                "{fault:?} {step}"
            );
            assert!(server.user(&ada).await.is_none(), "{fault:?} {step}");
            assert!(
                server
                    .provider
                    .terminal()
                    .accounts()
                    .list()
                    .await
                    .expect("a list")
                    .is_empty(),
                "{fault:?} {step}"
            );
            server.enrolment_token(ADA).await;
            if !failed {
                break;
            }
        }
    }
}
