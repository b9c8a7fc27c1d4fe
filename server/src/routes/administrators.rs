//! Files for administrators alone, beside their pages.

use app::{
    ErrorPage,
    pages::{AdminPage, PagePath, ReturnTo},
};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header, request::Parts};
use provider::NotAdministrator;

use crate::{extract::Service, problem};

/// Where a browser goes that may not have a file of `page`, or why it gets nothing.
pub(super) fn refused(
    service: &Service,
    parts: &Parts,
    error: NotAdministrator,
    page: AdminPage,
) -> Response {
    let place = match error {
        NotAdministrator::NotSignedIn => PagePath::Login(None),
        NotAdministrator::ConfirmFirst => PagePath::Confirm(ReturnTo::Admin(page)),
        NotAdministrator::WrongRole => {
            return problem::respond(&service.site, parts, ErrorPage::for_administrators());
        }
        NotAdministrator::Unavailable => {
            return problem::respond(&service.site, parts, ErrorPage::unavailable());
        }
    };
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, place.to_string())],
    )
        .into_response()
}
