//! Stores of an earlier release open and work.

use std::{fs, path::Path, process::Command, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use provider::{RegistrationPolicy, Settings, SignUpPolicy};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm,
    },
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::{Store, StoreLocation};
use tempfile::TempDir;
use testkit::{
    EngineKind, Query, RedisServer, TestClock, on_both_engines,
    routed::{
        Browser, Callback, McpClient, TestServer, Tokens, claims, request, unsigned, with_assertion,
    },
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/release-0.1.0");

/// A server over a filled store, and the description of its content.
struct FilledStore {
    server: TestServer,
    known: Value,
    _folder: TempDir,
    _redis: Option<Arc<RedisServer>>,
}

impl FilledStore {
    async fn open(engine: EngineKind) -> Self {
        let name = match engine {
            EngineKind::Memory => "file",
            EngineKind::Redis => "redis",
        };
        let known = fs::read(format!("{FIXTURES}/{name}.json")).expect("the fixture");
        let known: Value = serde_json::from_slice(&known).expect("JSON");
        let folder = tempfile::tempdir().expect("a folder");
        let archive = format!("{FIXTURES}/{name}.tar.gz");
        unpack(&archive, folder.path());
        let (location, redis) = match engine {
            EngineKind::Memory => (StoreLocation::File(folder.path().to_owned()), None),
            EngineKind::Redis => {
                let path = folder.path().to_str().expect("a path");
                let redis = RedisServer::start_with(&["--dir", path, "--save", ""]);
                (StoreLocation::Redis(redis.url()), Some(Arc::new(redis)))
            }
        };
        let store = Store::open(&location).await.expect("the store opens");
        let issuer = known["issuer"].as_str().expect("an issuer");
        let settings = Settings {
            sign_up: SignUpPolicy::Open,
            registration: RegistrationPolicy::default(),
            ..testkit::direct::settings(issuer)
        };
        let server = TestServer::over(store, settings).await;
        server.pass(known["at"].as_u64().expect("a time") - TestClock::START);
        Self {
            server: server.twin().await,
            known,
            _folder: folder,
            _redis: redis,
        }
    }

    fn text(&self, pointer: &str) -> &str {
        let value = self.known.pointer(pointer);
        value
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no {pointer}"))
    }

    fn client(&self, name: &str) -> McpClient {
        let member = |member: &str| format!("/clients/{name}/{member}");
        let secret = self.known.pointer(&member("secret"));
        let secret = secret.and_then(Value::as_str).map(str::to_owned);
        let redirect_uri = self.text(&member("redirect_uri"));
        McpClient::known(&self.server, self.text(&member("id")), secret, redirect_uri)
            .asking(|form| form.set("scope", "notes:read notes:write"))
    }

    /// A browser in which a user has just signed in with a password.
    async fn browser_of(&self, name: &str) -> Browser {
        let mut browser = Browser::new(&self.server);
        let email = self.text(&format!("/accounts/{name}/email"));
        let password = self.text(&format!("/accounts/{name}/password"));
        let signed_in = browser.sign_in(email, password).await;
        assert_eq!(signed_in.destination(), "/account", "{name}");
        browser
    }

    /// A browser with the cookies of a browser in the fixture.
    fn browser_with(&self, pointer: &str) -> Browser {
        let mut browser = Browser::new(&self.server);
        let cookies = self.known.pointer(pointer).and_then(Value::as_object);
        for (name, value) in cookies.expect("cookies") {
            let value = value.as_str().expect("a value").to_owned();
            browser.cookies.insert(name.clone(), value);
        }
        browser
    }

    /// The refresh request of a client, with its authentication.
    fn refresh_form(&self, name: &str, grant: &Value) -> Query {
        let client = self.client(name);
        let form = client.refresh_form(grant["refresh_token"].as_str().expect("a token"));
        let key = format!("/clients/{name}");
        if self.known.pointer(&format!("{key}/private_key")).is_none() {
            return form;
        }
        let header = json!({ "alg": "ES256", "kid": "one", "typ": "JWT" });
        let claims = claims(&self.server, &client.id, &format!("{name}-1"));
        let signed = unsigned(&header, &claims);
        let signature = self.sign(&key, &ECDSA_P256_SHA256_FIXED_SIGNING, signed.as_bytes());
        with_assertion(form, &format!("{signed}.{}", base64(&signature)))
    }

    /// A signature by the key of a passkey or of a client.
    fn sign(
        &self,
        pointer: &str,
        algorithm: &'static EcdsaSigningAlgorithm,
        message: &[u8],
    ) -> Vec<u8> {
        let part = |name: &str| {
            let text = self.text(&format!("{pointer}/{name}"));
            URL_SAFE_NO_PAD.decode(text).expect("base64url")
        };
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            algorithm,
            &part("private_key"),
            &part("public_key"),
            &random,
        );
        let signature = pair.expect("a key").sign(&random, message);
        signature.expect("signed").as_ref().to_vec()
    }
}

on_both_engines!(
    the_store_contains_everything,
    users_can_sign_in,
    a_passkey_and_a_recovery_code_sign_in,
    links_and_sessions_work,
    tokens_are_refreshed,
    an_issued_code_is_redeemed,
    a_remembered_consent_is_honoured,
    a_pending_request_can_be_decided,
    a_client_reads_its_registration,
);

async fn the_store_contains_everything(engine: EngineKind) {
    let filled = FilledStore::open(engine).await;
    let administration = filled.server.provider.terminal();
    let report = administration
        .verify_audit()
        .await
        .expect("the store answers");
    assert_eq!(report.faults, Vec::<String>::new());
    assert_eq!(Some(report.events), filled.known["audit_events"].as_u64());
    let accounts = administration.accounts().list().await.expect("a list");
    let known = filled.known["accounts"].as_object().expect("accounts");
    assert_eq!((accounts.len(), accounts.unreadable), (known.len(), 0));
    for account in known.values() {
        let stored = accounts
            .iter()
            .find(|stored| account["email"] == stored.email.as_str())
            .unwrap_or_else(|| panic!("no {account}"));
        assert_eq!(stored.disabled, account["disabled"] == true, "{account}");
        assert_eq!(stored.has_password, account["password"].is_string());
        assert_eq!(stored.passkeys > 0, account["passkey"].is_object());
    }
    let clients = administration.clients().list().await.expect("a list");
    // One client was removed, and a document without a consent is not listed.
    let known = filled.known["clients"].as_object().expect("clients").len() - 2;
    assert_eq!((clients.len(), clients.unreadable), (known, 0));
    let blocked = administration
        .clients()
        .blocked_hosts()
        .await
        .expect("a list");
    assert_eq!(blocked.len(), 1);
    assert_eq!(blocked[0].host, "blocked.example");
    assert!(administration.failures().await.expect("a list").len() >= 6);
    let keys = administration.keys().await.expect("a list");
    assert!(keys.len() >= 3, "{keys:?}");
}

async fn users_can_sign_in(engine: EngineKind) {
    let filled = FilledStore::open(engine).await;
    for name in ["ada", "bob", "dave", "gina", "hedy"] {
        filled.browser_of(name).await;
    }
    let mut refused = Browser::new(&filled.server);
    let email = filled.text("/accounts/erin/email");
    let password = filled.text("/accounts/erin/password");
    let answer = refused.sign_in(email, password).await;
    assert_eq!(answer.destination(), "/login", "a disabled account");
}

async fn a_passkey_and_a_recovery_code_sign_in(engine: EngineKind) {
    let filled = FilledStore::open(engine).await;
    let key = "/accounts/ada/passkey";
    let mut browser = Browser::new(&filled.server);
    let form = browser.open("/login").await.form("Sign in");
    let form_token = form.token();
    let start = json!({ "form_token": form_token, "autofill": false });
    let ceremony = browser
        .call_action("start_passkey_sign_in", &start)
        .await
        .granted();
    let options = ceremony["options"].as_str().expect("options");
    let options: Value = serde_json::from_str(options).expect("JSON");
    let client = json!({
        "type": "webauthn.get",
        "challenge": options["publicKey"]["challenge"],
        "origin": filled.known["issuer"],
        "crossOrigin": false,
    });
    let client = client.to_string();
    let counter = filled.known.pointer(&format!("{key}/counter"));
    let counter = counter.and_then(Value::as_u64).expect("a counter") + 1;
    let mut data = Sha256::digest("localhost").to_vec();
    data.push(0x05);
    data.extend(u32::try_from(counter).expect("small").to_be_bytes());
    let signed = [data.as_slice(), Sha256::digest(&client).as_slice()].concat();
    let id = filled.text(&format!("{key}/id"));
    let credential = json!({
        "id": id,
        "rawId": id,
        "type": "public-key",
        "extensions": {},
        "response": {
            "authenticatorData": base64(&data),
            "clientDataJSON": base64(client.as_bytes()),
            "signature": base64(&filled.sign(key, &ECDSA_P256_SHA256_ASN1_SIGNING, &signed)),
            "userHandle": filled.text(&format!("{key}/user")),
        },
    });
    let finish = json!({
        "form_token": form_token,
        "ceremony": ceremony["id"],
        "credential": credential.to_string(),
        "request": "",
        "then": "",
    });
    let answer = browser
        .call_action("finish_passkey_sign_in", &finish)
        .await
        .granted();
    assert_eq!(answer, "/account");

    let mut browser = Browser::new(&filled.server);
    let form = browser.open("/recover").await.form("Sign in");
    let form = form
        .fill("email", filled.text("/accounts/ada/email"))
        .fill("code", filled.text("/accounts/ada/recovery_codes/0"));
    let answer = browser.submit(&form, "Sign in").await;
    let answer = browser.past_the_offer(answer).await;
    assert_eq!(answer.destination(), "/account");
}

async fn links_and_sessions_work(engine: EngineKind) {
    let filled = FilledStore::open(engine).await;
    for (name, page) in [("carol", "enroll"), ("frank", "reset")] {
        let link = filled.text(&format!("/accounts/{name}/link"));
        let path = link
            .strip_prefix(filled.text("/issuer"))
            .expect("a link of the server");
        let shown = Browser::new(&filled.server).open(path).await;
        assert_eq!(shown.page(), page);
    }
    let mut hedy = filled.browser_with("/session/cookies");
    assert_eq!(hedy.open("/account").await.page(), "account");
}

async fn tokens_are_refreshed(engine: EngineKind) {
    let filled = FilledStore::open(engine).await;
    for (name, grant) in filled.known["grants"].as_object().expect("grants") {
        let client = grant["client"].as_str().expect("a client");
        let form = filled.refresh_form(client, grant);
        let answer = filled.server.post("/token", &form).await;
        if grant["ended"] == true {
            assert_ne!(answer.status, 200, "{name}: {answer:?}");
            continue;
        }
        let next = Tokens::read(&answer).refresh;
        if filled.known["clients"][client]["private_key"].is_null() {
            let answer = filled.client(client).refresh(&next).await;
            assert_eq!(answer.status, 200, "{name}: {answer:?}");
        }
    }
}

async fn an_issued_code_is_redeemed(engine: EngineKind) {
    let filled = FilledStore::open(engine).await;
    let client = filled.client("notes");
    let verifier = filled.text("/offered/code_verifier");
    let form = client
        .code_form(filled.text("/offered/code"))
        .set("code_verifier", verifier);
    Tokens::read(&filled.server.post("/token", &form).await);
}

async fn a_remembered_consent_is_honoured(engine: EngineKind) {
    let filled = FilledStore::open(engine).await;
    let mut ada = filled.browser_of("ada").await;
    let callback = ada.pass(&filled.client("web")).await;
    assert!(callback.query.one("code").is_some(), "{callback:?}");
    // Without a consent, the page is shown.
    let mut bob = filled.browser_of("bob").await;
    bob.consent_page(&filled.client("web")).await;
}

async fn a_pending_request_can_be_decided(engine: EngineKind) {
    let filled = FilledStore::open(engine).await;
    let mut browser = filled.browser_with("/pending/cookies");
    let path = format!("/login?request={}", filled.text("/pending/request"));
    let form = browser.open(&path).await.form("Sign in");
    let form = form
        .fill("email", filled.text("/accounts/dave/email"))
        .fill("password", filled.text("/accounts/dave/password"));
    let signed_in = browser.submit(&form, "Sign in").await;
    let signed_in = browser.past_the_offer(signed_in).await;
    let consent = browser.follow(&signed_in).await.document();
    let form = consent.form("Allow");
    let answer = browser.submit(&form, "Allow").await;
    let callback = Callback::read(answer.destination());
    let client = filled.client("notes");
    let form = client
        .code_form(callback.query.one("code").expect("a code"))
        .set("code_verifier", filled.text("/pending/code_verifier"));
    Tokens::read(&filled.server.post("/token", &form).await);
}

async fn a_client_reads_its_registration(engine: EngineKind) {
    let filled = FilledStore::open(engine).await;
    let path = format!("/register/{}", filled.text("/clients/notes/id"));
    let token = filled.text("/clients/notes/registration_access_token");
    let read = request(http::Method::GET, &path)
        .header(http::header::AUTHORIZATION, format!("Bearer {token}"));
    let answer = filled
        .server
        .send(read.body(axum::body::Body::empty()).expect("a request"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["client_name"], "Notes");
}

fn unpack(archive: &str, folder: &Path) {
    let unpacked = Command::new("tar")
        .arg("xzf")
        .arg(archive)
        .arg("-C")
        .arg(folder)
        .status();
    assert!(unpacked.is_ok_and(|status| status.success()), "{archive}");
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
