//! The context that is being served: who came, what they brought, and what goes back besides the
//! page.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use leptos::{nonce::use_nonce, prelude::use_context};
use leptos_axum::ResponseOptions;
use oauth::redirect::{KNOWN_PRIVATE_SCHEMES, Location};
use provider::{BrowserContext, BrowserUpdate, Provider};
use serde::{Serialize, de::DeserializeOwned};
use url::form_urlencoded;

use crate::{
    cookies::SetCookie,
    flash::{self, Flash},
    messages::Message,
    pages::PagePath,
};

const A_MINUTE: Duration = Duration::from_mins(1);

/// The id of a request in the log; the server provides it as a context.
#[derive(Clone, Debug)]
pub struct RequestName(pub String);

/// Whether an action may be carried out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repetition {
    /// No: it uses something up, ends something, or shows something once.
    Once,
    /// It does no harm, or judges repetition itself: guesses at passwords are limited, and a consent
    /// remembers its answer.
    Harmless,
}

/// A server function by its path.
pub(crate) type Action = (&'static str, Repetition);

/// Whether a post did what it asked for. The server provides it with the posts whose answers it
/// gives again.
#[derive(Clone, Debug, Default)]
pub struct Settled(Arc<AtomicBool>);

impl Settled {
    /// Whether it did.
    pub fn is_settled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Notes that the post which is being served did what it asked for.
pub(crate) fn settle() {
    if let Some(settled) =
        use_context::<Parts>().and_then(|parts| parts.extensions.get::<Settled>().cloned())
    {
        settled.0.store(true, Ordering::Release);
    }
}

/// One request for a page or a server function, with the power to answer it.
#[derive(Clone)]
pub(crate) struct PageContext {
    pub(crate) provider: Provider,
    pub(crate) browser: BrowserContext,
    parts: Parts,
    response: ResponseOptions,
}

impl PageContext {
    /// The context this code runs in. The server provides all of it; without it,
    /// every request fails.
    pub(crate) fn current() -> Result<Self, Message> {
        let found = || {
            let parts = use_context::<Parts>()?;
            Some(Self {
                provider: use_context()?,
                browser: use_context().or_else(|| parts.extensions.get().cloned())?,
                response: use_context()?,
                parts,
            })
        };
        found().ok_or(Message::Unavailable)
    }

    /// The context, if the posted form came from a page of this browser and session.
    pub(crate) fn trusted(form_token: &str) -> Result<Self, Message> {
        let context = Self::current()?;
        if context.browser.form_token_matches(form_token) {
            Ok(context)
        } else {
            Err(Message::PageTooOld)
        }
    }

    /// Whether this browser has signed in within the last minute. A form that is sent twice then
    /// comes from before that the second time, and leads where the first has led: nothing else is
    /// done for it.
    pub(crate) async fn has_just_signed_in(&self) -> Result<bool, Message> {
        let user = self.provider.sessions().signed_in(&self.browser).await?;
        Ok(user.is_some_and(|user| self.provider.now().since(user.authenticated_at) <= A_MINUTE))
    }

    /// The token that a form on this page must bring back.
    pub(crate) fn form_token(&self) -> String {
        self.provider.form_token(&self.browser)
    }

    /// The name of this server, as pages say it.
    pub(crate) fn server_name(&self) -> String {
        self.provider.settings().name.clone()
    }

    /// A field of the query as it is in the address, not decoded: for ids and names of this
    /// server, which need no decoding. Empty when it is not there.
    pub(crate) fn query(&self, field: &str) -> String {
        let pairs = self.parts.uri.query().unwrap_or_default().split('&');
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == field)
            .map_or("", |(_, value)| value)
            .to_owned()
    }

    /// A field of the query as it was typed: decoded. Empty when it is not there.
    pub(crate) fn query_decoded(&self, field: &str) -> String {
        let query = self.parts.uri.query().unwrap_or_default();
        let text = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == field);
        text.map(|(_, text)| text.into_owned()).unwrap_or_default()
    }

    /// One part of the path, counted from 0.
    pub(crate) fn path_part(&self, index: usize) -> &str {
        self.parts
            .uri
            .path()
            .split('/')
            .skip(1)
            .nth(index)
            .unwrap_or_default()
    }

    /// Has the browser keep something, or forget it.
    pub(crate) fn keep(&self, update: &BrowserUpdate) {
        let cookie = SetCookie::from(update);
        append(&self.response, header::SET_COOKIE, &cookie.header_value());
    }

    /// The same for several.
    pub(crate) fn keep_all(&self, updates: &[BrowserUpdate]) {
        for update in updates {
            self.keep(update);
        }
    }

    /// The message left for this page, once.
    pub(crate) fn flash<M: DeserializeOwned>(&self) -> Option<Flash<M>> {
        let mut cookies = self
            .parts
            .headers
            .get_all(header::COOKIE)
            .iter()
            .map(HeaderValue::as_bytes);
        let flash = cookies.find_map(Flash::from_cookies)?;
        append(&self.response, header::SET_COOKIE, &flash::clear_cookie());
        Some(flash)
    }

    /// Sends the browser to the client that asked. Only the core can make a `Location`.
    pub(crate) fn leave(&self, location: &Location) {
        see_other(&self.response, location.as_str());
    }

    /// Sends the browser to another page of this server.
    pub(crate) fn go(&self, place: &PagePath) {
        see_other(&self.response, &place.to_string());
    }

    /// Sets the status of this page.
    pub(crate) fn status(&self, status: u16) {
        self.response
            .set_status(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }
}

/// Answers a posted form: on to the next page, or back with a message beside the form, by 303 (
/// T-A9). When the queue of passwords is full, the answer is 503 or 429, at once. What needs a newer
/// sign-in leads to one, which comes back.
pub(crate) fn answer_form(outcome: Result<PagePath, Message>, back: &PagePath, email: &str) {
    let Some(response) = use_context::<ResponseOptions>() else {
        return;
    };
    if let Err(Message::Busy { own }) = outcome {
        return answer_busy(&response, own);
    }
    see_other(&response, &destination(&outcome, back).to_string());
    match outcome {
        Ok(_) => settle(),
        // The page of an invalid link shows that itself.
        Err(Message::LinkGone) => {}
        Err(message) => {
            let flash = Flash {
                message,
                email: email.to_owned(),
                secret: None,
            };
            append(&response, header::SET_COOKIE, &flash.set_cookie());
        }
    }
}

/// Where the answer to a form leads.
fn destination(outcome: &Result<PagePath, Message>, back: &PagePath) -> PagePath {
    match outcome {
        Ok(place) => place.clone(),
        Err(Message::ConfirmFirst) => PagePath::Confirm(back.return_to()),
        Err(_) => back.clone(),
    }
}

/// Answers that the queue of passwords is full.
fn answer_busy(response: &ResponseOptions, own: bool) {
    let status = Message::Busy { own }.status();
    response.set_status(StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE));
    insert(response, BUSY, if own { BUSY_OWN } else { "others" });
}

/// Tells the server, in a header that it takes away again, to answer with a problem page or JSON in
/// place of the form's own answer: the queue of passwords is full. The value says whose queue.
pub const BUSY: HeaderName = HeaderName::from_static("vestibule-busy");
/// The value of [`BUSY`] where this browser's own network or account fills the queue.
pub const BUSY_OWN: &str = "own";

/// Answers a posted form with a 303 to a page that shows a message.
pub(crate) fn answer_telling<M: Serialize>(place: &impl ToString, flash: &Flash<M>) {
    let Some(response) = use_context::<ResponseOptions>() else {
        return;
    };
    see_other(&response, &place.to_string());
    append(&response, header::SET_COOKIE, &flash.set_cookie());
}

/// Gives the answer to script the status of the message it carries.
pub(crate) fn answer_script<T>(outcome: Result<T, Message>) -> Result<T, Message> {
    outcome.inspect(|_| settle()).inspect_err(|message| {
        if let (Some(response), Ok(status)) = (
            use_context::<ResponseOptions>(),
            StatusCode::from_u16(message.status()),
        ) {
            response.set_status(status);
        }
    })
}

/// Sets the headers every page carries. `form_action` is a further source that forms may lead to:
/// browsers hold the redirect after a post against it too (T-A10).
pub(crate) fn protect(form_action: &str) {
    let Some(response) = use_context::<ResponseOptions>() else {
        return;
    };
    let nonce = use_nonce().map(|nonce| nonce.to_string());
    insert(
        &response,
        header::CONTENT_SECURITY_POLICY,
        &content_security_policy(nonce.as_deref(), form_action),
    );
    insert(&response, header::CACHE_CONTROL, "no-store");
}

/// The policy of a page: nothing from outside, script only with this response's nonce, no framing.
pub fn content_security_policy(nonce: Option<&str>, form_action: &str) -> String {
    let script = nonce.map_or_else(
        || "'none'".to_owned(),
        |nonce| format!("'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'"),
    );
    [
        "default-src 'none'",
        &format!("script-src {script}"),
        "connect-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'none'",
        "base-uri 'none'",
        &format!("form-action {}", form_sources(form_action)),
        "frame-ancestors 'none'",
    ]
    .join("; ")
}

/// Where forms may lead: to us, to the callback, and on from there. Callbacks send the browser
/// further, to a page that says it is done or into the client (Claude's to `claude:`), and
/// browsers hold every hop after a post against this list.
fn form_sources(callback: &str) -> String {
    if callback.is_empty() || callback.contains([';', ',', ' ']) {
        return "'self'".to_owned();
    }
    // Policies have no way to spell an IPv6 host; its scheme is the closest there is.
    let callback = if callback.starts_with("http://[") {
        "http:"
    } else {
        callback
    };
    let native_schemes = KNOWN_PRIVATE_SCHEMES
        .map(|scheme| format!("{scheme}:"))
        .join(" ");
    format!("'self' {callback} https: {native_schemes}")
}

fn see_other(response: &ResponseOptions, address: &str) {
    response.set_status(StatusCode::SEE_OTHER);
    insert(response, header::LOCATION, address);
}

/// What is not a header value is left out: it cannot come from our own words, ids and cookies.
fn insert(response: &ResponseOptions, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.insert_header(name, value);
    }
}

fn append(response: &ResponseOptions, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.append_header(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_no_inline_script_and_no_frame() {
        let policy = content_security_policy(Some("abc"), "https://claude.ai");
        assert!(policy.contains("script-src 'nonce-abc' 'strict-dynamic' 'wasm-unsafe-eval';"));
        assert!(policy.contains("form-action 'self' https://claude.ai https: "));
        assert!(policy.contains(" claude:"));
        assert!(policy.ends_with("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe-inline"));
        assert!(content_security_policy(None, "").contains("script-src 'none'; "));
        assert!(content_security_policy(None, "").contains("form-action 'self';"));
    }
}
