//! What clients do.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use testkit::{
    OAuthClient, Query,
    cookies::{self, CookieJar},
};
use url::form_urlencoded::Serializer;

use crate::{Outcome, load::Scenario, wire::Answer};

/// Codes or tokens that all clients draw from; whoever holds one holds it alone.
#[derive(Clone, Default)]
pub(crate) struct TokenPool(Arc<Mutex<VecDeque<String>>>);

impl TokenPool {
    /// Takes the one that has lain longest.
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

    /// Takes some away as a pool of their own.
    pub(crate) fn split(&self, count: usize) -> Self {
        let some = std::iter::from_fn(|| self.take()).take(count).collect();
        Self(Arc::new(Mutex::new(some)))
    }
}

/// Who asks, and where: what all requests of one client of the server share.
#[derive(Clone)]
pub(crate) struct VirtualUser {
    pub(crate) issuer: String,
    pub(crate) client: String,
    pub(crate) callback: &'static str,
    pub(crate) cookies: CookieJar,
}

impl VirtualUser {
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

    /// A form that the browser posts from one of the server's own pages.
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

    /// A form that a client posts.
    fn form(&self, path: &str, form: &Query) -> Vec<u8> {
        self.post(
            path,
            "application/x-www-form-urlencoded",
            "accept: application/json\r\n",
            &form.encode(),
        )
    }

    /// JSON that a client posts.
    pub(crate) fn json(&self, path: &str, body: &str) -> Vec<u8> {
        self.post(
            path,
            "application/json",
            "accept: application/json\r\n",
            body,
        )
    }

    /// How a client asks for access.
    pub(crate) fn authorize(&self) -> Vec<u8> {
        let query = self.oauth().authorization(&self.resource(), "af0ifjsldkj");
        self.get(&format!("/authorize?{}", query.encode()))
    }

    /// How a client exchanges a code.
    pub(crate) fn exchange(&self, code: &str) -> Vec<u8> {
        self.form("/token", &self.oauth().code_form(code, &self.resource()))
    }

    /// How a client refreshes.
    pub(crate) fn refresh(&self, token: &str) -> Vec<u8> {
        let form = self.oauth().refresh_form(token);
        self.form("/token", &form.and("resource", &self.resource()))
    }

    fn oauth(&self) -> OAuthClient {
        OAuthClient::new(&self.client, None, self.callback)
    }

    fn resource(&self) -> String {
        format!("{}/mcp", self.issuer)
    }

    fn cookie_line(&self) -> String {
        cookies::header(&self.cookies)
            .map(|cookies| format!("cookie: {cookies}\r\n"))
            .unwrap_or_default()
    }

    fn post(&self, path: &str, content: &str, extra: &str, body: &str) -> Vec<u8> {
        let (host, length) = (self.host(), body.len());
        format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content}\r\ncontent-length: {length}\r\n{extra}\r\n{body}")
            .into_bytes()
    }
}

/// The same request again and again.
#[derive(Clone)]
pub(crate) struct Repeat {
    pub(crate) request: Vec<u8>,
    pub(crate) status: u16,
}

impl Scenario for Repeat {
    fn ask(&mut self, request: &mut Vec<u8>) -> bool {
        request.clone_from(&self.request);
        true
    }

    fn hear(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        if answer.status == self.status {
            Ok(())
        } else {
            Err(answer.unexpected())
        }
    }
}

/// A person who allows the client again and again; two requests for each code.
#[derive(Clone)]
pub(crate) struct Allow {
    pub(crate) user: VirtualUser,
    pub(crate) form_token: String,
    pub(crate) wanted: usize,
    pub(crate) codes: TokenPool,
    pub(crate) waiting: Option<String>,
}

impl Scenario for Allow {
    fn ask(&mut self, request: &mut Vec<u8>) -> bool {
        *request = match &self.waiting {
            None if self.codes.len() >= self.wanted => return false,
            None => self.user.authorize(),
            Some(id) => {
                let fields = [
                    ("form_token", self.form_token.as_str()),
                    ("request", id),
                    ("decision", "allow"),
                ];
                self.user.browser_form("/actions/consent", &fields)
            }
        };
        true
    }

    fn hear(&mut self, answer: &Answer<'_>) -> Outcome<()> {
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

/// A client that exchanges a code, and leaves the refresh token on a pool.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) user: VirtualUser,
    pub(crate) codes: TokenPool,
    pub(crate) tokens: TokenPool,
}

impl Scenario for Exchange {
    fn ask(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(code) = self.codes.take() else {
            return false;
        };
        *request = self.user.exchange(&code);
        true
    }

    fn hear(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        self.tokens.put(answer.member("refresh_token")?.to_owned());
        Ok(())
    }
}

/// A client that uses the refresh token which has rested longest, and puts its successor back.
#[derive(Clone)]
pub(crate) struct Refresh {
    pub(crate) user: VirtualUser,
    pub(crate) tokens: TokenPool,
}

impl Scenario for Refresh {
    fn ask(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(token) = self.tokens.take() else {
            return false;
        };
        *request = self.user.refresh(&token);
        true
    }

    fn hear(&mut self, answer: &Answer<'_>) -> Outcome<()> {
        self.tokens.put(answer.member("refresh_token")?.to_owned());
        Ok(())
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}
