//! Times in words.

use time::{format_description::BorrowedFormatItem, macros::format_description};

/// The moment for users: "23 November 2026, 14:05 UTC".
pub(crate) const EXACTLY: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");

/// Less than a minute ago.
pub(crate) const JUST_NOW: &str = "just now";

/// A whole unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Minute,
    Hour,
    Day,
    Month,
    Year,
}

/// "2 hours ago".
pub(crate) fn ago(count: u64, unit: Unit) -> String {
    format!("{} ago", span(count, unit))
}

/// "1 hour", "2 hours".
pub(crate) fn span(count: u64, unit: Unit) -> String {
    let name = match unit {
        Unit::Minute => "minute",
        Unit::Hour => "hour",
        Unit::Day => "day",
        Unit::Month => "month",
        Unit::Year => "year",
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}
