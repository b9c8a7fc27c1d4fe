//! Responses of a protected route.

use std::sync::Arc;

use access_token::{
    Audience, Bearer, Challenge, Claims, KeySet, KeySetSource, Liveness, LivenessUnknown,
    RequireToken, SourceError, Verifier, system_clock,
};
use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    body::to_bytes,
    http::{HeaderMap, Request, StatusCode, header},
    routing::get,
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{ISSUER, NOON, NOTES, service, token, verifier};

const METADATA: &str = "https://notes.example/.well-known/oauth-protected-resource/mcp";

fn guarded(verifier: Verifier) -> Router {
    let challenge = Challenge::new(METADATA, &["notes:read", "notes:write"]);
    let layer = RequireToken::new(
        Arc::new(verifier),
        Arc::new(|| NOON),
        challenge,
        &["notes:read"],
    );
    let who =
        |Bearer(claims): Bearer| async move { format!("{} {}", claims.sub, claims.device_id) };
    Router::new().route("/", get(who)).layer(layer)
}

async fn ask(
    router: Router,
    query: &str,
    authorization: &[&str],
) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::get(format!("/{query}"));
    for value in authorization {
        request = request.header(header::AUTHORIZATION, *value);
    }
    let response = router
        .oneshot(request.body(Body::empty()).expect("a request"))
        .await
        .expect("an answer");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 10_000).await.expect("a body");
    (
        parts.status,
        parts.headers,
        String::from_utf8(body.to_vec()).expect("text"),
    )
}

async fn refused(authorization: &[&str]) -> (StatusCode, String, Value) {
    let (status, headers, body) = ask(guarded(verifier(&service())), "", authorization).await;
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    let challenge = headers[header::WWW_AUTHENTICATE]
        .to_str()
        .expect("text")
        .to_owned();
    (
        status,
        challenge,
        serde_json::from_str(&body).expect("JSON"),
    )
}

#[tokio::test]
async fn a_valid_token_passes_with_any_case_of_the_scheme() {
    let service = service();
    let token = token(&service, NOON, "notes:write notes:read");
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer "] {
        let (status, _, body) = ask(
            guarded(verifier(&service)),
            "",
            &[&format!("{scheme} {token}")],
        )
        .await;
        assert_eq!(
            (status, body.as_str()),
            (StatusCode::OK, "person phone"),
            "{scheme}"
        );
    }
}

#[tokio::test]
async fn r_p16_without_a_token_the_challenge_has_no_error_code() {
    let plain = format!(r#"Bearer resource_metadata="{METADATA}", scope="notes:read notes:write""#);
    for authorization in [
        &[][..],
        &["Basic dXNlcjpwYXNz"],
        &["DPoP v4.public.AAAA"],
        &["Bearerv4.public.AAAA"],
    ] {
        let (status, challenge, body) = refused(authorization).await;
        assert_eq!(
            (status, &challenge),
            (StatusCode::UNAUTHORIZED, &plain),
            "{authorization:?}"
        );
        assert!(body.get("error").is_none());
    }
}

#[tokio::test]
async fn r_p11_a_token_in_the_query_is_ignored() {
    let service = service();
    let query = format!("?access_token={}", token(&service, NOON, "notes:read"));
    let (status, headers, _) = ask(guarded(verifier(&service)), &query, &[]).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(
        !headers[header::WWW_AUTHENTICATE]
            .to_str()
            .expect("text")
            .contains("error")
    );
}

#[tokio::test]
async fn r_p7_an_invalid_token_is_401_with_the_reason() {
    let expired = token(&service(), NOON - time::Duration::HOUR, "notes:read");
    for (token, why) in [
        (expired.as_str(), "the token has expired"),
        (
            "eyJhbGciOiJub25lIn0.e30.",
            "the token is not a PASETO v4.public token",
        ),
    ] {
        let (status, challenge, body) = refused(&[&format!("Bearer {token}")]).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            challenge,
            format!(
                r#"Bearer error="invalid_token", error_description="{why}", resource_metadata="{METADATA}", scope="notes:read notes:write""#
            )
        );
        assert_eq!(
            body,
            json!({ "error": "invalid_token", "error_description": why })
        );
    }
}

#[tokio::test]
async fn r_p7_a_malformed_header_is_400() {
    let good = format!("Bearer {}", token(&service(), NOON, "notes:read"));
    let cases: [&[&str]; 7] = [
        &[&good, &good],
        &[&good, "Basic dXNlcjpwYXNz"],
        &["Bearer"],
        &["Bearer "],
        &["Bearer two words"],
        &["Bearer a,b"],
        &["Bearer =="],
    ];
    for authorization in cases {
        let (status, challenge, body) = refused(authorization).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{authorization:?}");
        assert!(
            challenge.starts_with(r#"Bearer error="invalid_request""#),
            "{challenge}"
        );
        assert_eq!(body["error"], "invalid_request");
    }
}

#[tokio::test]
async fn r_p8_a_missing_scope_is_403_with_every_scope_needed() {
    let token = token(&service(), NOON, "notes:write");
    let (status, challenge, body) = refused(&[&format!("Bearer {token}")]).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(
        challenge,
        format!(
            r#"Bearer error="insufficient_scope", error_description="the token does not permit this", resource_metadata="{METADATA}", scope="notes:read""#
        )
    );
    assert_eq!(body["error"], "insufficient_scope");

    let own = Challenge::new(METADATA, &[]).insufficient_scope(&["notes:read", "notes:write"]);
    assert_eq!(own.status(), StatusCode::FORBIDDEN);
    let challenge = own.headers()[header::WWW_AUTHENTICATE]
        .to_str()
        .expect("text");
    assert!(
        challenge.ends_with(r#"scope="notes:read notes:write""#),
        "{challenge}"
    );
}

struct Down;

#[async_trait]
impl KeySetSource for Down {
    async fn fetch(&self) -> Result<KeySet, SourceError> {
        Err(SourceError("down".into()))
    }
}

#[tokio::test]
async fn without_keys_the_answer_is_503_and_no_challenge() {
    let without_keys = Verifier::new(
        ISSUER.into(),
        Audience::Exactly(NOTES.into()),
        Arc::new(Down),
    );
    let authorization = format!("Bearer {}", token(&service(), NOON, "notes:read"));
    let (status, headers, body) = ask(guarded(without_keys), "", &[&authorization]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(headers[header::RETRY_AFTER], "5");
    assert!(!headers.contains_key(header::WWW_AUTHENTICATE));
    assert!(
        body.contains("temporarily_unavailable") && !body.contains("down"),
        "{body}"
    );
}

#[tokio::test]
async fn a_route_without_the_layer_answers_500() {
    let bare = Router::new().route("/", get(|Bearer(_): Bearer| async { "in" }));
    assert_eq!(
        ask(bare, "", &["Bearer x"]).await.0,
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

#[test]
fn the_system_clock_runs() {
    let clock = system_clock();
    assert!(clock() > NOON - time::Duration::DAY * 365);
}

/// The valid grant. An empty name makes the check of `grant` fail.
struct Grants(&'static str);

#[async_trait]
impl Liveness for Grants {
    async fn is_live(&self, claims: &Claims) -> Result<bool, LivenessUnknown> {
        match claims.grant.as_deref() {
            Some("grant") if self.0.is_empty() => {
                Err(LivenessUnknown("the store is away".to_owned()))
            }
            grant => Ok(grant == Some(self.0)),
        }
    }
}

#[tokio::test]
async fn a_layer_with_liveness_refuses_a_revoked_grant_at_once() {
    let service = service();
    let authorization = format!("Bearer {}", token(&service, NOON, "notes:read"));
    let narrow = format!("Bearer {}", token(&service, NOON, ""));
    let layer = || {
        let challenge = Challenge::new(METADATA, &["notes:read"]);
        RequireToken::new(
            Arc::new(verifier(&service)),
            Arc::new(|| NOON),
            challenge,
            &["notes:read"],
        )
    };
    let ask = async |layer: RequireToken, authorization: &str| {
        let (status, headers, body) = ask(
            Router::new().route("/", get(async || "in")).layer(layer),
            "",
            &[authorization],
        )
        .await;
        (
            status.as_u16(),
            headers.get(header::WWW_AUTHENTICATE).is_some(),
            body,
        )
    };
    assert_eq!(ask(layer(), &authorization).await.0, 200);
    assert_eq!(
        ask(layer().asking(Arc::new(Grants("grant"))), &authorization)
            .await
            .0,
        200
    );
    for authorization in [&authorization, &narrow] {
        let (status, challenged, body) =
            ask(layer().asking(Arc::new(Grants("another"))), authorization).await;
        assert_eq!((status, challenged), (401, true));
        assert!(
            body.contains(r#""error":"invalid_token""#) && body.contains("has ended"),
            "{body}"
        );
        let (status, challenged, body) =
            ask(layer().asking(Arc::new(Grants(""))), authorization).await;
        assert_eq!(
            (status, challenged),
            (503, false),
            "a client must not discard its token"
        );
        assert!(
            body.contains("temporarily_unavailable") && !body.contains("the store is away"),
            "{body}"
        );
    }
}
