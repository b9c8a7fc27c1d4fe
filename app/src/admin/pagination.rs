//! Long lists: cut into pages, with addresses for each.

use leptos::prelude::*;
use provider::{PageRequest, SortOrder};
use url::form_urlencoded;

use crate::{
    admin::messages,
    components::PageQuery,
    context::PageContext,
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

/// The order of a list of which nothing is sought.
const DEFAULT_ORDER: SortOrder = SortOrder::Used;

/// A place in a list that is read from an entry on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListPlace {
    /// What is sought.
    query: String,
    /// The chosen order, where it is not the default.
    sort: Option<SortOrder>,
    /// The entry before the first row.
    after: String,
}

impl ListPlace {
    /// The place that an address names.
    pub(crate) fn of(context: &PageContext) -> Self {
        Self {
            query: context.query_decoded("q"),
            sort: chosen(&context.query_decoded("sort")),
            after: context.query_decoded("after"),
        }
    }

    /// What is sought; empty for the whole list.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// The name of the chosen order, where it is not the default.
    pub(crate) fn sort(&self) -> Option<&'static str> {
        self.sort.map(SortOrder::as_str)
    }

    /// The order of the rows: what a search finds is in the order of its names.
    pub(crate) fn order(&self) -> SortOrder {
        if self.is_search() {
            SortOrder::Name
        } else {
            self.sort.unwrap_or(DEFAULT_ORDER)
        }
    }

    /// The rows that stand there.
    pub(crate) fn wanted(&self) -> PageRequest {
        PageRequest {
            order: self.order(),
            prefix: self.query.clone(),
            after: Some(&self.after).filter(|after| !after.is_empty()).cloned(),
            limit: A_PAGE,
        }
    }

    /// Has the forms of the page lead back to this place.
    pub(crate) fn keep_in_forms(&self) {
        let query = address(&"", &self.fields());
        provide_context(PageQuery(query.trim_start_matches('?').to_owned()));
    }

    /// Its address.
    pub(crate) fn address(&self, section: AdminPage) -> String {
        address(&PagePath::Admin(section), &self.fields())
    }

    fn is_search(&self) -> bool {
        !self.query.trim().is_empty()
    }

    fn at(&self, after: &str) -> Self {
        Self {
            after: after.to_owned(),
            ..self.clone()
        }
    }

    fn sorted_by(order: SortOrder) -> Self {
        Self {
            sort: Some(order).filter(|order| *order != DEFAULT_ORDER),
            ..Self::default()
        }
    }

    fn fields(&self) -> [(&'static str, &str); 3] {
        let sort = self.sort().unwrap_or_default();
        [("q", &self.query), ("sort", sort), ("after", &self.after)]
    }
}

/// The order of an address, unless it is the default one or none.
fn chosen(sort: &str) -> Option<SortOrder> {
    SortOrder::parse(sort).filter(|order| *order != DEFAULT_ORDER)
}

/// Links to the same list in each order; none beside what a search has found. `name` is what its
/// entries are called by.
#[component]
pub(crate) fn SortLinks<'a>(
    section: AdminPage,
    place: &'a ListPlace,
    name: &'static str,
) -> impl IntoView + use<> {
    if place.is_search() {
        return None;
    }
    let current = place.order();
    let links = SortOrder::ALL.into_iter().map(|order| {
        let text = match order {
            SortOrder::Used => messages::LAST_USED_FIRST,
            SortOrder::Newest => messages::NEWEST_FIRST,
            SortOrder::Name => name,
        };
        let address = ListPlace::sorted_by(order).address(section);
        let here = (order == current).then_some("true");
        view! { <a class="link" href=address aria-current=here>{text}</a> }
    });
    Some(view! {
        <nav class="turn" aria-label=messages::SORT_BY>
            <span class="quiet" aria-hidden="true">{messages::SORT_BY}</span>
            {links.collect_view()}
        </nav>
    })
}

/// Links from a page of a list that is read from an entry on: to the first page and to the next one.
#[component]
pub(crate) fn Onward<'a>(
    section: AdminPage,
    place: &'a ListPlace,
    next: Option<String>,
) -> impl IntoView + use<> {
    let to = |after: &str| place.at(after).address(section);
    let first = (!place.after.is_empty()).then(|| to(""));
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
    fn an_order_is_kept_in_every_address_of_a_list_and_a_bad_one_is_the_default() {
        for bad in ["", "used", "Newest", "size", "newest "] {
            assert_eq!(chosen(bad), None, "{bad:?}");
        }
        let place = ListPlace {
            sort: chosen("newest"),
            ..ListPlace::default()
        };
        assert_eq!(place.order(), SortOrder::Newest);
        assert_eq!(
            place.at("0 x").address(AdminPage::Accounts),
            "/admin/accounts?sort=newest&after=0+x"
        );
        let by_use = ListPlace::sorted_by(SortOrder::Used);
        assert_eq!(by_use.address(AdminPage::Accounts), "/admin/accounts");
        let search = ListPlace {
            query: "a".to_owned(),
            ..place
        };
        assert_eq!(search.wanted().order, SortOrder::Name);
        assert_eq!(
            search.address(AdminPage::Accounts),
            "/admin/accounts?q=a&sort=newest",
            "the order comes back after the search"
        );
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
