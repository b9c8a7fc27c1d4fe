//! How long a document may be used without asking again (R-C4, draft -02 section 5.2, RFC 9111
//! section 5.2.2).

use std::time::Duration;

/// What the document's host may ask for, at least: else every authorization would ask again.
const SHORTEST: Duration = Duration::from_mins(1);
/// And at most: a client that changed its keys or its redirect URIs is heard within a day.
const LONGEST: Duration = Duration::from_hours(24);
/// When the host says nothing.
const USUAL: Duration = Duration::from_hours(1);

/// How long an answer stays fresh that came with this `Cache-Control`, and with this `Age` in
/// seconds. `Expires` is not read: without `max-age` the usual time holds, which is short enough.
pub fn fresh_for(cache_control: Option<&str>, age: Option<&str>) -> Duration {
    let Some(directives) = cache_control else {
        return USUAL;
    };
    let mut lifetime = None;
    for directive in directives.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return SHORTEST,
            // Of two, the shorter; one that cannot be read is none at all (RFC 9111 section 4.2.1).
            "max-age" => lifetime = Some(seconds(value).min(lifetime.unwrap_or(u64::MAX))),
            _ => {}
        }
    }
    let Some(lifetime) = lifetime else {
        return USUAL;
    };
    Duration::from_secs(lifetime.saturating_sub(age.map_or(0, seconds))).clamp(SHORTEST, LONGEST)
}

/// More than the longest is as good as the longest.
fn seconds(text: &str) -> u64 {
    let digits = text.trim().trim_matches('"');
    match digits.parse() {
        Ok(seconds) => seconds,
        Err(_) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            u64::MAX
        }
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_c4_caching_follows_the_answer_within_a_minute_and_a_day() {
        for (cache_control, age, expected) in [
            (None, None, 3600),
            (Some(""), None, 3600),
            (Some("public, must-revalidate"), None, 3600),
            (Some("max-age=600"), None, 600),
            (Some("public, Max-Age=\"600\" , immutable"), None, 600),
            (Some("max-age=600, max-age=300"), None, 300),
            (Some("max-age=300, max-age=600"), None, 300),
            (Some("max-age=600"), Some("100"), 500),
            (Some("max-age=600"), Some("nonsense"), 600),
            (Some("max-age=600"), Some("1000"), 60),
            (Some("max-age=59"), None, 60),
            (Some("max-age=60"), None, 60),
            (Some("max-age=61"), None, 61),
            (Some("max-age=0"), None, 60),
            (Some("max-age=-1"), None, 60),
            (Some("max-age"), None, 60),
            (Some("no-store"), None, 60),
            (Some("max-age=600, no-cache"), None, 60),
            (Some("no-cache=\"x\", max-age=600"), None, 60),
            (Some("max-age=86400"), None, 86400),
            (Some("max-age=86401"), None, 86400),
            (Some("max-age=99999999999999999999999"), None, 86400),
        ] {
            assert_eq!(
                fresh_for(cache_control, age),
                Duration::from_secs(expected),
                "{cache_control:?} {age:?}"
            );
        }
    }
}
