//! Redirect URIs, locations and resource identifiers, held against the `url` crate.

use oauth::{
    Issuer, ProtocolError as _,
    error::{ParameterError, RedirectError, ResourceError},
    redirect::{PrivateSchemes, RedirectUri, ValidatedRedirectUri},
    resource::ResourceIdentifier,
};
use proptest::{collection::vec, prelude::*, sample::select};
use url::{Position, Url};

use crate::strategies::{LOOPBACK_HOSTS, address, assert_safe, is_plain, more_often};

/// Addresses that are safe to register.
fn safe() -> impl Strategy<Value = RedirectUri> {
    let scheme = select(vec![
        "https://",
        "http://",
        "cursor://",
        "com.example.app://",
    ]);
    let host = select(vec!["localhost", "127.0.0.1", "[::1]", "a.example"]);
    let port = select(vec!["", ":1", ":8080"]);
    let rest = select(vec![
        "",
        "/",
        "/cb",
        "/cb?x=1",
        "/cb?",
        "/cb?x=1&",
        "/cb?x",
        "?x=%26",
        "/cb?x=+%2B",
    ]);
    (scheme, host, port, rest)
        .prop_map(|(scheme, host, port, rest)| [scheme, host, port, rest].concat())
        .prop_filter_map("unsafe", |text| {
            RedirectUri::register(&text, &PrivateSchemes::default()).ok()
        })
}

/// A loopback URI apart from its port, by way of the `url` crate; `None` for any other URI.
fn without_port(text: &str) -> Option<(Url, String)> {
    let mut url = Url::parse(text).ok()?;
    let host = LOOPBACK_HOSTS
        .into_iter()
        .find(|host| url.host_str() == Some(host))?;
    let rest = text.strip_prefix("http://")?.strip_prefix(host)?;
    let tail = rest.strip_prefix(':').map_or(rest, |rest| {
        rest.trim_start_matches(|letter: char| letter.is_ascii_digit())
    });
    url.set_port(None).ok()?;
    Some((url, tail.to_owned()))
}

fn reason() -> impl Strategy<Value = RedirectError> {
    select(vec![
        RedirectError::Denied,
        RedirectError::InteractionRequired,
        ParameterError::Repeated("code_challenge").into(),
        ParameterError::Missing("response_type").into(),
        RedirectError::StateTooLong,
        RedirectError::NoGrantableScope,
        RedirectError::Resource(ResourceError::Unknown),
    ])
}

/// Judges an answer as a client reads it.
fn assert_answer(
    location: &str,
    destination: &ValidatedRedirectUri,
    state: Option<&str>,
    issuer: &Issuer,
) -> Result<Vec<(String, String)>, TestCaseError> {
    prop_assert!(location.starts_with(destination.as_str()));
    prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()));
    let url = Url::parse(location).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert!(url.fragment().is_none());
    let before =
        Url::parse(destination.as_str()).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&url[..Position::AfterPath], &before[..Position::AfterPath]);

    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let registered: Vec<(String, String)> = before.query_pairs().into_owned().collect();
    prop_assert!(pairs.starts_with(&registered), "the registered query stays");
    let all = |name: &str| {
        pairs
            .iter()
            .filter(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
    };
    prop_assert_eq!(all("iss"), vec![issuer.as_str()]);
    prop_assert_eq!(all("state"), state.into_iter().collect::<Vec<_>>());
    Ok(pairs)
}

proptest! {
    #![proptest_config(more_often(4))]

    /// T-A3.
    #[test]
    fn what_is_proved_is_registered_byte_for_byte_or_on_loopback_with_another_port(registered in vec(address(), 1..6), presented in address()) {
        let uris: Vec<RedirectUri> = registered.iter().filter_map(|text| RedirectUri::register(text, &PrivateSchemes::default()).ok()).collect();
        for presented in registered.iter().chain([&presented]) {
            let Ok(destination) = ValidatedRedirectUri::validate(&uris, presented) else {
                prop_assert!(uris.iter().all(|uri| uri.as_str() != presented), "registered, and refused");
                continue;
            };
            prop_assert_eq!(destination.as_str(), presented);
            let same = uris.iter().any(|uri| uri.as_str() == presented);
            let port_apart = without_port(presented).is_some_and(|own| uris.iter().any(|uri| without_port(uri.as_str()).as_ref() == Some(&own)));
            prop_assert!(same || port_apart, "{presented} against {uris:?}");
        }
    }

    /// R-O1: any port of a loopback address has to be accepted.
    #[test]
    fn every_port_of_a_loopback_uri_is_accepted_and_of_no_other(uri in safe(), port in 1..=u16::MAX) {
        let mut url = Url::parse(uri.as_str()).expect("a URL");
        prop_assume!(url.set_port(Some(port)).is_ok() && url.as_str() != uri.as_str());
        // The `url` crate writes the root slash and no default port; a client that was registered
        // without keeps to that.
        let tail = &uri.as_str()[uri.as_str().find("://").expect("an authority") + 3..];
        let tail = tail.find(['/', '?']).map_or("", |start| &tail[start..]);
        let presented = format!("{}://{}:{port}{tail}", url.scheme(), url.host_str().expect("a host"));
        let accepted = ValidatedRedirectUri::validate(std::slice::from_ref(&uri), &presented).is_ok();
        prop_assert_eq!(accepted, url.scheme() == "http" || presented == uri.as_str(), "{}", presented);
    }

    #[test]
    fn what_is_registered_is_safe_and_shown_as_browsers_read_it(text in address()) {
        match RedirectUri::register(&text, &PrivateSchemes::default()) {
            Err(reason) => prop_assert!(is_plain(&reason.description())),
            Ok(uri) => {
                prop_assert_eq!(uri.as_str(), &text);
                assert_safe(&text)?;
                let destination = ValidatedRedirectUri::validate(&[uri], &text).expect("registered");
                let url = Url::parse(&text).expect("a URL");
                if matches!(url.scheme(), "https" | "http") {
                    let source = Url::parse(&destination.policy_source()).expect("an origin");
                    prop_assert_eq!(source.origin(), url.origin());
                    prop_assert_eq!(destination.host().split_once("://"), None);
                    prop_assert!(destination.host().starts_with(url.host_str().expect("a host")));
                    prop_assert!(url.scheme() == "https" || destination.targets_native_app());
                } else {
                    prop_assert_eq!(destination.policy_source(), format!("{}:", url.scheme()));
                    prop_assert!(destination.targets_native_app());
                }
            }
        }
    }

    /// R-A6, R-K5, R-K13.
    #[test]
    fn an_answer_goes_to_the_destination_with_one_issuer_and_the_state_as_it_came(uri in safe(), code in any::<String>(), state in any::<Option<String>>(), reason in reason()) {
        let issuer = Issuer::parse("https://auth.example.com").expect("a valid issuer");
        let destination = ValidatedRedirectUri::validate(std::slice::from_ref(&uri), uri.as_str()).expect("registered");
        let state = state.as_deref();
        let pairs = assert_answer(destination.with_code(&code, state, &issuer).as_str(), &destination, state, &issuer)?;
        prop_assert!(pairs.contains(&("code".to_owned(), code)));
        let pairs = assert_answer(destination.with_error(&reason, state, &issuer).as_str(), &destination, state, &issuer)?;
        let of = |name: &str| pairs.iter().filter(|(own, _)| own == name).map(|(_, value)| value.clone()).collect::<Vec<_>>();
        prop_assert_eq!(of("error"), vec![reason.code().as_str().to_owned()]);
        prop_assert_eq!(of("error_description"), vec![reason.description()]);
        prop_assert!(is_plain(&reason.description()));
        prop_assert!(of("code").is_empty());
    }

    /// R-A17.
    #[test]
    fn the_canonical_spelling_of_a_resource_is_its_own_and_leads_to_the_same_place(text in address()) {
        if let Some(identifier) = ResourceIdentifier::parse(&text) {
            prop_assert_eq!(ResourceIdentifier::parse(identifier.as_str()), Some(identifier.clone()));
            let given = Url::parse(&text).expect("a URL");
let canonical = Url::parse(identifier.as_str()).expect("a URL");
            prop_assert_eq!(&given, &canonical);
            prop_assert!(given.fragment().is_none() && given.username().is_empty() && given.password().is_none());
            prop_assert_eq!(&canonical[Position::BeforeHost..Position::AfterPort], identifier.host());
            prop_assert!(identifier.path().is_empty() || identifier.path().starts_with('/'));
            let start = format!("{}://{}{}", given.scheme(), identifier.host(), identifier.path());
            prop_assert!(identifier.as_str().starts_with(&start), "{}", identifier);
        }
    }
}
