//! Scopes (OAuth 2.1 section 3.3): sets of words, kept in the order in which they were asked for.

use std::fmt;

use crate::{
    error::{RedirectError, TokenRequestError},
    resource::Resource,
};

/// The scope that asks to stay connected; the authorization server lists it, resources never do
/// (R-P5, R-K9).
pub const OFFLINE_ACCESS: &str = "offline_access";

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
    /// None asked, or nothing but `offline_access`, means the default set of the resource (R-K7, R-P4);
    /// unknown words are dropped, since real clients ask for words of other servers, and the token
    /// response reports the result (R-A16, R-O13).
    ///
    /// # Errors
    /// [`RedirectError::NoGrantableScope`] when words were asked for and none of them exists.
    pub fn grantable(requested: Option<&str>, resource: &Resource) -> Result<Self, RedirectError> {
        let asked = Self::parse(requested.unwrap_or_default());
        let known = asked.where_word(|word| word == OFFLINE_ACCESS || resource.describes(word));
        if known.names_something() {
            return Ok(known);
        }
        if !asked.is_empty() && known.is_empty() {
            return Err(RedirectError::NoGrantableScope);
        }
        let default = resource.default_scopes().map(str::to_owned);
        Ok(default.chain(known.0).collect())
    }

    /// Narrows the scopes of a grant to those that an exchange names. OAuth 2.1 defines no `scope`
    /// there, yet clients repeat the one of their authorization request, dropped words included: so
    /// words beyond the grant count for nothing (R-O5).
    #[must_use]
    pub fn among(&self, requested: Option<&str>) -> Self {
        let asked = Self::parse(requested.unwrap_or_default());
        self.or_all(self.where_word(|word| asked.contains(word)))
    }

    /// Narrows the scopes of a grant to what a refresh at `resource` asks for (R-O14).
    ///
    /// Clients repeat the scope of their authorization request, dropped words included. A word that
    /// the resource does not have widens nothing, nor does `offline_access`: both count for nothing
    /// unless they were granted.
    ///
    /// # Errors
    /// [`TokenRequestError::ScopeNotGranted`] when it asks for a scope of the resource that was not granted
    /// (RFC 6749 section 6).
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
        Ok(self.or_all(asked.where_word(|word| self.contains(word))))
    }

    /// What is left of them at `resource` as it is described today: the configuration may have
    /// dropped some.
    ///
    /// # Errors
    /// [`TokenRequestError::GrantedScopesGone`] when nothing is left.
    pub fn at(&self, resource: &Resource) -> Result<Self, TokenRequestError> {
        let left = self.where_word(|word| word == OFFLINE_ACCESS || resource.describes(word));
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

    /// Whether they name anything at a resource: `offline_access` alone does not.
    fn names_something(&self) -> bool {
        self.iter().any(|word| word != OFFLINE_ACCESS)
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
mod tests {
    use super::*;
    use crate::resource::{ResourceIdentifier, ScopeDescription};

    fn notes() -> Resource {
        let scope = |name: &str, default| ScopeDescription {
            name: name.to_owned(),
            sentence: String::new(),
            default,
        };
        Resource {
            identifier: ResourceIdentifier::parse("https://notes.example/mcp")
                .expect("a valid identifier"),
            name: "Notes".to_owned(),
            scopes: vec![
                scope("read", true),
                scope("list", true),
                scope("write", false),
            ],
            introspection_secret: None,
        }
    }

    #[test]
    fn r_a16_k7_k9_what_is_asked_becomes_what_is_granted() {
        for (asked, granted) in [
            (None, Ok("read list")),
            (Some(""), Ok("read list")),
            (Some(" "), Ok("read list")),
            (Some("read"), Ok("read")),
            (Some("write"), Ok("write")),
            (Some("write  read write"), Ok("write read")),
            (Some("openid read profile"), Ok("read")),
            (Some("offline_access"), Ok("read list offline_access")),
            (
                Some("openid offline_access"),
                Ok("read list offline_access"),
            ),
            (Some("read offline_access"), Ok("read offline_access")),
            (Some("openid profile"), Err(RedirectError::NoGrantableScope)),
            (Some("READ"), Err(RedirectError::NoGrantableScope)),
        ] {
            assert_eq!(
                Scopes::grantable(asked, &notes()).map(|scopes| scopes.to_string()),
                granted.map(str::to_owned),
                "{asked:?}"
            );
        }
    }

    #[test]
    fn an_exchange_may_narrow_and_never_widen() {
        let granted = Scopes::parse("read write");
        for (asked, result) in [
            (None, "read write"),
            (Some("write"), "write"),
            (Some("openid write"), "write"),
            (Some("openid"), "read write"),
            (Some("admin write read"), "read write"),
        ] {
            assert_eq!(granted.among(asked).to_string(), result, "{asked:?}");
        }
        let granted = Scopes::parse("read write offline_access");
        for (asked, result) in [
            ("offline_access", "read write offline_access"),
            ("read offline_access", "read offline_access"),
            ("read", "read"),
        ] {
            assert_eq!(granted.among(Some(asked)).to_string(), result, "{asked}");
        }
    }

    #[test]
    fn a_refresh_may_narrow_and_never_widen() {
        let granted = Scopes::parse("read write");
        let resource = notes();
        for (asked, result) in [
            (None, Ok("read write")),
            (Some(""), Ok("read write")),
            (Some("write"), Ok("write")),
            (Some("write write"), Ok("write")),
            (Some("read offline_access"), Ok("read")),
            (Some("offline_access"), Ok("read write")),
            // What the authorization request dropped.
            (Some("read admin"), Ok("read")),
            (Some("openid write profile"), Ok("write")),
            (Some("openid offline_access"), Ok("read write")),
            // What exists at the resource, and was not granted.
            (Some("list"), Err(TokenRequestError::ScopeNotGranted)),
            (Some("read list"), Err(TokenRequestError::ScopeNotGranted)),
            (Some("openid list"), Err(TokenRequestError::ScopeNotGranted)),
        ] {
            let narrowed = granted
                .narrowed(asked, &resource)
                .map(|scopes| scopes.to_string());
            assert_eq!(narrowed, result.map(str::to_owned), "{asked:?}");
        }
        let granted = Scopes::parse("read offline_access");
        for (asked, result) in [
            ("offline_access", "read offline_access"),
            ("offline_access read", "offline_access read"),
            ("read", "read"),
        ] {
            let narrowed = granted
                .narrowed(Some(asked), &resource)
                .map(|scopes| scopes.to_string());
            assert_eq!(narrowed, Ok(result.to_owned()), "{asked}");
        }
    }

    #[test]
    fn what_the_configuration_dropped_is_granted_no_more() {
        let left = |granted: &str| {
            Scopes::parse(granted)
                .at(&notes())
                .map(|scopes| scopes.to_string())
        };
        assert_eq!(left("write gone read"), Ok("write read".to_owned()));
        assert_eq!(
            left("offline_access gone read"),
            Ok("offline_access read".to_owned())
        );
        for nothing in ["", "gone", "offline_access", "gone offline_access"] {
            assert_eq!(
                left(nothing),
                Err(TokenRequestError::GrantedScopesGone),
                "{nothing}"
            );
        }
    }

    #[test]
    fn r_k8_a_union_holds_each_word_once() {
        let union = |one, other| Scopes::parse(one).union(&Scopes::parse(other)).to_string();
        assert_eq!(union("read list", "write read"), "read list write");
        assert_eq!(
            (union("", "read"), union("read", "")),
            ("read".to_owned(), "read".to_owned())
        );
    }

    #[test]
    fn a_scope_is_one_word_of_visible_characters() {
        for good in ["read", "mcp:read", "https://a.example/read", "!#[]~"] {
            assert!(is_scope_word(good), "{good}");
        }
        for bad in [
            "",
            "read write",
            "a\"b",
            "a\\b",
            "\"",
            "\\",
            "é",
            "a\tb",
            "\u{7f}",
        ] {
            assert!(!is_scope_word(bad), "{bad:?}");
        }
    }
}
