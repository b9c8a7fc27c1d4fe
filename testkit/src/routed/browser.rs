//! A user's browser.

use std::{net::IpAddr, time::Duration};

use axum::body::Body;
use http::{HeaderValue, Method, Request, header};
use serde_json::Value;

use super::{
    Callback, McpClient, TestResponse, TestServer,
    test_server::{self, ALICE, PASSWORD},
};
use crate::{
    Document, HtmlForm, Query,
    cookies::{self, CookieJar},
};

/// A browser without JavaScript. It stores cookies as browsers do, sends `Origin` with its posts,
/// and follows redirects only on request. A clone starts with the same cookies.
#[derive(Clone)]
pub struct Browser {
    server: TestServer,
    /// Its cookies.
    pub cookies: CookieJar,
    /// The `Origin` of its posts; `None` for no header.
    pub origin: Option<String>,
    /// Its network address.
    pub address: IpAddr,
    /// The current page, for `Referer`.
    shown: String,
}

impl Browser {
    /// A new browser.
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

    /// A browser in which Alice is signed in.
    pub async fn of_alice(server: &TestServer) -> Self {
        let mut browser = Self::new(server);
        let signed_in = browser.sign_in(ALICE, PASSWORD).await;
        assert_eq!(signed_in.destination(), "/account");
        browser
    }

    /// The same browser with another server of the same name.
    #[must_use]
    pub fn at(&self, server: &TestServer) -> Self {
        Self {
            server: server.clone(),
            ..self.clone()
        }
    }

    /// Sends a GET request.
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

    /// Opens a page of the server, which must succeed.
    pub async fn open(&mut self, path: &str) -> Document {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.document()
    }

    /// Posts a form from the current page.
    pub async fn post(&mut self, path: &str, fields: &Query) -> TestResponse {
        let mut request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        // A browser that posts a form accepts HTML.
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

    /// Calls a server function as the islands do, with JSON.
    pub async fn call_action(&mut self, name: &str, arguments: &Value) -> TestResponse {
        let mut request = self
            .request(Method::POST, &format!("/actions/{name}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if let Some(origin) = &self.origin {
            request = request.header(header::ORIGIN, origin);
        }
        let body = arguments.to_string();
        self.send(request.body(body.into()).expect("a request"))
            .await
    }

    /// Opens a page and presses a button that needs no input.
    pub async fn press(&mut self, path: &str, button: &str) -> TestResponse {
        let form = self.open(path).await.form(button);
        self.submit(&form, button).await
    }

    /// Submits a form with a button.
    pub async fn submit(&mut self, form: &HtmlForm, button: &str) -> TestResponse {
        self.post(&form.action, &form.press(button)).await
    }

    /// Follows a redirect, which must lead to a page of the server.
    pub async fn follow(&mut self, answer: &TestResponse) -> TestResponse {
        let path = answer.destination();
        assert!(
            path.starts_with('/') && !path.starts_with("//"),
            "redirects to another server: {path}"
        );
        self.get(path).await
    }

    /// The form token of the signed-in session.
    pub async fn form_token(&mut self) -> String {
        self.open("/account").await.form("Sign out").token()
    }

    /// Signs in on the sign-in page, and declines a passkey if one is offered.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> TestResponse {
        let form = self.open("/login").await.form("Sign in");
        let form = form.fill("email", email).fill("password", password);
        let mut signed_in = self.submit(&form, "Sign in").await;
        // When the queue for password hashes is full, a user tries again.
        while signed_in.status == 503 && signed_in.header(header::RETRY_AFTER) == Some("3") {
            tokio::time::sleep(Duration::from_millis(100)).await;
            signed_in = self.submit(&form, "Sign in").await;
        }
        self.past_the_offer(signed_in).await
    }

    /// Follows the redirect of a sign-in, and declines a passkey if one is offered.
    pub async fn past_the_offer(&mut self, signed_in: TestResponse) -> TestResponse {
        if !signed_in.destination().starts_with("/passkey") {
            return signed_in;
        }
        let form = self.follow(&signed_in).await.document().form("Not now");
        self.submit(&form, "Not now").await
    }

    /// Sends an authorization request, and continues to the consent page. Alice signs in if
    /// necessary.
    pub async fn consent_page(&mut self, client: &McpClient) -> Document {
        let response = self.get(&client.authorize_path()).await;
        let mut page = self.follow(&response).await;
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

    /// Runs the whole flow; returns the response to the client when Alice presses a button on the
    /// consent page.
    pub async fn decide(&mut self, client: &McpClient, button: &str) -> Callback {
        let form = self.consent_page(client).await.form(button);
        let answer = self.submit(&form, button).await;
        Callback::read(answer.destination())
    }

    /// The code for the client after Alice allows it, or at once with a remembered consent.
    pub async fn allow(&mut self, client: &McpClient) -> String {
        let callback = self.allowed(client).await;
        callback
            .query
            .one("code")
            .unwrap_or_else(|| panic!("a code: {callback:?}"))
            .to_owned()
    }

    /// Like [`Self::allow`], with the whole response.
    pub async fn allowed(&mut self, client: &McpClient) -> Callback {
        let passed = self.get(&client.authorize_path()).await;
        if passed.destination().starts_with('/') {
            return self.decide(client, "Allow").await;
        }
        Callback::read(passed.destination())
    }

    /// The response to an authorization request that shows no page.
    pub async fn pass(&mut self, client: &McpClient) -> Callback {
        let answer = self.get(&client.authorize_path()).await;
        assert!(
            !answer.destination().starts_with('/'),
            "showed a page: {answer:?}"
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

    /// Stores a cookie as browsers do: the prefix `__Host-` requires Secure, the path `/`, and no
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
            "not a `__Host-` cookie: {line}"
        );
        cookies::store(&mut self.cookies, line);
    }
}
