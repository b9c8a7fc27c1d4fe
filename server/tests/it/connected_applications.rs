//! Connected applications of an account that has many: what its page costs, its pages, and the end of
//! a connection with many grants.

use serde_json::json;
use testkit::{
    Document, EngineKind, native_metadata, on_both_engines,
    routed::{ALICE, Browser, McpClient, TestServer},
};

on_both_engines!(
    the_page_costs_the_same_with_3_and_with_400_grants,
    with_many_grants_of_each_the_page_shows_every_application,
    many_applications_are_shown_page_by_page,
    disconnecting_ends_400_grants_at_the_same_cost_as_one,
    a_withdrawal_that_is_not_tidied_yet_ends_the_grants_all_the_same,
    disconnecting_all_ends_every_grant_at_once,
    grants_of_an_earlier_release_are_shown,
    an_application_whose_consent_has_expired_is_shown_among_many,
    expired_grants_leave_the_list,
);

const PAGE: usize = 50;

async fn at(server: &TestServer, name: &str, host: &str) -> McpClient {
    let mut metadata = native_metadata();
    metadata["client_name"] = json!(name);
    metadata["redirect_uris"] = json!([format!("https://{host}/callback")]);
    McpClient::registered(server, &metadata).await
}

/// A server without rate limits, and Alice's browser.
async fn unlimited(engine: EngineKind) -> (TestServer, Browser) {
    let server = TestServer::with(engine, |settings| settings.rate_limits = false).await;
    server.add_alice().await;
    let browser = Browser::of_alice(&server).await;
    (server, browser)
}

/// Active grants, without pages.
async fn connect_again(browser: &mut Browser, client: &McpClient, times: usize) {
    for _ in 0..times {
        let callback = browser.pass(client).await;
        let code = callback.query.one("code").expect("a code").to_owned();
        client.exchange(&code).await.granted();
    }
}

/// The calls of the store for the account page, and how many records and members were read.
async fn cost(server: &TestServer, browser: &mut Browser) -> (u64, Document) {
    server.provider.finish_background_tasks().await;
    let (calls, page) = server.counting(browser.open("/account")).await;
    assert_eq!(page.page(), "account");
    (calls, page)
}

async fn account_of(server: &TestServer) -> String {
    let terminal = server.provider.terminal();
    let accounts = terminal.accounts().list().await.expect("the accounts");
    let alice = accounts.iter().find(|one| one.email == ALICE);
    alice.expect("Alice").id.to_string()
}

async fn listed(server: &TestServer, list: &str) -> Vec<String> {
    let account = account_of(server).await;
    server.listed(&format!("{list}:{account}")).await
}

async fn the_page_costs_the_same_with_3_and_with_400_grants(engine: EngineKind) {
    let (server, mut browser) = unlimited(engine).await;
    let client = at(&server, "Notebook", "app.example").await;
    client.connect(&mut browser).await;
    connect_again(&mut browser, &client, 2).await;
    let (few, page) = cost(&server, &mut browser).await;
    assert!(
        page.words().contains("connected 3 times"),
        "{}",
        page.words()
    );
    assert!(!page.words().contains("or more"));
    connect_again(&mut browser, &client, 397).await;
    let (many, page) = cost(&server, &mut browser).await;
    assert!(
        page.words().contains("connected 10 times or more"),
        "{}",
        page.words()
    );
    // With more members than are read at first, one more round looks for the name after them.
    assert!(
        many <= few + 1,
        "{few} calls with 3 grants, {many} with 400"
    );
    connect_again(&mut browser, &client, 100).await;
    let (more, _) = cost(&server, &mut browser).await;
    assert_eq!(more, many, "with 500 as with 400");
}

async fn with_many_grants_of_each_the_page_shows_every_application(engine: EngineKind) {
    let (server, mut browser) = unlimited(engine).await;
    for number in 0..6 {
        let client = at(&server, &format!("Tool {number}"), "app.example").await;
        client.connect(&mut browser).await;
        connect_again(&mut browser, &client, 60).await;
    }
    let page = browser.open("/account").await;
    for number in 0..6 {
        assert!(page.words().contains(&format!("Tool {number}")), "{number}");
    }
    assert_eq!(
        page.words().matches("connected 10 times or more").count(),
        6
    );
}

async fn many_applications_are_shown_page_by_page(engine: EngineKind) {
    let (server, mut browser) = unlimited(engine).await;
    let count = 2 * PAGE + 7;
    for number in 0..count {
        let client = at(&server, &format!("Tool {number:03}."), "app.example").await;
        client.connect(&mut browser).await;
    }
    let mut seen = Vec::new();
    let mut path = "/account".to_owned();
    loop {
        let page = browser.open(&path).await;
        let words = page.words();
        let shown: Vec<_> = (0..count)
            .filter(|number| words.contains(&format!("Tool {number:03}. can use")))
            .collect();
        assert!(shown.len() <= PAGE, "{}", shown.len());
        seen.extend(shown);
        let next = page
            .attributes("a", "href")
            .find(|address| address.starts_with("/account?after="));
        let Some(next) = next.and_then(|next| next.split('#').next()) else {
            break;
        };
        assert_ne!(next, path, "it goes on");
        next.clone_into(&mut path);
    }
    assert!(path != "/account", "there are several pages");
    seen.sort_unstable();
    assert_eq!(seen, (0..count).collect::<Vec<_>>());
    // A cursor that is none shows the first page.
    let shown = |page: &Document| page.words().matches(" can use ").count();
    let first = browser.open("/account").await;
    let other = browser.open("/account?after=%00~x").await;
    assert_eq!(shown(&first), PAGE);
    assert_eq!(shown(&other), PAGE);
}

async fn disconnecting_ends_400_grants_at_the_same_cost_as_one(engine: EngineKind) {
    let mut costs = Vec::new();
    for times in [1, 400] {
        let (server, mut browser) = unlimited(engine).await;
        let client = at(&server, "Notebook", "app.example").await;
        let kept = at(&server, "Kept", "kept.example").await;
        let first = client.connect(&mut browser).await;
        let others = kept.connect(&mut browser).await;
        connect_again(&mut browser, &client, times).await;
        let page = browser.open("/account").await;
        let form = page.form("Disconnect Notebook");
        server.provider.finish_background_tasks().await;
        let before = server.twin().await;
        let (calls, answer) = server
            .counting(browser.submit(&form, "Disconnect Notebook"))
            .await;
        assert_eq!(answer.destination(), "/account");
        costs.push(calls);
        client.assert_revoked(&first).await;
        client.at(&before).assert_revoked(&first).await;
        server.provider.finish_background_tasks().await;
        client.assert_revoked(&first).await;
        kept.me(&others.access).await.granted();
        // Each record says so too, and the withdrawal is forgotten.
        let account = account_of(&server).await;
        for grant in listed(&server, "grants").await {
            let record = server.record(&format!("grant:{account}:{grant}")).await;
            let is_kept = record.contains("kept.example");
            assert_eq!(record.contains("\"ended\""), !is_kept, "{record}");
        }
        let withdrawals = server.record(&format!("withdrawals:{account}")).await;
        assert!(withdrawals.contains("\"connections\":{}"), "{withdrawals}");
        let again = client.connect(&mut browser).await;
        client.me(&again.access).await.granted();
    }
    // What follows in the background may have begun before the count ends.
    assert!(costs[1] <= costs[0] + 6, "{costs:?}");
}

async fn a_withdrawal_that_is_not_tidied_yet_ends_the_grants_all_the_same(engine: EngineKind) {
    let (server, mut browser) = unlimited(engine).await;
    let client = at(&server, "Notebook", "app.example").await;
    let tokens = client.connect(&mut browser).await;
    let code = browser.pass(&client).await;
    let code = code.query.one("code").expect("a code").to_owned();
    let account = account_of(&server).await;
    let listed = listed(&server, "grants-by-connection").await;
    let name = &listed[0][..43];
    client.me(&tokens.access).await.granted();
    // As another server has stored it just now.
    let number = server.provider.now().seconds();
    let record = json!({"v": 1, "latest": number, "connections": {name: number}});
    server
        .put_back(&format!("withdrawals:{account}"), &record.to_string())
        .await;
    client
        .me(&tokens.access)
        .await
        .refused(401, "invalid_token");
    client.assert_revoked(&tokens).await;
    client.exchange(&code).await.refused(400, "invalid_grant");
    let page = browser.open("/account").await;
    assert!(
        !page.words().contains("Notebook can use"),
        "{}",
        page.words()
    );
    // What is allowed since then is valid.
    let again = client.connect(&mut browser).await;
    client.me(&again.access).await.granted();
    client.refresh(&again.refresh).await.granted();
}

async fn disconnecting_all_ends_every_grant_at_once(engine: EngineKind) {
    let (server, mut browser) = unlimited(engine).await;
    let mut held = Vec::new();
    for host in ["one.example", "two.example"] {
        let client = at(&server, "Notebook", host).await;
        held.push((client.connect(&mut browser).await, client));
    }
    let page = browser.open("/account").await;
    let form = page.form("Disconnect all");
    browser.submit(&form, "Disconnect all").await;
    for (tokens, client) in &held {
        client.assert_revoked(tokens).await;
        client
            .me(&tokens.access)
            .await
            .refused(401, "invalid_token");
    }
    server.provider.finish_background_tasks().await;
    assert_eq!(listed(&server, "consents").await, Vec::<String>::new());
    for (_, client) in &held {
        let again = client.connect(&mut browser).await;
        client.me(&again.access).await.granted();
    }
}

/// A store of an earlier release has no list of grants by connection.
async fn grants_of_an_earlier_release_are_shown(engine: EngineKind) {
    let (server, mut browser) = unlimited(engine).await;
    let client = at(&server, "Notebook", "app.example").await;
    let tokens = client.connect(&mut browser).await;
    connect_again(&mut browser, &client, 1).await;
    let account = account_of(&server).await;
    let list = format!("grants-by-connection:{account}");
    for member in listed(&server, "grants-by-connection").await {
        server.unlist_directly(&list, &member).await;
    }
    for consent in listed(&server, "consents").await {
        let key = format!("consent:{account}:{}", &consent[..43]);
        server.lose(&key).await;
    }
    let page = browser.open("/account").await;
    assert!(
        !page.words().contains("Notebook can use"),
        "{}",
        page.words()
    );
    let sorting = "sorting:grants-by-connection";
    server.lose(sorting).await;
    // The list is built at the start.
    let twin = server.twin().await;
    let page = browser.at(&twin).open("/account").await;
    assert!(
        page.words().contains("connected 2 times"),
        "{}",
        page.words()
    );
    let form = page.form("Disconnect Notebook");
    browser.submit(&form, "Disconnect Notebook").await;
    client.assert_revoked(&tokens).await;
}

async fn an_application_whose_consent_has_expired_is_shown_among_many(engine: EngineKind) {
    let (server, mut browser) = unlimited(engine).await;
    let account = account_of(&server).await;
    for number in 0..8 {
        let client = at(&server, &format!("Tool {number}"), "app.example").await;
        client.connect(&mut browser).await;
        connect_again(&mut browser, &client, 40).await;
        if number % 2 == 0 {
            continue;
        }
        // Two of them in a row, wherever they are in the list.
        let consents = listed(&server, "consents").await;
        for consent in consents {
            let key = format!("consent:{account}:{}", &consent[..43]);
            if server.record(&key).await.contains(&client.id) {
                server.lose(&key).await;
                let list = format!("consents:{account}");
                server.unlist_directly(&list, &consent).await;
            }
        }
    }
    let page = browser.open("/account").await;
    for number in 0..8 {
        let told = format!("Tool {number} can use");
        assert!(page.words().contains(&told), "{number}: {}", page.words());
    }
}

async fn expired_grants_leave_the_list(engine: EngineKind) {
    let (server, mut browser) = unlimited(engine).await;
    let client = at(&server, "Notebook", "app.example").await;
    client.connect(&mut browser).await;
    let account = account_of(&server).await;
    let members = listed(&server, "grants-by-connection").await;
    for member in &members {
        let key = format!("grant:{account}:{}", &member[53..]);
        server.lose(&key).await;
    }
    browser.open("/account").await;
    server.provider.finish_background_tasks().await;
    assert_eq!(
        listed(&server, "grants-by-connection").await,
        Vec::<String>::new()
    );
}
