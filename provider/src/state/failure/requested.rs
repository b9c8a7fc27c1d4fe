//! The requested values of a failed request, as text that is safe to store and to show.

use oauth::{
    Parameters,
    redirect::{PrivateSchemes, RedirectUri},
};
use oauth_clients::client::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use identity::deceptive::is_deceptive_char;

/// The maximum length of each text in characters. A longer one is truncated, with a mark.
const LONGEST: usize = 512;
/// The maximum number of stored values of a repeated parameter.
const MOST_VALUES: usize = 3;

/// The requested values. They are untrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedParameters {
    /// Where the answer was to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<RequestedText>,
    /// The resource; several are separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<RequestedText>,
    /// The scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<RequestedText>,
    /// What the client called itself in its registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<RequestedText>,
}

/// A text that was sent, without characters that mislead, and not longer than a page can show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedText {
    /// The stored text.
    pub text: String,
    /// Whether something was omitted, so that it differs from the request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub altered: bool,
}

impl RequestedText {
    /// The showable part of a text; `None` for an empty one.
    pub fn of(sent: &str) -> Option<Self> {
        let text: String = sent
            .chars()
            .filter(|letter| !is_deceptive_char(*letter))
            .take(LONGEST)
            .collect();
        let altered = text != sent;
        (!sent.is_empty()).then_some(Self { text, altered })
    }
}

impl RequestedParameters {
    /// The values of an authorization or token request.
    pub(crate) fn of(parameters: &Parameters) -> Self {
        let text = |name: &str| {
            let values: Vec<_> = parameters
                .all(name)
                .filter(|value| !value.is_empty())
                .take(MOST_VALUES)
                .collect();
            RequestedText::of(&values.join(" "))
        };
        Self {
            redirect_uri: text("redirect_uri"),
            resource: text("resource"),
            scope: text("scope"),
            client_name: None,
        }
    }

    /// The values of a registration: its first unacceptable redirect URI, or else the first.
    pub(crate) fn of_registration(body: &[u8], schemes: &PrivateSchemes) -> Self {
        let metadata: Value = serde_json::from_slice(body).unwrap_or_default();
        let uri = culprit(&metadata["redirect_uris"], schemes);
        let name = metadata["client_name"].as_str();
        Self {
            redirect_uri: uri.and_then(RequestedText::of),
            client_name: name.and_then(RequestedText::of),
            scope: metadata["scope"].as_str().and_then(RequestedText::of),
            resource: None,
        }
    }

    /// The requested redirect URI that may be added to a client, if any: an administrator added the
    /// client, the URI is complete, it is not registered yet, and it could be registered.
    pub(crate) fn addable(&self, client: &Client, schemes: &PrivateSchemes) -> Option<String> {
        let asked = self.redirect_uri.as_ref().filter(|asked| !asked.altered)?;
        let is_added = matches!(client.source, oauth_clients::client::ClientSource::Added);
        let is_new = client
            .redirect_uris
            .iter()
            .all(|uri| uri.as_str() != asked.text);
        let is_safe = RedirectUri::register(&asked.text, schemes).is_ok();
        (is_added && is_new && is_safe).then(|| asked.text.clone())
    }
}

/// The first redirect URI that is unacceptable, or else the first.
fn culprit<'a>(uris: &'a Value, schemes: &PrivateSchemes) -> Option<&'a str> {
    let uris = || uris.as_array().into_iter().flatten();
    let uris = || uris().filter_map(Value::as_str);
    let refused = uris().find(|uri| RedirectUri::register(uri, schemes).is_err());
    refused.or_else(|| uris().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misleads_is_left_out_and_what_is_long_is_cut() {
        let of = |text: &str| RequestedText::of(text).map(|asked| (asked.text, asked.altered));
        assert_eq!(of(""), None);
        assert_eq!(
            of("https://a.example/é"),
            Some(("https://a.example/é".to_owned(), false))
        );
        assert_eq!(of("a\u{202e}b\nc\u{200b}"), Some(("abc".to_owned(), true)));
        assert_eq!(of("\u{200b}"), Some((String::new(), true)));
        assert_eq!(
            of(&"x".repeat(LONGEST)).map(|(_, altered)| altered),
            Some(false)
        );
        assert_eq!(
            of(&"é".repeat(LONGEST + 1)).map(|(text, altered)| (text.chars().count(), altered)),
            Some((LONGEST, true))
        );
    }

    #[test]
    fn a_repeated_parameter_is_shown_with_its_values() {
        let asked = RequestedParameters::of(&Parameters::parse(
            b"resource=a&resource=b&scope=&redirect_uri=x&resource=c&resource=d",
        ));
        let text = |asked: Option<RequestedText>| asked.map(|asked| asked.text);
        assert_eq!(text(asked.resource), Some("a b c".to_owned()));
        assert_eq!(
            (text(asked.redirect_uri), text(asked.scope)),
            (Some("x".to_owned()), None)
        );
    }

    #[test]
    fn of_a_registration_the_address_at_fault_is_kept() {
        let schemes = PrivateSchemes::default();
        let of = |body: &str| {
            RequestedParameters::of_registration(body.as_bytes(), &schemes)
                .redirect_uri
                .map(|asked| asked.text)
        };
        assert_eq!(
            of(r#"{"redirect_uris": ["https://a.example/", "trams:/cb"]}"#).as_deref(),
            Some("trams:/cb")
        );
        assert_eq!(
            of(r#"{"redirect_uris": ["https://a.example/"]}"#).as_deref(),
            Some("https://a.example/")
        );
        for odd in [
            "",
            "[]",
            r#"{"redirect_uris": 7}"#,
            r#"{"redirect_uris": [7]}"#,
            "{",
        ] {
            assert_eq!(of(odd), None, "{odd}");
        }
    }
}
