//! A browser without HTTP.

use std::net::{IpAddr, Ipv4Addr};

use provider::{BrowserContext, Provider, SetCookie, SignedIn};

use super::{DEVICE, TestProvider};
use crate::cookies::{self, CookieJar};

/// A browser that calls the provider directly.
#[derive(Clone)]
pub struct Browser {
    provider: Provider,
    cookies: CookieJar,
    /// Its network address.
    pub address: IpAddr,
}

impl Browser {
    /// A browser that has visited the server before, from the given address.
    pub fn from(server: &TestProvider, last_byte: u8) -> Self {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last_byte));
        let mut browser = Self {
            provider: server.provider.clone(),
            cookies: CookieJar::new(),
            address,
        };
        let cookies = server.provider.browser_context(b"", "", address).1;
        for cookie in &cookies {
            browser.store_cookie(cookie);
        }
        browser
    }

    /// The context of its requests.
    pub fn context(&self) -> BrowserContext {
        let cookies = cookies::header(&self.cookies).unwrap_or_default();
        self.provider
            .browser_context(cookies.as_bytes(), DEVICE, self.address)
            .0
    }

    /// Stores a cookie, or removes it.
    pub fn store_cookie(&mut self, cookie: &SetCookie) {
        cookies::store(&mut self.cookies, &cookie.header_value());
    }

    /// Stores the cookies of a sign-in.
    pub fn store_cookies(&mut self, signed_in: &SignedIn) {
        signed_in
            .cookies
            .iter()
            .for_each(|cookie| self.store_cookie(cookie));
    }

    /// The secrets in its cookies.
    pub fn secrets(&self) -> impl Iterator<Item = &String> {
        self.cookies
            .iter()
            .filter(|(name, _)| !name.ends_with("-way"))
            .map(|(_, value)| value)
    }

    /// Signs in with a password; returns whether it succeeded.
    pub async fn signs_in(&mut self, email: &str, password: &str) -> bool {
        let signed_in = self
            .provider
            .sign_in_with_password(&self.context(), email, password)
            .await;
        if let Ok(signed_in) = &signed_in {
            self.store_cookies(signed_in);
        }
        signed_in.is_ok()
    }

    /// Signs in with a recovery code; returns whether it succeeded.
    pub async fn use_recovery_code(&mut self, email: &str, code: &str) -> bool {
        let signed_in = self
            .provider
            .sign_in_with_recovery_code(&self.context(), email, code)
            .await;
        if let Ok(signed_in) = &signed_in {
            self.store_cookies(signed_in);
        }
        signed_in.is_ok()
    }
}
