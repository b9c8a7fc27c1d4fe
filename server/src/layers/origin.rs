//! The first of two defences against forged form posts; the form's own token is the second.

use app::ErrorPage;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, header};

use crate::{extract::Service, problem};

/// Refuses posts that do not come from a page of this server. A browser sends `Origin` with every
/// post; where something removed it, `Sec-Fetch-Site` must say the same.
pub(crate) async fn same_origin_posts(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let own = service.provider.settings().issuer.origin();
    if request.method().is_safe() || is_same_origin(request.headers(), own) {
        return next.run(request).await;
    }
    problem::respond(
        &service.site,
        &request.into_parts().0,
        ErrorPage::foreign_form(),
    )
}

fn is_same_origin(headers: &HeaderMap, own: &str) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) => origin == own,
        (None, _) => headers
            .get("sec-fetch-site")
            .is_some_and(|site| site == "same-origin"),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn accepted(headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            );
        }
        is_same_origin(&map, "https://id.example")
    }

    #[test]
    fn only_our_own_pages_may_post() {
        assert!(accepted(&[("origin", "https://id.example")]));
        assert!(accepted(&[("sec-fetch-site", "same-origin")]));
        for foreign in [
            "null",
            "",
            "https://id.example.evil",
            "http://id.example",
            "https://id.example:444",
            "https://evil",
        ] {
            assert!(!accepted(&[("origin", foreign)]), "{foreign}");
            assert!(
                !accepted(&[("origin", foreign), ("sec-fetch-site", "same-origin")]),
                "{foreign}"
            );
        }
        assert!(!accepted(&[]));
        assert!(!accepted(&[("sec-fetch-site", "same-site")]));
        assert!(!accepted(&[
            ("origin", "https://id.example"),
            ("origin", "https://evil")
        ]));
    }
}
