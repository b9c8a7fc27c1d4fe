//! The page of the applications: its order, its search, its pages, and what a row says.

use provider::{ClientChanges, PageRequest};
use serde_json::json;
use testkit::{
    Document, EngineKind, native_metadata, on_both_engines,
    routed::{Browser, McpClient, TestServer, register},
};

on_both_engines!(
    clients_of_every_kind_are_in_one_list_by_name,
    many_applications_are_on_pages_that_lead_on_and_are_found_by_their_beginning,
    a_page_says_why_it_is_empty,
    a_large_list_of_an_earlier_release_is_said_to_be_incomplete,
    a_client_that_gets_its_name_back_during_the_change_is_found,
    a_client_that_gets_another_name_during_a_repair_is_found,
);

const PAGE: &str = "/admin/applications";
const BY_NAME: &str = "/admin/applications?sort=name";
const CALLBACK: &str = "https://app.example/callback";

async fn add(server: &TestServer, name: &str) -> String {
    let terminal = server.provider.terminal();
    let clients = terminal.clients();
    let added = clients
        .add_client(name, &[CALLBACK.to_owned()], false)
        .await;
    added
        .unwrap_or_else(|error| panic!("{name}: {error:?}"))
        .client_id
}

fn next(page: &Document) -> Option<String> {
    let mut links = page.attributes("a", "href");
    let next = links.find(|address| address.contains("after="));
    next.map(str::to_owned)
}

async fn clients_of_every_kind_are_in_one_list_by_name(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut metadata = native_metadata();
    metadata["client_name"] = json!("Beta");
    McpClient::registered(&server, &metadata).await;
    for name in ["gamma", "Alpha"] {
        add(&server, name).await;
    }
    let mut alice = Browser::of_alice(&server).await;
    let words = alice.open(BY_NAME).await.words();
    let place = |name: &str| {
        words
            .find(name)
            .unwrap_or_else(|| panic!("{name} in {words}"))
    };
    let rows = [
        "Alpha at app.example · added manually",
        "Beta on the user's computer · registered itself",
        "gamma at app.example · added manually",
    ];
    let places = rows.map(place);
    assert!(places.is_sorted(), "{words}");
}

async fn many_applications_are_on_pages_that_lead_on_and_are_found_by_their_beginning(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    let mut ids = Vec::new();
    for number in 10..65 {
        ids.push(add(&server, &format!("Tool {number}")).await);
    }
    let mut alice = Browser::of_alice(&server).await;
    let first = alice.open(BY_NAME).await;
    let onward = next(&first).expect("a next page");
    assert!(first.words().contains("Tool 59"));
    assert!(!first.words().contains("Tool 60"));
    assert!(!first.words().contains("First page"));
    // Yesterday's link still leads on, though its entry is gone.
    let terminal = server.provider.terminal();
    let gone = terminal.clients().remove_client(&ids[49]).await;
    gone.expect("removed");
    let second = alice.open(&onward).await;
    assert!(!second.words().contains("Tool 58"));
    assert!(second.words().contains("Tool 60"));
    assert!(second.words().contains("Tool 64"));
    assert!(second.words().contains("First page"));
    assert_eq!(next(&second), None);

    let found = alice.open("/admin/applications?q=TOOL+2").await;
    assert!(found.words().contains("Tool 29"));
    assert!(!found.words().contains("Tool 30"));
    // A search leads on within what it found.
    let many = alice.open("/admin/applications?q=tool").await;
    let onward = next(&many).expect("a next page");
    assert!(onward.contains("q=tool"), "{onward}");
    assert!(alice.open(&onward).await.words().contains("Tool 64"));
}

async fn a_page_says_why_it_is_empty(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    assert!(alice.open(PAGE).await.words().contains("No applications."));
    add(&server, "Tool").await;
    let none = alice.open("/admin/applications?q=ool").await.words();
    assert!(
        none.contains("No application name starts with") && none.contains("Show all applications"),
        "{none}"
    );
    // Of many registrations that have expired, a page passes over some hundreds at once.
    for number in 0..1_000 {
        let member = format!("a{number}\tvc_AAAAAAAAAAAAAAAAAAAAAA");
        server.list_directly("clients-by-name", &member).await;
    }
    let page = alice.open(BY_NAME).await;
    assert!(
        page.words()
            .contains("The list continues on the next page."),
        "{}",
        page.words()
    );
    assert!(next(&page).is_some());
    let mut page = page;
    let mut turns = 0;
    while let Some(onward) = next(&page) {
        page = alice.open(&onward).await;
        turns += 1;
        assert!(turns < 9, "{}", page.words());
    }
    assert!(page.words().contains("Tool at app.example"));
}

async fn a_large_list_of_an_earlier_release_is_said_to_be_incomplete(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    register(&server, [192, 0, 2, 9].into(), &native_metadata()).await;
    for number in 0..2_000 {
        let name = format!("!{number}");
        server.list_directly("clients", &name).await;
    }
    server.lose("sorting:clients-by-use").await;
    let mut alice = Browser::of_alice(&server).await;
    let words = alice.open(PAGE).await.words();
    assert!(words.contains("being rebuilt"), "{words}");
    let built = server.provider.build_sorted_lists().await;
    built.expect("built");
    let words = alice.open(PAGE).await.words();
    assert!(!words.contains("being rebuilt"), "{words}");
}

async fn rename(server: &TestServer, id: &str, name: &str) {
    let changes = ClientChanges {
        name: Some(name.to_owned()),
        ..ClientChanges::default()
    };
    let terminal = server.provider.terminal();
    let renamed = terminal.clients().change_client(id, changes).await;
    renamed.map(drop).expect("renamed");
}

/// The names of a page of those that begin with a text.
async fn found(server: &TestServer, beginning: &str) -> Vec<String> {
    let wanted = PageRequest {
        prefix: beginning.to_owned(),
        ..PageRequest::default()
    };
    let terminal = server.provider.terminal();
    let page = terminal.clients().page(&wanted).await.expect("a page");
    page.rows.into_iter().map(|client| client.name).collect()
}

/// The name under which the first reader after a change looks.
async fn assert_found_by_its_name(server: &TestServer, id: &str, answers: u64) {
    let record = server.record(&format!("client:{id}")).await;
    let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
    let name = record["name"].as_str().expect("a name");
    assert_eq!(found(server, name).await, [name], "after {answers} answers");
}

/// The later change, which wins, lists the name that the earlier one is about to unlist.
async fn a_client_that_gets_its_name_back_during_the_change_is_found(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let id = add(&server, "Alpha").await;
    let mut answers = 1;
    loop {
        rename(&server, &id, "Alpha").await;
        server.provider.finish_background_tasks().await;
        let change = rename(&server, &id, "Beta");
        let back = rename(&server, &id, "Alpha");
        let ((), came) = Box::pin(server.between(answers, change, back)).await;
        server.provider.finish_background_tasks().await;
        assert_found_by_its_name(&server, &id, answers).await;
        if !came {
            break;
        }
        answers += 1;
    }
    assert!(answers > 4, "{answers}: it came between the steps");
}

/// The repair is about to remove the member that the change makes the right one.
async fn a_client_that_gets_another_name_during_a_repair_is_found(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let id = add(&server, "Alpha").await;
    let mut answers = 1;
    loop {
        rename(&server, &id, "Alpha").await;
        server.provider.finish_background_tasks().await;
        // A process that ended during a change.
        let misfit = format!("beta\t{id}");
        server.list_directly("clients-by-name", &misfit).await;
        let repair = async {
            found(&server, "").await;
            server.provider.finish_background_tasks().await;
        };
        let change = rename(&server, &id, "Beta");
        let ((), came) = Box::pin(server.between(answers, repair, change)).await;
        server.provider.finish_background_tasks().await;
        assert_found_by_its_name(&server, &id, answers).await;
        if !came {
            break;
        }
        answers += 1;
    }
    assert!(answers > 4, "{answers}: it came between the steps");
}
