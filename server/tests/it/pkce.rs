//! PKCE with S256 only (RFC 7636, RFC 9700 section 2.1.1, R-O3, R-O4; T-B11 and T-B12).

use testkit::{
    EngineKind, QueryChange, challenge, on_both_engines,
    routed::{Browser, Callback, ISSUER, McpClient, TestServer, Tokens},
};

on_both_engines!(
    the_vector_of_rfc_7636_appendix_b_passes,
    t_b11_b12_r_o3_every_missing_repeated_or_weak_challenge_is_refused,
    t_b11_r_o4_every_missing_repeated_or_wrong_verifier_is_refused_and_consumes_nothing,
    rfc_7636_section_4_1_verifiers_have_43_to_128_unreserved_characters,
);

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const OTHER_VERIFIER: &str = "kV9wQ2mZ7rT4yB8nH1xJ6pL3sD5fG0aCeUiOqWtR-Yz";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn the_vector_of_rfc_7636_appendix_b_passes(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut client = McpClient::native(&server)
        .await
        .asking(|query| query.set("code_challenge", CHALLENGE));
    VERIFIER.clone_into(&mut client.verifier);
    client.connect(&mut Browser::of_alice(&server).await).await;
}

async fn t_b11_b12_r_o3_every_missing_repeated_or_weak_challenge_is_refused(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    let cases: [(&str, QueryChange); 17] = [
        ("no challenge and no method", |query| {
            query
                .without("code_challenge")
                .without("code_challenge_method")
        }),
        ("no challenge", |query| query.without("code_challenge")),
        ("an empty challenge", |query| {
            query.set("code_challenge", "")
        }),
        ("no method, which means plain", |query| {
            query.without("code_challenge_method")
        }),
        ("an empty method", |query| {
            query.set("code_challenge_method", "")
        }),
        ("plain", |query| {
            query
                .set("code_challenge_method", "plain")
                .set("code_challenge", VERIFIER)
        }),
        ("plain with a digest", |query| {
            query.set("code_challenge_method", "plain")
        }),
        ("s256", |query| query.set("code_challenge_method", "s256")),
        ("S256 and a space", |query| {
            query.set("code_challenge_method", "S256 ")
        }),
        ("S512", |query| query.set("code_challenge_method", "S512")),
        ("none", |query| query.set("code_challenge_method", "none")),
        ("two methods", |query| {
            query.and("code_challenge_method", "plain")
        }),
        ("the same method twice", |query| {
            query.and("code_challenge_method", "S256")
        }),
        ("two challenges", |query| {
            query.and("code_challenge", CHALLENGE)
        }),
        ("padding", |query| {
            query.set("code_challenge", &format!("{CHALLENGE}="))
        }),
        ("too short", |query| {
            query.set("code_challenge", &CHALLENGE[..42])
        }),
        ("not base64url", |query| {
            query.set("code_challenge", &CHALLENGE.replace('-', "+"))
        }),
    ];
    for (what, change) in cases {
        let asking = client.asking(change);
        let callback = Callback::read(server.get(&asking.authorize_path()).await.destination());
        assert_eq!(callback.base, client.redirect_uri, "{what}");
        assert_eq!(
            callback.query.names(),
            ["error", "error_description", "state", "iss"],
            "{what}"
        );
        assert_eq!(
            callback.query.one("error"),
            Some("invalid_request"),
            "{what}"
        );
        assert_eq!(callback.query.one("iss"), Some(ISSUER), "{what}");
        for challenge in [CHALLENGE, VERIFIER, &challenge(&client.verifier)] {
            assert!(
                !callback.query.encode().contains(challenge),
                "{what}: the challenge is repeated"
            );
        }
    }
}

async fn t_b11_r_o4_every_missing_repeated_or_wrong_verifier_is_refused_and_consumes_nothing(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let form = client.code_form(&code);
    for (what, form, error) in [
        (
            "no verifier",
            form.clone().without("code_verifier"),
            "invalid_request",
        ),
        (
            "an empty one",
            form.clone().set("code_verifier", ""),
            "invalid_request",
        ),
        (
            "twice the same",
            form.clone().and("code_verifier", &client.verifier),
            "invalid_request",
        ),
        (
            "right and wrong",
            form.clone().and("code_verifier", OTHER_VERIFIER),
            "invalid_request",
        ),
        (
            "another one",
            form.clone().set("code_verifier", OTHER_VERIFIER),
            "invalid_grant",
        ),
        (
            "the challenge",
            form.clone()
                .set("code_verifier", &challenge(&client.verifier)),
            "invalid_grant",
        ),
        (
            "another case",
            form.clone()
                .set("code_verifier", &client.verifier.to_uppercase()),
            "invalid_grant",
        ),
        (
            "a space behind",
            form.clone()
                .set("code_verifier", &format!("{} ", client.verifier)),
            "invalid_grant",
        ),
    ] {
        let refused = server.post("/token", &form).await;
        assert_eq!(refused.refused(400, error)["error"], error, "{what}");
    }
    Tokens::read(&server.post("/token", &form).await);
}

async fn rfc_7636_section_4_1_verifiers_have_43_to_128_unreserved_characters(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let native = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    let long = |last: &str| format!("{}{last}", "a".repeat(43));
    for (verifier, good) in [
        ("a".repeat(42), false),
        ("a".repeat(43), true),
        ("~".repeat(128), true),
        ("a".repeat(129), false),
        (all.to_owned(), true),
        (long("+"), false),
        (long("/"), false),
        (long("="), false),
        (long(" "), false),
        (long("\u{e9}"), false),
        (long("\0"), false),
    ] {
        // The challenge matches in every case: only the verifier's form is wrong.
        let mut client = native.asking(|query| query.set("code_challenge", &challenge(&verifier)));
        let code = browser.allow(&client).await;
        verifier.clone_into(&mut client.verifier);
        let answer = client.exchange(&code).await;
        if good {
            Tokens::read(&answer);
        } else {
            answer.refused(400, "invalid_grant");
        }
    }
}
