//! The scenarios of clients.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use testkit::{
    CALLBACK, OAuthClient, Query,
    cookies::{self, CookieJar},
};
use url::form_urlencoded::Serializer;

use crate::{Outcome, load::Scenario, wire::Answer};

/// Codes or tokens that all clients share; each is used by one client at a time.
#[derive(Clone, Default)]
pub(crate) struct TokenPool(Arc<Mutex<VecDeque<String>>>);

impl TokenPool {
    /// Takes the oldest one.
    pub(crate) fn take(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }

    pub(crate) fn put(&self, one: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(one);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Moves some into a separate pool.
    pub(crate) fn split(&self, count: usize) -> Self {
        let some = std::iter::from_fn(|| self.take()).take(count).collect();
        Self(Arc::new(Mutex::new(some)))
    }
}

/// The paths of an authorization server's endpoints.
#[derive(Clone)]
pub(crate) struct Endpoints {
    pub(crate) authorization: String,
    pub(crate) token: String,
    pub(crate) registration: String,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            authorization: "/authorize".to_owned(),
            token: "/token".to_owned(),
            registration: "/register".to_owned(),
        }
    }
}

/// The `state` of every authorization request.
const STATE: &str = "af0ifjsldkj";

/// The data that all requests of one user share.
#[derive(Clone, Default)]
pub(crate) struct VirtualUser {
    pub(crate) issuer: String,
    pub(crate) client: String,
    /// The resource that the client asks for.
    pub(crate) resource: String,
    /// The scope that it asks for; without one, the server decides.
    pub(crate) scope: Option<&'static str>,
    pub(crate) callback: &'static str,
    pub(crate) cookies: CookieJar,
    pub(crate) endpoints: Endpoints,
}

impl VirtualUser {
    /// A user of the server `issuer` without a client and cookies, who will use `resource`.
    pub(crate) fn new(issuer: &str, resource: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            resource: resource.to_owned(),
            callback: CALLBACK,
            ..Self::default()
        }
    }

    /// Stores the cookies of a response.
    pub(crate) fn store_cookies(&mut self, answer: &Answer<'_>) {
        for cookie in answer.headers("set-cookie") {
            cookies::store(&mut self.cookies, cookie);
        }
    }

    fn host(&self) -> &str {
        self.issuer.trim_start_matches("http://")
    }

    /// A GET request, with the browser's cookies.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        let cookies = self.cookie_line();
        format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\naccept: */*\r\n{cookies}\r\n",
            self.host()
        )
        .into_bytes()
    }

    /// A GET request of a program with a token.
    pub(crate) fn with_token(&self, path: &str, token: &str) -> Vec<u8> {
        format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n",
            self.host()
        )
        .into_bytes()
    }

    /// A form post from a page of the server.
    pub(crate) fn browser_form(&self, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let extra = format!(
            "{}origin: {}\r\naccept: text/html\r\n",
            self.cookie_line(),
            self.issuer
        );
        self.post(
            path,
            "application/x-www-form-urlencoded",
            &extra,
            &encoded(fields),
        )
    }

    /// A form post of a client.
    fn form(&self, path: &str, form: &Query) -> Vec<u8> {
        self.post(
            path,
            "application/x-www-form-urlencoded",
            "accept: application/json\r\n",
            &form.encode(),
        )
    }

    /// A JSON post of a client.
    pub(crate) fn json(&self, path: &str, body: &str) -> Vec<u8> {
        self.post(
            path,
            "application/json",
            "accept: application/json\r\n",
            body,
        )
    }

    /// A registration request.
    pub(crate) fn register(&self, metadata: &str) -> Vec<u8> {
        self.json(&self.endpoints.registration, metadata)
    }

    /// An authorization request.
    pub(crate) fn authorize(&self) -> Vec<u8> {
        let mut query = self.oauth().authorization(&self.resource, STATE);
        if let Some(scope) = self.scope {
            query = query.and("scope", scope);
        }
        self.get(&format!(
            "{}?{}",
            self.endpoints.authorization,
            query.encode()
        ))
    }

    /// The code of an answer that redirects to this user's client.
    pub(crate) fn code_of<'a>(&self, answer: &Answer<'a>) -> Outcome<&'a str> {
        let location = answer.location()?;
        let has_state = |query: &str| {
            let mut pairs = query.split('&');
            pairs.any(|pair| pair.strip_prefix("state=") == Some(STATE))
        };
        let answered = location
            .strip_prefix(self.callback)
            .and_then(|rest| rest.strip_prefix('?'))
            .is_some_and(has_state);
        let code = code_of(location).filter(|code| answered && !code.is_empty());
        code.ok_or_else(|| answer.unexpected())
    }

    /// A token request with a code.
    pub(crate) fn exchange(&self, code: &str) -> Vec<u8> {
        let form = self.oauth().code_form(code, &self.resource);
        self.form(&self.endpoints.token, &form)
    }

    /// A token request with a refresh token.
    pub(crate) fn refresh(&self, token: &str) -> Vec<u8> {
        let form = self.oauth().refresh_form(token);
        let form = form.and("resource", &self.resource);
        self.form(&self.endpoints.token, &form)
    }

    /// A revocation request.
    pub(crate) fn revoke(&self, token: &str) -> Vec<u8> {
        let form = Query::new([("token", token), ("client_id", &self.client)]);
        self.form("/revoke", &form)
    }

    /// The consent to a pending authorization request.
    pub(crate) fn consent(&self, form_token: &str, request: &str) -> Vec<u8> {
        let fields = [
            ("form_token", form_token),
            ("request", request),
            ("decision", "allow"),
        ];
        self.browser_form("/actions/consent", &fields)
    }

    fn oauth(&self) -> OAuthClient {
        OAuthClient::new(&self.client, None, self.callback)
    }

    fn cookie_line(&self) -> String {
        cookies::header(&self.cookies)
            .map(|cookies| format!("cookie: {cookies}\r\n"))
            .unwrap_or_default()
    }

    fn post(&self, path: &str, content: &str, extra: &str, body: &str) -> Vec<u8> {
        let host = self.host();
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content}\r\ncontent-length: {length}\r\n{extra}\r\n{body}")
            .into_bytes()
    }
}

/// A call of a tool of the MCP server at `host`, in a session of a server that has some.
pub(crate) fn call(host: &str, path: &str, token: &str, session: Option<&str>) -> Vec<u8> {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"Buy milk"}}}"#;
    let session = session.map_or_else(String::new, |id| format!("{SESSION}: {id}\r\n"));
    message(
        host,
        path,
        &format!("authorization: Bearer {token}\r\n{session}"),
        body,
    )
}

/// The header that names a session of an MCP server.
pub(crate) const SESSION: &str = "mcp-session-id";

/// The beginning of a session with the MCP server at `host`.
pub(crate) fn initialize(host: &str, path: &str) -> Vec<u8> {
    let body = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
    message(host, path, "", body)
}

/// A message to an MCP server by streamable HTTP.
fn message(host: &str, path: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let accept = "accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-06-18";
    format!("POST {path} HTTP/1.1\r\nhost: {host}\r\n{more}{accept}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The same request, repeated.
#[derive(Clone)]
pub(crate) struct Repeat {
    pub(crate) request: Vec<u8>,
    pub(crate) status: u16,
}

impl Scenario for Repeat {
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool {
        request.clone_from(&self.request);
        true
    }

    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        if answer.status == self.status {
            Ok(())
        } else {
            Err(answer.unexpected())
        }
    }
}

/// A user who allows the client repeatedly, with two requests for each code.
#[derive(Clone)]
pub(crate) struct Allow {
    pub(crate) user: VirtualUser,
    pub(crate) form_token: String,
    pub(crate) wanted: usize,
    pub(crate) codes: TokenPool,
    pub(crate) waiting: Option<String>,
}

impl Scenario for Allow {
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool {
        *request = match &self.waiting {
            None if self.codes.len() >= self.wanted => return false,
            None => self.user.authorize(),
            Some(id) => self.user.consent(&self.form_token, id),
        };
        true
    }

    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        let location = answer.location()?;
        let part = |name: &str| {
            let query = location.split_once('?')?.1;
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        if self.waiting.take().is_some() {
            self.codes
                .put(part("code").ok_or_else(|| answer.unexpected())?);
        } else {
            self.waiting = Some(part("request").ok_or_else(|| answer.unexpected())?);
        }
        Ok(())
    }
}

/// A client that the user allowed before: a code without a page, and its exchange.
#[derive(Clone)]
pub(crate) struct Flow {
    pub(crate) user: VirtualUser,
    pub(crate) code: Option<String>,
}

impl Scenario for Flow {
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool {
        *request = match &self.code {
            None => self.user.authorize(),
            Some(code) => self.user.exchange(code),
        };
        true
    }

    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        if self.code.take().is_some() {
            return answer.member("access_token").map(|_| ());
        }
        let code = self.user.code_of(answer)?;
        self.code = Some(code.to_owned());
        Ok(())
    }
}

/// The code of a redirect to a client.
pub(crate) fn code_of(location: &str) -> Option<&str> {
    let query = location.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix("code="))
}

/// A client that exchanges a code, and puts the refresh token into a pool.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) user: VirtualUser,
    pub(crate) codes: TokenPool,
    pub(crate) tokens: TokenPool,
}

impl Scenario for Exchange {
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(code) = self.codes.take() else {
            return false;
        };
        *request = self.user.exchange(&code);
        true
    }

    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        self.tokens.put(answer.member("refresh_token")?.to_owned());
        Ok(())
    }
}

/// A client that uses the oldest refresh token, and puts its successor back.
#[derive(Clone)]
pub(crate) struct Refresh {
    pub(crate) user: VirtualUser,
    pub(crate) tokens: TokenPool,
}

impl Scenario for Refresh {
    fn next_request(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(token) = self.tokens.take() else {
            return false;
        };
        *request = self.user.refresh(&token);
        true
    }

    fn handle(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        self.tokens.put(answer.member("refresh_token")?.to_owned());
        Ok(())
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}
