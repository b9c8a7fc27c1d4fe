//! Ending tokens and asking about them: revocation (RFC 7009) and introspection (RFC 7662).

use oauth::{
    error::ParameterError,
    parameters::Parameters,
    resource::{Resource, ResourceIdentifier},
};
use primitives::Secret;

use crate::{
    authentication::Credentials,
    error::{ClientAuthenticationError, IntrospectionError},
};

const SECRET_PREFIX: &str = "vis_";

/// The token that a revocation or an introspection is about. `token_type_hint` does not count: a
/// token says itself what it is.
///
/// # Errors
/// [`ParameterError::Missing`] or [`ParameterError::Repeated`].
pub fn token(parameters: &Parameters) -> Result<&str, ParameterError> {
    parameters.required("token")
}

/// The text of a new introspection secret, in characters that need no escaping in any place a
/// resource may put it.
pub fn secret_text(secret: &Secret) -> String {
    format!("{SECRET_PREFIX}{}", secret.encode())
}

/// The resource that asks (RFC 7662 section 2.1): it has a secret and shows it, by Basic or in the
/// body, under its id or its identifier.
///
/// # Errors
/// [`IntrospectionError::AuthenticationFailed`] for whatever is wrong, except for credentials in two
/// places.
pub fn caller<'a>(
    resources: &'a [Resource],
    parameters: &Parameters,
    authorization: Option<&str>,
) -> Result<&'a Resource, IntrospectionError> {
    let credentials =
        Credentials::read(parameters, authorization).map_err(|error| match error {
            ClientAuthenticationError::SeveralMethods => IntrospectionError::SeveralMethods,
            ClientAuthenticationError::Parameter(ParameterError::Repeated(name)) => {
                ParameterError::Repeated(name).into()
            }
            ClientAuthenticationError::Parameter(ParameterError::Missing(_))
            | ClientAuthenticationError::MalformedHeader
            | ClientAuthenticationError::Failed { .. }
            | ClientAuthenticationError::SecretOfPublicClient { .. }
            | ClientAuthenticationError::Assertion(_) => IntrospectionError::AuthenticationFailed,
        })?;
    let name: &str = &credentials.client_id;
    let identifier = ResourceIdentifier::parse(name);
    let is_meant = |resource: &&Resource| {
        resource.id.as_deref() == Some(name) || Some(&resource.identifier) == identifier.as_ref()
    };
    let resource = resources.iter().find(is_meant);
    resource
        .filter(|resource| {
            resource
                .introspection_secret
                .as_ref()
                .is_some_and(|digest| credentials.matches_secret(digest))
        })
        .ok_or(IntrospectionError::AuthenticationFailed)
}

/// Who a caller says it is, which proves nothing. A text in the wrong place is no identifier: of
/// Basic credentials that cannot be read, nothing is told.
pub fn claimed(parameters: &Parameters, authorization: Option<&str>) -> Option<String> {
    let read = Credentials::read(parameters, authorization)
        .ok()
        .map(|credentials| credentials.client_id.into());
    read.or_else(|| {
        parameters
            .one("client_id")
            .ok()
            .flatten()
            .map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use crate::client::secret_digest;

    fn resources() -> [Resource; 2] {
        let resource = |identifier: &str, secret: Option<&str>| Resource {
            introspection_secret: secret.map(secret_digest),
            ..Resource::new(
                ResourceIdentifier::parse(identifier).expect("a valid identifier"),
                "Notes".to_owned(),
                Vec::new(),
            )
        };
        [
            resource("https://a.example/mcp", Some("vis_a:1~/")),
            resource("https://b.example", None),
        ]
    }

    fn asking(body: &str, header: Option<&str>) -> Result<String, IntrospectionError> {
        let header = header.map(|pair| format!("Basic {}", STANDARD.encode(pair)));
        let resources = resources();
        let caller = caller(
            &resources,
            &Parameters::parse(body.as_bytes()),
            header.as_deref(),
        )?;
        Ok(caller.identifier.as_str().to_owned())
    }

    #[test]
    fn the_claimed_identity_is_what_the_caller_wrote_where_it_can_be_read() {
        let told =
            |body: &str, header: Option<&str>| claimed(&Parameters::parse(body.as_bytes()), header);
        let header = format!("Basic {}", STANDARD.encode("a:b"));
        assert_eq!(told("", Some(&header)).as_deref(), Some("a"));
        assert_eq!(told("client_id=c", None).as_deref(), Some("c"));
        assert_eq!(told("client_id=c&client_id=d", None), None);
        assert_eq!(told("", Some("Basic ?")), None);
    }

    #[test]
    fn a_resource_shows_its_secret_under_its_identifier() {
        let own = Ok("https://a.example/mcp".to_owned());
        assert_eq!(
            asking("", Some("https%3A%2F%2Fa.example%2Fmcp:vis_a:1~/")),
            own
        );
        assert_eq!(
            asking(
                "",
                Some("https%3A%2F%2FA.example%3A443%2Fmcp:vis_a%3A1%7E%2F")
            ),
            own,
            "encoded, and as forgiving"
        );
        assert_eq!(
            asking(
                "client_id=https://a.example/mcp&client_secret=vis_a:1~/",
                None
            ),
            own
        );
        for (body, header) in [
            ("", None),
            ("", Some("https%3A%2F%2Fa.example%2Fmcp:")),
            ("", Some("https%3A%2F%2Fa.example%2Fmcp:vis_b")),
            ("", Some("https%3A%2F%2Fa.example%2Fother:vis_a:1~/")),
            ("", Some("https%3A%2F%2Fb.example:vis_a:1~/")),
            ("", Some("https%3A%2F%2Fb.example:")),
            ("", Some("https://a.example/mcp:vis_a:1~/")),
            ("", Some("vc_client:vcs_secret")),
            ("client_id=https://a.example/mcp", None),
            ("client_id=https://b.example&client_secret=", None),
            ("client_secret=vis_a:1~/", None),
        ] {
            assert_eq!(
                asking(body, header),
                Err(IntrospectionError::AuthenticationFailed),
                "{body} {header:?}"
            );
        }
        let two = asking(
            "client_secret=vis_a:1~/",
            Some("https%3A%2F%2Fa.example%2Fmcp:vis_a:1~/"),
        );
        assert_eq!(two, Err(IntrospectionError::SeveralMethods));
        assert_eq!(
            asking("client_id=a&client_id=a", None),
            Err(ParameterError::Repeated("client_id").into())
        );
    }

    #[test]
    fn one_token_is_meant_whatever_the_hint() {
        let read = |body: &str| token(&Parameters::parse(body.as_bytes())).map(str::to_owned);
        assert_eq!(read("token=t"), Ok("t".to_owned()));
        assert_eq!(read("token=t&token_type_hint=anything"), Ok("t".to_owned()));
        assert_eq!(read("token="), Err(ParameterError::Missing("token")));
        assert_eq!(
            read("token=t&token=t"),
            Err(ParameterError::Repeated("token"))
        );
    }

    #[test]
    fn a_secret_needs_no_escaping() {
        let text = secret_text(&Secret::new([255; 32]));
        assert!(
            text.starts_with("vis_")
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        );
    }
}
