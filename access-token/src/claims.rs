//! The claims of an access token.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The payload of an access token. Claims beyond these are ignored when a token is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer identifier, compared byte for byte.
    pub iss: String,
    /// The user for whom the token was issued.
    pub sub: String,
    /// The resource for which the token was issued.
    pub aud: String,
    /// The client to which the token was issued.
    pub client_id: String,
    /// The device or installation to which the token is bound.
    pub device_id: String,
    /// The permitted scopes, separated by single spaces (RFC 6749 §3.3). May be empty.
    pub scope: String,
    /// When the token was issued, in whole seconds.
    #[serde(with = "crate::timestamp")]
    pub iat: OffsetDateTime,
    /// When the token expires: the first instant at which it is invalid, in whole seconds.
    #[serde(with = "crate::timestamp")]
    pub exp: OffsetDateTime,
    /// A unique id of the token: 16 bytes in base64url.
    pub jti: String,
    /// The grant of the token, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The email address of the user, for a resource that may know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name that the user has chosen, for a resource that may know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Claims {
    /// The names in `scope`.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.split(' ').filter(|name| !name.is_empty())
    }

    /// Whether `scope` contains exactly this name. Scopes have no hierarchy.
    pub fn has_scope(&self, name: &str) -> bool {
        self.scopes().any(|held| held == name)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn claims() -> Claims {
        Claims {
            iss: "https://id.example".into(),
            sub: "person".into(),
            aud: "https://notes.example/mcp".into(),
            client_id: "client".into(),
            device_id: "device".into(),
            scope: "notes:read  notes:write".into(),
            iat: datetime!(2026-11-23 12:00:00.75 +2),
            exp: datetime!(2026-11-23 11:00:00 UTC),
            jti: "AAAAAAAAAAAAAAAAAAAAAA".into(),
            grant: None,
            email: None,
            name: None,
        }
    }

    #[test]
    fn times_are_rfc_3339_in_utc_and_whole_seconds() {
        let json = serde_json::to_value(claims()).expect("claims are JSON");
        assert_eq!(json["iat"], "2026-11-23T10:00:00Z");
        assert_eq!(json["exp"], "2026-11-23T11:00:00Z");
        assert!(json.get("grant").is_none());
        let read: Claims = serde_json::from_value(json).expect("and back");
        assert_eq!(read.iat, datetime!(2026-11-23 10:00:00 UTC));
    }

    #[test]
    fn a_time_with_another_offset_is_understood_and_a_number_is_not() {
        let mut json = serde_json::to_value(claims()).expect("claims are JSON");
        json["exp"] = "2026-11-23T13:00:00+02:00".into();
        let read: Claims = serde_json::from_value(json.clone()).expect("an offset is RFC 3339 too");
        assert_eq!(read.exp, datetime!(2026-11-23 11:00:00 UTC));
        json["exp"] = 1_795_431_600.into();
        assert!(serde_json::from_value::<Claims>(json).is_err());
    }

    #[test]
    fn scopes_are_whole_names() {
        let claims = claims();
        assert_eq!(
            claims.scopes().collect::<Vec<_>>(),
            ["notes:read", "notes:write"]
        );
        assert!(claims.has_scope("notes:read"));
        assert!(!claims.has_scope("notes"));
        assert!(!claims.has_scope(""));
    }
}
