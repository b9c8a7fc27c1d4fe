use std::sync::LazyLock;

use super::*;
use crate::{
    error::{ParameterError, ResourceError},
    redirect::{PrivateSchemes, RedirectUri},
    resource::ScopeDescription,
};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT_URI: &str = "http://127.0.0.1:5000/cb";

/// How far a request came.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// A local page.
    Here(LocalError),
    /// A redirect to the client, with this state.
    There(RedirectError, Option<String>),
    Valid(AuthorizationRequest),
}

static REDIRECT_URIS: LazyLock<[RedirectUri; 1]> = LazyLock::new(|| {
    let uri = RedirectUri::register("http://127.0.0.1/cb", &PrivateSchemes::default());
    [uri.expect("a safe redirect URI")]
});

static CLIENT: LazyLock<ClientId> = LazyLock::new(|| ClientId::of("vc_client"));

fn client() -> ClientProfile<'static> {
    ClientProfile {
        id: &CLIENT,
        redirect_uris: &*REDIRECT_URIS,
        may_refresh: true,
    }
}

fn resource(identifier: &str) -> Resource {
    let scope = |name: &str, default| ScopeDescription {
        name: name.to_owned(),
        sentence: String::new(),
        default,
    };
    Resource::new(
        ResourceIdentifier::parse(identifier).expect("a valid identifier"),
        "Notes".to_owned(),
        vec![scope("read", true), scope("write", false)],
    )
}

/// A good request, apart from `changes`: each replaces every parameter of its name, by nothing
/// when the value is absent.
fn query(changes: &[(&str, Option<&str>)]) -> Parameters {
    let good = [
        ("client_id", "vc_client"),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("state", "s t"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", "https://notes.example/mcp"),
        ("scope", "read"),
    ];
    let kept = good
        .into_iter()
        .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let new = changes
        .iter()
        .filter_map(|(name, value)| value.map(|value| (*name, value)));
    Parameters::parse(
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept.chain(new))
            .finish()
            .as_bytes(),
    )
}

/// The three steps as a server takes them.
fn outcome(changes: &[(&str, Option<&str>)]) -> Outcome {
    let parameters = query(changes);
    let known = client();
    match client_id(&parameters) {
        Err(reason) => return Outcome::Here(reason),
        Ok(id) if id != *known.id => return Outcome::Here(LocalError::UnknownClient),
        Ok(_) => {}
    }
    let destination = match destination(&parameters, known) {
        Err(reason) => return Outcome::Here(reason),
        Ok(destination) => destination,
    };
    let resources = [
        resource("https://notes.example/mcp"),
        resource("https://other.example"),
    ];
    match validate(&parameters, known, &destination, &resources, None) {
        Err(reason) => Outcome::There(reason, state(&parameters).map(str::to_owned)),
        Ok(request) => Outcome::Valid(request),
    }
}

fn valid_request(changes: &[(&str, Option<&str>)]) -> AuthorizationRequest {
    match outcome(changes) {
        Outcome::Valid(request) => request,
        other => panic!("{changes:?}: {other:?}"),
    }
}

#[test]
fn a_good_request_is_admitted_as_it_was_made() {
    let request = valid_request(&[]);
    assert_eq!(request.client_id, *CLIENT);
    assert_eq!(request.redirect_uri, REDIRECT_URI);
    assert_eq!(request.state.as_deref(), Some("s t"));
    assert_eq!(request.resource.as_str(), "https://notes.example/mcp");
    assert_eq!(request.scopes.to_string(), "read");
    assert_eq!(
        request
            .challenge
            .check("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        Ok(())
    );
}

#[test]
fn r_o2_t_a7_until_client_and_redirect_uri_are_proved_every_fault_stays_here() {
    let long = "x".repeat(2049);
    for (name, value, reason) in [
        (
            "client_id",
            None,
            ParameterError::Missing("client_id").into(),
        ),
        (
            "client_id",
            Some(""),
            ParameterError::Missing("client_id").into(),
        ),
        ("client_id", Some("vc_other"), LocalError::UnknownClient),
        ("client_id", Some("vc_client\n"), LocalError::UnknownClient),
        ("client_id", Some("vc_clié"), LocalError::UnknownClient),
        ("client_id", Some(&long), LocalError::UnknownClient),
        (
            "redirect_uri",
            None,
            ParameterError::Missing("redirect_uri").into(),
        ),
        (
            "redirect_uri",
            Some(""),
            ParameterError::Missing("redirect_uri").into(),
        ),
        (
            "redirect_uri",
            Some("http://127.0.0.1:5000/other"),
            LocalError::UnregisteredRedirectUri,
        ),
        (
            "redirect_uri",
            Some("https://evil.example/cb"),
            LocalError::UnregisteredRedirectUri,
        ),
    ] {
        // With faults behind it that would be told to a client.
        let changes = [
            (name, value),
            ("response_type", None),
            ("prompt", Some("none")),
            ("scope", Some("nothing")),
        ];
        assert_eq!(outcome(&changes), Outcome::Here(reason), "{name}={value:?}");
    }
}

#[test]
fn a_state_that_is_too_long_is_told_the_limit() {
    for words in [
        LocalError::StateTooLong.to_string(),
        RedirectError::StateTooLong.to_string(),
    ] {
        assert!(words.contains(&format!(" {LONGEST_STATE} ")), "{words}");
    }
}

#[test]
fn a_client_id_may_have_2048_characters_and_blanks() {
    for id in ["x".repeat(2048), "a b".to_owned()] {
        let parameters = query(&[("client_id", Some(&id))]);
        assert_eq!(client_id(&parameters), Ok(ClientId::Registered(id)));
    }
}

#[test]
fn afterwards_every_fault_goes_to_the_client_with_its_state() {
    for (name, value, reason) in [
        (
            "response_type",
            None,
            ParameterError::Missing("response_type").into(),
        ),
        (
            "response_type",
            Some("token"),
            RedirectError::UnsupportedResponseType,
        ),
        (
            "response_type",
            Some("code token"),
            RedirectError::UnsupportedResponseType,
        ),
        (
            "response_mode",
            Some("fragment"),
            RedirectError::UnsupportedResponseMode,
        ),
        (
            "response_mode",
            Some("form_post"),
            RedirectError::UnsupportedResponseMode,
        ),
        (
            "code_challenge",
            None,
            ParameterError::Missing("code_challenge").into(),
        ),
        (
            "code_challenge",
            Some(""),
            ParameterError::Missing("code_challenge").into(),
        ),
        (
            "code_challenge",
            Some("short"),
            RedirectError::MalformedChallenge,
        ),
        (
            "code_challenge_method",
            None,
            RedirectError::UnsupportedChallengeMethod,
        ),
        (
            "code_challenge_method",
            Some("plain"),
            RedirectError::UnsupportedChallengeMethod,
        ),
        (
            "resource",
            Some("https://unknown.example/mcp"),
            RedirectError::Resource(ResourceError::Unknown),
        ),
        (
            "resource",
            Some("nonsense"),
            RedirectError::Resource(ResourceError::Unknown),
        ),
        (
            "resource",
            None,
            RedirectError::Resource(ResourceError::Missing),
        ),
        (
            "scope",
            Some("openid profile"),
            RedirectError::NoGrantableScope,
        ),
        (
            "prompt",
            Some("none login"),
            RedirectError::PromptNoneWithOthers,
        ),
    ] {
        assert_eq!(
            outcome(&[(name, value)]),
            Outcome::There(reason, Some("s t".to_owned())),
            "{name}={value:?}"
        );
    }
}

#[test]
fn a_state_comes_back_whole_or_the_fault_stays_here() {
    for state in ["x".repeat(8 * 1024), "é".repeat(4 * 1024)] {
        assert_eq!(valid_request(&[("state", Some(&state))]).state, Some(state));
    }
    for state in ["x".repeat(8 * 1024 + 1), "é".repeat(8 * 1024)] {
        let there = Outcome::There(RedirectError::StateTooLong, Some(state.clone()));
        assert_eq!(
            outcome(&[("state", Some(&state))]),
            there,
            "{} bytes",
            state.len()
        );
    }
    let endless = "x".repeat(16 * 1024 + 1);
    assert_eq!(
        outcome(&[("state", Some(&endless))]),
        Outcome::Here(LocalError::StateTooLong)
    );
    assert_eq!(
        outcome(&[
            ("state", Some(&endless)),
            ("redirect_uri", Some("https://evil.example/cb"))
        ]),
        Outcome::Here(LocalError::UnregisteredRedirectUri)
    );
}

#[test]
fn r_o18_a_request_without_questions_has_to_be_good_before_anything_else_counts() {
    assert_eq!(
        valid_request(&[("prompt", Some("none"))]).prompt,
        Prompt::None
    );
    for (name, value, reason) in [
        (
            "code_challenge",
            None,
            ParameterError::Missing("code_challenge").into(),
        ),
        (
            "resource",
            Some("nonsense"),
            RedirectError::Resource(ResourceError::Unknown),
        ),
        ("scope", Some("openid"), RedirectError::NoGrantableScope),
    ] {
        assert_eq!(
            outcome(&[("prompt", Some("none")), (name, value)]),
            Outcome::There(reason, Some("s t".to_owned())),
            "{name}"
        );
    }
}

#[test]
fn r_o5_no_parameter_may_come_twice() {
    let twice = |name, value| outcome(&[(name, Some(value)), (name, Some(value))]);
    for (name, value) in [("client_id", "vc_client"), ("redirect_uri", REDIRECT_URI)] {
        assert_eq!(
            twice(name, value),
            Outcome::Here(ParameterError::Repeated(name).into())
        );
    }
    for (name, value) in [
        ("response_type", "code"),
        ("response_mode", "query"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("scope", "read"),
        ("prompt", "consent"),
    ] {
        assert_eq!(
            twice(name, value),
            Outcome::There(
                ParameterError::Repeated(name).into(),
                Some("s t".to_owned())
            )
        );
    }
    assert_eq!(
        twice("state", "s"),
        Outcome::There(ParameterError::Repeated("state").into(), None)
    );
    // A second resource is legal in RFC 8707. The same one again counts once, another is beyond
    // what a token here is for.
    assert_eq!(
        twice("resource", "https://notes.example/mcp"),
        Outcome::Valid(valid_request(&[]))
    );
    let changes = [
        ("resource", Some("https://notes.example/mcp")),
        ("resource", Some("https://other.example")),
    ];
    assert_eq!(
        outcome(&changes),
        Outcome::There(
            RedirectError::Resource(ResourceError::Several),
            Some("s t".to_owned())
        )
    );
    // What is not known here is nobody's fault.
    assert!(matches!(twice("ui_locales", "en"), Outcome::Valid(_)));
}

#[test]
fn r_o5_an_empty_parameter_is_an_omitted_one() {
    assert_eq!(
        valid_request(&[("response_mode", Some(""))]),
        valid_request(&[])
    );
    assert_eq!(valid_request(&[("prompt", Some(""))]), valid_request(&[]));
    assert_eq!(valid_request(&[("state", Some(""))]).state, None);
    assert_eq!(
        valid_request(&[("scope", Some(""))]).scopes.to_string(),
        "read"
    );
    assert_eq!(
        outcome(&[("resource", Some(""))]),
        outcome(&[("resource", None)])
    );
    assert_eq!(
        outcome(&[("response_type", Some(""))]),
        outcome(&[("response_type", None)])
    );
    assert_eq!(
        outcome(&[("code_challenge_method", Some(""))]),
        outcome(&[("code_challenge_method", None)])
    );
}

#[test]
fn what_is_supported_passes() {
    assert_eq!(
        valid_request(&[("response_mode", Some("query"))]),
        valid_request(&[])
    );
    for (text, sign_in, consent) in [
        ("consent", false, true),
        ("login", true, false),
        ("create", false, false),
    ] {
        let prompt = Prompt::Ask { sign_in, consent };
        assert_eq!(
            valid_request(&[("prompt", Some(text))]),
            AuthorizationRequest {
                prompt,
                ..valid_request(&[])
            }
        );
    }
    assert_eq!(valid_request(&[("state", None)]).state, None);
    assert_eq!(valid_request(&[("scope", None)]).scopes.to_string(), "read");
    assert_eq!(
        valid_request(&[("scope", Some("openid write"))])
            .scopes
            .to_string(),
        "write"
    );
    assert_eq!(
        valid_request(&[("resource", Some("HTTPS://Other.example:443/"))])
            .resource
            .as_str(),
        "https://other.example"
    );
}

#[test]
fn r_k6_the_only_resource_need_not_be_named() {
    let parameters = query(&[("resource", None)]);
    let destination = destination(&parameters, client()).expect("a registered redirect URI");
    let request = validate(
        &parameters,
        client(),
        &destination,
        &[resource("https://notes.example/mcp")],
        None,
    );
    assert_eq!(
        request.map(|request| request.resource.as_str().to_owned()),
        Ok("https://notes.example/mcp".to_owned())
    );
}
