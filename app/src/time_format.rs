//! Times in words: how long ago, and exactly when.

use std::time::Duration;

use oauth::Timestamp;
use time::{
    Date, OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description,
};

use crate::messages::time::{self as time_messages, Unit};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

/// How long before `now` `then` was, in its largest whole unit: "2 hours ago".
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(then).as_secs();
    let (count, unit) = match seconds {
        0..MINUTE => return time_messages::JUST_NOW.to_owned(),
        MINUTE..HOUR => (seconds / MINUTE, Unit::Minute),
        HOUR..DAY => (seconds / HOUR, Unit::Hour),
        DAY..MONTH => (seconds / DAY, Unit::Day),
        MONTH..YEAR => (seconds / MONTH, Unit::Month),
        _ => (seconds / YEAR, Unit::Year),
    };
    time_messages::ago(count, unit)
}

/// A span that is not exceeded, in whole minutes or hours: "1 hour".
pub(crate) fn at_most(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..HOUR => time_messages::span(seconds.div_ceil(MINUTE).max(1), Unit::Minute),
        seconds => time_messages::span(seconds.div_ceil(HOUR), Unit::Hour),
    }
}

/// A time for users: "23 November 2026, 14:05 UTC". Empty for one beyond the calendar.
pub(crate) fn exactly(timestamp: Timestamp) -> String {
    calendar(timestamp)
        .and_then(|date| date.format(time_messages::EXACTLY).ok())
        .unwrap_or_default()
}

/// A time for machines (RFC 3339), as `<time datetime>` wants it.
pub(crate) fn machine_readable(timestamp: Timestamp) -> String {
    let shape = &time::format_description::well_known::Rfc3339;
    calendar(timestamp)
        .and_then(|date| date.format(shape).ok())
        .unwrap_or_default()
}

/// A day of 24 hours.
pub(crate) const A_DAY: Duration = Duration::from_secs(DAY);

/// How a day is spelled in `<input type="date">`.
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// The day of a time (UTC), as `<input type="date">` wants it.
pub(crate) fn day(timestamp: Timestamp) -> String {
    calendar(timestamp)
        .and_then(|date| date.format(DATE).ok())
        .unwrap_or_default()
}

/// When a day begins (UTC), as `<input type="date">` sends it; `None` if it is no day.
pub(crate) fn midnight(day: &str) -> Option<Timestamp> {
    let date = Date::parse(day, DATE).ok()?;
    let seconds = date.midnight().assume_utc().unix_timestamp();
    u64::try_from(seconds).ok().map(Timestamp::from_seconds)
}

fn calendar(timestamp: Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(timestamp.seconds()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ago_takes_the_largest_whole_unit() {
        let now = Timestamp::from_seconds(1_000_000_000);
        for (seconds, words) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (2 * HOUR + 10, "2 hours ago"),
            (DAY, "1 day ago"),
            (45 * DAY, "1 month ago"),
            (3 * YEAR, "3 years ago"),
        ] {
            assert_eq!(
                ago(Timestamp::from_seconds(now.seconds() - seconds), now),
                words
            );
        }
        assert_eq!(
            ago(Timestamp::from_seconds(now.seconds() + 5), now),
            "just now"
        );
    }

    #[test]
    fn a_span_is_never_made_shorter() {
        for (seconds, words) in [
            (0, "1 minute"),
            (60, "1 minute"),
            (61, "2 minutes"),
            (HOUR, "1 hour"),
            (HOUR + 1, "2 hours"),
            (DAY, "24 hours"),
        ] {
            assert_eq!(at_most(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn exact_times_name_their_zone() {
        let timestamp = Timestamp::from_seconds(1_795_442_700);
        assert_eq!(exactly(timestamp), "23 November 2026, 14:05 UTC");
        assert_eq!(machine_readable(timestamp), "2026-11-23T14:05:00Z");
        assert_eq!(exactly(Timestamp::from_seconds(u64::MAX)), "");
    }
}
