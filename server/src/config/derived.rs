//! What follows from the settings, and how some of them are read.

use std::path::PathBuf;

use provider::{Lifetimes, RegistrationPolicy, Settings};
use store::{RedisOptions, StoreLocation};

use super::{Config, SealingKeySource};
use crate::brand::Branding;

impl Config {
    /// The data folder, with the embedded engine.
    pub(crate) fn data_folder(&self) -> Option<&std::path::Path> {
        match &self.store {
            StoreLocation::File(folder) => Some(folder),
            StoreLocation::Memory | StoreLocation::Redis(_) => None,
        }
    }

    /// How to connect to Redis, if the store is there.
    pub(crate) fn redis(&self) -> RedisOptions {
        let wait = Some(self.redis_wait_for_replica);
        RedisOptions {
            tls_ca: self.redis_tls_ca.clone(),
            tls_certificate: self.redis_tls_certificate.clone(),
            tls_key: self.redis_tls_key.clone(),
            server_name: self.redis_server_name.clone(),
            username: self.redis_username.clone(),
            password_file: self.redis_password_file.clone(),
            database: self.redis_database,
            prefix: self.redis_prefix.clone(),
            sentinel_username: self.redis_sentinel_username.clone(),
            sentinel_password: self.redis_sentinel_password.clone(),
            sentinel_password_file: self.redis_sentinel_password_file.clone(),
            connect_timeout: self.redis_connect_timeout,
            response_timeout: self.redis_response_timeout,
            wait_for_replica: wait.filter(|wait| !wait.is_zero()),
            wait_replicas: self.redis_wait_replicas,
        }
    }

    /// What the pages look like.
    pub(crate) fn branding(&self) -> Branding {
        Branding {
            accent: self.accent_color,
            logo: self.logo.clone(),
        }
    }

    /// What the provider needs of it.
    pub(crate) fn settings(&self) -> Settings {
        let lifetimes = Lifetimes {
            code: self.code_lifetime,
            access_token: self.access_token_lifetime,
            refresh_token: self.refresh_token_lifetime,
            refresh_replay_window: self.refresh_replay_window,
            consent: self.consent_lifetime,
            audit: self.audit_retention,
            request: Lifetimes::REQUEST,
            session: Lifetimes::SESSION,
            invitation: Lifetimes::INVITATION,
            key_overlap: Lifetimes::KEY_OVERLAP,
        };
        Settings {
            issuer: self.issuer.clone(),
            name: self.server_name.clone(),
            resources: self.resources.clone(),
            default_resource: self.default_resource.clone(),
            lifetimes,
            registration: RegistrationPolicy {
                open: self.registration,
                limit_per_hour: self.registration_limit,
            },
            client_documents: self.client_documents.clone(),
            private_schemes: self.private_schemes.clone(),
            sign_up: self.sign_up.clone(),
            rate_limits: self.rate_limits,
            link_pages: app::pages::link_pages(),
        }
    }
}

pub(super) fn server_name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the name is empty".to_owned()),
        name => Ok(name.to_owned()),
    }
}

pub(super) fn number(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| format!("\"{text}\" is not a number"))
}

pub(super) fn location(text: &str) -> Result<StoreLocation, String> {
    text.parse()
        .map_err(|error: store::Error| error.to_string())
}

/// The text itself never appears in a fault: a key with a typing error is still nearly a key.
pub(super) fn sealing_key(text: &str) -> Result<SealingKeySource, String> {
    if !text.starts_with("k4.") {
        return Ok(SealingKeySource::File(PathBuf::from(text)));
    }
    match text.parse::<access_token::SealingKey>() {
        Ok(_) => Ok(SealingKeySource::Given(text.to_owned())),
        Err(_) => {
            Err("this is not a k4.local.… key; create one with \"vestibule key seal\"".to_owned())
        }
    }
}

pub(super) fn text(text: &str) -> Result<String, String> {
    match text {
        "" => Err("the value is empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

pub(super) fn database(text: &str) -> Result<i64, String> {
    number(text).map(i64::from)
}

/// A prefix with braces would put all keys of a cluster on one node.
pub(super) fn prefix(text: &str) -> Result<String, String> {
    if text.contains(['{', '}']) || text.chars().any(char::is_whitespace) {
        return Err("the prefix must not contain braces or spaces".to_owned());
    }
    self::text(text)
}

pub(super) fn replicas(text: &str) -> Result<u32, String> {
    match number(text)? {
        0 => Err("the minimum is 1".to_owned()),
        replicas => Ok(replicas),
    }
}
