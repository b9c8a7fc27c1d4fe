//! Long lists: cut into pages, with addresses for each.

use leptos::prelude::*;
use provider::{PageRequest, SortOrder};
use url::form_urlencoded;

use crate::{
    admin::messages,
    pages::{AdminPage, PagePath},
};

/// How many rows stand on a page.
pub(crate) const A_PAGE: usize = 50;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    /// Its rows.
    pub(crate) rows: Vec<T>,
    /// How many there are before it.
    before: usize,
    /// How many there are altogether.
    all: usize,
}

impl<T> Page<T> {
    /// The page of this number, from 1; the first or the last one for a number outside of the list.
    pub(crate) fn cut(rows: Vec<T>, number: &str) -> Self {
        let all = rows.len();
        let last = all.div_ceil(A_PAGE).max(1);
        let before = (number.parse().unwrap_or(1).clamp(1, last) - 1) * A_PAGE;
        Self {
            rows: rows.into_iter().skip(before).take(A_PAGE).collect(),
            before,
            all,
        }
    }

    /// Where else there is to go from here.
    pub(crate) const fn position(&self) -> Position {
        Position {
            before: self.before,
            rows: self.rows.len(),
            all: self.all,
        }
    }
}

/// Where a page lies in its list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    before: usize,
    rows: usize,
    all: usize,
}

/// Links to the pages beside this one, where there are any.
#[component]
pub(crate) fn Pagination<'a>(
    section: AdminPage,
    query: &'a str,
    position: Position,
) -> impl IntoView + use<> {
    let Position { before, rows, all } = position;
    if all <= A_PAGE {
        return None;
    }
    let number = before / A_PAGE + 1;
    let to = |number: usize| {
        address(
            &PagePath::Admin(section),
            &[("q", query), ("page", &number.to_string())],
        )
    };
    let (previous, next) = (
        (before > 0).then(|| to(number - 1)),
        (before + rows < all).then(|| to(number + 1)),
    );
    Some(view! {
        <nav class="turn" aria-label=messages::PAGES>
            <span class="quiet">{messages::place_in_list(before + 1, before + rows, all)}</span>
            {previous.map(|address| view! { <a class="link" href=address rel="prev">{messages::PREVIOUS}</a> })}
            {next.map(|address| view! { <a class="link" href=address rel="next">{messages::NEXT}</a> })}
        </nav>
    })
}

/// The page of a list that is read from an entry on, with what is sought.
pub(crate) fn wanted_page(query: &str, after: &str) -> PageRequest {
    PageRequest {
        order: SortOrder::Name,
        prefix: query.to_owned(),
        after: Some(after.to_owned()).filter(|after| !after.is_empty()),
        limit: A_PAGE,
    }
}

/// Links from a page of a list that is read from an entry on: to the first page and to the next one.
#[component]
pub(crate) fn Onward<'a>(
    section: AdminPage,
    query: &'a str,
    after: &'a str,
    next: Option<String>,
) -> impl IntoView + use<> {
    let to = |after: &str| address(&PagePath::Admin(section), &[("q", query), ("after", after)]);
    let first = (!after.is_empty()).then(|| to(""));
    let next = next.map(|next| to(&next));
    if first.is_none() && next.is_none() {
        return None;
    }
    Some(view! {
        <nav class="turn" aria-label=messages::PAGES>
            {first.map(|address| view! { <a class="link" href=address rel="first">{messages::FIRST}</a> })}
            {next.map(|address| view! { <a class="link" href=address rel="next">{messages::NEXT}</a> })}
        </nav>
    })
}

/// The address of a page of this server with the fields that are not empty.
pub(crate) fn address(place: &impl ToString, fields: &[(&str, &str)]) -> String {
    let said = fields.iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(said)
        .finish();
    if query.is_empty() {
        place.to_string()
    } else {
        format!("{}?{query}", place.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_into_pages() {
        let cut = |count: usize, number| {
            let Page { rows, before, all } = Page::cut((0..count).collect(), number);
            (rows.len(), before, all)
        };
        assert_eq!(cut(0, ""), (0, 0, 0));
        assert_eq!(cut(50, "1"), (50, 0, 50));
        assert_eq!(cut(51, "2"), (1, 50, 51));
        for odd in ["", "0", "-1", "x", "1"] {
            assert_eq!(cut(120, odd), (50, 0, 120), "{odd:?}");
        }
        assert_eq!(cut(120, "99999999999"), (20, 100, 120));
    }

    #[test]
    fn an_address_holds_whatever_is_sought() {
        let place = PagePath::Admin(AdminPage::Accounts);
        assert_eq!(
            address(&place, &[("q", ""), ("page", "")]),
            "/admin/accounts"
        );
        assert_eq!(
            address(&place, &[("q", "a&page=9 \"é"), ("page", "2")]),
            "/admin/accounts?q=a%26page%3D9+%22%C3%A9&page=2"
        );
    }
}
