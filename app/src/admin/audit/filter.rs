//! Which events of the audit log a query asks for.

use oauth::Timestamp;
use provider::{AuditFilter, Category};

use crate::time_format;

/// The events that the parameters of a query name: `kind`, `who`, and the days `from` and `to`, both
/// included. What names no kind and no day is no filter.
pub fn audit_filter(value: impl Fn(&str) -> String) -> AuditFilter {
    let who = value("who").trim().to_owned();
    AuditFilter {
        category: Category::parse(&value("kind")),
        who: (!who.is_empty()).then_some(who),
        since: time_format::midnight(&value("from")),
        until: time_format::midnight(&value("to")).map(|day| day.after(time_format::A_DAY)),
    }
}

/// The parameters of a filter.
pub(super) fn fields(filter: &AuditFilter) -> [(&'static str, String); 4] {
    let day = |time: Option<Timestamp>| time.map(time_format::day).unwrap_or_default();
    let last = filter.until.map(|until| until.before(time_format::A_DAY));
    let category = filter.category.map_or("", Category::as_str);
    [
        ("kind", category.to_owned()),
        ("who", filter.who.clone().unwrap_or_default()),
        ("from", day(filter.since)),
        ("to", day(last)),
    ]
}

/// Whether the last day is before the first one.
pub(super) fn is_turned_around(filter: &AuditFilter) -> bool {
    let times = filter.since.zip(filter.until);
    times.is_some_and(|(since, until)| until <= since)
}
