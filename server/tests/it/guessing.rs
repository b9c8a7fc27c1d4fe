//! Limits on guessing: they limit an attacker and lock no other user out (T-F44 and T-F45).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{Method, StatusCode, header};
use provider::{AuditAction, AuditEntry, AuditFilter};
use testkit::{
    EngineKind, Query, native_metadata, on_both_engines, race,
    routed::{ALICE, Browser, ISSUER, PASSWORD, TestResponse, TestServer, from, register},
};
use tokio::{task::JoinSet, time::Instant};

on_both_engines!(
    t_f44_a_full_queue_delays_no_known_browser_and_drops_closed_connections,
    t_f44_the_hundred_and_first_user_of_an_office_can_sign_in,
    t_f44_a_new_password_makes_known_browsers_unknown,
    t_f44_all_known_browsers_of_an_account_share_one_counter,
    t_f44_wrong_passwords_in_a_known_browser_lock_no_recovery_code,
    t_f44_a_hundred_anonymous_requests_lock_no_passkeys,
    t_f44_ipv6_is_counted_by_64_56_and_48_bits,
    an_account_has_a_hundred_sessions_at_most_over_two_servers,
    repeated_refused_sign_ins_are_counted_in_few_events,
    repeated_actions_of_a_user_are_counted_in_few_events,
);

const BOB: &str = "bob@example.com";
const A_GUESS: &str = "a guess";
const A_CODE: &str = "0000-0000-0000-0000";

/// The result of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    SignedIn,
    Wrong,
    MustWait,
    Busy,
}

fn outcome(answer: &TestResponse, alert: Option<&str>) -> Outcome {
    match (answer.status, alert) {
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _) => Outcome::Busy,
        (StatusCode::SEE_OTHER, None) => Outcome::SignedIn,
        (StatusCode::SEE_OTHER, Some(alert)) if alert.starts_with("Too many attempts.") => {
            Outcome::MustWait
        }
        (StatusCode::SEE_OTHER, Some(alert)) if alert.contains("Incorrect email") => Outcome::Wrong,
        _ => panic!("{alert:?} {answer:?}"),
    }
}

/// Submits a password or a recovery code.
async fn submit_credential(
    browser: &mut Browser,
    page: &str,
    email: &str,
    field: &str,
    value: &str,
) -> Outcome {
    let (path, button) = if page == "login" {
        ("/login", "Sign in")
    } else {
        ("/recover", "Sign in")
    };
    let form = browser
        .open(path)
        .await
        .form(button)
        .fill("email", email)
        .fill(field, value);
    let answer = browser.submit(&form, button).await;
    let alert = match answer.status {
        StatusCode::SEE_OTHER if answer.destination().starts_with(path) => {
            browser.follow(&answer).await.document().alert()
        }
        _ => None,
    };
    outcome(&answer, alert.as_deref())
}

async fn guess_password(browser: &mut Browser, email: &str, password: &str) -> Outcome {
    submit_credential(browser, "login", email, "password", password).await
}

async fn guess_code(browser: &mut Browser, email: &str, code: &str) -> Outcome {
    submit_credential(browser, "recover", email, "code", code).await
}

/// A known browser of Alice, signed out.
async fn known_browser(server: &TestServer) -> Browser {
    let mut browser = Browser::of_alice(server).await;
    browser.press("/account", "Sign out").await;
    browser
}

fn unknown_browser(server: &TestServer, address: impl Into<IpAddr>) -> Browser {
    let mut browser = Browser::new(server);
    browser.address = address.into();
    browser
}

async fn t_f44_a_full_queue_delays_no_known_browser_and_drops_closed_connections(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account(BOB, Some(PASSWORD))
        .await
        .expect("Bob enrols");
    let mut known = known_browser(&server).await;
    let mut first = unknown_browser(&server, [203, 0, 113, 1]);
    let began = Instant::now();
    assert_eq!(
        guess_password(&mut first, "nobody@example.com", A_GUESS).await,
        Outcome::Wrong
    );
    let one = began.elapsed();
    // 1. More unknown browsers than places in the queue, each from another address.
    let form = first
        .open("/login")
        .await
        .form("Sign in")
        .fill("password", A_GUESS);
    let mut crowd = JoinSet::new();
    let answered = Arc::new(AtomicUsize::new(0));
    for number in 0..320_u16 {
        let [high, low] = number.to_be_bytes();
        let mut browser = first.clone();
        let answered = answered.clone();
        browser.address = [198, 18, high, low].into();
        let form = form
            .clone()
            .fill("email", &format!("person{number}@example.com"));
        crowd.spawn(async move {
            let answer = browser.submit(&form, "Sign in").await;
            answered.fetch_add(1, Ordering::SeqCst);
            answer
        });
    }
    // 2. Some are refused at once, with a page and `Retry-After`.
    let turned_away = loop {
        let answer = crowd
            .join_next()
            .await
            .expect("one more")
            .expect("no panic");
        if answer.status != StatusCode::SEE_OTHER {
            break answer;
        }
    };
    turned_away.problem(503);
    assert_eq!(turned_away.header(header::RETRY_AFTER), Some("3"));
    assert_eq!(turned_away.header("vestibule-busy"), None);
    // 3. A known browser does not wait for the others.
    let before = answered.load(Ordering::SeqCst);
    assert_eq!(
        guess_password(&mut known, ALICE, PASSWORD).await,
        Outcome::SignedIn
    );
    assert!(
        before + crowd.len() > answered.load(Ordering::SeqCst) + 40,
        "many are still waiting"
    );
    // 4. The others close their connections, and are not hashed: a new request does not wait for
    //    them.
    let waiting = crowd.len();
    crowd.abort_all();
    while crowd.join_next().await.is_some() {}
    assert!(waiting > 60, "{waiting} were waiting");
    let began = Instant::now();
    assert_eq!(
        guess_password(
            &mut unknown_browser(&server, [203, 0, 113, 2]),
            BOB,
            PASSWORD
        )
        .await,
        Outcome::SignedIn
    );
    assert!(
        began.elapsed() < one * 25,
        "{:?} against {one:?}",
        began.elapsed()
    );
}

/// On one engine only, since it computes as many hashes as the queue has places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_f44_a_full_queue_is_503_or_429_as_json_for_programs() {
    let server = TestServer::of_alice(EngineKind::Memory).await;
    let mut browser = unknown_browser(&server, [203, 0, 113, 1]);
    let form = browser
        .open("/login")
        .await
        .form("Sign in")
        .fill("password", A_GUESS);
    let cookies = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("; ");
    let answers = race(320, |number: usize| {
        // Two networks, one of which sends more requests.
        let network = if number.is_multiple_of(3) { 1 } else { 2 };
        let address = Ipv6Addr::from([
            0x2001,
            0xdb8,
            network,
            u16::try_from(number % 16).expect("small"),
            0,
            0,
            0,
            1,
        ]);
        let fields = form
            .clone()
            .fill("email", &format!("person{number}@example.com"))
            .press("Sign in");
        let request = from(address.into(), Method::POST, "/actions/sign_in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .header(header::ORIGIN, ISSUER)
            .header(header::COOKIE, &cookies)
            .body(fields.encode().into())
            .expect("a request");
        let server = server.clone();
        async move { server.send(request).await }
    })
    .await;
    let turned_away: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status != StatusCode::SEE_OTHER)
        .collect();
    assert!(!turned_away.is_empty());
    for answer in &turned_away {
        answer.refused(answer.status.as_u16(), "temporarily_unavailable");
        assert!(answer.header(header::RETRY_AFTER).is_some());
    }
    assert!(
        turned_away
            .iter()
            .any(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS)
    );
}

async fn t_f44_the_hundred_and_first_user_of_an_office_can_sign_in(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account(BOB, Some(PASSWORD))
        .await
        .expect("Bob enrols");
    let office = [203, 0, 113, 9];
    for number in 0..104 {
        let who = if number % 2 == 0 { ALICE } else { BOB };
        assert_eq!(
            guess_password(&mut unknown_browser(&server, office), who, PASSWORD).await,
            Outcome::SignedIn,
            "{number}"
        );
    }
    // Failures still count.
    let twin = server.twin().await;
    let mut at_work = unknown_browser(&server, office);
    let form = at_work
        .open("/recover")
        .await
        .form("Sign in")
        .fill("code", A_CODE);
    for number in 0..100 {
        let mut browser = at_work.at(if number % 2 == 0 { &server } else { &twin });
        browser
            .submit(
                &form
                    .clone()
                    .fill("email", &format!("person{number}@example.com")),
                "Sign in",
            )
            .await;
    }
    assert_eq!(
        guess_code(&mut at_work, ALICE, A_CODE).await,
        Outcome::MustWait
    );
    assert_eq!(
        guess_password(&mut at_work, ALICE, PASSWORD).await,
        Outcome::SignedIn,
        "codes are counted apart from passwords"
    );
}

async fn t_f44_a_new_password_makes_known_browsers_unknown(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut formerly = known_browser(&server).await;
    let mut own = Browser::of_alice(&server).await;
    // Unknown browsers reach their limit; a known browser has its own counter.
    for number in 0..10 {
        assert_eq!(
            guess_password(
                &mut unknown_browser(&server, [203, 0, 113, number]),
                ALICE,
                A_GUESS
            )
            .await,
            Outcome::Wrong
        );
    }
    assert_eq!(
        guess_password(&mut formerly, ALICE, A_GUESS).await,
        Outcome::Wrong,
        "it is known"
    );
    let fields = Query::default()
        .and("form_token", &own.form_token().await)
        .and("password", "a larger room, with a door");
    assert_eq!(
        own.post("/actions/change_password", &fields)
            .await
            .destination(),
        "/account"
    );
    assert_eq!(
        guess_password(&mut formerly, ALICE, A_GUESS).await,
        Outcome::MustWait,
        "it is no longer known"
    );
    own.press("/account", "Sign out").await;
    assert_eq!(
        guess_password(&mut own, ALICE, "a larger room, with a door").await,
        Outcome::SignedIn,
        "the browser that changed it is known"
    );
}

async fn t_f44_all_known_browsers_of_an_account_share_one_counter(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let twin = server.twin().await;
    let mut known = Vec::new();
    for _ in 0..4 {
        known.push(known_browser(&server).await);
    }
    let mut wrong = 0;
    for number in 0..16 {
        let mut browser = known[number % 4].at(if number % 3 == 0 { &twin } else { &server });
        wrong += usize::from(guess_password(&mut browser, ALICE, A_GUESS).await == Outcome::Wrong);
    }
    assert_eq!(wrong, 10);
    assert_eq!(
        guess_password(&mut known[3], ALICE, PASSWORD).await,
        Outcome::MustWait
    );
    server.pass(15 * 60);
    assert_eq!(
        guess_password(&mut known[3], ALICE, PASSWORD).await,
        Outcome::SignedIn
    );
}

async fn t_f44_wrong_passwords_in_a_known_browser_lock_no_recovery_code(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let fields = Query::default().and("form_token", &browser.form_token().await);
    let made = browser.post("/actions/make_recovery_codes", &fields).await;
    let page = browser.follow(&made).await.document();
    let words = page.words();
    let is_code = |word: &&str| word.len() == 19 && word.matches('-').count() == 3;
    let code = words
        .split_whitespace()
        .find(is_code)
        .expect("a code")
        .to_owned();
    browser.press("/account", "Sign out").await;
    for _ in 0..10 {
        assert_eq!(
            guess_password(&mut browser, ALICE, A_GUESS).await,
            Outcome::Wrong
        );
    }
    assert_eq!(
        guess_password(&mut browser, ALICE, PASSWORD).await,
        Outcome::MustWait
    );
    assert_eq!(
        guess_code(&mut browser, ALICE, A_CODE).await,
        Outcome::Wrong
    );
    assert_eq!(
        guess_code(&mut browser, ALICE, &code).await,
        Outcome::SignedIn
    );
}

/// Starts a sign-in with a passkey, like the island.
async fn start_passkey(server: &TestServer, browser: &Browser, form_token: &str) -> StatusCode {
    let cookies: Vec<_> = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = from(
        browser.address,
        Method::POST,
        "/actions/start_passkey_sign_in",
    )
    .header(header::CONTENT_TYPE, "application/json")
    .header(header::ACCEPT, "application/json")
    .header(header::ORIGIN, ISSUER)
    .header(header::COOKIE, cookies.join("; "));
    let body = serde_json::json!({ "form_token": form_token }).to_string();
    server
        .send(request.body(body.into()).expect("a request"))
        .await
        .status
}

async fn t_f44_a_hundred_anonymous_requests_lock_no_passkeys(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let address = [203, 0, 113, 9];
    let mut known = known_browser(&server).await;
    known.address = address.into();
    let token = async |browser: &mut Browser| {
        let form = browser.open("/login").await.form("Sign in");
        form.token()
    };
    // One browser has a limit of thirty.
    let mut one = unknown_browser(&server, address);
    let form_token = token(&mut one).await;
    for number in 0..31 {
        let expected = if number < 30 {
            StatusCode::OK
        } else {
            StatusCode::TOO_MANY_REQUESTS
        };
        assert_eq!(start_passkey(&server, &one, &form_token).await, expected);
    }
    // A hundred other browsers of the address have their own limit.
    for _ in 0..100 {
        let mut other = unknown_browser(&server, address);
        let form_token = token(&mut other).await;
        assert_eq!(
            start_passkey(&server, &other, &form_token).await,
            StatusCode::OK
        );
    }
    // When the address has reached its limit, a known browser can still start.
    server
        .set_counter("passkey-from", "203.0.113.9", 15 * 60, 3000)
        .await;
    let mut another = unknown_browser(&server, address);
    let form_token = token(&mut another).await;
    assert_eq!(
        start_passkey(&server, &another, &form_token).await,
        StatusCode::TOO_MANY_REQUESTS
    );
    let form_token = token(&mut known).await;
    assert_eq!(
        start_passkey(&server, &known, &form_token).await,
        StatusCode::OK
    );
}

async fn t_f44_ipv6_is_counted_by_64_56_and_48_bits(engine: EngineKind) {
    let server =
        TestServer::with(engine, |settings| settings.registration.limit_per_hour = 2).await;
    let registers = async |text: &str| {
        let answer = register(
            &server,
            text.parse().expect("an address"),
            &native_metadata(),
        )
        .await;
        answer.status == StatusCode::CREATED
    };
    // Limits: two for each /64, eight for a /56.
    for network in 0..5_u8 {
        for host in 1..4_u8 {
            let expected = network < 4 && host < 3;
            assert_eq!(
                registers(&format!("2001:db8:1:{network:x}::{host:x}")).await,
                expected,
                "{network} {host}"
            );
        }
    }
    // Thirty-two for a /48; refused requests do not count.
    let mut granted = 8;
    for network in 1..10_u16 {
        for host in 0..8_u16 {
            granted += usize::from(
                registers(&format!("2001:db8:1:{:x}::1", network * 0x100 + host)).await,
            );
        }
    }
    assert_eq!(granted, 32);
    assert!(registers("2001:db8:2::1").await, "another network");
}

async fn an_account_has_a_hundred_sessions_at_most_over_two_servers(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| settings.rate_limits = false).await;
    server.add_alice().await;
    let twin = server.twin().await;
    let mut browsers = Vec::new();
    for number in 0..100 {
        server.pass(1);
        let mut browser = Browser::new(if number % 2 == 0 { &server } else { &twin });
        assert_eq!(
            guess_password(&mut browser, ALICE, PASSWORD).await,
            Outcome::SignedIn
        );
        browsers.push(browser);
    }
    // The first session is in use, so it is not the least recently used one.
    server.pass(400);
    assert_eq!(browsers[0].open("/account").await.page(), "account");
    server.pass(1);
    let newer = race(12, |number: usize| {
        let mut browser = Browser::new(if number.is_multiple_of(2) {
            &server
        } else {
            &twin
        });
        async move {
            assert_eq!(
                guess_password(&mut browser, ALICE, PASSWORD).await,
                Outcome::SignedIn
            );
            browser
        }
    })
    .await;
    let mut alive = Vec::new();
    for browser in browsers.iter_mut().chain(&mut newer.clone()) {
        alive.push(browser.get("/account").await.status == StatusCode::OK);
    }
    let expected: Vec<_> = (0..112).map(|number| number == 0 || number > 12).collect();
    assert_eq!(alive, expected);
}

/// The events of an action in the audit log: their number, and the sum of their `times`.
async fn logged_events(server: &TestServer, action: AuditAction) -> (usize, u64) {
    server.provider.finish_background_tasks().await;
    let trail = server
        .provider
        .terminal()
        .audit_export(&AuditFilter::default(), 0, usize::MAX)
        .await
        .expect("the store answers");
    let of_deed: Vec<AuditEntry> = trail
        .into_iter()
        .filter(|entry| entry.event.action == action)
        .collect();
    (
        of_deed.len(),
        of_deed
            .iter()
            .map(|entry| entry.event.times.unwrap_or(1))
            .sum(),
    )
}

async fn repeated_refused_sign_ins_are_counted_in_few_events(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut first = unknown_browser(&server, [203, 0, 113, 0]);
    let form = first
        .open("/recover")
        .await
        .form("Sign in")
        .fill("email", ALICE)
        .fill("code", A_CODE);
    let (calls, ()) = server
        .counting(async {
            for number in 0..200_u16 {
                let mut browser = first.clone();
                browser.address = Ipv4Addr::from(u32::from(number % 40) + 0xcb00_7100).into();
                browser.submit(&form, "Sign in").await;
            }
        })
        .await;
    assert_eq!(
        logged_events(&server, AuditAction::SignInRefused).await,
        (17, 17),
        "sixteen networks, and all others together"
    );
    assert!(calls < 200 * 16, "{calls}");
    server.pass(5 * 60);
    server
        .provider
        .audit()
        .add_late_events()
        .await
        .expect("the store answers");
    assert_eq!(
        logged_events(&server, AuditAction::SignInRefused).await,
        (34, 200),
        "no event is lost"
    );
    // The user sees it, and the chain is valid.
    let page = Browser::of_alice(&server).await.open("/account").await;
    assert!(page.words().contains("times"), "{}", page.words());
    let report = server
        .provider
        .terminal()
        .verify_audit()
        .await
        .expect("the store answers");
    assert_eq!(report.faults, Vec::<String>::new());
}

async fn repeated_actions_of_a_user_are_counted_in_few_events(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let fields = Query::default().and("form_token", &browser.form_token().await);
    for number in 0..120 {
        // Each post differs, since an identical one would get the same answer.
        browser
            .post(
                "/actions/make_recovery_codes",
                &fields.clone().and("number", &number.to_string()),
            )
            .await;
    }
    assert_eq!(
        logged_events(&server, AuditAction::RecoveryCodesMade).await,
        (20, 20)
    );
    server
        .provider
        .audit()
        .add_last_events()
        .await
        .expect("the server stops");
    assert_eq!(
        logged_events(&server, AuditAction::RecoveryCodesMade).await,
        (21, 120)
    );
    let report = server
        .provider
        .terminal()
        .verify_audit()
        .await
        .expect("the store answers");
    assert_eq!(report.faults, Vec::<String>::new());
}

/// Before the response the store is called in the same way, as often and at the same times, for
/// every address.
async fn t_f45_unknown_accounts_take_the_same_store_operations(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| settings.rate_limits = true).await;
    server.add_alice().await;
    let nobody = "nobody@example.com";
    for (page, field, value) in [
        ("/login", "password", A_GUESS),
        ("/recover", "code", A_CODE),
    ] {
        let mut costs = Vec::new();
        for email in [ALICE, nobody, ALICE, nobody, "other@example.com"] {
            let mut browser = Browser::new(&server);
            let form = browser
                .open(page)
                .await
                .form("Sign in")
                .fill("email", email)
                .fill(field, value);
            let (waits, (calls, answer)) = server
                .waits(server.counting(browser.submit(&form, "Sign in")))
                .await;
            assert_eq!(answer.destination(), page);
            costs.push((waits, calls));
            server.provider.finish_background_tasks().await;
        }
        assert!(
            costs.iter().all(|cost| *cost == costs[0]),
            "{page}: {costs:?}"
        );
    }
}

// On one thread, deferred work cannot begin before the response.
#[tokio::test]
async fn t_f45_unknown_accounts_take_the_same_store_operations_on_memory() {
    t_f45_unknown_accounts_take_the_same_store_operations(EngineKind::Memory).await;
}

#[tokio::test]
async fn t_f45_unknown_accounts_take_the_same_store_operations_on_redis() {
    t_f45_unknown_accounts_take_the_same_store_operations(EngineKind::Redis).await;
}
