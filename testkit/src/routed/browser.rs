//! A person's browser.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Method, Request, header};

use super::test_server::{self, ALICE, PASSWORD};
use super::{Callback, McpClient, TestResponse, TestServer};
use crate::cookies::{self, CookieJar};
use crate::{Document, HtmlForm, Query};

/// A browser without script. It keeps cookies as browsers do, sends `Origin` with its posts, and
/// follows redirects only when it is told to. A clone is another window of the same browser at this
/// moment.
#[derive(Clone)]
pub struct Browser {
    server: TestServer,
    /// Its cookies.
    pub cookies: CookieJar,
    /// What it sends as `Origin` with posts; `None` for nothing.
    pub origin: Option<String>,
    /// Where it is.
    pub address: IpAddr,
    /// The page that is shown, which browsers name as `Referer` to its own server.
    shown: String,
}

impl Browser {
    /// A browser that has never been here.
    pub fn new(server: &TestServer) -> Self {
        let origin = Some(server.provider.settings().issuer.as_str().to_owned());
        Self {
            server: server.clone(),
            cookies: CookieJar::new(),
            origin,
            address: IpAddr::from([198, 51, 100, 1]),
            shown: "/".to_owned(),
        }
    }

    /// Alice's browser, where she is signed in.
    pub async fn of_alice(server: &TestServer) -> Self {
        let mut browser = Self::new(server);
        let signed_in = browser.sign_in(ALICE, PASSWORD).await;
        assert_eq!(signed_in.destination(), "/account");
        browser
    }

    /// The same browser, talking to another server of the same name.
    #[must_use]
    pub fn at(&self, server: &TestServer) -> Self {
        Self {
            server: server.clone(),
            ..self.clone()
        }
    }

    /// Opens an address.
    pub async fn get(&mut self, path: &str) -> TestResponse {
        let request = self
            .request(Method::GET, path)
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        let answer = self
            .send(request.body(Body::empty()).expect("a request"))
            .await;
        if answer.status == 200 {
            path.clone_into(&mut self.shown);
        }
        answer
    }

    /// Opens a page of ours, and expects it to be shown.
    pub async fn open(&mut self, path: &str) -> Document {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.document()
    }

    /// Posts a form from the page that is shown.
    pub async fn post(&mut self, path: &str, fields: &Query) -> TestResponse {
        let mut request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        // A browser that posts a form wants a page.
        request = request.header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        let issuer = &self.server.provider.settings().issuer;
        request = request.header(header::REFERER, issuer.url(&self.shown));
        if let Some(origin) = &self.origin {
            request = request.header(
                header::ORIGIN,
                HeaderValue::from_str(origin).expect("a header"),
            );
        }
        self.send(request.body(fields.encode().into()).expect("a request"))
            .await
    }

    /// Presses a button of a form.
    pub async fn submit(&mut self, form: &HtmlForm, button: &str) -> TestResponse {
        self.post(&form.action, &form.press(button)).await
    }

    /// Goes where an answer leads, which must be a page of ours.
    pub async fn follow(&mut self, answer: &TestResponse) -> TestResponse {
        let path = answer.destination();
        assert!(
            path.starts_with('/') && !path.starts_with("//"),
            "leads away: {path}"
        );
        self.get(path).await
    }

    /// What proves that a form of somebody signed in is ours.
    pub async fn form_token(&mut self) -> String {
        let form = self.open("/account").await.form("Sign out");
        form.fields
            .one("form_token")
            .expect("a form token")
            .to_owned()
    }

    /// Signs in at the sign-in page, and wants no passkey where one is offered.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> TestResponse {
        let form = self.open("/login").await.form("Sign in");
        let form = form.fill("email", email).fill("password", password);
        let mut signed_in = self.submit(&form, "Sign in").await;
        // Where many passwords are being checked, a person tries again.
        while signed_in.status == 503 && signed_in.header(header::RETRY_AFTER) == Some("3") {
            tokio::time::sleep(Duration::from_millis(100)).await;
            signed_in = self.submit(&form, "Sign in").await;
        }
        self.past_the_offer(signed_in).await
    }

    /// Goes on from where signing in led, past the offer of a passkey.
    pub async fn past_the_offer(&mut self, signed_in: TestResponse) -> TestResponse {
        if !signed_in.destination().starts_with("/passkey") {
            return signed_in;
        }
        let form = self.follow(&signed_in).await.document().form("Not now");
        self.submit(&form, "Not now").await
    }

    /// Comes with a request to connect, and goes on until the consent page is there. Alice signs in
    /// on the way if she has to.
    pub async fn consent_page(&mut self, client: &McpClient) -> Document {
        let begun = self.get(&client.authorize_path()).await;
        let mut page = self.follow(&begun).await;
        if page.status == 303 {
            page = self.follow(&page).await;
        }
        if page.document().page() == "login" {
            let form = page
                .document()
                .form("Sign in")
                .fill("email", ALICE)
                .fill("password", PASSWORD);
            let signed_in = self.submit(&form, "Sign in").await;
            let signed_in = self.past_the_offer(signed_in).await;
            page = self.follow(&signed_in).await;
        }
        let page = page.document();
        assert_eq!(page.page(), "consent");
        page
    }

    /// The whole of it: what the client gets when Alice presses a button on the consent page.
    pub async fn decide(&mut self, client: &McpClient, button: &str) -> Callback {
        let form = self.consent_page(client).await.form(button);
        let answer = self.submit(&form, button).await;
        Callback::read(answer.destination())
    }

    /// The code that the client gets when Alice allows it, or at once when she has allowed the same
    /// before.
    pub async fn allow(&mut self, client: &McpClient) -> String {
        let callback = self.allowed(client).await;
        callback
            .query
            .one("code")
            .unwrap_or_else(|| panic!("a code: {callback:?}"))
            .to_owned()
    }

    /// The whole answer of the same.
    pub async fn allowed(&mut self, client: &McpClient) -> Callback {
        let passed = self.get(&client.authorize_path()).await;
        if passed.destination().starts_with('/') {
            return self.decide(client, "Allow").await;
        }
        Callback::read(passed.destination())
    }

    /// The answer of a client's request that leads to no page at all.
    pub async fn pass(&mut self, client: &McpClient) -> Callback {
        let answer = self.get(&client.authorize_path()).await;
        assert!(
            !answer.destination().starts_with('/'),
            "asked the person: {answer:?}"
        );
        Callback::read(answer.destination())
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let mut request = test_server::from(self.address, method, path);
        if let Some(cookies) = cookies::header(&self.cookies) {
            request = request.header(header::COOKIE, cookies);
        }
        request
    }

    async fn send(&mut self, request: Request<Body>) -> TestResponse {
        let answer = self.server.send(request).await;
        for line in answer.headers.get_all(header::SET_COOKIE) {
            self.store_cookie(line.to_str().expect("a cookie that is text"));
        }
        answer
    }

    /// Stores a cookie as browsers do: the prefix `__Host-` demands Secure, the whole path, and no
    /// domain.
    fn store_cookie(&mut self, line: &str) {
        let attributes: Vec<_> = line.split("; ").skip(1).collect();
        let good = ["Secure", "HttpOnly", "Path=/", "SameSite=Lax"]
            .iter()
            .all(|needed| attributes.contains(needed));
        let has_domain = attributes
            .iter()
            .any(|attribute| attribute.starts_with("Domain"));
        assert!(
            line.starts_with("__Host-") && good && !has_domain,
            "not a cookie of ours: {line}"
        );
        cookies::store(&mut self.cookies, line);
    }
}
