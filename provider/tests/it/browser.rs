//! A browser that keeps its cookies.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use provider::{BrowserContext, Provider, SetCookie, SignedIn};

use crate::test_server::{DEVICE, TestServer};

#[derive(Clone)]
pub(crate) struct Browser {
    provider: Provider,
    cookies: BTreeMap<String, String>,
    pub(crate) address: IpAddr,
}

impl Browser {
    /// One that has been here before, if only to look, from an address of its own choice.
    pub(crate) fn from(server: &TestServer, last_byte: u8) -> Self {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last_byte));
        let mut browser = Self {
            provider: server.provider.clone(),
            cookies: BTreeMap::new(),
            address,
        };
        let cookies = server.provider.browser_context(b"", "", address).1;
        for cookie in &cookies {
            browser.store_cookie(cookie);
        }
        browser
    }

    /// As it comes to the door.
    pub(crate) fn context(&self) -> BrowserContext {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        self.provider
            .browser_context(pairs.join("; ").as_bytes(), DEVICE, self.address)
            .0
    }

    pub(crate) fn store_cookie(&mut self, cookie: &SetCookie) {
        let (name, value) = pair(cookie);
        if value.is_empty() {
            self.cookies.remove(&name)
        } else {
            self.cookies.insert(name, value)
        };
    }

    pub(crate) fn store_cookies(&mut self, signed_in: &SignedIn) {
        signed_in
            .cookies
            .iter()
            .for_each(|cookie| self.store_cookie(cookie));
    }

    /// The secrets it holds.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &String> {
        self.cookies
            .iter()
            .filter(|(name, _)| !name.ends_with("-way"))
            .map(|(_, value)| value)
    }

    pub(crate) async fn signs_in(&mut self, email: &str, password: &str) -> bool {
        let signed_in = self
            .provider
            .sign_in_with_password(&self.context(), email, password)
            .await;
        if let Ok(signed_in) = &signed_in {
            self.store_cookies(signed_in);
        }
        signed_in.is_ok()
    }

    pub(crate) async fn use_recovery_code(&mut self, email: &str, code: &str) -> bool {
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

fn pair(cookie: &SetCookie) -> (String, String) {
    let header = cookie.header_value();
    let (name, value) = header
        .split(';')
        .next()
        .and_then(|pair| pair.split_once('='))
        .expect("a pair");
    (name.to_owned(), value.to_owned())
}
