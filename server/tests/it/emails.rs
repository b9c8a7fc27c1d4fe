//! Non-ASCII addresses, changes of addresses, refused passwords, and ended links, on the pages.

use testkit::{
    EngineKind, on_both_engines, race,
    routed::{ALICE, Browser, PASSWORD, TestServer},
};

on_both_engines!(
    a_non_ascii_address_signs_in_in_every_spelling,
    two_spellings_are_one_account,
    an_invalid_address_is_refused,
    a_user_can_change_their_address,
    of_two_users_who_claim_one_address_one_gets_it,
    a_common_password_is_refused_at_its_field,
    an_administrator_can_withdraw_a_pending_link,
    an_address_without_a_dot_causes_a_warning,
);

const JURGEN: &str = "j\u{fc}rgen@b\u{fc}cher.example";
const SHOWN: &str = "j\u{fc}rgen@xn--bcher-kva.example";

async fn a_non_ascii_address_signs_in_in_every_spelling(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let added = server
        .provider
        .terminal()
        .accounts()
        .add_account(JURGEN, Some(PASSWORD))
        .await
        .expect("added");
    assert_eq!(added.account.email, SHOWN);
    for spelling in [
        JURGEN,
        SHOWN,
        "ju\u{308}rgen@bu\u{308}cher.example",
        " J\u{dc}RGEN@B\u{dc}CHER.Example ",
    ] {
        let mut browser = Browser::new(&server);
        assert_eq!(
            browser.sign_in(spelling, PASSWORD).await.destination(),
            "/account",
            "{spelling}"
        );
        assert!(browser.open("/account").await.words().contains(SHOWN));
    }
    // The field accepts letters that browsers refuse in a field of the type "email".
    let page = Browser::new(&server).open("/login").await;
    let boxes: Vec<_> = page.attributes("input", "type").collect();
    assert!(!boxes.contains(&"email"), "{boxes:?}");
    assert!(
        page.attributes("input", "inputmode")
            .any(|mode| mode == "email")
    );
}

async fn two_spellings_are_one_account(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let terminal = server.provider.terminal();
    terminal
        .accounts()
        .add_account(JURGEN, Some(PASSWORD))
        .await
        .expect("added");
    for spelling in [
        SHOWN,
        "ju\u{308}rgen@b\u{fc}cher.example",
        "J\u{fc}rgen@XN--BCHER-KVA.example",
    ] {
        assert!(
            terminal
                .accounts()
                .add_account(spelling, Some(PASSWORD))
                .await
                .is_err(),
            "{spelling}"
        );
        assert!(
            terminal.accounts().invite(spelling, None).await.is_err(),
            "{spelling}"
        );
    }
    assert_eq!(terminal.accounts().list().await.expect("accounts").len(), 2);
}

async fn an_invalid_address_is_refused(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    for wrong in [
        "<img/src=x>\"'@x.example",
        "\u{430}lice@example.com",
        "alice@ex\u{430}mple.com",
        "a..b@example.com",
        "a@b@c",
    ] {
        assert!(
            server
                .provider
                .terminal()
                .accounts()
                .add_account(wrong, Some(PASSWORD))
                .await
                .is_err(),
            "{wrong}"
        );
        let form = alice
            .open("/admin/accounts")
            .await
            .form("Invite")
            .fill("email", wrong)
            .fill("role", "person");
        let refused = alice.submit(&form, "Invite").await;
        let page = alice.follow(&refused).await.document();
        assert!(page.words().contains("Enter an email address"), "{wrong}");
    }
    assert_eq!(
        server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("accounts")
            .len(),
        1
    );
}

async fn a_user_can_change_their_address(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", Some(PASSWORD))
        .await
        .expect("Bob enrols");
    let mut alice = Browser::of_alice(&server).await;
    for (wrong, told) in [
        ("bob@example.com", "You can't use this email address"),
        ("nobody", "Enter an email address"),
    ] {
        let form = alice
            .open("/account")
            .await
            .form("Save email address")
            .fill("email", wrong);
        let refused = alice.submit(&form, "Save email address").await;
        let page = alice.follow(&refused).await.document();
        assert!(
            page.alert().is_some_and(|alert| alert.contains(told)),
            "{wrong}"
        );
    }
    let form = alice
        .open("/account")
        .await
        .form("Save email address")
        .fill("email", JURGEN);
    let saved = alice.submit(&form, "Save email address").await;
    let page = alice.follow(&saved).await.document().words();
    assert!(
        page.contains(SHOWN) && page.contains("Email address changed"),
        "{page}"
    );
    assert!(
        page.contains(&format!("You changed your email address from {ALICE}")),
        "{page}"
    );
    assert_eq!(server.sign_in(JURGEN, PASSWORD).await, "/account");
    assert_eq!(server.sign_in(ALICE, PASSWORD).await, "/login");
    server
        .provider
        .terminal()
        .accounts()
        .add_account(ALICE, Some(PASSWORD))
        .await
        .expect("the old address is free");
    server.pass(301);
    let form = alice
        .open("/account")
        .await
        .form("Save email address")
        .fill("email", "alice@example.org");
    assert_eq!(
        alice
            .submit(&form, "Save email address")
            .await
            .destination(),
        "/confirm?then=account"
    );
}

async fn of_two_users_who_claim_one_address_one_gets_it(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let twin = server.twin().await;
    let terminal = server.provider.terminal();
    let users: Vec<_> = (0..6)
        .map(|number| format!("person{number}@example.com"))
        .collect();
    for user in &users {
        terminal
            .accounts()
            .add_account(user, Some(PASSWORD))
            .await
            .expect("added");
    }
    let done = race(users.len(), |number| {
        let server = if number % 2 == 0 {
            server.clone()
        } else {
            twin.clone()
        };
        let user = users[number].clone();
        async move {
            server
                .provider
                .terminal()
                .accounts()
                .change_email(&user, "one@example.com")
                .await
                .is_ok()
        }
    })
    .await;
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
    let accounts = terminal.accounts().list().await.expect("accounts");
    assert_eq!(
        accounts
            .iter()
            .filter(|account| account.email == "one@example.com")
            .count(),
        1
    );
    assert_eq!(
        server.sign_in("one@example.com", PASSWORD).await,
        "/account"
    );
}

async fn a_common_password_is_refused_at_its_field(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    assert!(
        alice
            .open("/account")
            .await
            .words()
            .contains("At least 12 characters"),
        "an administrator without a passkey"
    );
    for (password, told) in [
        ("password1234", "This password is too common"),
        ("alice@example.com", "too similar to your email address"),
        ("short one", "at least 12 characters"),
    ] {
        let form = alice
            .open("/account")
            .await
            .form("Save password")
            .fill("password", password);
        let refused = alice.submit(&form, "Save password").await;
        let page = alice.follow(&refused).await.document();
        assert!(
            page.alert().is_some_and(|alert| alert.contains(told)),
            "{password}: {:?}",
            page.alert()
        );
    }
    assert_eq!(server.sign_in(ALICE, PASSWORD).await, "/account");
}

async fn an_administrator_can_withdraw_a_pending_link(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let terminal = server.provider.terminal();
    terminal
        .accounts()
        .add_account("bob@example.com", Some(PASSWORD))
        .await
        .expect("Bob enrols");
    let mut alice = Browser::of_alice(&server).await;
    assert!(
        !alice
            .open("/admin/accounts")
            .await
            .words()
            .contains("A one-time link to this account is active")
    );
    let first = terminal
        .accounts()
        .reset_account("bob@example.com")
        .await
        .expect("a link");
    let second = terminal
        .accounts()
        .reset_account("bob@example.com")
        .await
        .expect("a link");
    let path = |link: &str| {
        link.split_once(".example")
            .map(|(_, path)| path.to_owned())
            .expect("a path")
    };
    let mut bob = Browser::new(&server);
    bob.get(&path(&first)).await.problem(410);
    bob.open(&path(&second)).await;
    let page = alice.open("/admin/accounts").await;
    assert!(
        page.words()
            .contains("A one-time link to this account is active")
    );
    let form = page.form("Cancel link");
    let withdrawn = alice.submit(&form, "Cancel link").await;
    let page = alice.follow(&withdrawn).await.document().words();
    assert!(
        page.contains("The one-time link for bob@example.com was canceled.")
            && !page.contains("A one-time link to this account is active"),
        "{page}"
    );
    bob.get(&path(&second)).await.problem(410);
}

async fn an_address_without_a_dot_causes_a_warning(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let form = alice
        .open("/admin/accounts")
        .await
        .form("Invite")
        .fill("email", "bob@local")
        .fill("role", "person");
    let invited = alice.submit(&form, "Invite").await;
    assert!(
        alice
            .follow(&invited)
            .await
            .document()
            .words()
            .contains("has no dot")
    );
    let form = alice
        .open("/account")
        .await
        .form("Save email address")
        .fill("email", "alice@local");
    let saved = alice.submit(&form, "Save email address").await;
    assert!(
        alice
            .follow(&saved)
            .await
            .document()
            .words()
            .contains("has no dot")
    );
}
