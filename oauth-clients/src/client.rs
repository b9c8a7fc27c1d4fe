//! Clients, how long they are remembered, and how they authenticate (OAuth 2.1 section 2.4, R-O11,
//! R-O12).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

mod registered;

pub(crate) use registered::Method;
pub use registered::{Registration, RegistrationDetails};

use crate::error::{ClientIdFault, MemberFault};
use jose::Jwks;
use oauth::{
    client::{ClientId, ClientProfile},
    redirect::{PrivateSchemes, RedirectUri},
};
use primitives::{
    Digest, Secret, Timestamp,
    web_address::{self, AddressParts, web_url},
};

/// The longest one that an administrator chooses.
const LONGEST_CHOSEN_ID: usize = 200;
const SECRET_PREFIX: &str = "vcs_";
/// How the identifiers begin that this server gives.
pub const CLIENT_PREFIX: &str = "vc_";
const DAY: Duration = Duration::from_hours(24);
/// The lifetime of a registration that no user has allowed anything yet.
const UNUSED: Duration = DAY.saturating_mul(7);
/// How long it is remembered after its last use.
const USED: Duration = DAY.saturating_mul(180);
/// How long a stale document is remembered whose client no user has allowed anything yet.
const STALE: Duration = DAY;

/// A client that may ask people for access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its identifier.
    pub id: ClientId,
    /// The name that it or an administrator gave it. A name that it gave itself is not checked.
    pub name: Option<String>,
    /// Where answers to it may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it proves that it is itself.
    pub authentication: Authentication,
    /// Whether it may hold refresh tokens.
    pub may_refresh: bool,
    /// How it came to be known.
    pub source: ClientSource,
    /// When it was registered, or its document was fetched.
    pub created_at: Timestamp,
    /// When a user last allowed it access, or it last got a token; exact to a day.
    pub used_at: Option<Timestamp>,
}

/// How a client proves that it is itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// A public client, protected by PKCE alone (OAuth 2.1 section 2.1).
    None,
    /// A confidential client, by a secret in the header or the body.
    Secret(Digest),
    /// A confidential client, by an assertion that one of its keys signed (`private_key_jwt`, RFC
    /// 7523 section 2.2).
    Keys(KeySource),
    /// A client that said it may do either: its assertion is checked when one comes, and none is
    /// needed (R-K15).
    KeysOrNone(KeySource),
}

/// Where the public keys of a client are, by the names of RFC 7591 section 2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeySource {
    /// In what it registered.
    #[serde(rename = "jwks")]
    Inline(Jwks),
    /// At an https address of its own.
    #[serde(rename = "jwks_uri")]
    At(String),
}

impl KeySource {
    /// Keys at an address (`jwks_uri`). Where it may lead is judged whenever it is asked.
    ///
    /// # Errors
    /// [`MemberFault::NotPlainHttps`] when it is not an https URL, or says more than where the keys
    /// are.
    pub fn at(address: String) -> Result<Self, MemberFault> {
        let is_plain = |url: Url| {
            url.scheme() == "https"
                && !AddressParts::split(&address).has_user_part()
                && url.fragment().is_none()
        };
        if web_url(&address).is_some_and(is_plain) {
            Ok(Self::At(address))
        } else {
            Err(MemberFault::NotPlainHttps)
        }
    }
}

/// How a client came to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientSource {
    /// It registered itself (RFC 7591).
    Registered(Box<Registration>),
    /// An administrator added it.
    Added,
    /// Its identifier is the address of a document, in which it describes itself (client ID
    /// metadata documents, R-C2).
    Document {
        /// Until when the document need not be asked for again (R-C4).
        fresh_until: Timestamp,
        /// Whether anybody has allowed the client anything.
        allowed: bool,
    },
}

impl Client {
    /// What the rules see of it.
    pub fn profile(&self) -> ClientProfile<'_> {
        ClientProfile {
            id: &self.id,
            redirect_uris: &self.redirect_uris,
            may_refresh: self.may_refresh,
        }
    }

    /// Whether the client has not expired and would be accepted with the settings of today (T-E38).
    pub fn is_valid(
        &self,
        now: Timestamp,
        schemes: &PrivateSchemes,
        refresh_token: Duration,
    ) -> bool {
        let lapsed = self
            .expires_at(refresh_token)
            .is_some_and(|end| end.has_passed(now));
        !lapsed && self.disallowed_scheme(schemes).is_none()
    }

    /// The scheme of a redirect URI that the settings of today do not let in (T-E38).
    pub fn disallowed_scheme(&self, schemes: &PrivateSchemes) -> Option<&str> {
        self.redirect_uris
            .iter()
            .find_map(|uri| uri.disallowed_scheme(schemes))
    }

    /// The hosts that its identity rests on, in lower case: that of its document, and those that
    /// its answers go to. None is the user's own computer.
    pub fn hosts(&self) -> Vec<String> {
        let own = match &self.id {
            ClientId::Document(address) => Some(address.as_str()),
            ClientId::Registered(_) => None,
        };
        let answers = self
            .redirect_uris
            .iter()
            .map(RedirectUri::as_str)
            .filter(|uri| !web_address::targets_native_app(uri));
        let hosts = own.into_iter().chain(answers);
        let mut hosts: Vec<_> = hosts.filter_map(web_address::https_host).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }

    /// Whether what is known of the client may be used without asking for its document again, or
    /// could have been `grace` ago.
    pub fn is_fresh(&self, now: Timestamp, grace: Duration) -> bool {
        match self.source {
            ClientSource::Document { fresh_until, .. } => !fresh_until.after(grace).has_passed(now),
            ClientSource::Registered(_) | ClientSource::Added => true,
        }
    }

    /// When the client is forgotten unless it is used, or its document is fetched, before; `None`
    /// for one that was added, which stays for ever.
    ///
    /// A refresh token may live longer than an unused client would, and then it decides.
    pub fn expires_at(&self, refresh_token: Duration) -> Option<Timestamp> {
        match &self.source {
            ClientSource::Added => None,
            ClientSource::Document {
                fresh_until,
                allowed: false,
            } => Some(fresh_until.after(STALE)),
            ClientSource::Document { allowed: true, .. } => {
                Some(self.created_at.after(USED.max(refresh_token)))
            }
            ClientSource::Registered(_) => Some(match self.used_at {
                None => self.created_at.after(UNUSED),
                Some(used_at) => used_at.after(USED.max(refresh_token)),
            }),
        }
    }

    /// What a document says now, of a client that is known from what it said `earlier`.
    #[must_use]
    pub fn merged_with(self, earlier: Option<&Self>) -> Self {
        let Some(earlier) = earlier else {
            return self;
        };
        match (&self.source, &earlier.source) {
            (
                ClientSource::Document { fresh_until, .. },
                ClientSource::Document { allowed, .. },
            ) => Self {
                source: ClientSource::Document {
                    fresh_until: *fresh_until,
                    allowed: *allowed,
                },
                used_at: earlier.used_at,
                ..self
            },
            _ => self,
        }
    }

    /// The client with its use noted; `None` when that is noted already, which is once a day.
    #[must_use]
    pub fn touched(&self, now: Timestamp) -> Option<Self> {
        let is_noted = self.used_at.is_some_and(|used_at| now.since(used_at) < DAY);
        let source = match &self.source {
            ClientSource::Document {
                fresh_until,
                allowed: false,
            } => ClientSource::Document {
                fresh_until: *fresh_until,
                allowed: true,
            },
            _ if is_noted => return None,
            source => source.clone(),
        };
        Some(Self {
            source,
            used_at: Some(now),
            ..self.clone()
        })
    }
}

/// The text of a new client secret, in characters that need no escaping in any place a client may
/// put it.
pub fn secret_text(secret: &Secret) -> String {
    format!("{SECRET_PREFIX}{}", secret.encode())
}

/// What is kept of a secret, in the store or in the configuration.
pub fn secret_digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// Validates an identifier that an administrator chooses for a client: it can be sent, and nothing
/// takes it for the address of a document. Identifiers that begin like those that the server makes
/// ([`CLIENT_PREFIX`]) pass here.
///
/// # Errors
/// What is wrong with it.
pub fn validate_chosen_id(text: &str) -> Result<(), ClientIdFault> {
    if text.is_empty() || text.len() > LONGEST_CHOSEN_ID {
        return Err(ClientIdFault::Length);
    }
    let Some(id) = ClientId::parse(text).filter(|_| text.trim() == text) else {
        return Err(ClientIdFault::ForbiddenCharacter);
    };
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    if matches!(id, ClientId::Document(_))
        || ["http", "https"]
            .iter()
            .any(|web| scheme.eq_ignore_ascii_case(web))
    {
        return Err(ClientIdFault::Address);
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
