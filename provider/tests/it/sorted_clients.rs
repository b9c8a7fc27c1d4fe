//! The list of clients by name: its order, its pages, how it follows changes and removals, and how a
//! store of an earlier release gets it.

use std::collections::BTreeSet;

use provider::{
    ClientChanges, ClientKind, ClientProof, ClientSummary, NewClient, PageRequest, Provider,
    RegisterError, SortOrder, SortedPage,
    backup::{Outstanding, Reader, Unfinished, restore},
};
use store::{Store, Ttl};
use testkit::{
    EngineKind,
    direct::{ADDRESS, ON_THIS_COMPUTER, TestClient, TestProvider},
    race,
};

const LIST: &str = "clients-by-name";
const PROGRESS: &str = "sorting:clients-by-name";
const URI: &str = "https://app.example/callback";

async fn add(server: &TestProvider, name: &str) -> String {
    TestClient::added(server, name, URI).await.id
}

/// A client that registers itself with this metadata: its id, and its registration access token.
async fn register(server: &TestProvider, metadata: &str) -> (String, String) {
    let clients = server.provider.clients();
    let registered = clients.register(metadata.as_bytes(), ADDRESS).await;
    let registered = serde_json::to_value(registered.expect("registered")).expect("JSON");
    let text = |member: &str| registered[member].as_str().expect("a text").to_owned();
    (text("client_id"), text("registration_access_token"))
}

async fn read(provider: &Provider, wanted: &PageRequest) -> SortedPage<ClientSummary> {
    let page = provider.terminal().clients().page(wanted).await;
    page.expect("a page")
}

/// The names of a page, and where the next one begins.
async fn page(
    provider: &Provider,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> (Vec<String>, Option<String>) {
    let wanted = PageRequest {
        order: SortOrder::Name,
        prefix: prefix.to_owned(),
        after: after.map(str::to_owned),
        limit,
    };
    let page = read(provider, &wanted).await;
    let names = page.rows.into_iter().map(|client| client.name);
    (names.collect(), page.next)
}

async fn all(provider: &Provider, prefix: &str) -> Vec<String> {
    page(provider, prefix, None, 1_000).await.0
}

async fn members(store: &Store) -> Vec<String> {
    store.set_range(LIST, None, 10_000).await.expect("members")
}

/// The folded names of the members.
async fn listed(store: &Store) -> Vec<String> {
    let name = |member: String| member.rsplit_once('\t').expect("a member").0.to_owned();
    members(store).await.into_iter().map(name).collect()
}

async fn rename(provider: &Provider, id: &str, name: &str) {
    let changes = ClientChanges {
        name: Some(name.to_owned()),
        ..ClientChanges::default()
    };
    let terminal = provider.terminal();
    let renamed = terminal.clients().change_client(id, changes).await;
    renamed.map(drop).expect("renamed");
}

/// What expiry leaves: a client that is listed, without its record.
async fn expire(store: &Store, id: &str) {
    let key = format!("client:{id}");
    assert!(store.remove(&key).await.expect("removed"), "{id}");
}

/// What an earlier release would have left: the clients without the list.
async fn forget_list(store: &Store) {
    for member in members(store).await {
        store.set_remove(LIST, &member).await.expect("removed");
    }
    store.remove(PROGRESS).await.expect("removed");
}

#[tokio::test]
async fn clients_are_in_the_order_of_their_names_whatever_their_spelling() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for name in [
            "Zed",
            "claude code",
            "Claude",
            "Claude  Code",
            "\u{c9}diteur",
            "Claude-Code",
            "\u{ff23}LAUDE",
        ] {
            add(&server, name).await;
        }
        let folded = [
            "claude",
            "claude",
            "claude code",
            "claude code",
            "claude-code",
            "zed",
            "\u{e9}diteur",
        ];
        assert_eq!(listed(&server.store).await, folded);
        let whole = all(&server.provider, "").await;
        assert_eq!(whole.len(), folded.len());
        let mut turned = Vec::new();
        let mut after = None;
        loop {
            let (rows, next) = page(&server.provider, "", after.as_deref(), 2).await;
            assert!(rows.len() <= 2, "{rows:?}");
            turned.extend(rows);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(turned, whole, "page by page");
    }
}

#[tokio::test]
async fn the_beginning_of_a_name_finds_a_client_in_any_spelling() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for name in [
            "Claude Code",
            "Claudette",
            "C\u{200b}laude Desktop",
            "\u{3a3}\u{3a5}\u{3a3}",
        ] {
            add(&server, name).await;
        }
        for (beginning, found) in [
            ("", 4),
            ("CLAUDE", 3),
            ("claude c", 1),
            ("  Claude   Code ", 1),
            ("c\u{200b}laude d", 1),
            ("\u{ff43}laudet", 1),
            ("\u{3c3}\u{3c5}", 1),
            ("\u{3a3}", 1),
            ("laude", 0),
            ("claudf", 0),
            (&"claude code".repeat(100), 0),
        ] {
            let rows = all(&server.provider, beginning).await;
            assert_eq!(rows.len(), found, "{beginning:?}: {rows:?}");
        }
        let (rows, next) = page(&server.provider, "claude ", None, 2).await;
        assert_eq!(rows, ["Claude Code", "C\u{200b}laude Desktop"]);
        let (rows, next) = page(&server.provider, "claude ", next.as_deref(), 2).await;
        assert_eq!((rows, next), (vec!["Claudette".to_owned()], None));
    }
}

#[tokio::test]
async fn a_client_without_a_name_is_under_its_host() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for uri in ["https://tools.example/callback", ON_THIS_COMPUTER] {
            let metadata = format!(r#"{{"redirect_uris": ["{uri}"]}}"#);
            register(&server, &metadata).await;
        }
        add(&server, "Agent").await;
        assert_eq!(
            listed(&server.store).await,
            ["", "agent", "tools.example"],
            "one on the user's computer has no host"
        );
        assert_eq!(all(&server.provider, "tools.").await, [""]);
    }
}

#[tokio::test]
async fn every_kind_says_how_it_came_to_be_known() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        register(
            &server,
            r#"{"client_name": "B", "redirect_uris": ["https://b.example/cb"]}"#,
        )
        .await;
        add(&server, "A").await;
        let wanted = PageRequest::default();
        let rows = read(&server.provider, &wanted).await.rows;
        let kinds: Vec<_> = rows.into_iter().map(|row| (row.name, row.kind)).collect();
        let expected = [("A", ClientKind::Added), ("B", ClientKind::Registered)];
        assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }
}

#[tokio::test]
async fn a_client_is_under_its_present_name_alone() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let id = add(&server, "Before").await;
        for name in ["After", "AFTER", "Before"] {
            rename(&server.provider, &id, name).await;
            assert_eq!(listed(&server.store).await, [name.to_lowercase()]);
            assert_eq!(all(&server.provider, "").await, [name]);
        }
        assert!(all(&server.provider, "after").await.is_empty());
    }
}

#[tokio::test]
async fn a_registration_that_gets_another_name_moves() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let uris = r#""redirect_uris": ["https://tools.example/callback"]"#;
        let (id, token) = register(
            &server,
            &format!(
                r#"{{"client_name": "Before", {uris}, "token_endpoint_auth_method": "none"}}"#
            ),
        )
        .await;
        for (name, sorted) in [
            (r#""client_name": "After","#, "after"),
            ("", "tools.example"),
        ] {
            let body = format!(
                r#"{{"client_id": "{id}", {name} {uris}, "token_endpoint_auth_method": "none"}}"#
            );
            let clients = server.provider.clients();
            let updated = clients.update_registration(&id, Some(&token), body.as_bytes(), ADDRESS);
            updated.await.map(drop).expect("updated");
            assert_eq!(listed(&server.store).await, [sorted]);
        }
    }
}

/// A process that ends between the change and the list leaves the old member.
#[tokio::test]
async fn members_that_no_longer_fit_are_passed_over_and_put_right() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let id = add(&server, "Beta").await;
        add(&server, "Gamma").await;
        let store = &server.store;
        store
            .set_remove(LIST, &format!("beta\t{id}"))
            .await
            .expect("removed");
        for stale in [
            "aaa\tvc_AAAAAAAAAAAAAAAAAAAAAA",
            "no id",
            &format!("alpha\t{id}"),
        ] {
            store.set_add(LIST, stale).await.expect("listed");
        }
        assert_eq!(all(&server.provider, "").await, ["Gamma"]);
        server.provider.finish_background_tasks().await;
        assert_eq!(listed(store).await, ["beta", "gamma"]);
        assert_eq!(all(&server.provider, "").await, ["Beta", "Gamma"]);
    }
}

#[tokio::test]
async fn a_page_goes_on_after_clients_that_are_gone() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let mut ids = Vec::new();
        for name in ["a", "b", "c", "d"] {
            ids.push(add(&server, name).await);
        }
        let (rows, next) = page(&server.provider, "", None, 2).await;
        assert_eq!(rows, ["a", "b"]);
        let terminal = server.provider.terminal();
        let removed = terminal.clients().remove_client(&ids[1]).await;
        removed.expect("removed");
        expire(&server.store, &ids[2]).await;
        let (rows, next) = page(&server.provider, "", next.as_deref(), 2).await;
        assert_eq!((rows, next), (vec!["d".to_owned()], None));
        assert_eq!(all(&server.provider, "").await, ["a", "d"]);
        server.provider.finish_background_tasks().await;
        assert_eq!(listed(&server.store).await, ["a", "d"], "tidied");
    }
}

/// Nobody reads the list here.
#[tokio::test]
async fn additions_drop_what_expired_clients_leave_wherever_it_is() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for number in 0..300 {
            for letter in ["a", "z"] {
                let gone = format!("{letter}{number}\tvc_AAAAAAAAAAAAAAAAAAAAAA");
                server.store.set_add(LIST, &gone).await.expect("listed");
            }
        }
        for number in 0..160 {
            add(&server, &format!("m{number}")).await;
            server.provider.finish_background_tasks().await;
        }
        let names = listed(&server.store).await;
        let gone = names.iter().filter(|name| !name.starts_with('m'));
        assert_eq!((names.len(), gone.count()), (160, 0));
    }
}

/// Another server may repair the list while a client gets another name.
#[tokio::test]
async fn no_client_is_lost_while_it_is_renamed_and_the_list_is_tidied() {
    const NAMES: [&str; 3] = ["Alpha", "Beta", "Gamma"];
    for (server, _redis) in TestProvider::on_both_engines().await {
        let id = add(&server, NAMES[0]).await;
        let twin = server.twin().await;
        for round in 0..25_usize {
            let providers = [server.provider.clone(), twin.provider.clone()];
            let racing = id.clone();
            race(6, move |racer: usize| {
                let (provider, id) = (providers[racer % 2].clone(), racing.clone());
                async move {
                    if racer < 3 {
                        rename(&provider, &id, NAMES[(racer + round) % 3]).await;
                    } else {
                        all(&provider, "").await;
                    }
                }
            })
            .await;
            server.provider.finish_background_tasks().await;
            twin.provider.finish_background_tasks().await;
            let key = format!("client:{id}");
            let record = server.store.get(&key).await.expect("ok").expect("a record");
            let record: serde_json::Value = serde_json::from_slice(&record).expect("JSON");
            let name = record["name"].as_str().expect("a name").to_owned();
            // The first read after all changes.
            let found = all(&server.provider, &name).await;
            assert_eq!(found, [name], "round {round}");
        }
        all(&server.provider, "").await;
        server.provider.finish_background_tasks().await;
        assert_eq!(listed(&server.store).await.len(), 1);
    }
}

#[tokio::test]
async fn a_registration_beyond_the_limit_is_in_no_list() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let mut registered = 0;
        while let Ok(_known) = TestClient::registered(&server, ON_THIS_COMPUTER).await {
            registered += 1;
            assert!(registered < 1_000, "there is a limit");
        }
        let another = TestClient::registered(&server, ON_THIS_COMPUTER).await;
        assert!(matches!(another.err(), Some(RegisterError::TooMany { .. })));
        server.provider.finish_background_tasks().await;
        let by_id = server.store.set_range("clients", None, 10_000).await;
        assert_eq!(by_id.expect("ids").len(), registered);
        assert_eq!(members(&server.store).await.len(), registered);
    }
}

#[tokio::test]
async fn a_client_that_is_added_again_is_listed_again() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let client = || NewClient {
            id: Some("payroll".to_owned()),
            name: "Payroll".to_owned(),
            redirect_uris: vec![URI.to_owned()],
            proof: ClientProof::None,
        };
        let terminal = server.provider.terminal();
        let added = terminal.clients().create_client(client()).await;
        added.map(drop).expect("added");
        // An attempt that ended before the client was listed.
        let member = members(&server.store).await.remove(0);
        server
            .store
            .set_remove(LIST, &member)
            .await
            .expect("removed");
        let again = terminal.clients().create_client(client()).await;
        assert!(again.expect("the same").unchanged);
        assert_eq!(all(&server.provider, "pay").await, ["Payroll"]);
    }
}

#[tokio::test]
async fn a_store_of_an_earlier_release_gets_the_list_by_several_servers_at_once() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let mut expected = Vec::new();
        for number in 0..600 {
            expected.push(format!("client {number:04}"));
            add(&server, &expected[number]).await;
        }
        server.provider.finish_background_tasks().await;
        forget_list(&server.store).await;
        // A client that this version cannot read.
        let (junk, id) = (b"junk", "vc_AAAAAAAAAAAAAAAAAAAAAA");
        let key = format!("client:{id}");
        let written = server.store.insert(&key, junk, Ttl::Forever).await;
        assert!(written.expect("written"));
        server.store.set_add("clients", id).await.expect("listed");

        let twin = server.twin().await;
        let providers = [server.provider.clone(), twin.provider.clone()];
        race(4, move |racer: usize| {
            let provider: Provider = providers[racer % 2].clone();
            async move { provider.build_sorted_lists().await.expect("built") }
        })
        .await;
        let page = read(&server.provider, &PageRequest::default()).await;
        assert!(!page.is_being_built);
        assert_eq!(page.unreadable, 1);
        let names: Vec<_> = page.rows.into_iter().map(|one| one.name).collect();
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn a_page_of_a_large_store_of_an_earlier_release_says_that_it_is_not_complete() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for name in ["a", "b", "c"] {
            add(&server, name).await;
        }
        forget_list(&server.store).await;
        for number in 0..2_000 {
            let name = format!("!{number}");
            server.store.set_add("clients", &name).await.expect("ok");
        }
        let wanted = PageRequest::default();
        let first = read(&server.provider, &wanted).await;
        assert!(first.is_being_built);
        assert_eq!(first.rows.len(), 0, "they come last");
        // The terminal waits for it.
        let terminal = server.provider.terminal();
        let page = terminal.clients().complete_page(&wanted).await;
        let page = page.expect("a page");
        assert!(!page.is_being_built);
        assert_eq!(page.rows.len(), 3);
    }
}

#[tokio::test]
async fn a_restored_store_has_every_client_in_the_list() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for name in ["a", "b"] {
            add(&server, name).await;
        }
        // A backup of an earlier release, or one that was made while this client was added.
        let member = members(&server.store).await.remove(0);
        server.store.set_remove(LIST, &member).await.expect("ok");
        let mut backup = server.provider.backup("redis").await.expect("begun");
        let mut bytes = Vec::new();
        while let Some(line) = backup.next_line().await.expect("a line") {
            bytes.extend_from_slice(&line);
        }
        for engine in [EngineKind::Memory, EngineKind::Redis] {
            let (store, _redis) = engine.open().await;
            let reader = Reader::new(&bytes[..]);
            let (now, keep) = (server.provider.now(), Outstanding::Keep);
            let restored = restore(&store, reader, now, keep, Unfinished::Refuse).await;
            restored.expect("restored");
            let again = server.over_another(store).await;
            let names: BTreeSet<_> = all(&again.provider, "").await.into_iter().collect();
            assert_eq!(names, ["a", "b"].map(str::to_owned).into());
        }
    }
}
