//! Lists that sort records: their order, their pages, how they follow a change, and how a store of
//! an earlier release gets them.

use provider::{
    PageRequest, Provider, SortOrder,
    backup::{Outstanding, Reader, Unfinished, restore},
};
use store::{Store, Ttl};
use testkit::{
    EngineKind,
    direct::{ADA, TestProvider},
    race,
};

const LIST: &str = "accounts-by-address";
const PROGRESS: &str = "sorting:accounts-by-address";

async fn add(server: &TestProvider, email: &str) {
    let accounts = server.provider.terminal();
    let added = accounts.accounts().add_account(email, None).await;
    added.unwrap_or_else(|error| panic!("{email}: {error:?}"));
}

/// The addresses of a page, and where the next one begins.
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
    let page = provider.terminal().accounts().page(&wanted).await;
    let page = page.expect("a page");
    let emails = page.rows.into_iter().map(|account| account.email);
    (emails.collect(), page.next)
}

async fn all(provider: &Provider, prefix: &str) -> Vec<String> {
    page(provider, prefix, None, 1_000).await.0
}

async fn members(store: &Store) -> Vec<String> {
    let members = store.set_range(LIST, None, 10_000).await.expect("members");
    let address = |member: String| member.rsplit_once(' ').expect("a member").0.to_owned();
    members.into_iter().map(address).collect()
}

/// What an earlier release would have left: the accounts without the list.
async fn forget_list(store: &Store) {
    for member in store.set_range(LIST, None, 10_000).await.expect("members") {
        store.set_remove(LIST, &member).await.expect("removed");
    }
    store.remove(PROGRESS).await.expect("removed");
}

#[tokio::test]
async fn accounts_are_in_the_order_of_their_addresses_whatever_their_spelling() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for email in [
            "Zoe@example.com",
            "bob@example.com",
            "a.b@example.com",
            "Anna@B\u{fc}cher.example",
            "anna@a.example",
            "anna.b@a.example",
        ] {
            add(&server, email).await;
        }
        let in_order = [
            "a.b@example.com",
            "anna.b@a.example",
            "anna@a.example",
            "Anna@xn--bcher-kva.example",
            "bob@example.com",
            "Zoe@example.com",
        ];
        assert_eq!(all(&server.provider, "").await, in_order);
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
        assert_eq!(turned, in_order, "page by page");
    }
}

#[tokio::test]
async fn the_beginning_of_an_address_finds_it_in_any_spelling() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for email in [
            "J\u{fc}rgen@example.com",
            "anna@b\u{fc}cher.example",
            "anna.b@example.com",
            "annb@example.com",
        ] {
            add(&server, email).await;
        }
        for (beginning, found) in [
            ("ANN", 3),
            ("anna", 2),
            ("anna@", 1),
            ("anna@b\u{fc}cher.example", 1),
            ("  anna.b", 1),
            ("j\u{fc}", 1),
            ("ju\u{308}R", 1),
            ("nna", 0),
            ("zz", 0),
            ("annc", 0),
        ] {
            let rows = all(&server.provider, beginning).await;
            assert_eq!(rows.len(), found, "{beginning:?}: {rows:?}");
        }
        let (rows, next) = page(&server.provider, "anna", None, 1).await;
        assert_eq!(rows, ["anna.b@example.com"]);
        let (rows, next) = page(&server.provider, "anna", next.as_deref(), 1).await;
        assert_eq!(rows, ["anna@xn--bcher-kva.example"]);
        assert_eq!(next, None, "annb is no anna");
    }
}

#[tokio::test]
async fn a_page_goes_on_after_an_entry_that_was_removed_meanwhile() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for email in ["a@x.example", "b@x.example", "c@x.example", "d@x.example"] {
            add(&server, email).await;
        }
        let (rows, next) = page(&server.provider, "", None, 2).await;
        assert_eq!(rows, ["a@x.example", "b@x.example"]);
        let terminal = server.provider.terminal();
        for gone in ["b@x.example", "c@x.example"] {
            let removed = terminal.accounts().remove_account(gone).await;
            removed.expect("removed");
        }
        let (rows, next) = page(&server.provider, "", next.as_deref(), 2).await;
        assert_eq!((rows, next), (vec!["d@x.example".to_owned()], None));
        assert_eq!(
            members(&server.store).await,
            ["a@x.example", "d@x.example"],
            "removed with the accounts"
        );
    }
}

#[tokio::test]
async fn an_account_is_under_its_present_address_alone() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        add(&server, ADA).await;
        let terminal = server.provider.terminal();
        for (old, new) in [
            (ADA, "lovelace@example.org"),
            ("lovelace@example.org", "Lovelace@example.org"),
        ] {
            let changed = terminal.accounts().change_email(old, new).await;
            changed.expect("changed");
            assert_eq!(all(&server.provider, "").await, [new]);
            assert_eq!(all(&server.provider, "love").await, [new]);
            assert!(all(&server.provider, ADA).await.is_empty(), "{new}");
        }
        assert_eq!(members(&server.store).await, ["lovelace@example.org"]);
        // An address that another one has stays with that one.
        add(&server, "bob@example.org").await;
        let taken = terminal.accounts();
        let taken = taken.change_email("bob@example.org", "lovelace@example.org");
        taken.await.expect_err("taken");
        assert_eq!(
            members(&server.store).await,
            ["bob@example.org", "lovelace@example.org"]
        );
    }
}

#[tokio::test]
async fn members_that_no_longer_fit_are_passed_over_and_put_right() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for email in ["a@x.example", "b@x.example"] {
            add(&server, email).await;
        }
        let store = &server.store;
        let there = store.set_range(LIST, None, 9).await.expect("members");
        let id = there[0].rsplit_once(' ').expect("a member").1;
        // What is left of an account that is gone, of an earlier address, and of a lost write.
        store.set_remove(LIST, &there[0]).await.expect("removed");
        for stale in [
            "aaa@x.example AAAAAAAAAAAAAAAAAAAAAA",
            "no id",
            &format!("aab@x.example {id}"),
        ] {
            store.set_add(LIST, stale).await.expect("listed");
        }
        assert_eq!(all(&server.provider, "").await, ["b@x.example"]);
        server.provider.finish_background_tasks().await;
        assert_eq!(members(store).await, ["a@x.example", "b@x.example"]);
        assert_eq!(
            all(&server.provider, "").await,
            ["a@x.example", "b@x.example"]
        );
    }
}

#[tokio::test]
async fn a_page_is_full_however_many_members_before_it_no_longer_fit() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for email in ["x@x.example", "y@x.example", "z@x.example"] {
            add(&server, email).await;
        }
        for number in 0..600 {
            let gone = format!("gone{number}@x.example AAAAAAAAAAAAAAAAAAAAAA");
            server.store.set_add(LIST, &gone).await.expect("listed");
        }
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let (more, next) = page(&server.provider, "", after.as_deref(), 2).await;
            rows.extend(more);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(rows, ["x@x.example", "y@x.example", "z@x.example"]);
        server.provider.finish_background_tasks().await;
        let (rows, _) = page(&server.provider, "", None, 2).await;
        assert_eq!(rows, ["x@x.example", "y@x.example"], "and were dropped");
    }
}

#[tokio::test]
async fn a_store_of_an_earlier_release_gets_the_list_by_several_servers_at_once() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        let mut expected = Vec::new();
        for number in 0..700 {
            expected.push(format!("person.{number:04}@example.com"));
            add(&server, &expected[number]).await;
        }
        forget_list(&server.store).await;
        // An account that this version cannot read.
        let (junk, id) = (b"junk", "AAAAAAAAAAAAAAAAAAAAAA");
        let key = format!("account:{id}");
        let written = server.store.insert(&key, junk, Ttl::Forever).await;
        assert!(written.expect("written"));
        server.store.set_add("accounts", id).await.expect("listed");

        let twin = server.twin().await;
        let providers = [server.provider.clone(), twin.provider.clone()];
        race(4, move |racer: usize| {
            let provider: Provider = providers[racer % 2].clone();
            async move { provider.build_sorted_lists().await.expect("built") }
        })
        .await;
        let wanted = PageRequest::default();
        let page = server.provider.terminal().accounts().page(&wanted).await;
        let page = page.expect("a page");
        assert!(!page.is_being_built);
        assert_eq!(page.unreadable, 1);
        let emails: Vec<_> = page.rows.into_iter().map(|one| one.email).collect();
        assert_eq!(emails, expected);
    }
}

#[tokio::test]
async fn a_page_of_a_large_store_of_an_earlier_release_says_that_it_is_not_complete() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for number in 0..3 {
            add(&server, &format!("person.{number}@example.com")).await;
        }
        forget_list(&server.store).await;
        for number in 0..2_000 {
            let name = format!("!{number}");
            server.store.set_add("accounts", &name).await.expect("ok");
        }
        let wanted = PageRequest::default();
        let terminal = server.provider.terminal();
        let first = terminal.accounts().page(&wanted).await.expect("a page");
        assert!(first.is_being_built);
        assert_eq!(first.rows.len(), 0, "they come last");
        // The terminal waits for it.
        let page = terminal.accounts().complete_page(&wanted).await;
        let page = page.expect("a page");
        let progress = server.store.get(PROGRESS).await.expect("ok").expect("some");
        assert!(
            !page.is_being_built,
            "{}",
            String::from_utf8_lossy(&progress)
        );
        assert_eq!(page.rows.len(), 3);
    }
}

#[tokio::test]
async fn a_restored_store_has_every_account_in_the_list() {
    for (server, _redis) in TestProvider::on_both_engines().await {
        for email in ["a@x.example", "b@x.example"] {
            add(&server, email).await;
        }
        // A backup of an earlier release, or one that was made while this account was added.
        let there = server.store.set_range(LIST, None, 1).await;
        let member = &there.expect("members")[0];
        server.store.set_remove(LIST, member).await.expect("ok");
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
            assert_eq!(
                all(&again.provider, "").await,
                ["a@x.example", "b@x.example"]
            );
        }
    }
}
