use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use jose::JwtError;

use super::*;
use crate::client::{secret_digest, tests::client};

fn attempt(
    body: &str,
    header: Option<&str>,
    client: Option<&Client>,
) -> Result<(), ClientAuthenticationError> {
    let header = header.map(|pair| format!("Basic {}", STANDARD.encode(pair)));
    Credentials::read(&Parameters::parse(body.as_bytes()), header.as_deref())?
        .check(client)
        .map(|check| assert_eq!(check, CredentialCheck::Passed))
}

#[test]
fn a_confidential_client_needs_its_secret_in_one_place() {
    let known = client(Authentication::Secret(secret_digest("s~/1")));
    let known = Some(&known);
    assert_eq!(
        attempt("client_id=c&client_secret=s%7E%2F1", None, known),
        Ok(())
    );
    assert_eq!(attempt("", Some("c:s~/1"), known), Ok(()), "as it is");
    assert_eq!(
        attempt("", Some("c:s%7E%2F1"), known),
        Ok(()),
        "percent-encoded"
    );
    assert_eq!(
        attempt("client_id=c", Some("c:s~/1"), known),
        Ok(()),
        "the same id twice"
    );
    let refused = |by_header| Err(ClientAuthenticationError::Failed { by_header });
    assert_eq!(attempt("client_id=c", None, known), refused(false));
    assert_eq!(
        attempt("client_id=c&client_secret=", None, known),
        refused(false)
    );
    assert_eq!(
        attempt("client_id=c&client_secret=wrong", None, known),
        refused(false)
    );
    assert_eq!(attempt("", Some("c:wrong"), known), refused(true));
    assert_eq!(attempt("", Some("c:"), known), refused(true));
    assert_eq!(attempt("client_id=c", None, None), refused(false));
    assert_eq!(
        attempt("client_id=d", Some("c:s~/1"), known),
        Err(ClientAuthenticationError::SeveralMethods)
    );
    assert_eq!(
        attempt("client_secret=s", Some("c:s~/1"), known),
        Err(ClientAuthenticationError::SeveralMethods)
    );
}

#[test]
fn a_public_client_has_no_secret() {
    let known = client(Authentication::None);
    assert_eq!(attempt("client_id=c", None, Some(&known)), Ok(()));
    assert_eq!(
        attempt("client_id=c&client_secret=", None, Some(&known)),
        Ok(())
    );
    assert_eq!(
        attempt("client_id=c&client_secret=x", None, Some(&known)),
        Err(ClientAuthenticationError::SecretOfPublicClient { by_header: false })
    );
    assert_eq!(
        attempt("", Some("c:x"), Some(&known)),
        Err(ClientAuthenticationError::SecretOfPublicClient { by_header: true })
    );
}

#[test]
fn a_header_that_is_not_readable_is_refused() {
    let read = |header: &str| Credentials::read(&Parameters::default(), Some(header));
    for bad in ["", "Basic", "Basic !!!", "Bearer abc", "Basic YWJj"] {
        assert_eq!(
            read(bad),
            Err(ClientAuthenticationError::MalformedHeader),
            "{bad}"
        );
    }
    assert_eq!(
        Credentials::read(&Parameters::default(), None),
        Err(ParameterError::Missing("client_id").into())
    );
}

#[test]
fn an_id_in_the_header_is_read_as_it_is_when_the_body_repeats_it_so() {
    let header = format!("Basic {}", STANDARD.encode("a%20b:s"));
    let read = |body: &str| {
        Credentials::read(&Parameters::parse(body.as_bytes()), Some(&header))
            .map(|credentials| credentials.client_id.to_string())
    };
    assert_eq!(read(""), Ok("a b".to_owned()));
    assert_eq!(read("client_id=a+b"), Ok("a b".to_owned()));
    assert_eq!(read("client_id=a%2520b"), Ok("a%20b".to_owned()));
}

fn jwt(client_id: &str) -> String {
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let claims = format!(r#"{{"iss":"{client_id}","sub":"{client_id}"}}"#);
    format!(
        "{}.{}.{}",
        encode(r#"{"alg":"EdDSA"}"#.to_owned()),
        encode(claims),
        encode("unsigned".to_owned())
    )
}

fn with_assertion(more: &str) -> String {
    format!(
        "client_assertion={}&client_assertion_type={ASSERTION_TYPE}&{more}",
        jwt("c")
    )
}

#[test]
fn a_client_with_keys_shows_an_assertion_and_nothing_else() {
    let source = KeySource::At("https://a.example/keys.json".to_owned());
    let keys = client(Authentication::Keys(source.clone()));
    let either = client(Authentication::KeysOrNone(source.clone()));
    let read = |body: &str, header: Option<&str>| {
        Credentials::read(&Parameters::parse(body.as_bytes()), header)
    };
    let assertion = Assertion::parse(&jwt("c")).expect("an assertion");
    for body in [
        with_assertion(""),
        with_assertion("client_id=c"),
        with_assertion("client_id=c&client_secret="),
    ] {
        let credentials = read(&body, None).expect("credentials");
        assert_eq!(credentials.client_id.as_str(), "c");
        for known in [&keys, &either] {
            assert_eq!(
                credentials.check(Some(known)),
                Ok(CredentialCheck::Assertion(&assertion, &source))
            );
        }
        for other in [
            client(Authentication::None),
            client(Authentication::Secret(secret_digest(&jwt("c")))),
        ] {
            assert_eq!(
                credentials.check(Some(&other)),
                Err(ClientAuthenticationError::Failed { by_header: false })
            );
        }
        assert_eq!(
            credentials.check(None),
            Err(ClientAuthenticationError::Failed { by_header: false })
        );
    }
    let refused = |by_header| Err(ClientAuthenticationError::Failed { by_header });
    assert_eq!(
        attempt("client_id=c", None, Some(&keys)),
        refused(false),
        "keys are no choice of the moment"
    );
    assert_eq!(
        attempt("client_id=c", None, Some(&either)),
        Ok(()),
        "none is the other method"
    );
    for known in [&keys, &either] {
        assert_eq!(
            attempt("client_id=c&client_secret=s", None, Some(known)),
            refused(false)
        );
        assert_eq!(attempt("", Some("c:s"), Some(known)), refused(true));
    }
}

#[test]
fn r_o11_an_assertion_stands_alone_and_names_the_client_of_the_request() {
    let read = |body: &str, header: Option<&str>| {
        Credentials::read(&Parameters::parse(body.as_bytes()), header).err()
    };
    let basic = format!("Basic {}", STANDARD.encode("c:s"));
    assert_eq!(
        read(&with_assertion("client_secret=s"), None),
        Some(ClientAuthenticationError::SeveralMethods)
    );
    assert_eq!(
        read(&with_assertion(""), Some(&basic)),
        Some(ClientAuthenticationError::SeveralMethods)
    );
    assert_eq!(
        read(&with_assertion(""), Some("Bearer x")),
        Some(ClientAuthenticationError::SeveralMethods)
    );
    let another = AssertionError::from(AssertionFault::OtherClient).into();
    assert_eq!(read(&with_assertion("client_id=d"), None), Some(another));
    let text = jwt("c");
    for (body, reason) in [
        (
            format!("client_assertion={text}"),
            ParameterError::Missing("client_assertion_type").into(),
        ),
        (
            format!("client_assertion_type={ASSERTION_TYPE}&client_id=c"),
            ParameterError::Missing("client_assertion").into(),
        ),
        (
            format!(
                "client_assertion={text}&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
            ),
            AssertionError::from(AssertionFault::AssertionType).into(),
        ),
        (
            format!("client_assertion=x&client_assertion_type={ASSERTION_TYPE}&client_id=c"),
            AssertionError::Unreadable(JwtError::Malformed).into(),
        ),
        (
            with_assertion(&format!("client_assertion={text}")),
            ParameterError::Repeated("client_assertion").into(),
        ),
    ] {
        assert_eq!(read(&body, None), Some(reason), "{body}");
    }
    let odd = format!(
        "client_assertion={}&client_assertion_type={ASSERTION_TYPE}",
        jwt("\\u0001")
    );
    assert_eq!(
        read(&odd, None),
        Some(ClientAuthenticationError::Failed { by_header: false }),
        "no client id at all"
    );
}
