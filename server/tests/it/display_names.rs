//! The names that users have: who sets them, and which resource is told.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use jose::UnverifiedJwt;
use oauth::{Digest, resource::Disclosed};
use primitives::{JwtType, SigningAlgorithm, TokenFormat};
use provider::{AdministrationError, AuditAction, AuditFilter, InvalidInput, NewAccount, Settings};
use serde_json::{Value, json};
use testkit::{
    EngineKind, Query, basic, on_both_engines,
    routed::{ALICE, Browser, McpClient, PASSWORD, TestResponse, TestServer, Tokens, request},
};

on_both_engines!(
    a_user_chooses_and_removes_their_name,
    an_unfit_name_is_refused_at_its_field,
    another_site_cannot_choose_a_name,
    an_administrator_names_users,
    a_new_account_may_have_a_name,
    tokens_and_introspection_name_the_user_after_consent,
    one_sentence_tells_of_name_and_address,
    proxies_are_told_the_name_as_it_is_now,
);

const SECRET: &str = "vis_the-secret-of-the-notes";
const BOB: &str = "bob@example.com";
/// In the composed form; `TYPED` is how a keyboard may write it.
const JURGEN: &str = "J\u{fc}rgen \u{1f98a} M\u{fc}ller";
const TYPED: &str = "  Ju\u{308}rgen\u{a0}\u{1f98a} Mu\u{308}ller ";
const JWT: TokenFormat = TokenFormat::Jwt {
    algorithm: SigningAlgorithm::Es256,
    jwt_type: JwtType::AccessToken,
};
const NAME: Disclosed = Disclosed {
    email: false,
    name: true,
};
const BOTH: Disclosed = Disclosed {
    email: true,
    name: true,
};

fn notes(settings: &mut Settings, format: TokenFormat, disclosed: Disclosed) {
    let notes = &mut settings.resources[0];
    notes.id = Some("notes".to_owned());
    notes.introspection_secret = Some(Digest::of(SECRET.as_bytes()));
    notes.token_format = format;
    notes.disclosed = disclosed;
}

async fn serving(engine: EngineKind, format: TokenFormat, disclosed: Disclosed) -> TestServer {
    let server = TestServer::with(engine, |settings| notes(settings, format, disclosed)).await;
    server.add_alice().await;
    server
}

/// Saves a name on the page of the account; the answer is the page that follows.
async fn choose(browser: &mut Browser, name: &str) -> testkit::Document {
    let form = browser.open("/account").await.form("Save name");
    let saved = browser.submit(&form.fill("name", name), "Save name").await;
    assert_eq!(saved.destination(), "/account");
    browser.follow(&saved).await.document()
}

async fn name_of(server: &TestServer, email: &str) -> Option<String> {
    let terminal = server.provider.terminal();
    let accounts = terminal.accounts().list().await.expect("accounts");
    let mut accounts = accounts.iter();
    let account = accounts.find(|account| account.email == email);
    account.expect("an account").name.clone()
}

/// What the audit log says of names, oldest first.
async fn noted(server: &TestServer) -> Vec<(AuditAction, Option<String>)> {
    let terminal = server.provider.terminal();
    let all = terminal.audit_export(&AuditFilter::default(), 0, 100).await;
    let about_names = [
        AuditAction::NameSet,
        AuditAction::NameRemoved,
        AuditAction::AccountNameSet,
        AuditAction::AccountNameRemoved,
    ];
    let all = all.expect("the log").into_iter();
    all.map(|entry| (entry.event.action, entry.event.about))
        .filter(|(action, _)| about_names.contains(action))
        .collect()
}

/// The claims of a token, of either format.
fn claims(token: &str) -> Value {
    if let Some(paseto) = token.strip_prefix("v4.public.") {
        let payload = paseto.split('.').next().expect("a payload");
        let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
        return serde_json::from_slice(&payload[..payload.len() - 64]).expect("claims");
    }
    let jwt = UnverifiedJwt::<Value>::parse(token, &["at+jwt"]).expect("a JWT");
    jwt.unverified_claims().clone()
}

async fn introspected(server: &TestServer, token: &str) -> Value {
    let form = Query::new([("token", token)]).encode();
    let asked = request(Method::POST, "/introspect")
        .header("authorization", basic("notes", SECRET))
        .header("content-type", "application/x-www-form-urlencoded");
    let asked = asked.body(form.into()).expect("a request");
    server.send(asked).await.json()
}

async fn a_user_chooses_and_removes_their_name(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    assert!(
        alice
            .open("/account")
            .await
            .words()
            .contains("No name set.")
    );
    // It is no credential, so that an older sign-in will do.
    server.pass(301);
    let page = choose(&mut alice, TYPED).await;
    let words = page.words();
    assert!(
        words.contains("Name saved")
            && words.contains(&format!("You changed your name to {JURGEN}")),
        "{words}"
    );
    let mut values = page.attributes("input", "value");
    assert!(values.any(|value| value == JURGEN), "to be changed");
    assert_eq!(name_of(&server, ALICE).await.as_deref(), Some(JURGEN));
    // The same once more is no change.
    choose(&mut alice, JURGEN).await;
    let page = choose(&mut alice, " ").await.words();
    assert!(
        page.contains("No name set.") && page.contains("You removed your name"),
        "{page}"
    );
    assert_eq!(name_of(&server, ALICE).await, None);
    assert_eq!(
        noted(&server).await,
        [
            (AuditAction::NameSet, Some(JURGEN.to_owned())),
            (AuditAction::NameRemoved, None),
        ]
    );
    let mut alice = Browser::of_alice(&server).await;
    let log = alice.open("/admin/audit").await.words();
    assert!(
        log.contains(&format!("{ALICE} changed their name to {JURGEN}")),
        "{log}"
    );
}

async fn an_unfit_name_is_refused_at_its_field(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    choose(&mut alice, "Alice").await;
    let long = "a".repeat(65);
    for unfit in [
        long.as_str(),
        "Ali\u{202e}ce",
        "Ali\u{200b}ce",
        "Alice\r\nVestibule-Scope: all",
        "Ali\0ce",
        "Ali\u{2028}ce",
    ] {
        let page = choose(&mut alice, unfit).await;
        let alert = page.alert().unwrap_or_default();
        assert!(alert.contains("Use at most 64 characters"), "{alert}");
        let mut invalid = page.attributes("input", "aria-invalid");
        assert_eq!(invalid.next(), Some("true"));
        assert!(page.words().contains("Alice"), "it is as it was");
        let terminal = server.provider.terminal();
        let refused = terminal.accounts().set_name(ALICE, unfit).await.err();
        let maximum = 64;
        assert_eq!(
            refused,
            Some(AdministrationError::Invalid(InvalidInput::DisplayName {
                maximum
            }))
        );
    }
    let page = choose(&mut alice, &long).await;
    let values = page.attributes("input", "value");
    let kept = values.filter(|value| *value == long).count();
    assert_eq!(kept, 1, "to be made shorter, and in no other field");
    assert_eq!(name_of(&server, ALICE).await.as_deref(), Some("Alice"));
    assert_eq!(noted(&server).await.len(), 1);
}

async fn another_site_cannot_choose_a_name(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    for token in ["", "x"] {
        let fields = Query::new([("form_token", token), ("name", "Mallory")]);
        alice.post("/actions/change_name", &fields).await;
    }
    let token = alice.form_token().await;
    let fields = Query::new([("form_token", token.as_str()), ("name", "Mallory")]);
    let mut stranger = Browser::new(&server);
    stranger.post("/actions/change_name", &fields).await;
    assert_eq!(name_of(&server, ALICE).await, None);
    assert!(noted(&server).await.is_empty());
}

async fn an_administrator_names_users(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let terminal = server.provider.terminal();
    let added = terminal.accounts().add_account(BOB, Some(PASSWORD)).await;
    added.expect("added");
    let mut alice = Browser::of_alice(&server).await;
    let mut save = async |name: &str| {
        let form = alice.open("/admin/accounts").await.form("Save name");
        let saved = alice.submit(&form.fill("name", name), "Save name").await;
        alice.follow(&saved).await.document().words()
    };
    let page = save(TYPED).await;
    assert!(
        page.contains(&format!("The name of {BOB} is now J"))
            && page.contains(&format!("{BOB} {JURGEN}")),
        "{page}"
    );
    let page = save("x\u{202e}y").await;
    assert!(
        page.contains("a name can have at most 64 characters"),
        "{page}"
    );
    assert_eq!(name_of(&server, BOB).await.as_deref(), Some(JURGEN));
    let page = save("").await;
    assert!(
        page.contains(&format!("The name of {BOB} was removed")),
        "{page}"
    );
    assert_eq!(name_of(&server, BOB).await, None);
    let unknown = terminal.accounts().set_name("x@example.com", "X").await;
    assert!(matches!(unknown, Err(AdministrationError::NotFound(_))));
    assert_eq!(
        noted(&server).await,
        [
            (AuditAction::AccountNameSet, Some(JURGEN.to_owned())),
            (AuditAction::AccountNameRemoved, None),
        ]
    );
    let mut bob = Browser::new(&server);
    bob.sign_in(BOB, PASSWORD).await;
    let told = bob.open("/account").await.words();
    let told_name = format!("An administrator changed your name to {JURGEN}");
    assert!(told.contains(&told_name), "{told}");
    let fields = Query::new([
        ("form_token", bob.form_token().await.as_str()),
        ("email", ALICE),
        ("name", "Mallory"),
    ]);
    bob.post("/actions/set_name", &fields).await;
    assert_eq!(
        name_of(&server, ALICE).await,
        None,
        "Bob administers nothing"
    );
}

async fn a_new_account_may_have_a_name(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let terminal = server.provider.terminal();
    let named = |email: &str, name: &str| NewAccount {
        email: email.to_owned(),
        name: Some(name.to_owned()),
    };
    let accounts = terminal.accounts();
    let added = accounts
        .add_account(named(BOB, TYPED), Some(PASSWORD))
        .await;
    assert_eq!(added.expect("added").account.name.as_deref(), Some(JURGEN));
    let waits = accounts.add_account(named("c@example.com", "Carol"), None);
    let waits = waits.await.expect("added");
    assert_eq!(waits.account.name.as_deref(), Some("Carol"));
    // One that waits already is not changed.
    let again = accounts.add_account(named("c@example.com", "Caroline"), None);
    let again = again.await.expect("another link");
    assert_eq!(again.account.name.as_deref(), Some("Carol"));
    let unfit = accounts.add_account(named("d@example.com", "D\u{202e}"), None);
    assert!(unfit.await.is_err());
    assert_eq!(accounts.list().await.expect("accounts").len(), 3);
}

async fn tokens_and_introspection_name_the_user_after_consent(engine: EngineKind) {
    for format in [TokenFormat::Paseto, JWT] {
        let before = Disclosed {
            email: true,
            name: false,
        };
        let server = serving(engine, format, before).await;
        let client = McpClient::native(&server).await;
        let mut browser = Browser::of_alice(&server).await;
        choose(&mut browser, TYPED).await;
        let earlier = client.connect(&mut browser).await;
        assert_eq!(claims(&earlier.access)["scope"], "notes:read email");
        assert_eq!(claims(&earlier.access).get("name"), None);
        // Who allowed the address did not allow the name.
        let twin = server
            .twin_with(|settings| notes(settings, format, BOTH))
            .await;
        let (client, mut browser) = (client.at(&twin), browser.at(&twin));
        let refreshed = Tokens::read(&client.refresh(&earlier.refresh).await);
        assert_eq!(claims(&refreshed.access)["email"], ALICE);
        assert_eq!(claims(&refreshed.access).get("name"), None);
        assert_eq!(
            introspected(&twin, &refreshed.access).await.get("name"),
            None
        );
        // They are asked again, and see what is new.
        let page = browser.consent_page(&client).await.words();
        assert!(
            page.contains("See your email address New See your name")
                || page.contains("See your email address See your name New"),
            "{page}"
        );
        let allowed = client.connect(&mut browser).await;
        let told = claims(&allowed.access);
        assert_eq!(told["scope"], "notes:read email name");
        assert_eq!([&told["email"], &told["name"]], [ALICE, JURGEN]);
        let told = introspected(&twin, &allowed.access).await;
        assert_eq!(
            [&told["username"], &told["email"], &told["name"]],
            [ALICE, ALICE, JURGEN]
        );
        // Another name is in the next token, also where the client narrows its scopes.
        choose(&mut browser, "Alice").await;
        let narrowed = client.asking(|form| form.set("scope", "notes:read"));
        let next = Tokens::read(&narrowed.refresh(&allowed.refresh).await);
        assert_eq!(claims(&next.access)["name"], "Alice");
        assert_eq!(introspected(&twin, &allowed.access).await["name"], "Alice");
        choose(&mut browser, "").await;
        let next = Tokens::read(&client.refresh(&next.refresh).await);
        assert_eq!(claims(&next.access).get("name"), None);
        assert_eq!(claims(&next.access)["scope"], "notes:read email name");
        assert_eq!(introspected(&twin, &next.access).await.get("name"), None);
        // The setting is gone again.
        choose(&mut browser, "Alice").await;
        let told = introspected(&server, &next.access).await;
        assert_eq!(
            [&told["active"], &told["scope"], &told["email"]],
            [&json!(true), &json!("notes:read email"), &json!(ALICE)]
        );
        assert_eq!(told.get("name"), None);
    }
}

async fn one_sentence_tells_of_name_and_address(engine: EngineKind) {
    for (disclosed, sentence) in [
        (NAME, "See your name"),
        (BOTH, "See your name and email address"),
    ] {
        let server = serving(engine, TokenFormat::Paseto, disclosed).await;
        let client = McpClient::native(&server).await;
        let mut browser = Browser::of_alice(&server).await;
        let page = browser.consent_page(&client).await.words();
        assert_eq!(page.matches("See your").count(), 1, "{page}");
        assert!(page.contains(sentence), "{page}");
        assert!(!page.contains("New "), "{page}");
        client.connect(&mut browser).await;
        let page = browser.open("/account").await.words();
        assert!(page.contains(sentence), "{page}");
    }
}

async fn proxies_are_told_the_name_as_it_is_now(engine: EngineKind) {
    let server = serving(engine, TokenFormat::Paseto, NAME).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let ask = async || {
        let question = request(Method::GET, "/forward-auth/notes")
            .header("authorization", format!("Bearer {}", tokens.access))
            .header("vestibule-name", "Mallory");
        let question = question.body(axum::body::Body::empty());
        let answer = server.send(question.expect("a request")).await;
        assert_eq!(answer.status, 200);
        answer
    };
    let told = |answer: &TestResponse| {
        let mut values = answer.headers.get_all("vestibule-name").iter();
        let value = values.next().expect("the header").as_bytes().to_vec();
        assert_eq!(values.next(), None, "it is there once");
        let assertion = answer.header("vestibule-assertion").expect("an assertion");
        let jwt = UnverifiedJwt::<Value>::parse(assertion, &["vestibule-assertion+jwt"]);
        let claims = jwt.expect("an assertion").unverified_claims().clone();
        assert_eq!(claims.get("email"), None);
        let asserted = claims.get("name").and_then(Value::as_str);
        (
            String::from_utf8(value).expect("UTF-8"),
            asserted.map(str::to_owned),
        )
    };
    assert_eq!(told(&ask().await), (String::new(), None), "no name yet");
    for name in [JURGEN, "山田 太郎", "Alice"] {
        choose(&mut browser, name).await;
        let (header, asserted) = told(&ask().await);
        assert_eq!(
            [Some(header), asserted],
            [Some(name.to_owned()), Some(name.to_owned())]
        );
    }
}
