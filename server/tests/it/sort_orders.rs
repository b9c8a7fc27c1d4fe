//! The order of the pages of accounts and applications: how it is chosen, and where it is kept.

use testkit::{
    Document, EngineKind, on_both_engines,
    routed::{Browser, McpClient, PASSWORD, TestServer},
};

on_both_engines!(
    accounts_are_sorted_by_sign_in_by_age_and_by_address,
    applications_are_sorted_by_use_by_age_and_by_name,
    an_action_leads_back_to_the_same_place_of_the_list,
);

const CALLBACK: &str = "https://app.example/callback";

fn assert_in_order(page: &Document, names: &[&str]) {
    let words = page.words();
    let place = |name: &&str| {
        words
            .find(*name)
            .unwrap_or_else(|| panic!("{name} in {words}"))
    };
    let places: Vec<_> = names.iter().map(place).collect();
    assert!(places.is_sorted(), "{names:?} in {words}");
}

/// The addresses of the orders, and which is marked as the current one.
fn orders(page: &Document, path: &str) -> (Vec<String>, Vec<String>) {
    let links = page.all_attributes().filter(|(name, address)| {
        *name == "href" && address.split('?').next() == Some(path) && !address.contains("after=")
    });
    let current = page.all_attributes();
    let current = current.filter(|(name, value)| *name == "aria-current" && *value == "true");
    (
        links.map(|(_, address)| address.to_owned()).collect(),
        current.map(|(_, value)| value.to_owned()).collect(),
    )
}

async fn add_account(server: &TestServer, email: &str) {
    let terminal = server.provider.terminal();
    let accounts = terminal.accounts();
    let added = accounts.add_account(email, Some(PASSWORD)).await;
    added.map(drop).expect("added");
    server.pass(60);
}

async fn accounts_are_sorted_by_sign_in_by_age_and_by_address(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    server.pass(60);
    for email in ["cy@example.com", "bo@example.com"] {
        add_account(&server, email).await;
    }
    let mut alice = Browser::of_alice(&server).await;
    let path = "/admin/accounts";
    let alice_row = "alice@example.com ·";
    let bo = "bo@example.com ·";
    let cy = "cy@example.com ·";
    for default in ["", "?sort=used", "?sort=size", "?sort=", "?sort=%00"] {
        let page = alice.open(&format!("{path}{default}")).await;
        let words = page.words();
        assert!(words.contains("last signed in just now"), "{words}");
        assert_in_order(&page, &["Administrator · active", bo, cy]);
        let (links, current) = orders(&page, path);
        let expected = [
            path,
            path,
            "/admin/accounts?sort=newest",
            "/admin/accounts?sort=name",
        ];
        assert_eq!(
            (links, current.len()),
            (expected.map(str::to_owned).to_vec(), 1)
        );
    }
    let newest = alice.open("/admin/accounts?sort=newest").await;
    assert_in_order(&newest, &[bo, cy, "Administrator · active"]);
    assert!(
        newest.words().contains("added 1 minute ago"),
        "{}",
        newest.words()
    );
    let named = alice.open("/admin/accounts?sort=name").await;
    assert_in_order(&named, &["alice@example.com", bo, cy]);
    let found = alice.open("/admin/accounts?q=b&sort=newest").await;
    assert!(!found.words().contains("Sort by"), "{}", found.words());
    assert!(!found.words().contains(alice_row));
    let mut someone = Browser::new(&server);
    someone.sign_in("cy@example.com", PASSWORD).await;
    server.pass(1);
    let page = alice.open(path).await;
    assert_in_order(&page, &[cy, "Administrator · active", bo]);
}

async fn applications_are_sorted_by_use_by_age_and_by_name(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut clients = Vec::new();
    for name in ["beta", "gamma", "alpha"] {
        let mut metadata = testkit::native_metadata();
        metadata["client_name"] = serde_json::json!(name);
        clients.push(McpClient::registered(&server, &metadata).await);
        server.pass(60);
    }
    let mut alice = Browser::of_alice(&server).await;
    let path = "/admin/applications";
    let never = alice.open(path).await;
    assert_in_order(&never, &["alpha on", "gamma on", "beta on"]);
    clients[0].connect(&mut alice).await;
    server.provider.finish_background_tasks().await;
    let used = alice.open(path).await;
    assert_in_order(
        &used,
        &["beta on", "last used just now", "alpha on", "gamma on"],
    );
    let newest = alice.open("/admin/applications?sort=newest").await;
    assert_in_order(&newest, &["alpha on", "gamma on", "beta on"]);
    let named = alice.open("/admin/applications?sort=name").await;
    assert_in_order(&named, &["alpha on", "beta on", "gamma on"]);
    // What is sought is in the order of names, and the form keeps the order for afterwards.
    let found = alice.open("/admin/applications?q=a&sort=newest").await;
    assert!(!found.words().contains("beta on"), "{}", found.words());
    let mut values = found.attributes("input", "value");
    assert!(values.any(|value| value == "newest"));
}

async fn an_action_leads_back_to_the_same_place_of_the_list(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let terminal = server.provider.terminal();
    for number in 10..65 {
        let email = format!("person.{number}@example.com");
        let added = terminal.accounts().add_pending_account(&email, None).await;
        added.map(drop).expect("added");
        let uris = [CALLBACK.to_owned()];
        let name = format!("Tool {number}");
        let added = terminal.clients().add_client(&name, &uris, false).await;
        added.map(drop).expect("added");
    }
    let mut alice = Browser::of_alice(&server).await;
    for (path, button) in [
        ("/admin/accounts?sort=name", "Disable person.64@example.com"),
        ("/admin/applications?sort=name", "Remove Tool 64"),
    ] {
        let first = alice.open(path).await;
        let mut links = first.attributes("a", "href");
        let next = links.find(|address| address.contains("after="));
        let next = next.expect("a next page").to_owned();
        assert!(next.starts_with(path), "{next}");
        let form = alice.open(&next).await.form(button);
        let done = alice.submit(&form, button).await;
        assert_eq!(done.destination(), next);
        let shown = alice.follow(&done).await.document();
        assert!(shown.words().contains("First page"), "{}", shown.words());
    }
    // Nothing else of an address is taken over.
    let form = alice
        .open("/admin/accounts?q=person.10&x=//evil.example")
        .await;
    let form = form.form("Disable person.10@example.com");
    let action = "/actions/disable_account?q=person.10&next=//evil.example&sort=https:evil";
    let fields = form.press("Disable person.10@example.com");
    let done = alice.post(action, &fields);
    assert_eq!(done.await.destination(), "/admin/accounts?q=person.10");
}
