//! Cookies and headers of other programs, and concurrent first requests of a browser.

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Request, header};

use testkit::{
    EngineKind, Query, on_both_engines,
    routed::{ALICE, Browser, ISSUER, McpClient, PASSWORD, TestResponse, TestServer, from},
};

on_both_engines!(
    cookies_of_other_programs_are_ignored,
    a_second_session_cookie_is_removed,
    headers_that_are_not_text_are_ignored,
    two_concurrent_first_requests_of_a_browser_both_work,
    requests_of_another_browser_are_inaccessible,
);

const BROWSER: &str = "__Host-vestibule-browser";
const SESSION: &str = "__Host-vestibule-session";

/// Cookies that other programs on the same host may have set.
fn foreign() -> Vec<Vec<u8>> {
    let many: Vec<_> = (0..180)
        .map(|number| format!("program-{number}={}", "x".repeat(100)))
        .collect();
    vec![
        "user=Zo\u{eb}".as_bytes().to_vec(),
        b"user=Zo\xeb".to_vec(),
        b"\xff\xfe=\x80; =; ;;".to_vec(),
        "\u{202e}=\u{1f980}; a=\"b;c\"".as_bytes().to_vec(),
        many.join("; ").into_bytes(),
        format!("big={}", "x".repeat(20_000)).into_bytes(),
        format!("{SESSION}=; {SESSION}=x; {BROWSER}=%; __Host-vestibule-notice=e30; __Host-vestibule-way=\u{eb}").into_bytes(),
    ]
}

/// Sends a request with the browser's cookies after those of another program, and ignores the
/// cookies of the response.
async fn send(
    server: &TestServer,
    browser: &Browser,
    before: &[u8],
    method: Method,
    path: &str,
    form: Option<&Query>,
) -> TestResponse {
    let own: Vec<_> = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let line = [before, b"; ", own.join("; ").as_bytes()].concat();
    let request = from(browser.address, method, path)
        .header(
            header::COOKIE,
            HeaderValue::from_bytes(&line).expect("a header"),
        )
        .header(header::ORIGIN, ISSUER)
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let body = form.map_or_else(Body::empty, |form| form.encode().into());
    server.send(request.body(body).expect("a request")).await
}

async fn cookies_of_other_programs_are_ignored(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let alice = Browser::of_alice(&server).await;
    for before in foreign() {
        let shown = String::from_utf8_lossy(&before)
            .chars()
            .take(60)
            .collect::<String>();
        let page = send(&server, &alice, &before, Method::GET, "/account", None).await;
        assert_eq!(
            (page.status.as_u16(), page.document().page()),
            (200, "account"),
            "{shown}"
        );
        let mut new_browser = Browser::new(&server);
        let form = new_browser
            .open("/login")
            .await
            .form("Sign in")
            .fill("email", ALICE)
            .fill("password", PASSWORD);
        let fields = form.press("Sign in");
        let signed_in = send(
            &server,
            &new_browser,
            &before,
            Method::POST,
            "/actions/sign_in",
            Some(&fields),
        )
        .await;
        assert!(
            ["/account", "/passkey"].contains(&signed_in.destination()),
            "{shown}: {signed_in:?}"
        );
        // A flash message is found too.
        let wrong = new_browser
            .open("/login")
            .await
            .form("Sign in")
            .fill("email", ALICE)
            .fill("password", "wrong");
        new_browser.submit(&wrong, "Sign in").await;
        let page = send(&server, &new_browser, &before, Method::GET, "/login", None).await;
        assert!(page.document().alert().is_some(), "{shown}");
    }
}

async fn a_second_session_cookie_is_removed(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let alice = Browser::of_alice(&server).await;
    // Of two different session cookies neither is used, since one was set by another program. Both
    // are removed, so that a sign-in works.
    let planted = format!("{SESSION}={}", "A".repeat(43));
    let away = send(
        &server,
        &alice,
        planted.as_bytes(),
        Method::GET,
        "/account",
        None,
    )
    .await;
    assert_eq!(away.destination(), "/login");
    let set: Vec<_> = away
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    let ends =
        |line: &&&str| line.starts_with(&format!("{SESSION}=;")) && line.contains("Max-Age=0");
    assert_eq!(set.iter().filter(ends).count(), 2, "{set:?}");
    assert_eq!(
        set.iter()
            .filter(ends)
            .filter(|line| line.ends_with("; Partitioned"))
            .count(),
        1,
        "{set:?}"
    );
    // Two equal cookies count as one.
    let twice = format!("{SESSION}={}", alice.cookies[SESSION]);
    assert_eq!(
        send(
            &server,
            &alice,
            twice.as_bytes(),
            Method::GET,
            "/account",
            None
        )
        .await
        .status,
        200
    );
}

async fn headers_that_are_not_text_are_ignored(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let own: Vec<_> = alice
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let names = [
        "user-agent",
        "accept",
        "accept-language",
        "referer",
        "x-forwarded-for",
        "sec-fetch-site",
        "x-other",
    ];
    for name in names {
        let value = HeaderValue::from_bytes(b"text/html;q=1;x=\xeb\xff, */*").expect("a header");
        let mut request =
            from(alice.address, Method::GET, "/account").header(header::COOKIE, own.join("; "));
        request = request.header(HeaderName::from_static(name), value);
        let page = server
            .send(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(
            (page.status.as_u16(), page.document().page()),
            (200, "account"),
            "{name}"
        );
    }
    // Parameters of a content type are ignored.
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut alice).await;
    let request = Request::builder()
        .method(Method::POST)
        .uri("/token")
        .header(header::HOST, "vestibule.example");
    let value = HeaderValue::from_bytes(b"application/x-www-form-urlencoded; charset=\xeb")
        .expect("a header");
    let body = client.refresh_form(&tokens.refresh).encode();
    server
        .send(
            request
                .header(header::CONTENT_TYPE, value)
                .body(body.into())
                .expect("a request"),
        )
        .await
        .granted();
}

async fn two_concurrent_first_requests_of_a_browser_both_work(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let (one, other) = (
        McpClient::native(&server).await,
        McpClient::native(&server).await,
    );
    // Neither request has a cookie. The browser stores those of both responses, in either order.
    for swapped in [false, true] {
        let new = Browser::new(&server);
        let (mut first, mut second) = (new.clone(), new.clone());
        let begun = [
            first.get(&one.authorize_path()).await,
            second.get(&other.authorize_path()).await,
        ];
        let login = second.follow(&begun[1]).await.document().form("Sign in");
        let mut browser = new;
        let order = if swapped {
            [&second, &first]
        } else {
            [&first, &second]
        };
        for tab in order {
            browser.cookies.extend(tab.cookies.clone());
        }
        // The form of one tab signs in, and the requests of both can be decided.
        let signed_in = browser
            .submit(
                &login.fill("email", ALICE).fill("password", PASSWORD),
                "Sign in",
            )
            .await;
        assert!(
            signed_in.destination().starts_with("/consent"),
            "{signed_in:?}"
        );
        for (begun, client) in begun.iter().zip([&one, &other]) {
            let mut page = browser.follow(begun).await;
            while page.status == 303 {
                page = browser.follow(&page).await;
            }
            let form = page.document().form("Allow");
            let allowed = browser.submit(&form, "Allow").await;
            assert!(
                allowed.destination().starts_with(&client.redirect_uri),
                "{allowed:?}"
            );
        }
        // Later the browser has one permanent secret.
        browser
            .cookies
            .retain(|name, _| !name.starts_with(&format!("{BROWSER}-")));
        assert!(browser.open("/account").await.words().contains(ALICE));
    }
}

async fn requests_of_another_browser_are_inaccessible(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut alice = Browser::of_alice(&server).await;
    let form = alice.consent_page(&client).await.form("Allow");
    let mut thief = Browser::of_alice(&server).await;
    // It knows the names of her cookies, and every value except the secrets.
    for name in alice
        .cookies
        .keys()
        .filter(|name| name.starts_with(BROWSER))
    {
        thief.cookies.insert(name.clone(), "A".repeat(43));
    }
    assert!(
        thief
            .submit(&form, "Allow")
            .await
            .destination()
            .starts_with('/')
    );
    assert!(
        alice
            .submit(&form, "Allow")
            .await
            .destination()
            .starts_with(&client.redirect_uri)
    );
}
