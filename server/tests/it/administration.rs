//! The administration pages.

use http::header;
use oauth::Parameters;
use provider::Role;
use serde_json::Value;

use testkit::{
    EngineKind, Query, on_both_engines,
    routed::{ALICE, Browser, ISSUER, McpClient, PASSWORD, TestServer},
};

on_both_engines!(
    t_e41_administration_requires_the_role_and_a_recent_sign_in,
    an_invitation_is_shown_once_and_works_once,
    t_c25_disabling_or_removing_an_account_ends_everything_at_once,
    an_administrator_cannot_lock_themselves_out,
    t_e38_a_blocked_host_is_refused_until_it_is_unblocked,
    failed_requests_are_shown_with_their_fix,
    the_audit_log_is_shown_filtered_exported_and_verified,
    an_added_client_shows_its_secret_once_and_works,
    many_accounts_are_on_pages_that_lead_on_and_are_found_by_their_beginning,
    a_store_failure_is_reported_and_changes_nothing,
);

const SECTIONS: [&str; 6] = [
    "accounts",
    "applications",
    "resources",
    "keys",
    "failures",
    "audit",
];
const RECIPE: &str = "/admin/resources/recipe?for=ts&resource=http%3A%2F%2Flocalhost%3A3000%2Fmcp";
const BOB: &str = "bob@example.com";

/// Every operation, with valid fields for Bob.
fn operations(token: &str) -> Vec<(&'static str, Query)> {
    let with = |pairs: &[(&str, &str)]| {
        pairs.iter().fold(
            Query::default().and("form_token", token),
            |query, (name, value)| query.and(name, value),
        )
    };
    let bob = &[("email", BOB)];
    vec![
        (
            "invite",
            with(&[("email", "eve@example.com"), ("role", "administrator")]),
        ),
        ("disable_account", with(bob)),
        ("enable_account", with(bob)),
        ("reset_account", with(bob)),
        (
            "set_role",
            with(&[("email", BOB), ("role", "administrator")]),
        ),
        ("remove_account", with(bob)),
        (
            "add_client",
            with(&[("name", "X"), ("redirect_uris", "https://x.example/cb")]),
        ),
        ("remove_client", with(&[("client_id", "vc_x")])),
        (
            "disconnect_client",
            with(&[("client_id", "https://app.example/client.json")]),
        ),
        ("block_host", with(&[("host", "evil.example")])),
        ("unblock_host", with(&[("host", "evil.example")])),
        ("rotate_keys", with(&[])),
        (
            "revoke_key",
            with(&[("kid", "k4.pid.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]),
        ),
    ]
}

async fn server_of_alice_and_bob(engine: EngineKind) -> TestServer {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account(BOB, Some(PASSWORD))
        .await
        .expect("Bob enrols");
    server
}

/// All state that administration can change.
async fn state(server: &TestServer) -> String {
    let terminal = server.provider.terminal();
    let accounts = terminal.accounts().list().await.expect("accounts");
    let clients = terminal.clients().list().await.expect("clients");
    let keys = terminal.keys().await.expect("keys");
    let hosts = terminal.clients().blocked_hosts().await.expect("hosts");
    format!("{accounts:?} {clients:?} {keys:?} {hosts:?}")
}

async fn t_e41_administration_requires_the_role_and_a_recent_sign_in(engine: EngineKind) {
    let server = server_of_alice_and_bob(engine).await;
    let mut bob = Browser::new(&server);
    bob.sign_in(BOB, PASSWORD).await;
    let mut new_browser = Browser::new(&server);
    let mut alice = Browser::of_alice(&server).await;
    assert!(
        !bob.open("/account")
            .await
            .words()
            .contains("Administration")
    );
    assert!(
        alice
            .open("/account")
            .await
            .words()
            .contains("Administration")
    );
    let before = state(&server).await;
    let bobs = bob.form_token().await;
    for (action, fields) in operations(&bobs) {
        let refused = bob.post(&format!("/actions/{action}"), &fields).await;
        assert!(
            refused.destination().starts_with("/admin"),
            "{action}: {refused:?}"
        );
    }
    let alices = alice.form_token().await;
    server.pass(300);
    for (action, fields) in operations(&alices) {
        let late = alice.post(&format!("/actions/{action}"), &fields).await;
        assert!(
            late.destination().starts_with("/confirm?then=admin-"),
            "{action}: {late:?}"
        );
    }
    for section in SECTIONS {
        let path = format!("/admin/{section}");
        assert_eq!(new_browser.get(&path).await.destination(), "/login");
        assert_eq!(
            alice.get(&path).await.destination(),
            format!("/confirm?then=admin-{section}")
        );
        let refused = bob.get(&path).await.problem(403);
        assert!(!refused.words().contains(ALICE), "{}", refused.words());
    }
    assert_eq!(
        new_browser.get("/admin/audit.jsonl").await.destination(),
        "/login"
    );
    assert_eq!(
        alice.get("/admin/audit.jsonl").await.destination(),
        "/confirm?then=admin-audit"
    );
    bob.get("/admin/audit.jsonl").await.problem(403);
    assert_eq!(new_browser.get(RECIPE).await.destination(), "/login");
    assert_eq!(
        alice.get(RECIPE).await.destination(),
        "/confirm?then=admin-resources"
    );
    bob.get(RECIPE).await.problem(403);
    assert_eq!(state(&server).await, before);
    let form = alice
        .open("/confirm?then=admin-accounts")
        .await
        .form("Confirm")
        .fill("password", PASSWORD);
    let confirmed = alice.submit(&form, "Confirm").await;
    assert_eq!(
        alice.follow(&confirmed).await.document().page(),
        "admin-accounts"
    );
}

async fn an_invitation_is_shown_once_and_works_once(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let form = alice
        .open("/admin/accounts")
        .await
        .form("Invite")
        .fill("email", BOB)
        .fill("role", "administrator");
    let invited = alice.submit(&form, "Invite").await;
    assert_eq!(
        invited.destination(),
        "/admin/accounts",
        "no link in the address"
    );
    let page = alice.follow(&invited).await.document();
    let link = page
        .attributes("input", "value")
        .find(|value| value.contains("/enroll/"))
        .expect("the link")
        .to_owned();
    let again = alice.open("/admin/accounts").await;
    assert!(
        !again
            .attributes("input", "value")
            .any(|value| value.contains("/enroll/")),
        "shown once"
    );
    assert!(again.words().contains(BOB));

    let path = link.strip_prefix(ISSUER).expect("a page of the server");
    let mut bob = Browser::new(&server);
    let form = bob
        .open(path)
        .await
        .form("Create account")
        .fill("password", PASSWORD);
    assert_eq!(
        bob.submit(&form, "Create account").await.destination(),
        "/account"
    );
    assert_eq!(
        bob.open("/admin/accounts").await.page(),
        "admin-accounts",
        "Bob is what the invitation said"
    );
    Browser::new(&server).get(path).await.problem(410);
}

async fn t_c25_disabling_or_removing_an_account_ends_everything_at_once(engine: EngineKind) {
    for button in ["Disable", "Remove"] {
        let server = server_of_alice_and_bob(engine).await;
        let twin = server.twin().await;
        let mut bob = Browser::new(&server);
        bob.sign_in(BOB, PASSWORD).await;
        let client = McpClient::native(&server).await;
        let tokens = client.connect(&mut bob).await;
        assert_eq!(client.me(&tokens.access).await.status, 200);
        let mut alice = Browser::of_alice(&server).await;
        let words = format!("{button} {BOB}");
        let form = alice.open("/admin/accounts").await.form(&words);
        assert_eq!(
            alice.submit(&form, &words).await.destination(),
            "/admin/accounts"
        );
        for server in [&server, &twin] {
            assert_eq!(
                bob.at(server).get("/account").await.destination(),
                "/login",
                "{button}"
            );
            client
                .at(server)
                .refresh(&tokens.refresh)
                .await
                .refused(400, "invalid_grant");
            assert_eq!(
                client.at(server).me(&tokens.access).await.status,
                401,
                "{button}"
            );
        }
        assert_eq!(server.sign_in(BOB, PASSWORD).await, "/login");
    }
}

async fn an_administrator_cannot_lock_themselves_out(engine: EngineKind) {
    let server = server_of_alice_and_bob(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let token = alice.form_token().await;
    for (action, more) in [
        ("disable_account", None),
        ("remove_account", None),
        ("set_role", Some(("role", "person"))),
    ] {
        let fields = Query::new([("form_token", &token), ("email", &ALICE.to_uppercase())]);
        let fields = more.map_or(fields.clone(), |(name, value)| fields.and(name, value));
        let refused = alice.post(&format!("/actions/{action}"), &fields).await;
        assert!(
            alice.follow(&refused).await.document().alert().is_some(),
            "{action}"
        );
        assert_eq!(
            alice.open("/admin/accounts").await.page(),
            "admin-accounts",
            "{action}"
        );
    }
    server
        .provider
        .terminal()
        .accounts()
        .set_role(BOB, Role::Administrator)
        .await
        .expect("the terminal may");
}

async fn t_e38_a_blocked_host_is_refused_until_it_is_unblocked(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let twin = server.twin().await;
    let mut alice = Browser::of_alice(&server).await;
    let metadata = serde_json::json!({ "redirect_uris": ["https://app.evil.example/callback"], "client_name": "App",
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"] });
    let client = McpClient::registered(&server, &metadata).await;
    let tokens = client.connect(&mut alice).await;
    let form = alice
        .open("/admin/applications")
        .await
        .form("Block")
        .fill("host", "Evil.example");
    assert_eq!(
        alice.submit(&form, "Block").await.destination(),
        "/admin/applications"
    );

    // At once on pages of every server, and at the other endpoints of this one.
    for server in [&server, &twin] {
        let page = alice
            .at(server)
            .get(&client.authorize_path())
            .await
            .problem(400);
        assert!(
            page.words()
                .contains("This application isn't allowed on this server"),
            "{}",
            page.words()
        );
    }
    client
        .refresh(&tokens.refresh)
        .await
        .refused(401, "invalid_client");
    assert_eq!(client.me(&tokens.access).await.status, 401);
    let again = testkit::routed::register(&server, [192, 0, 2, 1].into(), &metadata).await;
    again.refused(400, "invalid_redirect_uri");
    twin.provider
        .blocked_hosts()
        .refresh_blocked()
        .await
        .expect("the store answers");
    client
        .at(&twin)
        .refresh(&tokens.refresh)
        .await
        .refused(401, "invalid_client");

    assert_eq!(
        alice
            .press("/admin/applications", "Unblock evil.example")
            .await
            .destination(),
        "/admin/applications"
    );
    assert_eq!(client.refresh(&tokens.refresh).await.status, 200);
    let unsound = alice
        .open("/admin/applications")
        .await
        .form("Block")
        .fill("host", "not a host");
    let refused = alice.submit(&unsound, "Block").await;
    assert!(alice.follow(&refused).await.document().alert().is_some());
}

async fn failed_requests_are_shown_with_their_fix(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    assert!(
        alice
            .open("/admin/failures")
            .await
            .words()
            .contains("No failed requests"),
        "there are no failures yet"
    );
    let client = McpClient::native(&server).await;
    for _ in 0..3 {
        alice
            .get(
                &client
                    .asking(|query| query.set("redirect_uri", "https://evil.example/cb"))
                    .authorize_path(),
            )
            .await;
    }
    alice
        .get(
            &client
                .asking(|query| query.set("client_id", "<b>nobody</b>"))
                .authorize_path(),
        )
        .await;
    // A text that cannot be a client id is shown without it.
    alice
        .get(
            &client
                .asking(|query| query.set("client_id", "\u{202e}"))
                .authorize_path(),
        )
        .await;
    let code = alice.allow(&client).await;
    server.pass(61);
    client.exchange(&code).await.refused(400, "invalid_grant");
    let page = alice.open("/admin/failures").await;
    let words = page.words();
    for told in [
        "3 times",
        "invalid_grant",
        "<b>nobody</b>",
        "the redirect URI is not registered for this client",
    ] {
        assert!(words.contains(told), "{told}: {words}");
    }
    assert!(!page.tags().any(|tag| tag == "b") && !words.contains('\u{202e}'));
    server.pass(8 * 24 * 3600);
    let mut alice = Browser::of_alice(&server).await;
    assert!(
        !alice
            .open("/admin/failures")
            .await
            .words()
            .contains("nobody"),
        "a week is enough"
    );
}

async fn the_audit_log_is_shown_filtered_exported_and_verified(engine: EngineKind) {
    let server = server_of_alice_and_bob(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let client = McpClient::native(&server).await;
    let code = alice.allow(&client).await;
    server
        .provider
        .token_endpoint()
        .revoke(
            &Parameters::parse(b"client_id=x&token=x"),
            None,
            [192, 0, 2, 1].into(),
        )
        .await
        .ok();
    client.exchange(&code).await.granted();
    client.exchange(&code).await.refused(400, "invalid_grant");

    let of_kind = async |browser: &mut Browser, kind: &str, who: &str| {
        browser
            .open(&format!("/admin/audit?kind={kind}&who={who}"))
            .await
            .words()
    };
    assert!(
        of_kind(&mut alice, "administration", "bob")
            .await
            .contains(BOB)
    );
    assert!(!of_kind(&mut alice, "consents", "bob").await.contains(BOB));
    assert!(of_kind(&mut alice, "replays", "").await.contains(ALICE));

    let export = alice.get("/admin/audit.jsonl").await;
    assert_eq!(
        (export.status.as_u16(), export.header(header::CONTENT_TYPE)),
        (200, Some("application/jsonl"))
    );
    assert_eq!(export.header(header::CACHE_CONTROL), Some("no-store"));
    let events: Vec<Value> = export
        .body
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let numbers: Vec<_> = events
        .iter()
        .map(|event| event["number"].as_u64().expect("a number"))
        .collect();
    assert!(
        numbers.is_sorted()
            && numbers.first() == Some(&1)
            && numbers.len() as u64 == *numbers.last().expect("events")
    );
    let actions: Vec<_> = events
        .iter()
        .map(|event| event["deed"].as_str().expect("a deed"))
        .collect();
    for action in [
        "account_added",
        "signed_in_with_password",
        "signed_out",
        "allowed",
        "code_replayed",
    ] {
        assert!(actions.contains(&action), "{action}: {actions:?}");
    }
    assert!(
        !export.body.contains(PASSWORD) && !export.body.contains(&code),
        "no secret"
    );
    let wanted = alice.get("/admin/audit.jsonl?kind=replays").await;
    assert_eq!(wanted.body.lines().count(), 1);
    let report = server
        .provider
        .terminal()
        .verify_audit()
        .await
        .expect("the store answers");
    assert_eq!(
        (report.faults, report.last),
        (Vec::new(), numbers.last().copied())
    );
    server
        .tamper("event:2", "\"deed\":\"", "\"deed\":\"x")
        .await;
    assert!(
        !server
            .provider
            .terminal()
            .verify_audit()
            .await
            .expect("the store answers")
            .faults
            .is_empty()
    );
}

async fn an_added_client_shows_its_secret_once_and_works(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let token = alice.form_token().await;
    let fields = Query::new([
        ("form_token", token.as_str()),
        ("name", "Agent"),
        ("redirect_uris", "https://agent.example/callback\r\n"),
    ]);
    let added = alice
        .post("/actions/add_client", &fields.and("confidential", "yes"))
        .await;
    let page = alice.follow(&added).await.document();
    let secret = page
        .attributes("input", "value")
        .find(|value| value.starts_with("vcs_"))
        .expect("a secret")
        .to_owned();
    let again = alice.open("/admin/applications").await;
    assert!(
        !again
            .attributes("input", "value")
            .any(|value| value == secret),
        "shown once"
    );
    let [client] = &server
        .provider
        .terminal()
        .clients()
        .list()
        .await
        .expect("the store answers")[..]
    else {
        panic!("one client")
    };
    let client = McpClient::known(
        &server,
        &client.client_id,
        Some(secret),
        "https://agent.example/callback",
    );
    let code = alice.allow(&client).await;
    client.exchange(&code).await.granted();
}

async fn many_accounts_are_on_pages_that_lead_on_and_are_found_by_their_beginning(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    let terminal = server.provider.terminal();
    for number in 10..65 {
        let email = format!("person.{number}@example.com");
        let added = terminal.accounts().add_pending_account(&email, None).await;
        added.unwrap_or_else(|error| panic!("{email}: {error:?}"));
    }
    let mut alice = Browser::of_alice(&server).await;
    let first = alice.open("/admin/accounts?sort=name").await;
    let next = first
        .attributes("a", "href")
        .find(|address| address.starts_with("/admin/accounts?sort=name&after="))
        .expect("a next page")
        .to_owned();
    assert!(first.words().contains("person.58@example.com"));
    assert!(!first.words().contains("person.59@example.com"));
    assert!(!first.words().contains("First page"));
    // Yesterday's link still leads on, though its entry is gone.
    let accounts = terminal.accounts();
    let gone = accounts.remove_account("person.58@example.com").await;
    gone.expect("removed");
    let second = alice.open(&next).await;
    assert!(!second.words().contains("person.57@example.com"));
    assert!(second.words().contains("person.59@example.com"));
    assert!(second.words().contains("person.64@example.com"));
    assert!(second.words().contains("First page"));
    assert!(!second.words().contains("Next"));
    let found = alice.open("/admin/accounts?q=PERSON.2").await;
    assert!(found.words().contains("person.29@example.com"));
    assert!(!found.words().contains("person.30@example.com"));
    let none = alice.open("/admin/accounts?q=erson").await;
    assert!(none.words().contains("No email address starts with"));
}

async fn a_store_failure_is_reported_and_changes_nothing(engine: EngineKind) {
    let server = server_of_alice_and_bob(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let token = alice.form_token().await;
    let before = state(&server).await;
    server.switch.break_writes();
    for (action, fields) in operations(&token) {
        // An operation without a target gets its own error, and the target of an existing one
        // stays.
        let answer = alice.post(&format!("/actions/{action}"), &fields).await;
        assert!(
            answer.destination().starts_with("/admin/"),
            "{action}: {answer:?}"
        );
    }
    server.switch.mend();
    assert_eq!(state(&server).await, before);
    server.switch.break_all();
    for section in SECTIONS {
        alice.get(&format!("/admin/{section}")).await.problem(503);
    }
    alice.get("/admin/audit.jsonl").await.problem(503);
    server.switch.mend();
}
