//! `GET /admin/audit.jsonl`: the audit log for export, an event a line, oldest first.

use app::{ErrorPage, pages::AdminPage};
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderName, header, request::Parts};
use provider::{Administration, AdministrationError, AuditEntry, AuditFilter, BrowserContext};
use url::form_urlencoded;

use crate::{extract::Service, problem, routes::administrators};

/// How many events are read at once: a long log is never in memory as a whole.
const A_PAGE: usize = 500;

/// Events of `?kind=` and `?who=`, for administrators with a recent sign-in.
pub(crate) async fn export(
    State(service): State<Service>,
    Extension(browser): Extension<BrowserContext>,
    parts: Parts,
) -> Response {
    let administration = match service.provider.administrator(&browser).await {
        Ok(administration) => administration,
        Err(error) => return administrators::refused(&service, &parts, error, AdminPage::Audit),
    };
    let filter = wanted(parts.uri.query().unwrap_or_default());
    let Ok(first) = administration.audit_export(&filter, 0, A_PAGE).await else {
        return problem::respond(&service.site, &parts, ErrorPage::unavailable());
    };
    (HEADERS, lines(administration, filter, first)).into_response()
}

/// A file of lines.
const HEADERS: [(HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "application/jsonl"),
    (
        header::CONTENT_DISPOSITION,
        "attachment; filename=\"audit.jsonl\"",
    ),
];

/// The first page, and those that follow, each read when the one before it is on its way. A store
/// that fails then breaks the answer off, so that it is not taken for the whole.
fn lines(administration: Administration, filter: AuditFilter, first: Vec<AuditEntry>) -> Body {
    let rest = stream::try_unfold(next_after(&first), move |after| {
        let administration = administration.clone();
        let filter = filter.clone();
        async move {
            let Some(after) = after else { return Ok(None) };
            let page = administration.audit_export(&filter, after, A_PAGE).await?;
            let after = next_after(&page);
            Ok::<_, AdministrationError>(Some((as_lines(&page), after)))
        }
    });
    Body::from_stream(stream::once(async move { Ok(as_lines(&first)) }).chain(rest))
}

/// After which event the next page begins; `None` when this is the last.
fn next_after(page: &[AuditEntry]) -> Option<u64> {
    page.last()
        .filter(|_| page.len() == A_PAGE)
        .map(|last| last.number)
}

fn as_lines(page: &[AuditEntry]) -> Bytes {
    let mut lines = Vec::new();
    for entry in page {
        // Into memory, where writing cannot fail.
        let _ = serde_json::to_writer(&mut lines, entry);
        lines.push(b'\n');
    }
    lines.into()
}

fn wanted(query: &str) -> AuditFilter {
    app::audit_filter(|name| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let pair = pairs.find(|(own, _)| own == name);
        pair.map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oauth::Timestamp;
    use provider::Category;

    use super::*;

    #[test]
    fn a_query_says_which_events_are_wanted() {
        let filter = wanted("kind=sign_ins&who=ada%40example.com");
        assert_eq!(
            filter,
            AuditFilter {
                category: Some(Category::SignIns),
                who: Some("ada@example.com".to_owned()),
                ..AuditFilter::default()
            }
        );
        let day = wanted("from=2026-11-29&to=2026-11-30");
        let midnight = Timestamp::from_seconds(1_795_910_400);
        let two_days = Duration::from_hours(48);
        assert_eq!(
            (day.since, day.until),
            (Some(midnight), Some(midnight.after(two_days)))
        );
        for nothing in [
            "",
            "kind=&who=&from=&to=",
            "kind=x&from=yesterday&to=2026-13-01",
            "a=b&&=",
            "%ff=%00",
        ] {
            assert_eq!(wanted(nothing), AuditFilter::default(), "{nothing}");
        }
    }
}
