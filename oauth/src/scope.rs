//! Scopes (OAuth 2.1 section 3.3): sets of words, kept in the order in which they were asked for.

use std::fmt;

use crate::{
    error::{RedirectError, TokenRequestError},
    resource::{Disclosed, Resource},
};

/// The scope that asks to stay connected; the authorization server lists it, resources never do
/// (R-P5, R-K9).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scope of a grant whose resource may know the user's email address. A client need not ask for
/// it: it is granted with everything at a resource that may know it ([`Resource::disclosed`]), so
/// that the user sees it on the consent page, and only who allowed it since is disclosed.
pub const EMAIL: &str = "email";

/// The same for the name that the user has chosen.
pub const NAME: &str = "name";

/// The scopes of this server itself, which no resource can have.
pub const OWN: [&str; 3] = [OFFLINE_ACCESS, EMAIL, NAME];

/// The scopes that say what of a user is disclosed.
const DISCLOSING: [&str; 2] = [EMAIL, NAME];

/// A set of scopes without repeats; `Display` is the space-delimited form of the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Splits a space-delimited text; repeats count once.
    pub fn parse(text: &str) -> Self {
        text.split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Chooses what a request for `requested` may be granted at `resource`.
    ///
    /// None asked, or nothing but `offline_access`, means the default set of the resource (R-K7,
    /// R-P4); unknown words are dropped, since real clients ask for words of other servers, and the
    /// token response reports the result (R-A16, R-O13).
    ///
    /// # Errors
    /// [`RedirectError::NoGrantableScope`] when words were asked for and none of them exists.
    pub fn grantable(requested: Option<&str>, resource: &Resource) -> Result<Self, RedirectError> {
        let asked = Self::parse(requested.unwrap_or_default());
        let known = asked.where_word(|word| is_known(word, resource));
        let disclosed = disclosing(resource).map(str::to_owned);
        if known.names_something() {
            return Ok(known.0.into_iter().chain(disclosed).collect());
        }
        if !asked.is_empty() && known.is_empty() {
            return Err(RedirectError::NoGrantableScope);
        }
        let default = resource.default_scopes().map(str::to_owned);
        Ok(default.chain(known.0).chain(disclosed).collect())
    }

    /// Narrows the scopes of a grant to those that an exchange names. OAuth 2.1 defines no `scope`
    /// there, yet clients repeat the one of their authorization request, dropped words included: so
    /// words beyond the grant count for nothing (R-O5).
    #[must_use]
    pub fn among(&self, requested: Option<&str>) -> Self {
        let asked = Self::parse(requested.unwrap_or_default());
        self.or_all(self.where_word(|word| DISCLOSING.contains(&word) || asked.contains(word)))
    }

    /// Narrows the scopes of a grant to what a refresh at `resource` asks for (R-O14).
    ///
    /// Clients repeat the scope of their authorization request, dropped words included. A word that
    /// the resource does not have widens nothing, nor does `offline_access`: both count for nothing
    /// unless they were granted.
    ///
    /// # Errors
    /// [`TokenRequestError::ScopeNotGranted`] when it asks for a scope of the resource that was not
    /// granted (RFC 6749 section 6).
    pub fn narrowed(
        &self,
        requested: Option<&str>,
        resource: &Resource,
    ) -> Result<Self, TokenRequestError> {
        let asked = Self::parse(requested.unwrap_or_default());
        let is_wider = |word: &str| !self.contains(word) && resource.describes(word);
        if asked.iter().any(is_wider) {
            return Err(TokenRequestError::ScopeNotGranted);
        }
        let granted = asked.where_word(|word| self.contains(word));
        let disclosed = self.where_word(|word| DISCLOSING.contains(&word));
        Ok(self.or_all(granted.union(&disclosed)))
    }

    /// What is left of them at `resource` as it is described today: the configuration may have
    /// dropped some.
    ///
    /// # Errors
    /// [`TokenRequestError::GrantedScopesGone`] when nothing is left.
    pub fn at(&self, resource: &Resource) -> Result<Self, TokenRequestError> {
        let left = self.where_word(|word| is_known(word, resource));
        if left.names_something() {
            Ok(left)
        } else {
            Err(TokenRequestError::GrantedScopesGone)
        }
    }

    fn where_word(&self, keep: impl Fn(&str) -> bool) -> Self {
        let kept = self.iter().filter(|word| keep(word));
        kept.map(str::to_owned).collect()
    }

    /// Whether they name anything at a resource: the words of this server alone do not.
    fn names_something(&self) -> bool {
        self.iter().any(|word| !OWN.contains(&word))
    }

    /// A part of these, or all of them where the part names nothing: as in the authorization
    /// request, `offline_access` alone asks for everything.
    fn or_all(&self, part: Self) -> Self {
        if part.names_something() {
            part
        } else {
            self.clone()
        }
    }

    /// The words of both, those of `self` first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).map(str::to_owned).collect()
    }

    /// Whether the set holds all of `other`.
    pub fn includes(&self, other: &Self) -> bool {
        other.iter().all(|word| self.contains(word))
    }

    /// Whether the set holds `word`.
    pub fn contains(&self, word: &str) -> bool {
        self.iter().any(|own| own == word)
    }

    /// The words, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is no word at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether a word means something at a resource.
fn is_known(word: &str, resource: &Resource) -> bool {
    word == OFFLINE_ACCESS
        || resource.describes(word)
        || disclosing(resource).any(|own| own == word)
}

/// The scopes by which a resource may know something of a user.
fn disclosing(resource: &Resource) -> impl Iterator<Item = &'static str> {
    let Disclosed { email, name } = resource.disclosed;
    let email = email.then_some(EMAIL).into_iter();
    email.chain(name.then_some(NAME))
}

impl FromIterator<String> for Scopes {
    fn from_iter<I: IntoIterator<Item = String>>(words: I) -> Self {
        let mut unique = Vec::new();
        for word in words {
            if !unique.contains(&word) {
                unique.push(word);
            }
        }
        Self(unique)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(" "))
    }
}

/// Whether `text` is one scope word (RFC 6749 section 3.3).
pub fn is_scope_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests;
