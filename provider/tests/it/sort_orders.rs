//! The orders of the lists of accounts and clients: by last use, and by age.

use std::time::Duration;

use provider::{EnrolmentSource, PageRequest, Provider, SortOrder};
use store::Store;
use testkit::{
    EngineKind, FaultSwitch,
    direct::{
        ADA, ADDRESS, Authenticator, Browser, ON_THIS_COMPUTER, PASSWORD, TestClient, TestProvider,
        settled,
    },
};

const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);
const LISTS: [&str; 6] = [
    "accounts-by-address",
    "accounts-by-creation",
    "accounts-by-sign-in",
    "clients-by-creation",
    "clients-by-name",
    "clients-by-use",
];

fn wanted(order: SortOrder, after: Option<&str>, limit: usize) -> PageRequest {
    PageRequest {
        order,
        prefix: String::new(),
        after: after.map(str::to_owned),
        limit,
    }
}

/// The addresses of a page, and where the next one begins.
async fn accounts(provider: &Provider, wanted: &PageRequest) -> (Vec<String>, Option<String>) {
    let page = provider.terminal().accounts().page(wanted).await;
    let page = page.expect("a page");
    let emails = page.rows.into_iter().map(|account| account.email);
    (emails.collect(), page.next)
}

/// The names of a page, and where the next one begins.
async fn clients(provider: &Provider, wanted: &PageRequest) -> (Vec<String>, Option<String>) {
    let page = provider.terminal().clients().page(wanted).await;
    let page = page.expect("a page");
    let names = page.rows.into_iter().map(|client| client.name);
    (names.collect(), page.next)
}

async fn all_accounts(server: &TestProvider, order: SortOrder) -> Vec<String> {
    accounts(&server.provider, &wanted(order, None, 1_000))
        .await
        .0
}

async fn all_clients(server: &TestProvider, order: SortOrder) -> Vec<String> {
    clients(&server.provider, &wanted(order, None, 1_000))
        .await
        .0
}

async fn members(store: &Store, list: &str) -> Vec<String> {
    store.set_range(list, None, 10_000).await.expect("members")
}

/// What an earlier release would have left: the records without these lists.
async fn forget_lists(store: &Store) {
    for list in LISTS {
        for member in members(store, list).await {
            store.set_remove(list, &member).await.expect("removed");
        }
        store
            .remove(&format!("sorting:{list}"))
            .await
            .expect("removed");
    }
}

/// Three accounts, a minute between them: a, b, c.
async fn add_three(server: &TestProvider) {
    for email in ["a@x.example", "b@x.example", "c@x.example"] {
        server.add(email).await;
        server.pass(MINUTE);
    }
}

/// A client that registers itself under a name.
async fn register(server: &TestProvider, name: &str) -> TestClient {
    let metadata = serde_json::json!({
        "client_name": name,
        "redirect_uris": [ON_THIS_COMPUTER],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let body = metadata.to_string();
    let registry = server.provider.clients();
    let registered = registry.register(body.as_bytes(), ADDRESS);
    let registered = serde_json::to_value(registered.await.expect("registered")).expect("JSON");
    let id = registered["client_id"].as_str().expect("an id");
    TestClient::known(id, ON_THIS_COMPUTER)
}

#[tokio::test]
async fn accounts_are_in_the_order_of_their_last_sign_in_and_of_their_age() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        add_three(&server).await;
        let newest = ["c@x.example", "b@x.example", "a@x.example"];
        assert_eq!(all_accounts(&server, SortOrder::Newest).await, newest);
        let never = all_accounts(&server, SortOrder::Used).await;
        assert_eq!(never, newest, "the newest of those who never signed in");
        for (email, expected) in [
            ("a@x.example", ["a@x.example", "c@x.example", "b@x.example"]),
            ("b@x.example", ["b@x.example", "a@x.example", "c@x.example"]),
            ("a@x.example", ["a@x.example", "b@x.example", "c@x.example"]),
        ] {
            server.pass(MINUTE);
            server.sign_in(email, PASSWORD).await;
            // Without waiting for anything that is done after the answer.
            assert_eq!(all_accounts(&server, SortOrder::Used).await, expected);
        }
        assert_eq!(all_accounts(&server, SortOrder::Newest).await, newest);
        server.provider.finish_background_tasks().await;
        for list in &LISTS[..3] {
            assert_eq!(members(&server.store, list).await.len(), 3, "{list}");
        }
    }
}

#[tokio::test]
async fn every_way_to_sign_in_moves_an_account_to_the_front() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let (mut authenticator, _ada) = settled(&server).await;
        let first = |server: &TestProvider| {
            let provider = server.provider.clone();
            async move {
                accounts(&provider, &wanted(SortOrder::Used, None, 1))
                    .await
                    .0
            }
        };
        assert_eq!(first(&server).await, [ADA], "by her first passkey");
        server.pass(MINUTE);
        let token = server.enrolment_token("new@x.example").await;
        let mut another = Authenticator::new(2);
        let link = EnrolmentSource::Link(&token);
        let browser = server.browser();
        let came = another.comes_in(&server, &browser, link, "new@x.example");
        came.await.map(drop).expect("accepted");
        assert_eq!(first(&server).await, ["new@x.example"], "by an invitation");
        server.pass(MINUTE);
        let signed_in = authenticator.signs_in(&server, &server.browser()).await;
        let mut ada = Browser::from(&server, 3);
        ada.keep_all(&signed_in.expect("signed in"));
        assert_eq!(first(&server).await, [ADA], "by her passkey");
        let credentials = server.provider.credentials();
        let made = credentials.make_recovery_codes(&ada.context()).await;
        ada.keep(&made.expect("made"));
        let shown = credentials.fresh_recovery_codes(&ada.context()).await;
        let (codes, _) = shown.expect("the store answers").expect("codes");
        server.pass(MINUTE);
        another
            .signs_in(&server, &server.browser())
            .await
            .map(drop)
            .expect("signed in");
        assert_eq!(first(&server).await, ["new@x.example"]);
        server.pass(MINUTE);
        let mut elsewhere = Browser::from(&server, 2);
        assert!(elsewhere.use_recovery_code(ADA, &codes[0]).await);
        assert_eq!(first(&server).await, [ADA], "by a recovery code");
        server.provider.finish_background_tasks().await;
        let listed = members(&server.store, "accounts-by-sign-in").await;
        assert_eq!(listed.len(), 2, "{listed:?}");
    }
}

#[tokio::test]
async fn clients_are_in_the_order_of_their_last_use_and_of_their_age() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let ada = server.ada().await;
        let mut known = Vec::new();
        for name in ["A", "B", "C"] {
            known.push(register(&server, name).await);
            server.pass(MINUTE);
        }
        assert_eq!(
            all_clients(&server, SortOrder::Newest).await,
            ["C", "B", "A"]
        );
        assert_eq!(all_clients(&server, SortOrder::Used).await, ["C", "B", "A"]);
        let tokens = known[0].connects(&server, &ada).await;
        assert_eq!(all_clients(&server, SortOrder::Used).await, ["A", "C", "B"]);
        server.pass(MINUTE);
        known[1].connects(&server, &ada).await;
        assert_eq!(all_clients(&server, SortOrder::Used).await, ["B", "A", "C"]);
        // The use of a client is noted once a day, so another one on this day moves nothing.
        let refreshed = known[0].refreshes(&server, &tokens.refresh).await;
        let refreshed = refreshed.expect("tokens").refresh_token.expect("one");
        server.provider.finish_background_tasks().await;
        assert_eq!(all_clients(&server, SortOrder::Used).await, ["B", "A", "C"]);
        server.pass(DAY);
        known[0]
            .refreshes(&server, &refreshed)
            .await
            .expect("tokens");
        server.provider.finish_background_tasks().await;
        assert_eq!(all_clients(&server, SortOrder::Used).await, ["A", "B", "C"]);
        assert_eq!(
            all_clients(&server, SortOrder::Newest).await,
            ["C", "B", "A"]
        );
        for list in &LISTS[3..] {
            assert_eq!(members(&server.store, list).await.len(), 3, "{list}");
        }
    }
}

/// An entry that moves to the front is not read twice, and none is left out.
#[tokio::test]
async fn a_page_goes_on_while_entries_move_and_go() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        add_three(&server).await;
        server.add("d@x.example").await;
        let page = wanted(SortOrder::Used, None, 2);
        let (rows, next) = accounts(&server.provider, &page).await;
        assert_eq!(rows, ["d@x.example", "c@x.example"]);
        server.sign_in("c@x.example", PASSWORD).await;
        let terminal = server.provider.terminal();
        let removed = terminal.accounts().remove_account("b@x.example").await;
        removed.expect("removed");
        let page = wanted(SortOrder::Used, next.as_deref(), 2);
        let (rows, next) = accounts(&server.provider, &page).await;
        assert_eq!((rows, next), (vec!["a@x.example".to_owned()], None));
        server.provider.finish_background_tasks().await;
        let first = all_accounts(&server, SortOrder::Used).await;
        assert_eq!(first, ["c@x.example", "d@x.example", "a@x.example"]);
        server.provider.finish_background_tasks().await;
        let listed = members(&server.store, "accounts-by-sign-in").await;
        assert_eq!(listed.len(), 3, "what was removed is dropped: {listed:?}");
    }
}

/// A process that ends between the record and the list leaves the old member.
#[tokio::test]
async fn a_member_of_another_time_is_passed_over_and_put_right() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        add_three(&server).await;
        let list = "accounts-by-sign-in";
        let before = members(&server.store, list).await;
        server.sign_in("a@x.example", PASSWORD).await;
        let moved = members(&server.store, list).await;
        let new = moved.iter().find(|member| !before.contains(member));
        let old = before.iter().find(|member| !moved.contains(member));
        let new = new.expect("listed");
        let old = old.expect("unlisted");
        server.store.set_remove(list, new).await.expect("removed");
        server.store.set_add(list, old).await.expect("listed");
        let rows = all_accounts(&server, SortOrder::Used).await;
        assert_eq!(rows, ["c@x.example", "b@x.example"]);
        server.provider.finish_background_tasks().await;
        let rows = all_accounts(&server, SortOrder::Used).await;
        assert_eq!(rows, ["a@x.example", "c@x.example", "b@x.example"]);
        assert_eq!(members(&server.store, list).await, moved);
    }
}

#[tokio::test]
async fn a_search_is_in_the_order_of_names_whatever_order_is_wanted() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        add_three(&server).await;
        server.sign_in("b@x.example", PASSWORD).await;
        for order in SortOrder::ALL {
            let search = PageRequest {
                prefix: "b".to_owned(),
                ..wanted(order, None, 9)
            };
            let (rows, next) = accounts(&server.provider, &search).await;
            assert_eq!((rows, next), (vec!["b@x.example".to_owned()], None));
        }
    }
}

#[tokio::test]
async fn a_store_of_an_earlier_release_gets_every_order() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let ada = server.ada().await;
        server.pass(MINUTE);
        add_three(&server).await;
        let client = register(&server, "A").await;
        server.pass(MINUTE);
        register(&server, "B").await;
        client.connects(&server, &ada).await;
        server.provider.finish_background_tasks().await;
        let mut before = Vec::new();
        for order in SortOrder::ALL {
            before.push((
                all_accounts(&server, order).await,
                all_clients(&server, order).await,
            ));
        }
        forget_lists(&server.store).await;
        let twin = server.twin().await;
        twin.provider.build_sorted_lists().await.expect("built");
        for (order, before) in SortOrder::ALL.into_iter().zip(before) {
            let after = (
                all_accounts(&server, order).await,
                all_clients(&server, order).await,
            );
            assert_eq!(after, before, "{order:?}");
        }
    }
}

#[tokio::test]
async fn what_expired_clients_leave_is_dropped_from_every_list() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for number in 0..120 {
            for list in &LISTS[3..] {
                let gone = format!("{number:020}\tvc_AAAAAAAAAAAAAAAAAAAAAA");
                server.store.set_add(list, &gone).await.expect("listed");
            }
        }
        for number in 0..100 {
            TestClient::added(&server, &format!("m{number}"), "https://app.example/cb").await;
            server.provider.finish_background_tasks().await;
        }
        for list in &LISTS[3..] {
            let listed = members(&server.store, list).await;
            assert_eq!(listed.len(), 100, "{list}");
        }
    }
}

#[tokio::test]
async fn a_page_in_any_order_costs_one_range_and_one_batch_of_reads() {
    let (store, _redis) = EngineKind::Redis.open().await;
    let (store, switch) = FaultSwitch::around(store);
    let server = TestProvider::over(store).await;
    for number in 0..130 {
        let email = format!("person.{number}@x.example");
        let terminal = server.provider.terminal();
        let added = terminal.accounts().add_account(&email, None).await;
        added.map(drop).expect("added");
        TestClient::added(&server, &format!("m{number}"), "https://app.example/cb").await;
    }
    server.provider.finish_background_tasks().await;
    for order in SortOrder::ALL {
        let page = wanted(order, None, 50);
        let before = switch.calls();
        let (rows, next) = accounts(&server.provider, &page).await;
        assert_eq!((rows.len(), next.is_some()), (50, true));
        // How far the list is built, the range, the records.
        assert_eq!(switch.calls() - before, 3, "accounts, {order:?}");
        let before = switch.calls();
        let (rows, next) = clients(&server.provider, &page).await;
        assert_eq!((rows.len(), next.is_some()), (50, true));
        // The same, and the blocked hosts.
        assert_eq!(switch.calls() - before, 4, "clients, {order:?}");
    }
}
